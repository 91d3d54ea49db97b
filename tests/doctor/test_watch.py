"""Being told: one mail a change of state, and nothing that could loop."""

import email
import email.policy
import threading

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail
from helpers.queued import Queued, queued
from helpers.reports import block, standard

from mailgate.doctor import watch
from mailgate.store import database, domains, held, outbox, servers
from mailgate.values.server import Secret, Server

ADMIN = "admin@client.net"


def trouble(gateway: Gateway, number: int = 1) -> None:
    """Open held mail."""
    gateway(mail(to="postmaster@example.com", message_id=f"<{number}@x>"), "postmaster@example.com")


def quiet(gateway: Gateway) -> None:
    """Somebody has seen to all of it."""
    with gateway.store.write() as tx:
        for each in held.listing(tx):
            held.release(tx, each.message)
        tx.execute("UPDATE failure SET state = 'acked'")
        tx.execute("DELETE FROM outbox WHERE kind != 'notice'")


def notices(gateway: Gateway) -> list[Queued]:
    with gateway.store.read() as tx:
        return [each for each in queued(tx) if each.kind == "notice"]


@pytest.fixture
def watched(gateway: Gateway) -> Gateway:
    gateway.config = gateway.config._replace(notify=(ADMIN,))
    return gateway


def look(gateway: Gateway, later: float = 0.0) -> int:
    return watch.look(gateway.store, gateway.config, gateway.now + later)


def test_one_mail_when_something_begins_to_wait_and_one_when_nothing_does(watched: Gateway) -> None:
    assert look(watched) == 0
    for number in range(5):
        trouble(watched, number)
        assert look(watched) == (number == 0), "never one a message"
    quiet(watched)
    assert [look(watched), look(watched)] == [1, 0]
    assert [each.about for each in notices(watched)] == ["held", "well"]
    trouble(watched, 9)
    assert look(watched) == 1, "it begins again"


def test_what_the_doctor_finds_is_told_once_and_stands_until_he_looks_again(watched: Gateway) -> None:
    def doctor(faults: int | None) -> int:
        return watch.look(watched.store, watched.config, watched.now, faults)

    assert [doctor(0), doctor(2), doctor(1), doctor(None)] == [0, 1, 0, 0]
    trouble(watched)
    assert doctor(None) == 1
    quiet(watched)
    assert doctor(None) == 0, "he has not said that all is well"
    assert [doctor(0), doctor(0), doctor(None)] == [1, 0, 0]
    assert [each.about for each in notices(watched)] == ["doctor", "held,doctor", "well"]
    assert b"2 checks fail (new): mailgate doctor\n" in notices(watched)[0].octets


def test_another_thing_that_waits_is_another_change(watched: Gateway) -> None:
    trouble(watched)
    assert look(watched) == 1
    watched(mail(message_id="<1@x>"), "info@example.com")
    watched(standard(block("bob@client.org")), "bounce@example.com", reverse_path="")
    assert look(watched) == 0, "a report that names nothing of ours is quiet"
    with watched.store.write() as tx:
        tx.execute("UPDATE failure SET quiet = 0")
    assert look(watched) == 1
    with watched.store.write() as tx:
        tx.execute("UPDATE failure SET state = 'acked'")
    assert look(watched) == 0, "something else still waits"
    assert [each.about for each in notices(watched)] == ["held", "held,failures"]
    text = notices(watched)[1].octets.decode()
    assert "  1 message is held: mailgate held list\n" in text
    assert "  1 message was not delivered (new): mailgate bounce list\n" in text


def test_a_stuck_outbox_is_announced(watched: Gateway) -> None:
    watched(mail(to="catchall@example.com"), "catchall@example.com")
    assert look(watched) == 0
    assert look(watched, outbox.STUCK + 1) == 1
    assert look(watched, 10 * outbox.STUCK) == 0, "that the notice itself does not leave is told to nobody"
    quiet(watched)
    assert look(watched, 10 * outbox.STUCK) == 1


def test_a_failing_server_is_announced(watched: Gateway) -> None:
    secret = Secret("password-file", "/x")
    with watched.store.write() as tx:
        number = servers.add(tx, Server("inbox", "imap", "h", 993, "u", secret)).number
        servers.failed(tx, number, "no", watched.now)
    assert [look(watched), look(watched, outbox.STUCK + 1)] == [0, 1]
    with watched.store.write() as tx:
        servers.succeeded(tx, number, "", watched.now)
    assert look(watched) == 1


def test_a_server_that_began_to_fail_while_the_clock_was_ahead_is_announced(watched: Gateway) -> None:
    secret = Secret("password-file", "/x")
    with watched.store.write() as tx:
        number = servers.add(tx, Server("inbox", "imap", "h", 993, "u", secret)).number
        servers.failed(tx, number, "no", watched.now + 365 * 86_400)
        servers.failed(tx, number, "no", watched.now)
    assert [look(watched), look(watched, watch.FAILING + 1)] == [0, 1]


def test_what_is_sent_can_make_no_loop(watched: Gateway) -> None:
    trouble(watched)
    look(watched)
    (sent,) = notices(watched)
    assert (sent.recipient, sent.reverse_path) == (ADMIN, None)
    message = email.message_from_bytes(sent.octets, policy=email.policy.default)
    assert message["Auto-Submitted"] == "auto-generated"
    assert (message["From"], message["To"]) == ("mailgate <bounce@example.com>", ADMIN)
    assert message["Subject"] == "[mailgate example.com] 1 message is held"
    for to in ("info@example.com", "postmaster@example.com", "catchall@example.com"):
        back = watched(sent.octets, to, reverse_path="")
        reason = "loop" if to == "info@example.com" else "duplicate"
        assert [(each.action, each.reason) for each in back.decision.outcomes] == [("ignore", reason)]
    assert look(watched) == 0


def test_a_local_address_gets_no_notice(watched: Gateway) -> None:
    own = ("info@example.com", "catchall+x@example.com", "nonsense", ADMIN, ADMIN)
    watched.config = watched.config._replace(notify=own)
    trouble(watched)
    assert look(watched) == 1
    assert [each.recipient for each in notices(watched)] == [ADMIN]


def test_without_a_name_nothing_is_noted(gateway: Gateway) -> None:
    trouble(gateway)
    assert look(gateway) == 0
    gateway.config = gateway.config._replace(notify=(ADMIN,))
    assert look(gateway) == 1


def test_a_notice_is_written_in_the_language_of_the_domain(watched: Gateway) -> None:
    with watched.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(language="de"))
    trouble(watched)
    look(watched)
    message = email.message_from_bytes(notices(watched)[0].octets, policy=email.policy.default)
    assert message["Subject"] == "[mailgate example.com] 1 Nachricht wird zurückgehalten"
    assert "(neu): mailgate held list" in message.get_content()


def test_several_workers_send_one_notice(watched: Gateway) -> None:
    trouble(watched)
    told: list[int] = []

    def one() -> None:
        opened = database.open_existing(watched.path)
        told.append(watch.look(opened, watched.config, watched.now))
        opened.close()

    workers = [threading.Thread(target=one) for _ in range(6)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(60)
    assert sorted(told) == [0, 0, 0, 0, 0, 1]
    assert len(notices(watched)) == 1
