"""Answers: posted on their record, judged by the alias that governs it, or forwarded."""

import itertools
import re
from collections.abc import Callable, Sequence

import pytest
from helpers.gateway import Gateway
from helpers.messages import (
    BOB,
    HELP,
    HOME,
    INFO,
    JOBS,
    OTHER,
    SALES,
    SECRET,
    decide,
    known,
    mail,
    said,
    sent,
    state,
    stored,
)

from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.gateway.receive import Receipt
from mailgate.routing.decision import Decision
from mailgate.routing.state import Delivery, Placement, State
from mailgate.store import domains, keys, outbox, records
from mailgate.values import token
from mailgate.values.directory import Alias, Contact, Domain
from mailgate.values.record import Ref

ONE, TWO, JOB = Ref("crm.lead", 1), Ref("crm.lead", 2), Ref("hr.job", 1)
ANSWERED = known(stored(1, "<a@x>", ONE))


def answer(*recipients: str, given: State | None = None, **fields: str | None) -> list[str]:
    found = decide(mail(references="<a@x>", **fields), *recipients, given=given or state(known=ANSWERED))
    return said(found)


@pytest.mark.parametrize(
    "recipient",
    [
        "info@example.com",
        "sales@example.com",
        "catchall@example.com",
        "nobody@example.com",
        "all@other.test",
        "gate@mx.lan",
    ],
)
def test_a_reply_is_posted_whatever_address_it_was_sent_to(recipient: str) -> None:
    assert answer(recipient, to=recipient) == ["post reply crm.lead/1"]


def test_a_reply_without_envelope() -> None:
    assert answer(to="catchall@example.com") == ["post reply crm.lead/1"]


def test_what_is_posted_names_its_parent_and_the_governing_alias() -> None:
    found = decide(
        mail(references="<a@x>", to="catchall@example.com"), "catchall@example.com", given=state(known=ANSWERED)
    )
    (post,) = found.outcomes
    assert (post.parent, post.record, post.model, post.alias, post.rule) == ("<a@x>", ONE, "crm.lead", 1, "reply")
    assert (found.status.exit, found.outgoing) == (0, ())


def test_other_aliases_do_not_act_beside_a_reply() -> None:
    assert answer("info@example.com", to="info@example.com, sales@example.com", cc="jobs@example.com") == [
        "post reply crm.lead/1"
    ]


def test_a_forward_makes_a_record_and_posts_nothing() -> None:
    assert answer("info@example.com", to="info@example.com, jobs@example.com") == [
        "create alias hr.job jobs@example.com"
    ]


def test_a_reply_to_a_record_that_is_gone_is_new_mail() -> None:
    given = state(known=ANSWERED, records=frozenset())
    assert answer("info@example.com", given=given) == ["create alias crm.lead info@example.com"]


def test_a_reply_to_a_record_that_is_gone_at_the_catchall() -> None:
    given = state(known=ANSWERED, records=frozenset())
    assert answer("catchall@example.com", to="catchall@example.com", given=given) == [
        "refuse catchall catchall@example.com"
    ]


def test_a_subject_tag_is_no_route() -> None:
    assert said(decide(mail(subject="Re: [#1] crm.lead/1"), "info@example.com", given=state(known=ANSWERED))) == [
        "create alias crm.lead info@example.com"
    ]


def test_replies_are_never_blocked_by_the_rate() -> None:
    assert answer("info@example.com", given=state(known=ANSWERED, made={("crm.lead", BOB): 1000})) == [
        "post reply crm.lead/1"
    ]


CLOSED = INFO._replace(policy="contacts")
GOVERNED = known(stored(1, "<a@x>", ONE, by=CLOSED))


@pytest.mark.parametrize(
    ("recipient", "aliases"),
    [
        pytest.param("info@example.com", (CLOSED, JOBS), id="the-alias-itself"),
        pytest.param("catchall@example.com", (CLOSED, JOBS), id="D3-the-catchall"),
        pytest.param("sales@example.com", (CLOSED, SALES), id="D4-an-open-alias-of-the-same-model"),
        pytest.param("catchall@example.com", (JOBS,), id="D3-the-alias-is-not-loaded-by-its-address"),
    ],
)
@pytest.mark.parametrize("contact", [None, Contact(BOB)], ids=["a-stranger", "a-contact"])
def test_the_policy_of_the_governing_alias_counts(
    recipient: str, aliases: tuple[Alias, ...], contact: Contact | None
) -> None:
    given = state(*aliases, known=GOVERNED, contact=contact)
    wanted = "post reply crm.lead/1" if contact else "refuse policy info@example.com"
    assert answer(recipient, to=recipient, given=given) == [wanted]


