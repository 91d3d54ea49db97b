"""Which addresses the mail server's tables hold: never fewer than `route` takes."""

import re

import pytest
from helpers.gateway import Gateway
from hypothesis import given
from hypothesis import strategies as st

from mailgate.mta import maps
from mailgate.mta.maps import Maps
from mailgate.routing.resolve import resolve
from mailgate.routing.state import State
from mailgate.store import aliases
from mailgate.values.address import parse
from mailgate.values.directory import Alias, Domain


def alias(address: str, **more: object) -> Alias:
    local, _, host = address.partition("@")
    return Alias(1, local, host, "ticket", **more)


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


def test_every_kind_of_own_address_is_listed() -> None:
    retired = (("all", "catchall"), ("returns", "bounce"), ("help", "alias"))
    made = Maps([Domain("example.com", retired=retired, sender="office")], [alias("support@example.com")])
    names = "abuse all bounce catchall help office postmaster returns support"
    assert addresses(made) == [f"{each}@example.com" for each in names.split()]
    assert maps.tables(made)["domains"].splitlines()[1:] == ["example.com mailgate:"]
    assert maps.tables(made)["aliases"].splitlines()[1:] == [
        f'{each} "|/usr/local/sbin/mailgate-pipe"' for each in names.split() if each not in ("abuse", "postmaster")
    ]


def test_another_name_of_a_domain_has_the_same_addresses() -> None:
    same = Domain("example.org", same_as="example.com")
    listed = addresses(Maps([Domain("example.com"), same], [alias("support@example.com")]))
    assert "support@example.org" in listed
    assert len(listed) == 10


def test_an_alias_of_one_domain_is_none_of_another() -> None:
    made = Maps([Domain("example.com"), Domain("other.test")], [alias("support@example.com")])
    assert "support@other.test" not in addresses(made)
    detected = made._replace(aliases=[alias("support@example.com", local_part=True)])
    assert "support@other.test" in addresses(detected)


def test_a_shared_domain_keeps_its_own_postmaster() -> None:
    made = Maps([Domain("example.com"), Domain("other.test")], [], shared=frozenset(["other.test"]))
    assert [each for each in addresses(made) if each.endswith("@other.test")] == [
        "bounce@other.test",
        "catchall@other.test",
    ]
    assert "other.test" not in maps.tables(made)["domains"]
    with_alias = made._replace(aliases=[alias("abuse@other.test")])
    assert "abuse@other.test" in addresses(with_alias)


def test_unknown_addresses_are_taken_where_they_mean_something() -> None:
    made = Maps([Domain("example.com"), Domain("other.test")], [], frozenset(["other.test"]), unknown=True)
    assert "@example.com" in addresses(made)
    assert "@other.test" not in addresses(made)


def test_a_unicode_domain_stands_there_in_both_spellings() -> None:
    listed = addresses(Maps([Domain("xn--mller-kva.test")], []))
    assert {"catchall@xn--mller-kva.test", "catchall@müller.test"} <= set(listed)


def test_a_name_that_a_table_cannot_hold_is_left_out() -> None:
    made = Maps([Domain("example.com")], [alias("#1@example.com")])
    assert not [each for each in addresses(made) if "1" in each]
    made = made._replace(aliases=[*made.aliases, alias("a#1@example.com")])
    assert maps.unlisted(made) == ["#1@example.com"]


LOCALS = st.from_regex(r"[a-c+_-]{1,4}", fullmatch=True)
DELIMITERS = st.sampled_from(["+", "-", "_", ""])


@given(st.lists(LOCALS, max_size=3), DELIMITERS, DELIMITERS, LOCALS, st.sampled_from(["", "+x", "-x+y", "_x-y"]))
def test_no_address_that_an_alias_takes_is_refused(
    known: list[str], delimiter: str, other: str, local: str, detail: str
) -> None:
    """Whatever the delimiters of several domains: what the rules find, the tables let through."""
    domains = [Domain("example.com", delimiter=delimiter), Domain("other.test", delimiter=other)]
    made = Maps(domains, [alias(f"{each}@example.com") for each in known])
    state = State(domains={each.name: each for each in domains}, aliases={each.address: each for each in made.aliases})
    written = parse(f"{local}{detail}@example.com")
    if written and resolve(written, state, envelope=True).kind != "unknown":
        assert taken(f"{local}{detail}@example.com", made)


@pytest.mark.parametrize("address", ["support", "info", "INFO+x", "sales+mg1rab" + "c" * 18, "gone-mg1bab" + "c" * 18])
def test_the_tables_of_a_store(gateway: Gateway, address: str) -> None:
    with gateway.store.write() as tx:
        aliases.rename(tx, "sales@example.com", "support@example.com")
    with gateway.store.read() as tx:
        from mailgate.store import domains

        made = Maps(domains.listing(tx), aliases.listing(tx))
    assert taken(f"{address}@example.com", made)
    assert not taken("nobody@example.com", made)
