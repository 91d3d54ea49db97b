"""Correspondents among attackers: whatever an insider of yesterday sends, no person's mail is lost or hidden.

Eve followed the record, has every letter that went to her until she was unfollowed, and guesses the next Message-ID of
everybody. She plants ids and marks, repeats what others write as a list's or a machine's mail, forges reports, writes
to the address that was made for her, and writes in the names of others.
"""

from collections.abc import Callable
from random import Random

import pytest
from helpers.correspondents import ANNA, Letter, leaving
from helpers.gateway import Gateway
from helpers.messages import BOB, mail

from mailgate.store import failures, held, messages, records
from mailgate.values.record import Ref

EVE, EVIL = "eve@evil.org", "bounce@evil.org"
ONE = Ref("crm.lead", 1)
STEPS = 60


class Play:
    """Bob and Anna write to each other on a record, and Eve between them."""

    def __init__(self, gateway: Gateway, seed: int) -> None:
        self.gateway = gateway
        self.random = Random(seed)
        self.letters: dict[str, list[Letter]] = {ANNA: [], BOB: [], EVE: []}
        self.written = 0
        self.honest: list[tuple[str, int, str]] = []
        self.planted: list[str] = []
        gateway.change("info@example.com", notify=(ANNA,))
        gateway(self.mail(BOB, to="info@example.com"), "info@example.com")
        with gateway.store.write() as tx:
            records.follow(tx, ONE, EVE)
        self.carry()
        self.answer(ANNA)
        with gateway.store.write() as tx:
            records.unfollow(tx, ONE, EVE)

    def mail(self, author: str, **fields: str | None) -> bytes:
        self.written += 1
        body = f"This is what {author.partition('@')[0]} writes as number {self.written}, and nobody else did.\n"
        return mail(body, **{"from": author, "message_id": f"<{self.written}@client.org>", **fields})

    def carry(self) -> None:
        """Bring everybody the letters about the record; what Eve begins elsewhere is between her and Anna."""
        while sent := leaving(self.gateway):
            if sent.about != str(ONE):
                continue
            self.letters.setdefault(sent.recipient, []).append(Letter(sent.reverse_path or "", sent.octets))

    def answer(self, author: str) -> None:
        """An honest answer to the last letter, which the gateway takes."""
        letter = self.letters[author][-1] if self.letters[author] else None
        to = letter.address("Reply-To") if letter else "info@example.com"
        raw = self.mail(author, to=to, in_reply_to=letter.field("Message-ID") if letter else "<1@client.org>")
        text = f"number {self.written},"
        receipt = self.gateway(raw, to, reverse_path=author)
        assert receipt.number is not None, [outcome.reason for outcome in receipt.decision.outcomes]
        self.honest.append((author, receipt.number, text))
        self.carry()

    def eve(self, raw: bytes, to: str, path: str = EVIL) -> None:
        receipt = self.gateway(raw, to, reverse_path=path)
        assert "failed" not in [outcome.reason for outcome in receipt.decision.outcomes]
        self.carry()

    @property
    def leaked(self) -> Letter:
        """A letter that went to Eve."""
        return self.random.choice(self.letters[EVE])


def plants_an_id(play: Play) -> None:
    """The id of the next mail, as her own."""
    number = play.written + 2
    play.eve(play.mail(EVE, message_id=f"<{number}@client.org>", to="info@example.com"), "info@example.com")


def plants_a_mention(play: Play) -> None:
    """The id of the next mail, as one that she answers."""
    fields = {"references": f"<{play.written + 2}@client.org> <{play.written + 3}@client.org>"}
    play.eve(play.mail(EVE, to="info@example.com", **fields), "info@example.com")


def plants_a_mark(play: Play) -> None:
    """A mark of ours in a mail in Bob's name."""
    mark = play.leaked.field("X-Mailgate-Loop")
    play.eve(play.mail(BOB, x_mailgate_loop=mark, to="info@example.com"), "info@example.com")


def repeats_as_a_list(play: Play) -> None:
    """What Bob wrote, as a list carries it, with a word of her own."""
    raw = play.gateway.raw(play.honest[-1][1]) if play.honest else play.mail(BOB)
    listed = b"List-Id: <l.evil.org>\nPrecedence: list\n" + raw.replace(b"This is", b"That is")
    play.eve(listed, play.random.choice(["info@example.com", play.leaked.address("Reply-To")]), "l-bounces@evil.org")


def comes_first_as_a_machine(play: Play) -> None:
    """The very mail that Bob is going to write, as a machine's."""
    number = play.written + 1
    body = f"This is what bob writes as number {number}, and nobody else did.\n"
    raw = mail(body, message_id=f"<{number}@client.org>", auto_submitted="auto-generated", to="info@example.com")
    play.eve(raw, "info@example.com", BOB)


