"""Digest a message, so that the same mail is recognised when it arrives again.

The digest is SHA-256 in 64 lower-case hexadecimal digits. It covers what the sender wrote:

* The fields of `_FIELDS`, in this order, then every Content- field by name. Each value is an unfolded line `name:value`
  with one blank for each run of white space.
* Where a message has neither Message-ID nor Date, before these, its first Received field: nothing else tells two equal
  messages apart.
* An empty line and the body, with LF line ends, without empty lines at its end.

It leaves out what mail servers add or change on the way. So the same message has the same digest when it arrives over
another route, with other line ends or another folding.
"""

from collections.abc import Mapping

from mailgate.values.digest import Hash, sha256
from mailgate.values.pattern import pattern

_FIELDS = (
    *("from", "sender", "reply-to", "to", "cc", "subject", "date"),
    *("message-id", "in-reply-to", "references", "mime-version"),
)
_SPACE = pattern(rb"\s+")
_STEP = 1 << 20
"""Octets of the body that are read at a time."""


def digest(fields: Mapping[str, tuple[bytes, ...]], raw: bytes, body_at: int) -> str:
    """The digest of a message, from its unfolded fields by lower-case name and its body."""
    running: Hash = sha256()
    if "message-id" not in fields and "date" not in fields:
        running.update(b"received:" + _SPACE.sub(b" ", fields.get("received", (b"",))[-1]) + b"\n")
    for name in (*_FIELDS, *sorted(name for name in fields if name.startswith("content-"))):
        for value in fields.get(name, ()):
            running.update(name.encode("latin-1") + b":" + _SPACE.sub(b" ", value) + b"\n")
    running.update(b"\n")
    _add_body(running, memoryview(raw)[body_at:])
    return running.hexdigest()


def _add_body(running: Hash, body: memoryview) -> None:
    line_ends = 0  # held back, because they count only when text follows
    carry = b""
    for at in range(0, len(body), _STEP):
        chunk = carry + bytes(body[at : at + _STEP])
        carry = b"\r" if chunk.endswith(b"\r") and at + _STEP < len(body) else b""
        lines = chunk[: len(chunk) - len(carry)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        text = lines.rstrip(b"\n")
        if text:
            running.update(b"\n" * line_ends)
            running.update(text)
            line_ends = 0
        line_ends += len(lines) - len(text)
