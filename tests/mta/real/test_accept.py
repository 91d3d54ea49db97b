"""Mail that is taken: who sent it to whom arrives intact by each way, and one effect comes of it."""

from typing import Any

import pytest

from .letters import send
from .servers import Server

pytestmark = pytest.mark.mta


def test_mail_to_an_alias_becomes_a_record(server: Server) -> None:
    letter = send(server, "support@example.com")
    assert server.wait(letter.queue_id, "sent").recipient == "support@example.com"
    (record,) = server.records(letter.subject)
    assert record.startswith("ticket/")
    assert server.message(letter.subject)["record"] == record


def test_a_detail_reaches_the_address_before_it(server: Server) -> None:
    letter = send(server, "Support+Some.Detail@example.com")
    server.wait(letter.queue_id, "sent")
    assert len(server.records(letter.subject)) == 1
    (recipient,) = _envelope(server, letter.subject)["recipients"]
    assert recipient.casefold() == "support+some.detail@example.com"  # Exim passes it in lower case


@pytest.mark.parametrize(
    "sender",
    [
        "author@client.example.net",
        "",
        '"a b@c"@client.example.net',
        "jörg@client.example.net",
    ],
    ids=["plain", "null", "quoted", "unicode"],
)
def test_the_reverse_path_arrives_as_it_was_sent(server: Server, sender: str) -> None:
    letter = send(server, "support@example.com", sender=sender)
    server.wait(letter.queue_id, "sent")
    assert _envelope(server, letter.subject)["reverse_path"] == (sender or None)


@pytest.mark.parametrize("sender", ["author@client.example.net", ""], ids=["plain", "null"])
@pytest.mark.parametrize(
    ("way", "top"),
    [("postfix", "Return-Path: <{0}>\n"), ("exim", "Return-path: <{0}>\nEnvelope-to: support@example.com\n")],
)
def test_the_message_starts_with_its_envelope(way: str, top: str, sender: str, request: pytest.FixtureRequest) -> None:
    """No "From " line stands above, no blank line is added below."""
    server: Server = request.getfixturevalue(way)
    letter = send(server, "support@example.com", sender=sender)
    server.wait(letter.queue_id, "sent")
    raw = server.machine.mailgate("message", "raw", str(server.message(letter.subject)["number"]))
    assert raw.startswith(top.format(sender))
    assert raw.endswith("\n\nGood morning.\n")


def test_one_message_to_two_aliases_makes_two_records(server: Server) -> None:
    letter = send(server, "support@example.com", "sales@example.com")
    server.wait_gone(letter.queue_id)
    assert [o.kind for o in server.outcomes(letter.queue_id)] == ["sent", "sent"]
    assert sorted(r.partition("/")[0] for r in server.records(letter.subject)) == ["lead", "ticket"]


def test_one_process_for_two_aliases_makes_two_records(postfix_batch: Server) -> None:
    letter = send(postfix_batch, "support@example.com", "sales@example.com")
    postfix_batch.wait_gone(letter.queue_id)
    assert sorted(r.partition("/")[0] for r in postfix_batch.records(letter.subject)) == ["lead", "ticket"]
    together = _envelope(postfix_batch, letter.subject)["recipients"]
    assert sorted(together) == ["sales@example.com", "support@example.com"], "it was not one process"


def test_a_name_for_another_alias(postfix_alias: Server) -> None:
    letter = send(postfix_alias, "help@example.com")
    postfix_alias.wait_gone(letter.queue_id)
    assert len(postfix_alias.records(letter.subject)) == 1


def test_a_map_that_rewrites_the_recipient(postfix_alias: Server) -> None:
    letter = send(postfix_alias, "info+detail@example.org")
    postfix_alias.wait_gone(letter.queue_id)
    assert len(postfix_alias.records(letter.subject)) == 1
    assert _envelope(postfix_alias, letter.subject)["recipients"] == ["support+detail@example.com"]


def test_a_map_that_rewrites_the_recipient_for_the_transport(postfix_batch: Server) -> None:
    letter = send(postfix_batch, "info@example.org")
    postfix_batch.wait_gone(letter.queue_id)
    assert len(postfix_batch.records(letter.subject)) == 1


def test_an_alias_of_the_server_that_leads_to_mailgate(exim: Server) -> None:
    exim.machine.path("/etc/aliases").write_text("help: support@example.com\n")
    letter = send(exim, "help@mx.example.net")
    exim.wait_gone(letter.queue_id)
    assert len(exim.records(letter.subject)) == 1
    assert _envelope(exim, letter.subject)["recipients"] == ["support@example.com"]


def _envelope(server: Server, subject: str) -> Any:
    """The envelope with which mailgate judged the message with this subject."""
    number = str(server.message(subject)["number"])
    return server.machine.json("why", number)["message"]
