"""Which addresses the mail server's tables hold: never fewer than `route` takes."""

import re
from collections.abc import Iterator

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail
from hypothesis import given
from hypothesis import strategies as st

from mailgate.mta import maps, postfix_settings
from mailgate.mta.maps import Maps
from mailgate.mta.plan import Plan
from mailgate.routing.resolve import resolve
from mailgate.routing.state import Ours
from mailgate.store import aliases, directory
from mailgate.values import names
from mailgate.values.address import parse
from mailgate.values.directory import Alias, Directory, Domain
from mailgate.values.problem import Problem


def alias(address: str, **more: object) -> Alias:
    local, _, host = address.partition("@")
    return Alias(1, local, host, "ticket", **more)


def tables_of(*domains: Domain, aliases: tuple[Alias, ...] = (), **more: object) -> Maps:
    return Maps(Directory({each.name: each for each in domains}).with_aliases(aliases), **more)


def addresses(made: Maps) -> list[str]:
    return [line.split()[0] for line in maps.tables(made)["addresses"].splitlines() if not line.startswith("#")]


def taken(address: str, made: Maps) -> bool:
    """Whether a server with these tables takes an address, by the rules of Postfix and Exim."""
    local, _, host = address.lower().rpartition("@")
    listed = addresses(made)
    signed = maps.tables(made)["signed"].splitlines()[1:]
    stripped = maps.cut(local, maps.delimiters(made.domains))
    return (
        any(f"{each}@{host}" in listed for each in (local, stripped, ""))
        or any(re.search(line[1 : line.rindex("$/ ") + 1], f"{local}@{host}") for line in signed)
    )  # fmt: skip


@pytest.mark.parametrize("base", ["x" * 70, "a@b", "x y", "<x"])
def test_an_address_that_cannot_be_read_is_not_taken_for_its_signed_detail(base: str) -> None:
    """Postfix took it from outside, and the header spoke for it."""
    made = tables_of(Domain("example.com"))
    assert not taken(f"{base}+mg1r{'a' * 22}@example.com", made)
    assert taken(f"support+mg1r{'a' * 22}@example.com", made)


@pytest.mark.parametrize("delimiter", ["+\nmailbox_command = /tmp/evil", "$", "\n", "x", "|", "++"])
def test_a_delimiter_of_a_changed_store_writes_no_configuration(delimiter: str) -> None:
    """`setup postfix` as root printed a line of main.cf that the owner of the store had put there."""
    made = tables_of(Domain("example.com", delimiter=delimiter))
    with pytest.raises(Problem, match="cannot be a delimiter") as raised:
        maps.tables(made)
    assert raised.value.hints == ("mailgate domain set example.com --delimiter +",)
    with pytest.raises(Problem, match="cannot be a delimiter"):
        postfix_settings.settings(Plan(made, "/maps"))


@pytest.mark.parametrize(
    "domain",
    [
        Domain("example.com\nevil.org"),
        Domain("exa mple.com"),
        Domain("example.com", catchall="a\nb"),
        Domain("example.com", retired=(("a b", "bounce"),)),
        Domain("example.com", sender='a" b'),
    ],
)
def test_a_name_of_a_changed_store_writes_no_line_of_a_table(domain: Domain) -> None:
    with pytest.raises(Problem, match="for the mail server"):
        maps.tables(tables_of(domain))


@pytest.mark.parametrize("delimiter", ["", *names.DELIMITERS])
def test_every_delimiter_that_can_be_chosen_is_written(delimiter: str) -> None:
    made = tables_of(Domain("example.com", delimiter=delimiter))
    assert maps.delimiters(made.domains) == delimiter
    assert "catchall@example.com" in addresses(made)


@pytest.mark.parametrize("name", ["xn--a-rc4g.com", "xn--ls8h.la"], ids=["surrogate", "symbol"])
def test_a_label_that_stands_for_no_letters_stays_as_it_is(name: str) -> None:
    """No table was written any more, and every command failed with UnicodeEncodeError."""
    assert addresses(tables_of(Domain(name)))[0] == f"abuse@{name}"
    assert len(addresses(tables_of(Domain(name)))) == 4


def test_every_kind_of_own_address_is_listed() -> None:
    retired = (("all", "catchall"), ("returns", "bounce"), ("help", "alias"))
    support = alias("support@example.com")
    directory = Directory({"example.com": Domain("example.com", retired=retired, sender="office")})
    made = Maps(directory.with_aliases([support], [("help@example.com", support)]))
    names = "abuse all bounce catchall help office postmaster returns support"
    assert addresses(made) == [f"{each}@example.com" for each in names.split()]
    assert maps.tables(made)["domains"].splitlines()[1:] == ["example.com mailgate:"]
    assert maps.tables(made)["aliases"].splitlines()[1:] == [
        f'{each} "|/usr/local/sbin/mailgate-pipe"' for each in names.split() if each not in ("abuse", "postmaster")
    ]


def test_another_name_of_a_domain_has_the_same_addresses() -> None:
    same = Domain("example.org", same_as="example.com")
    listed = addresses(tables_of(Domain("example.com"), same, aliases=(alias("support@example.com"),)))
    assert "support@example.org" in listed
    assert len(listed) == 10


