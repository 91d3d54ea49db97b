"""Break mails: bytes, tokens, fields, lines, addresses, ids, whole halves of them."""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from fuzz.prepared import IDS, PLACES, PreparedStore

HERE = Path(__file__).parent
CORPORA = Path(os.environ.get("MAILGATE_CORPORA") or HERE.parents[2] / "shared")
FOLDERS = ("hostile", "weird/mails", "bounces/mails")
LIMIT = 1 << 20
"""Octets of a broken mail."""

TOKENS = tuple(
    row.encode("latin-1").decode("unicode_escape").encode("latin-1")
    for row in (HERE / "tokens.txt").read_text("ascii").split("\n")
    if row and not row.startswith("# ")
)
FIELDS = (
    b"From:To:Cc:Subject:Date:Message-ID:In-Reply-To:References:Reply-To:Sender:Return-Path:Received:Delivered-To"
    b":X-Original-To:Envelope-To:Resent-To:Resent-Cc:Resent-From:Resent-Message-ID:MIME-Version:Content-Type:Bcc"
    b":Content-Transfer-Encoding:Content-Disposition:Content-ID:Content-Language:Content-Base:Content-Location"
    b":Content-Description:Content-X:Auto-Submitted:Precedence:X-Precedence:List-Id:List-Unsubscribe:Mailing-List"
    b":X-Loop:X-Autoreply:X-Auto-Response-Suppress:X-Failed-Recipients:X-Mailgate-Loop:X-Spam-Flag:X-Spam-Status"
    b":Feedback-ID:Authentication-Results:X-Cron-Env:X-POST-MessageClass:X-Injected"
).split(b":")

_BLANK = re.compile(rb"\r?\n\r?\n|\r\r")
_FIELD = re.compile(rb"(?<=[\r\n])(?![ \t\r\n])")
_ADDRESS = re.compile(rb"[A-Za-z0-9._+=-]{1,64}@[A-Za-z0-9.-]{1,64}")
_ID = re.compile(rb"<[^<>\s]{1,200}@[^<>\s]{1,200}>")
_NUMBER = re.compile(rb"\d+")
_NUMBERS = (b"0", b"1", b"-1", b"255", b"65536", b"4294967295", b"9" * 20, b"9" * 5000, b"")


class Mails(NamedTuple):
    """The mails to break: the seeds here and those that were collected, by name."""

    seeds: Mapping[str, bytes]
    corpora: Mapping[str, bytes]


def mails(made: PreparedStore, corpora: Path | None = CORPORA) -> Mails:
    """Every mail there is, the seeds with the signed addresses and ids of a store."""
    folders = [corpora / name for name in FOLDERS] if corpora else []
    files = [each for folder in folders if folder.is_dir() for each in sorted(folder.rglob("*"))]
    return Mails(
        {path.stem: made.fill_octets(path.read_bytes()) for path in sorted((HERE / "seeds").glob("*.eml"))},
        {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files if path.is_file()},
    )


