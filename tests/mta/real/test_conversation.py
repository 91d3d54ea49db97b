"""A conversation through a real server: answers find their record, bounces their message, followers get copies."""

import email.policy
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Self

import pytest

from .faults import PYTHON, STORE
from .letters import send
from .machine import MAILGATE
from .polling import until
from .servers import Server
from .sink import Received, Sink

pytestmark = pytest.mark.mta

POLICY = email.policy.SMTP.clone(max_line_length=998)  # shorter ones break ids into encoded words
TEXT = "Blau, größer.\n"
PICTURE = bytes(range(256))

_count = itertools.count(1)


def _unique() -> str:
    return f"talk{next(_count)}.{os.getpid()}"


@dataclass(frozen=True)
class Talk:
    """A record, its customer, and what his mail server has got of the post on it."""

    server: Server
    sink: Sink
    record: str
    customer: str
    post: Received

    @classmethod
    def on(cls, server: Server, sink: Sink, record: str, customer: str) -> Self:
        """Write to the people of a record, of whom the customer is one."""
        server.machine.mailgate("post", record, stdin="Which colour?\n")
        return cls(server, sink, record, customer, sink.wait_for(customer))

    @property
    def id(self) -> str:
        """The Message-ID of the post, as the customer has it."""
        return str(self.post.message["Message-ID"])

    @property
    def references(self) -> str:
        """Its References."""
        return str(self.post.message["References"])

    @property
    def signed(self) -> str:
        """Its Reply-To, which must be a signed address."""
        address = str(self.post.message["Reply-To"])
        assert "+mg1r" in address
        return address

    def letter(self, to: str, author: str = "", **fields: str) -> EmailMessage:
        """What the customer writes back; `fields` with _ for -."""
        letter = EmailMessage(POLICY)
        letter["From"] = author or self.customer
        letter["To"] = to
        letter["Subject"] = "Re: " + self.post.message["Subject"].removeprefix("Re: ")
        letter["Message-ID"] = f"<{_unique()}@client.example.net>"
        for name, value in fields.items():
            letter[name.replace("_", "-")] = value
        letter.set_content(TEXT, cte="quoted-printable")
        return letter

    def deliver(self, letter: EmailMessage) -> Any:
        """Send it through the server to whom it is addressed; the entry for it, which must be the record's newest."""
        author, to = (letter[name].addresses[0].addr_spec for name in ("From", "To"))
        queue_id = self.server.send(author, [to], bytes(letter))
        self.server.wait(queue_id, "sent")
        entry = self.messages()[-1]
        assert entry["message_id"] == letter["Message-ID"]
        return entry

    def messages(self) -> list[Any]:
        """The messages of the record, oldest first."""
        found: list[Any] = self.server.machine.json("record", "show", self.record)["messages"]
        return found

    def check_answer(self, reason: str, letter: EmailMessage) -> Any:
        """Nothing but a post on the record comes of this answer, and that for this reason; the entry for it."""
        entry = self.deliver(letter)
        assert entry["text"] == TEXT
        assert entry["parent"] == self.id
        why = self.server.machine.json("why", str(entry["number"]))
        assert [(o["action"], o["reason"], o["record"]) for o in why["outcomes"]] == [("post", reason, self.record)]
        assert [o for o in why["outgoing"] if o["kind"] != "copy"] == []
        assert self.server.records(letter["Subject"]) == []
        return entry


def _begin(server: Server, sink: Sink) -> Talk:
    """Somebody has written to an alias and is written to."""
    letter = send(server, "support@example.com")
    server.wait(letter.queue_id, "sent")
    (record,) = server.records(letter.subject)
    return Talk.on(server, sink, record, letter.sender)


@pytest.fixture
def talk(postfix: Server, sink: Sink) -> Talk:
    """A conversation through Postfix."""
    return _begin(postfix, sink)


def test_an_answer_by_in_reply_to(talk: Talk) -> None:
    talk.check_answer("reply", talk.letter("support@example.com", In_Reply_To=talk.id))


def test_an_answer_by_references(talk: Talk) -> None:
    talk.check_answer("reply", talk.letter("support@example.com", References=talk.references))


def test_an_answer_to_an_id_that_the_provider_made(talk: Talk) -> None:
    made = f"<{_unique()}@provider.example.net>"
    answer = talk.letter("support@example.com", In_Reply_To=made, References=f"{talk.references} {made}")
    talk.check_answer("reply", answer)