def test_an_alias_of_one_domain_is_none_of_another() -> None:
    domains, support = (Domain("example.com"), Domain("other.test")), alias("support@example.com")
    assert "support@other.test" not in addresses(tables_of(*domains, aliases=(support,)))
    detected = tables_of(*domains, aliases=(support._replace(local_part=True),))
    assert "support@other.test" in addresses(detected)


def test_a_retired_name_is_detected_in_another_domain_too(gateway: Gateway) -> None:
    gateway.change("info@example.com", local_part=True)
    with gateway.store.write() as tx:
        aliases.rename(tx, "info@example.com", "desk@example.com")
    with gateway.store.read() as tx:
        made = Maps(directory.everything(tx))
    assert {f"{name}@other.test" for name in ("info", "desk")} <= set(addresses(made))
    assert gateway(mail(to="info@other.test"), "info@other.test").decision.status.exit == 0
    assert gateway.made() == ["crm.lead by desk@example.com"]


def test_a_shared_domain_keeps_its_own_postmaster() -> None:
    domains = (Domain("example.com"), Domain("other.test"))
    made = tables_of(*domains, shared=frozenset(["other.test"]))
    assert [each for each in addresses(made) if each.endswith("@other.test")] == [
        "bounce@other.test",
        "catchall@other.test",
    ]
    assert "other.test" not in maps.tables(made)["domains"]
    with_alias = tables_of(*domains, aliases=(alias("abuse@other.test"),), shared=frozenset(["other.test"]))
    assert "abuse@other.test" in addresses(with_alias)


def test_unknown_addresses_are_taken_where_they_mean_something() -> None:
    made = tables_of(Domain("example.com"), Domain("other.test"), shared=frozenset(["other.test"]), unknown=True)
    assert "@example.com" in addresses(made)
    assert "@other.test" not in addresses(made)


def test_a_unicode_domain_stands_there_in_both_spellings() -> None:
    listed = addresses(tables_of(Domain("xn--mller-kva.test")))
    assert {"catchall@xn--mller-kva.test", "catchall@müller.test"} <= set(listed)


def test_a_name_that_a_table_cannot_hold_is_left_out() -> None:
    made = tables_of(Domain("example.com"), aliases=(alias("#1@example.com"),))
    assert not [each for each in addresses(made) if "1" in each]


LOCALS = st.from_regex(r"[a-c+_-]{1,4}", fullmatch=True)
DELIMITERS = st.sampled_from(["+", "-", "_", ""])


@given(
    st.lists(st.tuples(LOCALS, LOCALS, st.booleans()), max_size=3),
    DELIMITERS,
    DELIMITERS,
    LOCALS,
    st.sampled_from(["", "+x", "-x+y", "_x-y"]),
    st.sampled_from(["example.com", "example.org", "other.test"]),
)
def test_no_address_that_an_alias_takes_is_refused(
    known: list[tuple[str, str, bool]], delimiter: str, other: str, local: str, detail: str, host: str
) -> None:
    """Whatever the delimiters of several domains: what the rules find, the tables let through."""
    domains = (
        Domain("example.com", delimiter=delimiter),
        Domain("example.org", delimiter=delimiter, same_as="example.com"),
        Domain("other.test", delimiter=other),
    )
    named = [(alias(f"{name}@example.com", local_part=detected), retired) for name, retired, detected in known]
    directory = Directory({each.name: each for each in domains}).with_aliases(
        [each for each, _ in named], [(f"{retired}@example.com", each) for each, retired in named]
    )
    written = parse(f"{local}{detail}@{host}")
    if written and resolve(written, Ours(directory), envelope=True).kind != "unknown":
        assert taken(f"{local}{detail}@{host}", Maps(directory))


@pytest.mark.parametrize("address", ["support", "info", "INFO+x", "sales+mg1rab" + "c" * 18, "gone-mg1bab" + "c" * 18])
def test_the_tables_are_made_from_the_store(gateway: Gateway, address: str) -> None:
    with gateway.store.write() as tx:
        aliases.rename(tx, "sales@example.com", "support@example.com")
    with gateway.store.read() as tx:
        made = Maps(directory.everything(tx))
    assert taken(f"{address}@example.com", made)
    assert not taken("nobody@example.com", made)


def test_tables_of_many_domains_go_through_the_aliases_once() -> None:
    """A thousand domains times a million aliases were not done in minutes: here an alias is read once, or nearly."""
    reads = 0

    class Counted(dict[str, Alias]):
        def __iter__(self) -> Iterator[str]:
            nonlocal reads
            for address in super().__iter__():
                reads += 1
                yield address

    domains = {f"d{at}.test": Domain(f"d{at}.test", default=not at) for at in range(50)}
    counted = Counted({f"a{at}@d{at}.test": Alias(at, f"a{at}", f"d{at}.test", "lead") for at in range(50)})
    made = maps.tables(Maps(Directory(domains, counted)))
    assert "a49@d49.test mailgate:\n" in made["addresses"]
    assert reads <= 4 * len(counted)
