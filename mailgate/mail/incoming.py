"""A message as a way in hands it over: its bytes, and what was said about it besides."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

COLLECTED = ("fetch", "file")
"""Sources for which no mail server waits for an answer."""


class Fallback(NamedTuple):
    """The model of the records that mail makes which no alias takes, and the values of these records."""

    model: str
    values: Mapping[str, str] = {}


class Incoming(NamedTuple):
    """One message and its envelope as it was told: nothing is parsed yet.

    reverse_path None: not told; `recipients` empty: `environ` or the trace fields may name them. source: pipe, lmtp,
    fetch (out of a mailbox, whose address is `mailbox`) or file (kept mail). `whole`: octets of the message where `raw`
    is only a part of it, else 0. `failure`: why it cannot be judged, `""` where it can; such mail is held with it.
    """

    raw: bytes
    reverse_path: str | None = None
    recipients: Sequence[str] = ()
    environ: Mapping[str, str] = {}
    fallback: Fallback | None = None
    source: str = "pipe"
    mailbox: str | None = None
    whole: int = 0
    failure: str = ""
