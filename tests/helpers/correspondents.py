"""Simulated correspondents: mailboxes that answer by themselves, and a loop that delivers until no mail is queued."""

from collections import Counter
from collections.abc import Callable, Iterable
from email import message_from_bytes
from email.utils import parseaddr
from typing import NamedTuple

import pytest

from helpers.gateway import Gateway
from helpers.messages import mail
from helpers.queued import Queued, queued
from mailgate.store import domains, outbox
from mailgate.values.record import Ref

ANNA, CARL = "anna@team.org", "carl@team.org"
ONE = Ref("crm.lead", 1)
WINDOW = 120 * 60
ROUNDS = 10_000
"""Letters after which a simulation counts as endless."""


class Letter(NamedTuple):
    """What a mailbox is handed."""

    reverse_path: str
    octets: bytes

    def field(self, name: str) -> str:
        """The value of a header field, `""` without one."""
        return " ".join((message_from_bytes(self.octets)[name] or "").split())

    def address(self, name: str) -> str:
        """The first address in a header field."""
        return parseaddr(self.field(name))[1]


class Answer(NamedTuple):
    """What a mailbox sends by itself."""

    to: str
    reverse_path: str
    octets: bytes


class Mailbox:
    """A mailbox whose owner is away: `habit` answers for them."""

    def __init__(self, address: str, habit: "Habit") -> None:
        self.address = address
        self.habit = habit
        self.got: list[Letter] = []
        self.sent: list[Answer] = []
        self.told: set[str] = set()

    def __call__(self, letter: Letter) -> list[Answer]:
        """Take a letter in; the answer to it, if any."""
        self.got.append(letter)
        answer = self.habit(self, letter)
        self.sent += [answer] if answer else []
        return [answer] if answer else []

    def first(self, whom: str) -> bool:
        """Whether this correspondent has not had an answer yet, who has had one now."""
        new = whom not in self.told
        self.told.add(whom)
        return new

    def away(self, to: str, reverse_path: str, **fields: str | None) -> Answer:
        """A new message to an address."""
        fields = {"from": self.address, "to": to, "subject": "Away", **fields}
        number = len(self.sent) + 1
        octets = mail(f"Back in {number} days.\n", message_id=f"<{number}.{self.address}>", **fields)
        return Answer(to, reverse_path, octets)


Habit = Callable[[Mailbox, Letter], Answer | None]


def conformant(box: Mailbox, letter: Letter) -> Answer | None:
    """RFC 5230 and RFC 3834: to the return path, marked, with a null reverse-path, once per sender."""
    if not letter.reverse_path or letter.field("Auto-Submitted") not in ("", "no") or letter.field("Precedence"):
        return None
    if box.address not in (letter.address("To"), letter.address("Cc")) or not box.first(letter.reverse_path):
        return None
    return box.away(letter.reverse_path, "", auto_submitted="auto-replied", in_reply_to=letter.field("Message-ID"))


def marked(box: Mailbox, letter: Letter) -> Answer | None:
    """Marked as automatic, but to Reply-To, and to everything."""
    own = {"auto_submitted": "auto-replied", "in_reply_to": letter.field("Message-ID")}
    return box.away(letter.address("Reply-To"), box.address, **own)


def exchange(box: Mailbox, letter: Letter) -> Answer | None:
    """Goes by X-Auto-Response-Suppress and sets it; a null reverse-path; once per sender."""
    suppressed = {each.strip().lower() for each in letter.field("X-Auto-Response-Suppress").split(",")}
    if suppressed & {"all", "oof", "autoreply"} or not box.first(letter.address("From")):
        return None
    own = {"x_auto_response_suppress": "All", "in_reply_to": letter.field("Message-ID")}
    return box.away(letter.address("Reply-To"), "", **own)


def remembering(box: Mailbox, letter: Letter) -> Answer | None:
    """Unmarked, but only once to each correspondent."""
    return box.away(letter.address("Reply-To"), box.address) if box.first(letter.address("From")) else None


def worst(box: Mailbox, letter: Letter) -> Answer | None:
    """Answers every mail with an unmarked new message, to Reply-To."""
    return box.away(letter.address("Reply-To"), box.address)


def worst_to_from(box: Mailbox, letter: Letter) -> Answer | None:
    """The same, to From, which names no record."""
    return box.away(letter.address("From"), box.address)


def worst_to_the_return_path(box: Mailbox, letter: Letter) -> Answer | None:
    """The same, to the return path, where reports go."""
    return box.away(letter.reverse_path or letter.address("From"), box.address)


def silent(box: Mailbox, letter: Letter) -> None:
    """Never answers."""


TAME = (conformant, marked, exchange)
"""Habits that mark their answers, or follow a mark, in some way."""


# --- the mail between them -------------------------------------------------------------------------------------------


def settle(gateways: Iterable[Gateway], *boxes: Mailbox) -> None:
    """Carry mail to and fro until none is queued."""
    gateways, at = list(gateways), {each.address: each for each in boxes}
    for _ in range(ROUNDS):
        gateway, sent = next(((gateway, sent) for gateway in gateways if (sent := leaving(gateway))), (None, None))
        if gateway is None or sent is None:
            return
        letter = Letter(sent.reverse_path or "", sent.octets)
        box = at.get(sent.recipient)
        for each in box(letter) if box else [Answer(sent.recipient, *letter)]:
            carry(gateways, each)
    pytest.fail(f"not quiet after {ROUNDS} letters")


def leaving(gateway: Gateway) -> Queued | None:
    """The next message that goes out, and is queued no more."""
    with gateway.store.write() as tx:
        entry = outbox.claim(tx, "postman", gateway.now)
        if entry is None:
            assert outbox.left(tx) == 0
            return None
        assert outbox.sent(tx, entry.number, "postman")
        return queued(tx, [entry.number])[0]


def carry(gateways: Iterable[Gateway], answer: Answer) -> None:
    """Deliver to the gateway that has the domain; other mail is dropped."""
    for gateway in gateways:
        with gateway.store.read() as tx:
            ours = {each.name for each in domains.listing(tx)}
        if answer.to.rpartition("@")[2] in ours:
            receipt = gateway(answer.octets, answer.to, reverse_path=answer.reverse_path)
            assert "failed" not in [each.reason for each in receipt.decision.outcomes]


def copies(gateway: Gateway) -> list[tuple[str, str, int]]:
    """(author, record, message) of every copy that went out."""
    query = (
        "SELECT author, about, message.number FROM outbox JOIN message ON message.number = outbox.message"
        " WHERE outbox.kind = 'copy' ORDER BY outbox.number"
    )
    with gateway.store.read() as tx:
        return [(row["author"], row["about"], row["number"]) for row in tx.execute(query)]


def relayed(gateway: Gateway) -> Counter[str]:
    """How many messages of each author went on, on the record where it was most."""
    each = Counter((author, record) for author, record, _ in set(copies(gateway)))
    most: Counter[str] = Counter()
    for (author, _), count in each.items():
        most[author] = max(most[author], count)
    return most


def redirecting(to: str, *dropped: bytes) -> Habit:
    """Sends everything on as it is, without the lines that begin with one of `dropped`."""

    def habit(box: Mailbox, letter: Letter) -> Answer:
        head, _, body = letter.octets.partition(b"\n\n")
        lines = [each for each in head.split(b"\n") if not dropped or not each.startswith(dropped)]
        number = len(box.sent) + 1
        lines += [b"Message-ID: <%d@rewritten.net>" % number] if b"Message-ID" in dropped else []
        return Answer(to, letter.reverse_path, b"\n".join(lines) + b"\n\n" + body)

    return habit
