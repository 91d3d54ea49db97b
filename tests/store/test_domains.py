"""Names that are in each other's way, retired names, domains and parameters."""

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.store import aliases, directory, domains, parameters
from mailgate.values.directory import Domain
from mailgate.values.problem import NotFound, Problem, StoreError


def change(gateway: Gateway, name: str, **more: str) -> Domain:
    with gateway.store.write() as tx:
        return domains.save(tx, domains.get(tx, name)._replace(**more))


def add(gateway: Gateway, name: str, **more: str) -> Domain:
    with gateway.store.write() as tx:
        return domains.add(tx, Domain(name, **more))


@pytest.mark.parametrize(
    ("address", "thing"),
    [
        pytest.param("info@example.com", "crm.lead", id="another-alias"),
        pytest.param("INFO@Example.COM", "crm.lead", id="in-any-case"),
        pytest.param("ínfo", "crm.lead", id="after-its-accents-went-in-the-default-domain"),
        pytest.param("catchall@example.com", "catchall", id="the-catchall"),
        pytest.param("bounce@example.com", "bounce", id="the-bounce-address"),
        pytest.param("returns@other.test", "bounce", id="of-another-domain"),
        pytest.param("old@example.com", "retired catchall", id="a-retired-catchall"),
        pytest.param("oldbounce@example.com", "retired bounce", id="a-retired-bounce-address"),
    ],
)
def test_an_alias_cannot_take_a_name_of_its_domain(gateway: Gateway, address: str, thing: str) -> None:
    change(gateway, "example.com", catchall="old", bounce="oldbounce")
    change(gateway, "example.com", catchall="catchall", bounce="bounce")
    with pytest.raises(Problem, match=thing) as caught:
        gateway.alias(address, "x.y")
    assert caught.value.hints


@pytest.mark.parametrize("address", ["info@other.test", "catchall@other.test", "bounce@other.test", "all@example.com"])
def test_the_same_name_in_another_domain_is_fine(gateway: Gateway, address: str) -> None:
    assert gateway.alias(address, "x.y").address == address


def test_an_alias_needs_an_own_domain(gateway: Gateway) -> None:
    with pytest.raises(NotFound, match=r"gmail\.com"):
        gateway.alias("info@gmail.com", "x.y")


@pytest.mark.parametrize(
    ("more", "thing"),
    [
        pytest.param({"catchall": "info"}, "info@example.com", id="catchall-equals-an-alias"),
        pytest.param({"bounce": "Jobs"}, "jobs@example.com", id="bounce-equals-an-alias"),
        pytest.param({"catchall": "bounce"}, "bounce@example.com", id="D17-catchall-equals-bounce"),
        pytest.param({"bounce": "catchall"}, "catchall@example.com", id="bounce-equals-catchall"),
        pytest.param({"bounce": "old"}, "old@example.com", id="bounce-equals-a-retired-catchall"),
        pytest.param({"catchall": "ß"}, "ß", id="a-name-that-would-be-guessed"),
        pytest.param({"contact": "nonsense"}, "nonsense", id="contact-that-is-no-address"),
        pytest.param({"delimiter": "++"}, r"\+\+", id="delimiter-of-two"),
    ],
)
def test_a_domain_cannot_take_the_name_of_an_alias(gateway: Gateway, more: dict[str, str], thing: str) -> None:
    change(gateway, "example.com", catchall="old")
    change(gateway, "example.com", catchall="catchall")
    with pytest.raises(Problem, match=thing):
        change(gateway, "example.com", **more)
    with gateway.store.read() as tx:
        assert (domains.get(tx, "example.com").catchall, domains.get(tx, "example.com").bounce) == (
            "catchall",
            "bounce",
        ), "nothing was changed"


def test_a_changed_name_works_on_as_retired_until_it_is_forgotten(gateway: Gateway) -> None:
    assert change(gateway, "example.com", catchall="answers", bounce="returns").retired == (
        ("bounce", "bounce"),
        ("catchall", "catchall"),
    )
    raw = mail(to="catchall@example.com")
    assert [each.reason for each in gateway(raw, "catchall@example.com").decision.outcomes] == ["catchall"]
    with gateway.store.write() as tx:
        domains.forget(tx, "Example.com", "Catchall")
    later = gateway(mail(to="catchall@example.com", message_id="<2>"), "catchall@example.com")
    assert [each.reason for each in later.decision.outcomes] == ["no-route"]
    assert gateway.alias("catchall@example.com", "x.y").local == "catchall"


def test_a_name_taken_back_is_no_longer_retired(gateway: Gateway) -> None:
    change(gateway, "example.com", catchall="answers")
    assert change(gateway, "example.com", catchall="catchall").retired == (("answers", "catchall"),)


def test_only_a_retired_name_is_forgotten(gateway: Gateway) -> None:
    for name in ("catchall", "info", "nonsense"):
        with pytest.raises(NotFound), gateway.store.write() as tx:
            domains.forget(tx, "example.com", name)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Third.Example", "third.example"),
        ("bücher.de", "xn--bcher-kva.de"),
        (" x.org. ", "x.org"),
        ("localhost", "localhost"),
    ],
)
def test_domain_names_are_a_labels(gateway: Gateway, typed: str, name: str) -> None:
    assert add(gateway, typed).name == name


