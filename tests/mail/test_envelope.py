"""Who a message is from and for: arguments, else the environment, else trace fields."""

from collections.abc import Mapping

import pytest
from helpers.messages import HOME, OTHER, facts, mail, state

from mailgate.mail import envelope
from mailgate.mail.envelope import Envelope, Hints
from mailgate.mail.incoming import Incoming
from mailgate.routing import resolve
from mailgate.values.address import parse

NO_HINTS = Hints()


def read(
    reverse_path: str | None = None,
    recipients: tuple[str, ...] = (),
    environ: Mapping[str, str] = {},
    hints: Hints = NO_HINTS,
) -> Envelope:
    incoming = Incoming(b"", reverse_path, recipients, environ)
    return envelope.read(incoming, hints, parse("author@x.org")).qualified("example.com")


@pytest.mark.parametrize(
    ("given", "hint", "sender", "wanted"),
    [
        pytest.param("bob@client.org", "other@x.org", "third@x.org", "bob@client.org", id="f-comes-first"),
        pytest.param("<bob@client.org>", None, None, "bob@client.org", id="brackets"),
        pytest.param(None, "bob@client.org", "third@x.org", "bob@client.org", id="then-return-path"),
        pytest.param(None, None, "bob@client.org", "bob@client.org", id="then-SENDER"),
        pytest.param("", "bob@client.org", "bob@client.org", None, id="f-empty-is-null"),
        pytest.param("<>", None, None, None, id="f-angle-brackets-are-null"),
        pytest.param("MAILER-DAEMON", None, None, None, id="f-daemon-is-null"),
        pytest.param(None, "<>", "bob@client.org", None, id="return-path-null"),
        pytest.param(None, "<MAILER-DAEMON>", "bob@client.org", None, id="return-path-daemon"),
        pytest.param(None, None, "", None, id="SENDER-set-but-empty-is-null"),
        pytest.param(None, None, "MAILER-DAEMON", None, id="SENDER-daemon"),
        pytest.param("-oops@x.org", None, None, "-oops@x.org", id="B1-like-an-option"),
        pytest.param("bob@Client.ORG", None, None, "bob@client.org", id="domain-lowered"),
        pytest.param("böb@bücher.de", None, None, "böb@xn--bcher-kva.de", id="smtputf8"),
    ],
)
def test_the_reverse_path_comes_from_the_best_source(
    given: str | None, hint: str | None, sender: str | None, wanted: str | None
) -> None:
    environ = {} if sender is None else {"SENDER": sender}
    found = read(given, (), environ, Hints(return_path=hint))
    assert (str(found.reverse_path) if found.reverse_path else None) == wanted
    assert found.stated


def test_author_stands_in_when_nobody_names_a_reverse_path() -> None:
    found = read()
    assert (str(found.reverse_path), found.stated) == ("author@x.org", False)


LOCAL = {"RECIPIENT": "a@example.com"}
EXIM = {"LOCAL_PART": "jobs", "DOMAIN": "example.com"}


@pytest.mark.parametrize(
    ("arguments", "environ", "wanted"),
    [
        pytest.param(("a@x.org", "b@x.org"), {}, ["a@x.org", "b@x.org"], id="command-line"),
        pytest.param(("a@x.org", "A@x.org", "a@x.org"), {}, ["a@x.org", "A@x.org"], id="equal-ones-once"),
        pytest.param(("a@x.org",), {**LOCAL, **EXIM}, ["a@x.org"], id="command-line-beats-environment"),
        pytest.param(("info",), {}, ["info@example.com"], id="bare-name-gets-the-default-domain"),
        pytest.param(("info", "info@example.com"), {}, ["info@example.com"], id="bare-name-and-full-are-one"),
        pytest.param((), LOCAL, ["a@example.com"], id="postfix"),
        pytest.param((), EXIM, ["jobs@example.com"], id="exim"),
        pytest.param((), {**EXIM, **LOCAL}, ["jobs@example.com"], id="exim-does-not-read-RECIPIENT"),
        pytest.param(
            (),
            {**EXIM, "LOCAL_PART_PREFIX": "x-", "LOCAL_PART_SUFFIX": "+y"},
            ["x-jobs+y@example.com"],
            id="exim-affixes",
        ),
        pytest.param((), {**EXIM, "LOCAL_PART": ""}, [], id="exim-without-local-part"),
        pytest.param((), {**EXIM, "LOCAL_PART": "", **LOCAL}, [], id="exim-without-local-part-ignores-RECIPIENT"),
        pytest.param((), {**EXIM, "LOCAL_PART": "NULL"}, [], id="exim-NULL"),
        pytest.param((), {"RECIPIENT": "@example.com"}, [], id="postfix-without-local-part"),
        pytest.param((), {"RECIPIENT": "NULL"}, [], id="postfix-NULL"),
        pytest.param((), {"RECIPIENT": ""}, [], id="postfix-empty"),
        pytest.param((), {"ORIGINAL_RECIPIENT": "a@example.com"}, [], id="original-alone-is-none"),
        pytest.param((), {}, [], id="nothing"),
    ],
)
def test_the_recipients_come_from_the_best_source(
    arguments: tuple[str, ...], environ: Mapping[str, str], wanted: list[str]
) -> None:
    assert [str(each) for each in read("b@x.org", arguments, environ).recipients] == wanted


