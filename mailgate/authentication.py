"""Who really sent it: what servers of ours say in Authentication-Results (RFC 8601), and nobody else.

Anybody can write such a field. One counts only when the operator names its authserv-id and says that the border server
removes forged ones, and when it stands no more than `own_hops` Received fields below the top. Whatever is doubtful is
no verdict; a forger can only lower what is believed.
"""

from typing import NamedTuple

from mailgate import address
from mailgate.address import lower
from mailgate.message import Message
from mailgate.state import Trust

VALUE_LIMIT = 4_096
RESULT_LIMIT = 50
"""Characters of a field and results in it that are read; a longer one says nothing."""


class Authentication(NamedTuple):
    """The verdict about the From field: pass, fail or none; `because` says what it rests on."""

    result: str
    because: str


class Result(NamedTuple):
    """One method of a field: its name, its result, its properties such as `header.from`."""

    method: str
    result: str
    properties: dict[str, str]


def verdict(message: Message, trust: Trust) -> Authentication:
    """Whether a server of ours vouches for the author, by DMARC (RFC 7489) and for exactly his domain."""
    if not trust.authserv_ids:
        return Authentication("none", "no server is trusted")
    if not trust.border_strips:
        return Authentication("none", "forged results are not said to be stripped")
    found: dict[str, list[list[Result]]] = {}
    for stamp in message.stamps:
        read = parse(stamp.value) if stamp.hops <= trust.own_hops else None
        if read and read.authserv_id in trust.authserv_ids:
            found.setdefault(read.authserv_id, []).append(read.results)
    if not found:
        return Authentication("none", "no result of a trusted server")
    for name, fields in found.items():
        if len(fields) > 1:
            return Authentication("none", f"{len(fields)} results of {name} contradict each other")
    results = [each for fields in found.values() for each in fields[0] if each.method == "dmarc"]
    return _dmarc(message, results, ", ".join(found))


def _dmarc(message: Message, results: list[Result], who: str) -> Authentication:
    author = message.author.address
    if author is None:
        return Authentication("none", f"the author is unknown: {message.author.defect}")
    if not results:
        return Authentication("none", f"{who} says nothing of DMARC")
    domains = {address.domain(each.properties.get("header.from", author.domain)) for each in results}
    if domains != {author.domain}:
        return Authentication("none", f"{who} speaks of another domain than {author.domain}")
    verdicts = {each.result for each in results}
    said = f"{who}: dmarc={'/'.join(sorted(verdicts))} for {author.domain}"
    if verdicts == {"pass"} and all("header.from" in each.properties for each in results):
        return Authentication("pass", said)
    return Authentication("fail" if "fail" in verdicts else "none", said)


class Field(NamedTuple):
    """An Authentication-Results field: who wrote it, `""` where it does not say, and the results."""

    authserv_id: str
    results: list[Result]


def parse(value: str) -> Field | None:
    """Read a field (RFC 8601 section 2.2) in linear time; None for whatever does not follow its grammar.

    Exchange leaves the authserv-id out: then nobody has said anything.
    """
    segments = _segments(value) if len(value) <= VALUE_LIMIT else None
    if not segments or not segments[0] or len(segments) > RESULT_LIMIT + 1:
        return None
    name, *rest = segments[0]
    if "=" in segments[0] or name == "=":
        return Field("", [])
    if rest not in ([], ["1"]):
        return None
    results = []
    for words in segments[1:]:
        if not words or words == ["none"]:
            continue
        pairs = [words[at : at + 3] for at in range(0, len(words), 3)]
        if any(len(pair) != 3 or pair[1] != "=" for pair in pairs):
            return None
        (method, _, result), *properties = pairs
        known = {lower(key): text for key, _, text in properties}
        results.append(Result(lower(method).partition("/")[0], lower(result), known))
    return Field(lower(name), results)


def _segments(value: str) -> list[list[str]] | None:
    """The words between semicolons, `=` a word of its own, comments gone, quotes taken off; None when unbalanced."""
    segments: list[list[str]] = [[]]
    word: str | None = None
    depth = 0
    quoted = escaped = False
    for c in value:
        if escaped:
            escaped = False
            if quoted:
                word = (word or "") + c
        elif c == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = c != '"'
            word = (word or "") + (c if quoted else "")
        elif depth:
            depth += {"(": 1, ")": -1}.get(c, 0)
        elif c == '"':
            quoted, word = True, word or ""
        elif c in " \t\r\n=;(":
            depth = int(c == "(")
            if word is not None:
                segments[-1].append(word)
                word = None
            if c == "=":
                segments[-1].append(c)
            elif c == ";":
                segments.append([])
        elif c.isprintable() and c != ")":
            word = (word or "") + c
        else:
            return None
    if word is not None:
        segments[-1].append(word)
    return None if depth or quoted else segments
