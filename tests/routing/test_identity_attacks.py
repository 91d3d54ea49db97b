"""Nobody takes a conversation over: the attacks on identity and threads (I1 to I16), as the rules decide them."""

import itertools
import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from helpers.gateway import BOB, Gateway
from helpers.messages import mail
from helpers.queued import queued

from mailgate.gateway import held, post
from mailgate.gateway.post import Text
from mailgate.gateway.receive import Receipt
from mailgate.store import contacts, records, senders
from mailgate.values.record import Ref

ANNA, CARL, EVE = "anna@team.org", "carl@team.org", "eve@evil.org"
ONE = Ref("crm.lead", 1)
HERS = "<hers@evil.org>"
"""The Message-ID of what Eve writes, unless a test says otherwise."""
SECRET = "the combination is 1-2-3"
MX = "mx.example.com"


class Talk(NamedTuple):
    """Bob's conversation on crm.lead/1; Anna follows it, and Carl, who is a member like Bob.

    `theirs` is the id of what Bob wrote (message 1), `ours` that of our answer (message 2), `signed` the address that
    he answers to.
    """

    theirs: str
    ours: str
    signed: str


def talk(gateway: Gateway) -> Talk:
    with gateway.store.write() as tx:
        contacts.add(tx, BOB, "Bob", member=True)
        contacts.add(tx, CARL, "Carl", member=True)
    gateway(mail(f"Hello, {SECRET}.\n", subject=SECRET), "info@example.com")
    with gateway.store.write() as tx:
        records.follow(tx, ONE, ANNA)
        records.follow(tx, ONE, CARL)
    done = post.write(gateway.store, ONE, Text("Hello.\n"), (), gateway.now)
    with gateway.store.read() as tx:
        (bobs,) = (each for each in queued(tx, done.queued) if each.recipient == BOB)
    found = re.search(rb"^Reply-To: (.*)", bobs.octets, re.MULTILINE)
    assert found
    return Talk("<m1@client.org>", done.message_id, found[1].decode())


def writes(
    gateway: Gateway,
    *more: tuple[str, str],
    who: str = EVE,
    to: str = "info@example.com",
    path: str = "",
    **fields: str | None,
) -> Receipt:
    """A message from Eve, or from whoever is named; what she wrote is never the same."""
    fields = {"from": who, "to": to, "message_id": HERS, **fields}
    return gateway(mail(f"I am in, {gateway.now}.\n", *more, **fields), to.partition(",")[0], reverse_path=path or who)


def outcomes(receipt: Receipt) -> list[str]:
    """What became of a message, in words; where it went, when it went anywhere."""
    went = ("create", "post")
    return sorted(
        " ".join([each.action, each.reason, *([str(each.record or each.model)] if each.action in went else [])])
        for each in receipt.decision.outcomes
    )


def followers(gateway: Gateway, ref: Ref = ONE) -> tuple[str, ...]:
    with gateway.store.read() as tx:
        return records.get(tx, ref).followers


def letters(gateway: Gateway, kind: str) -> list[tuple[str, bytes]]:
    """Who was sent what of a kind: copy, post, refusal."""
    with gateway.store.read() as tx:
        return [(each.recipient, each.octets) for each in queued(tx) if each.kind == kind]


def copied(gateway: Gateway) -> list[str]:
    return [recipient for recipient, _ in letters(gateway, "copy")]


def unharmed(gateway: Gateway, *more: int) -> None:
    """The conversation has the messages it had, and these; nobody else follows it; and Eve was told nothing of it."""
    assert gateway.on("crm.lead/1") == [1, 2, *more]
    assert followers(gateway) == (BOB, ANNA, CARL)
    with gateway.store.read() as tx:
        to_eve = [each.octets for each in queued(tx) if each.recipient.endswith("evil.org")]
    assert not any(SECRET.encode() in octets for octets in to_eve)


# --- I1: ids that say whose conversation it is -----------------------------------------------------------------------

NAMED = ["theirs", "ours"]
ADDRESSES = ["info@example.com", "sales@example.com", "catchall@example.com"]


@pytest.mark.parametrize("to", ADDRESSES)
@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("policy", ["contacts", "followers", "members"])
def test_i1_a_stranger_writes_on_no_closed_conversation(gateway: Gateway, policy: str, named: str, to: str) -> None:
    ids = talk(gateway)
    gateway.change("info@example.com", policy=policy)
    found = writes(gateway, to=to, references=getattr(ids, named))
    assert outcomes(found) == ["refuse policy"]
    assert (gateway.records(), copied(gateway), gateway.outbox()[-1]) == (["crm.lead/1"], [], f"policy {EVE}")
    unharmed(gateway)


