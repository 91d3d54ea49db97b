"""Programs that write to each other through the gateway: every pairing falls quiet after a few messages of ours."""

import itertools

import pytest
from build import BOB, mail
from gate import Gate
from world import (
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


def sent(gate: Gate) -> list[str]:
    """Everything that left: kind and recipient."""
    with gate.store.read() as tx:
        return [f"{each.kind} {each.recipient}" for each in outbox.listing(tx)]


@pytest.mark.parametrize("details", [True, False], ids=["signed", "details-off"])
@pytest.mark.parametrize(
    ("customer", "colleague"),
    [pytest.param(one, two, id=f"{one}-{two}") for one, two in itertools.product(HABITS, repeat=2)],
)
def test_every_pairing_falls_quiet(gate: Gate, customer: str, colleague: str, details: bool) -> None:
    gate.parameter("mail.gateway.loop.threshold", str(THRESHOLD))
    gate.change("info@example.com", notify=(ANNA,))
    with gate.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(details=details))
    gate(mail(message_id="<start@client.org>"), "info@example.com")
    settle([gate], Mailbox(BOB, HABITS[customer]), Mailbox(ANNA, HABITS[colleague]))
    everything = sent(gate)
    assert everything[0] == f"copy {ANNA}"
    assert len(everything) <= BOUND
    assert "failed" not in gate.held()


def test_a_mail_bomb_gets_one_answer(gate: Gate) -> None:
    for number in range(200):
        gate(mail(message_id=f"<{number}@client.org>", subject=f"Bang {number}"), "info@example.com")
    assert len(gate.records()) == 20
    assert sent(gate) == [f"refusal {BOB}"]
    assert len(gate.held(refused=True)) == 180


def test_a_bomb_of_forged_senders_makes_us_write_to_a_hundred_of_them_at_most(gate: Gate) -> None:
    gate.change("info@example.com", policy="contacts")
    for number in range(150):
        victim = f"victim{number}@client.org"
        gate(mail(**{"from": victim}, message_id=f"<{number}@client.org>"), "info@example.com", reverse_path=victim)
    assert len(sent(gate)) == 100
    assert gate.records() == []


def test_a_bomb_in_one_name_makes_us_write_to_him_five_times_a_day_at_most(gate: Gate) -> None:
    for number in range(30):
        gate.alias(f"closed{number}@example.com", "ticket", policy="contacts")
        to = f"closed{number}@example.com"
        gate(mail(to=to, message_id=f"<{number}@client.org>"), to)
    assert sent(gate) == [f"refusal {BOB}"] * 5
