"""Writing to a record's people, and what another program sends to them: the bytes that leave, and what they lead to."""

import re
from collections.abc import Callable, Sequence
from email import message_from_bytes, policy

import pytest
from helpers.gateway import NOW, Gateway
from helpers.messages import BOB, facts, mail, said
from helpers.queued import Queued, queued
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailgate.gateway import post
from mailgate.gateway.post import File, Posted, Registered, Text
from mailgate.mail import content
from mailgate.routing.decision import Reported
from mailgate.store import aliases, domains, failures, records
from mailgate.store.records import NewRecord
from mailgate.values import address, charset, token
from mailgate.values.problem import NotFound, Problem
from mailgate.values.record import Ref

ANNA, CARL, EVE = "anna@team.org", "carl@team.org", "eve@else.org"
ONE = Ref("crm.lead", 1)
PDF = b"%PDF-\x00\xff\r\n" * 100


@pytest.fixture
def lead(gateway: Gateway) -> Gateway:
    """With crm.lead/1 `Offer`, which Anna and Carl follow."""
    with gateway.store.write() as tx:
        records.make(tx, NewRecord("crm.lead", "Offer", {}, alias="info@example.com", domain="example.com"), NOW)
        for each in (ANNA, CARL):
            records.follow(tx, ONE, each)
    return gateway


def write(gateway: Gateway, text: str = "Hello.\n", *to: str, **more: object) -> Posted:
    return post.write(gateway.store, ONE, Text(text, **more), to, gateway.now)


def leaving(gateway: Gateway, done: Posted) -> list[Queued]:
    """What goes out, whole."""
    with gateway.store.read() as tx:
        return queued(tx, done.queued)


def value(octets: bytes, name: str) -> str:
    """A field, unfolded, `""` without one."""
    head = octets.partition(b"\n\n")[0].replace(b"\n ", b" ").replace(b"\n\t", b" ")
    found = re.findall(rb"^%s: (.*)$" % name.encode(), head, re.MULTILINE)
    assert len(found) <= 1
    return found[0].decode() if found else ""


def names(octets: bytes) -> list[str]:
    return [each.decode() for each in re.findall(rb"^([!-9;-~]+):", octets.partition(b"\n\n")[0], re.MULTILINE)]


# --- to whom ---------------------------------------------------------------------------------------------------------


def test_each_recipient_gets_a_message_with_the_same_body(lead: Gateway) -> None:
    done = write(lead, "Hello.\n", EVE, "Anna <ANNA@Team.org>")
    assert done.recipients == ("ANNA@team.org", CARL, EVE)
    letters = leaving(lead, done)
    assert [(each.kind, each.recipient, value(each.octets, "To")) for each in letters] == [
        ("post", each, each) for each in done.recipients
    ]
    for wanted, distinct in ((1, "Message-ID"), (1, "References"), (1, "From"), (3, "Reply-To")):
        assert len({value(each.octets, distinct) for each in letters}) == wanted
    assert len({each.reverse_path for each in letters}) == 3
    kept = lead.raw(done.number)
    assert {each.octets.partition(b"\n\n")[2] for each in letters} == {kept.partition(b"\n\n")[2]}
    assert (value(kept, "To"), value(kept, "Reply-To")) == (f"ANNA@team.org, {CARL}, {EVE}", "info@example.com")


def test_each_signed_address_is_bound_to_who_gets_it(lead: Gateway) -> None:
    for each in leaving(lead, write(lead, "Hello.\n", EVE.upper())):
        receipt = lead(mail(to=value(each.octets, "Reply-To"), message_id=f"<{each.number}>"), "nobody@example.com")
        assert said(receipt.decision) == ["post token crm.lead/1"]
        for written in (value(each.octets, "Reply-To"), each.reverse_path or ""):
            detail = token.parse(written.partition("@")[0])
            assert detail
            with lead.store.read() as tx:
                secrets = tuple(row["secret"] for row in tx.execute("SELECT secret FROM signing_key"))
            assert token.fault(detail, secrets, "crm.lead/1", address.lower(each.recipient)) == ""


def test_the_fields_of_a_post(lead: Gateway) -> None:
    (first, _) = leaving(lead, write(lead))
    assert names(first.octets) == [
        *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "References", "X-Mailgate-Loop"),
        *("MIME-Version", "Content-Type"),
    ]
    assert value(first.octets, "Content-Type") == "text/plain; charset=utf-8"
    assert first.octets.endswith(b"\n\nHello.\n")


