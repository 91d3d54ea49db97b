"""A message as it comes in: its bytes, and what the transport says about it."""

from collections.abc import Mapping, Sequence

from mailgate.values.light import NamedTuple

COLLECTED = ("fetch", "file")
"""Sources for which no mail server waits for an answer."""


class Fallback(NamedTuple):
    """The model and the values of records that mail creates when no alias takes it."""

    model: str
    values: Mapping[str, str] = {}


class Incoming(NamedTuple):
    """One message and its envelope as the transport states it: nothing is parsed yet.

    reverse_path None: not stated. `recipients` empty: `environ` or the trace fields may name them. source: pipe, lmtp,
    fetch (from a mailbox, whose address is `mailbox`) or file (kept mail). `full_size`: octets of the message where
    `raw` is only a part of it, else 0. `failure`: why it cannot be judged, else `""`; such mail is held with it.
    `defects`: what was wrong with the octets as they came.
    """

    raw: bytes
    reverse_path: str | None = None
    recipients: Sequence[str] = ()
    environ: Mapping[str, str] = {}
    fallback: Fallback | None = None
    source: str = "pipe"
    mailbox: str | None = None
    full_size: int = 0
    failure: str = ""
    defects: tuple[str, ...] = ()
