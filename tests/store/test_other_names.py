"""Other names of a domain, former names of an alias, and addresses that a forwarder rewrote."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import BOB, mail
from helpers.reports import block, posted, standard

from mailgate.store import aliases, directory, domains, failures, senders
from mailgate.values.directory import Domain
from mailgate.values.problem import NotFound, Problem


def other_name(gateway: Gateway, name: str = "custom.org", of: str = "example.com") -> Domain:
    with gateway.store.write() as tx:
        return domains.add(tx, Domain(name, same_as=of))


def rename(gateway: Gateway, before: str, after: str) -> None:
    with gateway.store.write() as tx:
        aliases.rename(tx, before, after)


@pytest.mark.parametrize(
    ("recipient", "result"),
    [
        ("info@custom.org", "crm.lead by info@example.com"),
        ("INFO+detail@Custom.ORG", "crm.lead by info@example.com"),
        ("jobs@custom.org", "hr.job by jobs@example.com"),
    ],
)
def test_every_alias_exists_under_another_name(gateway: Gateway, recipient: str, result: str) -> None:
    other_name(gateway)
    gateway(mail(to=recipient), recipient)
    assert gateway.made() == [result]


def test_the_explanation_says_what_an_address_is_now(gateway: Gateway) -> None:
    other_name(gateway)
    rename(gateway, "info@example.com", "desk@example.com")
    saw = []
    for number, recipient in enumerate(("info@custom.org", "info@example.com", "desk@custom.org", "desk@example.com")):
        receipt = gateway(mail(to=recipient, message_id=f"<{number}@b>"), recipient)
        saw.append(next(each.saw for each in receipt.decision.steps if each.rule == "alias"))
    assert saw == [
        "info@custom.org is desk@example.com",
        "info@example.com is desk@example.com",
        "desk@custom.org is desk@example.com",
        "desk@example.com",
    ]


def test_one_mail_under_both_names_makes_one_record(gateway: Gateway) -> None:
    other_name(gateway)
    raw = mail(to="info@custom.org, info@example.com")
    gateway(raw, "info@custom.org")
    gateway(raw, "info@example.com")
    gateway(raw, "info@example.com", "info@custom.org")
    assert gateway.records() == ["crm.lead/1"]


def test_every_kind_of_address_exists_under_another_name(gateway: Gateway) -> None:
    other_name(gateway)
    gateway(mail(to="postmaster@custom.org", message_id="<a@b>"), "postmaster@custom.org")
    gateway(mail(to="bounce@custom.org", message_id="<c@b>"), "bounce@custom.org")
    assert gateway.held() == ["postmaster", "bounce-address"]
    gateway(mail(to="catchall@custom.org", message_id="<d@b>"), "catchall@custom.org")
    assert gateway.outbox() == [f"catchall {BOB}"]
    assert gateway(mail(to="nobody@custom.org"), "nobody@custom.org").decision.status.exit == 67


def test_another_name_of_another_name_is_one_of_the_first(gateway: Gateway) -> None:
    other_name(gateway)
    assert other_name(gateway, "third.org", "custom.org").same_as == "example.com"


def test_another_name_has_no_settings_of_its_own(gateway: Gateway) -> None:
    other_name(gateway)
    with gateway.store.write() as tx:
        with pytest.raises(Problem, match=r"another name of example\.com"):
            domains.save(tx, domains.get(tx, "custom.org")._replace(catchall="x"))
        for each in aliases.listing(tx):
            aliases.remove(tx, each.address)
        with pytest.raises(Problem, match=r"custom\.org` is another name"):
            domains.remove(tx, "example.com")
        assert domains.default(tx) == domains.get(tx, "example.com")
        domains.remove(tx, "custom.org")
        domains.remove(tx, "example.com")


def test_nobody_is_sent_to_a_catchall_under_another_name(gateway: Gateway) -> None:
    other_name(gateway)
    with gateway.store.write() as tx, pytest.raises(Problem, match="takes no new mail"):
        domains.save(tx, domains.get(tx, "example.com")._replace(contact="catchall@custom.org"))


def test_nobody_follows_under_another_name(gateway: Gateway) -> None:
    other_name(gateway)
    with gateway.store.read() as tx:
        assert directory.is_local(tx, "info+x@custom.org")
        assert directory.is_stranger(tx, "nobody@custom.org")


def test_an_own_author_under_another_name_is_ours(gateway: Gateway) -> None:
    other_name(gateway)
    gateway.change("info@example.com", policy="contacts")
    gateway.contact("jobs@custom.org")
    receipt = gateway(mail(**{"from": "jobs@custom.org"}), "info@example.com")
    assert [each.action for each in receipt.decision.outcomes] == ["hold"]


def test_a_renamed_alias_keeps_what_it_did(gateway: Gateway) -> None:
    raw = mail()
    gateway(raw, "info@example.com")
    rename(gateway, "info@example.com", "desk@other.test")
    gateway(raw, "info@example.com")
    gateway(raw, "desk@other.test")
    assert gateway.made() == ["crm.lead by desk@other.test"]
    gateway(mail(message_id="<m2@client.org>"), "info@example.com")
    assert gateway.made() == ["crm.lead by desk@other.test"] * 2


def test_a_refusal_is_answered_once_also_after_a_rename(gateway: Gateway) -> None:
    gateway.change("info@example.com", policy="members")
    raw = mail()
    gateway(raw, "info@example.com")
    rename(gateway, "info@example.com", "desk@example.com")
    gateway(raw, "info@example.com")
    gateway(mail(message_id="<m2@client.org>"), "info@example.com")
    assert gateway.outbox() == [f"policy {BOB}"]


def test_the_policy_of_a_renamed_alias_still_governs(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com")
    rename(gateway, "info@example.com", "desk@example.com")
    gateway.change("desk@example.com", policy="followers")
    answer = mail(message_id="<m2@client.org>", in_reply_to="<m1@client.org>", **{"from": "eve@x.org"})
    receipt = gateway(answer, "info@example.com", reverse_path="eve@x.org")
    assert [each.reason for each in receipt.decision.outcomes] == ["policy"]


def test_a_rename_to_a_taken_name_is_refused(gateway: Gateway) -> None:
    for taken in ("sales@example.com", "catchall@example.com", "bounce@example.com", "info@example.com"):
        with pytest.raises(Problem):
            rename(gateway, "info@example.com", taken)
    rename(gateway, "info@example.com", "desk@example.com")
    with pytest.raises(Problem, match="former name of an alias") as caught:
        gateway.alias("info@example.com", "x.y")
    assert caught.value.hints == ("mailgate domain forget example.com info",)
    with gateway.store.write() as tx, pytest.raises(Problem, match="at once"):
        domains.save(tx, domains.get(tx, "example.com")._replace(catchall="info"))
    with gateway.store.read() as tx, pytest.raises(NotFound, match=r"former name of alias `desk@example\.com`"):
        aliases.get(tx, "info@example.com")


def test_a_rename_back_ends_the_retired_name(gateway: Gateway) -> None:
    rename(gateway, "info@example.com", "desk@example.com")
    rename(gateway, "desk@example.com", "info@example.com")
    with gateway.store.read() as tx:
        assert domains.get(tx, "example.com").former_aliases == ("desk",)
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(catchall="all"))
        assert domains.get(tx, "example.com").former_aliases == ("desk",)
        aliases.remove(tx, "info@example.com")
        assert domains.get(tx, "example.com").former_aliases == ()
    assert gateway.alias("desk@example.com", "x.y").address == "desk@example.com"


def test_a_forgotten_name_is_unknown(gateway: Gateway) -> None:
    rename(gateway, "info@example.com", "desk@example.com")
    with gateway.store.write() as tx:
        domains.forget(tx, "example.com", "info")
    assert gateway(mail(), "info@example.com").decision.status.exit == 67


def test_detection_knows_a_former_name(gateway: Gateway) -> None:
    gateway.change("info@example.com", local_part=True)
    rename(gateway, "info@example.com", "desk@example.com")
    gateway(mail(to="info@elsewhere.net"), "info@elsewhere.net")
    assert gateway.made() == ["crm.lead by desk@example.com"]


def test_a_sender_that_is_no_alias_takes_answers(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(sender="notifications"))
    gateway(mail(to="notifications@example.com"), "notifications@example.com")
    assert gateway.outbox() == [f"catchall {BOB}"]
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(sender="hello"))
        assert domains.get(tx, "example.com").retired == (("notifications", "catchall"),)
    assert gateway.alias("hello@example.com", "x.y").model == "x.y"  # a sender may be an alias
    with gateway.store.write() as tx:
        domains.save(tx, domains.get(tx, "example.com")._replace(sender=""))
        assert domains.get(tx, "example.com").retired == (("notifications", "catchall"),)
    for taken in ("bounce", "postmaster"):
        with gateway.store.write() as tx, pytest.raises(Problem):
            domains.save(tx, domains.get(tx, "example.com")._replace(sender=taken))


def test_a_blocked_sender_is_blocked_behind_a_forwarder(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        senders.put(tx, "bob@client.org", "block")
    raw = mail(**{"from": "somebody@else.org"})
    gateway(raw, "info@example.com", reverse_path="SRS0=HHH=TT=client.org=bob@provider.net")
    assert gateway.held() == ["blocked"]


def test_one_refusal_a_window_though_the_forwarder_renames_him_daily(gateway: Gateway) -> None:
    gateway.change("info@example.com", policy="members")
    for day in "abc":
        raw = mail(message_id=f"<{day}@client.org>")
        gateway(raw, "info@example.com", reverse_path=f"SRS0={day}={day}=client.org=bob@provider.net")
    assert gateway.outbox() == ["policy SRS0=a=a=client.org=bob@provider.net"]


def test_a_report_that_names_our_rewritten_return_address_is_proved(gateway: Gateway) -> None:
    gateway(mail(), "info@example.com")
    local, _, host = posted(gateway)[BOB].reverse_path.partition("@")
    returned = f"Return-Path: <SRS0=h=t={host}={local}@forwarder.net>\nFrom: x@y.org\nSubject: Hello\n\nText\n"
    raw = standard(block("someone@far.net"), original=returned, to="bounce@example.com")
    gateway(raw, "bounce@example.com", reverse_path="")
    with gateway.store.read() as tx:
        (failure,) = failures.listing(tx)
    assert (failure.follower, str(failure.record)) == (BOB, "crm.lead/1")