@pytest.mark.parametrize(
    ("to", "because"),
    [
        pytest.param("info@example.com", "local address", id="alias"),
        pytest.param("Catchall+x@Example.com", "local address", id="catchall"),
        pytest.param("bounce@example.com", "local address", id="bounce"),
        pytest.param("nobody", "not a mail address", id="no-address"),
        pytest.param("a@b.org\nBcc: x@y.org", "not a mail address", id="line-end"),
        pytest.param(BOB, "called our mail of crm.lead/1 spam", id="complained"),
    ],
)
def test_a_post_without_recipients_is_an_error(lead: Gateway, to: str, because: str) -> None:
    complained(lead, BOB)
    with pytest.raises(Problem, match=because):
        write(lead, "Hello.\n", to)
    assert (lead.outbox(), lead.on("crm.lead/1")) == ([], [])


def complained(gateway: Gateway, who: str) -> None:
    found = Reported(who, "complaint", "", "", "", "complaint", True, record=Ref("crm.lead", 1), follower=who)
    receipt = gateway(mail(message_id=f"<report-{who}>"), "postmaster@example.com")
    with gateway.store.write() as tx:
        failures.note(tx, receipt.number or 0, found, gateway.now)


def test_a_follower_who_complained_is_left_out(lead: Gateway) -> None:
    complained(lead, ANNA)
    assert write(lead).recipients == (CARL,)
    complained(lead, CARL)
    with pytest.raises(Problem, match="nobody would get it"):
        write(lead)


@pytest.mark.parametrize("kind", ["alias", "catchall"])
def test_a_follower_who_became_an_own_address_is_left_out(lead: Gateway, kind: str) -> None:
    with lead.store.write() as tx:
        records.follow(tx, ONE, "desk@example.com")
    assert write(lead).recipients == (ANNA, CARL, "desk@example.com")
    if kind == "alias":
        lead.alias("desk@example.com", "task")
    else:
        with lead.store.write() as tx:
            domains.save(tx, domains.get(tx, "example.com")._replace(catchall="desk"))
    assert write(lead).recipients == (ANNA, CARL)


def test_a_post_needs_a_record_that_exists(lead: Gateway) -> None:
    with pytest.raises(NotFound):
        post.write(lead.store, Ref("crm.lead", 9), Text("x"), (BOB,), NOW)


# --- as whom, and where in the thread --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "company", "shown"),
    [
        pytest.param("Ann Müller", "ACME", "Ann Müller", id="name"),
        pytest.param("", "ACME & Söhne", "ACME & Söhne", id="company"),
        pytest.param("", "", "example.com", id="domain"),
        pytest.param("a\r\nBcc: eve@else.org", "", "a Bcc: eve@else.org", id="line-end"),
        pytest.param("Jörg\nBcc: eve@else.org", "", "Jörg Bcc: eve@else.org", id="line-end-encoded"),
        pytest.param('"A" \\ <eve@else.org>', "", '"A" \\ <eve@else.org>', id="special"),
        pytest.param("\u200b", "", "", id="nothing-to-see"),
    ],
)
def test_from_shows_the_name_else_the_company(lead: Gateway, name: str, company: str, shown: str) -> None:
    with lead.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(company=company))
    for each in leaving(lead, write(lead, name=name)):
        author = facts(each.octets).author
        assert (author.name, str(author.address)) == (shown, "info@example.com")
        assert len(names(each.octets)) == 10


def test_from_the_alias_that_governs_else_the_catchall(lead: Gateway) -> None:
    def addresses() -> tuple[str, str]:
        first = leaving(lead, write(lead))[0].octets
        return str(facts(first).author.address), re.sub(r"\+.*@", "+@", value(first, "Reply-To"))

    assert addresses() == ("info@example.com", "info+@example.com")
    with lead.store.write() as tx:
        aliases.remove(tx, "info@example.com")
    assert addresses() == ("catchall@example.com", "catchall+@example.com")
    with lead.store.write() as tx:
        tx.execute("UPDATE record SET alias = NULL, domain = 'other.test'")
    assert addresses() == ("all@other.test", "all+@other.test")
    with lead.store.write() as tx:
        tx.execute("UPDATE record SET domain = 'gone.org'")
    assert addresses() == ("catchall@example.com", "catchall+@example.com")


