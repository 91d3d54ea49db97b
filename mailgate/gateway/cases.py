"""An administrator's own cases: a message, its envelope, and what has to become of it.

A case is NAME.eml and NAME.toml in one folder. `receive.preview` judges it without history: no mail came lately, and no
copy of it ever. Only what the file names is compared.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mailgate.gateway import receive
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.routing import explain
from mailgate.settings import located
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values.problem import ConfigError, Problem

ENVELOPE = {"reverse_path": str, "recipients": list, "fallback_model": str, "source": str}
EXPECT = {"exit": int, "status": str, "class": str, "outcomes": list, "outgoing": list}
OUTCOME = {
    **dict.fromkeys(("action", "reason", "rule", "recipient", "alias", "model", "record", "parent", "report"), str),
    "values": dict,
    "quiet": bool,
}
OUTGOING = {"kind": str, "reason": str, "to": str, "about": list}
"""What each table of a case may name, as `route --json` names it."""
_TYPES = {str: "a text in quotes", int: "a number", bool: "true or false", list: "a list", dict: "a table"}
_RECORDED = ("action", "reason", "alias", "model", "record", "report")


class Case(NamedTuple):
    """A case as it was read. `expected` has the keys of EXPECT that the file names."""

    incoming: Incoming
    expected: Mapping[str, Any]


class Difference(NamedTuple):
    """A field that differs from what is expected. None: it should be missing (`expected`), or it is (`actual`)."""

    field: str
    expected: Any
    actual: Any

    def as_data(self) -> dict[str, Any]:
        """The difference as JSON."""
        return {"what": self.field, "expected": self.expected, "got": self.actual}


def names(folder: str) -> list[str]:
    """The cases in a folder and those below it, sorted: paths without their suffix. Raises OSError."""
    os.listdir(folder)
    paths = set()
    for parent, _, files in os.walk(folder):
        for suffix in (".toml", ".eml"):
            paths |= {os.path.join(parent, name.removesuffix(suffix)) for name in files if name.endswith(suffix)}
    return sorted(paths)


def judge(store: Store, config: Config, case: Case, now: float) -> list[Difference]:
    """Judge a case by today's store and configuration, and return where that differs from what it expects.

    Raises StoreError.
    """
    receipt = receive.preview(store, config, case.incoming, now, history=False)
    return compare(case.expected, explain.tree(receipt.facts, receipt.decision, dry_run=True))


def read(path: str, limit: int) -> Case:
    """The case at a path without suffix, with at most `limit` octets of its message.

    Raises Problem: ConfigError with the place where something is wrong.
    """
    message, octets = _octets(f"{path}.eml", limit), _octets(f"{path}.toml", limit)
    table = located.read(octets, f"{path}.toml")
    checker = _Checker(f"{path}.toml", octets)
    checker.table((), table, {"envelope": dict, "expect": dict})
    envelope, expected = table.get("envelope", {}), table.get("expect", {})
    checker.table(("envelope",), envelope, ENVELOPE)
    checker.table(("expect",), expected, EXPECT)
    for kind, known in (("outcomes", OUTCOME), ("outgoing", OUTGOING)):
        for at, table_ in enumerate(expected.get(kind, ())):
            checker.table(("expect", kind, at), table_, known)
    if not expected:
        checker.fail((), "nothing is expected", "name something under [expect]")
    if envelope.get("source", "pipe") not in ("pipe", "lmtp", "fetch"):
        checker.fail(("envelope", "source"), "`source` must be one of pipe, lmtp, fetch")
    return case(message, table)


def case(message: bytes, table: Mapping[str, Any]) -> Case:
    """The case of a message and what the file beside it says."""
    envelope = table.get("envelope", {})
    recipients, fallback = tuple(envelope.get("recipients", ())), envelope.get("fallback_model")
    incoming = Incoming(
        message,
        envelope.get("reverse_path"),
        recipients,
        fallback=Fallback(fallback) if fallback else None,
        source=envelope.get("source", "pipe"),
    )
    return Case(incoming, table["expect"])


def _octets(path: str, limit: int) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(limit)
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from error


class _Checker:
    """Checks the tables of a case file. Raises ConfigError with the place of a fault."""

    def __init__(self, name: str, octets: bytes) -> None:
        self.name, self.octets = name, octets

    def fail(self, path: located.Path, problem: str, advice: str = "") -> None:
        """Raise ConfigError for the value at `path`."""
        place = located.places(self.octets.decode("utf-8")).get(path, located.Place(1, 1))
        raise ConfigError(f"{self.name}:{place.line}:{place.column}: {problem}", advice=advice)

    def table(self, path: located.Path, table: Any, known: Mapping[str, type]) -> None:
        """Check keys and the types of their values."""
        if not isinstance(table, dict):
            self.fail(path, f"must be a table of {', '.join(known)}")
        for key, value in table.items():
            if key not in known:
                self.fail((*path, key), f"unknown key `{key}`{located.suggestion(key, known)}")
            if not isinstance(value, known[key]) or isinstance(value, bool) != (known[key] is bool):
                self.fail((*path, key), f"`{key}` must be {_TYPES[known[key]]}, not {value!r}")
            for at, element in enumerate(value if known[key] is list and key not in EXPECT else ()):
                if not isinstance(element, str):
                    self.fail((*path, key, at), f"`{key}` must be a list of texts in quotes")


def compare(expected: Mapping[str, Any], tree: Mapping[str, Any]) -> list[Difference]:
    """The fields in which an explanation differs from what is expected."""
    differences = []
    actual = {"exit": tree["mta"]["exit"], "status": tree["mta"]["status"], "class": tree["message"]["class"]}
    for key, value in actual.items():
        if key in expected and expected[key] != value:
            differences.append(Difference(key, expected[key], value))
    for kind in ("outcomes", "outgoing"):
        if kind in expected:
            differences += _pairs(kind.removesuffix("s"), expected[kind], tree[kind])
    return differences


def _pairs(kind: str, expected: list[dict[str, Any]], actual: Iterable[dict[str, Any]]) -> list[Difference]:
    """Pair each expected outcome with the actual one that is most like it; those left over are too many."""
    differences, left = [], list(actual)
    for number, expectation in enumerate(expected, 1):
        if not left:
            differences.append(Difference(f"{kind} {number}", expectation, None))
            continue
        best = min(left, key=lambda candidate: len(_unlike(expectation, candidate)))
        left.remove(best)
        for key in _unlike(expectation, best):
            differences.append(Difference(f"{kind} {number}: {key}", expectation[key], best.get(key)))
    return differences + [Difference(f"one more {kind}", None, _short(surplus)) for surplus in left]


def _unlike(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    def same(key: str) -> bool:
        wanted, value = expected[key], actual.get(key)
        if isinstance(wanted, dict) and isinstance(value, dict):
            return all(value.get(name) == text for name, text in wanted.items())
        return bool(wanted == value) or (wanted == "" and value is None)

    return [key for key in expected if not same(key)]


def _short(described: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an outcome or of a queued message that identify it for a person."""
    return {key: described[key] for key in (*_RECORDED, "kind", "to") if described.get(key)}


def recorded(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The case file of a message that was received, from its stored explanation."""
    message = tree["message"]
    envelope = {"reverse_path": message["reverse_path"] or "", "recipients": message["recipients"]}
    for outcome in tree["outcomes"]:
        if outcome["reason"] == "fallback":
            envelope["fallback_model"] = outcome["model"]
        if outcome["reason"] == "unrouted":
            envelope["source"] = "fetch"
    outcomes = [_short(outcome) for outcome in tree["outcomes"]]
    for outcome in outcomes:
        if outcome["action"] == "create":  # the number of the record would be another one
            outcome.pop("record", None)
    sent = [{key: letter[key] for key in ("kind", "reason", "to")} for letter in tree["outgoing"]]
    expect = {"exit": tree["mta"]["exit"], "class": message["class"], "outcomes": outcomes, "outgoing": sent}
    return {"envelope": envelope, "expect": expect}