def forges_a_report(play: Play) -> None:
    """A report that Bob's and Anna's addresses do not exist, for a message of ours; by the return path made for Eve."""
    letter = play.leaked
    blocks = b"".join(
        b"Final-Recipient: rfc822; %s\nAction: failed\nStatus: 5.1.1\n\n" % each.encode() for each in (BOB, ANNA)
    )
    raw = (
        b"From: MAILER-DAEMON@evil.org\nTo: bounce@example.com\nSubject: Undelivered\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n'
        b"Message-ID: <r%d@evil.org>\n\n--b\n\nNo such users.\n--b\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; evil.org\n\n%s--b\nContent-Type: message/rfc822\n\nMessage-ID: %s\n\nx\n--b--\n"
    ) % (play.written, blocks, letter.field("Message-ID").encode())
    to = play.random.choice(["bounce@example.com", letter.reverse_path, "info@example.com"])
    play.eve(raw, to, "")


def complains(play: Play) -> None:
    """A complaint about what went to her, in Bob's name."""
    raw = (
        b"From: fbl@evil.org\nTo: bounce@example.com\nSubject: complaint\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n--b\n\nSpam!\n--b\n'
        b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\nUser-Agent: x/1\n"
        b"Original-Rcpt-To: %s\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: %s\n\nx\n--b--\n"
    ) % (BOB.encode(), play.leaked.field("Message-ID").encode())
    play.eve(raw, "bounce@example.com", "fbl@evil.org")


def writes_to_her_old_address(play: Play) -> None:
    """The signed address that was made for her while she followed."""
    letter = play.leaked
    to = letter.address("Reply-To")
    play.eve(play.mail(EVE, to=to, in_reply_to=letter.field("Message-ID")), to, EVE)


def writes_as_bob(play: Play) -> None:
    """In Bob's name, from a server of hers."""
    letter = play.leaked
    play.eve(play.mail(BOB, to="info@example.com", in_reply_to=letter.field("Message-ID")), "info@example.com")


def sends_back_a_letter(play: Play) -> None:
    """A letter of ours, as it is, or with other words."""
    letter = play.leaked
    octets = letter.octets if play.random.random() < 0.5 else letter.octets.replace(b"writes", b"never wrote")
    play.eve(octets, play.random.choice(["info@example.com", "nobody@example.com"]))


ATTACKS: tuple[Callable[[Play], None], ...] = (
    plants_an_id,
    plants_a_mention,
    plants_a_mark,
    repeats_as_a_list,
    comes_first_as_a_machine,
    forges_a_report,
    complains,
    writes_to_her_old_address,
    writes_as_bob,
    sends_back_a_letter,
)


def check(play: Play) -> None:
    """What must hold at the end: every honest word stands where people look, and reached the others or waits."""
    gateway = play.gateway
    with gateway.store.read() as tx:
        entries = {entry.message: entry for entry in held.listing(tx)}
        on_record = {each.number for each in messages.listing(tx, ONE)}
        stops = [each for each in failures.listing(tx) if each.follower in (ANNA, BOB)]
    assert stops == [], "nothing that Eve has seen proves anything about others"
    for author, number, text in play.honest:
        assert text.encode() in gateway.raw(number)
        waits = number in entries and not entries[number].quiet
        assert number in on_record or waits, (author, text, gateway.why(number)["outcomes"])
        other = ANNA if author == BOB else BOB
        reached = any(text.encode() in letter.octets for letter in play.letters[other])
        assert reached or waits, (author, text, gateway.why(number)["outcomes"])
    after = [letter for letter in play.letters[EVE][2:] if b"writes as number" in letter.octets]
    assert after == [], "she gets nothing since she was unfollowed"


def open_entries(gateway: Gateway) -> int:
    with gateway.store.read() as tx:
        return held.still_open(tx).total


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_no_attack_takes_a_persons_mail_out_of_sight(gateway: Gateway, attack: Callable[[Play], None]) -> None:
    """Each attack before and after every honest mail; the bound of what we send is two letters an answer."""
    play = Play(gateway, 0)
    for number in range(12):
        attack(play)
        play.answer((BOB, ANNA)[number % 2])
        attack(play)
    check(play)
    ours = sum(len(letters) for letters in play.letters.values())
    assert ours <= 2 * len(play.honest) + 2 * 24, "one letter to each of the two for each mail, of whomever"


@pytest.mark.parametrize("seed", range(12))
def test_no_mixture_of_attacks_takes_a_persons_mail_out_of_sight(gateway: Gateway, seed: int) -> None:
    play = Play(gateway, seed)
    for _ in range(STEPS):
        if play.random.random() < 0.3:
            play.answer(play.random.choice((BOB, ANNA)))
        else:
            play.random.choice(ATTACKS)(play)
    assert len(play.honest) > 8
    check(play)
    assert open_entries(gateway) <= 100, "what an attack piles up is capped"


def test_the_honest_conversation_alone_reaches_both(gateway: Gateway) -> None:
    """The control: without Eve nothing waits, and every word reaches the other."""
    play = Play(gateway, 0)
    for number in range(12):
        play.answer((BOB, ANNA)[number % 2])
    check(play)
    assert (open_entries(gateway), len(gateway.on("crm.lead/1"))) == (0, 14)