def test_d4_a_closed_alias_does_not_close_the_record_of_an_open_one() -> None:
    closed = SALES._replace(policy="members")
    assert answer("sales@example.com", to="sales@example.com", given=state(INFO, closed, known=ANSWERED)) == [
        "post reply crm.lead/1"
    ]


def test_a_record_that_no_alias_made_takes_every_answer() -> None:
    given = state(known=known(stored(1, "<a@x>", ONE, by=None)))
    assert answer("catchall@example.com", to="catchall@example.com", given=given) == ["post reply crm.lead/1"]


@pytest.mark.parametrize(
    ("to", "recipient"),
    [
        pytest.param("catchall@example.com", "catchall@example.com", id="at-the-catchall-it-was-written-to"),
        pytest.param("info@example.com", "info@example.com", id="at-the-alias"),
        pytest.param("nobody@example.com, catchall@example.com", "nobody@example.com", id="at-a-wrong-address-beside"),
    ],
)
def test_a_refused_reply_is_answered_when_it_was_written_to_us_openly(to: str, recipient: str) -> None:
    text = CLOSED._replace(refusal="Please call us.")
    given = state(JOBS, known=known(stored(1, "<a@x>", ONE, by=text)))
    found = decide(mail(references="<a@x>", to=to), recipient, given=given)
    assert sent(found) == ["policy -> bob@client.org about info@example.com"]
    assert [(each.text, each.domain) for each in found.outgoing] == [("Please call us.", "example.com")]
    assert found.status.exit == 0


def test_a_refused_reply_in_a_blind_copy_is_held() -> None:
    found = decide(mail(references="<a@x>", to="x@y.org"), "catchall@example.com", given=state(JOBS, known=GOVERNED))
    assert (said(found), found.outgoing) == (["hold policy info@example.com"], ())


@pytest.mark.parametrize(
    ("policy", "follows", "wanted"),
    [
        ("followers", True, "post reply crm.lead/1"),
        ("followers", False, "refuse policy info@example.com"),
    ],
)
def test_followers_are_those_of_the_record_answered(policy: str, follows: bool, wanted: str) -> None:
    alias = INFO._replace(policy=policy, owner=TWO)
    given = state(alias, known=known(stored(1, "<a@x>", ONE, by=alias)), followed=frozenset({ONE if follows else TWO}))
    assert answer("info@example.com", given=given) == [wanted]


def test_each_record_by_its_own_alias() -> None:
    spread = stored(1, "<a@x>", Placement(ONE, CLOSED), Placement(TWO, SALES))
    given = state(CLOSED, SALES, known=known(spread))
    assert answer("info@example.com", to="info@example.com, sales@example.com", given=given) == [
        "post reply crm.lead/2",
        "refuse policy info@example.com",
    ]


def test_a_duplicate_of_a_reply_is_posted_once() -> None:
    given = state(known=known(stored(1, "<a@x>", ONE), stored(2, "<b@x>", JOB, by=JOBS)))
    found = decide(mail(references="<a@x>"), "info@example.com", "sales@example.com", "nobody@example.com", given=given)
    assert said(found) == ["post reply crm.lead/1"]


@pytest.mark.parametrize(
    ("mark", "governor", "wanted"),
    [
        pytest.param("YES", HELP, "hold spam", id="held-by-default"),
        pytest.param("YES", HELP._replace(spam="quiet"), "post reply help.ticket/1", id="taken-quietly"),
        pytest.param("YES", None, "hold spam", id="no-alias-so-held"),
        pytest.param("NO", HELP, "post reply help.ticket/1", id="no-spam"),
    ],
)
def test_spam_goes_by_the_governing_alias(mark: str, governor: Alias | None, wanted: str) -> None:
    given = state(INFO._replace(spam="quiet"), known=known(stored(1, "<a@x>", Ref("help.ticket", 1), by=governor)))
    found = answer("catchall@example.com", to="catchall@example.com", x_spam_flag=mark, given=given)
    assert [each.removesuffix(" help@other.test") for each in found] == [wanted]


# --- signed addresses ------------------------------------------------------------------------------------------------


