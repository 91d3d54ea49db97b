"""Copies: who gets one of what a person wrote on a record, and who does not."""

import email
import itertools
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
from helpers.gateway import Gateway
from helpers.messages import BOB, INFO, decide, known, mail, said, sent, state, stored
from helpers.queued import queued

from mailgate.gateway import held, post, receive
from mailgate.gateway.post import Text
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Incoming
from mailgate.routing.decision import Decision
from mailgate.routing.state import Follower, Placement
from mailgate.store import failures, outbox, records, senders
from mailgate.store.records import NewRecord
from mailgate.values.outcome import Effect
from mailgate.values.problem import NotFound
from mailgate.values.record import Ref

ANNA, CARL, EVE = "anna@team.org", "carl@team.org", "eve@else.org"
ONE, TWO, JOB = Ref("crm.lead", 1), Ref("crm.lead", 2), Ref("hr.job", 1)
ANSWERED = known(stored(1, "<a@x>", ONE))


def judged(*followers: Follower, raw: bytes | None = None, to: str = "info@example.com", **more: object) -> Decision:
    """An answer from Bob on the record that these people and he follow."""
    more = {"known": ANSWERED, "followed": frozenset({ONE}), **more}
    followed = {ONE: (Follower(BOB), *followers)}
    return decide(raw or answer(), to, given=state(followers=followed, **more))


def answer(*more: tuple[str, str], **fields: str | None) -> bytes:
    return mail("So do I.\n", *more, references="<a@x>", **fields)


def takers(decision: Decision) -> list[str]:
    """Who gets a copy."""
    return [each.to for each in decision.outgoing if each.kind == "copy"]


def flagged(decision: Decision) -> list[bool]:
    """For each outcome, whether its author is an outsider."""
    return [each.outsider for each in decision.outcomes]


def why_not(decision: Decision) -> str:
    return "; ".join(each.note for each in decision.outcomes)


# --- who gets one ----------------------------------------------------------------------------------------------------

PEOPLE = (Follower(ANNA), Follower(CARL, member=True))


def test_a_followers_answer_goes_to_the_others() -> None:
    found = judged(*PEOPLE)
    assert (said(found), takers(found), flagged(found)) == (["post reply crm.lead/1"], [ANNA, CARL], [False])
    assert sent(found) == [f"reply -> {ANNA} about ", f"reply -> {CARL} about "]
    assert {each.effect for each in found.outgoing} == {Effect("post", "crm.lead/1")}


@pytest.mark.parametrize(("loops", "copied"), [(3, [ANNA, CARL]), (4, [])])
def test_mail_that_many_gateways_sent_on_is_posted_alone(loops: int, copied: list[str]) -> None:
    found = judged(*PEOPLE, raw=answer(*[("X-Mailgate-Loop", f"mg1.c.other{n}") for n in range(loops)]))
    assert (said(found), takers(found)) == (["post reply crm.lead/1"], copied)
    assert why_not(found) == ("" if copied else "no copies: more than 3 gateways sent it on already")


def test_nobody_else_follows() -> None:
    found = judged()
    assert (takers(found), why_not(found)) == ([], "")


def test_an_outsiders_mail_goes_to_members_only() -> None:
    found = judged(*PEOPLE, followed=frozenset({TWO}))
    assert (takers(found), flagged(found)) == ([CARL], [True])
    assert (
        why_not(found)
        == "no copies: its author does not follow: only members and those whom the alias notifies get copies"
    )


def test_a_follower_on_one_record_is_an_outsider_on_another() -> None:
    both = known(stored(1, "<a@x>", Placement(ONE, INFO), Placement(TWO, INFO)))
    given = state(known=both, followed=frozenset({TWO}), followers={ONE: PEOPLE, TWO: PEOPLE})
    found = decide(answer(), "info@example.com", given=given)
    assert [(each.record, each.outsider) for each in found.outcomes] == [(ONE, True), (TWO, False)]
    assert [(each.effect, each.to) for each in found.outgoing] == [
        (Effect("post", "crm.lead/1"), CARL),
        (Effect("post", "crm.lead/2"), ANNA),
        (Effect("post", "crm.lead/2"), CARL),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"from": "Anna <ANNA@Team.ORG>"}, id="author"),
        pytest.param({"from": '"anna"@team.org'}, id="author-quoted"),
        pytest.param({"to": f"info@example.com, Anna <{ANNA.upper()}>"}, id="to"),
        pytest.param({"to": f"info@example.com, Anna <{ANNA}"}, id="to-without-an-end"),
        pytest.param({"to": f"friends: {ANNA}, {EVE};"}, id="to-in-a-group"),
        pytest.param({"cc": f"=?utf-8?q?=C3=84nne?= <{ANNA}>"}, id="cc"),
    ],
)
def test_nobody_gets_a_copy_who_has_it(fields: dict[str, str | None]) -> None:
    assert takers(judged(*PEOPLE, raw=answer(**fields))) == [CARL]