@pytest.mark.parametrize("to", ADDRESSES)
@pytest.mark.parametrize("way", ["references", "in_reply_to"])
@pytest.mark.parametrize("named", NAMED)
def test_i1_a_stranger_on_an_open_conversation_is_an_outsider(gateway: Gateway, named: str, way: str, to: str) -> None:
    ids = talk(gateway)
    found = writes(gateway, to=to, **{way: getattr(ids, named)})
    assert outcomes(found) == ["post reply crm.lead/1"]
    assert (gateway.messages()[-1].flags, copied(gateway)) == (("outsider",), [BOB, CARL]), "to members only"
    unharmed(gateway, 3)
    post.write(gateway.store, ONE, Text("Who is that?\n"), (), gateway.now)
    assert EVE not in [recipient for recipient, _ in letters(gateway, "post")]


@pytest.mark.parametrize("named", NAMED)
def test_i1_a_stranger_is_held_where_only_participants_answer(gateway: Gateway, named: str) -> None:
    ids = talk(gateway)
    gateway.change("info@example.com", replies="participants")
    assert outcomes(writes(gateway, references=getattr(ids, named))) == ["hold outsider"]
    assert (gateway.held(), copied(gateway)) == (["outsider"], [])
    unharmed(gateway)


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("policy", ["everyone", "contacts", "followers", "members"])
def test_i1_a_forged_participant_is_held(gateway: Gateway, policy: str, named: str) -> None:
    """From is text; where a server of ours calls it forged, it is held."""
    gateway.config = gateway.config._replace(authserv_ids=(MX,), border_strips=True)
    ids = talk(gateway)
    gateway.change("info@example.com", policy=policy)
    forged = ("Authentication-Results", f"{MX}; dmarc=fail header.from=client.org")
    for to in ("info@example.com", ids.signed):
        found = writes(gateway, forged, who=BOB, path=EVE, to=to, references=getattr(ids, named), message_id=f"<{to}>")
        assert outcomes(found) == ["hold unverified"]
    assert (copied(gateway), letters(gateway, "refusal")) == ([], [])
    unharmed(gateway)


@pytest.mark.parametrize(
    "id",
    [
        "<crm.lead/1@example.com>",
        "<crm.lead-1@example.com>",
        "<1@example.com>",
        "<redmine.issue-1.20240101000000@example.com>",
        "<1700000001.42-openerp-1-crm.lead@example.com>",
        "<reply_to-1@example.com>",
        "<mg1.p.aaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaa@example.com>",
        "<M1@client.org>",
        "<m1@client.org.evil.org>",
    ],
)
def test_i1_an_id_that_was_made_up_is_nobodys(gateway: Gateway, id: str) -> None:
    talk(gateway)
    assert outcomes(writes(gateway, references=id, in_reply_to=id)) == ["create alias crm.lead"]
    unharmed(gateway)


def test_i1_sent_to_an_alias_of_another_model_it_is_no_answer(gateway: Gateway) -> None:
    ids = talk(gateway)
    found = writes(gateway, to="jobs@example.com, info@example.com", references=ids.ours)
    assert outcomes(found) == ["create alias hr.job"]
    unharmed(gateway)


# --- I3: signed addresses that others have ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        pytest.param({"policy": "everyone"}, "post token crm.lead/1", id="everyone"),
        pytest.param({"policy": "contacts"}, "refuse policy", id="contacts"),
        pytest.param({"policy": "followers"}, "refuse policy", id="followers"),
        pytest.param({"policy": "members"}, "refuse policy", id="members"),
        pytest.param({"replies": "participants"}, "hold outsider", id="participants"),
    ],
)
def test_i3_the_address_says_which_record_not_who(gateway: Gateway, change: dict[str, str], wanted: str) -> None:
    ids = talk(gateway)
    gateway.change("info@example.com", **change)
    assert outcomes(writes(gateway, to=ids.signed)) == [wanted]
    assert outcomes(writes(gateway, who=BOB, to=ids.signed, message_id="<his>")) == ["post token crm.lead/1"]
    unharmed(gateway, *([3, 4] if wanted.startswith("post") else [4]))


@pytest.mark.parametrize("name", ["sales", "jobs", "catchall", "nobody"])
@pytest.mark.parametrize("policy", ["contacts", "followers", "members"])
def test_i3_a_closed_record_is_closed_at_every_address(gateway: Gateway, policy: str, name: str) -> None:
    ids = talk(gateway)
    gateway.change("info@example.com", policy=policy)
    found = writes(gateway, to=ids.signed.replace("info+", f"{name}+"))
    assert outcomes(found) == ["refuse policy"]
    unharmed(gateway)