def test_details_off_and_the_ids_still_lead_back(lead: Gateway) -> None:
    with lead.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(details=False))
    (first, _) = leaving(lead, write(lead))
    assert (value(first.octets, "Reply-To"), first.reverse_path) == ("info@example.com", "bounce@example.com")
    for number, name in enumerate(("in_reply_to", "references")):
        raw = mail(to="info@example.com", message_id=f"<{number}>", **{name: value(first.octets, "Message-ID")})
        assert said(lead(raw, "info@example.com").decision) == ["post reply crm.lead/1"]


def test_every_post_references_the_earlier_messages(lead: Gateway) -> None:
    first = leaving(lead, write(lead))[0].octets
    assert (value(first, "Subject"), value(first, "In-Reply-To")) == ("Offer", "")
    assert value(first, "References") == value(first, "Message-ID")
    to = value(first, "Reply-To")
    lead(mail(to=to, subject="Other words", message_id="<answer@client.org>"), to)
    post.note(lead.store, ONE, Text("He is angry.\n"), lead.now)
    second = leaving(lead, write(lead))[0].octets
    assert value(second, "Subject") == "Re: Other words"
    assert value(second, "In-Reply-To") == "<answer@client.org>"
    assert value(second, "References").split() == [
        value(first, "Message-ID"),
        "<answer@client.org>",
        value(second, "Message-ID"),
    ]
    ids = [value(leaving(lead, write(lead, subject="Mine"))[0].octets, "Message-ID") for _ in range(25)]
    last = leaving(lead, write(lead))[0].octets
    assert value(last, "Subject") == "Re: Mine"
    assert value(last, "References").split() == [value(first, "Message-ID"), *ids[-18:], value(last, "Message-ID")]


def test_a_note_goes_to_nobody(lead: Gateway) -> None:
    done = post.note(lead.store, ONE, Text("He is angry.\n"), NOW)
    assert (done.recipients, done.queued, lead.outbox()) == ((), (), [])
    assert lead.on("crm.lead/1") == [done.number]
    assert content.content(lead.raw(done.number)).text == "He is angry.\n"
    assert "To" not in names(lead.raw(done.number))


# --- what it says ----------------------------------------------------------------------------------------------------

LINES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
PIECES = st.sampled_from(
    ["From ", ".", "..", "-- ", "=20", "\t", " ", "x" * 1000, "ü" * 500, "\r\n", "\r", "\n\n", "\x00"]
)


@pytest.fixture(scope="module")
def bare() -> Callable[[Text], bytes]:
    """The bytes of a text with its files, without a store."""

    def made(text: Text) -> bytes:
        fields, body = post._body(text)
        return b"".join(fields) + b"\n" + body

    return made


