"""Who really sent it: what servers of ours say in Authentication-Results (RFC 8601), and nobody else.

Anybody can write such a field. One counts only when the operator names its authserv-id and says that the border server
removes forged ones, and when it stands no more than `own_hops` Received fields below the top. Whatever is doubtful is
no verdict; it is never less than a fail beside it, and for an author with rights it counts as one.
"""

from itertools import pairwise

from mailgate.mail.message import Message
from mailgate.routing.state import Trust
from mailgate.values import address
from mailgate.values.address import lower
from mailgate.values.light import NamedTuple

VALUE_LIMIT = 4_096
RESULT_LIMIT = 50
"""Characters of a field that are read, and results of one in which there is no doubt."""


class Authentication(NamedTuple):
    """The verdict about the From field: pass, fail or none; `because` says what it rests on.

    doubtful: a trusted server said something that cannot be read, or that contradicts itself.
    """

    result: str
    because: str
    doubtful: bool = False

    @property
    def is_against(self) -> bool:
        """Whether it speaks against an author who would have rights: a forger can raise a doubt, too."""
        return self.result == "fail" or self.doubtful


class Result(NamedTuple):
    """One method of a field: its name, its result, its properties such as `header.from`."""

    method: str
    result: str
    properties: dict[str, str]


def verdict(message: Message, trust: Trust) -> Authentication:
    """Whether a server of ours vouches for the author, by DMARC (RFC 7489) and for exactly that domain."""
    if not trust.authserv_ids:
        return Authentication("none", "no server is trusted")
    if not trust.border_strips:
        return Authentication("none", "forged results are not said to be stripped")
    by_server = _by_server(message, trust)
    if not by_server:
        return Authentication("none", "no result of a trusted server")
    fields = [field for same in by_server.values() for field in same]
    results = [result for field in fields for result in field.results if result.method == "dmarc"]
    servers = ", ".join(by_server)
    if any(result.result == "fail" for result in results):  # whatever else is there, a forger may have put it there
        return Authentication("fail", _because(message, results, servers))
    unread = next((field.authserv_id for field in fields if not field.complete), None)
    if unread:
        return Authentication("none", f"a result of {unread} cannot be read", doubtful=True)
    for name, same in by_server.items():
        if len(same) > 1:
            differ = len({result.result for result in results}) > 1
            return Authentication("none", f"{len(same)} results of {name} contradict each other", doubtful=differ)
    return _dmarc(message, results, servers)


def vouches_for_path(message: Message, trust: Trust) -> bool:
    """Whether a server of ours vouches for the reverse-path, so that an answer goes to who wrote.

    SPF (RFC 7208) passed for its domain, or DMARC passed for the author and it lies in the author's domain.
    """
    path, author = message.envelope.reverse_path, message.author.address
    if path is None or not trust.authserv_ids or not trust.border_strips:
        return False
    found = verdict(message, trust)
    if found.result == "pass" and author:
        return path.domain == author.domain or path.domain.endswith(f".{author.domain}")
    by_server = _by_server(message, trust)
    if found.is_against or not all(len(same) == 1 and same[0].complete for same in by_server.values()):
        return False
    results = [result for same in by_server.values() for result in same[0].results if result.method == "spf"]
    checked = [result.properties.get("smtp.mailfrom", "").rpartition("@")[2] for result in results]
    passed = all(result.result == "pass" for result in results)
    return bool(results) and passed and {address.domain(name) for name in checked} == {path.domain}


def _by_server(message: Message, trust: Trust) -> dict[str, list["Field"]]:
    """The fields of trusted servers within reach of our hops."""
    by_server: dict[str, list[Field]] = {}
    for stamp in message.stamps:
        field = parse(stamp.value) if stamp.hops <= trust.own_hops else None
        if field and field.authserv_id in trust.authserv_ids:
            by_server.setdefault(field.authserv_id, []).append(field)
    return by_server


def _dmarc(message: Message, results: list[Result], servers: str) -> Authentication:
    author = message.author.address
    if author is None:
        return Authentication("none", f"the author is unknown: {message.author.defect}")
    if not results:
        return Authentication("none", f"{servers} says nothing of DMARC")
    domains = {address.domain(result.properties.get("header.from", author.domain)) for result in results}
    if domains != {author.domain}:
        return Authentication("none", f"{servers} speaks of another domain than {author.domain}")
    verdicts = {result.result for result in results}
    passed = verdicts == {"pass"} and all("header.from" in result.properties for result in results)
    because = _because(message, results, servers)
    return Authentication("pass" if passed else "none", because, doubtful=len(verdicts) > 1)


def _because(message: Message, results: list[Result], servers: str) -> str:
    author = message.author.address
    verdicts = "/".join(sorted({result.result for result in results}))
    return f"{servers}: dmarc={verdicts} for {author.domain if author else 'an unknown author'}"


class Field(NamedTuple):
    """An Authentication-Results field: its server, the results that can be read, and whether these are all of it."""

    authserv_id: str
    results: list[Result]
    complete: bool = True


def parse(value: str) -> Field | None:
    """Read a field (RFC 8601 section 2.2) in linear time; None where no server is named, as by Exchange."""
    segments, complete = _segments(value[:VALUE_LIMIT])
    name, *version = segments[0] or [""]
    if not name or name == "=" or "=" in version:
        return None
    complete = complete and version in ([], ["1"]) and len(value) <= VALUE_LIMIT and len(segments) <= RESULT_LIMIT + 1
    results, followed = _results(segments[1:])
    return Field(lower(name), results, complete and followed)


def _results(segments: list[list[str]]) -> tuple[list[Result], bool]:
    """What the segments behind the authserv-id say, and whether all of them follow the grammar.

    A property that is there twice is in doubt too: two readers could see two values.
    """
    results, complete = [], True
    for words in segments:
        if not words or (len(words) == 1 and lower(words[0]) == "none"):
            continue
        pairs = _pairs(words)
        if pairs is None:
            complete = False
            pairs = [(words[0], words[2])] if words[1:2] == ["="] and len(words) > 2 else []
        if not pairs:
            continue
        (method, result), *properties = pairs
        known = {lower(key): text for key, text in properties}
        complete = complete and len(known) == len(properties)
        results.append(Result(lower(method).removesuffix("/1"), lower(result), known))
    return results, complete


def _pairs(words: list[str]) -> list[tuple[str, str]] | None:
    """`key=value` again and again; blanks and comments may be around the dot or the slash in a key."""
    pairs: list[tuple[str, str]] = []
    key: list[str] = []
    rest = iter(words)
    for word in rest:
        if word != "=":
            key.append(word)
            continue
        value = next(rest, None)
        if not key or value is None:
            return None
        if not all(left.endswith((".", "/")) or right.startswith((".", "/")) for left, right in pairwise(key)):
            return None
        pairs.append(("".join(key), value))
        key = []
    return None if key else pairs


def _segments(value: str) -> tuple[list[list[str]], bool]:
    """The words between semicolons, `=` a word of its own, comments gone, quotes taken off; and whether that is all.

    It is not all where a character is not allowed, or a comment or a quote never closes.
    """
    segments: list[list[str]] = [[]]
    allowed = True
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
            quoted = True
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
            allowed = False
    if word is not None:
        segments[-1].append(word)
    return segments, allowed and not (depth or quoted)