def test_i2_a_detail_with_any_letter_changed_is_none(gateway: Gateway) -> None:
    ids = talk(gateway)
    name, _, detail = ids.signed.partition("@")[0].partition("+")
    for at in range(4, len(detail)):
        other = "b" if detail[at] == "a" else "a"
        forged = f"{name}+{detail[:at]}{other}{detail[at + 1 :]}@example.com"
        found = writes(gateway, to=forged, who=f"eve{at}@evil.org", message_id=f"<{at}@evil.org>")
        assert outcomes(found) == ["create alias crm.lead"], forged
    unharmed(gateway)


# --- I4: what a stranger is shown ------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["cc", "to", "sender", "bcc", "resent_cc", "delivered_to", "return_path"])
def test_i4_whoever_is_named_in_a_field_takes_no_part(gateway: Gateway, field: str) -> None:
    ids = talk(gateway)
    fields: dict[str, str | None] = {field: EVE if field != "to" else f"{ids.signed}, {EVE}"}
    writes(gateway, who=BOB, references=ids.ours, **{"to": ids.signed, **fields})
    post.write(gateway.store, ONE, Text("Noted.\n"), (), gateway.now)
    assert (copied(gateway), EVE in [each for each, _ in letters(gateway, "post")]) == ([ANNA, CARL], False)
    unharmed(gateway, 3, 4)


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        pytest.param("noreply@service.org", {}, id="noreply"),
        pytest.param("postmaster@service.org", {}, id="postmaster"),
        pytest.param("signup@service.org", {"auto_submitted": "auto-generated"}, id="auto-submitted"),
        pytest.param("signup@service.org", {"precedence": "bulk"}, id="bulk"),
        pytest.param("signup@service.org", {"list_id": "<news.service.org>"}, id="list-id"),
    ],
)
@pytest.mark.parametrize("way", ["signed", "by-id", "new"])
def test_i4_a_code_that_a_service_sends_to_us_is_shown_to_nobody(
    gateway: Gateway, sender: str, fields: dict[str, str | None], way: str
) -> None:
    """Somebody registers there with an address of ours, to read what comes in his conversation."""
    ids = talk(gateway)
    to = ids.signed if way == "signed" else "info@example.com"
    found = writes(gateway, who=sender, to=to, references=ids.ours if way == "by-id" else None, **fields)
    assert [each.action for each in found.decision.outcomes] == ["create" if way == "new" else "post"]
    assert (copied(gateway), letters(gateway, "refusal")) == ([], [])
    assert followers(gateway) == (BOB, ANNA, CARL)
    assert way != "new" or followers(gateway, Ref("crm.lead", 2)) == ()


# --- I5, I6, I7, I8: who is writing ----------------------------------------------------------------------------------

BOSS = "boss@corp.com"


def known_only(gateway: Gateway) -> None:
    """info@ is for contacts, and the boss is one."""
    gateway.change("info@example.com", policy="contacts")
    gateway.contact(BOSS, member=True)