def sending(number: int = 7, record: Ref = ONE, by: Alias | None = INFO, to: str = BOB) -> Delivery:
    """What a signed detail names."""
    return Delivery(number, 9, f"<sent{number}@example.com>", Placement(record, by), to)


def detail(
    number: int = 7, record: Ref = ONE, to: str = BOB, *, purpose: str = token.REPLY, secret: bytes = SECRET
) -> str:
    return token.sign(purpose, secret, number, str(record), to)


def store(*deliveries: Delivery, aliases: tuple[Alias, ...] = (), **more: object) -> State:
    """A state in which these messages went out, one without them, and `<a@x>` stands on crm.lead/2."""
    more = {"records": frozenset({ONE, TWO, JOB}), "known": known(stored(1, "<a@x>", TWO)), **more}
    return state(*aliases, deliveries={each.number: each for each in deliveries or (sending(),)}, **more)


def replied(to: str, *recipients: str, given: State | None = None, **fields: str | None) -> Decision:
    """An answer that stands in To, also with the ids of another record."""
    raw = mail(to=to, **{"references": "<a@x>", **fields})
    return decide(raw, *(recipients or (to,)), given=given or store())


def saw(found: Decision) -> str:
    """What the rule saw, for the last recipient."""
    return [step.saw for step in found.steps if step.rule == "reply"][-1]


RETIRED = HOME._replace(catchall="all", retired=(("catchall", "catchall"),))
MINUS = HOME._replace(delimiter="-")
NONE = HOME._replace(delimiter="")
DETECTED = INFO._replace(local_part=True)


@pytest.mark.parametrize("known_by_id", [True, False], ids=["beside-an-id", "alone"])
@pytest.mark.parametrize(
    ("to", "given"),
    [
        pytest.param(f"info+{detail()}@example.com", store(), id="alias"),
        pytest.param(f"sales+{detail()}@example.com", store(), id="another-alias-of-the-model"),
        pytest.param(f"catchall+{detail()}@example.com", store(), id="catchall"),
        pytest.param(f"catchall+{detail()}@example.com", store(domains=(RETIRED,)), id="retired-catchall"),
        pytest.param(f"gone+{detail()}@example.com", store(), id="nobody"),
        pytest.param(f"postmaster+{detail()}@example.com", store(), id="postmaster"),
        pytest.param(f"nobody-{detail()}@other.test", store(), id="another-own-domain"),
        pytest.param(f"INFO+{detail().upper()}@EXAMPLE.COM", store(), id="upper-case"),
        pytest.param(f"Bob Ray <info+{detail()}@example.com", store(), id="no-end"),
        pytest.param(f"info+x+{detail()}@example.com", store(), id="behind-another-detail"),
        pytest.param(f"info+{detail()}@example.com", store(domains=(MINUS, OTHER)), id="former-delimiter"),
        pytest.param(f"info+{detail()}@example.com", store(domains=(NONE, OTHER)), id="no-delimiter-any-more"),
        pytest.param(f"info+{detail()}@example.com", store(domains=(HOME._replace(details=False),)), id="turned-off"),
        pytest.param(f"info+{detail()}@example.com", store(aliases=(DETECTED, JOBS)), id="local-part-detection"),
        pytest.param(f"info+{detail((1 << 60) - 1)}@example.com", store(sending((1 << 60) - 1)), id="large-number"),
        pytest.param(f"info+{detail(0)}@example.com", store(sending(0)), id="number-0"),
        pytest.param(f"info+{detail(to='')}@example.com", store(sending(to="")), id="bound-to-nobody"),
    ],
)
def test_a_signed_detail_wins(to: str, given: State, known_by_id: bool) -> None:
    found = replied(to, given=given, references="<a@x>" if known_by_id else None)
    assert said(found) == ["post token crm.lead/1"]
    assert re.search(r"is signed for crm\.lead/1", saw(found))


@pytest.mark.parametrize("order", list(itertools.permutations(["sales@example.com", "info+{}@example.com"])))
def test_a_signed_address_says_more_than_an_id_for_the_same_record(order: Sequence[str]) -> None:
    recipients = [recipient.format(detail()) for recipient in order]
    found = replied("sales@example.com", *recipients, given=store(known=ANSWERED))
    assert said(found) == ["post token crm.lead/1"]


