"""A mark of ours in the hands of others makes no mail vanish; what really is ours comes back and is ignored."""

import re

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail
from helpers.queued import Queued, queued

from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.gateway.receive import Receipt
from mailgate.store import domains, failures, messages, records
from mailgate.values.record import Ref

ONE = Ref("crm.lead", 1)
ANN = "ann@client.org"


def answered(gateway: Gateway) -> str:
    """A record of Bob's and an answer of ours to it; the id of the answer."""
    gateway(mail("The printer is on fire, please come.\n"), "info@example.com")
    return post.write(gateway.store, ONE, Text("We are on our way to you.\n"), (), gateway.now).message_id


def out(gateway: Gateway, kind: str) -> Queued:
    """The newest message of ours of a kind."""
    with gateway.store.read() as tx:
        return [letter for letter in queued(tx) if letter.kind == kind][-1]


def said(receipt: Receipt) -> list[str]:
    return [f"{outcome.action} {outcome.reason}" for outcome in receipt.decision.outcomes]


def is_kept(gateway: Gateway, raw: bytes) -> bool:
    with gateway.store.read() as tx:
        return raw in [messages.raw(tx, stored.number) for stored in messages.listing(tx)]


# --- a colleague answers from a local address ---


def test_a_colleague_whose_program_names_our_post_last_is_not_taken_for_ours(gateway: Gateway) -> None:
    """In-Reply-To names what the customer wrote, as some programs do, and References end with our post."""
    ours = answered(gateway)
    fields = {"from": "sales@example.com", "message_id": "<colleague@example.com>", "in_reply_to": "<m1@client.org>"}
    receipt = gateway(
        mail("I shall bring the hose.\n", references=f"<m1@client.org> {ours}", **fields), "info@example.com"
    )
    assert said(receipt) == ["post reply"]
    assert gateway.on("crm.lead/1")[-1] == receipt.number


def test_a_planted_mark_does_not_swallow_the_answer_of_a_colleague(gateway: Gateway) -> None:
    """The mark of a mail that somebody got, in another conversation that comes to another alias."""
    ours = answered(gateway)
    fields = {"from": "sales@example.com", "message_id": "<colleague@example.com>", "to": "jobs@example.com"}
    receipt = gateway(mail("Please invite her.\n", references=f"<other@evil.org> {ours}", **fields), "jobs@example.com")
    assert [outcome.action for outcome in receipt.decision.outcomes] in (["post"], ["create"])


@pytest.mark.parametrize("field", ["message_id", "x_mailgate_loop"])
def test_a_planted_mark_as_its_own_is_held_and_open(gateway: Gateway, field: str) -> None:
    ours = answered(gateway)
    raw = mail("Something that we never wrote.\n", **{"from": "eve@evil.org", field: ours})
    receipt = gateway(raw, "info@example.com", reverse_path="eve@evil.org")
    assert said(receipt) == ["hold loop"]
    assert (receipt.decision.outcomes[0].quiet, receipt.decision.outgoing) == (False, ())
    assert is_kept(gateway, raw)


@pytest.mark.parametrize("more", [21, 400])
def test_more_text_than_a_list_adds_is_not_ours(gateway: Gateway, more: int) -> None:
    answered(gateway)
    octets = out(gateway, "post").octets
    assert said(gateway(octets + b"Listen to me.\n" * more, "info@example.com")) == ["hold loop"]


# --- the control: what is ours ---