def test_an_answer_by_the_signed_address_alone(server: Server, sink: Sink) -> None:
    """The customer's program has dropped In-Reply-To and References."""
    talk = _begin(server, sink)
    talk.check_answer("token", talk.letter(talk.signed))


def test_an_answer_to_the_catchall(talk: Talk) -> None:
    talk.check_answer("reply", talk.letter("catchall@example.com", In_Reply_To=talk.id))


def test_answers_to_a_catchall_of_years_ago(postfix: Server, sink: Sink) -> None:
    customer = f"customer{_unique()}@client.example.net"
    record = postfix.machine.json("record", "create", "order", "--name", f"Order {_unique()}")["record"]
    postfix.machine.mailgate("record", "follow", record, customer)
    talk = Talk.on(postfix, sink, record, customer)
    assert talk.signed.startswith("catchall+")
    with _years_later(postfix):
        talk.check_answer("token", talk.letter(talk.signed))
        talk.check_answer("reply", talk.letter("catchall@example.com", In_Reply_To=talk.id))


@contextmanager
def _years_later(server: Server) -> Iterator[None]:
    """All that is stored is old, the chores are done, and catchall and key are others by now."""
    age = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as store: store.executescript(sys.argv[2])"
    moments = {"record": "created_at", "message": "received_at", "held": "held_at", "outbox": "created_at"}
    sql = ";".join(f"UPDATE {table} SET {column} = {column} - 3e8" for table, column in moments.items())
    server.machine.run(PYTHON, "-I", "-c", age, STORE, sql, user="mailgate")
    server.machine.mailgate("work")
    server.machine.mailgate("key", "rotate", "--yes")
    server.machine.mailgate("domain", "set", "example.com", "--catchall", "answers")
    try:
        yield
    finally:
        server.machine.mailgate("domain", "set", "example.com", "--catchall", "catchall")
        server.machine.mailgate("domain", "forget", "example.com", "answers")


def test_an_answer_from_another_address_by_the_signed_address(talk: Talk) -> None:
    other = f"other{_unique()}@phone.example.net"
    entry = talk.check_answer("token", talk.letter(talk.signed, other))
    assert (entry["author"], entry["flags"]) == (other, ["outsider"]), "the address was made for somebody else"


def test_an_answer_from_another_address_by_id(talk: Talk) -> None:
    other = f"other{_unique()}@phone.example.net"
    answer = talk.letter("support@example.com", other, In_Reply_To=talk.id, References=talk.references)
    entry = talk.check_answer("reply", answer)
    assert (entry["author"], entry["flags"]) == (other, ["outsider"])


def test_an_answer_to_what_another_program_sent(talk: Talk) -> None:
    customer = f"customer{_unique()}@client.example.net"
    letter = f"From: Shop <shop@example.com>\nTo: {customer}\nSubject: Invoice {_unique()}\n\nPlease pay.\n"
    filter_ = f"{MAILGATE} sent {talk.record} --print | sendmail -t"
    talk.server.machine.run("sh", "-c", filter_, stdin=letter)
    sent = Talk(talk.server, talk.sink, talk.record, customer, talk.sink.wait_for(customer))
    assert sent.post.message["From"] == "Shop <shop@example.com>"
    assert sent.post.message.get_content() == "Please pay.\r\n"
    assert sent.messages()[-1]["message_id"] == sent.id
    sent.check_answer("reply", sent.letter("catchall@example.com", In_Reply_To=sent.id, References=sent.references))
    sent.check_answer("token", sent.letter(sent.signed))


def test_a_real_bounce(server: Server, sink: Sink) -> None:
    """The customer's server refuses him, and ours reports it to the signed return address."""
    talk = _begin(server, sink)
    gone = f"gone{_unique()}@client.example.net"
    sink.unknown.add(gone)
    posted = server.machine.json("post", talk.record, "--to", gone, stdin="Are you there?\n")
    until(lambda: _failures(talk, gone), f"the bounce of {gone}")
    _check_failure(talk, gone, posted["message_id"])


