"""Who may write where: every policy, every kind of author, every way in; machines, outsiders, ceilings, own words."""

import email
import itertools
from typing import Any, NamedTuple

import pytest
from helpers.gateway import Gateway
from helpers.messages import BOB, INFO, JOBS, SALES, SECRET, but, decide, known, mail, said, sent, state, stored
from helpers.queued import queued

from mailgate.gateway.receive import Receipt
from mailgate.routing.decision import Decision
from mailgate.routing.state import Delivery, Follower, Placement, Seen, State
from mailgate.store import contacts, records, senders
from mailgate.store.records import NewRecord
from mailgate.values import token
from mailgate.values.directory import Alias, Contact
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

ANNA = "anna@team.org"
ONE, TWO, OWNER, JOB = Ref("crm.lead", 1), Ref("crm.lead", 2), Ref("crm.team", 5), Ref("hr.job", 1)
ALL = frozenset({ONE, TWO, OWNER, JOB})
SIGNED = token.sign(token.REPLY, SECRET, 7, str(ONE), "whoever@client.org")


class Way(NamedTuple):
    """How a message comes to what an alias governs: where it is written to, and what it names."""

    to: str
    wanted: str
    references: str | None = None
    record: Ref | None = None


WAYS = {
    "new-record": Way("info@example.com", "create alias crm.lead info@example.com"),
    "forced-record": Way("info@example.com", "post alias crm.lead/1", record=ONE),
    "reply": Way("info@example.com", "post reply crm.lead/1", "<a@x>"),
    "reply-at-the-catchall": Way("catchall@example.com", "post reply crm.lead/1", "<a@x>"),
    "reply-at-an-open-alias": Way("sales@example.com", "post reply crm.lead/1", "<a@x>"),
    "reply-at-a-wrong-name": Way("nobody@example.com, info@example.com", "post reply crm.lead/1", "<a@x>"),
    "signed": Way(f"info+{SIGNED}@example.com", "post token crm.lead/1"),
    "signed-at-the-catchall": Way(f"catchall+{SIGNED}@example.com", "post token crm.lead/1"),
    "signed-at-an-open-alias": Way(f"sales+{SIGNED}@example.com", "post token crm.lead/1"),
}
AUTHORS: dict[str, tuple[str, dict[str, Any]]] = {
    "stranger": (BOB, {}),
    "contact": (BOB, {"contact": Contact(BOB)}),
    "archived": (BOB, {"contact": Contact(BOB, member=True, archived=True)}),
    "member": (BOB, {"contact": Contact(BOB, member=True)}),
    "follower": (BOB, {"followed": frozenset({ONE, OWNER})}),
    "own": ("jobs@example.com", {"contact": Contact(BOB, member=True), "followed": frozenset({ONE, OWNER})}),
    "unknown": ("a@x.org, b@x.org", {"contact": Contact(BOB, member=True), "followed": frozenset({ONE, OWNER})}),
}
MAY_WRITE = {
    "everyone": {"stranger", "contact", "archived", "member", "follower", "own", "unknown"},
    "contacts": {"contact", "member"},
    "followers": {"follower"},
    "members": {"member"},
}


def comes(
    way: Way, alias: Alias, author: str = BOB, *, raw: dict[str, str | None] | None = None, **more: Any
) -> Decision:
    """What becomes of a message that comes this way, to what this alias governs; sales@ is open to everyone."""
    governing = alias._replace(record=way.record)
    delivery = Delivery(7, 9, "<sent7@example.com>", Placement(ONE, governing), "whoever@client.org")
    given = state(
        governing, SALES, JOBS, known=known(stored(1, "<a@x>", ONE, by=governing)), deliveries={7: delivery}, **more
    )
    fields = {"from": author, "to": way.to, "references": way.references, **(raw or {})}
    given = but(given, records=ALL)
    return decide(mail(**fields), way.to.partition(",")[0], given=given)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("author", AUTHORS)