@pytest.mark.parametrize("path", [ANNA, "Anna@TEAM.org"])
def test_whoever_is_the_reverse_path_gets_no_copy(path: str) -> None:
    given = state(known=ANSWERED, followed=frozenset({ONE}), followers={ONE: PEOPLE})
    assert takers(decide(answer(), "info@example.com", given=given, reverse_path=path)) == [CARL]


@pytest.mark.parametrize("field", ["delivered_to", "reply_to", "bcc", "sender", "resent_to"])
def test_other_fields_say_nothing_about_who_has_it(field: str) -> None:
    assert takers(judged(*PEOPLE, raw=answer(**{field: ANNA}))) == [ANNA, CARL]


# --- what does not go on ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "because"),
    [
        pytest.param({"auto_submitted": "auto-replied"}, "automatic mail (Auto-Submitted: auto-replied)", id="replied"),
        pytest.param({"auto_submitted": "auto-generated; x=y"}, "automatic mail", id="generated"),
        pytest.param({"precedence": "bulk"}, "automatic mail (Precedence: bulk)", id="bulk"),
        pytest.param({"precedence": "auto_reply"}, "automatic mail", id="auto-reply"),
        pytest.param({"x_autoreply": "yes"}, "automatic mail (x-autoreply)", id="x-autoreply"),
        pytest.param({"from": "no-reply@client.org"}, "automatic mail (From: no-reply@client.org)", id="noreply"),
        pytest.param({"list_id": "<l.x.org>"}, "list mail (list-id)", id="list"),
        pytest.param({"precedence": "list"}, "list mail (Precedence: list)", id="precedence-list"),
        pytest.param({"from": "jobs@example.com"}, "jobs@example.com is a local address", id="own-author"),
        pytest.param(
            {"from": "catchall+x@example.com"}, "catchall+x@example.com is a local address", id="own-catchall"
        ),
        pytest.param({"x_spam_flag": "YES"}, "x-spam-flag: yes", id="spam"),
    ],
)
def test_only_a_persons_mail_goes_on(fields: dict[str, str | None], because: str) -> None:
    quiet = INFO._replace(spam="quiet")
    found = judged(*PEOPLE, raw=answer(**fields), known=known(stored(1, "<a@x>", ONE, by=quiet)))
    assert (said(found), takers(found)) == (["post reply crm.lead/1"], [])
    assert why_not(found).startswith(f"no copies: {because}")


def test_an_own_address_is_an_outsider_even_if_it_once_followed() -> None:
    assert flagged(judged(*PEOPLE, raw=answer(**{"from": "jobs@example.com"}))) == [True]


@pytest.mark.parametrize(
    ("path", "because"),
    [
        pytest.param("", "automatic mail (null reverse-path)", id="null"),
        pytest.param("bounce@example.com", "bounce@example.com is a local address", id="own"),
        pytest.param("info+x@example.com", "info+x@example.com is a local address", id="own-with-a-detail"),
    ],
)
def test_a_copy_is_kept_from_the_reverse_path_of_a_program(path: str, because: str) -> None:
    given = state(known=ANSWERED, followed=frozenset({ONE}), followers={ONE: PEOPLE})
    found = decide(answer(), "info@example.com", given=given, reverse_path=path)
    assert (said(found), takers(found)) == (["post reply crm.lead/1"], [])
    assert why_not(found).startswith(f"no copies: {because}")


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        pytest.param({"blocked": BOB}, "hold blocked", id="blocked"),
        pytest.param(
            {"known": known(stored(1, "<a@x>", ONE, by=INFO._replace(policy="contacts")))},
            "refuse policy info@example.com",
            id="refused",
        ),
    ],
)
def test_what_is_not_posted_does_not_go_on(more: dict[str, object], outcome: str) -> None:
    found = judged(*PEOPLE, **more)
    assert (said(found), takers(found)) == ([outcome], [])