WAYS = {
    "as-it-was": lambda octets: octets,
    "with-the-footer-of-a-list": lambda octets: octets + b"_____\nLeave this list: ...\n",
    "with-a-warning-on-top": lambda octets: octets.replace(b"\n\n", b"\n\n[EXTERNAL] Be careful.\n\n", 1),
    "under-another-id": lambda octets: re.sub(rb"Message-ID: <mg1", b"Message-ID: <x", octets, count=1),
    "with-references-alone": lambda octets: re.sub(
        rb"X-Mailgate-Loop: .*\n", b"", re.sub(rb"Message-ID: <mg1", b"Message-ID: <x", octets, count=1)
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["post", "copy", "refusal"])
def test_what_is_ours_comes_back_and_is_ignored_with_its_bytes(gateway: Gateway, kind: str, way: str) -> None:
    answered(gateway)
    with gateway.store.write() as tx:
        records.follow(tx, ONE, ANN)
    gateway(
        mail("Thank you for that.\n", message_id="<2@client.org>", references="<m1@client.org>"), "info@example.com"
    )
    gateway(
        mail("May I come in now?\n", to="catchall@example.com", message_id="<3@client.org>"), "catchall@example.com"
    )
    raw = WAYS[way](out(gateway, kind).octets)
    receipt = gateway(raw, "info@example.com", reverse_path="")
    assert said(receipt) == ["ignore loop"]
    assert is_kept(gateway, raw)


def test_without_id_and_field_a_list_may_add_nothing(gateway: Gateway) -> None:
    answered(gateway)
    raw = WAYS["with-references-alone"](out(gateway, "post").octets) + b"And something else.\n"
    assert said(gateway(raw, "jobs@example.com")) != ["ignore loop"]


def test_without_id_and_field_another_date_is_another_message(gateway: Gateway) -> None:
    answered(gateway)
    raw = re.sub(rb"\nDate: .*", b"\nDate: Tue, 1 Jan 2030 00:00:00 +0000", out(gateway, "post").octets)
    assert said(gateway(WAYS["with-references-alone"](raw), "jobs@example.com")) != ["ignore loop"]


@pytest.mark.parametrize("signed", [True, False])
def test_ours_for_a_local_address_that_nobody_knows_is_a_failure(gateway: Gateway, signed: bool) -> None:
    """A colleague's mailbox in our domain is gone, and its mail comes to us."""
    answered(gateway)
    with gateway.store.write() as tx:
        records.follow(tx, ONE, "gone@example.com")
    post.write(gateway.store, ONE, Text("Does somebody read this?\n"), ("gone@example.com",), gateway.now)
    letter = out(gateway, "post")
    assert letter.recipient == "gone@example.com"
    receipt = gateway(letter.octets, letter.recipient, reverse_path=(letter.reverse_path or "") if signed else "")
    assert said(receipt) == ["bounce report"]
    with gateway.store.read() as tx:
        (failure,) = failures.listing(tx)
    assert (failure.recipient, failure.kind, failure.record) == ("gone@example.com", "no-such-address", ONE)
    assert (failure.follower == "gone@example.com") is signed


# --- ids of refusals ---


def refusal_id(gateway: Gateway) -> str:
    """The id of a refusal that Bob got."""
    gateway(mail("May I come in?\n", to="catchall@example.com", message_id="<0@client.org>"), "catchall@example.com")
    found = re.search(rb"Message-ID: (<mg1\.r\.\S+>)", out(gateway, "refusal").octets)
    assert found
    return found[1].decode()


def test_a_refusal_id_further_up_does_not_tear_a_conversation(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(details=False))
    refusal = refusal_id(gateway)
    ours = answered(gateway)
    for number, named in enumerate([f"{refusal} {ours}", f"<0@client.org> {refusal} <m1@client.org> {ours}"]):
        raw = mail(f"Yes, {number}.\n", message_id=f"<{number}@again>", references=named, in_reply_to=ours)
        assert said(gateway(raw, "info@example.com")) == ["post reply"]
    assert gateway.records() == ["crm.lead/1"]


def test_a_planted_refusal_id_does_not_make_us_deaf_for_a_help_desk(gateway: Gateway) -> None:
    refusal = refusal_id(gateway)
    raw = mail("Your ticket is closed.\n", references=f"{refusal} <desk@desk.org>", auto_submitted="auto-generated")
    assert said(gateway(raw, "info@example.com")) == ["create alias"]


@pytest.mark.parametrize("fields", [{"in_reply_to": "{}"}, {"references": "<a@x> {}"}])
def test_a_machine_that_answers_a_refusal_is_held_quietly(gateway: Gateway, fields: dict[str, str]) -> None:
    refusal = refusal_id(gateway)
    named = {name: value.format(refusal) for name, value in fields.items()}
    raw = mail("I am on holiday.\n", auto_submitted="auto-replied", message_id="<v@client.org>", **named)
    receipt = gateway(raw, "info@example.com")
    assert (said(receipt), receipt.decision.outcomes[0].quiet) == (["hold loop"], True)
    assert is_kept(gateway, raw)


def test_what_we_send_names_no_refusal(gateway: Gateway) -> None:
    """Somebody follows the advice of a refusal: their mail names its id, and ours go to others."""
    refusal = refusal_id(gateway)
    gateway.change("info@example.com", notify=(ANN,))
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(contact="info@example.com"))
    raw = mail("Then I write here.\n", references=f"<0@client.org> {refusal}", in_reply_to=refusal)
    assert said(gateway(raw, "info@example.com")) == ["create alias"]
    assert out(gateway, "copy").recipient == ANN
    post.write(gateway.store, ONE, Text("Welcome.\n"), (), gateway.now)
    for kind in ("copy", "post"):
        assert b"mg1.r." not in out(gateway, kind).octets
        assert b"<0@client.org>" in out(gateway, kind).octets or kind == "post"