@pytest.mark.parametrize("policy", MAY_WRITE)
def test_who_may_write_where(policy: str, author: str, way: Way) -> None:
    address, known_as = AUTHORS[author]
    found = comes(way, INFO._replace(policy=policy, owner=OWNER), address, **known_as)
    if author in MAY_WRITE[policy]:
        assert (said(found), sent(found)) == ([way.wanted], [])
    elif author == "own":
        assert (said(found), sent(found)) == (["hold policy info@example.com"], [])
    else:
        assert said(found) == ["refuse policy info@example.com"]
        assert sent(found) == [f"policy -> {BOB} about info@example.com"]
    assert found.status.exit == 0


@pytest.mark.parametrize(
    ("way", "followed", "taken"),
    [
        pytest.param("new-record", OWNER, True, id="new-record-owner"),
        pytest.param("new-record", ONE, False, id="new-record-another"),
        pytest.param("forced-record", ONE, True, id="forced-record-itself"),
        pytest.param("forced-record", OWNER, False, id="forced-record-owner"),
        pytest.param("forced-record", TWO, False, id="forced-record-another"),
        pytest.param("reply", ONE, True, id="reply-itself"),
        pytest.param("reply", OWNER, False, id="reply-owner"),
        pytest.param("reply-at-the-catchall", ONE, True, id="reply-at-the-catchall-itself"),
        pytest.param("reply-at-the-catchall", TWO, False, id="reply-at-the-catchall-another"),
        pytest.param("signed", ONE, True, id="signed-itself"),
        pytest.param("signed", OWNER, False, id="signed-owner"),
        pytest.param("signed-at-the-catchall", TWO, False, id="signed-at-the-catchall-another"),
    ],
)
def test_whose_followers_may_write(way: str, followed: Ref, taken: bool) -> None:
    found = comes(WAYS[way], INFO._replace(policy="followers", owner=OWNER), followed=frozenset({followed}))
    assert said(found) == ([WAYS[way].wanted] if taken else ["refuse policy info@example.com"])


@pytest.mark.parametrize("closed", ["contacts", "followers", "members"])
@pytest.mark.parametrize("author", AUTHORS)
def test_a_closed_address_does_not_close_what_an_open_alias_governs(author: str, closed: str) -> None:
    address, known_as = AUTHORS[author]
    given = state(INFO, SALES._replace(policy=closed), known=known(stored(1, "<a@x>", ONE)), **known_as)
    raw = mail(to="sales@example.com", references="<a@x>", **{"from": address})
    assert said(decide(raw, "sales@example.com", given=given)) == ["post reply crm.lead/1"]


@pytest.mark.parametrize("author", AUTHORS)
@pytest.mark.parametrize("to", ["info@example.com", "catchall@example.com"])
def test_what_no_alias_governs_takes_every_answer(author: str, to: str) -> None:
    address, known_as = AUTHORS[author]
    closed = INFO._replace(policy="members", replies="participants", automatic="refuse")
    given = state(closed, known=known(stored(1, "<a@x>", ONE, by=None)), **known_as)
    found = decide(mail(to=to, references="<a@x>", **{"from": address}), to, given=given)
    assert said(found) == ["post reply crm.lead/1"]


@pytest.mark.parametrize(
    ("contact", "author", "taken"),
    [
        pytest.param("bob@client.org", "Bob <BOB@Client.Org>", True, id="case"),
        pytest.param("bob@client.org", '"bob"@client.org', True, id="quotes"),
        pytest.param("bob@xn--bcher-kva.example", "bob@bücher.example", True, id="u-label"),
        pytest.param("bob@client.org", "ob@client.org", False, id="D30-a-part-of-it"),
        pytest.param("bob@client.org", "bob@client.org.evil.example", False, id="a-longer-domain"),
        pytest.param("bob@client.org", "xbob@client.org", False, id="a-longer-name"),
        pytest.param("bob@client.org", "bob@sub.client.org", False, id="a-sub-domain"),
        pytest.param("b_b@client.org", "bob@client.org", False, id="no-wildcards"),
        pytest.param("bob@client.org", '"bob@client.org" <eve@evil.org>', False, id="I5-in-the-name"),
    ],
)
def test_contacts_match_exactly(gateway: Gateway, contact: str, author: str, taken: bool) -> None:
    gateway.change("info@example.com", policy="members")
    gateway.contact(contacts.key(contact), member=True)
    gateway(mail(**{"from": author}), "info@example.com")
    assert gateway.records() == (["crm.lead/1"] if taken else [])
    assert gateway.held(refused=True) == ([] if taken else ["policy"])


