"""Nothing is dropped by what its sender chooses: class, id, and every way to action `ignore` keeps the bytes."""

import ast
from pathlib import Path

import pytest
from helpers.gateway import BOB, Gateway
from helpers.messages import mail
from helpers.queued import queued

import mailgate.routing
from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.gateway.receive import Receipt
from mailgate.store import messages, records
from mailgate.values.record import Ref

ANNA = "anna@team.org"
MACHINES = {
    "automatic": {"auto_submitted": "auto-generated"},
    "list": {"list_id": "<x.evil.org>"},
    "bulk": {"precedence": "bulk"},
}


def said(receipt: Receipt) -> list[str]:
    return [
        f"{outcome.action} {outcome.reason} {outcome.record or ''}".strip() for outcome in receipt.decision.outcomes
    ]


def copied(gateway: Gateway) -> list[str]:
    with gateway.store.read() as tx:
        return [letter.recipient for letter in queued(tx) if letter.kind == "copy"]


def followers(gateway: Gateway, ref: Ref) -> tuple[str, ...]:
    with gateway.store.read() as tx:
        return records.get(tx, ref).followers


# --- F11: the same content as another class ---


@pytest.mark.parametrize("fields", MACHINES.values(), ids=MACHINES)
def test_a_copy_as_a_machines_mail_does_not_mute_a_person(gateway: Gateway, fields: dict[str, str]) -> None:
    gateway.change("info@example.com", notify=(ANNA,))
    gateway(mail(**fields), "info@example.com")
    assert copied(gateway) == []
    receipt = gateway(mail(), "info@example.com")
    assert said(receipt) == ["post alias crm.lead/1"]
    assert receipt.number is not None
    assert gateway.raw(receipt.number) == mail()
    assert (gateway.records(), copied(gateway)) == (["crm.lead/1"], [ANNA])
    assert set(followers(gateway, Ref("crm.lead", 1))) == {ANNA, BOB}


@pytest.mark.parametrize("fields", MACHINES.values(), ids=MACHINES)
def test_a_copy_of_an_answer_as_a_machines_mail_does_not_mute_a_person(
    gateway: Gateway, fields: dict[str, str]
) -> None:
    gateway(mail(message_id="<0@client.org>"), "info@example.com")
    with gateway.store.write() as tx:
        records.follow(tx, Ref("crm.lead", 1), ANNA)
    answer = {"references": "<0@client.org>", "message_id": "<1@client.org>"}
    gateway(mail("No, never.\n", **answer, **fields), "info@example.com")
    assert copied(gateway) == []
    assert said(gateway(mail("No, never.\n", **answer), "info@example.com")) == ["post reply crm.lead/1"]
    assert copied(gateway) == [ANNA]


@pytest.mark.parametrize("first", [{}, *MACHINES.values()], ids=["person", *MACHINES])
@pytest.mark.parametrize("second", [{}, *MACHINES.values()], ids=["person", *MACHINES])
def test_however_often_it_comes_a_mail_does_one_thing_as_a_persons(
    gateway: Gateway, first: dict[str, str], second: dict[str, str]
) -> None:
    """The control: after the person's mail every copy is a duplicate."""
    gateway.change("info@example.com", notify=(ANNA,))
    gateway(mail(**first), "info@example.com")
    gateway(mail(**second), "info@example.com")
    for fields in ({}, *MACHINES.values()):
        gateway(mail(), "info@example.com")
        assert said(gateway(mail(**fields), "info@example.com")) == ["ignore duplicate"]
    assert (gateway.records(), copied(gateway)) == (["crm.lead/1"], [ANNA])
    assert len(gateway.messages()) <= 2


def test_a_machines_copy_does_not_take_a_held_person_off_the_list(gateway: Gateway) -> None:
    gateway(mail(x_spam_flag="YES"), "info@example.com")
    assert gateway.held() == ["spam"]
    gateway(mail(auto_submitted="auto-generated"), "info@example.com")
    assert gateway.held() == ["spam"]
    gateway(mail(), "info@example.com")
    assert gateway.held() == []


def test_what_is_held_for_another_reason_is_held_again(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        tx.execute("INSERT INTO sender (address, permission) VALUES (?, 'block')", (BOB,))
    gateway(mail(), "info@example.com")
    with gateway.store.write() as tx:
        tx.execute("DELETE FROM sender")
    receipt = gateway(mail(x_spam_flag="YES"), "info@example.com")
    assert said(receipt) == ["hold spam"]
    assert said(gateway(mail(x_spam_flag="YES"), "info@example.com")) == ["ignore duplicate"]


# --- every way to `ignore` ---


def duplicate(gateway: Gateway) -> bytes:
    gateway(mail(), "info@example.com")
    return mail()


def duplicate_of_held(gateway: Gateway) -> bytes:
    gateway(mail(x_spam_flag="YES"), "info@example.com")
    return mail(x_spam_flag="YES")


def copy_of_a_list(gateway: Gateway) -> bytes:
    date = "Wed, 15 Nov 2023 09:00:00 +0000"
    gateway(mail("Please come to see us.\n", date=date), "info@example.com")
    return mail("Please come to see us.\n____\nThe list.\n", date=date, list_id="<l.team.org>", subject="[team] Hello")


def our_post(gateway: Gateway) -> bytes:
    gateway(mail(), "info@example.com")
    post.write(gateway.store, Ref("crm.lead", 1), Text("We are on our way.\n"), (), gateway.now)
    with gateway.store.read() as tx:
        return queued(tx)[-1].octets


def sent_by_another_program(gateway: Gateway) -> bytes:
    gateway(mail(), "info@example.com")
    raw = mail("Buy chairs.\n", message_id="<shop@example.com>", to=BOB)
    post.register(gateway.store, Ref("crm.lead", 1), raw, (), gateway.now)
    return raw


def report_of_a_delivery(gateway: Gateway) -> bytes:
    status = b"Reporting-MTA: dns; x.org\n\nFinal-Recipient: rfc822; a@x.org\nAction: delivered\nStatus: 2.0.0\n"
    parts = b"--b\nContent-Type: text/plain\n\nDelivered.\n--b\nContent-Type: message/delivery-status\n\n" + status
    return mail(parts + b"--b--\n", content_type='multipart/report; report-type=delivery-status; boundary="b"')


WAYS = {
    "duplicate": [duplicate, duplicate_of_held, copy_of_a_list],
    "loop": [our_post, sent_by_another_program],
    "report": [report_of_a_delivery],
}


@pytest.mark.parametrize(("reason", "way"), [(reason, way) for reason, ways in WAYS.items() for way in ways])
def test_whatever_is_ignored_has_its_bytes_stored(gateway: Gateway, reason: str, way: object) -> None:
    assert callable(way)
    raw = way(gateway)
    receipt = gateway(raw, "info@example.com", reverse_path=BOB if reason == "duplicate" else "")
    assert said(receipt) == [f"ignore {reason}"]
    with gateway.store.read() as tx:
        kept = [messages.raw(tx, stored.number) for stored in messages.listing(tx)]
    assert raw in kept


def test_these_are_all_the_ways_to_ignore() -> None:
    """Every place in the rules that says `ignore`, by the reason that stands beside it."""
    found = set()
    for path in Path(mailgate.routing.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                named = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
                if words[:1] == ["ignore"] and len(words) > 1:
                    found.add(words[1])
                elif named.get("action") == "ignore":
                    found.add(named["reason"])
    assert found == set(WAYS)