def test_spam_is_held_and_goes_nowhere() -> None:
    found = judged(*PEOPLE, raw=answer(x_spam_flag="YES"))
    assert (said(found), takers(found)) == (["hold spam"], [])


@pytest.mark.parametrize(("count", "goes"), [(0, True), (2, True), (3, False), (99, False)])
def test_an_author_has_a_threshold_of_copies_on_each_record(count: int, goes: bool) -> None:
    found = judged(*PEOPLE, relayed={ONE: count}, loop_threshold=3, loop_minutes=60)
    assert takers(found) == ([ANNA, CARL] if goes else [])
    assert why_not(found) == ("" if goes else "no copies: 3 of this author went on within 60 minutes")


def test_the_threshold_of_one_record_is_not_that_of_another() -> None:
    assert takers(judged(*PEOPLE, relayed={TWO: 99}, loop_threshold=3)) == [ANNA, CARL]


@pytest.mark.parametrize("why", ["mail to it fails", "it complained"])
def test_a_follower_whose_copies_are_stopped_gets_none(why: str) -> None:
    found = judged(Follower(ANNA, stopped=why), Follower(CARL))
    assert takers(found) == [CARL]


# --- new records -----------------------------------------------------------------------------------------------------


def test_those_to_notify_get_a_copy_of_what_makes_a_record() -> None:
    given = state(notified={INFO.number: PEOPLE})
    found = decide(mail(), "info@example.com", given=given)
    assert (said(found), takers(found), flagged(found)) == (
        ["create alias crm.lead info@example.com"],
        [ANNA, CARL],
        [False],
    )
    assert {each.reason for each in found.outgoing} == {"alias"}


@pytest.mark.parametrize(
    "fields",
    [{"from": ANNA}, {"to": f"info@example.com, {ANNA}"}, {"cc": ANNA}],
    ids=["author", "to", "cc"],
)
def test_nobody_is_notified_of_what_he_has(fields: dict[str, str | None]) -> None:
    assert takers(decide(mail(**fields), "info@example.com", given=state(notified={1: PEOPLE}))) == [CARL]


@pytest.mark.parametrize(
    "fields",
    [{"auto_submitted": "auto-generated"}, {"list_id": "<l.x.org>"}, {"from": "jobs@example.com"}],
    ids=["automatic", "list", "own"],
)
def test_nobody_is_notified_by_programs(fields: dict[str, str | None]) -> None:
    found = decide(mail(**fields), "info@example.com", given=state(notified={1: PEOPLE}))
    assert (len(found.outcomes), found.outcomes[0].action, takers(found)) == (1, "create", [])


def test_each_alias_notifies_its_own_people() -> None:
    given = state(notified={1: (Follower(ANNA),), 2: (Follower(ANNA), Follower(CARL))})
    found = decide(mail(to="x@y.org"), "info@example.com", "jobs@example.com", given=given)
    assert [(each.effect, each.to) for each in found.outgoing] == [
        (Effect("create", INFO.address), ANNA),
        (Effect("create", "jobs@example.com"), ANNA),
        (Effect("create", "jobs@example.com"), CARL),
    ]


def test_the_fallback_notifies_nobody() -> None:
    found = decide(mail(to="x@example.com"), "x@example.com", given=state(fallback="t", notified={1: PEOPLE}))
    assert (said(found), takers(found)) == (["create fallback t"], [])


def test_a_forced_record_copies_its_followers() -> None:
    forced = INFO._replace(record=ONE)
    given = state(forced, records=frozenset({ONE}), followers={ONE: PEOPLE}, notified={1: (Follower(EVE),)})
    found = decide(mail(), "info@example.com", given=given)
    assert (said(found), takers(found), flagged(found)) == (["post alias crm.lead/1"], [CARL], [True])


# --- with a store ----------------------------------------------------------------------------------------------------


def lead(gateway: Gateway, *followers: str, alias: str | None = "info@example.com") -> Ref:
    """A record made by hand, as if an alias had made it."""
    with gateway.store.write() as tx:
        ref = records.make(tx, NewRecord("crm.lead", "Offer", {}, alias=alias, domain="example.com"), gateway.now)
        for each in followers:
            records.follow(tx, ref, each)
    return ref