def test_what_was_taken_before_is_not_judged_again() -> None:
    seen = (Seen(Effect("create", "info@example.com"), 1, True, True),)
    closed = state(INFO._replace(policy="contacts"), JOBS._replace(policy="contacts"), seen=seen)
    found = decide(mail(to="info@example.com, jobs@example.com"), "info@example.com", given=closed)
    assert said(found) == ["ignore duplicate crm.lead", "refuse policy jobs@example.com"]
    assert sent(found) == [f"policy -> {BOB} about jobs@example.com"]


def test_what_is_held_beside_it_is_not_judged() -> None:
    gone = SALES._replace(record=TWO, policy="contacts")
    found = decide(
        mail(to="info@example.com, sales@example.com"), "info@example.com", given=state(INFO, gone, records=frozenset())
    )
    assert said(found) == [WAYS["new-record"].wanted, "hold misconfigured sales@example.com"]


# --- outsiders -------------------------------------------------------------------------------------------------------

PRIVATE = INFO._replace(replies="participants")


def outsider(found: Decision) -> bool:
    """Whether it is held as an outsider's, for the alias that governs."""
    return [(each.action, each.reason, each.address) for each in found.outcomes] == [
        ("hold", "outsider", "info@example.com")
    ]


@pytest.mark.parametrize("author", [each for each in AUTHORS if each != "unknown"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_alias_may_take_the_answers_of_participants_only(way: Way, author: str) -> None:
    address, known_as = AUTHORS[author]
    found = comes(way, PRIVATE, address, **known_as)
    if (way.references or "token" in way.wanted) and author != "follower":
        assert (outsider(found), sent(found)) == (True, [])
        assert not found.outcomes[0].quiet
        assert "does not follow crm.lead/1, and used no signed address of their own" in found.outcomes[0].note
    else:
        assert said(found) == [way.wanted]


def test_who_follows_another_record_is_an_outsider() -> None:
    found = comes(WAYS["reply"], PRIVATE, followed=frozenset({TWO, OWNER}))
    assert outsider(found)


def test_an_unknown_author_follows_nothing(gateway: Gateway) -> None:
    gateway.change("info@example.com", replies="participants")
    gateway(mail(), "info@example.com")
    gateway(mail(references="<m1@client.org>", message_id="<2>", **{"from": f"{BOB}, a@x.org"}), "info@example.com")
    assert (gateway.on("crm.lead/1"), gateway.held()) == ([1], ["outsider"])


def test_the_policy_is_asked_before_the_participants() -> None:
    found = comes(WAYS["reply"], PRIVATE._replace(policy="members"), contact=Contact(BOB))
    assert said(found) == ["refuse policy info@example.com"]


@pytest.mark.parametrize("to", ["info@example.com", "sales@example.com", "catchall@example.com"])
@pytest.mark.parametrize("private", [INFO, SALES], ids=["governing", "written-to"])
def test_only_the_governing_alias_says_so(to: str, private: Alias) -> None:
    aliases = [each._replace(replies="participants") if each is private else each for each in (INFO, SALES)]
    given = state(*aliases, known=known(stored(1, "<a@x>", ONE, by=aliases[0])))
    found = decide(mail(to=to, references="<a@x>"), to, given=given)
    assert outsider(found) if private is INFO else said(found) == ["post reply crm.lead/1"]


# --- machines and lists ----------------------------------------------------------------------------------------------

AUTOMATIC: dict[str, str | None] = {"auto_submitted": "auto-generated"}
LISTED: dict[str, str | None] = {"list_id": "<list.client.org>"}
PERSON: dict[str, str | None] = {}
FOLLOWED = {ONE: (Follower(ANNA),)}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("fields", [AUTOMATIC, LISTED, PERSON], ids=["automatic", "list", "person"])
@pytest.mark.parametrize("setting", ["quiet", "normal", "hold", "refuse"])
def test_an_alias_decides_about_machines_and_lists(setting: str, fields: dict[str, str | None], way: Way) -> None:
    alias = INFO._replace(automatic=setting, notify=(ANNA,))
    found = comes(
        way, alias, raw=fields, followed=frozenset({ONE}), followers=FOLLOWED, notified={INFO.number: (Follower(ANNA),)}
    )
    taken = (said(found), found.status.exit, found.status.code) == ([way.wanted], 0, "2.0.0")
    copies = [each.to for each in found.outgoing if each.kind == "copy"]
    assert len(copies) == len(found.outgoing), "nobody is answered"
    if fields is PERSON:
        assert (taken, copies) == (True, [ANNA])
    elif setting == "quiet":
        assert (taken, copies) == (True, [])
    elif setting == "normal":
        assert (taken, copies) == (True, [ANNA] if way.wanted.startswith("create") else [])
    elif setting == "hold":
        assert (said(found), found.status.exit, copies) == (["hold automatic info@example.com"], 0, [])
        assert "which info@example.com does not take" in found.outcomes[0].note
    else:
        assert (said(found), found.status.exit) == (["refuse policy info@example.com"], 77)
        assert (found.status.code, copies, found.has_effects) == ("5.7.1", [], False)


def test_a_fetched_mail_cannot_be_refused_and_is_held() -> None:
    alias = INFO._replace(automatic="refuse")
    found = decide(mail(**AUTOMATIC), "info@example.com", given=state(alias), source="fetch")
    assert [(each.action, each.reason, each.quiet) for each in found.outcomes] == [("hold", "policy", True)]
    assert (found.outgoing, found.status.exit) == ((), 0)


@pytest.mark.parametrize("setting", ["hold", "refuse"])
def test_what_one_alias_does_not_take_another_does(setting: str) -> None:
    given = state(INFO._replace(automatic=setting), JOBS)
    found = decide(mail(to="info@example.com, jobs@example.com", **AUTOMATIC), "info@example.com", given=given)
    reason = "automatic" if setting == "hold" else "policy"
    assert said(found) == ["create alias hr.job jobs@example.com", f"hold {reason} info@example.com"]
    assert (found.outgoing, found.status.exit) == ((), 0)


@pytest.mark.parametrize("setting", ["quiet", "normal", "hold", "refuse"])
def test_the_policy_comes_first(setting: str) -> None:
    closed = INFO._replace(policy="contacts", automatic=setting)
    found = decide(mail(**AUTOMATIC), "info@example.com", given=state(closed))
    assert [(each.action, each.reason, each.quiet) for each in found.outcomes] == [("hold", "policy", True)]
    assert (found.outgoing, found.status.exit) == ((), 0)


def test_a_machines_mail_is_held_once(gateway: Gateway) -> None:
    gateway.change("info@example.com", automatic="hold")
    for _ in range(3):
        gateway(mail(**AUTOMATIC), "info@example.com")
    assert (gateway.held(), gateway.records(), len(gateway.messages())) == (["automatic"], [], 1)
    gateway.change("info@example.com", automatic="quiet")
    gateway(mail(**AUTOMATIC), "info@example.com")
    assert (gateway.held(), gateway.records()) == ([], ["crm.lead/1"])


# --- ceilings --------------------------------------------------------------------------------------------------------


def deferred(found: Decision | Receipt) -> bool:
    """Whether the mail server has to keep the message, and nothing of it is kept here."""
    decision = found.decision if isinstance(found, Receipt) else found
    if decision.status.exit != 75:
        return False
    assert (decision.status.code, decision.outgoing, decision.has_effects) == ("4.7.1", (), False)
    assert decision.status.line.startswith("4.7.1 mailgate: ")
    assert not isinstance(found, Receipt) or found.number is None
    return True


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        pytest.param({}, False, id="no-ceiling"),
        pytest.param(
            {"made_by_alias": {"info@example.com": 10**6}, "made_in_all": 10**6}, False, id="none-though-many"
        ),
        pytest.param(
            {"records_per_alias": 5, "made_by_alias": {"info@example.com": 4}}, False, id="the-last-of-an-alias"
        ),
        pytest.param(
            {"records_per_alias": 5, "made_by_alias": {"info@example.com": 5}}, True, id="one-more-of-an-alias"
        ),
        pytest.param({"records_per_alias": 5, "made_by_alias": {"sales@example.com": 9}}, False, id="of-another-alias"),
        pytest.param({"records_per_alias": 5, "made_in_all": 99}, False, id="in-all-where-an-alias-is-limited"),
        pytest.param({"records_in_all": 5, "made_in_all": 4}, False, id="the-last-in-all"),
        pytest.param({"records_in_all": 5, "made_in_all": 5}, True, id="one-more-in-all"),
        pytest.param({"records_in_all": 5, "made_in_all": 9}, True, id="far-beyond"),
        pytest.param({"records_in_all": 5, "made_in_all": 5, "allowed": True}, True, id="the-allow-list-too"),
    ],
)
def test_a_ceiling_makes_new_records_wait(more: dict[str, Any], wanted: bool) -> None:
    assert deferred(decide(mail(), "info@example.com", given=state(**more))) is wanted