@pytest.mark.parametrize("typed", ["", "a b.org", "x_y@z.org", "exämple,com", "-x.org", "a..b", "EXAMPLE.com"])
def test_an_impossible_domain_name_is_refused(gateway: Gateway, typed: str) -> None:
    with pytest.raises(Problem):
        add(gateway, typed)


def test_a_domain_in_use_is_not_removed(gateway: Gateway) -> None:
    with pytest.raises(Problem, match="1 alias"), gateway.store.write() as tx:
        domains.remove(tx, "other.test")
    with gateway.store.write() as tx:
        aliases.remove(tx, "help@other.test")
        domains.remove(tx, "other.test")
        assert [each.name for each in domains.listing(tx)] == ["example.com"]


def test_the_first_domain_is_the_default_until_another_is_chosen(gateway: Gateway) -> None:
    with gateway.store.write() as tx:
        assert domains.default(tx) == domains.get(tx, "example.com")
        domains.save(tx, domains.get(tx, "other.test")._replace(default=True))
        assert domains.default(tx) == domains.get(tx, "other.test")
        assert [each.default for each in domains.listing(tx)] == [False, True]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        pytest.param("a.org", "a.org", id="one"),
        pytest.param(" A.org ,b.ORG, ", "a.org,b.org", id="trimmed-and-lowered"),
        pytest.param("a.org,,a.org", "a.org", id="once"),
        pytest.param("bücher.de", "xn--bcher-kva.de", id="a-label"),
        pytest.param("", "", id="empty-clears"),
        pytest.param("   ", "", id="blank-clears"),
    ],
)
def test_a_list_of_allowed_domains_is_normalised(gateway: Gateway, typed: str, stored: str) -> None:
    gateway.parameter("mail.catchall.domain.allowed", "x.org")
    gateway.parameter("mail.catchall.domain.allowed", typed)
    with gateway.store.read() as tx:
        assert parameters.get(tx, "mail.catchall.domain.allowed") == stored


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mail.catchall.domain.allowed", ","),
        ("mail.catchall.domain.allowed", " , , "),
        ("mail.catchall.domain.allowed", "a b"),
        ("mail.gateway.loop.minutes", "0"),
        ("mail.gateway.loop.minutes", "-1"),
        ("mail.gateway.loop.threshold", "many"),
        ("mail.gateway.loop.threshold", ""),
        ("mail.nonsense", "1"),
    ],
)
def test_an_impossible_parameter_is_refused(gateway: Gateway, name: str, value: str) -> None:
    with pytest.raises(Problem):
        gateway.parameter(name, value)


def test_parameters_have_defaults(gateway: Gateway) -> None:
    with gateway.store.read() as tx:
        assert parameters.listing(tx) == {
            "mail.gateway.loop.minutes": "120",
            "mail.gateway.loop.threshold": "20",
            "mail.catchall.domain.allowed": "",
        }


@pytest.mark.parametrize("delimiter", ["$", "!", "|", "/", "a", "++", "\n", " "])
def test_a_delimiter_that_a_mail_server_reads_otherwise_is_refused(gateway: Gateway, delimiter: str) -> None:
    """Postfix expands `$` in main.cf: every one of its programs ended with a fatal error."""
    with pytest.raises(Problem, match="cannot separate a detail"):
        change(gateway, "example.com", delimiter=delimiter)


@pytest.mark.parametrize("delimiter", ["+", "-", "=", "_", ".", "~", "#", ""])
def test_an_ordinary_delimiter_is_taken(gateway: Gateway, delimiter: str) -> None:
    assert change(gateway, "example.com", delimiter=delimiter).delimiter == delimiter


@pytest.mark.parametrize("name", ["xn--a-rc4g.com", "xn--ls8h.la"], ids=["surrogate", "symbol"])
def test_a_domain_whose_label_stands_for_no_letters_is_refused(gateway: Gateway, name: str) -> None:
    with pytest.raises(Problem, match="is not a domain name"):
        add(gateway, name)


def test_a_domain_with_letters_of_its_script_is_taken(gateway: Gateway) -> None:
    assert add(gateway, "xn--bcher-kva.de").name == "xn--bcher-kva.de"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE domain SET delimiter = '+' || char(10) || 'mailbox_command = /tmp/evil'",
        "UPDATE domain SET catchall = 'a' || char(10)",
        "UPDATE domain SET language = '../en'",
        "UPDATE alias SET local = 'a b' WHERE local = 'info'",
    ],
)
def test_a_row_that_mailgate_did_not_write_is_an_error(gateway: Gateway, change: str) -> None:
    """The owner of the store wrote lines of root's main.cf that way."""
    with gateway.store.write() as tx:
        tx.execute(change)
    with gateway.store.read() as tx, pytest.raises(StoreError, match="a program changed the store"):
        directory.everything(tx)
