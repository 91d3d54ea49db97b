"""The mailboxes of header fields: the author strictly, recipients leniently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.values import address, mailboxes


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        pytest.param("bob@client.org", "bob@client.org", id="bare"),
        pytest.param("<bob@client.org>", "bob@client.org", id="in-brackets"),
        pytest.param("Bob Ray <bob@client.org>", "bob@client.org", id="named"),
        pytest.param("Bob.Ray <bob@client.org>", "bob@client.org", id="dot-in-name"),
        pytest.param('"Ray, Bob" <bob@client.org>', "bob@client.org", id="comma-in-quoted-name"),
        pytest.param('"evil@x.com" <boss@corp.com>', "boss@corp.com", id="quoted-name-is-only-text"),
        pytest.param('"Boss boss@corp.com" <evil@x.com>', "evil@x.com", id="address-in-quoted-name"),
        pytest.param("boss(comment)@corp.com", "boss@corp.com", id="comment-before-at"),
        pytest.param("bob @ client.org", "bob@client.org", id="blanks-around-at"),
        pytest.param('"a\\"b" (x) @client.org', '"a\\"b"@client.org', id="quoted-local-comment-at"),
        pytest.param("(a) boss@corp.com (b (c))", "boss@corp.com", id="nested-comments"),
        pytest.param("bob@client.org (Bob Ray)", "bob@client.org", id="a-name-in-a-comment"),
        pytest.param("=?utf-8?q?B=C3=B6b?= <bob@client.org>", "bob@client.org", id="encoded-name"),
        pytest.param("Bob <Bob@CLIENT.Org>", "Bob@client.org", id="local-case-kept-domain-lowered"),
        pytest.param("bob+tag@client.org", "bob+tag@client.org", id="detail-kept"),
        pytest.param('"bob ray"@client.org', '"bob ray"@client.org', id="quoted-local-part"),
        pytest.param('"bob"@client.org', "bob@client.org", id="needlessly-quoted-local-part"),
        pytest.param("böb@client.org", "böb@client.org", id="utf8-local"),
        pytest.param("u@раypal.com", "u@xn--ypal-43d9g.com", id="mixed-script-domain-as-a-label"),
        pytest.param("u@faß.de", "u@xn--fa-hia.de", id="sharp-s-is-not-ss"),
        pytest.param("u@Bücher.DE", "u@xn--bcher-kva.de", id="u-label-lowered"),
        pytest.param("u@XN--BCHER-KVA.de", "u@xn--bcher-kva.de", id="a-label-lowered"),
        pytest.param("bob@[192.0.2.1]", "bob@[192.0.2.1]", id="address-literal"),
    ],
)
def test_a_field_with_one_mailbox_names_the_author(field: str, wanted: str) -> None:
    author = mailboxes.author([field])
    assert (str(author.address), author.defect) == (wanted, "")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        pytest.param(["Ray, Bob <bob@client.org>"], "Ray, Bob", id="a-comma-in-the-name"),
        pytest.param(['"Ray", Bob, Dr. <bob@client.org>'], "Ray Bob Dr.", id="commas-and-quotes"),
        pytest.param(
            ["=?utf-8?Q?Ray,=20Bob?= <bob@client.org>"],
            "=?utf-8?Q?Ray,=20Bob?=",
            id="a-comma-in-an-encoded-word",
        ),
        pytest.param(["bob@client.org <Bob@client.org>"], "bob@client.org", id="the-address-as-its-name"),
        pytest.param(["'bob@client.org' <bob@client.org>"], "'bob@client.org'", id="the-address-in-single-quotes"),
        pytest.param(
            ["=?utf-8?Q?ann@x.org?= <bob@client.org>"], "=?utf-8?Q?ann@x.org?=", id="an-address-in-an-encoded-word"
        ),
        pytest.param(["Bob <bob@client.org>,"], "Bob", id="a-comma-at-the-end"),
        pytest.param(["bob@client.org;"], "", id="a-semicolon-at-the-end"),
        pytest.param(["Friends: Bob <bob@client.org>;"], "Bob", id="a-group-of-one"),
        pytest.param(["Bob <bob@client.org>", "Bob <bob@client.org>"], "Bob", id="the-same-field-twice"),
        pytest.param(["bob@client.org (Bob Ray)"], "Bob Ray", id="a-name-in-a-comment"),
    ],
)
def test_one_address_in_the_whole_field_leaves_no_doubt(fields: list[str], name: str) -> None:
    author = mailboxes.author(fields)
    assert (author.address and author.address.key, author.name, author.defect) == ("bob@client.org", name, "")


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        pytest.param("Bob <bob@client.org", ["bob@client.org"], id="no-closing-bracket"),
        pytest.param('"Bob <bob@client.org>', ["bob@client.org"], id="a-lost-quote"),
        pytest.param("Test bob@client.org", ["bob@client.org"], id="words"),
        pytest.param("Bob <bob@x.org>, Ann <ann@x.org>", ["bob@x.org", "ann@x.org"], id="two"),
        pytest.param('"ann@x.org" <bob@x.org>', ["bob@x.org"], id="text-in-quotes"),
        pytest.param("=?utf-8?Q?ann@x.org?= <bob@x.org", ["bob@x.org"], id="an-encoded-word"),
        pytest.param("Bob Ray", [], id="none"),
        pytest.param("x" * 3000 + " bob@x.org", [], id="too-long"),
    ],
)
def test_the_addresses_of_a_field_are_seen_however_it_is_written(field: str, wanted: list[str]) -> None:
    assert list(map(str, mailboxes.named(field))) == wanted


@pytest.mark.parametrize(
    "field",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param("boss@corp.com <evil@x.com>", id="I7-address-before-bracket"),
        pytest.param("boss@corp.com Boss <evil@x.com>", id="address-then-word-before-bracket"),
        pytest.param("(<evil@x.com>) boss@corp.com", id="F10-a-bracket-in-a-comment"),
        pytest.param("boss@corp.com(evil@x.com)", id="F10-an-address-in-a-comment"),
        pytest.param("Boss (evil@x.com) <boss@corp.com>", id="F10-an-address-in-a-comment-after-a-name"),
        pytest.param("bob@client.org.", id="F10-a-dot-at-the-end"),
        pytest.param("Bob <bob@client.org.>", id="F10-a-dot-at-the-end-in-brackets"),
        pytest.param("bob@client.org\u00a0", id="F10-a-no-break-space-behind"),
        pytest.param("\u00a0bob@client.org", id="F10-a-no-break-space-in-front"),
        pytest.param("bob@\u3000client.org", id="F10-an-ideographic-space"),
        pytest.param("Bob <\u2003bob@client.org>", id="F10-an-em-space-in-brackets"),
        pytest.param("<boss@corp.com>evil@x.com", id="I7-text-behind-bracket"),
        pytest.param("<boss@corp.com> evil", id="word-behind-bracket"),
        pytest.param('<boss@corp.com> "evil"', id="quoted-text-behind-bracket"),
        pytest.param("boss@corp.com(<evil@x.com>", id="I7-open-comment"),
        pytest.param("boss@corp.com;evil@x.com", id="I7-semicolon"),
        pytest.param("boss@corp.com, evil@x.com", id="I6-two-mailboxes"),
        pytest.param("<a@x.org><b@x.org>", id="two-brackets"),
        pytest.param("<<bob@client.org>>", id="double-brackets"),
        pytest.param("Bob <bob@client.org", id="no-closing-bracket"),
        pytest.param("bob@client.org>", id="no-opening-bracket"),
        pytest.param('"Bob <bob@client.org>', id="open-quote"),
        pytest.param("Friends: bob@client.org, ann@client.org;", id="group-of-two"),
        pytest.param("Friends: bob@client.org", id="a-group-that-does-not-end"),
        pytest.param("eve@x.org: bob@client.org;", id="an-address-as-the-name-of-a-group"),
        pytest.param('"ann@client.org", Bob <bob@client.org>', id="a-comma-and-an-address-in-quotes"),
        pytest.param("=?utf-8?Q?ann@client.org,?= <bob@client.org>", id="an-encoded-word-in-two-pieces"),
        pytest.param("undisclosed-recipients:;", id="empty-group"),
        pytest.param("<@relay.org:bob@client.org>", id="obsolete-route"),
        pytest.param("boss bob @client.org", id="word-then-address-with-a-blank"),
        pytest.param("bob@client .org", id="blank-in-domain"),
        pytest.param('"boss" bob@client.org', id="quoted-word-then-bare-address"),
        pytest.param("boss bob@client.org", id="word-then-bare-address"),
        pytest.param("bob@client.org boss", id="bare-address-then-word"),
        pytest.param("bob@client. org", id="space-in-domain"),
        pytest.param("b(x)ob@client.org", id="comment-inside-an-atom"),
        pytest.param("bob..ray@client.org", id="two-dots"),
        pytest.param(".bob@client.org", id="leading-dot"),
        pytest.param("bob.@client.org", id="trailing-dot-in-local"),
        pytest.param("bob", id="no-domain"),
        pytest.param("@client.org", id="no-local-part"),
        pytest.param("<>", id="null"),
        pytest.param("bob@", id="empty-domain"),
        pytest.param("bob@client..org", id="empty-label"),
        pytest.param("bob@-client.org", id="label-starts-with-hyphen"),
        pytest.param("bob@cli_ent@x.org", id="two-ats"),
        pytest.param("=?utf-8?q?boss=40corp.com=3e=00?=@evil.com", id="I7-encoded-word-local"),
        pytest.param("Boss <=?utf-8?q?boss?=@evil.com>", id="encoded-word-in-brackets"),
        pytest.param("boss@corp.com\0 <evil@x.com>", id="nul"),
        pytest.param("bob\x07@client.org", id="bell"),
        pytest.param("bob@client.org\rBcc: x@y.org", id="carriage-return"),
        pytest.param("bob@client.org\x85", id="nel"),
        pytest.param("bob@client.org\u2028", id="line-separator"),
        pytest.param("bo\ufffeb@client.org", id="no-character"),
        pytest.param("u@exa\u00admple.com", id="I13-soft-hyphen"),
        pytest.param("u@exa\u200bmple.com", id="I13-zero-width-space"),
        pytest.param("u@a\u3002b.com", id="I13-ideographic-dot"),
        pytest.param("u@\u2488com", id="I13-digit-with-dot"),
        pytest.param("u@\u212aelvin.com", id="I13-kelvin-sign-in-domain"),
        pytest.param("u@\uff45xample.com", id="I13-fullwidth-letter"),
        pytest.param("u@example.com/evil", id="slash-in-domain"),
        pytest.param("a" * 65 + "@client.org", id="local-part-over-64"),
        pytest.param("a@" + ".".join(["b" * 60] * 5), id="domain-over-253"),
        pytest.param("ä" * 33 + "@client.org", id="local-part-over-64-octets"),
        pytest.param("bob@client.org " + "(" * 1000, id="thousand-open-comments"),
        pytest.param("x" * 70_000 + " <bob@client.org>", id="field-too-long"),
    ],
)
def test_a_doubtful_field_names_no_author(field: str) -> None:
    author = mailboxes.author([field])
    assert author.address is None
    assert author.defect


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([], id="none"),
        pytest.param(["bob@client.org", "Bob <bob@client.org>"], id="I6-two-fields-of-one-address"),
        pytest.param(["bob@client.org", ""], id="second-field-empty"),
    ],
)
def test_the_author_needs_exactly_one_from_field(fields: list[str]) -> None:
    author = mailboxes.author(fields)
    assert author.address is None
    assert author.defect


def test_the_author_is_shown_as_written() -> None:
    assert mailboxes.author(["boss@corp.com <evil@x.com>"]).text == "boss@corp.com <evil@x.com>"


@pytest.mark.parametrize(("more", "defect"), [(0, ""), (1, "address too long in From")])
def test_an_author_has_at_most_254_octets(more: int, defect: str) -> None:
    domain = ".".join(["b" * 60, "c" * (60 + more), "d" * 63, "org"])
    field = f"{'a' * 64}@{domain}"
    assert len(field) == 254 + more
    author = mailboxes.author([f"Bob <{field}>"])
    assert (author.defect, author.address is None) == (defect, bool(defect))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param("a@x.org", ["a@x.org"], id="bare"),
        pytest.param("A <a@x.org>, b@x.org", ["a@x.org", "b@x.org"], id="two"),
        pytest.param('"boss@corp.com, Bob" <bob@x.org>', ["bob@x.org"], id="address-in-a-quoted-name"),
        pytest.param('"boss@corp.com; Bob <a@x.org>" <bob@x.org>', ["bob@x.org"], id="mailbox-in-a-quoted-name"),
        pytest.param('"a\\", b@x.org, c" <bob@x.org>', ["bob@x.org"], id="address-behind-an-escaped-quote"),
        pytest.param("(x, sales@example.com, y) bob@x.org", ["bob@x.org"], id="address-in-a-comment"),
        pytest.param("(x (y), sales@x.org, z) bob@x.org", ["bob@x.org"], id="address-in-a-nested-comment"),
        pytest.param("(x \\), sales@x.org, y) bob@x.org", ["bob@x.org"], id="address-behind-an-escaped-parenthesis"),
        pytest.param('"B, A" <a@x.org>, b@x.org', ["a@x.org", "b@x.org"], id="quoted-comma"),
        pytest.param('"a\\"b, c" <a@x.org>', ["a@x.org"], id="escaped-quote"),
        pytest.param("Name <a@x.org", ["a@x.org"], id="no-closing-bracket"),
        pytest.param("Name <a@x.org, B <b@x.org>", ["a@x.org", "b@x.org"], id="no-closing-bracket-then-another"),
        pytest.param("a@x.org>", ["a@x.org"], id="no-opening-bracket"),
        pytest.param("b@x.com, c@x.com <d@x.com>", ["b@x.com", "d@x.com"], id="address-before-bracket"),
        pytest.param("Bob Ray bob@x.com", ["bob@x.com"], id="words-and-an-address"),
        pytest.param("undisclosed-recipients:;", [], id="empty-group"),
        pytest.param("Team: a@x.org, b@x.org; c@x.org", ["a@x.org", "b@x.org", "c@x.org"], id="group"),
        pytest.param("a@y.org :Team: b@x.org", ["a@y.org", "b@x.org"], id="colon-behind-an-address"),
        pytest.param("<a:b@x.org>", ['"a:b"@x.org'], id="colon-in-brackets"),
        pytest.param("A <a@x.org> Team: b@x.org", ["a@x.org"], id="colon-behind-brackets"),
        pytest.param("(old) a@x.org (b@x.org)", ["a@x.org"], id="comments"),
        pytest.param("<mailto:a@x.org>", ["a@x.org"], id="the-scheme-of-a-link"),
        pytest.param("<a@x.org> <b@x.org>", ["a@x.org", "b@x.org"], id="two-brackets"),
        pytest.param('"Bob <b@x.org>" <a@x.org>', ["a@x.org"], id="brackets-in-quotes"),
        pytest.param("a@x.org; b@x.org", ["a@x.org", "b@x.org"], id="outlook-semicolons"),
        pytest.param("a@x.org,, ,b@x.org,", ["a@x.org", "b@x.org"], id="empty-pieces"),
        pytest.param("a..b@x.org, .c@x.org", ['"a..b"@x.org', '".c"@x.org'], id="dots-anywhere"),
        pytest.param("INFO@Example.COM", ["INFO@example.com"], id="case"),
        pytest.param("nobody", [], id="no-at"),
        pytest.param("", [], id="empty"),
        pytest.param("=?utf-8?q?J=C3=B6rg=2C?= <a@x.org>", ["a@x.org"], id="encoded-comma-in-name"),
        pytest.param("info@bücher.de", ["info@xn--bcher-kva.de"], id="idn"),
    ],
)
def test_recipients_are_read_leniently(value: str, wanted: list[str]) -> None:
    assert [str(each) for each in mailboxes.read(value)] == wanted


def test_recipients_are_limited() -> None:
    assert len(mailboxes.read(",".join(f"u{n}@x.org" for n in range(3000)))) == 2000


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_nothing_raises_and_an_author_prints_to_itself(text: str) -> None:
    mailboxes.read(text)
    author = mailboxes.author([text]).address
    if author:
        assert address.parse(str(author)) == author


@given(st.text(alphabet='ab@<>(),;:." \\=?[]', max_size=24))
def test_what_an_author_is_has_one_at_outside_quotes(text: str) -> None:
    author = mailboxes.author([text]).address
    if author:
        assert "@" not in author.domain
        assert author.local
        assert (again := address.parse(author.key))
        assert again.key == author.key