@pytest.mark.parametrize(
    ("sender", "known"),
    [
        pytest.param(BOSS, True, id="himself"),
        pytest.param(f'"evil@x.com" <{BOSS}>', True, id="I7-an-address-as-quoted-name"),
        pytest.param("boss(comment)@corp.com", True, id="I7-a-comment"),
        pytest.param(f'"Boss {BOSS}" <evil@x.com>', False, id="I7-the-other-way-round"),
        pytest.param(f'"{BOSS}" <evil@x.com>', False, id="I5-a-name-is-no-address"),
        pytest.param("=?utf-8?q?boss=40corp=2Ecom?= <evil@x.com>", False, id="I5-an-encoded-name"),
        pytest.param(f"{BOSS}, evil@x.com", False, id="I6-two-mailboxes"),
        pytest.param(f"evil@x.com, {BOSS}", False, id="I6-two-mailboxes-the-other-way"),
        pytest.param(f"{BOSS}, {BOSS}", False, id="I6-one-mailbox-twice"),
        pytest.param(f"bosses: {BOSS};", True, id="I6-a-group"),
        pytest.param(f"undisclosed:; <{BOSS}>", False, id="I6-behind-a-group"),
        pytest.param(f"{BOSS} <evil@x.com>", False, id="I7-in-front-of-the-bracket"),
        pytest.param(f"<{BOSS}> <evil@x.com>", False, id="I7-two-brackets"),
        pytest.param(f"<{BOSS}>evil@x.com", False, id="I7-behind-the-bracket"),
        pytest.param(f"<{BOSS}", False, id="I7-no-end"),
        pytest.param(f"{BOSS}>", False, id="I7-no-beginning"),
        pytest.param(f"{BOSS}(<evil@x.com>", False, id="I7-an-open-comment"),
        pytest.param(f"{BOSS};evil@x.com", False, id="I7-a-semicolon"),
        pytest.param(f"{BOSS} evil@x.com", False, id="I7-a-blank"),
        pytest.param(f"evil@x.com {BOSS}", False, id="I7-a-blank-the-other-way"),
        pytest.param("boss@corp.com@x.com", False, id="I7-two-at-signs"),
        pytest.param("<@x.com:boss@corp.com>", False, id="I7-a-source-route"),
        pytest.param("boss@corp.com\0@x.com", False, id="I7-a-nul"),
        pytest.param("=?utf-8?q?boss=40corp.com=3E=00?=@x.com", False, id="I7-an-encoded-word-in-the-address"),
        pytest.param("=?utf-8?q?boss?=@corp.com", False, id="I7-an-encoded-local-part"),
        pytest.param("boss@=?utf-8?q?corp.com?=", False, id="I7-an-encoded-domain"),
        pytest.param('"boss@corp.com', False, id="I7-an-open-quote"),
        pytest.param("bo ss@corp.com", False, id="I7-a-blank-in-the-local-part"),
        pytest.param("boss.@corp.com", False, id="I7-a-dot-at-the-end"),
        pytest.param("boss@corp.com.", False, id="F10-a-domain-with-its-root"),
        pytest.param("boss@[corp.com]", False, id="I7-brackets-around-the-domain"),
        pytest.param("", False, id="empty"),
        pytest.param("<>", False, id="null"),
    ],
)
def test_the_author_is_the_one_mailbox_of_the_one_from_field(gateway: Gateway, sender: str, known: bool) -> None:
    known_only(gateway)
    found = writes(gateway, who=sender, path="evil@x.com")
    assert outcomes(found) == (["create alias crm.lead"] if known else ["refuse policy"])
    open_too = writes(gateway, who=sender, path="evil@x.com", to="jobs@example.com", message_id="<2@evil.org>")
    assert outcomes(open_too) == ["create alias hr.job"], "nobody is kept out where everyone may write"
    assert (gateway.messages()[-1].author == BOSS) is known


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([("From", "evil@x.com")], id="another"),
        pytest.param([("FROM", "evil@x.com")], id="in-capitals"),
        pytest.param([("From ", "evil@x.com")], id="with-a-blank"),
        pytest.param([("From\t", "evil@x.com")], id="with-a-tab"),
        pytest.param([("From", "")], id="empty"),
    ],
)
def test_i6_two_from_fields_are_nobody(gateway: Gateway, fields: list[tuple[str, str]]) -> None:
    known_only(gateway)
    assert outcomes(writes(gateway, *fields, who=BOSS, path="evil@x.com")) == ["refuse policy"]


@pytest.mark.parametrize("name", [b"From ", b"From\t", b"from \t"])
def test_i6_a_field_that_some_readers_do_not_see(gateway: Gateway, name: bytes) -> None:
    known_only(gateway)
    raw = mail(**{"from": BOSS, "message_id": HERS}).replace(b"From:", name + b":")
    assert outcomes(gateway(raw, "info@example.com", reverse_path="evil@x.com")) == ["refuse policy"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"sender": BOSS}, id="sender"),
        pytest.param({"reply_to": BOSS}, id="reply-to"),
        pytest.param({"resent_from": BOSS}, id="resent-from"),
        pytest.param({"return_path": f"<{BOSS}>"}, id="return-path"),
        pytest.param({"x_from": BOSS}, id="another-field"),
    ],
)
@pytest.mark.parametrize("path", [EVE, BOSS])
@pytest.mark.parametrize("sender", [EVE, None], ids=["with-from", "without"])
def test_i8_only_from_says_who_writes(
    gateway: Gateway, sender: str | None, path: str, fields: dict[str, str | None]
) -> None:
    known_only(gateway)
    found = writes(gateway, path=path, **{"from": sender, **fields})
    assert outcomes(found) == ["refuse policy"]
    assert gateway.outbox() == [f"policy {path}"]


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        pytest.param("dmarc=pass header.from=corp.com", True, id="dmarc"),
        pytest.param("spf=pass smtp.mailfrom=evil.org; dmarc=none header.from=corp.com", False, id="I8-spf-of-another"),
        pytest.param("spf=pass smtp.mailfrom=corp.com", False, id="I8-spf-of-his"),
        pytest.param("dkim=pass header.d=corp.com", False, id="dkim"),
        pytest.param("dmarc=pass header.from=evil.org", False, id="dmarc-of-another"),
        pytest.param('spf=pass smtp.mailfrom="a; dmarc=pass header.from=corp.com"@evil.org', False, id="I9-in-quotes"),
        pytest.param("spf=none (dmarc=pass header.from=corp.com)", False, id="I9-in-a-comment"),
    ],
)
@pytest.mark.parametrize("path", [EVE, BOSS])
def test_i8_only_dmarc_speaks_for_from(gateway: Gateway, path: str, said: str, taken: bool) -> None:
    gateway.config = gateway.config._replace(authserv_ids=(MX,), border_strips=True)
    known_only(gateway)
    gateway.change("info@example.com", authenticated=True)
    found = writes(gateway, ("Authentication-Results", f"{MX}; {said}"), who=BOSS, path=path)
    assert outcomes(found) == (["create alias crm.lead"] if taken else ["refuse policy"])