class Post(NamedTuple):
    """What somebody was sent: where his answer goes, where a report about him goes, and its id."""

    reply_to: str
    back: str
    message_id: str


def posted(gateway: Gateway, ref: Ref, address: str) -> Post:
    """What somebody gets when we write to him."""
    done = post.write(gateway.store, ref, Text("Hello.\n"), (address,), gateway.now)
    with gateway.store.read() as tx:
        letter = next(each for each in queued(tx, done.queued) if each.recipient == address)
    reply_to = re.search(rb"^Reply-To: (.*)", letter.octets, re.MULTILINE)
    assert reply_to
    return Post(reply_to[1].decode(), letter.reverse_path or "", done.message_id)


def copied(gateway: Gateway) -> list[str]:
    """Everybody who was sent a copy, in order."""
    with gateway.store.read() as tx:
        return [each.recipient for each in outbox.listing(tx) if each.kind == "copy"]


def writes(gateway: Gateway, who: str, to: str, *more: tuple[str, str], **fields: str | None) -> Receipt:
    """A new message from somebody to one address."""
    fields = {"from": who, "to": to, "message_id": f"<{gateway.now}@x.org>", **fields}
    return gateway(mail("Hi.\n", *more, **fields), to, reverse_path=who)


def flags(gateway: Gateway) -> tuple[str, ...]:
    """The flags of the last message."""
    return gateway.messages()[-1].flags


def test_the_record_of_a_mail_and_its_people(gateway: Gateway) -> None:
    gateway.change("info@example.com", notify=(ANNA, CARL))
    writes(gateway, BOB, "info@example.com")
    assert copied(gateway) == [ANNA, CARL]
    (record,) = gateway.every_record()
    assert record.followers == (BOB, ANNA, CARL)
    writes(gateway, ANNA, "catchall@example.com", references=gateway.messages()[0].message_id)
    assert copied(gateway)[2:] == [BOB, CARL]
    writes(gateway, BOB, "info@example.com", references=gateway.messages()[1].message_id, cc=CARL)
    assert copied(gateway)[4:] == [ANNA]


@pytest.mark.parametrize("detail", [f"mg1r{'a' * 19}", f"mg1b{'a' * 18}zzzz", "mg1"])
def test_an_author_whose_address_looks_signed_follows_nothing(gateway: Gateway, detail: str) -> None:
    """Anybody can write so: his mail is taken all the same, and once."""
    writes(gateway, f"nobody+{detail}@example.com", "info@example.com")
    (record,) = gateway.every_record()
    assert record.followers == (() if len(detail) > 3 else ("nobody+mg1@example.com",))
    assert gateway.held() == []


def test_a_copy_leads_its_answer_back(gateway: Gateway) -> None:
    lead(gateway, ANNA, CARL)
    writes(gateway, ANNA, posted(gateway, ONE, ANNA).reply_to)
    with gateway.store.read() as tx:
        copy = queued(tx)[-1]
    reply_to, id = (re.search(rb"^%s: (.*)" % name, copy.octets, re.MULTILINE) for name in (b"Reply-To", b"Message-ID"))
    assert reply_to
    assert id
    for fields in ({"to": reply_to[1].decode()}, {"to": "catchall@example.com", "in_reply_to": id[1].decode()}):
        found = writes(gateway, CARL, **fields)
        assert [str(each.record) for each in found.decision.outcomes] == ["crm.lead/1"]
    assert copied(gateway)[1:] == [ANNA, ANNA]


@pytest.mark.parametrize("by", ["signed", "id"])
@pytest.mark.parametrize("alias", ["info@example.com", None], ids=["alias", "no-alias"])
def test_a_stranger_is_copied_as_the_record_allows(gateway: Gateway, by: str, alias: str | None) -> None:
    gateway.contact(ANNA)
    gateway.contact(CARL, member=True)
    lead(gateway, ANNA, CARL, alias=alias)
    sent_to = posted(gateway, ONE, EVE)
    if by == "signed":
        writes(gateway, EVE, sent_to.reply_to)
    else:
        writes(gateway, EVE, "catchall@example.com", references=sent_to.message_id)
    assert copied(gateway) == ([ANNA, CARL] if by == "signed" else [CARL])
    assert flags(gateway) == (() if by == "signed" else ("outsider",))


