"""A fault of the machine while a message is judged: nothing is kept, and the message is taken when it comes again."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.compose import posting, refusal
from mailgate.process import bounds
from mailgate.routing import decide
from mailgate.routing import facts as reading

OF_MACHINE = [OSError(24, "Too many open files"), ImportError("no module"), LookupError("unknown encoding: x")]


def failing(error: Exception) -> Callable[..., object]:
    def fails(*_: object, **__: object) -> object:
        raise error

    return fails


@pytest.mark.parametrize("error", OF_MACHINE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("module", "name"), [(reading, "read"), (reading, "placed"), (decide, "decide")])
def test_mail_is_deferred(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, error: Exception, module: object, name: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing(error))
        with pytest.raises(type(error)):
            gateway(mail(), "info@example.com")
    assert (gateway.messages(), gateway.held()) == ([], [])
    gateway(mail(), "info@example.com")
    assert gateway.records() == ["crm.lead/1"]


@pytest.mark.parametrize(
    "error", [KeyError("x"), IndexError("x"), ValueError("x")], ids=lambda each: type(each).__name__
)
def test_a_mistake_of_ours_holds(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(decide, "decide", failing(error))
    gateway(mail(), "info@example.com")
    assert gateway.held() == ["failed"]


@pytest.mark.parametrize("error", OF_MACHINE, ids=lambda error: type(error).__name__)
def test_an_answer_is_not_swallowed(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    unwanted = mail(to="catchall@example.com")
    with monkeypatch.context() as patch:
        patch.setattr(refusal, "refusal", failing(error))
        with pytest.raises(type(error)):
            gateway(unwanted, "catchall@example.com")
    assert gateway.messages() == []
    gateway(unwanted, "catchall@example.com")
    assert gateway.outbox() == ["catchall bob@client.org"]


def test_a_copy_is_not_swallowed(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.change("info@example.com", notify=("jane@client.org",))
    with monkeypatch.context() as patch:
        patch.setattr(posting, "heading", failing(OSError(5, "Input/output error")))
        with pytest.raises(OSError, match="Input/output"):
            gateway(mail(), "info@example.com")
    assert gateway.messages() == []
    gateway(mail(), "info@example.com")
    assert len(gateway.outbox()) == 1


class TestMemory:
    """Memory that runs out at our own limit is about the message; on a machine without memory mail waits."""

    def test_below_our_own_limit_mail_is_deferred(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "read", failing(MemoryError()))
        with pytest.raises(MemoryError):
            gateway(mail(), "info@example.com")
        assert gateway.messages() == []

    def test_at_our_own_limit_mail_is_held(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "read", failing(MemoryError()))
        monkeypatch.setattr(bounds, "has_used_memory", lambda: True)
        gateway(mail(), "info@example.com")
        assert gateway.held() == ["failed"]

    @pytest.mark.parametrize(
        ("before", "used"),
        [("bounds.take(1, 60)", False), ("bounds.take(1, 60); x = mmap.mmap(-1, 450 << 20)", True), ("", False)],
    )
    def test_memory_that_is_used(self, before: str, used: bool) -> None:
        program = f"import mmap\nfrom mailgate.process import bounds\n{before}\nprint(bounds.has_used_memory())"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == str(used)
