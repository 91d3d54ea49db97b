"""A command that does not exist: what is suggested is what was meant, and nothing else."""

import click
import pytest

from mailgate.cli.ui import errors
from mailgate.cli.ui.program import program

MEANT = {
    ("alias", "ls"): "list",
    ("alias", "rm"): "remove",
    ("alias", "delete"): "remove",
    ("alias", "new"): "add",
    ("alias", "create"): "add",
    ("alias", "edit"): "set",
    ("alias", "lsit"): "list",
    ("record", "new"): "create",
    ("record", "add"): "create",
    ("record", "close"): "set --close",
    ("record", "reopen"): "set --reopen",
    ("held", "rm"): "drop",
    ("held", "release"): "route",
    ("outbox", "resend"): "retry",
    ("bounce", "done"): "ack",
    ("bounce", "LS"): "list",
    ("message", "cat"): "raw",
    ("queue",): "outbox",
    ("search",): "message list",
    ("aliases",): "alias",
    ("alais",): "alias",
    ("messages",): "message",
    ("domian",): "domain",
    ("explain",): "why",
}
NOTHING = [
    *([word] for word in ("list", "restart", "create", "x", "reload", "start", "stop", "rm", "enable", "foo", "")),
    *(["domain", word] for word in ("close", "release", "rule", "verify", "ack", "x")),
    *(["held", word] for word in ("create", "start", "foo", "block")),
    *(["server", word] for word in ("restart", "close", "foo")),
]


def problem(words: list[str]) -> str:
    with pytest.raises(click.UsageError) as raised:
        program.main([*words], prog_name="mailgate", standalone_mode=False)
    return str(errors.of_usage(raised.value))


@pytest.mark.parametrize(("words", "meant"), MEANT.items(), ids=str)
def test_what_is_meant_is_suggested(words: tuple[str, ...], meant: str) -> None:
    assert problem([*words]) == f"no such command '{words[-1]}'; did you mean `{meant}`?"


@pytest.mark.parametrize("words", NOTHING, ids=" ".join)
def test_what_is_not_alike_is_not_suggested(words: list[str]) -> None:
    assert problem(words) == f"no such command '{words[-1]}'"


def test_a_message_of_several_lines_becomes_one() -> None:
    with pytest.raises(click.UsageError) as raised:
        program.main(["completion"], prog_name="mailgate", standalone_mode=False)
    assert str(errors.of_usage(raised.value)) == "missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish"