FULL: dict[str, Any] = {
    "records_per_alias": 1,
    "records_in_all": 1,
    "made_by_alias": {"info@example.com": 1},
    "made_in_all": 1,
}


@pytest.mark.parametrize("way", [name for name in WAYS if name != "new-record"])
def test_only_new_records_count(way: str) -> None:
    assert said(comes(WAYS[way], INFO, **FULL)) == [WAYS[way].wanted]


@pytest.mark.parametrize(
    ("to", "given", "wanted"),
    [
        pytest.param("info@example.com", state(INFO._replace(policy="contacts"), **FULL), "policy", id="policy"),
        pytest.param("info@example.com", state(made={("crm.lead", BOB): 20}, **FULL), "rate-limit", id="rate"),
        pytest.param("catchall@example.com", state(**FULL), "catchall", id="catchall"),
        pytest.param("nobody@example.com", state(**FULL), "no-route", id="no-route"),
    ],
)
def test_what_is_refused_does_not_wait(to: str, given: State, wanted: str) -> None:
    found = decide(mail(to=to), to, given=given)
    assert [(each.action, each.reason) for each in found.outcomes] == [("refuse", wanted)]


@pytest.mark.parametrize(
    ("fields", "more", "reason"),
    [
        pytest.param({"x_spam_flag": "YES"}, {}, "spam", id="spam"),
        pytest.param({}, {"blocked": BOB}, "blocked", id="blocked"),
        pytest.param({"to": "postmaster@example.com"}, {}, "postmaster", id="postmaster"),
    ],
)
def test_what_is_held_does_not_wait(fields: dict[str, str | None], more: dict[str, Any], reason: str) -> None:
    to = fields.get("to") or "info@example.com"
    found = decide(mail(**fields), to, given=state(**FULL, **more))
    assert [(each.action, each.reason) for each in found.outcomes] == [("hold", reason)]


