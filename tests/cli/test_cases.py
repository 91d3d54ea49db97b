"""`mailgate test`: an administrator's own cases."""

from pathlib import Path

import pytest
from helpers.installed import Installed

from mailgate.store import database


@pytest.fixture
def cases(office: Installed) -> Installed:
    """A installed that had mail, with a case of each."""
    office.deliver(office.mail("support@example.com"), "support@example.com")
    office.deliver(office.mail("closed@example.com"), "closed@example.com")
    office.deliver(office.mail("bounce@example.com"), "bounce@example.com")
    office.deliver(
        b"From: bob@client.org\nTo: support@example.com\nMessage-ID: <x@y>\nReferences: <none@x>\n\nHi\n",
        "support+x@example.com",
    )
    for number in (1, 2, 3, 4):
        office.ok("test", "--record", str(number), "--to", "cases")
    return office


def test_what_was_recorded_passes(cases: Installed) -> None:
    assert cases.ok("test", "cases") == "".join(f"ok    message-{number}\n" for number in (1, 2, 3, 4)) + (
        "4 cases, 0 failed\n"
    )
    assert (cases.folder / "cases" / "message-1.eml").read_bytes() == cases("message", "raw", "1").out.encode()


def test_nothing_is_written_and_no_earlier_mail_counts(cases: Installed) -> None:
    before = cases.json("message", "list"), cases.json("record", "list"), cases.json("outbox", "list")
    cases.ok("param", "set", "mail.gateway.loop.threshold", "1")
    for _ in range(2):
        cases.ok("test", "cases")
    assert (cases.json("message", "list"), cases.json("record", "list"), cases.json("outbox", "list")) == before


def test_a_difference_is_told(cases: Installed) -> None:
    cases.ok("alias", "set", "support", "--from", "members", "--model", "task")
    cases.ok("alias", "set", "closed", "--from", "everyone")
    screen = cases("test", "cases")
    assert screen.exit == 1
    assert screen.out == (
        "FAIL  message-1\n"
        "      outcome 1: action  expected create, got refuse\n"
        "      outcome 1: reason  expected alias, got policy\n"
        "      outcome 1: model   expected ticket, got nothing\n"
        "      one more outgoing  expected nothing, got reason policy, kind refusal, to bob@client.org\n"
        "FAIL  message-2\n"
        "      outcome 1: action  expected refuse, got create\n"
        "      outcome 1: reason  expected policy, got alias\n"
        "      outgoing 1         expected kind refusal, reason policy, to bob@client.org, got nothing\n"
        "ok    message-3\n"
        "FAIL  message-4\n"
        "      outcome 1: action  expected create, got refuse\n"
        "      outcome 1: reason  expected alias, got policy\n"
        "      outcome 1: model   expected ticket, got nothing\n"
        "      one more outgoing  expected nothing, got reason policy, kind refusal, to bob@client.org\n"
        "4 cases, 3 failed\n"
    )
    found = cases("test", "cases", "--json")
    assert found.exit == 1
    assert '"failed": 3' in found.out


def case(installed: Installed, toml: str, to: str = "support@example.com") -> str:
    """The screen of a folder with one case."""
    folder = installed.folder / "own"
    folder.mkdir(exist_ok=True)
    (folder / "one.eml").write_bytes(installed.mail(to))
    (folder / "one.toml").write_text(toml)
    screen = installed("test", "own")
    assert screen.exit == (0 if screen.out.startswith("ok") else 1)
    return screen.out


def test_only_what_is_named_is_compared(office: Installed) -> None:
    for expected in (
        "exit = 0",
        'status = "2.0.0"',
        'outcomes = [{action = "create"}]',
        'outcomes = [{values = {team = "1"}}]',
        'outcomes = [{model = "ticket", record = ""}]',
        "outgoing = []",
    ):
        assert case(office, f"[expect]\n{expected}\n").startswith("ok"), expected
    assert "outcome 1: values  expected team 2, got team 1\n" in case(
        office, '[expect]\noutcomes = [{values = {team = "2"}}]\n'
    )
    assert "exit  expected 67, got 0\n" in case(office, "[expect]\nexit = 67\n")