@pytest.mark.parametrize(
    ("fields", "recipients"),
    [
        pytest.param({"to": "{}"}, [], id="no-envelope"),
        pytest.param({"to": "{}"}, ["gate@mx.lan"], id="an-envelope-that-only-transports"),
        pytest.param({"to": "{}"}, ["nobody@example.com"], id="another-envelope"),
        pytest.param({"to": "info@example.com", "cc": "{}"}, ["info@example.com"], id="cc"),
        pytest.param({"to": "info@example.com, {}"}, ["info@example.com"], id="second-in-to"),
        pytest.param({"to": "x@y.org", "delivered_to": "{}"}, [], id="delivered-to"),
        pytest.param({"to": "x@y.org", "resent_to": "{}"}, ["catchall@example.com"], id="resent-to"),
        pytest.param({"to": "x@y.org"}, ["{}"], id="blind"),
    ],
)
@pytest.mark.parametrize("name", ["info", "gone"])
def test_a_signed_detail_counts_in_every_field(fields: dict[str, str | None], recipients: list[str], name: str) -> None:
    address = f"{name}+{detail()}@example.com"
    written = {name: value and value.format(address) for name, value in fields.items()}
    raw = mail(**written)
    found = decide(raw, *[each.format(address) for each in recipients], given=store())
    assert said(found) == ["post token crm.lead/1"]


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        pytest.param({"references": None}, "<sent7@example.com>", id="what-was-sent"),
        pytest.param({"references": "<a@x>"}, "<sent7@example.com>", id="an-id-of-another-record-says-nothing"),
        pytest.param({"references": "<b@x> <a@x>"}, "<sent7@example.com>", id="also-beside-one-of-this-one"),
        pytest.param({"references": "<b@x>"}, "<b@x>", id="an-id-of-this-record"),
    ],
)
def test_the_parent_of_a_signed_answer(fields: dict[str, str | None], parent: str) -> None:
    given = store(known=known(stored(1, "<b@x>", ONE), stored(2, "<a@x>", TWO)))
    (posted,) = replied(f"info+{detail()}@example.com", given=given, **fields).outcomes
    assert (posted.parent, posted.record, posted.model, posted.alias) == (parent, ONE, "crm.lead", 1)


GOING_ON = ["post reply crm.lead/2"]


@pytest.mark.parametrize(
    ("address", "given", "because"),
    [
        pytest.param(
            f"info+{detail(purpose=token.BOUNCE)}@example.com", store(), "is for delivery reports", id="purpose"
        ),
        pytest.param(f"info+{detail()[:-2]}ah@example.com", store(), "forged", id="mac"),
        pytest.param(f"info+{detail(record=TWO)}@example.com", store(), "forged", id="record"),
        pytest.param(f"info+{detail(to='eve@x.org')}@example.com", store(), "forged", id="recipient"),
        pytest.param(f"info+{detail(8)}@example.com", store(), "names nothing that was sent", id="number"),
        pytest.param(
            f"info+{detail(secret=b'x' * 32)}@example.com",
            store(),
            "signed with a key that is not ours, or no longer",
            id="key",
        ),
        pytest.param(
            f"info+{detail()}@example.com", store(records=frozenset({TWO})), "crm.lead/1 is gone", id="record-gone"
        ),
        pytest.param(f"catchall+{detail(8)}@example.com", store(), "names nothing that was sent", id="at-the-catchall"),
        pytest.param(f"gone+{detail(8)}@example.com", store(), "names nothing that was sent", id="at-nobody"),
    ],
)
def test_a_detail_that_links_nothing_is_noticed_and_not_there(address: str, given: State, because: str) -> None:
    found = replied(address, given=given)
    assert said(found) == GOING_ON
    assert f"token of {address} {because}" in saw(found)
    name, _, domain = re.sub(r"\+[^@]*", "", address).partition("@")
    plain = replied(f"{name}@{domain}", given=given, references=None)
    assert said(replied(address, given=given, references=None)) == [
        each.replace(f"{name}@", f"{address.partition('@')[0]}@") if name == "gone" else each for each in said(plain)
    ]