@given(text=st.lists(LINES | PIECES, max_size=8).map("\n".join), files=st.booleans())
@example(text="From here\nFrom there\n", files=False)
@example(text="", files=True)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_text_arrives(bare: Callable[[Text], bytes], text: str, files: bool) -> None:
    octets = bare(Text(text, files=(File("a.bin", "application/octet-stream", PDF),) if files else ()))
    assert content.content(octets).text == charset.clean(text)
    assert re.search(rb"[^\t\n -~]", octets) is None, "every mail server takes 7-bit lines"
    assert all(len(line) <= 998 for line in octets.split(b"\n"))
    assert not re.search(rb"^From ", octets, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        pytest.param("a.pdf", "a.pdf", id="plain"),
        pytest.param("Angebot für Bob.pdf", "Angebot für Bob.pdf", id="umlaut"),
        pytest.param("見積もり.pdf", "見積もり.pdf", id="han"),
        pytest.param('say "hi".pdf', 'say "hi".pdf', id="quotes"),
        pytest.param("100% \\ off; x=y.pdf", None, id="special"),
        pytest.param("it's (a) [b] <c>,.pdf", "it's (a) [b] <c>,.pdf", id="tspecials"),
        pytest.param("=?utf-8?q?x?=.pdf", None, id="encoded-word"),
        pytest.param("utf-8''x%20y.pdf", "utf-8''x%20y.pdf", id="looks-encoded"),
        pytest.param(" a.pdf ", "a.pdf", id="blanks"),
        pytest.param("a\r\nBcc: eve@else.org\r\n\r\nb.pdf", None, id="line-ends"),
        pytest.param("a\tb\x00\x1b.pdf", None, id="controls"),
        pytest.param("\u202egpj.exe", None, id="right-to-left"),
        pytest.param("\udcff.pdf", None, id="no-utf-8"),
        pytest.param("ä" * 123 + ".pdf", None, id="long"),
        pytest.param("x" * 251 + ".pdf", None, id="long-ascii"),
        pytest.param("", None, id="empty"),
        pytest.param("../../etc/passwd", "passwd.pdf", id="path"),
    ],
)
def test_a_file_of_any_name(lead: Gateway, name: str, read: str | None) -> None:
    done = write(lead, "See there.\n", files=(File(name, "application/pdf", PDF), File("b", "text/plain", b"b\n")))
    for each in leaving(lead, done):
        found = content.content(each.octets)
        assert (found.text, found.defects) == ("See there.\n", ())
        assert [(a.type, a.size) for a in found.attachments] == [("application/pdf", len(PDF)), ("text/plain", 2)]
        assert read is None or found.attachments[0].name == read
        assert content.attachment_bytes(each.octets, 0) == PDF
        parts = list(message_from_bytes(each.octets, policy=policy.default).iter_attachments())
        assert [part.get_payload(decode=True) for part in parts] == [PDF, b"b\n"]
        assert all(len(line) <= 998 for line in each.octets.split(b"\n"))
        each.octets.decode("ascii")
        assert names(each.octets)[-2:] == ["MIME-Version", "Content-Type"]


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 100_000])
def test_a_file_of_any_size(bare: Callable[[Text], bytes], size: int) -> None:
    octets = bare(Text("x\n", files=(File("a", "application/octet-stream", b"\xff" * size),)))
    assert content.attachment_bytes(octets, 0) == b"\xff" * size


def test_a_type_cannot_break_out(bare: Callable[[Text], bytes]) -> None:
    octets = bare(Text("x\n", files=(File("a", "text/plain\nX-Evil: 1\n\nevil", b"a"),)))
    assert b"\nX-Evil" not in octets


# --- what another program sends --------------------------------------------------------------------------------------


def register(gateway: Gateway, raw: bytes, *to: str) -> Registered:
    return post.register(gateway.store, ONE, raw, to, gateway.now)


BARE = b"From: Shop <shop@example.com>\nTo: bob@client.org\nSubject: Your order\n"


def test_what_is_missing_is_added_and_nothing_else_changes(lead: Gateway) -> None:
    done = register(lead, BARE + b"\nThanks.\n")
    assert done.octets.startswith(BARE)
    assert (
        done.octets[len(BARE) :]
        == (
            f"Message-ID: {done.message_id}\nReply-To: {done.reply_to}\nReferences: {done.message_id}\n"
            f"X-Mailgate-Loop: {done.message_id[1:].partition('@')[0]}\n\nThanks.\n"
        ).encode()
    )
    assert lead.raw(done.number) == BARE + b"\nThanks.\n"
    assert lead.on("crm.lead/1") == [done.number]
    assert lead.outbox() == []


