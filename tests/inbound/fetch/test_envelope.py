"""Whom a message in a mailbox was for, as its last mail server noted it."""

import re

import pytest

from mailgate.gateway import receive
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.routing.decision import Decision
from mailgate.settings import config
from mailgate.store import servers
from mailgate.values.problem import Problem
from mailgate.values.server import Secret, Server

from .conftest import Collector

BASE = "From: Bob <bob@client.org>\nSubject: Hi\nMessage-ID: <1@client.org>\n"


def decide(
    collector: Collector, trace: str, header: str = "", mailbox: str | None = "box@provider.net", **more: str
) -> Decision:
    """What becomes of a message with these trace fields on top."""
    raw = f"{trace}Received: from client.org by mx.provider.net\n{header}{BASE}\nText.\n".encode()
    settings = config.load(str(collector.config), None, {})
    fallback = Fallback(more["model"], {"source": "mail"}) if "model" in more else None
    incoming = Incoming(raw, fallback=fallback, source="fetch", mailbox=mailbox)
    return receive.preview(collector.store, settings, incoming, 1.7e9).decision


def outcomes(decision: Decision) -> list[str]:
    """Action, reason, whom it was for, and what acts."""
    return [f"{each.action} {each.reason} {each.recipient}>{each.address}" for each in decision.outcomes]


@pytest.mark.parametrize("field", ["X-Original-To", "Envelope-To", "Delivered-To"])
def test_the_recipient_is_taken_from_the_fields_above_received(collector: Collector, field: str) -> None:
    found = decide(
        collector, f"Return-Path: <bob@client.org>\n{field}: support@example.com\n", "To: all@elsewhere.net\n"
    )
    assert outcomes(found) == ["create alias support@example.com>support@example.com"]


def test_a_recipient_field_below_received_is_an_ordinary_header_field(collector: Collector) -> None:
    found = decide(collector, "Delivered-To: box@provider.net\n", "Delivered-To: support@example.com\n")
    assert outcomes(found) == ["create alias >support@example.com"]


def test_the_mailbox_itself_only_transports(collector: Collector) -> None:
    trace = "Delivered-To: box@example.com\nX-Original-To: support@example.com\n"
    assert outcomes(decide(collector, trace, mailbox="box@example.com")) == [
        "create alias support@example.com>support@example.com"
    ]
    only = "Delivered-To: box@example.com\n"
    assert outcomes(decide(collector, only, "To: support@example.com\n", mailbox="box@example.com")) == [
        "create alias >support@example.com"
    ]
    assert outcomes(decide(collector, only, "To: support@example.com\n", mailbox=None)) == [
        "hold unrouted box@example.com>"
    ]


def test_exim_notes_all_recipients_of_one_delivery(collector: Collector) -> None:
    trace = "Envelope-To: support@example.com, nobody@example.com, box@provider.net\n"
    assert outcomes(decide(collector, trace)) == [
        "create alias support@example.com>support@example.com",
        "hold unrouted nobody@example.com>",
    ]


def test_of_several_spellings_the_local_address_counts(collector: Collector) -> None:
    trace = "X-Original-To: old@forwarder.net\nDelivered-To: support@example.com\n"
    assert outcomes(decide(collector, trace)) == ["create alias support@example.com>support@example.com"]


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("Return-Path: <bounces@client.org>\n", "bounces@client.org"),
        ("Return-Path: <>\n", "None"),
        ("", "bob@client.org"),
    ],
)
def test_the_reverse_path_is_that_of_the_return_path_field(collector: Collector, trace: str, expected: str) -> None:
    raw = f"{trace}Received: x\n{BASE}To: support@example.com\n\n".encode()
    settings = config.load(str(collector.config), None, {})
    found = receive.preview(collector.store, settings, Incoming(raw, source="fetch"), 1.7e9)
    assert str(found.facts.message.envelope.reverse_path) == expected


def test_mail_that_no_alias_takes_is_held_or_becomes_a_record_of_the_model(collector: Collector) -> None:
    assert outcomes(decide(collector, "", "To: box@provider.net\n")) == ["hold unrouted >"]
    (made,) = decide(collector, "", "To: box@provider.net\n", model="lead").outcomes
    assert (made.action, made.reason, made.model, dict(made.values)) == (
        "create",
        "fallback",
        "lead",
        {"source": "mail"},
    )