def test_a_signed_address_gives_a_stranger_an_outsiders_rights(gateway: Gateway) -> None:
    """F8: it may have leaked; who has it reaches members, and those whom the alias notifies, and nobody else."""
    gateway.contact(CARL, member=True)
    gateway.change("info@example.com", notify=("dora@team.org",))
    lead(gateway, BOB, ANNA, CARL, "dora@team.org")
    to = posted(gateway, ONE, BOB).reply_to
    receipt = writes(gateway, EVE, to, cc=f"{ANNA}, {CARL}")
    assert [(each.action, each.reason) for each in receipt.decision.outcomes] == [("post", "token")]
    assert (copied(gateway), flags(gateway)) == ([CARL, "dora@team.org"], ("outsider",))


def test_who_was_written_to_reaches_all_followers(gateway: Gateway) -> None:
    """The control: people named with --to do not follow, and answer as they always did."""
    lead(gateway, ANNA, CARL)
    writes(gateway, BOB, posted(gateway, ONE, BOB).reply_to)
    assert (copied(gateway), flags(gateway)) == ([ANNA, CARL], ())


def test_a_follower_who_writes_to_the_signed_address_of_another_is_copied_to_them(gateway: Gateway) -> None:
    lead(gateway, BOB, ANNA, CARL)
    receipt = writes(gateway, ANNA, posted(gateway, ONE, BOB).reply_to)
    assert (copied(gateway), why_not(receipt.decision)) == ([BOB, CARL], "")