@pytest.mark.parametrize(
    ("header", "kept", "added"),
    [
        pytest.param(
            b"Message-ID: <1@shop>\nReply-To: desk@shop.org\n",
            b"Message-ID: <1@shop>\nReply-To: desk@shop.org\n",
            ["References", "X-Mailgate-Loop"],
            id="both-there",
        ),
        pytest.param(
            b"MESSAGE-ID:<1@shop>\nreply-to :\n desk@shop.org\n",
            b"MESSAGE-ID:<1@shop>\nreply-to :\n desk@shop.org\n",
            ["References", "X-Mailgate-Loop"],
            id="odd-spelling",
        ),
        pytest.param(
            b"References: <0@shop>\n <1@shop>\nX-Mailgate-Loop: old\nX-Last: 1\n",
            b"X-Last: 1\n",
            ["Message-ID", "Reply-To", "References", "X-Mailgate-Loop"],
            id="written-anew",
        ),
        pytest.param(
            b"References-Of: x\nReferencesX: y\nX-Mailgate-Loop-Of: z\nMessage-ID-Of: z\n",
            b"References-Of: x\nReferencesX: y\nX-Mailgate-Loop-Of: z\nMessage-ID-Of: z\n",
            ["Message-ID", "Reply-To", "References", "X-Mailgate-Loop"],
            id="names-that-begin-alike",
        ),
        pytest.param(
            b"Message-ID:\nMessage-Id: <>\nReply-To: \nX-Last: 1\n",
            b"X-Last: 1\n",
            ["Message-ID", "Reply-To", "References", "X-Mailgate-Loop"],
            id="empty-ones",
        ),
        pytest.param(
            "X-Ünicode: x\nX-Raw: ä\nX-Folded: a\n\tb\n \nX-Dup: 1\nX-Dup: 1\n".encode().replace(
                b"X-\xc3\x9cnicode: x\n", b""
            ),
            "X-Raw: ä\nX-Folded: a\n\tb\n \nX-Dup: 1\nX-Dup: 1\n".encode(),
            ["Message-ID", "Reply-To", "References", "X-Mailgate-Loop"],
            id="any-bytes",
        ),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_given_fields_are_kept(lead: Gateway, header: bytes, kept: bytes, added: list[str], end: bytes) -> None:
    raw = (BARE + header + b"\n").replace(b"\n", end) + b"a\nb\r\nc\rd\n"
    done = register(lead, raw)
    start = (BARE + kept).replace(b"\n", end)
    assert done.octets.startswith(start)
    rest = done.octets[len(start) :]
    head, _, body = rest.partition(end * 2)
    assert body == b"a\nb\r\nc\rd\n"
    assert re.findall(rb"^([\w-]+):", head, re.MULTILINE) == [each.encode() for each in added]
    assert (b"\r\n" in head, head.count(b"\n")) == (end == b"\r\n", head.count(end))


def test_references_keep_the_ancestors_and_get_the_own_id(lead: Gateway) -> None:
    done = register(lead, BARE + b"In-Reply-To: <b@x>\nReferences: <a@x> <b@x>\nMessage-ID: <1@shop>\n\nx")
    found = facts(done.octets)
    assert (found.message_id, done.message_id, found.field("references")) == (
        "<1@shop>",
        "<1@shop>",
        "<a@x> <b@x> <1@shop>",
    )
    assert found.field("in-reply-to") == "<b@x>"


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        pytest.param(b"From shop Mon Jan  1 00:00:00 2024\n" + BARE + b"\nx\n", b"\n\nx\n", id="mbox-line"),
        pytest.param(BARE, b"\n\n", id="no-end-of-header"),
        pytest.param(BARE.rstrip(b"\n"), b"\n\n", id="no-line-end"),
        pytest.param(BARE + b"this is no field\nx\n", b"\n\nthis is no field\nx\n", id="no-field"),
    ],
)
def test_a_registered_message_keeps_an_odd_header(lead: Gateway, before: bytes, wanted: bytes) -> None:
    done = register(lead, before)
    assert done.octets.startswith(BARE + b"Message-ID: ")
    assert done.octets.endswith(wanted)
    assert done.octets.count(b"\n\n") == 1


FIELD = st.text(st.characters(max_codepoint=0x17F), max_size=60)


