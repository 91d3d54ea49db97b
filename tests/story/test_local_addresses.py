"""Whether an address is ours has one answer, wherever it is asked: here for what local-part detection takes."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.doctor import addresses
from mailgate.gateway import held, post
from mailgate.gateway.post import Text
from mailgate.store import aliases, directory, domains, records
from mailgate.values.address import Address
from mailgate.values.problem import NotFound, Problem
from mailgate.values.record import Ref

LEAD = Ref("crm.lead", 1)


@pytest.fixture
def detecting(gateway: Gateway) -> Gateway:
    """`info` is taken in every local domain, and crm.lead/1 is there, which bob@client.org follows."""
    gateway.change("info@example.com", local_part=True)
    gateway(mail(), "info@example.com")
    return gateway


@pytest.mark.parametrize("address", ["info@other.test", "INFO@other.test", "info+x@other.test"])
def test_a_detected_address_is_ours(detecting: Gateway, address: str) -> None:
    receipt = detecting(mail(to=address, message_id="<m2@b>"), address)
    assert [outcome.action for outcome in receipt.decision.outcomes] == ["create"]
    with detecting.store.write() as tx:
        with pytest.raises(Problem, match="is a local address: a copy to it would come back"):
            records.follow(tx, LEAD, address)
        with pytest.raises(Problem, match="is a local address: a copy to it would come back"):
            aliases.save(tx, aliases.get(tx, "jobs@example.com")._replace(notify=(address,)))
        assert directory.is_local(tx, address)
        assert not directory.is_stranger(tx, address)
        assert aliases.reached_by(tx, address).address == "info@example.com"
    with pytest.raises(Problem, match="is a local address: the message would come back"):
        post.write(detecting.store, LEAD, Text("Hello.\n"), (address,), detecting.now)


def test_a_follower_that_becomes_a_detected_address_gets_nothing(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com")
    with gateway.store.write() as tx:
        records.follow(tx, LEAD, "info@other.test")
        records.follow(tx, LEAD, "ann@partner.org")
    gateway.change("info@example.com", local_part=True)
    posted = post.write(gateway.store, LEAD, Text("Hello.\n"), (), gateway.now)
    assert posted.recipients == ("bob@client.org", "ann@partner.org")
    gateway(mail(message_id="<m3@b>", in_reply_to=posted.message_id), "info@example.com")
    assert gateway.outbox()[2:] == ["reply ann@partner.org"]


def test_a_detected_contact_address_is_somebody(detecting: Gateway) -> None:
    with detecting.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(contact="info@other.test"))
    assert [check.verdict for check in addresses.check(detecting.store, detecting.config)] == ["ok", "ok"]


def test_held_mail_is_routed_through_a_detected_address(detecting: Gateway) -> None:
    number = detecting(mail(to="postmaster@other.test", message_id="<m4@b>"), "postmaster@other.test").number
    assert number is not None
    held.route(detecting.store, detecting.config, number, "info@other.test", detecting.now)
    assert detecting.records() == ["crm.lead/1", "crm.lead/2"]


def test_detection_makes_no_address_of_another_domain_ours(detecting: Gateway) -> None:
    detecting.parameter("mail.catchall.domain.allowed", "partner.org")
    assert detecting(mail(to="info@partner.org", message_id="<m5@b>"), "info@partner.org").decision.outcomes[0].model
    with detecting.store.write() as tx:
        assert not directory.is_local(tx, "info@partner.org")
        records.follow(tx, LEAD, "info@partner.org")
        with pytest.raises(NotFound):
            aliases.reached_by(tx, "info@partner.org")


def test_what_has_the_form_of_a_signed_address_is_no_person(gateway: Gateway) -> None:
    with gateway.store.read() as tx:
        forged = "gone+mg1rab" + "c" * 18
        assert directory.is_local(tx, f"{forged}@example.com")
        assert not directory.is_local(tx, f"{forged}@client.org")
        assert directory.is_stranger(tx, "gone@example.com")
        assert not directory.is_stranger(tx, "gone@client.org")


def test_the_directory_holds_what_was_asked_for(detecting: Gateway) -> None:
    with detecting.store.write() as tx:
        aliases.rename(tx, "jobs@example.com", "careers@example.com")
    with detecting.store.read() as tx:
        found = directory.load(tx, [Address("jobs+x", "example.com"), Address("info", "gone.test")])
        assert list(found.domains) == ["example.com"]
        assert set(found.aliases) == {"info@example.com", "jobs@example.com"}
        assert found.aliases["jobs@example.com"].address == "careers@example.com"
        assert [alias.address for alias in found.detected["info"]] == ["info@example.com"]
        assert found.default == found.domains["example.com"]
        more = directory.extended(tx, found, [Address("help", "other.test"), Address("sales", "gone.test")])
        assert list(more.domains) == ["example.com", "other.test"]
        assert set(more.aliases) - set(found.aliases) == {"help@other.test"}
        assert len(directory.everything(tx).aliases) == 5
