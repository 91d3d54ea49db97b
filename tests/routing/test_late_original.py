"""Answers that come before the mail they answer, and mail that a rule of Exchange redirected under a new id."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

BOB, ANN, EVE = "bob@client.org", "ann@client.org", "eve@evil.org"


def comes(gateway: Gateway, sender: str, to: str, message_id: str, **fields: str) -> None:
    headers: dict[str, str | None] = {"from": sender, "to": to, "message_id": message_id, **fields}
    gateway(mail(f"From {sender}, {message_id}.\n", **headers), "info@example.com", reverse_path=sender)


@pytest.mark.parametrize(
    ("answer_to", "sender", "cc", "joins"),
    [
        pytest.param(BOB, BOB, ANN, True, id="the-mail-that-was-answered"),
        pytest.param(BOB, EVE, ANN, False, id="of-somebody-who-was-not-answered"),
        pytest.param(BOB, BOB, EVE, False, id="that-did-not-go-to-who-answered"),
        pytest.param(EVE, BOB, ANN, False, id="whose-author-was-not-answered"),
    ],
)
def test_the_answer_came_first(gateway: Gateway, answer_to: str, sender: str, cc: str, joins: bool) -> None:
    comes(gateway, ANN, f"{answer_to}, info@example.com", "<2@x>", references="<1@x>", in_reply_to="<1@x>")
    comes(gateway, sender, "info@example.com", "<1@x>", cc=cc)
    assert gateway.records() == (["crm.lead/1"] if joins else ["crm.lead/1", "crm.lead/2"])
    assert gateway.on("crm.lead/1") == ([1, 2] if joins else [1])
    assert gateway.messages()[-1].parent is None


def test_mail_that_exchange_redirected_joins_the_original(gateway: Gateway) -> None:
    comes(gateway, BOB, "info@example.com", "<1@x>")
    comes(gateway, BOB, "info@example.com", "<2@x>", x_ms_exchange_parent_message_id="<1@x>")
    assert (gateway.records(), gateway.messages()[-1].parent) == (["crm.lead/1"], "<1@x>")
