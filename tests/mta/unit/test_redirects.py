"""What providers and name servers have to be told: forwards, DNS records."""

import csv
import io
import re

import pytest

from mailgate.mta import redirects, zone
from mailgate.values.directory import Domain

HOME = Domain("example.com", retired=(("old", "catchall"), ("sales", "alias")))


def plain(domain: Domain, to: str) -> dict[str, str]:
    return {each.source: each.target for each in redirects.redirects(domain, ["info", "help"], to)}


def test_every_name_is_forwarded_plain_and_with_a_detail() -> None:
    names = ["catchall", "bounce", "info", "help", "old", "sales"]
    expected = {f"{each}@example.com": f"{each}@relay.net" for each in names}
    expected |= {f"{each}+*@example.com": f"{each}+*@relay.net" for each in names}
    assert plain(HOME, "relay.net") == expected


@pytest.mark.parametrize("change", [{"details": False}, {"delimiter": ""}])
def test_without_details_only_plain_names_are_forwarded(change: dict[str, object]) -> None:
    assert not [each for each in plain(HOME._replace(**change), "relay.net") if "*" in each]


def test_a_domain_may_have_another_delimiter() -> None:
    assert "bounce-*@example.com" in plain(HOME._replace(delimiter="-"), "relay.net")


def test_everything_may_be_forwarded_into_one_mailbox() -> None:
    assert set(plain(HOME, "box@provider.net").values()) == {"box@provider.net"}


def test_a_sender_that_is_no_alias_is_forwarded() -> None:
    assert "post@example.com" in plain(HOME._replace(sender="post"), "relay.net")
    assert len(plain(HOME._replace(sender="info"), "relay.net")) == len(plain(HOME, "relay.net"))


def test_redirects_are_printed_as_a_postfix_map_and_as_csv() -> None:
    rows = redirects.redirects(HOME, ["o,dd", "info"], "relay.net")
    lines = redirects.postfix(rows).splitlines()
    assert "info@example.com  info@relay.net" in lines
    assert not [line for line in lines[1:] if "*" in line]
    read = list(csv.reader(io.StringIO(redirects.table(rows))))
    assert read[0] == ["address", "forward_to", "what"]
    assert ["o,dd@example.com", "o,dd@relay.net", "alias"] in read
    assert len(read) == len(rows) + 1


def test_dns_records_are_printed_as_a_zone() -> None:
    found = zone.records("example.com", "mx.example.net", 5, ["192.0.2.1", "2001:db8::1"], "dmarc@example.com")
    lines = [line for line in zone.lines(found) if not line.startswith(";")]
    assert [line.split(maxsplit=3)[0::2] for line in lines] == [
        ["example.com.", "MX"],
        ["mx.example.net.", "A"],
        ["mx.example.net.", "AAAA"],
        ["example.com.", "TXT"],
        ["_dmarc.example.com.", "TXT"],
    ]
    assert lines[0].endswith("5 mx.example.net.")
    assert 'rua=mailto:dmarc@example.com"' in lines[-1]
    assert all(len(line) <= 80 for line in zone.lines(found) if line.startswith(";"))


def test_long_texts_are_cut_into_strings() -> None:
    value = 'a"b\\c' * 200
    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', zone.text(value))
    assert all(len(re.sub(r"\\(.)", r"\1", each)) <= 255 for each in pieces)
    assert "".join(re.sub(r"\\(.)", r"\1", each) for each in pieces) == value


@pytest.mark.parametrize("start", ["=", "+", "-"])
def test_no_spreadsheet_takes_an_address_for_a_formula(start: str) -> None:
    """A name such as `=cmd|'/k'!a1` was run when the file was opened."""
    rows = redirects.redirects(Domain("example.com"), [f"{start}cmd|'/k'!a1", "info"], "other.test")
    lines = redirects.table(rows).splitlines()
    assert f"'{start}cmd|'/k'!a1@example.com,'{start}cmd|'/k'!a1@other.test,alias" in lines
    assert "info@example.com,info@other.test,alias" in lines
