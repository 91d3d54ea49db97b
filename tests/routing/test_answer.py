"""Who wrote is one thing, where they want answers another: Reply-To, a doubtful From, forms, groups and scanners."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail
from helpers.queued import queued

from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.store import records
from mailgate.store.messages import Stored
from mailgate.store.records import Record
from mailgate.values.record import Ref

BOB, PRIVATE, ANN, EVE = "bob@client.org", "bob.private@other.org", "ann@client.org", "eve@evil.org"
ONE = Ref("crm.lead", 1)


def comes(
    gateway: Gateway, to: str = "info@example.com", path: str | None = "bounce@host.org", **fields: str
) -> Stored:
    """A message, as it is stored."""
    headers: dict[str, str | None] = {"from": BOB, "to": to, "message_id": f"<{len(gateway.messages())}@x>", **fields}
    gateway(mail(f"Text {len(gateway.messages())}.\n", **headers), to.partition(",")[0], reverse_path=path)
    return gateway.messages()[-1]


def record(gateway: Gateway, ref: Ref = ONE) -> Record:
    with gateway.store.read() as tx:
        return records.get(tx, ref)


def posted(gateway: Gateway, ref: Ref = ONE) -> list[tuple[str, bytes]]:
    """Who gets a post, and its octets."""
    with gateway.store.read() as tx:
        before = len(queued(tx))
    post.write(gateway.store, ref, Text("Which one?\n"), (), gateway.now)
    with gateway.store.read() as tx:
        return [(each.recipient, each.octets) for each in queued(tx)[before:]]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        pytest.param({}, [BOB], id="the-author"),
        pytest.param({"reply_to": PRIVATE}, [PRIVATE], id="reply-to"),
        pytest.param({"reply_to": f"{BOB}, {ANN}"}, [BOB, ANN], id="two"),
        pytest.param({"reply_to": "a@x.org, b@x.org, c@x.org"}, ["a@x.org", "b@x.org", "c@x.org"], id="three"),
        pytest.param({"reply_to": "a@x.org, b@x.org, c@x.org, d@x.org"}, [BOB], id="four-say-nothing"),
        pytest.param({"reply_to": "info@example.com"}, [BOB], id="our-own-address"),
        pytest.param({"reply_to": f"info@example.com, {ANN}"}, [ANN], id="our-own-address-beside-a-person"),
        pytest.param({"reply_to": "noreply@x.org"}, [BOB], id="a-robot"),
        pytest.param({"reply_to": "SRS0=ab=cd=client.org=bob@fwd.org"}, [BOB], id="srs"),
        pytest.param({"reply_to": "list+ann=client.org@lists.org"}, [BOB], id="verp"),
        pytest.param({"from": f"Bob <{BOB}"}, [BOB], id="a-missing-bracket"),
        pytest.param({"from": f'"Bob <{BOB}>'}, [BOB], id="a-lost-quote"),
        pytest.param({"from": f"Test {BOB}"}, [BOB], id="words"),
        pytest.param({"from": f"{BOB}, {ANN}", "sender": ANN}, [], id="two-in-from"),
        pytest.param({"from": "Bob", "sender": ANN}, [ANN], id="sender"),
        pytest.param({"from": "Bob"}, [], id="a-robots-reverse-path"),
        pytest.param({"from": "noreply@shop.org"}, [], id="noreply"),
        pytest.param({"from": "noreply@shop.org", "reply_to": ANN}, [ANN], id="a-form"),
        pytest.param({"from": "info@example.com", "reply_to": ANN}, [ANN], id="a-form-that-writes-as-us"),
        pytest.param({"from": "'Ann' via Info <info@example.com>", "x_original_from": ANN}, [ANN], id="a-group"),
        pytest.param({"x_original_from": ANN}, [BOB], id="an-original-where-nobody-was-replaced"),
        pytest.param({"reply_to": "list@x.org", "list_post": "<mailto:list@x.org>"}, [BOB], id="the-lists-address"),
    ],
)
def test_the_answer_address(gateway: Gateway, fields: dict[str, str], wanted: list[str]) -> None:
    assert list(comes(gateway, **fields).answer_to) == wanted


def test_the_reverse_path_is_the_last_resort(gateway: Gateway) -> None:
    assert comes(gateway, path=ANN, **{"from": "Bob"}).answer_to == (ANN,)


@pytest.mark.parametrize(
    ("fields", "author"),
    [
        pytest.param({"reply_to": PRIVATE}, BOB, id="reply-to"),
        pytest.param({"from": f"Bob <{PRIVATE}"}, None, id="a-doubtful-from"),
        pytest.param({"from": "noreply@webhost.org", "reply_to": PRIVATE}, "noreply@webhost.org", id="a-form"),
        pytest.param({"from": "info@example.com", "reply_to": PRIVATE}, None, id="a-form-that-writes-as-us"),
    ],
)
def test_the_record_can_be_answered(gateway: Gateway, fields: dict[str, str], author: str | None) -> None:
    assert comes(gateway, **fields).classed == "person"
    made = record(gateway)
    assert (made.values["email_from"], made.followers, made.details[0].author) == (PRIVATE, (PRIVATE,), author)
    assert [to for to, _ in posted(gateway)] == [PRIVATE]


def test_what_is_sent_elsewhere_says_for_whom(gateway: Gateway) -> None:
    comes(gateway, **{"from": EVE, "reply_to": ANN})
    ((to, octets),) = posted(gateway)
    assert (to, f'To: "for {EVE}" <{ANN}>'.encode() in octets) == (ANN, True)


def test_an_alias_ignores_reply_to(gateway: Gateway) -> None:
    gateway.change("info@example.com", reply_to="ignore")
    assert comes(gateway, reply_to=PRIVATE).answer_to == (BOB,)
    assert (record(gateway).followers, record(gateway).values["email_from"]) == ((BOB,), BOB)


def test_mail_from_either_address_is_the_followers(gateway: Gateway) -> None:
    comes(gateway, reply_to=PRIVATE)
    for sender in (BOB, PRIVATE, EVE):
        comes(gateway, **{"from": sender, "references": "<0@x>"})
    assert [message.flags for message in gateway.messages()[1:]] == [(), (), ("outsider",)]


def test_a_reply_to_makes_nobody_else_of_its_author(gateway: Gateway) -> None:
    """Eve names a follower, a member and a contact for her answers, and is Eve."""
    comes(gateway)
    assert comes(gateway, **{"from": EVE, "reply_to": BOB, "references": "<0@x>"}).flags == ("outsider",)
    gateway.contact(BOB, member=True)
    for policy in ("contacts", "members", "followers"):
        gateway.change("info@example.com", policy=policy)
        comes(gateway, **{"from": EVE, "reply_to": BOB})
    assert len(gateway.every_record()) == 1
    assert record(gateway).followers == (BOB,)


def test_a_doubtful_from_satisfies_no_policy(gateway: Gateway) -> None:
    gateway.contact(BOB)
    gateway.change("info@example.com", policy="contacts")
    comes(gateway, **{"from": f"Bob <{BOB}"})
    assert gateway.every_record() == []


def test_the_robot_of_a_form_is_no_follower_though_it_writes_for_one(gateway: Gateway) -> None:
    comes(gateway, **{"from": "noreply@webhost.org", "reply_to": BOB})
    later = comes(gateway, **{"from": "noreply@webhost.org", "reply_to": EVE, "references": "<0@x>"})
    assert (later.flags, record(gateway).followers) == (("outsider",), (BOB,))


def test_another_reply_to_needs_a_proof(gateway: Gateway) -> None:
    comes(gateway, reply_to=PRIVATE)
    assert comes(gateway, reply_to=EVE, references="<0@x>").answer_to == (EVE,), "it is shown with that mail"
    assert record(gateway).followers == (PRIVATE,)
    ((_, octets),) = posted(gateway)
    signed = next(line for line in octets.decode().splitlines() if line.startswith("Reply-To: ")).split()[1]
    comes(gateway, to=signed, **{"from": EVE, "reply_to": EVE})
    assert record(gateway).followers == (PRIVATE,), "it was not made for her"
    comes(gateway, to=signed, reply_to=ANN)
    assert record(gateway).followers == (ANN,)
    assert [(to, f'"for {BOB}"'.encode() in octets) for to, octets in posted(gateway)] == [(ANN, True)]


def test_who_follows_already_follows_on_their_own(gateway: Gateway) -> None:
    """Eve names a colleague for her answers: the colleague goes on to get what Eve writes."""
    gateway.change("info@example.com", notify=(ANN,))
    comes(gateway, **{"from": EVE, "reply_to": ANN})
    assert [(each.address, each.author) for each in record(gateway).details] == [(ANN, ANN)]
    comes(gateway, **{"from": EVE, "references": "<0@x>"})
    with gateway.store.read() as tx:
        assert [each.recipient for each in queued(tx) if each.kind == "copy"][-1] == ANN


def test_unfollowing_ends_both_addresses(gateway: Gateway) -> None:
    comes(gateway, reply_to=PRIVATE)
    with gateway.store.write() as tx:
        records.unfollow(tx, ONE, BOB)
    assert record(gateway).followers == ()


def test_people_in_cc_follow_where_wanted(gateway: Gateway) -> None:
    crowd = [f"p{n}@x.org" for n in range(12)]
    comes(gateway, cc=", ".join(crowd))
    gateway.change("info@example.com", cc="follow")
    comes(gateway, cc=", ".join(["info@example.com", "noreply@x.org", "team-request@x.org", *crowd]))
    comes(gateway, **{"from": EVE, "cc": EVE, "references": "<0@x>"})
    assert (record(gateway).followers, record(gateway, Ref("crm.lead", 2)).followers) == ((BOB,), (BOB, *crowd[:10]))


def test_a_member_writes_for_the_person_in_to(gateway: Gateway) -> None:
    gateway.change("info@example.com", requester="to")
    comes(gateway, to=f"info@example.com, {ANN}")
    gateway.contact(BOB, member=True)
    comes(gateway, to=f"info@example.com, {ANN}")
    comes(gateway, to=f"info@example.com, {ANN}, {EVE}")
    made = [record(gateway, Ref("crm.lead", number)) for number in (1, 2, 3)]
    assert [each.values["email_from"] for each in made] == [BOB, ANN, BOB]
    assert [each.followers for each in made] == [(BOB,), (BOB, ANN), (BOB,)]


def test_nobody_answers_the_robot_of_a_form(gateway: Gateway) -> None:
    gateway.change("info@example.com", policy="contacts")
    comes(gateway, path="www@webhost.org", **{"from": "noreply@webhost.org", "reply_to": BOB})
    assert (gateway.outbox(), gateway.held()) == ([], ["policy"])