@pytest.mark.parametrize("domain", [MINUS, NONE], ids=["another", "none"])
def test_a_bad_detail_behind_a_former_delimiter_is_not_there_either(domain: Domain) -> None:
    found = replied(f"info+{detail(8)}@example.com", given=store(domains=(domain,)), references=None)
    assert said(found) == ["create alias crm.lead info@example.com"]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(f"info+{detail()}@else.org", id="not-ours"),
        pytest.param(f"info+{detail()}@sub.example.com", id="below-ours"),
        pytest.param(f"info{detail()}@example.com", id="no-delimiter"),
        pytest.param(f"info+{detail()}x+y@example.com", id="in-the-middle"),
        pytest.param(f"{detail()}@example.com", id="no-name"),
    ],
)
def test_what_only_looks_like_a_signed_detail_says_nothing(address: str) -> None:
    found = replied(f"catchall@example.com, {address}", "catchall@example.com")
    assert (said(found), "signed" in saw(found)) == (GOING_ON, False)


@pytest.mark.parametrize(
    ("to", "outcomes"),
    [
        pytest.param(
            "{}, jobs@example.com", ["create alias hr.job jobs@example.com", "post token crm.lead/1"], id="other"
        ),
        pytest.param(
            "jobs@example.com, {}", ["create alias hr.job jobs@example.com", "post token crm.lead/1"], id="first"
        ),
        pytest.param("{}, sales@example.com", ["post token crm.lead/1"], id="one-of-the-same-model"),
        pytest.param(
            "{}, jobs@example.com, help@other.test",
            [
                "create alias help.ticket help@other.test",
                "create alias hr.job jobs@example.com",
                "post token crm.lead/1",
            ],
            id="two-others",
        ),
    ],
)
@pytest.mark.parametrize("name", ["info", "catchall", "gone"])
def test_aliases_of_other_models_act_beside_a_signed_detail(to: str, outcomes: list[str], name: str) -> None:
    address = f"{name}+{detail()}@example.com"
    assert said(replied(to.format(address), address)) == outcomes


def test_an_alias_in_cc_does_not_act_beside_a_signed_detail() -> None:
    assert said(replied(f"info+{detail()}@example.com", cc="jobs@example.com")) == ["post token crm.lead/1"]


def test_the_alias_of_a_signed_address_makes_nothing_itself() -> None:
    """Its alias may make records of another model by now."""
    changed = INFO._replace(model="help.ticket")
    found = replied(f"info+{detail()}@example.com", given=store(aliases=(changed, JOBS)))
    assert said(found) == ["post token crm.lead/1"]
    found = replied(f"info+{detail()}@example.com, info@example.com", given=store(aliases=(changed, JOBS)))
    assert said(found) == ["create alias help.ticket info@example.com", "post token crm.lead/1"]


def test_two_signed_details_are_two_posts() -> None:
    given = store(sending(), sending(8, JOB, JOBS))
    to = f"info+{detail()}@example.com, jobs+{detail(8, JOB)}@example.com"
    assert said(replied(to, "info@example.com", given=given)) == ["post token crm.lead/1", "post token hr.job/1"]


@pytest.mark.parametrize("contact", [None, Contact(BOB)], ids=["a-stranger", "a-contact"])
@pytest.mark.parametrize("name", ["info", "sales", "catchall", "gone"])
def test_the_policy_of_the_governing_alias_counts_for_a_signed_answer_too(name: str, contact: Contact | None) -> None:
    given = store(sending(by=CLOSED), aliases=(CLOSED, SALES), contact=contact)
    found = replied(f"{name}+{detail()}@example.com", given=given)
    assert said(found) == (["post token crm.lead/1"] if contact else ["refuse policy info@example.com"])


def test_a_refused_signed_answer_is_told_to_who_wrote_it() -> None:
    found = replied(f"catchall+{detail()}@example.com", given=store(sending(by=CLOSED), aliases=(CLOSED, SALES)))
    assert sent(found) == [f"policy -> {BOB} about info@example.com"]


# --- signed addresses, with a store ----------------------------------------------------------------------------------


def written(gateway: Gateway, ref: Ref = ONE, to: str = BOB) -> str:
    """Where somebody answers to what we write to him."""
    queued = post.write(gateway.store, ref, Text("Hello.\n"), (to,), gateway.now).queued
    with gateway.store.read() as tx:
        octets = outbox.octets(tx, queued[-1])
    found = re.search(rb"^Reply-To: (.*)", octets, re.MULTILINE)
    assert found
    return found[1].decode()


def flagged(gateway: Gateway, receipt: Receipt) -> tuple[list[str], tuple[str, ...]]:
    """The outcomes of a message, and its flags."""
    return said(receipt.decision), gateway.messages()[-1].flags


