"""Whatever is broken on the server, mail waits there and is delivered once when it is mended."""

import pytest

from .faults import FAULTS, PYTHON, deliveries, locked, started
from .letters import send
from .polling import until
from .servers import Exim, Server
from .sink import Sink

pytestmark = pytest.mark.mta


@pytest.mark.parametrize("fault", FAULTS)
def test_mail_waits_for_the_repair(server: Server, sink: Sink, fault: str) -> None:
    with FAULTS[fault](server.machine):
        letter = send(server, "support@example.com")
        server.wait(letter.queue_id, "deferred")
    server.deliver_deferred(letter.queue_id)
    _check_delivered_once(server, sink, letter.queue_id, letter.subject, letter.sender)


def test_the_log_of_the_server_says_why(server: Server) -> None:
    with FAULTS["configuration broken"](server.machine):
        letter = send(server, "support@example.com")
        server.wait(letter.queue_id, "deferred")
        until(lambda: "4.3.5" in server.log(), "the status in the log")
    server.deliver_deferred(letter.queue_id)


def test_a_locked_store_is_waited_for(server: Server, sink: Sink) -> None:
    with locked(server.machine):
        letter = send(server, "support@example.com")
        started(server.machine)
    server.wait(letter.queue_id, "sent")
    assert [o.kind for o in server.outcomes(letter.queue_id)] == ["sent"]
    _check_delivered_once(server, sink, letter.queue_id, letter.subject, letter.sender)


def test_a_delivery_that_is_killed_is_repeated(server: Server, sink: Sink) -> None:
    with locked(server.machine):
        letter = send(server, "support@example.com")
        (python,) = (pid for pid, command in started(server.machine) if command.startswith(PYTHON))
        server.machine.run("kill", "-9", str(python))
        server.wait(letter.queue_id, "deferred")
    server.deliver_deferred(letter.queue_id)
    _check_delivered_once(server, sink, letter.queue_id, letter.subject, letter.sender)


def test_a_delivery_that_is_killed_with_its_guard_is_repeated(server: Server, sink: Sink) -> None:
    with locked(server.machine):
        letter = send(server, "support@example.com")
        pids = [str(pid) for pid, _ in started(server.machine)]
        server.machine.run("kill", "-9", *pids, check=False)
        server.wait(letter.queue_id, "deferred")
        until(lambda: not deliveries(server.machine), "all of it to end")
        if isinstance(server, Exim):
            until(lambda: f"{letter.queue_id} Frozen" in server.log(), "Exim to freeze the message")
    server.deliver_deferred(letter.queue_id)
    _check_delivered_once(server, sink, letter.queue_id, letter.subject, letter.sender)


def _check_delivered_once(server: Server, sink: Sink, queue_id: str, subject: str, sender: str) -> None:
    """One record, nothing left in the queue, and its author heard nothing."""
    server.wait_gone(queue_id)
    assert server.outcomes(queue_id)[-1].kind == "sent"
    assert len(server.records(subject)) == 1
    assert sink.to(sender) == []