def test_the_fallback_has_the_ceiling_of_all() -> None:
    for count, wanted in ((4, False), (5, True)):
        given = state(fallback="ticket", records_in_all=5, records_per_alias=1, made_in_all=count)
        assert deferred(decide(mail(to="x@example.com"), "x@example.com", given=given)) is wanted


@pytest.mark.parametrize("order", list(itertools.permutations(("info", "jobs", "catchall", "nobody"))))
def test_with_one_recipient_all_wait(order: tuple[str, ...]) -> None:
    given = state(INFO, JOBS, records_per_alias=1, made_by_alias={"info@example.com": 1})
    recipients = [f"{each}@example.com" for each in order]
    assert deferred(decide(mail(to=", ".join(recipients)), *recipients, given=given))


@pytest.fixture
def limited(gateway: Gateway) -> Gateway:
    """A gateway whose aliases make two records an hour, and five in all."""
    gateway.config = gateway.config._replace(records_per_alias=2, records_in_all=5)
    return gateway


def new(gateway: Gateway, name: str = "info", sender: str = BOB) -> Receipt:
    """A message that nobody has seen before."""
    to = f"{name}@example.com"
    return gateway(mail(to=to, message_id=f"<{gateway.now}@x.org>", **{"from": sender}), to, reverse_path=sender)


def test_what_waits_leaves_nothing(limited: Gateway) -> None:
    limited.change("info@example.com", notify=(ANNA,))
    assert not any(deferred(new(limited)) for _ in range(2))
    before = (limited.records(), limited.messages(), limited.outbox())
    for _ in range(3):
        assert deferred(new(limited, sender="eve@else.org"))
    assert (limited.records(), limited.messages(), limited.outbox()) == before
    assert (limited.held(), limited.held(refused=True)) == ([], [])
    assert not deferred(new(limited, "jobs"))


