"""What a message did is kept as an `Effect`, whatever its place looks like, and found again by its copies."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.store import aliases, effects
from mailgate.values.outcome import Effect


@pytest.mark.parametrize(
    "effect",
    [
        Effect("create", "info@example.com"),
        Effect("post", "crm.lead/1"),
        Effect("hold", '"a:b"@example.com'),
        Effect("hold", ""),
        Effect("refuse", '":"@example.com', "policy"),
        Effect("sent", ""),
    ],
)
def test_an_effect_is_found_as_it_was_noted(gateway: Gateway, effect: Effect) -> None:
    message = gateway(mail(), "info@example.com").facts.message
    with gateway.store.write() as tx:
        tx.execute("DELETE FROM effect")
        effects.note(tx, 1, message, effect, accepted=True)
        (seen,), reused, *_ = effects.earlier(tx, message)
    assert (seen.effect, seen.message, seen.accepted, seen.same_content, reused) == (effect, 1, True, True, False)


@pytest.mark.parametrize("address", ["strange@example.com", '"a:b"@example.com'])
def test_held_mail_is_released_when_its_copy_is_taken(gateway: Gateway, address: str) -> None:
    gateway(mail(to=address, x_spam_flag="YES"), address, fallback="lead")
    assert gateway.held() == ["spam"]
    gateway(mail(to=address), address, fallback="lead")
    assert gateway.records() == ["lead/1"]
    assert gateway.held() == []


def test_an_alias_under_a_new_name_finds_what_it_did(gateway: Gateway) -> None:
    gateway.change("info@example.com", policy="contacts")
    refused = gateway(mail(), "info@example.com")
    made = gateway(mail(message_id="<m2@b>", to="jobs@example.com"), "jobs@example.com")
    with gateway.store.write() as tx:
        aliases.rename(tx, "info@example.com", "desk@example.com")
        aliases.rename(tx, "jobs@example.com", "careers@example.com")
        (seen,), *_ = effects.earlier(tx, refused.facts.message)
        assert seen.effect == Effect("refuse", "desk@example.com", "policy")
        (seen,), *_ = effects.earlier(tx, made.facts.message)
        assert seen.effect == Effect("create", "careers@example.com")