# --- I11, I12, I13: addresses that look alike ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "same"),
    [
        pytest.param("mike@client.org", True, id="itself"),
        pytest.param("MIKE@Client.ORG", True, id="ascii-case"),
        pytest.param('"mike"@client.org', True, id="quotes"),
        pytest.param("mike@attackerclient.org", False, id="I11-a-longer-domain"),
        pytest.param("mike@client.org.evil.org", False, id="I11-as-a-sub-domain"),
        pytest.param("mike@a.client.org", False, id="I11-a-sub-domain"),
        pytest.param("xmike@client.org", False, id="I11-a-longer-name"),
        pytest.param("mi\u212ae@client.org", False, id="I12-a-kelvin-sign"),
        pytest.param("m\u0131ke@client.org", False, id="I12-a-dotless-i"),
        pytest.param("m\u0130ke@client.org", False, id="I12-a-dotted-capital-i"),
        pytest.param("ｍike@client.org", False, id="I12-a-full-width-letter"),
        pytest.param("mike+x@client.org", False, id="I12-a-detail"),
        pytest.param("mi.ke@client.org", False, id="I12-a-dot"),
        pytest.param("mike@cl\u0456ent.org", False, id="I13-a-cyrillic-letter"),
        pytest.param("mike@cl\u00adient.org", False, id="I13-a-soft-hyphen"),
        pytest.param("mike@client\u3002org", False, id="I13-another-full-stop"),
        pytest.param("mike@client.org\u200b", False, id="I13-a-zero-width-space"),
    ],
)
@pytest.mark.parametrize("what", ["contact", "allowed", "blocked"])
def test_nobody_is_taken_for_another(gateway: Gateway, what: str, address: str, same: bool) -> None:
    if what == "contact":
        gateway.change("info@example.com", policy="contacts")
        gateway.contact("mike@client.org")
        wanted = "create alias crm.lead" if same else "refuse policy"
    elif what == "allowed":
        gateway.parameter("mail.gateway.loop.threshold", "1")
        with gateway.store.write() as tx:
            senders.put(tx, "mike@client.org", "allow")
        writes(gateway, who=address, path=EVE, message_id="<first>")
        wanted = "create alias crm.lead" if same else "refuse rate-limit"
    else:
        with gateway.store.write() as tx:
            senders.put(tx, "mike@client.org", "block")
        is_mailbox = same or address == "mike+x@client.org"  # the block list takes a mailbox in every spelling
        wanted = "hold blocked" if is_mailbox else "create alias crm.lead"
    assert outcomes(writes(gateway, who=address, path=EVE)) == [wanted]


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        pytest.param("Info+tok@Example.com", True, id="I12-a-detail-of-ours"),
        pytest.param("INFO@EXAMPLE.COM", True, id="I12-case"),
        pytest.param("info@badexample.com", False, id="I11-a-longer-domain"),
        pytest.param("info@sub.example.com", False, id="I11-a-sub-domain"),
        pytest.param("info@example.com.evil.org", False, id="I11-as-a-sub-domain"),
        pytest.param("ınfo@example.com", False, id="I12-a-dotless-i"),
        pytest.param("ｉnfo@example.com", False, id="I12-a-full-width-letter"),
    ],
)
def test_only_addresses_in_the_directory_are_ours(gateway: Gateway, address: str, ours: bool) -> None:
    assert outcomes(writes(gateway, to=address)) == (["create alias crm.lead"] if ours else ["refuse no-route"])