def test_a_bounce_by_the_part_it_returns(talk: Talk) -> None:
    status = f"Final-Recipient: rfc822; {talk.customer}\nAction: failed\nStatus: 5.1.1\n"
    header = talk.post.data.decode().replace("\r\n", "\n").partition("\n\n")[0]
    header = header.replace(talk.signed, "support@example.com")
    _report(talk, "bounce@example.com", status, header)
    _check_failure(talk, talk.customer, talk.id, proved=False)


def test_a_bounce_that_returns_nothing(talk: Talk) -> None:
    """It does not even say whom it is about: the signed return address does."""
    assert talk.post.reverse_path.startswith("bounce+mg1b")
    _report(talk, talk.post.reverse_path, "Action: failed\nStatus: 5.1.1\n")
    _check_failure(talk, talk.customer, talk.id)


def _report(talk: Talk, to: str, status: str, header: str = "") -> None:
    """Another server's delivery report, with the header it returns or without any."""
    parts = [
        ("text/plain", "Your message could not be delivered.\n"),
        ("message/delivery-status", f"Reporting-MTA: dns; mx.client.example.net\n\n{status}"),
        *([("text/rfc822-headers", f"{header}\n")] if header else []),
    ]
    lines = [
        "From: MAILER-DAEMON@mx.client.example.net",
        f"To: {to}",
        f"Subject: Undelivered mail {_unique()}",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="="',
        "",
        *(f"--=\nContent-Type: {kind}\n\n{text}" for kind, text in parts),
        "--=--",
        "",
    ]
    report = "\n".join(lines).replace("\n", "\r\n")
    talk.server.wait(talk.server.send("", [to], report.encode()), "sent")


def _failures(talk: Talk, recipient: str) -> list[Any]:
    return [f for f in talk.server.machine.json("bounce", "list") if f["recipient"] == recipient]


def _check_failure(talk: Talk, recipient: str, message_id: str, *, proved: bool = True) -> None:
    """One failure, on record and message; proved: it came to the return address that we signed for the recipient."""
    (failure,) = _failures(talk, recipient)
    assert failure["status"] == "5.1.1"
    assert (failure["kind"], failure["permanent"], failure["proved"]) == ("no-such-address", True, proved)
    assert (failure["record"], failure["message"]) == (talk.record, message_id)
    assert {m["message_id"]: m["failures"] for m in talk.messages() if m["failures"]} == {message_id: [failure]}


def test_followers_get_copies(postfix: Server, sink: Sink) -> None:
    """One follows by --notify of the alias, one by hand: each gets what the customer writes once, he himself never."""
    alias, ann, bob = f"claims{_unique()}@example.com", f"ann{_unique()}@example.net", f"bob{_unique()}@example.net"
    postfix.machine.mailgate("alias", "add", alias, "--model", "claim", "--notify", ann)
    first = send(postfix, alias)
    assert sink.wait_for(ann).message["Subject"] == first.subject
    (record,) = postfix.records(first.subject)
    postfix.machine.mailgate("record", "follow", record, bob)
    talk = Talk.on(postfix, sink, record, first.sender)

    second = talk.letter(talk.signed, f"Carla Ruíz <{talk.customer}>", In_Reply_To=talk.id, References=talk.references)
    second.add_attachment(PICTURE, "image", "png", filename="colour.png")
    number = talk.deliver(second)["number"]

    def copies(address: str) -> list[Received]:
        return [r for r in sink.to(address) if "Carla" in str(r.message["From"])]

    until(lambda: copies(ann) and copies(bob), "a copy for each follower")
    owed = [debt["to"] for debt in postfix.machine.json("outbox", "list") if debt["message"] == number]
    assert sorted(owed) == [ann, bob]
    assert sink.to(talk.customer) == [talk.post]
    for follower in (ann, bob):
        (copy,) = copies(follower)
        # the standard library keeps the blank between two encoded words, wherever they were cut
        assert copy.message["From"].replace(" ", "") == f'"CarlaRuíz({talk.customer})"<{alias}>'
        assert copy.message["Reply-To"].startswith(alias.partition("@")[0] + "+mg1r")
        assert copy.message["In-Reply-To"] == talk.id
        body = copy.message.get_body()
        assert body is not None
        assert body.get_content().replace("\r\n", "\n") == TEXT
        (picture,) = copy.message.iter_attachments()
        assert (picture.get_filename(), picture.get_content()) == ("colour.png", PICTURE)