def unfollowed(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        records.unfollow(tx, ONE, BOB)


def revoked(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        records.revoke(tx, ONE, BOB)


def blocked_once(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        senders.put(tx, BOB, "block")
        senders.remove(tx, BOB)


def of_a_blocked_domain(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        senders.put(tx, "@client.org", "block")
        senders.remove(tx, "@client.org")


@pytest.mark.parametrize("takes", [unfollowed, revoked, blocked_once, of_a_blocked_domain])
def test_a_signed_address_that_was_revoked_finds_its_record_and_gives_no_rights(
    gateway: Gateway, takes: Callable[[Gateway], None]
) -> None:
    """F14: it is remembered, and holds for mail that was sent before."""
    lead(gateway, BOB, ANNA)
    to = posted(gateway, ONE, BOB).reply_to
    takes(gateway)
    with gateway.store.write() as tx:
        tx.execute("DELETE FROM follower WHERE address = ?", (BOB,))
    receipt = writes(gateway, BOB, to)
    assert [(each.action, each.reason) for each in receipt.decision.outcomes] == [("post", "token")]
    assert (copied(gateway), flags(gateway)) == ([], ("outsider",))
    writes(gateway, BOB, posted(gateway, ONE, BOB).reply_to)
    assert copied(gateway) == [ANNA], "who is written to again answers again"


def test_nobody_can_be_revoked_who_has_nothing(gateway: Gateway) -> None:
    lead(gateway, ANNA)
    with gateway.store.write() as tx, pytest.raises(NotFound, match="neither follows"):
        records.revoke(tx, ONE, EVE)


def test_an_archived_member_gets_no_copy_from_an_outsider(gateway: Gateway) -> None:
    gateway.contact(ANNA, member=True, archived=True)
    gateway.contact(CARL, member=True)
    lead(gateway, ANNA, CARL)
    writes(gateway, EVE, "catchall@example.com", references=posted(gateway, ONE, BOB).message_id)
    assert copied(gateway) == [CARL]


def test_a_follower_that_became_a_local_address_gets_no_copy(gateway: Gateway) -> None:
    lead(gateway, "anna@example.com", CARL, BOB)
    gateway.change("info@example.com", notify=("anna@example.com", CARL))
    gateway.alias("anna@example.com", "task")
    to = posted(gateway, ONE, BOB).reply_to
    writes(gateway, BOB, to)
    assert copied(gateway) == [CARL]
    writes(gateway, BOB, "info@example.com")
    assert copied(gateway) == [CARL, CARL]
    assert gateway.every_record()[-1].followers == (BOB, CARL)


@pytest.mark.parametrize("source", ["pipe", "lmtp", "fetch"])
@pytest.mark.parametrize("to", ["info@example.com", "catchall@example.com", "signed", "jobs@example.com"])
@pytest.mark.parametrize("who", [BOB, ANNA, EVE])
def test_a_preview_says_what_goes_out(gateway: Gateway, who: str, to: str, source: str) -> None:
    gateway.contact(CARL, member=True)
    gateway.change("jobs@example.com", notify=(ANNA, CARL))
    lead(gateway, ANNA, CARL)
    got = posted(gateway, ONE, EVE)
    to = got.reply_to if to == "signed" else to
    raw = mail(to=to, references=got.message_id, **{"from": who})
    preview = receive.preview(gateway.store, gateway.config, Incoming(raw, who, (to,), source=source), gateway.now)
    assert copied(gateway) == []
    receipt = gateway(raw, to, reverse_path=who, source=source)
    assert preview.decision == receipt.decision
    assert copied(gateway) == takers(preview.decision) != []
    assert receipt.number
    assert [each["to"] for each in gateway.why(receipt.number)["outgoing"]] == copied(gateway)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param('text/plain; name="a b"', 'text/plain; name="a b"', id="short"),
        pytest.param(
            f'text/plain; name="{"a" * 80}  {"b" * 80}"', f'text/plain; name="{"a" * 80}  {"b" * 80}"', id="blanks"
        ),
        pytest.param(f"text/plain; {'a=b; ' * 3000}", f"text/plain; {'a=b; ' * 3000}".strip(), id="15-kb-of-words"),
        pytest.param(f"text/plain; {'a=b; ' * 4000}", None, id="20-kb"),
        pytest.param(f"text/plain; name={'a' * 900}", f"text/plain; name={'a' * 900}", id="a-long-word"),
        pytest.param(f"text/plain; name={'a' * 1000}", None, id="longer-than-a-line-may-be"),
    ],
)
def test_fields_about_the_body_that_no_server_would_take_are_left_out(
    gateway: Gateway, value: str, kept: str | None
) -> None:
    gateway.change("info@example.com", notify=(ANNA,))
    writes(gateway, BOB, "info@example.com", content_type=value, content_description=value)
    with gateway.store.read() as tx:
        (copy,) = queued(tx)
    fields = email.message_from_bytes(copy.octets)
    assert (fields["Content-Type"] or "").replace("\n", "") == (kept or "")
    head = copy.own.removesuffix(b"\n\n").split(b"\n")
    assert all(line.strip() and len(line) <= 998 for line in head)


def test_a_copy_of_what_nobody_wrote_says_so(gateway: Gateway) -> None:
    gateway.change("info@example.com", notify=(ANNA,))
    gateway(mail(**{"from": None}), "info@example.com")
    with gateway.store.read() as tx:
        (copy,) = queued(tx)
    assert email.message_from_bytes(copy.octets)["From"] == '"unknown author" <info@example.com>'


# --- once ------------------------------------------------------------------------------------------------------------


def test_a_message_that_comes_again_sends_no_second_copy(gateway: Gateway) -> None:
    lead(gateway, ANNA, CARL)
    to = posted(gateway, ONE, BOB).reply_to
    raw = mail(to=to)
    for again in (raw, raw, b"Received: by mx2\n" + raw, raw.replace(b"\n", b"\r\n")):
        gateway(again, to)
    assert copied(gateway) == [ANNA, CARL]


@pytest.mark.parametrize("order", list(itertools.permutations(("info@example.com", "sales@example.com", "signed"))))
@pytest.mark.parametrize("together", [True, False], ids=["one-call", "three-calls"])
def test_several_recipients_and_one_copy_each(gateway: Gateway, order: Sequence[str], together: bool) -> None:
    lead(gateway, ANNA, CARL)
    got = posted(gateway, ONE, BOB)
    recipients = [got.reply_to if each == "signed" else each for each in order]
    raw = mail(to=", ".join(recipients), references=got.message_id)
    for each in [recipients] if together else [[each] for each in recipients]:
        gateway(raw, *each)
    assert copied(gateway) == [ANNA, CARL]


def test_a_mail_that_makes_two_records_is_copied_once_for_each(gateway: Gateway) -> None:
    for each in ("info@example.com", "jobs@example.com"):
        gateway.change(each, notify=(ANNA,))
    raw = mail(to="info@example.com, jobs@example.com")
    for each in ("info@example.com", "jobs@example.com", "info@example.com"):
        gateway(raw, each)
    assert copied(gateway) == [ANNA, ANNA]
    with gateway.store.read() as tx:
        assert [each.about for each in outbox.listing(tx)] == ["crm.lead/1", "hr.job/1"]


def test_copies_of_one_message_have_one_id_and_addresses_of_their_own(gateway: Gateway) -> None:
    lead(gateway, ANNA, CARL)
    writes(gateway, BOB, posted(gateway, ONE, BOB).reply_to)
    with gateway.store.read() as tx:
        letters = [each for each in queued(tx) if each.kind == "copy"]
    for name, values in ((b"Message-ID", 1), (b"Reply-To", 2), (b"To", 2)):
        assert len({re.findall(rb"^%s: (.*)" % name, each.octets, re.MULTILINE)[0] for each in letters}) == values
    assert len({each.reverse_path for each in letters}) == 2


# --- the threshold ---------------------------------------------------------------------------------------------------


def test_the_threshold_counts_an_authors_messages_on_a_record_within_the_window(gateway: Gateway) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "2")
    lead(gateway, ANNA, CARL)
    lead(gateway, CARL)
    ours = [posted(gateway, ref, BOB).reply_to for ref in (ONE, TWO)]

    def copies(who: str, to: str) -> list[str]:
        before = len(copied(gateway))
        assert writes(gateway, who, to).decision.outcomes[0].action == "post"
        return copied(gateway)[before:]

    assert [copies(BOB, ours[0]) for _ in range(4)] == [[ANNA, CARL]] * 2 + [[]] * 2
    assert gateway.why(gateway.messages()[-1].number)["outcomes"][0]["note"].startswith("no copies: 2 of this author")
    assert copies("BOB@Client.org", ours[0]) == [], "one author, however he is spelled"
    assert copies(ANNA, ours[0]) == [CARL], "another author"
    assert copies(BOB, ours[1]) == [CARL], "another record"
    gateway.now += 118 * 60
    assert copies(BOB, ours[0]) == [], "within the window"
    gateway.now += 2 * 60
    assert [copies(BOB, ours[0]) for _ in range(3)] == [[ANNA, CARL]] * 2 + [[]], "and again"


def test_what_went_to_nobody_is_not_counted(gateway: Gateway) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "1")
    lead(gateway, ANNA)
    to = posted(gateway, ONE, ANNA).reply_to
    for _ in range(3):
        writes(gateway, ANNA, to)
    with gateway.store.write() as tx:
        records.follow(tx, ONE, CARL)
    writes(gateway, ANNA, to)
    writes(gateway, ANNA, to)
    assert copied(gateway) == [CARL]