# --- I15: ids that somebody takes first ------------------------------------------------------------------------------

X = "<x@client.org>"
"""The id that Bob's message will have."""


@pytest.mark.parametrize("same", ["id", "all"])
@pytest.mark.parametrize("to", [("info", "info"), ("info", "jobs")], ids=["one-alias", "two-aliases"])
def test_i15_only_equal_content_makes_a_duplicate(gateway: Gateway, to: tuple[str, str], same: str) -> None:
    first = mail("One.\n", to="x@y.org", message_id=X)
    second = first if same == "all" else mail("Two.\n", to="x@y.org", message_id=X)
    for raw, name in itertools.product((first, second), dict.fromkeys(to)):
        gateway(raw, f"{name}@example.com")
    assert len(gateway.records()) == len(set(to)) * (1 if same == "all" else 2)


def refused(gateway: Gateway) -> None:
    gateway.change("sales@example.com", policy="contacts")
    assert outcomes(writes(gateway, to="sales@example.com", message_id=X)) == ["refuse policy"]


def refused_by_status(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, to="nobody@example.com", message_id=X)) == ["refuse no-route"]


def held_as_spam(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, message_id=X, x_spam_flag="YES")) == ["hold spam"]


def held_as_blocked(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        senders.put(tx, EVE, "block")
    assert outcomes(writes(gateway, message_id=X)) == ["hold blocked"]


def held_at_postmaster(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, to="postmaster@example.com", message_id=X)) == ["hold postmaster"]


def held_at_the_bounce_address(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, to="bounce@example.com", message_id=X)) == ["hold bounce-address"]


def taken(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, message_id=X)) == ["create alias crm.lead"]


def taken_elsewhere(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, to="jobs@example.com", message_id=X)) == ["create alias hr.job"]


def taken_in_his_name(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, who=BOB, path=EVE, message_id=X)) == ["create alias crm.lead"]


def mentioned(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, references=X)) == ["create alias crm.lead"]


def as_a_report(gateway: Gateway) -> None:
    report = "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b.org\n"
    raw = mail(
        f"{report}Action: failed\nStatus: 5.1.1\n--b--\n", message_id=X, content_type="multipart/report; boundary=b"
    )
    assert outcomes(gateway(raw, "info@example.com", reverse_path="")) == ["bounce report"]


PLANTED = [
    *(refused, refused_by_status, held_as_spam, held_as_blocked, held_at_postmaster, held_at_the_bounce_address),
    *(taken, taken_elsewhere, taken_in_his_name, mentioned, as_a_report),
]


@pytest.mark.parametrize("plant", PLANTED)
def test_i15_whoever_took_the_id_first_the_real_one_is_taken(
    gateway: Gateway, plant: Callable[[Gateway], None]
) -> None:
    """And the people who answer us are where they were: our own id is newer than any that was planted before."""
    plant(gateway)
    before = gateway.every_record()
    found = writes(gateway, who=BOB, message_id=X)
    assert outcomes(found) == ["create alias crm.lead"]
    (real,) = (each.ref for each in gateway.every_record() if each not in before)
    assert followers(gateway, real) == (BOB,)
    ours = post.write(gateway.store, real, Text("Hello.\n"), (), gateway.now).message_id
    answer = writes(gateway, who=BOB, message_id="<re@client.org>", in_reply_to=ours, references=f"{X} {ours}")
    assert outcomes(answer) == [f"post reply {real}"]
    assert EVE not in copied(gateway)


@pytest.mark.parametrize("plant", [mentioned, refused_by_status])
def test_i15_who_only_names_an_id_takes_no_answer_to_it(gateway: Gateway, plant: Callable[[Gateway], None]) -> None:
    plant(gateway)
    writes(gateway, who=BOB, message_id=X)
    real = gateway.records()[-1]
    for number, who in enumerate((BOB, CARL, EVE)):
        assert outcomes(writes(gateway, who=who, references=X, message_id=f"<{number}>")) == [f"post reply {real}"]


@pytest.mark.parametrize("plant", [taken, taken_elsewhere, taken_in_his_name])
def test_i15_what_reuses_an_id_is_answered_by_address_or_by_ours(
    gateway: Gateway, plant: Callable[[Gateway], None]
) -> None:
    """An id that was used twice is that of the first; nothing that names it is lost."""
    plant(gateway)
    writes(gateway, who=BOB, message_id=X)
    assert gateway.messages()[-1].flags == ("reused-id",)
    real = gateway.every_record()[-1].ref
    writes(gateway, who=CARL, references=X, message_id="<carls@team.org>")
    assert len(gateway.on(str(real))) == 1
    assert sum(len(gateway.on(each)) for each in gateway.records()) == 3
    assert copied(gateway) == [], "Eve follows what she began, and gets no copy of it"


