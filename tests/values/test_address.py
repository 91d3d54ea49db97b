"""One address: parsed, compared and printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.values import address, mailboxes
from mailgate.values.address import Address


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        pytest.param("Bob@client.org", "bob@CLIENT.org", True, id="ascii-case"),
        pytest.param("mi\u212ae@x.org", "mike@x.org", False, id="I12-kelvin-is-no-k"),
        pytest.param("\u0131nfo@x.org", "info@x.org", False, id="I12-dotless-i"),
        pytest.param("I@x.org", "i@x.org", True, id="capital-i"),
        pytest.param("stra\u00dfe@x.org", "strasse@x.org", False, id="I12-sharp-s"),
        pytest.param("\u00c4@x.org", "\u00e4@x.org", False, id="non-ascii-case-is-no-case"),
        pytest.param("a+b@x.org", "a@x.org", False, id="I12-no-plus-stripping"),
        pytest.param("a.b@x.org", "ab@x.org", False, id="no-dot-stripping"),
        pytest.param("u@bücher.de", "u@xn--bcher-kva.de", True, id="u-label-and-a-label"),
        pytest.param("u@faß.de", "u@fass.de", False, id="I13-sharp-s-domain"),
        pytest.param('"bob"@x.org', "bob@x.org", True, id="quoting-is-spelling"),
    ],
)
def test_addresses_are_equal_by_domain_and_local_part_in_any_case(one: str, two: str, same: bool) -> None:
    first, second = address.parse(one), address.parse(two)
    assert first
    assert second
    assert (first.key == second.key) is same


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("boss@corp.com.", id="a-dot-at-the-end"),
        pytest.param("<boss@corp.com. >", id="a-dot-and-a-blank"),
        pytest.param("boss@corp.com\u00a0", id="a-no-break-space-behind"),
        pytest.param("\u00a0boss@corp.com", id="a-no-break-space-in-front"),
        pytest.param("boss@\u3000corp.com", id="an-ideographic-space-in-front-of-the-domain"),
        pytest.param("boss\u2003@corp.com", id="an-em-space-behind-the-local-part"),
        pytest.param("<\u2003boss@corp.com>", id="an-em-space-in-brackets"),
    ],
)
def test_an_address_is_not_read_more_kindly_than_by_others(text: str) -> None:
    """F10: who checks DMARC sees another domain here, or none."""
    assert address.parse(text) is None


@pytest.mark.parametrize("text", ["boss@corp.com", " boss@corp.com\t", "<boss@corp.com>", "<boss@corp.com>\r\n"])
def test_an_address_between_plain_blanks_is_read(text: str) -> None:
    assert str(address.parse(text)) == "boss@corp.com"


def test_a_recipient_with_the_root_of_the_domain_is_read() -> None:
    assert str(address.lenient("boss@corp.com.")) == "boss@corp.com"


@pytest.mark.parametrize("code", [0, 9, 10, 13, 27, 127, 0x85, 0x9B, 0x2028, 0x2029, 0xD800, 0xFFFE, 0xFFFF])
def test_what_no_database_or_reader_of_xml_takes_is_in_no_address(code: int) -> None:
    for text in (f"b{chr(code)}b@client.org", f'"b{chr(code)}b"@client.org', f"b@cli{chr(code)}ent.org"):
        found = [*mailboxes.read(text), address.lenient(text), address.parse(text)]
        assert all(chr(code) not in str(each) for each in found)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("example.com", "example.com", id="plain"),
        pytest.param(" Example.COM. ", "example.com", id="trimmed-lowered-root-dot"),
        pytest.param("bücher.de", "xn--bcher-kva.de", id="u-label"),
        pytest.param("localhost", "localhost", id="one-label"),
        pytest.param("", None, id="empty"),
        pytest.param("a..b", None, id="empty-label"),
        pytest.param("-x.com", None, id="hyphen-first"),
        pytest.param("x-.com", None, id="hyphen-last"),
        pytest.param("a b.com", None, id="blank"),
        pytest.param("a,b.com", None, id="comma"),
        pytest.param("a!b.com", None, id="exclamation-mark"),
        pytest.param("exa\nmple.com", None, id="newline-inside"),
        pytest.param("u@example.com", None, id="an-address"),
        pytest.param("x" * 63 + ".com", "x" * 63 + ".com", id="label-of-63"),
        pytest.param("x" * 64 + ".com", None, id="label-of-64"),
        pytest.param(".".join(["x" * 50] * 6), None, id="over-253"),
        pytest.param("\u212aelvin.com", None, id="kelvin"),
        pytest.param("\u212aö.de", None, id="kelvin-in-a-label-that-stays-non-ascii"),
        pytest.param("ö\u0130.de", None, id="a-letter-whose-lower-case-has-two"),
    ],
)
def test_a_domain_becomes_lower_case_a_labels(text: str, wanted: str | None) -> None:
    assert address.domain(text) == wanted


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("\ud800", None),
        ("\x85", None),
        ("\u2028", None),
        ("a\u202eb", None),
        ("Ö", None),
        ("a\u00adb", None),
        ("bücher", "bücher.de"),
        ("пример", "пример.de"),
    ],
    ids=ascii,
)
def test_an_a_label_stands_for_the_letters_that_make_it(text: str, decoded: str | None) -> None:
    encoded = text.encode("punycode").decode("ascii")
    assert address.decoded(f"xn--{encoded}.de") == decoded


@pytest.mark.parametrize(
    ("name", "decoded"),
    [("example.com", "example.com"), ("xn--.de", None), ("xn--a.de", None), ("xn--99999999.de", None)],
)
def test_a_label_that_encodes_nothing_stands_for_nothing(name: str, decoded: str | None) -> None:
    assert address.decoded(name) == decoded


@pytest.mark.parametrize("text", ["", "<>", " <> ", "MAILER-DAEMON", "mailer-daemon", "<MAILER-DAEMON>", "< >"])
def test_the_null_reverse_path_has_several_spellings(text: str) -> None:
    assert address.is_null(text)


@pytest.mark.parametrize("text", ["bob@client.org", "<bob@client.org>", "mailer-daemon@client.org", "bob"])
def test_an_address_is_no_null_reverse_path(text: str) -> None:
    assert not address.is_null(text)


@pytest.mark.parametrize(
    ("local", "printed"),
    [
        ("bob", "bob"),
        ("a..b", '"a..b"'),
        ("bob ray", '"bob ray"'),
        ('q"b\\c', '"q\\"b\\\\c"'),
        ("-oX", "-oX"),
        ("böb", "böb"),
    ],
)
def test_a_local_part_is_printed_quoted_where_needed(local: str, printed: str) -> None:
    assert Address(local, "x.org").printed_local == printed


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_nothing_raises_and_a_key_is_its_own(text: str) -> None:
    _key_is_a_fixed_point(address.lenient(text))


@given(st.text(alphabet='ab@<>(),;:." \\=?[]', max_size=24))
def test_a_key_is_its_own_whatever_is_quoted(text: str) -> None:
    _key_is_a_fixed_point(address.lenient(text))


def _key_is_a_fixed_point(found: Address | None) -> None:
    if found:
        again = address.parse(found.key)
        assert again
        assert again.key == found.key


@pytest.mark.parametrize(
    "text", ['"Bob Ray"@x.org', '"a@b"@x.org', '"q\\"b\\\\c"@x.org', "A..b@x.org", "bob@[192.0.2.1]"]
)
def test_a_key_is_an_address(text: str) -> None:
    found = address.lenient(text)
    assert found
    _key_is_a_fixed_point(found)