def test_outcomes_are_paired_whatever_their_order(office: Installed) -> None:
    both = '[envelope]\nrecipients = ["support@example.com", "closed@example.com"]\n[expect]\noutcomes = [{}]\n'
    first, second = '{reason = "policy"}', '{action = "create", model = "ticket"}'
    to = "support@example.com, closed@example.com"
    assert case(office, both.format(f"{first}, {second}"), to).startswith("ok")
    assert case(office, both.replace("{}", f"{first}, {second}"), to).startswith("ok")
    assert case(office, both.replace("{}", f"{second}, {first}"), to).startswith("ok")
    assert "one more outcome  expected nothing, got action refuse" in case(office, both.replace("{}", second), to)
    assert "outcome 3  expected reason policy, got nothing" in case(
        office, both.replace("{}", f"{second}, {first}, {first}"), to
    )


def test_the_envelope_of_a_case_is_used(office: Installed) -> None:
    unknown = '[envelope]\nrecipients = ["nobody@example.com"]\n'
    refused = 'exit = 67\noutcomes = [{reason = "no-route"}]\n'
    assert case(office, f"{unknown}[expect]\n{refused}").startswith("ok")
    fallback = '[expect]\noutcomes = [{reason = "fallback", model = "lead"}]\n'
    assert case(office, f'{unknown}fallback_model = "lead"\n{fallback}', "nobody@example.com").startswith("ok")
    assert case(
        office, f'{unknown}source = "fetch"\n[expect]\noutcomes = [{{reason = "unrouted"}}]\n', "nobody@example.com"
    ).startswith("ok")
    null = '[envelope]\nreverse_path = ""\nrecipients = ["support@example.com"]\n[expect]\nclass = "automatic"\n'
    assert case(office, null).startswith("ok")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("", "one.toml:1:1: nothing is expected"),
        ("[expct]\n", "one.toml:1:1: unknown key `expct`, did you mean `expect`?"),
        ("[expect]\nexit = true\n", "one.toml:2:1: `exit` must be a number, not True"),
        ('[expect]\noutcomes = [{action = "create"},\n {acton = "x"}]\n', "one.toml:3:3: unknown key `acton`"),
        ('[envelope]\nsource = "x"\n[expect]\nexit = 0\n', "one.toml:2:1: `source` must be one of"),
        ("[envelope]\nrecipients = [1]\n[expect]\nexit = 0\n", "one.toml:2:15: `recipients` must be"),
        ("[expect\n", "one.toml:1:8: "),
    ],
)
def test_a_case_that_says_nothing_fails(office: Installed, toml: str, said: str) -> None:
    assert said in case(office, toml)


def test_half_a_case_and_an_empty_folder_are_errors(office: Installed) -> None:
    (office.folder / "own").mkdir()
    assert office("test", "own").exit == 3
    assert office("test").exit == 2
    assert office("test", "none").exit == 1
    (office.folder / "own" / "one.eml").write_bytes(b"x")
    screen = office("test", "own")
    assert (screen.exit, "own/one.toml: No such file or directory" in screen.out) == (1, True)


def test_an_existing_case_is_not_overwritten(cases: Installed) -> None:
    screen = cases("test", "--record", "1", "--to", "cases")
    assert screen.exit == 1
    assert "exists already" in screen.err
    assert cases("test", "--record", "99", "--to", "cases").exit == 3


def test_recording_says_when_it_would_be_judged_differently_today(cases: Installed) -> None:
    cases.ok("alias", "set", "support", "--model", "task")
    assert "the decision would differ now:\n" in cases.ok("test", "--record", "1", "--to", "later")
    assert Path(cases.folder / "later" / "message-1.toml").exists()
    with database.open_existing(cases.folder / "mailgate.db").read() as tx:
        assert tx.execute("SELECT count(*) FROM message").fetchone()[0] == 4
