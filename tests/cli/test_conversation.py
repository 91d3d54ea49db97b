"""The outgoing half, by command: post, sent, what comes back, failures, keys."""

import email
import email.policy
import json
from email.message import EmailMessage

import pytest
from helpers.installed import Installed

REPORT = """\
From: Mail Delivery System <MAILER-DAEMON@client.org>
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{id}@client.org>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

{recipient}: user unknown
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.org

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
--b--
"""


@pytest.fixture
def ticket(office: Installed) -> Installed:
    """An office with ticket/1, made by Bob's mail."""
    office.deliver(office.mail("support@example.com", subject="Printer"), "support@example.com")
    return office


def outgoing(installed: Installed, number: int = 1) -> EmailMessage:
    """A message of the outbox, as its recipient reads it."""
    found = installed("outbox", "raw", str(number))
    assert found.exit == 0, found
    message = email.message_from_string(found.out, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_post_is_stored_and_queued_for_every_follower(ticket: Installed) -> None:
    ticket.ok("record", "follow", "ticket/1", "ann@corp.example")
    posted = ticket.json("post", "ticket/1", "--to", "carol@x.org", stdin="Grüße\n".encode())
    assert posted["recipients"] == ["bob@client.org", "ann@corp.example", "carol@x.org"]
    shown = ticket.json("record", "show", "ticket/1")
    assert shown["followers"] == ["bob@client.org", "ann@corp.example"]
    message = shown["messages"][1]
    assert [message[key] for key in ("kind", "direction", "subject", "text", "recipients", "message_id")] == [
        *("post", "out", "Re: Printer", "Grüße\n", posted["recipients"], posted["message_id"])
    ]
    queued = ticket.json("outbox", "list")
    assert [(each["kind"], each["to"], each["state"]) for each in queued] == [
        ("post", to, "queued") for to in posted["recipients"]
    ]
    assert len({each["reverse_path"] for each in queued}) == 3
    first = outgoing(ticket)
    assert first["Message-ID"] == posted["message_id"]
    assert first["References"].split()[-1] == posted["message_id"]
    assert first["From"] == '"example.com" <support@example.com>'
    assert (first["To"], first.get_content()) == ("bob@client.org", "Grüße\n")


def test_a_note_leaves_nowhere(ticket: Installed) -> None:
    ticket.ok("post", "ticket/1", "--note", stdin=b"He is angry.\n")
    assert ticket.json("outbox", "list") == []
    found = ticket.json("record", "show", "ticket/1")["messages"][1]
    assert (found["kind"], found["direction"], found["recipients"]) == ("note", "out", [])
    ticket.ok("post", "ticket/1", stdin=b"Hello.\n")
    assert found["message_id"] not in str(outgoing(ticket))
    assert "internal note" in ticket.ok("record", "show", "ticket/1")


def test_a_post_takes_attachments_a_subject_and_a_name(ticket: Installed) -> None:
    (ticket.folder / "Angebot für Bob.pdf").write_bytes(b"%PDF-\0\xff" * 50)
    options = ("--attach", "Angebot für Bob.pdf", "--subject", "Offer – final", "--name", "Ann Müller")
    ticket.ok("post", "ticket/1", *options, stdin=b"See there.\n")
    message = outgoing(ticket)
    assert (message["Subject"], message["From"].addresses[0].display_name) == ("Offer – final", "Ann Müller")
    attached = next(iter(message.iter_attachments()))
    assert (attached.get_filename(), attached.get_content_type()) == ("Angebot für Bob.pdf", "application/pdf")
    assert attached.get_content() == b"%PDF-\0\xff" * 50
    shown = ticket.json("message", "show", "2")
    assert [(each["name"], each["size"]) for each in shown["attachments"]] == [("Angebot für Bob.pdf", 350)]


@pytest.mark.parametrize(
    ("arguments", "stdin", "exit", "said"),
    [
        pytest.param(("post", "ticket/9"), b"x\n", 3, "no record `ticket/9`", id="no-record"),
        pytest.param(("post", "ticket"), b"x\n", 1, "is not a record", id="no-reference"),
        pytest.param(("post", "ticket/1"), b" \n", 1, "the message is empty", id="empty"),
        pytest.param(("post", "ticket/1"), b"caf\xe9\n", 1, "not UTF-8", id="latin-1"),
        pytest.param(("post", "ticket/1", "--to", "nobody"), b"x\n", 1, "not a mail address", id="no-address"),
        pytest.param(("post", "ticket/1", "--to", "support@example.com"), b"x\n", 1, "local address", id="ourselves"),
        pytest.param(("post", "ticket/1", "--attach", "gone.pdf"), b"x\n", 1, "cannot attach gone.pdf", id="no-file"),
        pytest.param(("post", "ticket/1", "--note", "--to", "a@b.org"), b"x\n", 2, "exclude each other", id="note-to"),
        pytest.param(("sent", "ticket/1"), b"", 1, "standard input is empty", id="sent-nothing"),
        pytest.param(("sent", "ticket/1"), b"what is this\n", 1, "no message", id="sent-no-message"),
        pytest.param(("bounce", "show", "9"), b"", 3, "no failure 9", id="no-failure"),
        pytest.param(("bounce", "ack", "9"), b"", 3, "no failure 9", id="ack-no-failure"),
    ],
)
def test_a_mistake_in_a_post_is_an_error_and_stores_nothing(
    ticket: Installed, arguments: tuple[str, ...], stdin: bytes, exit: int, said: str
) -> None:
    screen = ticket(*arguments, stdin=stdin)
    assert (screen.exit, screen.out) == (exit, "")
    assert screen.err.startswith("error: ")
    assert said in screen.err
    assert len(ticket.json("message", "list")) == 1
    assert ticket.json("outbox", "list") == []


def test_a_post_without_recipients_is_an_error(office: Installed) -> None:
    office.ok("record", "create", "ticket", "--name", "Alone")
    screen = office("post", "ticket/1", stdin=b"Hello?\n")
    assert screen.exit == 1
    assert "hint: mailgate post ticket/1 --to ADDRESS" in screen.err
    office.ok("post", "ticket/1", "--to", "bob@client.org", stdin=b"Hello!\n")
    message = outgoing(office)
    assert message["Subject"] == "Alone"
    assert message["Reply-To"].startswith("catchall+mg1r")


def test_the_signed_answer_comes_back_and_the_report_becomes_a_failure(ticket: Installed) -> None:
    ticket.ok("contact", "add", "bob@client.org")
    ticket.ok("post", "ticket/1", stdin=b"Have you tried water?\n")
    back = ticket.json("outbox", "show", "1")["reverse_path"]
    answer = str(outgoing(ticket)["Reply-To"])
    for address in (answer, answer.upper()):
        ticket.deliver(ticket.mail(address, subject="water"), address)
    shown = ticket.json("record", "show", "ticket/1")
    assert [each["direction"] for each in shown["messages"]] == ["in", "out", "in", "in"]
    report = REPORT.format(to=back, id="r1", recipient="bob@client.org").encode()
    for _ in range(2):
        assert ticket.deliver(report, back, sender="").exit == 0
    assert len(ticket.json("record", "list")) == 1
    (failure,) = ticket.json("bounce", "list")
    assert failure | {"report": 0, "made": ""} == {
        "number": 1,
        "recipient": "bob@client.org",
        "status": "5.1.1",
        "kind": "no-such-address",
        "permanent": True,
        "diagnostic": "550 5.1.1 no such user",
        "message": shown["messages"][1]["message_id"],
        "record": "ticket/1",
        "state": "open",
        "reason": "There is no such address.",
        "remote": failure["remote"],
        "action": "failed",
        "proved": True,
        "name": None,
        "quiet": False,
        "failed": 2,
        "report": 0,
        "made": "",
    }
    shown = ticket.json("record", "show", "ticket/1")
    assert [len(each["failures"]) for each in shown["messages"]] == [0, 1, 0, 0]
    assert shown["stopped"] == {"bob@client.org": "mail to it fails"}
    assert ticket.json("contact", "list")[0]["bounces"] == 1
    screen = ticket("record", "show", "ticket/1")
    assert (
        "failed    bob@client.org: There is no such address. (5.1.1)\n                mailgate bounce show 1\n"
        in screen.out
    )
    assert "bob@client.org (no copies: mail to it fails)" in screen.out
    assert screen.err == "1 failure: mailgate bounce list\n"
    assert "until: mailgate bounce ack 1" in ticket.ok("bounce", "show", "1")
    ticket.ok("domain", "set", "example.com", "--language", "de")
    assert "Diese Adresse gibt es nicht. (5.1.1)" in ticket.ok("record", "show", "ticket/1")
    assert ticket.json("bounce", "list")[0]["reason"] == "Diese Adresse gibt es nicht."
    assert ticket.json("bounce", "ack", "1")["state"] == "acked"
    assert ticket.json("bounce", "list") == []
    assert [each["state"] for each in ticket.json("bounce", "list", "--all")] == ["acked"]
    assert ticket.json("record", "show", "ticket/1")["stopped"] == {}


def test_why_tells_what_a_report_says(ticket: Installed) -> None:
    ticket.ok("post", "ticket/1", stdin=b"Hello.\n")
    back = ticket.json("outbox", "show", "1")["reverse_path"]
    ticket.deliver(REPORT.format(to=back, id="r1", recipient="bob@client.org").encode(), back, sender="")
    assert "failure 1" in ticket.ok("message", "list").splitlines()[3]
    tree = ticket.json("why", "3")
    assert tree["message"]["class"] == "report"
    outcome = tree["outcomes"][0]
    assert (outcome["action"], outcome["report"], outcome["record"]) == ("bounce", "failed", "ticket/1")
    assert outcome["reports"][0]["message"] == ticket.json("message", "show", "2")["message_id"]
    assert "=> bounce    no-such-address 5.1.1: bob@client.org on ticket/1, proved" in ticket.ok("why", "3")


def test_sent_prints_what_leads_the_answer_back(ticket: Installed) -> None:
    ours = b"From: Ann <ann@corp.example>\r\nTo: bob@client.org\r\nSubject: Re: Printer\r\n\r\nBy hand.\r\n"
    printed = ticket("sent", "ticket/1", "--print", stdin=ours).out.encode()
    message = email.message_from_bytes(printed, policy=email.policy.default)
    assert (message["From"], message["To"]) == ("Ann <ann@corp.example>", "bob@client.org")
    assert str(message["Reply-To"]).startswith("support+mg1r")
    assert message["References"] == message["Message-ID"]
    assert b"By hand." in printed
    stored = ticket.json("message", "show", "2")
    assert (stored["kind"], stored["direction"], stored["record"]) == ("post", "out", "ticket/1")
    assert stored["message_id"] == message["Message-ID"]
    assert ticket("message", "raw", "2").out.encode() == ours
    reply = ticket.mail("catchall@example.com", extra=f"In-Reply-To: {message['Message-ID']}\n")
    ticket.deliver(reply, "catchall@example.com")
    assert len(ticket.json("record", "show", "ticket/1")["messages"]) == 3


def test_sent_says_where_reports_go_and_is_the_same_message_again(ticket: Installed) -> None:
    ours = b"From: Ann <ann@corp.example>\nTo: Carl.Ray@Client.org\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nHi.\n"
    back = ticket.ok("sent", "ticket/1", "--return-path", stdin=ours).strip()
    assert back.startswith("bounce+mg1b")
    printed = ticket("sent", "ticket/1", "--print", stdin=ours).out.encode()
    message_id = email.message_from_bytes(printed)["Message-ID"]
    assert [each["message_id"] for each in ticket.json("record", "show", "ticket/1")["messages"][1:]] == [message_id]
    ticket.deliver(REPORT.format(to=back, id="r1", recipient="carl.ray@client.org").encode(), back, sender="")
    (failure,) = ticket.json("bounce", "list")
    assert (failure["message"], failure["record"], failure["proved"]) == (message_id, "ticket/1", True)


def test_mail_goes_to_the_address_as_it_was_written(ticket: Installed) -> None:
    ticket.ok("record", "follow", "ticket/1", "Ann.Lee@Corp.example")
    posted = ticket.json("post", "ticket/1", "--to", "Carla.Smith@Client.org", stdin=b"Hi.\n")
    assert posted["recipients"] == ["bob@client.org", "Ann.Lee@corp.example", "Carla.Smith@client.org"]
    assert [each["to"] for each in ticket.json("outbox", "list")] == posted["recipients"]
    assert ticket.json("record", "show", "ticket/1")["followers"] == ["bob@client.org", "ann.lee@corp.example"]


def test_a_rotated_key_still_counts_once(ticket: Installed) -> None:
    ticket.ok("post", "ticket/1", stdin=b"Hello.\n")
    address = str(outgoing(ticket)["Reply-To"])
    assert [each["signs"] for each in ticket.json("key", "rotate")] == [False, True]
    ticket.deliver(ticket.mail(address), address)
    assert len(ticket.json("record", "list")) == 1
    refused = ticket("key", "rotate")
    assert (refused.exit, "--yes" in refused.err) == (1, True)
    ticket.ok("key", "rotate", "--yes")
    assert len(ticket.json("key", "list")) == 2
    assert "secret" not in json.dumps(ticket.json("key", "list"))
    ticket.deliver(ticket.mail(address), address)
    assert len(ticket.json("record", "list")) == 2
    late = ticket.json("message", "list")[-1]
    assert late["flags"] == ["bad-detail"]
    reply = next(each for each in ticket.json("why", str(late["number"]))["steps"] if each["rule"] == "reply")
    assert "signed with a key that is not ours, or no longer" in reply["saw"]


def test_quoted_history_is_folded_and_one_flag_away(ticket: Installed) -> None:
    quote = "On Mon, 1 Jan 2024 at 10:00, Ann <ann@example.com> wrote:\n> Have you tried\n> water?\n> Ann\n"
    message = ticket.mail("support@example.com", extra="In-Reply-To: <x@y>\n") + f"\nYes.\n\n{quote}".encode()
    ticket.deliver(message, "support@example.com")
    folded = ticket.ok("message", "show", "2")
    assert ("Have you tried" in folded, "Yes." in folded) == (False, True)
    assert "quoted lines: mailgate message show 2 --full]" in folded
    assert "> Have you tried" in ticket.ok("message", "show", "2", "--full")
    shown = ticket.json("message", "show", "2")
    assert (quote in shown["text"], shown["reply"]) == (True, "Text.\n\nYes.")
    assert ticket.json("message", "show", "1")["reply"] == ticket.json("message", "show", "1")["text"]