def test_what_we_post_is_not_counted(gateway: Gateway) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "1")
    lead(gateway, ANNA, CARL)
    to = posted(gateway, ONE, BOB).reply_to
    post.register(gateway.store, ONE, mail(to=ANNA), (), gateway.now)
    writes(gateway, BOB, to)
    assert copied(gateway) == [ANNA, CARL]


def test_unknown_authors_share_one_threshold(gateway: Gateway) -> None:
    gateway.parameter("mail.gateway.loop.threshold", "2")
    gateway.contact(ANNA, member=True)
    lead(gateway, ANNA)
    to = posted(gateway, ONE, BOB).reply_to
    for number in range(4):
        writes(gateway, f"{number}@x.org", to, **{"from": f"{number}@x.org, {number}@y.org"})
    assert copied(gateway) == [ANNA] * 2


# --- who cannot be reached, or does not want to be -------------------------------------------------------------------

STATUS = """\
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.team.org

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
"""
COMPLAINT = """\
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1.0
Version: 1
Original-Rcpt-To: {recipient}
"""
RETURNED = """\
--b
Content-Type: text/rfc822-headers

Subject: Offer
Message-ID: {id}

--b--
"""


def reports(
    gateway: Gateway, to: str, recipient: str, action: str = "failed", status: str = "5.1.1", id: str = ""
) -> None:
    """What a mail system tells about a message of ours; action `complaint`: a person called it spam."""
    kind, part = ("feedback-report", COMPLAINT) if action == "complaint" else ("delivery-status", STATUS)
    text = part.format(recipient=recipient, action=action, status=status) + (
        RETURNED.format(id=id) if id else "--b--\n"
    )
    fields = {"from": "MAILER-DAEMON@team.org", "to": to, "message_id": f"<{gateway.now}@mx.team.org>"}
    raw = mail(text, content_type=f"multipart/report; report-type={kind}; boundary=b", **fields)
    gateway(raw, to, reverse_path="")