def test_an_hour_later_it_comes_again_and_is_taken(limited: Gateway) -> None:
    first = limited.now + 1
    raw = mail(message_id="<late>")
    for _ in range(2):
        new(limited)
    assert deferred(limited(raw, "info@example.com"))
    limited.now = first + 3598
    assert deferred(limited(raw, "info@example.com"))
    assert not deferred(limited(raw, "info@example.com")), "the first is an hour old"
    assert limited.records() == ["crm.lead/1", "crm.lead/2", "crm.lead/3"]
    assert [deferred(new(limited)) for _ in range(2)] == [False, True], "and this one counts"


def test_records_made_by_hand_do_not_count(limited: Gateway) -> None:
    with limited.store.write() as tx:
        for number in range(9):
            alias = "info@example.com" if number % 2 else None
            records.make(tx, NewRecord("crm.lead", "by hand", {}, alias=alias, domain="example.com"), limited.now)
    assert [deferred(new(limited)) for _ in range(3)] == [False, False, True]


def test_a_reset_sender_still_counts_towards_the_ceiling(limited: Gateway) -> None:
    """One sender begins anew; how many records mail may make in an hour is about all of them."""
    for _ in range(2):
        new(limited)
    with limited.store.write() as tx:
        assert senders.reset(tx, BOB) == 2
        assert senders.near_limit(tx, limited.now) == []
    assert deferred(new(limited))


def test_a_duplicate_of_what_was_taken_does_not_wait(limited: Gateway) -> None:
    raw = mail()
    limited(raw, "info@example.com")
    new(limited)
    assert deferred(new(limited))
    again = limited(raw, "info@example.com")
    assert (again.decision.status.exit, again.number) == (0, None)
    assert [each.reason for each in again.decision.outcomes] == ["duplicate"]


def test_a_duplicate_beside_a_new_record_does_not_wait(limited: Gateway) -> None:
    raw = mail(to="x@y.org")
    limited(raw, "info@example.com")
    new(limited)
    assert not deferred(limited(raw, "info@example.com", "jobs@example.com"))
    assert limited.records() == ["crm.lead/1", "crm.lead/2", "hr.job/1"]


def test_an_answer_does_not_wait(limited: Gateway) -> None:
    for _ in range(2):
        new(limited)
    assert deferred(new(limited))
    limited(mail(references=limited.messages()[0].message_id, message_id="<re>"), "info@example.com")
    assert limited.on("crm.lead/1") == [1, 3]


def test_recipients_that_wait_together_are_served_together_later(limited: Gateway) -> None:
    for _ in range(2):
        new(limited)
    raw = mail(to="x@y.org", message_id="<both>")
    both = ("info@example.com", "jobs@example.com")
    assert deferred(limited(raw, *both))
    assert limited.records() == ["crm.lead/1", "crm.lead/2"]
    assert not deferred(limited(raw, "jobs@example.com")), "alone it need not wait"
    limited.now += 3600
    assert not deferred(limited(raw, *both))
    assert limited.records() == ["crm.lead/1", "crm.lead/2", "crm.lead/3", "hr.job/1"]


def test_the_ceiling_of_all_counts_every_alias(limited: Gateway) -> None:
    taken = [not deferred(new(limited, each)) for each in ("info", "sales", "jobs", "info", "sales", "jobs", "jobs")]
    assert taken == [True] * 5 + [False] * 2


# --- the words of a refusal ------------------------------------------------------------------------------------------


def text(gateway: Gateway) -> str:
    """What the last notice says to people."""
    with gateway.store.read() as tx:
        notice = email.message_from_bytes(queued(tx)[-1].octets)
    part = notice.get_payload(0)
    assert isinstance(part, email.message.Message)
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode()


