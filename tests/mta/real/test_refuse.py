"""Mail that is refused: its author gets the reason, from the server or from mailgate."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .faults import CONFIG, replaced
from .letters import Letter, send
from .polling import until
from .servers import Exim, Server
from .sink import Received, Sink

pytestmark = pytest.mark.mta


def _check_report(server: Server, report: Received, status: str, text: str) -> None:
    """The server's own report has our text, and our status too where the server reads it."""
    assert report.reverse_path == ""
    parts = [p.get_content() for p in report.message.walk() if p.get_content_type() == "text/plain"]
    assert text in parts[0]
    if isinstance(server, Exim):
        assert status in parts[0]
        assert report.report()["Status"] == "5.0.0"
    else:
        assert report.report()["Status"] == status


def test_an_unknown_address_is_reported_to_the_author(server: Server, sink: Sink) -> None:
    letter = send(server, server.stranger)
    server.wait(letter.queue_id, "bounced")
    _check_report(server, sink.wait_for(letter.sender), "5.1.1", f"<{server.stranger}>: ")
    assert server.records(letter.subject) == []


def test_of_two_recipients_only_the_unknown_one_is_refused(server: Server, sink: Sink) -> None:
    letter = send(server, "support@example.com", server.stranger)
    server.wait_gone(letter.queue_id)
    verdicts = {(o.recipient, o.kind) for o in server.outcomes(letter.queue_id)}
    assert verdicts == {("support@example.com", "sent"), (server.stranger, "bounced")}
    assert sink.wait_for(letter.sender).report()["Final-Recipient"].replace(" ", "") == f"rfc822;{server.stranger}"
    assert len(server.records(letter.subject)) == 1


@pytest.mark.parametrize("way", ["postfix", "exim"])
def test_an_unknown_unicode_address_is_reported_too(way: str, request: pytest.FixtureRequest, sink: Sink) -> None:
    server: Server = request.getfixturevalue(way)
    stranger = "ü" + server.stranger
    letter = send(server, stranger)
    server.wait(letter.queue_id, "bounced")
    assert stranger in sink.wait_for(letter.sender).data.decode()


def test_a_refusal_reaches_the_author_by_sendmail(server: Server, sink: Sink) -> None:
    _check_refusal(server, sink, send(server, "catchall@example.com"))


def test_a_refusal_reaches_the_author_by_smtp(server: Server, sink: Sink) -> None:
    with _configured(server, f'[submit]\nmethod = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\n'):
        letter = send(server, "catchall@example.com")
        _check_refusal(server, sink, letter)
    assert "by mx.example.net" not in sink.to(letter.sender)[0].data.decode().partition("\r\n\r\n")[0]


def test_a_refusal_by_status_is_the_servers_report(server: Server, sink: Sink) -> None:
    with _configured(server, '[refusals]\nby = "status"\n'):
        letter = send(server, "catchall@example.com")
        server.wait(letter.queue_id, "bounced")
    _check_report(server, sink.wait_for(letter.sender), "5.2.1", "<catchall@example.com>: ")
    assert _outbox(server, letter) == []


def test_a_refusal_waits_while_sendmail_is_missing(server: Server, sink: Sink) -> None:
    with replaced(server.machine, "/usr/sbin/sendmail", None):
        letter = send(server, "catchall@example.com")
        server.wait(letter.queue_id, "sent")
        (owed,) = until(lambda: [o for o in _outbox(server, letter) if o["error"]], "the worker to fail")
        assert owed["state"] == "queued"
    server.machine.mailgate("outbox", "retry", str(owed["number"]))
    server.machine.mailgate("work")
    _check_refusal(server, sink, letter)


def _check_refusal(server: Server, sink: Sink, letter: Letter) -> None:
    """mailgate took the message and has answered once, with a null reverse-path."""
    assert server.wait(letter.queue_id, "sent").recipient == "catchall@example.com"
    answer = sink.wait_for(letter.sender)
    assert answer.reverse_path == ""
    assert "MAILER-DAEMON" in answer.message["From"]
    assert answer.message["Auto-Submitted"] == "auto-replied"
    assert answer.message["Sender"] is None, "the server does not trust mailgate"
    assert answer.message["Subject"] == "Undelivered mail", "nothing vouches for the reverse-path"
    until(lambda: [o["state"] for o in _outbox(server, letter)] == ["sent"], "the outbox to know it")
    assert sink.to(letter.sender) == [answer]
    assert server.records(letter.subject) == []


def _outbox(server: Server, letter: Letter) -> list[dict[str, Any]]:
    return [o for o in server.machine.json("outbox", "list") if o["to"] == letter.sender]


@contextmanager
def _configured(server: Server, lines: str) -> Iterator[None]:
    """More tables in the configuration; where it has one of them already, these lines stand in its place."""
    tables = {line for line in lines.splitlines() if line.startswith("[")}
    kept, skip = [], False
    for line in server.machine.path(CONFIG).read_text().splitlines():
        if line.startswith("["):
            skip = line.strip() in tables
        if not skip:
            kept.append(line)
    with replaced(server.machine, CONFIG, "\n".join([*kept, lines])):
        yield
