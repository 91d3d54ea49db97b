"""What a stranger's RCPT should get: one address of each kind in every local domain, and what was answered.

Settings say how a server is meant to work; this asks what it does. Nothing here runs a program.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from mailgate.mta.check import Check, Verdict
from mailgate.mta.plan import Plan
from mailgate.values.problem import CommandLine

Kind = Literal["alias", "signed", "catchall", "bounce", "postmaster", "unknown"]
UNKNOWN = "mailgate-knows-no-such-address"
"""A local part that nobody has."""
_SIGNED = f"mg1r{'a' * 22}"
"""A detail in the form of a signed one, as the tables know it (`maps.SIGNED_LOCAL`)."""
_SHOWN = 3
"""Domains that are listed one by one when all is well."""


class Question(NamedTuple):
    """An address to ask about. `taken`: whether RCPT should take it; `ours`: whether its mail should come to us."""

    kind: Kind
    address: str
    domain: str
    taken: bool
    ours: bool


class Answer(NamedTuple):
    """What one way of asking says about an address.

    `said`: `later` is a fault of the server, `unclear` says nothing about the address. `ours`: whether its mail would
    come to us, None where this way cannot tell.
    """

    said: Literal["taken", "refused", "later", "unclear"]
    text: str
    ours: bool | None = None


class Asked(NamedTuple):
    """What was asked, and what each way of asking answered.

    `silence`: why the server itself answers nothing, `""` when it does; `stopped`: because nothing listens there.
    """

    questions: Sequence[Question] = ()
    ways: Sequence[Mapping[str, Answer]] = ()
    silence: str = ""
    stopped: bool = False


def questions(plan: Plan) -> list[Question]:
    """One address of each kind in every local domain.

    An alias file has neither postmaster nor abuse: the server's own takes them, as in a domain with mailboxes.
    """
    first: dict[str, str] = {}
    for address in plan.maps.directory.aliases:
        local, _, host = address.rpartition("@")
        if not local.startswith("#"):
            first.setdefault(host, local)
    asked = []
    for domain in plan.maps.domains:
        name, alias = domain.name, first.get(domain.canonical)
        whole = name not in plan.maps.shared and not plan.alias
        kinds: list[tuple[Kind, str, bool, bool]] = [("catchall", domain.catchall, True, True)]
        if alias:
            kinds.insert(0, ("alias", alias, True, True))
        if domain.delimiter:
            kinds.append(("signed", f"{alias or domain.catchall}{domain.delimiter}{_SIGNED}", True, True))
        kinds += [
            ("bounce", domain.bounce, True, True),
            ("postmaster", "postmaster", True, whole),
            ("unknown", UNKNOWN, plan.maps.unknown and whole, plan.maps.unknown and whole),
        ]
        asked += [Question(kind, f"{local}@{name}", name, taken, ours) for kind, local, taken, ours in kinds]
    return asked


def answer(code: int, text: bytes | str) -> Answer:
    """A reply to RCPT as an answer: what is about the client, and not about the address, is unclear.

    4.3.x is a fault of the server (RFC 3463 section 3.4); Exim says 451 without an enhanced status.
    """
    said = plain(text)
    line = f"{code} {said}"
    if code // 100 == 2:
        return Answer("taken", line)
    if code // 100 in (4, 5) and "relay" in said.lower():
        return Answer("refused", line)
    if code // 100 == 4:
        fault = said.startswith("4.3.") or (code == 451 and not said[:1].isdigit() and "greylist" not in said.lower())
        return Answer("later" if fault else "unclear", line)
    if said.startswith("5.7.") and "recipient address rejected" not in said.lower():
        return Answer("unclear", line)
    return Answer("refused", line)


def plain(text: bytes | str) -> str:
    """A reply as one printable line."""
    line = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(c if c.isprintable() else " " for c in line).split())[:200]


def check(asked: Asked, start: CommandLine, fix: CommandLine, advice: str = "") -> list[Check]:
    """Whether the server answers, and one finding a domain. `start`: the command that starts the server."""
    by_domain: dict[str, list[Question]] = {}
    for question in asked.questions:
        by_domain.setdefault(question.domain, []).append(question)
    checks, well = [], []
    for name, of_domain in by_domain.items():
        judged = [_judge(each, [way[each.address] for way in asked.ways if each.address in way]) for each in of_domain]
        said = [(each, text) for each, (verdict, text) in zip(of_domain, judged, strict=True) if verdict == "wrong"]
        worst: Verdict = "wrong" if said else "unknown"
        if not said:
            said = [(each, text) for each, (_, text) in zip(of_domain, judged, strict=True) if text]
        if said:
            text = "; ".join(f"{each.kind} {each.address}: {text}" for each, text in said)
            checks.append(Check(f"rcpt {name}", worst, text, fix, advice))
        else:
            well.append(Check(f"rcpt {name}", "ok", _well(of_domain)))
    if len(well) > _SHOWN:
        well = [Check("rcpt", "ok", f"{len(well)} domains, one address of each kind in each: answered as it should be")]
    if asked.silence:
        checks.append(Check("smtp", "wrong" if asked.stopped else "unknown", asked.silence, start))
    return [*well, *checks]


def _judge(question: Question, answers: Iterable[Answer]) -> tuple[Verdict, str]:
    """The verdict on one address, and the text that shows it: the first that is wrong, else the first unclear one."""
    unclear, clear = "the server cannot be asked", False
    for answer in answers:
        clear = answer.said != "unclear"  # the last way is the server itself
        if not clear:
            unclear = answer.text
            continue
        if answer.said == "later" or (answer.said == "taken") != question.taken:
            return "wrong", f"{_HAPPENS[answer.said]}: {answer.text}"
        if question.ours and answer.ours is False:
            return "wrong", f"its mail does not go to mailgate: {answer.text}"
    return ("ok", "") if clear else ("unknown", unclear)


def _well(of_domain: Sequence[Question]) -> str:
    taken = [each.kind for each in of_domain if each.taken]
    refused = [each.kind for each in of_domain if not each.taken]
    return f"{', '.join(taken)} taken" + (f", {', '.join(refused)} refused" if refused else "")


_HAPPENS = {"taken": "it is taken", "refused": "it is refused", "later": "its mail is put off"}