def refused(gateway: Gateway, words: str) -> str:
    """The notice that somebody gets whom the alias, with its own words, does not take."""
    gateway.change("info@example.com", policy="contacts", refusal=words)
    gateway.now += 7201
    gateway(mail(message_id=f"<{gateway.now}>"), "info@example.com")
    return text(gateway)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param("Please call us.", "Please call us.", id="plain"),
        pytest.param(
            "  Please call us.\n\n  Thank you. ", "  Please call us.\n\n  Thank you.", id="plain-in-paragraphs"
        ),
        pytest.param("1 < 2 & 3 > 2", "1 < 2 & 3 > 2", id="plain-with-brackets"),
        pytest.param("<p>Please <b>call</b> us.</p>", "Please call us.", id="html"),
        pytest.param("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree", id="html-in-paragraphs"),
        pytest.param("<div>Caf&eacute; &amp; bar</div>", "Café & bar", id="html-with-entities"),
        pytest.param("<p><br></p><p>&nbsp;</p><p>x</p>", "x", id="html-with-one-visible-letter"),
        pytest.param('<p><img src="a.png"> Call.</p>', "Call.", id="html-with-an-image-and-words"),
        pytest.param("<style>p { color: red }</style><p>Call.</p>", "Call.", id="html-with-a-style"),
        pytest.param("<p>Ruf an: Prüfstelle</p>", "Ruf an: Prüfstelle", id="not-ascii"),
    ],
)
def test_a_refusal_has_the_text_of_its_alias(gateway: Gateway, words: str, shown: str) -> None:
    assert "only takes mail from" in refused(gateway, "")
    found = refused(gateway, words)
    assert f"\n    info@example.com\n\n{shown}\n\n" in found
    assert "only takes mail from" not in found
    assert not any(tag in found for tag in ("<p>", "<b>", "<br>", "<div>", "<img", "&nbsp;", "color:"))


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(" \r\n\t ", id="blank"),
        pytest.param("\xa0\u2003\u3000", id="blanks-of-other-kinds"),
        pytest.param("\u200b\u2060\ufeff\u00ad", id="nothing-to-see"),
        pytest.param("\u202e\u2066\u2069", id="controls"),
        pytest.param("<p><br></p>", id="an-empty-paragraph"),
        pytest.param("<p>&nbsp;</p><div>&#160;&#xa0;</div>", id="nbsp"),
        pytest.param("<!-- call us -->", id="a-comment"),
        pytest.param("<p><!-- call us --><br/></p>", id="a-comment-in-a-paragraph"),
        pytest.param('<p><img src="https://a.org/a.png" alt="Call us"></p>', id="an-image"),
        pytest.param("<style>p { color: red }</style><p></p>", id="a-style"),
        pytest.param("<ul><li></li></ul><table><tr><td> </td></tr></table><hr>", id="only-layout"),
        pytest.param("<P CLASS='x'>\n<BR>\n</P>", id="in-capitals"),
    ],
)
def test_a_text_without_visible_characters_is_not_used(gateway: Gateway, words: str) -> None:
    assert refused(gateway, words) == refused(gateway, "")


@pytest.mark.parametrize(
    ("to", "references", "shown"),
    [
        pytest.param("info@example.com", None, True, id="new"),
        pytest.param("catchall@example.com", "<theirs>", True, id="an-answer-elsewhere"),
        pytest.param("jobs@example.com", None, False, id="another-alias"),
        pytest.param("catchall@example.com", None, False, id="the-catchall"),
    ],
)
def test_only_refusals_by_policy_have_the_text_of_the_alias(
    gateway: Gateway, to: str, references: str | None, shown: bool
) -> None:
    gateway.change("info@example.com", policy="contacts", refusal="Please call us.")
    gateway.change("jobs@example.com", policy="contacts")
    gateway.contact("anna@x.org")
    gateway(mail(message_id="<theirs>", **{"from": "anna@x.org"}), "info@example.com", reverse_path="anna@x.org")
    gateway(mail(to=to, references=references), to)
    assert ("Please call us." in text(gateway)) is shown


def test_a_refusal_by_rate_has_its_own_text(gateway: Gateway) -> None:
    gateway.change("info@example.com", refusal="Please call us.")
    gateway.parameter("mail.gateway.loop.threshold", "1")
    for number in range(2):
        gateway(mail(message_id=f"<{number}>"), "info@example.com")
    assert gateway.outbox() == [f"rate-limit {BOB}"]
    assert "Please call us." not in text(gateway)