def to_the_return_path(gateway: Gateway, got: Post, **more: str) -> None:
    reports(gateway, got.back, ANNA, **more)


def with_its_message_id(gateway: Gateway, got: Post, **more: str) -> None:
    reports(gateway, "bounce@example.com", ANNA, id=got.message_id, **more)


def with_a_forged_return_path(gateway: Gateway, got: Post, **more: str) -> None:
    forged = (
        got.back.replace("@", "a@") if not got.back.partition("@")[0].endswith("a") else got.back.replace("a@", "b@")
    )
    reports(gateway, forged, ANNA, **more)


def with_an_id_of_another(gateway: Gateway, got: Post, **more: str) -> None:
    reports(gateway, "bounce@example.com", ANNA, id="<elsewhere@team.org>", **more)


Report = Callable[..., None]
PROVED: tuple[Report, ...] = (to_the_return_path,)
UNPROVED: tuple[Report, ...] = (with_a_forged_return_path, with_an_id_of_another, with_its_message_id)


@pytest.mark.parametrize("report", PROVED)
@pytest.mark.parametrize("action", ["failed", "complaint"])
def test_proof_stops_copies_until_somebody_has_seen_to_it(gateway: Gateway, report: Report, action: str) -> None:
    lead(gateway, ANNA, CARL)
    got, to = posted(gateway, ONE, ANNA), posted(gateway, ONE, BOB).reply_to
    report(gateway, got, action=action)
    writes(gateway, BOB, to)
    assert copied(gateway) == [CARL]
    with gateway.store.write() as tx:
        (failure,) = failures.listing(tx)
        assert (failure.follower, failure.action) == (ANNA, action)
        failures.ack(tx, failure.number)
    writes(gateway, BOB, to)
    assert copied(gateway) == [CARL, ANNA, CARL]


@pytest.mark.parametrize("action", ["failed", "complaint"])
def test_a_failure_and_a_complaint_are_about_the_record(gateway: Gateway, action: str) -> None:
    gateway.change("info@example.com", notify=(ANNA,))
    lead(gateway, ANNA)
    lead(gateway, ANNA)
    to_the_return_path(gateway, posted(gateway, ONE, ANNA), action=action)
    writes(gateway, BOB, posted(gateway, TWO, BOB).reply_to)
    assert copied(gateway) == [ANNA]
    writes(gateway, BOB, "info@example.com")
    assert copied(gateway) == [ANNA] * 2


@pytest.mark.parametrize(
    ("report", "told"),
    [
        *(pytest.param(report, {}, id=f"{report.__name__}-failed") for report in UNPROVED),
        *(pytest.param(report, {"action": "complaint"}, id=f"{report.__name__}-complaint") for report in UNPROVED),
        *(pytest.param(report, {"status": "4.2.2"}, id=f"{report.__name__}-transient") for report in PROVED),
        *(
            pytest.param(report, {"action": "delayed", "status": "4.4.7"}, id=f"{report.__name__}-delayed")
            for report in PROVED
        ),
        *(
            pytest.param(report, {"action": "delivered", "status": "2.0.0"}, id=f"{report.__name__}-delivered")
            for report in PROVED
        ),
    ],
)
def test_without_proof_or_for_a_while_nothing_changes(gateway: Gateway, report: Report, told: dict[str, str]) -> None:
    lead(gateway, ANNA, CARL)
    got, to = posted(gateway, ONE, ANNA), posted(gateway, ONE, BOB).reply_to
    report(gateway, got, **told)
    writes(gateway, BOB, to)
    assert copied(gateway) == [ANNA, CARL]


# --- by hand ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "goes"),
    [
        pytest.param({}, [CARL], id="a-persons"),
        pytest.param({"auto_submitted": "auto-replied"}, [], id="automatic"),
    ],
)
def test_held_mail_that_is_routed_to_a_record_is_copied(
    gateway: Gateway, fields: dict[str, str | None], goes: list[str]
) -> None:
    gateway.contact(CARL, member=True)
    lead(gateway, ANNA, CARL)
    writes(gateway, BOB, "postmaster@example.com", **fields)
    assert gateway.held() == ["postmaster"]
    held.route(gateway.store, gateway.config, 1, "crm.lead/1", gateway.now)
    assert (gateway.held(), copied(gateway)) == ([], goes)
