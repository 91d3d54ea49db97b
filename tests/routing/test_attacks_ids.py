"""A Message-ID that somebody else used first takes nobody's answers (F12)."""

from helpers.gateway import BOB, Gateway
from helpers.messages import mail

from mailgate.gateway.receive import Receipt

MALLORY, CAROL = "mallory@evil.org", "carol@client.org"
ID = "<plan@client.org>"


def writes(gateway: Gateway, who: str, text: str, **fields: str) -> Receipt:
    return gateway(mail(text, **{"from": who, **fields}), "info@example.com", reverse_path=who)


def said(receipt: Receipt) -> list[str]:
    return [
        f"{outcome.action} {outcome.reason} {outcome.record or ''}".strip() for outcome in receipt.decision.outcomes
    ]


def test_a_planted_id_does_not_get_the_answers(gateway: Gateway) -> None:
    assert said(writes(gateway, MALLORY, "Mine.\n", message_id=ID)) == ["create alias"]
    assert said(writes(gateway, BOB, "The real one.\n", message_id=ID)) == ["create alias"]
    carols = writes(gateway, CAROL, "The password is 1234.\n", message_id="<c@client.org>", references=ID)
    assert said(carols) == ["create alias"]
    assert gateway.on("crm.lead/1") == [1]


def test_the_author_of_the_real_mail_still_answers_on_their_record(gateway: Gateway) -> None:
    """The control: who takes part finds their record, whoever was faster."""
    writes(gateway, MALLORY, "Mine.\n", message_id=ID)
    writes(gateway, BOB, "The real one.\n", message_id=ID)
    for who, record in ((BOB, "crm.lead/2"), (MALLORY, "crm.lead/1")):
        receipt = writes(gateway, who, "One more thing.\n", message_id=f"<more-{who}>", references=ID)
        assert said(receipt) == [f"post reply {record}"]


def test_an_id_that_one_mail_has_is_a_parent_for_everybody(gateway: Gateway) -> None:
    """The control: nobody planted anything."""
    writes(gateway, BOB, "The real one.\n", message_id=ID)
    carols = writes(gateway, CAROL, "The password is 1234.\n", message_id="<c@client.org>", references=ID)
    assert said(carols) == ["post reply crm.lead/1"]


def test_who_answered_as_an_outsider_takes_no_part(gateway: Gateway) -> None:
    writes(gateway, BOB, "The real one.\n", message_id=ID)
    writes(gateway, CAROL, "I know better.\n", message_id="<c@client.org>", references=ID)
    writes(gateway, MALLORY, "Mine.\n", message_id=ID)
    assert said(writes(gateway, CAROL, "Again.\n", message_id="<c2@client.org>", references=ID)) == ["create alias"]
    assert said(writes(gateway, BOB, "Again, I.\n", message_id="<b2@client.org>", references=ID)) == [
        "post reply crm.lead/1"
    ]
