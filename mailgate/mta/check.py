"""What was found in a mail server, one finding at a time, and the checks that Postfix and Exim have in common."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from mailgate.mta import maps
from mailgate.mta.plan import WRITE_TABLES, Plan
from mailgate.values.problem import CommandLine, Problem, command

Verdict = Literal["ok", "wrong", "unknown"]


class Check(NamedTuple):
    """One finding: as it should be, not so, or not to be seen; and what mends it."""

    name: str
    verdict: Verdict
    text: str
    fix: CommandLine | None = None
    advice: str = ""

    def as_data(self) -> dict[str, object]:
        """As JSON; `fix` is the advice when there is no command."""
        return {**self._asdict(), "fix": self.fix or self.advice}


class FileState(NamedTuple):
    """A file as it is. text: None when there is no file; error: why it could not be read."""

    text: str | None = None
    executable: bool = False
    error: str = ""


class Greeting(NamedTuple):
    """What answers where an LMTP server should listen. place: the socket or port; text: its first line; error: why none
    comes."""

    place: str
    text: str = ""
    error: str = ""


def failed(name: str, verdict: Literal["wrong", "unknown"], problem: Problem, otherwise: CommandLine) -> Check:
    """The check that a problem ended; `otherwise` is the fix of a problem that names none."""
    fix = problem.commands[0] if problem.commands else None if problem.advice else otherwise
    return Check(name, verdict, str(problem), fix, problem.advice)


def check_tables(
    plan: Plan, files: Mapping[str, FileState], indexes: Mapping[str, str | None] | None = None
) -> list[Check]:
    """Whether the tables match the store. indexes: what Postfix reads from each table, None where it cannot."""
    if not plan.has_folder:
        text = "the configuration names no folder for tables"
        return [Check("tables", "wrong", text, command("mailgate setup postfix"))]
    return [
        _check_table(plan, name, text, files.get(name, FileState(error="not looked at")), indexes)
        for name, text in maps.tables(plan.maps).items()
    ]


def _check_table(
    plan: Plan, name: str, expected: str, file: FileState, indexes: Mapping[str, str | None] | None
) -> Check:
    path, check = f"{plan.folder}/{name}", f"table {name}"
    if file.error:
        return Check(check, "unknown", f"{path}: {file.error}", command("ls -l {FILE}", path))
    if file.text is None:
        return Check(check, "wrong", f"there is no {path}", WRITE_TABLES)
    if file.text != expected:
        return Check(check, "wrong", f"{path} does not match the store", WRITE_TABLES)
    if indexes is not None and name in indexes and _entries(expected) != _entries(indexes[name] or ""):
        index = "no index that Postfix can read" if indexes[name] is None else "an index that does not match it"
        return Check(check, "wrong", f"{path} has {index}", WRITE_TABLES)
    count = len(_entries(expected))
    return Check(check, "ok", f"{path}: {count} entr{'y' if count == 1 else 'ies'}")


def check_unknown(plan: Plan) -> list[Check]:
    """Whether the tables let through what a fallback model takes."""
    if not plan.fallback or plan.maps.unknown:
        return []
    text = "the tables refuse the addresses that a fallback model is for"
    return [Check("fallback", "wrong", text, advice='set unknown = "accept" under [maps] in the configuration')]


def check_size(plan: Plan, limit: int | None, stated: str, fix: CommandLine | None, advice: str = "") -> Check:
    """Whether the server refuses messages that are too large for mailgate. limit: 0 for none, None if unreadable."""
    name = "message_size_limit"
    if limit is None:
        return Check(name, "unknown", f"the size limit `{stated}` cannot be read", fix, advice)
    if limit == 0 or limit > plan.max_size:
        bound = "no limit" if limit == 0 else f"a limit of {limit} octets"
        return Check(name, "wrong", f"{bound}: mail above {plan.max_size} is bounced instead of refused", fix, advice)
    return Check(name, "ok", f"{limit} octets, and mailgate takes {plan.max_size}")


def check_lmtp(greeting: Greeting | None) -> Check:
    """Whether mailgate listens where the mail server hands mail over."""
    if greeting is None:
        return Check("lmtp", "unknown", "the place that mail is handed over at cannot be read", advice=_LISTEN)
    if greeting.error:
        text = f"{greeting.place} does not answer ({greeting.error}): mail waits in the mail server's queue"
        return Check("lmtp", "wrong", text, command("mailgate lmtp --listen {PLACE}", greeting.place), _LISTEN)
    if "mailgate" not in greeting.text:
        text = f"another program answers at {greeting.place}: {greeting.text[:80]}"
        return Check("lmtp", "wrong", text, command("mailgate lmtp --listen {PLACE}", greeting.place), _LISTEN)
    return Check("lmtp", "ok", f"mailgate answers at {greeting.place}")


_LISTEN = "keep `mailgate lmtp` running with systemd or another supervisor"


def _entries(text: str) -> set[tuple[str, str]]:
    """The keys and values of a table."""
    rows = (line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {(row[0], row[1].strip()) for row in rows if len(row) == 2}