@pytest.fixture
def lead(gateway: Gateway) -> Gateway:
    """With crm.lead/1, made by mail to info@."""
    gateway(mail(), "info@example.com")
    return gateway


@pytest.mark.parametrize("name", ["info", "catchall", "all", "gone"])
def test_a_signed_answer_is_posted_on_its_record(lead: Gateway, name: str) -> None:
    to = written(lead)
    with lead.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(catchall="all"))
    to = to.replace("info", name)
    receipt = lead(mail(to=to.upper(), message_id="<2>", **{"from": "bob@at-home.org"}), to.upper())
    assert flagged(lead, receipt) == (["post token crm.lead/1"], ("outsider",))
    assert len(lead.on("crm.lead/1")) == 3


def test_an_answer_after_one_rotation_and_after_two(lead: Gateway) -> None:
    to = written(lead)
    with lead.store.write() as tx:
        keys.rotate(tx, lead.now)
    receipt = lead(mail(to=to, message_id="<2>"), to)
    assert flagged(lead, receipt) == (["post token crm.lead/1"], ())
    with lead.store.write() as tx:
        keys.rotate(tx, lead.now)
    receipt = lead(mail(to=to, message_id="<3>"), to)
    assert flagged(lead, receipt) == (["create alias crm.lead info@example.com"], ("bad-detail",))
    assert "not ours, or no longer" in saw(receipt.decision)


def bounce(to: str) -> str:
    return to.replace("mg1r", "mg1b")


def forged(to: str) -> str:
    local, _, domain = to.partition("@")
    return f"{local[:-4]}{'a' if local[-4] != 'a' else 'b'}{local[-3:]}@{domain}"


@pytest.mark.parametrize("change", [bounce, forged])
@pytest.mark.parametrize("ids", [True, False], ids=["beside-an-id", "alone"])
def test_a_detail_that_is_none_is_flagged(lead: Gateway, change: Callable[[str], str], ids: bool) -> None:
    to = change(written(lead))
    answered = lead.messages()[-1].message_id if ids else None
    receipt = lead(mail(to=to, message_id="<2>", references=answered), to)
    wanted = "post reply crm.lead/1" if ids else "create alias crm.lead info@example.com"
    assert flagged(lead, receipt) == ([wanted], ("bad-detail",))


def test_a_signed_detail_of_a_record_that_is_gone_makes_a_new_one(lead: Gateway) -> None:
    to = written(lead)
    with lead.store.write() as tx:
        records.remove(tx, ONE)
    receipt = lead(mail(to=to, message_id="<2>"), to)
    assert flagged(lead, receipt) == (["create alias crm.lead info@example.com"], ("bad-detail",))
    assert f"{to} crm.lead/1 is gone" in saw(receipt.decision)


def test_a_detail_for_reports_leads_no_answer_back(lead: Gateway) -> None:
    """Signed and ours, but not for this."""
    written(lead)
    with lead.store.read() as tx:
        back = outbox.listing(tx)[-1].reverse_path or ""
    to = back.replace("bounce", "info")
    receipt = lead(mail(to=to, message_id="<2>"), to)
    assert said(receipt.decision) == ["create alias crm.lead info@example.com"]
    assert f"{to} is for delivery reports" in saw(receipt.decision)
    assert lead.messages()[-1].flags == ("bad-detail",)


GROUPS = [
    *([[each] for each in order] for order in itertools.permutations(range(3))),
    [[0, 1, 2]],
    [[2, 1, 0]],
    [[0, 1], [2]],
    [[2], [1, 0]],
]


@pytest.mark.parametrize("groups", GROUPS, ids=str)
@pytest.mark.parametrize("named", [True, False], ids=["named", "blind"])
@pytest.mark.parametrize("ids", [True, False], ids=["ids", "no-ids"])
def test_one_by_one_or_together_the_records_are_the_same(
    lead: Gateway, groups: Sequence[Sequence[int]], named: bool, ids: bool
) -> None:
    to = written(lead)
    recipients = (to, "jobs@example.com", "help@other.test")
    header = ", ".join(recipients if named else recipients[1:])
    raw = mail(to=header, message_id="<2>", references=lead.messages()[-1].message_id if ids else None)
    for group in groups:
        lead(raw, *[recipients[each] for each in group])
    assert lead.records() == ["crm.lead/1", "help.ticket/1", "hr.job/1"]
    assert len(lead.on("crm.lead/1")) == 3