@given(
    st.lists(st.tuples(st.sampled_from(["Subject", "X-Any", "References", "Comments", "Reply-To"]), FIELD), max_size=5)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_registered_message_stays_one(lead: Gateway, fields: Sequence[tuple[str, str]]) -> None:
    raw = BARE + b"".join(f"{name}: {text}\n".encode() for name, text in fields) + b"\nThe end.\n"
    done = register(lead, raw)
    again = register(lead, done.octets)
    before, after = facts(raw), facts(done.octets)
    assert (after.author, after.to, after.subject, after.message_id) == (
        *(before.author, before.to, before.subject),
        done.message_id,
    )
    assert after.raw[after.body_at :] == before.raw[before.body_at :]
    assert again == done


DATE = "Date: Mon, 1 Jan 2024 00:00:00 +0000\n"


@pytest.mark.parametrize(
    ("header", "raw_again"),
    [
        pytest.param("Message-ID: <1@shop>\n", True, id="its-own-id"),
        pytest.param(DATE, True, id="its-date"),
        pytest.param("", False, id="neither"),
    ],
)
def test_the_same_message_again_is_the_same_registration(lead: Gateway, header: str, raw_again: bool) -> None:
    raw = BARE + header.encode() + b"\nThanks.\n"
    first = register(lead, raw)
    for again in (first.octets, first.octets.replace(b"\n", b"\r\n"), b"Received: by mx\n" + first.octets):
        found = register(lead, again)
        assert (found.number, found.message_id) == (first.number, first.message_id)
    assert (register(lead, raw) == first) == raw_again
    assert lead.on("crm.lead/1") == ([1] if raw_again else [1, 2])


def test_another_message_of_that_id_is_an_error(lead: Gateway) -> None:
    register(lead, BARE + b"Message-ID: <1@shop>\n\nThanks.\n")
    with pytest.raises(Problem, match="<1@shop> is message 1 already"):
        register(lead, BARE + b"Message-ID: <1@shop>\n\nNo thanks.\n")
    posted = write(lead)
    with pytest.raises(Problem, match="already"):
        register(lead, BARE + f"Message-ID: {posted.message_id}\n\nMe too.\n".encode())
    assert len(lead.messages()) == 2


@pytest.mark.parametrize(
    ("id", "back"),
    [
        pytest.param("Message-ID: <1@shop>\n", lambda raw, done: raw, id="as-it-was"),
        pytest.param("Message-ID: <1@shop>\n", lambda raw, done: done, id="as-it-was-sent"),
        pytest.param("", lambda raw, done: done, id="with-our-id"),
        pytest.param("", lambda raw, done: b"Received: by mx\n" + done.replace(b"\n", b"\r\n"), id="after-a-while"),
    ],
)
@pytest.mark.parametrize("to", ["info@example.com", "jobs@example.com", "catchall@example.com"])
def test_what_comes_back_is_ignored(lead: Gateway, id: str, back: Callable[[bytes, bytes], bytes], to: str) -> None:
    raw = BARE + id.encode() + b"\nThanks.\n"
    done = register(lead, raw)
    receipt = lead(back(raw, done.octets), to, reverse_path="shop@example.com")
    assert said(receipt.decision) == ["ignore loop"]
    assert (lead.records(), lead.on("crm.lead/1")) == (["crm.lead/1"], [1])


@pytest.mark.parametrize("id", ["Message-ID: <1@shop>\n", ""], ids=["its-own-id", "our-id"])
def test_its_answer_finds_the_record(lead: Gateway, id: str) -> None:
    done = register(lead, BARE + id.encode() + b"\nThanks.\n")
    answers = [
        ({"to": done.reply_to}, "token"),
        ({"to": done.reply_to.upper()}, "token"),
        ({"to": "info@example.com", "in_reply_to": done.message_id}, "reply"),
        ({"to": "catchall@example.com", "references": f"<rewritten@provider> {done.message_id}"}, "reply"),
    ]
    for number, (fields, reason) in enumerate(answers):
        raw = mail(message_id=f"<{number}@client.org>", **fields)
        assert said(lead(raw, fields["to"]).decision) == [f"post {reason} crm.lead/1"]


@pytest.mark.parametrize(
    ("header", "to", "bound"),
    [
        pytest.param(b"To: Bob <BOB@client.org>\n", (), BOB, id="to"),
        pytest.param(b"To: bob@client.org, BOB@client.org\n", (), BOB, id="twice"),
        pytest.param(b"To: bob@client.org\nCc: eve@else.org\n", (), "", id="two"),
        pytest.param(b"To: undisclosed-recipients:;\n", (), "", id="nobody"),
        pytest.param(b"To: list@shop.org\n", ("Eve@else.org",), EVE, id="given"),
        pytest.param(b"To: bob@client.org\n", (BOB, EVE), "", id="two-given"),
    ],
)
def test_the_signed_address_is_bound_to_the_only_recipient(
    lead: Gateway, header: bytes, to: Sequence[str], bound: str
) -> None:
    done = register(lead, b"From: shop@example.com\nMessage-ID: <1@shop>\n" + header + b"\nx\n", *to)
    with lead.store.read() as tx:
        row = tx.execute("SELECT * FROM delivery").fetchone()
    assert (row["recipient"], row["message_id"]) == (bound, "<1@shop>")
    assert said(lead(mail(to=done.reply_to), done.reply_to).decision) == ["post token crm.lead/1"]


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n", b"hello\n", b"Subject: x\n\nx"], ids=["empty", "blank", "text", "subject"]
)
def test_standard_input_without_a_message_is_an_error(lead: Gateway, raw: bytes) -> None:
    with pytest.raises(Problem, match="no message"):
        register(lead, raw)
    assert lead.messages() == []