NOWHERE = [refused, refused_by_status, held_as_spam, held_as_blocked, held_at_postmaster, held_at_the_bounce_address]


@pytest.mark.parametrize("plant", [*NOWHERE, as_a_report])
def test_i15_what_stands_on_no_record_takes_no_id_from_others(
    gateway: Gateway, plant: Callable[[Gateway], None]
) -> None:
    plant(gateway)
    writes(gateway, who=BOB, message_id=X)
    assert gateway.messages()[-1].flags == ()
    real = gateway.records()[-1]
    assert outcomes(writes(gateway, who=CARL, references=X, message_id="<carls@team.org>")) == [f"post reply {real}"]


def test_i15_what_a_person_puts_on_a_record_later_is_what_reuses_the_id(gateway: Gateway) -> None:
    held_at_postmaster(gateway)
    writes(gateway, who=BOB, message_id=X)
    real = gateway.records()[-1]
    held.route(gateway.store, gateway.config, 1, "sales@example.com", gateway.now)
    assert [each.flags for each in gateway.messages()] == [("reused-id",), ()]
    assert outcomes(writes(gateway, who=BOB, references=X, message_id="<more@team.org>")) == [f"post reply {real}"]


LISTED = {"list_id": "<l.evil.org>"}


@pytest.mark.parametrize(("eves", "bobs"), [(LISTED, {}), ({}, LISTED)], ids=["as-a-list", "before-a-list"])
def test_i15_no_list_hides_what_another_wrote(
    gateway: Gateway, eves: dict[str, str | None], bobs: dict[str, str | None]
) -> None:
    assert outcomes(writes(gateway, message_id=X, **eves)) == ["create alias crm.lead"]
    receipt = writes(gateway, who=BOB, message_id=X, date="Mon, 30 Nov 2026 10:00:00 +0000", **bobs)
    assert outcomes(receipt) == ["create alias crm.lead"]
    raw, field = receipt.facts.message.raw, b"List-Id: <l.evil.org>\n"
    copy = raw.replace(field, b"") if bobs else field + raw
    wanted = "post alias crm.lead/2" if bobs else "ignore duplicate"  # as a list's mail it made the record muted
    assert outcomes(gateway(copy, "info@example.com", reverse_path=BOB)) == [wanted]


ROOT = "<root@partner.org>"
"""The id of a message that only went between Bob and Anna, before one of them wrote to us."""


def test_a_thread_that_began_elsewhere_is_not_the_strangers_who_names_it_first(gateway: Gateway) -> None:
    assert outcomes(writes(gateway, references=ROOT)) == ["create alias crm.lead"]
    assert outcomes(writes(gateway, who=BOB, references=ROOT, message_id="<his>")) == ["create alias crm.lead"]
    assert outcomes(writes(gateway, who=ANNA, references=ROOT, message_id="<hers>", cc=BOB)) == [
        "post reply crm.lead/2"
    ]
    assert gateway.on("crm.lead/1") == [1]


@pytest.mark.parametrize("planted", ["in-our-name", "and-answered-by-us"])
def test_a_thread_is_not_a_strangers_because_everybody_writes_to_us(gateway: Gateway, planted: str) -> None:
    """Our own address stands in To of every mail, and takes part in what we answered."""
    writes(gateway, who="info@example.com" if planted == "in-our-name" else EVE, path=EVE, references=ROOT)
    post.write(gateway.store, ONE, Text("Hello.\n"), (EVE,), gateway.now)
    assert outcomes(writes(gateway, who=BOB, references=ROOT, message_id="<his>")) == ["create alias crm.lead"]


@pytest.mark.parametrize(
    ("fields", "replies", "wanted"),
    [
        pytest.param({}, "everyone", "create alias crm.lead", id="alone"),
        pytest.param({"cc": BOB}, "everyone", "post reply crm.lead/1", id="cc"),
        pytest.param({"to": f"info@example.com, {BOB}"}, "everyone", "post reply crm.lead/1", id="to"),
        pytest.param({"reply_to": BOB}, "everyone", "create alias crm.lead", id="reply-to"),
        pytest.param({"cc": "xbob@client.org"}, "everyone", "create alias crm.lead", id="cc-to-somebody-else"),
        pytest.param({"cc": BOB}, "participants", "hold outsider", id="cc-where-only-participants-answer"),
    ],
)
def test_a_stranger_joins_it_only_where_a_participant_is_written_to(
    gateway: Gateway, fields: dict[str, str], replies: str, wanted: str
) -> None:
    writes(gateway, who=BOB, references=ROOT, message_id="<his>")
    gateway.change("info@example.com", replies=replies)
    assert outcomes(writes(gateway, references=ROOT, **fields)) == [wanted]
    assert copied(gateway) == []