@pytest.mark.parametrize(
    ("recipient", "original", "x_original", "delivered", "wanted"),
    [
        pytest.param("info@example.com", "jobs@example.com", None, None, "info@example.com", id="RECIPIENT-is-own"),
        pytest.param(
            "gate@mx.lan", "jobs@example.com", "info@example.com", None, "jobs@example.com", id="then-ORIGINAL"
        ),
        pytest.param(
            "gate@mx.lan", "x@mx.lan", "info@example.com", "jobs@example.com", "info@example.com", id="then-X-Orig"
        ),
        pytest.param("gate@mx.lan", None, None, "jobs@example.com", "jobs@example.com", id="then-delivered-to"),
        pytest.param("gate@mx.lan", "x@mx.lan", "y@mx.lan", "z@mx.lan", "gate@mx.lan", id="none-own-so-RECIPIENT"),
        pytest.param("nobody@example.com", "jobs@example.com", None, None, "jobs@example.com", id="unknown-is-not-own"),
        pytest.param("nobody@example.com", None, None, None, "nobody@example.com", id="unknown-and-nothing-else"),
        pytest.param("gate@mx.lan", "CATCHALL@Example.com", None, None, "CATCHALL@example.com", id="a-catchall-is-own"),
        pytest.param(
            "gate@mx.lan", "postmaster@other.test", None, None, "postmaster@other.test", id="postmaster-is-own"
        ),
    ],
)
def test_of_several_spellings_the_local_address_is_chosen(
    recipient: str, original: str | None, x_original: str | None, delivered: str | None, wanted: str
) -> None:
    environ = {"RECIPIENT": recipient, **({"ORIGINAL_RECIPIENT": original} if original else {})}
    more = [("X-Original-To", x_original), ("Delivered-To", delivered)]
    raw = mail("", *((name, value) for name, value in more if value), to="list@elsewhere.org")
    found = resolve.spelled(facts(raw, environ=environ).envelope, state(domains=(HOME, OTHER)).ours)
    assert [str(each) for each in found.recipients] == [wanted]


def test_only_the_topmost_trace_field_counts() -> None:
    raw = mail("", ("Delivered-To", "x@mx.lan"), ("Delivered-To", "jobs@example.com"), to="list@elsewhere.org")
    found = resolve.spelled(facts(raw, environ={"RECIPIENT": "gate@mx.lan"}).envelope, state().ours)
    assert [str(each) for each in found.recipients] == ["gate@mx.lan"]


@pytest.mark.parametrize(
    ("top", "wanted"),
    [
        pytest.param("Return-Path: <bob@client.org>\nReceived: by mx\n", "bob@client.org", id="above-received"),
        pytest.param(
            "Received: by mx\nReturn-Path: <bob@client.org>\n", "author@x.org", id="below-received-is-a-strangers"
        ),
        pytest.param("Return-Path: <a@x.org>\nReturn-Path: <b@x.org>\nReceived: by mx\n", "a@x.org", id="the-first"),
        pytest.param("Return-Path: <bob@client.org>\n", "bob@client.org", id="no-received-at-all"),
        pytest.param("Return-Path: <>\nReceived: by mx\n", None, id="null"),
    ],
)
def test_only_a_return_path_above_received_counts(top: str, wanted: str | None) -> None:
    found = facts(top.encode() + mail(**{"from": "author@x.org"}), reverse_path=None).envelope
    assert (str(found.reverse_path) if found.reverse_path else None) == wanted


@pytest.mark.parametrize("name", ["X-Original-To", "X-Envelope-To", "X-Rcpt-To", "Delivered-To", "X-Delivered-To"])
def test_a_field_of_the_last_mail_server_names_the_recipient_of_collected_mail(name: str) -> None:
    raw = mail("", (name, "<info@example.com>"), ("Received", "by mx"), (name, "<x@mx.lan>"), to="list@elsewhere.org")
    found = facts(raw, source="fetch").envelope
    assert [str(each) for each in found.recipients] == ["info@example.com"]
