"""Programs that write to each other through the gateway: every pairing falls quiet after a few messages of ours."""

import itertools

import pytest
from helpers.correspondents import (
    ANNA,
    Answer,
    Habit,
    Letter,
    Mailbox,
    conformant,
    exchange,
    marked,
    redirecting,
    remembering,
    settle,
    worst,
    worst_to_from,
)
from helpers.gateway import Gateway
from helpers.messages import BOB, mail

from mailgate.store import domains, outbox

THRESHOLD = 3
BOUND = 2 * THRESHOLD + 2
"""Messages of ours in one pairing: each of the two is heard THRESHOLD times, and told once why no more."""


def ticket_system(box: Mailbox, letter: Letter) -> Answer:
    """Acknowledges every letter with a ticket of its own, and says that a program does."""
    own = {"auto_submitted": "auto-generated", "subject": f"[#{len(box.sent) + 1}] {letter.field('Subject')}"}
    return box.away(letter.address("Reply-To") or letter.address("From"), box.address, **own)


def list_server(box: Mailbox, letter: Letter) -> Answer:
    """Sends everything to its subscribers, of whom we are one."""
    head, _, body = letter.octets.partition(b"\n\n")
    kept = [line for line in head.split(b"\n") if not line.startswith((b"Reply-To", b"X-"))]
    listed = b"List-Id: <team.team.org>\nList-Post: <mailto:%s>" % box.address.encode()
    return Answer("info@example.com", "team-bounces@team.org", b"\n".join((*kept, listed)) + b"\n\n" + body)


forwarder = redirecting("info@example.com", b"Message-ID", b"X-")
HABITS: dict[str, Habit] = {
    "vacation": conformant,
    "exchange": exchange,
    "marked": marked,
    "ticket-system": ticket_system,
    "unmarked-once": remembering,
    "unmarked": worst,
    "unmarked-to-from": worst_to_from,
    "list-server": list_server,
    "forwarder": forwarder,
}


def sent(gateway: Gateway) -> list[str]:
    """Everything that left: kind and recipient."""
    with gateway.store.read() as tx:
        return [f"{each.kind} {each.recipient}" for each in outbox.listing(tx)]


@pytest.mark.parametrize("details", [True, False], ids=["signed", "details-off"])
@pytest.mark.parametrize(
    ("customer", "colleague"),
    [pytest.param(one, two, id=f"{one}-{two}") for one, two in itertools.product(HABITS, repeat=2)],
)
def test_any_two_automatic_correspondents_fall_quiet(
    gateway: Gateway, customer: str, colleague: str, details: bool
) -> None:
    gateway.parameter("mail.gateway.loop.threshold", str(THRESHOLD))
    gateway.change("info@example.com", notify=(ANNA,))
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(details=details))
    gateway(mail(message_id="<start@client.org>"), "info@example.com")
    settle([gateway], Mailbox(BOB, HABITS[customer]), Mailbox(ANNA, HABITS[colleague]))
    everything = sent(gateway)
    assert everything[0] == f"copy {ANNA}"
    assert len(everything) <= BOUND
    assert "failed" not in gateway.held()


def test_a_mail_bomb_gets_one_answer(gateway: Gateway) -> None:
    for number in range(200):
        gateway(mail(message_id=f"<{number}@client.org>", subject=f"Bang {number}"), "info@example.com")
    assert len(gateway.records()) == 20
    assert sent(gateway) == [f"refusal {BOB}"]
    assert len(gateway.held(refused=True)) == 180


def test_a_bomb_of_forged_senders_makes_us_write_to_a_hundred_of_them_at_most(gateway: Gateway) -> None:
    gateway.change("info@example.com", policy="contacts")
    for number in range(150):
        victim = f"victim{number}@client{number}.org"
        gateway(mail(**{"from": victim}, message_id=f"<{number}@client.org>"), "info@example.com", reverse_path=victim)
    assert len(sent(gateway)) == 100
    assert gateway.records() == []


def test_a_bomb_of_forged_senders_in_one_domain_makes_us_write_to_twenty_of_them_at_most(gateway: Gateway) -> None:
    gateway.change("info@example.com", policy="contacts")
    for number in range(50):
        victim = f"victim{number}@client.org"
        gateway(mail(**{"from": victim}, message_id=f"<{number}@client.org>"), "info@example.com", reverse_path=victim)
    assert (len(sent(gateway)), len(gateway.held())) == (20, 30)


def test_a_bomb_in_one_name_makes_us_write_to_him_five_times_a_day_at_most(gateway: Gateway) -> None:
    for number in range(30):
        gateway.alias(f"closed{number}@example.com", "ticket", policy="contacts")
        to = f"closed{number}@example.com"
        gateway(mail(to=to, message_id=f"<{number}@client.org>"), to)
    assert sent(gateway) == [f"refusal {BOB}"] * 5