class Breaker:
    """Breaks mails, always in the same ways from the same random numbers."""

    def __init__(self, random: Random, every: Mails, made: PreparedStore) -> None:
        self.random = random
        self.every = every
        self.seeds, self.corpora = list(every.seeds), list(every.corpora)
        self.places = [made.fill(each).encode() for each in PLACES]
        self.ids = [made.fill(each).encode() for each in IDS]
        self.tokens = (*TOKENS, *self.places, *self.ids, made.words["MARK"].encode())
        weights: dict[Callable[[bytes], bytes], int] = {
            **dict.fromkeys((self.aim, self.name_id, self.flip, self.token, self.field), 6),
            **dict.fromkeys((self.delete, self.duplicate, self.overwrite, self.graft, self.shuffle, self.retitle), 4),
            **dict.fromkeys((self.splice, self.cut, self.line_ends), 3),
            **dict.fromkeys((self.fold, self.number, self.case, self.lines, self.wrap, self.encode), 2),
        }
        self.operations, self.weights = list(weights), list(weights.values())

    def any(self) -> tuple[str, bytes]:
        """One of the mails, with its name."""
        if self.corpora and self.random.random() < 0.5:
            name = self.random.choice(self.corpora)
            return name, self.every.corpora[name]
        name = self.random.choice(self.seeds)
        return name, self.every.seeds[name]

    def broken(self) -> tuple[str, bytes]:
        """The next broken mail, with the name of the mail that it was."""
        name, raw = self.any()
        turns = 1 + min(int(self.random.expovariate(0.4)), 9)
        for operation in self.random.choices(self.operations, self.weights, k=turns):
            raw = operation(raw)
        if self.random.random() < 0.01:
            raw = self.blow_up(raw)
        return name, raw[:LIMIT] or b"x"

    def span(self, raw: bytes, longest: int = 400) -> tuple[int, int]:
        """Some place in a mail, rather near its start, where the header is."""
        last = min(len(raw), 2000) if self.random.random() < 0.6 else len(raw)
        start = self.random.randint(0, last)
        return start, min(len(raw), start + int(math.exp(self.random.uniform(0, math.log(longest)))))

    def flip(self, raw: bytes) -> bytes:
        """Bits turned over."""
        changed = bytearray(raw)
        for _ in range(self.random.choice((1, 1, 1, 2, 4, 16))):
            if changed:
                changed[min(self.span(raw)[0], len(changed) - 1)] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def token(self, raw: bytes) -> bytes:
        """A token put in, once or fifty times."""
        at = self.span(raw)[0]
        return raw[:at] + self.random.choice(self.tokens) * self.random.choice((1, 1, 1, 2, 50)) + raw[at:]

    def overwrite(self, raw: bytes) -> bytes:
        """A token in the place of something."""
        start, end = self.span(raw, 30)
        return raw[:start] + self.random.choice(self.tokens) + raw[end:]

    def delete(self, raw: bytes) -> bytes:
        """A piece taken out."""
        start, end = self.span(raw)
        return raw[:start] + raw[end:]

    def duplicate(self, raw: bytes) -> bytes:
        """A piece more than once."""
        start, end = self.span(raw)
        return raw[:end] + raw[start:end] * self.random.choice((1, 1, 2, 3, 20)) + raw[end:]

    def splice(self, raw: bytes) -> bytes:
        """The start of one mail and the end of another."""
        other = self.any()[1]
        return raw[: self.span(raw)[0]] + other[self.span(other)[0] :]

    def cut(self, raw: bytes) -> bytes:
        """Only a start, or an end."""
        return raw[: self.random.randint(0, len(raw))] if self.random.random() < 0.8 else raw[self.span(raw)[0] :]

    def parts(self, raw: bytes) -> tuple[list[bytes], bytes]:
        """The fields of the header, each with its line end, and the rest from the empty line on."""
        blank = _BLANK.search(raw)
        end = blank.start() + (2 if blank[0].startswith(b"\r\n") else 1) if blank else 0
        return [each for each in _FIELD.split(raw[:end]) if each], raw[end:]

    def field(self, raw: bytes) -> bytes:
        """A new field."""
        fields, rest = self.parts(raw)
        value = b"".join(self.random.choices((*self.tokens, b" ", b"x"), k=self.random.choice((0, 1, 1, 2, 3, 8))))
        if self.random.random() < 0.9:
            value = re.sub(rb"[\r\n]+(?![ \t])", b" ", value)
        fields.insert(self.random.randint(0, len(fields)), self.random.choice(FIELDS) + b": " + value + b"\n")
        return b"".join(fields) + rest

    def shuffle(self, raw: bytes) -> bytes:
        """Fields in another order, one of them gone or twice."""
        fields, rest = self.parts(raw)
        self.random.shuffle(fields)
        if fields and self.random.random() < 0.5:
            del fields[self.random.randrange(len(fields))]
        if fields and self.random.random() < 0.3:
            fields.append(self.random.choice(fields))
        return b"".join(fields) + rest

    def retitle(self, raw: bytes) -> bytes:
        """Another name for a field."""
        fields, rest = self.parts(raw)
        if fields:
            at = self.random.randrange(len(fields))
            fields[at] = self.random.choice(FIELDS) + b":" + fields[at].partition(b":")[2]
        return b"".join(fields) + rest

    def graft(self, raw: bytes) -> bytes:
        """Fields, or the body, of another mail."""
        fields, rest = self.parts(raw)
        others, body = self.parts(self.any()[1])
        if self.random.random() < 0.4:
            return b"".join(fields) + body
        fields += self.random.sample(others, min(len(others), self.random.randint(1, 3)))
        return b"".join(fields) + rest

    def replace(self, pattern: re.Pattern[bytes], raw: bytes, choices: Sequence[bytes]) -> bytes:
        """Some of what matches replaced by what means something, or nearly does."""
        found = list(pattern.finditer(raw[:20_000]))
        chosen = self.random.sample(found, min(len(found), self.random.choice((1, 1, 2, 5))))
        for match in sorted(chosen, key=lambda match: -match.start()):
            new = self.random.choice(choices)
            if self.random.random() < 0.1:
                new = self.flip(new)
            raw = raw[: match.start()] + new + raw[match.end() :]
        return raw

    def aim(self, raw: bytes) -> bytes:
        """Addresses that mean something."""
        return self.replace(_ADDRESS, raw, self.places)

    def name_id(self, raw: bytes) -> bytes:
        """Ids that mean something."""
        return self.replace(_ID, raw, self.ids)

    def number(self, raw: bytes) -> bytes:
        """Other numbers."""
        return self.replace(_NUMBER, raw, _NUMBERS)

    def line_ends(self, raw: bytes) -> bytes:
        """Other line ends, or different ones, or none."""
        plain = raw.replace(b"\r\n", b"\n")
        choice = self.random.randrange(5)
        if choice == 3:
            ends = (b"\n", b"\r\n", b"\n", b"\r", b"\r\r\n")
            return b"".join(each + self.random.choice(ends) for each in plain.split(b"\n"))
        if choice == 4:
            return raw.replace(b"\r", b"").replace(b"\n", b"") if self.random.random() < 0.1 else plain
        return plain.replace(b"\n", (b"\n", b"\r\n", b"\r")[choice])

    def fold(self, raw: bytes) -> bytes:
        """Blanks become folds, well or badly."""
        folded = self.random.choice((b"\n ", b"\r\n\t", b"\n \n ", b"\n\t\t"))
        head = re.sub(rb" ", lambda match: folded if self.random.random() < 0.3 else match[0], raw[:3000])
        return head + raw[3000:]

    def case(self, raw: bytes) -> bytes:
        """A piece in another case."""
        start, end = self.span(raw)
        return raw[:start] + raw[start:end].swapcase() + raw[end:]

    def lines(self, raw: bytes) -> bytes:
        """Lines in another order."""
        rows = raw.splitlines(keepends=True)
        for _ in range(self.random.randint(1, 5)):
            if rows:
                rows.insert(self.random.randrange(len(rows)), rows.pop(self.random.randrange(len(rows))))
        return b"".join(rows)

    def wrap(self, raw: bytes) -> bytes:
        """The mail as a part of another one."""
        kind = self.random.choice((b"mixed", b"alternative", b"report", b"digest", b"signed"))
        inner = self.random.choice((b"message/rfc822", b"text/plain", b"message/delivery-status", b"text/html"))
        head = b"From: %s\nTo: %s\nMIME-Version: 1.0\n" % (*self.random.choices(self.places, k=2),)
        body = b"--w\n\nSee below.\n--w\nContent-Type: " + inner + b"\n\n" + raw + b"\n--w--\n"
        return head + b"Content-Type: multipart/" + kind + b"; boundary=w\n\n" + body

    def encode(self, raw: bytes) -> bytes:
        """A piece with every byte escaped, as an encoded word mostly."""
        start, end = self.span(raw, 60)
        quoted = b"".join(b"=%02X" % each for each in raw[start:end])
        if self.random.random() < 0.7:
            name = self.random.choice((b"utf-8", b"iso-8859-1", b"utf-7", b"utf-16", b"gb2312", b"x"))
            quoted = b"=?" + name + b"?q?" + quoted + b"?="
        return raw[:start] + quoted + raw[end:]

    def blow_up(self, raw: bytes) -> bytes:
        """Up to a megabyte of one thing."""
        start, end = self.span(raw, 2000)
        piece = self.random.choice((self.random.choice(self.tokens), raw[start:end], b"x", b"\n")) or b"y"
        size = int(math.exp(self.random.uniform(math.log(1 << 14), math.log(LIMIT))))
        return raw[:start] + piece * (size // len(piece)) + raw[start:]