def test_a_refusal_goes_by_reply_whatever_the_configuration_says(collector: Collector) -> None:
    collector.config.write_text(collector.config.read_text() + '[refusals]\nby = "status"\n')
    found = decide(collector, "Return-Path: <bob@client.org>\n", "To: closed@example.com\n")
    assert outcomes(found) == ["refuse policy >closed@example.com"]
    assert [each.to for each in found.outgoing] == ["bob@client.org"]
    assert found.status.exit == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": "two words"}, "`two words` cannot name a server"),
        ({"name": "mbox"}, "`mbox` cannot name a server"),
        ({"host": "a b"}, "`a b` is not a host name"),
        ({"port": 0}, "0 is not a port"),
        ({"user": "a\nb"}, "is not a user name"),
        ({"address": "nobody"}, "`nobody` is not a mail address"),
        ({"model": "two words"}, "`two words` cannot be a model"),
        ({"values": {"a": "b"}}, "--set is for the records of --model"),
        ({"done": "burn"}, "--done must be keep, seen, delete or move:FOLDER, not `burn`"),
        ({"done": "move:"}, "--done must be keep, seen, delete or move:FOLDER, not `move:`"),
        ({"done": "move:INBOX"}, "--done would move mail into `INBOX`, where it is collected"),
        ({"failed": "delete"}, "--failed must be keep or move:FOLDER, not `delete`"),
        ({"type": "pop", "done": "seen"}, "POP knows no flags and no folders"),
        ({"type": "pop", "failed": "move:Bad"}, "POP knows no flags and no folders"),
        ({"type": "pop", "folders": ("Other",)}, "POP knows no folders"),
        ({"folders": ()}, "no folder is named"),
    ],
)
def test_an_impossible_server_is_refused_with_a_hint(
    collector: Collector, changes: dict[str, object], error: str
) -> None:
    whole = Server("box", "imap", "mx.example.net", 993, "bob", Secret("password-file", "/nowhere"))
    with collector.store.write() as tx:
        with pytest.raises(Problem, match=re.escape(error)):
            servers.add(tx, whole._replace(**changes))
        assert servers.listing(tx) == []
        added = servers.add(tx, whole)
        assert servers.save(tx, added._replace(done="seen")).done == "seen"
        with pytest.raises(Problem, match="already exists"):
            servers.add(tx, whole)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("--type imap --host a --user b", "--password-file"),
        ("--type imap --user b --password-file c", "--host"),
        ("--type imap --host a --user b --password-file c --token-command d", "exclude each other"),
    ],
)
def test_server_add_asks_for_what_is_missing(collector: Collector, arguments: str, error: str) -> None:
    screen = collector("server", "add", "box", *arguments.split())
    assert screen.exit == 2
    assert error in screen.err


def test_a_server_as_json_names_the_place_of_its_secret_alone(collector: Collector) -> None:
    where = ["--type", "pop", "--host", "pop.example.net", "--user", "bob", "--password-file", str(collector.secret)]
    collector.ok("server", "add", "box", *where, "--address", "bob@example.net", "--model", "lead", "--set", "a=1")
    found = collector.json("server", "show", "box")
    assert (found["port"], found["security"], found["secret_source"]) == (995, "tls", str(collector.secret))
    assert collector.json("server", "set", "box", "--security", "starttls")["port"] == 110
    changed = collector.json("server", "set", "box", "--set", "b=2", "--unset", "a", "--limit", "7")
    assert (changed["values"], changed["limit"]) == ({"b": "2"}, 7)
    assert collector.secret.read_text().strip() not in collector.ok("server", "show", "box")
    assert collector("server", "remove", "box").exit == 1
    collector.ok("server", "remove", "box", "--yes")
    assert collector("server", "show", "box").exit == 3


def test_fetch_without_a_configuration_is_75(collector: Collector) -> None:
    collector.config.unlink()
    screen = collector("fetch")
    assert screen.exit == 75
    assert screen.out.startswith("4.3.5 ")
