"""One enhanced status code; exit status, printed line, SMTP reply and DSN action follow."""

import pytest

from mailgate.values import status
from mailgate.values.status import Status


@pytest.mark.parametrize(
    ("reason", "code", "exit_", "smtp"),
    [
        ("no-route", "5.1.1", 67, "550"),
        ("too-large", "5.3.4", 65, "552"),
        ("catchall", "5.2.1", 77, "550"),
        ("policy", "5.7.1", 77, "550"),
        ("rate-limit", "5.7.28", 77, "550"),
        ("blocked", "5.7.1", 77, "550"),
    ],
)
def test_every_refusal_has_its_code_and_exit_status(reason: str, code: str, exit_: int, smtp: str) -> None:
    found = status.refused(reason, "x@example.com")
    assert (found.code, found.exit, found.action) == (code, exit_, "failed")
    assert found.line.startswith(f"{code} <x@example.com>: ")
    assert found.smtp.startswith(f"{smtp} {code} ")


def test_every_refusal_has_a_code_in_the_table() -> None:
    assert {status.refused(reason, "").exit for reason in status.REFUSED} <= set(status.EXITS)


def test_success_is_silent() -> None:
    assert (status.OK.exit, status.OK.line, status.OK.smtp, status.OK.action) == (0, "", "250 2.0.0 ok", "delivered")


@pytest.mark.parametrize("found", [status.temporary(), status.temporary("x"), status.misconfigured("no store")])
def test_a_temporary_status_exits_with_75(found: Status) -> None:
    assert (found.exit, found.smtp[:3], found.action) == (75, "451", "delayed")
    assert found.line.startswith(f"{found.code} mailgate: ")


def test_there_are_five_exit_statuses_and_no_other() -> None:
    codes = [f"{top}.{subject}.{detail}" for top in "245" for subject in range(8) for detail in range(30)]
    assert {Status(code).exit for code in codes} == set(status.EXITS) == {0, 65, 67, 75, 77}


@pytest.mark.parametrize("text", ["x" * 5000, "ä" * 5000, "\U0001f600" * 5000, "a" * 473 + "ä" * 9])
def test_a_line_is_under_500_bytes_and_whole(text: str) -> None:
    line = Status("5.1.1", text).line
    assert len(line.encode("utf-8")) < 500
    assert line.startswith("5.1.1 ")
    assert len(line) > 100


def test_a_line_survives_a_lone_surrogate() -> None:
    Status("5.1.1", "\udcff").line.encode("utf-8")


NOBODY, SECOND = status.refused("no-route", "a@example.com"), status.refused("no-route", "b@example.com")
POLICY, RATE = status.refused("policy", "c@example.com"), status.refused("rate-limit", "d@example.com")
LARGE = status.refused("too-large", "e@example.com")


@pytest.mark.parametrize(
    ("statuses", "exit_", "line"),
    [
        pytest.param([NOBODY], 67, NOBODY.line, id="one-unknown"),
        pytest.param([NOBODY, SECOND], 67, NOBODY.line, id="all-67"),
        pytest.param([LARGE], 65, LARGE.line, id="65-alone"),
        pytest.param([NOBODY, POLICY], 77, POLICY.line, id="mixed-line-of-the-first-with-that-exit"),
        pytest.param([NOBODY, RATE, POLICY], 77, RATE.line, id="mixed-first-of-two"),
        pytest.param([POLICY, RATE], 77, POLICY.line, id="all-77"),
    ],
)
def test_refusals_of_several_recipients_are_combined(statuses: list[Status], exit_: int, line: str) -> None:
    found = status.combine(statuses)
    assert (found.exit, found.line) == (exit_, line)


def test_different_refusals_without_a_77_still_exit_with_77() -> None:
    assert status.combine([NOBODY, LARGE]).exit == 77