# --- ids of ours in the hands of others ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"message_id": "{}"}, id="as-her-own"),
        pytest.param({"message_id": "{}", "references": "{}"}, id="and-as-what-she-answers"),
        pytest.param({"message_id": "{}", "from": BOB}, id="in-his-name"),
        pytest.param({"message_id": "{}", "list_id": "<l.evil.org>"}, id="as-a-list"),
        pytest.param({"x_mailgate_loop": "{}"}, id="as-a-mark"),
    ],
)
def test_an_id_of_ours_as_her_own_makes_it_held(gateway: Gateway, fields: dict[str, str]) -> None:
    ids = talk(gateway)
    found = writes(gateway, **{name: value.format(ids.ours) for name, value in fields.items()})
    assert outcomes(found) == ["hold loop"]
    assert outcomes(writes(gateway, who=BOB, references=ids.ours, message_id="<re>")) == ["post reply crm.lead/1"]
    assert gateway.messages()[-1].flags == ()
    assert copied(gateway) == [ANNA, CARL]


def test_the_id_of_a_participant_as_her_own_changes_no_parent(gateway: Gateway) -> None:
    ids = talk(gateway)
    assert outcomes(writes(gateway, message_id=ids.theirs)) == ["create alias crm.lead"]
    assert gateway.messages()[-1].flags == ("reused-id",)
    assert outcomes(writes(gateway, who=ANNA, references=ids.theirs, message_id="<re>")) == ["post reply crm.lead/1"]
    assert gateway.on("crm.lead/2") == [3]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_newest_id_of_a_record_counts_wherever_it_stands(gateway: Gateway, order: tuple[int, int]) -> None:
    """Who names his own record as well has his message there, and none of ours."""
    ids = talk(gateway)
    writes(gateway)
    named = [ids.ours, HERS]
    found = writes(gateway, references=" ".join(named[each] for each in order), message_id="<2@evil.org>")
    assert outcomes(found) == ["post reply crm.lead/2"]
    unharmed(gateway)


@pytest.mark.parametrize(
    ("change", "by_id", "by_address"),
    [
        pytest.param({}, "post reply crm.lead/1", "post token crm.lead/1", id="everyone"),
        pytest.param({"replies": "participants"}, "hold outsider", "hold outsider", id="participants"),
        pytest.param({"policy": "members"}, "refuse policy", "refuse policy", id="members"),
    ],
)
def test_a_participant_from_another_address_does_not_follow_from_there(
    gateway: Gateway, change: dict[str, str], by_id: str, by_address: str
) -> None:
    ids = talk(gateway)
    gateway.change("info@example.com", **change)
    home = "bob@at-home.org"
    assert outcomes(writes(gateway, who=home, references=ids.ours)) == [by_id]
    assert outcomes(writes(gateway, who=home, to=ids.signed, message_id="<2>")) == [by_address]
    assert followers(gateway) == (BOB, ANNA, CARL)


def test_what_was_posted_by_the_signed_address_is_not_held_when_it_comes_again(gateway: Gateway) -> None:
    """Where only participants answer, and the signed address stands in no field."""
    ids = talk(gateway)
    gateway.change("info@example.com", replies="participants")
    raw = mail("So do I.\n", to="info@example.com", references=ids.ours, **{"from": BOB})
    with gateway.store.write() as tx:
        tx.execute("DELETE FROM follower WHERE address = ?", (BOB,))
    for _ in range(2):
        gateway(raw, ids.signed, "info@example.com", reverse_path=BOB)
    assert (gateway.on("crm.lead/1"), gateway.held(), len(gateway.messages())) == ([1, 2, 3], [], 3)


# --- I16 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject", ["Re: [#1] hi", f"Re: {SECRET}", "Re: [crm.lead/1] hi", "[Ticket#1] Re: hi", "Re: crm.lead/1"]
)
def test_i16_a_subject_is_no_route(gateway: Gateway, subject: str) -> None:
    talk(gateway)
    assert outcomes(writes(gateway, subject=subject)) == ["create alias crm.lead"]
    unharmed(gateway)
