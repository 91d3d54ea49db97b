"""Who really sent it: Authentication-Results by their grammar, believed from servers of ours only, and what follows."""

import random
import time
from typing import Any

import pytest
from helpers.gateway import Gateway
from helpers.messages import (
    BOB,
    INFO,
    SECRET,
    decide,
    facts,
    incoming,
    known,
    mail,
    said,
    sent,
    state,
    stored,
    verdicts,
)
from hypothesis import given
from hypothesis import strategies as st

from mailgate.routing import authentication, explain
from mailgate.routing import facts as reading
from mailgate.routing.authentication import RESULT_LIMIT, VALUE_LIMIT, Authentication, Field, Result, parse
from mailgate.routing.state import Delivery, Placement, State, Trust
from mailgate.values import token
from mailgate.values.directory import Alias, Contact
from mailgate.values.record import Ref

MX = "mx.example.com"
TRUST = Trust(frozenset({MX}), border_strips=True, own_hops=1)
PASS = f"{MX}; dmarc=pass header.from=client.org"
FAIL = f"{MX}; dmarc=fail header.from=client.org"
HOP = ("Received", "from a by b; Mon, 1 Jan 2024 00:00:00 +0000")


def results(value: str) -> list[str]:
    """What a field says, one result a line: `dmarc=pass header.from=client.org`."""
    found = parse(value)
    assert found is not None
    assert found.authserv_id == MX
    assert found.results is not None
    return [
        " ".join([f"{each.method}={each.result}", *(f"{key}={text}" for key, text in each.properties.items())])
        for each in found.results
    ]


# --- the grammar of RFC 8601 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param("example.org 1; none", Field("example.org", []), id="B.1-nothing-checked"),
        pytest.param(
            "example.com;          spf=pass smtp.mailfrom=example.net",
            Field("example.com", [Result("spf", "pass", {"smtp.mailfrom": "example.net"})]),
            id="B.2-service-provided",
        ),
        pytest.param(
            "example.com;  auth=pass (cram-md5) smtp.auth=sender@example.net;   spf=pass smtp.mailfrom=example.net",
            Field(
                "example.com",
                [
                    Result("auth", "pass", {"smtp.auth": "sender@example.net"}),
                    Result("spf", "pass", {"smtp.mailfrom": "example.net"}),
                ],
            ),
            id="B.3-two-methods",
        ),
        pytest.param(
            'example.com; dkim=fail reason="bad signature"  header.i=@mail-router.example.net',
            Field(
                "example.com",
                [Result("dkim", "fail", {"reason": "bad signature", "header.i": "@mail-router.example.net"})],
            ),
            id="B.5-a-reason",
        ),
        pytest.param(
            "foo.example.net (foobar) 1 (baz);  dkim (Because I like it) / 1 (One yay) = (wait for it) fail"
            "    policy (A dot can go here) . (like that) expired"
            "    (this surprised me) = (as I wasn't expecting it) 1362471462",
            Field("foo.example.net", [Result("dkim", "fail", {"policy.expired": "1362471462"})]),
            id="B.7-comments-everywhere",
        ),
    ],
)
def test_the_examples_of_the_standard(value: str, wanted: Field) -> None:
    assert parse(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param(f"{MX}; dmarc=pass", ["dmarc=pass"], id="plain"),
        pytest.param(f"{MX}", [], id="nothing-said"),
        pytest.param(f"{MX};", [], id="an-empty-result"),
        pytest.param(f"{MX}; none", [], id="none"),
        pytest.param(f"{MX}; None", [], id="none-in-any-case"),
        pytest.param(f"{MX}; dmarc=none", ["dmarc=none"], id="a-result-none"),
        pytest.param(f"{MX}; dmarc=pass;", ["dmarc=pass"], id="a-semicolon-at-the-end"),
        pytest.param(f"{MX};dmarc=pass;spf=fail", ["dmarc=pass", "spf=fail"], id="no-white-space"),
        pytest.param(f"{MX} ; dmarc = pass header.from = x.org", ["dmarc=pass header.from=x.org"], id="around-equals"),
        pytest.param(f" \t{MX};\r\n\tdmarc=pass\r\n header.from=x.org", ["dmarc=pass header.from=x.org"], id="folded"),
        pytest.param(f"{MX} 1; dmarc=pass", ["dmarc=pass"], id="version-1"),
        pytest.param(f"{MX}\t1 ; dmarc=pass", ["dmarc=pass"], id="version-1-after-a-tab"),
        pytest.param(f"{MX}(c)1(c); dmarc=pass", ["dmarc=pass"], id="version-1-after-a-comment"),
        pytest.param(f"{MX}; dmarc/1=pass", ["dmarc=pass"], id="version-of-a-method"),
        pytest.param(f"{MX}; dmarc / 1 =pass", ["dmarc=pass"], id="blanks-around-the-slash"),
        pytest.param(f"{MX}; dmarc/2=pass", ["dmarc/2=pass"], id="another-version-of-a-method-is-another-method"),
        pytest.param(f"{MX}; dmarc=pass header .from=x.org", ["dmarc=pass header.from=x.org"], id="before-the-dot"),
        pytest.param(f"{MX}; dmarc=pass header. from=x.org", ["dmarc=pass header.from=x.org"], id="after-the-dot"),
        pytest.param(f"{MX}; DMARC=Pass HEADER.From=X.org", ["dmarc=pass header.from=X.org"], id="case-of-keywords"),
        pytest.param(f"{MX.upper()}; dmarc=pass", ["dmarc=pass"], id="case-of-the-id"),
        pytest.param(f'"{MX}"; dmarc=pass', ["dmarc=pass"], id="quoted-id"),
        pytest.param('"mx.ex\\ample.com"; dmarc=pass', ["dmarc=pass"], id="quoted-pair-in-the-id"),
        pytest.param(f"(c) {MX} (c); dmarc=pass", ["dmarc=pass"], id="comments-around-the-id"),
        pytest.param(f"{MX}; (c) dmarc (c) = (c) pass (c)", ["dmarc=pass"], id="comments-everywhere"),
        pytest.param(f"{MX}; dmarc=pass(p=reject)header.from=x.org", ["dmarc=pass header.from=x.org"], id="adjacent"),
        pytest.param(f"{MX}; dmarc=pass (a (b (c)) d)", ["dmarc=pass"], id="nested-comments"),
        pytest.param(f"{MX}; dmarc=fail (; dmarc=pass)", ["dmarc=fail"], id="a-result-in-a-comment"),
        pytest.param(f'{MX}; dmarc=fail ("); dmarc=none', ["dmarc=fail", "dmarc=none"], id="a-quote-in-a-comment"),
        pytest.param(f"{MX}; dmarc=fail (\\); dmarc=pass)", ["dmarc=fail"], id="an-escaped-bracket-in-a-comment"),
        pytest.param(f"{MX}; dmarc=fail (\\(); dmarc=none", ["dmarc=fail", "dmarc=none"], id="another-escaped-bracket"),
        pytest.param(f'{MX}; spf=pass smtp.mailfrom="a;b"', ["spf=pass smtp.mailfrom=a;b"], id="semicolon-in-quotes"),
        pytest.param(f'{MX}; spf=pass reason="a (b"', ["spf=pass reason=a (b"], id="bracket-in-quotes"),
        pytest.param(f'{MX}; spf=pass reason="a \\" b"', ['spf=pass reason=a " b'], id="escaped-quote"),
        pytest.param(f'{MX}; spf=pass reason="\\\\"; x=y', ["spf=pass reason=\\", "x=y"], id="escaped-backslash"),
        pytest.param(f'{MX}; spf=pass reason=""', ["spf=pass reason="], id="nothing-in-quotes"),
        pytest.param(f'{MX}; spf=pass reason="=" x.y=z', ["spf=pass reason== x.y=z"], id="an-equals-sign-in-quotes"),
        pytest.param(
            f'{MX}; spf=pass smtp.mailfrom="a b"@x.org', ["spf=pass smtp.mailfrom=a b@x.org"], id="quoted-local-part"
        ),
        pytest.param(
            f"{MX}; auth=pass smtp.auth=D\\bob; x=y", ["auth=pass smtp.auth=D\\bob", "x=y"], id="a-bare-backslash"
        ),
        pytest.param(
            f'{MX}; spf=fail smtp.mailfrom="x; dmarc=pass header.from=client.org"@evil.org',
            ["spf=fail smtp.mailfrom=x; dmarc=pass header.from=client.org@evil.org"],
            id="I9-a-result-in-a-quoted-value",
        ),
        pytest.param(
            f"{MX}; spf=pass (mx: domain of a@b.org designates 192.0.2.1 as permitted) smtp.mailfrom=a@b.org;"
            " dkim=pass header.i=@b.org header.s=s1 header.b=Ab/c+dEf;"
            " dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=b.org",
            [
                "spf=pass smtp.mailfrom=a@b.org",
                "dkim=pass header.i=@b.org header.s=s1 header.b=Ab/c+dEf",
                "dmarc=pass header.from=b.org",
            ],
            id="as-large-providers-write-it",
        ),
        pytest.param(
            f"{MX}; dmarc=pass action=none header.from=x.org;compauth=pass reason=100",
            ["dmarc=pass action=none header.from=x.org", "compauth=pass reason=100"],
            id="a-property-without-a-type",
        ),
        pytest.param(
            f"{MX}; spf=pass smtp.mailfrom=жук@почта.рф", ["spf=pass smtp.mailfrom=жук@почта.рф"], id="rfc-6532"
        ),
    ],
)
def test_what_a_field_says(value: str, wanted: list[str]) -> None:
    assert results(value) == wanted


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(" \t ", id="blank"),
        pytest.param("(only a comment)", id="only-a-comment"),
        pytest.param("; dmarc=pass", id="nothing-in-front-of-the-semicolon"),
        pytest.param(f"({MX}); dmarc=pass", id="the-id-in-a-comment"),
        pytest.param("dmarc=pass header.from=client.org", id="a-result-in-place-of-the-id"),
        pytest.param("=; dmarc=pass", id="an-equals-sign-in-place-of-the-id"),
        pytest.param('""; dmarc=pass', id="an-empty-id"),
    ],
)
def test_a_field_without_results_gives_no_verdict(value: str) -> None:
    assert parse(value) is None


WORDS = ["dmarc", "spf", "pass", "fail", "none", "header.from", "smtp.mailfrom", "client.org", MX, "1", "reason"]
SCRAPS = st.sampled_from([*WORDS, *'();="\\.,/@ \t\r\n\0', "(c)", '"q"', "é", "\ufffd", "\u2028"])


@given(st.one_of(st.text(), st.lists(SCRAPS).map("".join)))
def test_nothing_makes_it_fail(value: str) -> None:
    found = parse(value)
    assert found is None or found.authserv_id
    authentication.verdict(facts(mail("", ("Authentication-Results", value.replace("\n", " ")))), TRUST)


atom = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-", min_size=1, max_size=8)
text = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, blacklist_categories=("Cc",)), max_size=12)
method = st.tuples(
    st.sampled_from(["dmarc", "spf", "dkim", "x-iprev"]),
    st.sampled_from(["pass", "fail", "temperror"]),
    st.dictionaries(st.builds("{}.{}".format, atom, atom).map(str.lower), text, max_size=3),
)


@given(st.lists(method, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_comments_quotes_folding_and_case_change_nothing(written: list[Any], draw: random.Random) -> None:
    """What is written by the grammar, however it looks, is read as it is meant."""

    def gap(least: str = "") -> str:
        filling = ["", " ", "\t", "\r\n ", "(c)", '(a (b;) \\) " = dmarc=pass)', " () "]
        return draw.choice([each for each in filling if each or not least])

    def cased(word: str) -> str:
        return draw.choice([word, word.upper(), word.title()])

    def value(word: str) -> str:
        plain = word.isalnum() and word.isascii()
        return word if plain and draw.random() < 0.5 else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'

    field = gap() + draw.choice([MX, f'"{MX}"', MX.upper()]) + draw.choice(["", gap(" ") + "1"]) + gap()
    for name, result, properties in written:
        version = draw.choice(["", gap() + "/" + gap() + "1"])
        field += ";" + gap() + cased(name) + version + gap() + "=" + gap() + cased(result)
        for key, meaning in properties.items():
            typed, _, about = key.partition(".")
            field += gap(" ") + cased(typed) + gap() + "." + gap() + cased(about) + gap() + "=" + gap() + value(meaning)
        field += gap()
    assert parse(field) == Field(MX, [Result(*each) for each in written])


@pytest.mark.parametrize(
    "huge",
    [
        pytest.param(lambda n: "(" * n, id="comments-that-never-close"),
        pytest.param(lambda n: f"{MX}; a=b" + "()" * n, id="empty-comments"),
        pytest.param(lambda n: f"{MX}; a=" + "\\" * n, id="backslashes"),
        pytest.param(lambda n: f'{MX}; a="' + '\\"' * n, id="escaped-quotes"),
        pytest.param(lambda n: f'{MX}; a="' + "x" * n + '"', id="one-long-value"),
        pytest.param(lambda n: MX + ";" * n, id="semicolons"),
        pytest.param(lambda n: f"{MX}; " + "=" * n, id="equals-signs"),
        pytest.param(lambda n: f"{MX}; " + "a=b; " * n, id="results"),
        pytest.param(lambda n: f"{MX}; a=b " + "a.b=c " * n, id="properties"),
        pytest.param(lambda n: f"{MX}; a" + "." * n + "=b", id="dots"),
        pytest.param(lambda n: f"{MX}; a " + "/ " * n + "=b", id="slashes"),
    ],
)
def test_a_huge_field_costs_no_time(huge: Any) -> None:
    value = huge(1_000_000)
    message = facts(mail("", *[("Authentication-Results", value)] * 5))
    started = time.process_time()
    for _ in range(20):
        assert authentication.verdict(message, TRUST).result == "none"
    assert time.process_time() - started < 2


# --- whose fields count ----------------------------------------------------------------------------------------------


def judged(*fields: tuple[str, str] | str, trust: Trust = TRUST, **more: str | None) -> Authentication:
    """The verdict on a mail of Bob's with these fields, from the top; a bare text is an Authentication-Results."""
    every = [each if isinstance(each, tuple) else ("Authentication-Results", each) for each in fields]
    return authentication.verdict(facts(mail("", *every, **more)), trust)


@pytest.mark.parametrize(
    ("trust", "because"),
    [
        pytest.param(Trust(), "no server is trusted", id="nothing-configured"),
        pytest.param(Trust(border_strips=True), "no server is trusted", id="no-id-named"),
        pytest.param(
            TRUST._replace(border_strips=False),
            "forged results are not said to be stripped",
            id="border-does-not-strip",
        ),
        pytest.param(
            TRUST._replace(authserv_ids=frozenset({"mx2.example.com"})),
            "no result of a trusted server",
            id="another-id",
        ),
        pytest.param(
            TRUST._replace(authserv_ids=frozenset({"example.com"})), "no result of a trusted server", id="a-longer-name"
        ),
        pytest.param(
            TRUST._replace(authserv_ids=frozenset({"in.mx.example.com"})), "no result of a trusted server", id="shorter"
        ),
        pytest.param(TRUST._replace(authserv_ids=frozenset({""})), "no result of a trusted server", id="an-empty-id"),
    ],
)
def test_nobody_is_believed_who_is_not_named(trust: Trust, because: str) -> None:
    assert judged(PASS, trust=trust) == Authentication("none", because)
    assert judged(PASS).result == "pass"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(
            "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=client.org; dmarc=pass header.from=client.org", id="x"
        ),
        pytest.param("dmarc=pass action=none header.from=client.org;compauth=pass reason=100", id="dmarc-first"),
        pytest.param("dmarc = pass header.from=client.org", id="with-blanks"),
        pytest.param("dmarc(c)=pass header.from=client.org", id="with-a-comment"),
        pytest.param(f"dmarc=pass header.from=client.org; {MX}", id="with-the-id-later"),
    ],
)
@pytest.mark.parametrize("trusted", [MX, "", "dmarc", "spf", "dmarc=pass"])
def test_a_field_that_names_no_server_never_counts(value: str, trusted: str) -> None:
    assert judged(value, trust=TRUST._replace(authserv_ids=frozenset({trusted}))).result == "none"
    assert judged(value, PASS).result == "pass", "and harms nobody"


@pytest.mark.parametrize(
    ("hops", "fields", "wanted"),
    [
        pytest.param(0, [PASS, HOP], "pass", id="0-hops-on-top"),
        pytest.param(0, [HOP, PASS], "none", id="0-hops-below-one"),
        pytest.param(1, [PASS, HOP], "pass", id="1-hop-on-top"),
        pytest.param(1, [HOP, PASS, HOP], "pass", id="1-hop-below-one"),
        pytest.param(1, [HOP, HOP, PASS], "none", id="1-hop-below-two"),
        pytest.param(2, [HOP, HOP, PASS, HOP], "pass", id="2-hops-below-two"),
        pytest.param(2, [HOP, HOP, HOP, PASS], "none", id="2-hops-below-three"),
        pytest.param(
            1, [HOP, ("Received", f"from evil by {MX}; now"), PASS], "none", id="I9-a-forged-hop-of-ours-adds-no-reach"
        ),
        pytest.param(1, [HOP, ("RECEIVED ", f"by {MX}"), PASS], "none", id="however-it-is-written"),
        pytest.param(1, [HOP, ("X-Received", "from a"), PASS], "pass", id="x-received-is-no-hop"),
        pytest.param(1, [HOP, FAIL, HOP, PASS], "fail", id="I9-below-the-true-one"),
        pytest.param(1, [HOP, PASS, HOP, FAIL], "pass", id="what-is-out-of-reach-says-nothing"),
    ],
)
def test_how_far_down_a_field_counts(hops: int, fields: list[Any], wanted: str) -> None:
    assert judged(*fields, trust=TRUST._replace(own_hops=hops)).result == wanted


OTHER_MX = "mx2.example.com"
BOTH = Trust(frozenset({MX, OTHER_MX}), border_strips=True)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        pytest.param([PASS, PASS], "none", id="two-of-one"),
        pytest.param([PASS, FAIL], "fail", id="I9-a-forged-one-below"),
        pytest.param([FAIL, PASS], "fail", id="I9-a-forged-one-on-top"),
        pytest.param([PASS, PASS.upper()], "none", id="in-any-case"),
        pytest.param([PASS, PASS.replace(MX, f'"{MX}"')], "none", id="quoted"),
        pytest.param([PASS, f"{MX}; spf=pass"], "none", id="even-without-dmarc"),
        pytest.param([PASS, f"{MX}; none"], "none", id="even-without-results"),
        pytest.param([PASS, PASS.replace(MX, "evil.org")], "pass", id="beside-a-stranger"),
        pytest.param([PASS.replace(MX, "evil.org"), FAIL], "fail", id="below-a-stranger"),
        pytest.param([PASS, PASS.replace(MX, OTHER_MX)], "pass", id="two-servers-agree"),
        pytest.param([PASS, FAIL.replace(MX, OTHER_MX)], "fail", id="two-servers-disagree"),
        pytest.param([PASS, f"{OTHER_MX}; spf=pass smtp.mailfrom=x.org"], "pass", id="one-says-nothing-of-it"),
        pytest.param([PASS, PASS, FAIL.replace(MX, OTHER_MX)], "fail", id="two-of-one-beside-another"),
    ],
)
def test_a_server_counts_only_with_one_field(fields: list[str], wanted: str) -> None:
    assert judged(*fields, trust=BOTH).result == wanted


def test_it_says_what_is_in_doubt() -> None:
    assert judged(PASS, PASS, trust=BOTH).because == f"2 results of {MX} contradict each other"
    assert judged(f"{MX}; dmarc", trust=BOTH).because == f"a result of {MX} cannot be read"


# --- what they say ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        pytest.param("dmarc=pass header.from=client.org", "pass", id="pass"),
        pytest.param("dmarc=pass header.from=CLIENT.org.", "pass", id="domain-in-any-case"),
        pytest.param("DMARC=PASS HEADER.FROM=client.org", "pass", id="keywords-in-any-case"),
        pytest.param("dmarc=fail header.from=client.org", "fail", id="fail"),
        pytest.param("dmarc=fail", "fail", id="fail-without-a-domain"),
        pytest.param("dmarc=pass", "none", id="pass-without-a-domain"),
        pytest.param("dmarc=pass header.d=client.org", "none", id="with-another-property"),
        pytest.param("dmarc=pass smtp.mailfrom=client.org", "none", id="I8-the-reverse-path"),
        pytest.param("dmarc=pass header.from=client.net", "none", id="another-domain"),
        pytest.param("dmarc=pass header.from=sub.client.org", "none", id="a-sub-domain"),
        pytest.param("dmarc=pass header.from=org", "none", id="a-shorter-domain"),
        pytest.param("dmarc=pass header.from=evilclient.org", "none", id="I11-a-longer-name"),
        pytest.param("dmarc=pass header.from=bob@client.org", "none", id="an-address"),
        pytest.param('dmarc=pass header.from=""', "none", id="an-empty-domain"),
        pytest.param("dmarc=fail header.from=client.net", "fail", id="fail-of-another-domain"),
        pytest.param("dmarc=none header.from=client.org", "none", id="none"),
        pytest.param("dmarc=temperror header.from=client.org", "none", id="temperror"),
        pytest.param("dmarc=permerror header.from=client.org", "none", id="permerror"),
        pytest.param("dmarc=bestguesspass header.from=client.org", "none", id="bestguesspass"),
        pytest.param("dmarc=passed header.from=client.org", "none", id="passed"),
        pytest.param("spf=pass smtp.mailfrom=client.org", "none", id="spf-alone"),
        pytest.param("dkim=pass header.d=client.org", "none", id="dkim-alone"),
        pytest.param("dmarc/2=pass header.from=client.org", "none", id="another-version-of-dmarc"),
        pytest.param("x-dmarc=pass header.from=client.org", "none", id="another-method"),
        pytest.param("arc=pass dmarc=pass header.from=client.org", "none", id="dmarc-as-a-property"),
        pytest.param(
            "spf=pass smtp.mailfrom=client.org; dkim=pass header.d=client.org; dmarc=fail header.from=client.org",
            "fail",
            id="only-dmarc-speaks-for-from",
        ),
        pytest.param(
            "dmarc=pass header.from=client.org; dmarc=pass header.from=client.org", "pass", id="two-that-pass"
        ),
        pytest.param(
            "dmarc=pass header.from=client.org; dmarc=fail header.from=client.org", "fail", id="one-of-two-fails"
        ),
        pytest.param(
            "dmarc=fail header.from=client.org; dmarc=pass header.from=client.org", "fail", id="the-first-of-two-fails"
        ),
        pytest.param(
            "dmarc=pass header.from=client.org; dmarc=temperror header.from=client.org",
            "none",
            id="one-of-two-in-doubt",
        ),
        pytest.param("dmarc=pass header.from=client.org; dmarc=pass", "none", id="one-of-two-without-a-domain"),
        pytest.param(
            "dmarc=pass header.from=client.org; dmarc=pass header.from=evil.org", "none", id="one-of-two-elsewhere"
        ),
    ],
)
def test_what_a_result_means(value: str, wanted: str) -> None:
    assert judged(f"{MX}; {value}").result == wanted


@pytest.mark.parametrize(
    ("sender", "domain", "wanted"),
    [
        pytest.param("bob@sub.client.org", "client.org", "none", id="the-organisation-of-a-sub-domain"),
        pytest.param("bob@sub.client.org", "sub.client.org", "pass", id="a-sub-domain"),
        pytest.param("bob@bücher.example", "xn--bcher-kva.example", "pass", id="u-label-in-from"),
        pytest.param("bob@xn--bcher-kva.example", "bücher.example", "pass", id="u-label-in-the-result"),
        pytest.param("bob@BÜCHER.example", "Bücher.EXAMPLE", "pass", id="u-labels-in-any-case"),
        pytest.param("bob@bucher.example", "bücher.example", "none", id="I13-without-the-accent"),
        pytest.param("bob@fass.example", "faß.example", "none", id="I13-no-mapping"),
        pytest.param("bob@pаypal.example", "paypal.example", "none", id="I13-a-cyrillic-letter"),
        pytest.param("bob@[192.0.2.1]", "[192.0.2.1]", "none", id="no-domain-at-all"),
        pytest.param("a@client.org, b@client.org", "client.org", "none", id="I6-two-mailboxes"),
        pytest.param("bob@client.org <eve@evil.org>", "client.org", "none", id="I7-two-readings"),
        pytest.param("bob@client.org <eve@evil.org>", "evil.org", "none", id="I7-the-other-reading"),
        pytest.param('"bob@client.org" <eve@evil.org>', "evil.org", "pass", id="I5-a-name-is-only-text"),
        pytest.param('"bob@client.org" <eve@evil.org>', "client.org", "none", id="I5-and-speaks-for-nobody"),
        pytest.param(None, "client.org", "none", id="no-from"),
    ],
)
def test_who_is_vouched_for(sender: str | None, domain: str, wanted: str) -> None:
    assert judged(f"{MX}; dmarc=pass header.from={domain}", **{"from": sender}).result == wanted
    assert judged(f"{MX}; dmarc=fail header.from={domain}", **{"from": sender}).result == "fail", "never in doubt"


def test_two_from_fields_are_nobody() -> None:
    found = judged(("From", "eve@evil.org"), PASS)
    assert found == Authentication("none", "the author is unknown: several From fields")


@pytest.mark.parametrize(
    ("field", "because"),
    [
        pytest.param(PASS, f"{MX}: dmarc=pass for client.org", id="pass"),
        pytest.param(f"{FAIL}; {PASS.partition('; ')[2]}", f"{MX}: dmarc=fail/pass for client.org", id="both"),
        pytest.param(f"{MX}; spf=pass", f"{MX} says nothing of DMARC", id="nothing"),
        pytest.param(
            f"{MX}; dmarc=pass header.from=evil.org", f"{MX} speaks of another domain than client.org", id="another"
        ),
    ],
)
def test_it_says_what_it_rests_on(field: str, because: str) -> None:
    assert judged(field).because == because


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        pytest.param(PASS + " " * (VALUE_LIMIT - len(PASS) - 1), "pass", id="4-KiB"),
        pytest.param(PASS + " " * (VALUE_LIMIT - len(PASS)), "none", id="a-character-more"),
        pytest.param(PASS + f" ({'x' * VALUE_LIMIT})", "none", id="a-long-comment"),
        pytest.param(PASS + "; a=b" * (RESULT_LIMIT - 1), "pass", id="50-results"),
        pytest.param(PASS + "; a=b" * RESULT_LIMIT, "none", id="51-results"),
        pytest.param(f"{MX}{'; a=b' * RESULT_LIMIT}; dmarc=fail header.from=client.org", "fail", id="fail-as-well"),
    ],
)
def test_a_long_field_proves_nothing(field: str, wanted: str) -> None:
    assert judged(field).result == wanted


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(f"{MX} 2; dmarc=pass header.from=client.org", id="another-version"),
        pytest.param(f"{MX} 1 1; dmarc=pass header.from=client.org", id="two-versions"),
        pytest.param(f"{MX} x; dmarc=pass header.from=client.org", id="a-word-after-the-id"),
        pytest.param(f"{MX}; dmarc pass header.from=client.org", id="no-equals-sign"),
        pytest.param(f"{MX}; dmarc==pass header.from=client.org", id="two-equals-signs"),
        pytest.param(f"{MX}; dmarc=pass header.from", id="a-property-without-a-value"),
        pytest.param(f"{MX}; dmarc=pass header.from=", id="a-property-without-anything"),
        pytest.param(f"{MX}; =pass header.from=client.org", id="no-method"),
        pytest.param(f"{MX}; dmarc= header.from=client.org", id="no-result"),
        pytest.param(f"{MX}; dm(c)arc=pass header.from=client.org", id="a-comment-in-a-word"),
        pytest.param(f"{MX}; dmarc=pass header.from=client.org (", id="a-comment-that-never-closes"),
        pytest.param(f"{MX}; dmarc=pass (() header.from=client.org", id="a-nested-one"),
        pytest.param(f"{MX}; dmarc=pass header.from=client.org)", id="a-comment-that-never-opened"),
        pytest.param(f"{MX}; dmarc=pass header.from=client.org (\\)", id="an-escaped-bracket"),
        pytest.param(f'{MX}; dmarc=pass header.from="client.org', id="a-quote-that-never-closes"),
        pytest.param(f'{MX}; dmarc=pass header.from="client.org\\"', id="an-escaped-quote"),
        pytest.param(f"{MX}; dmarc=pass header.from=client.org\0", id="a-control-character"),
        pytest.param(f"{MX}; dmarc=pass header.from=client.org x.y=\x1b", id="an-escape"),
        pytest.param(f"{MX}; dmarc=pass header.from=client.org x.y=\u2028", id="a-line-separator"),
        pytest.param(f"{MX}; dmarc=pass header.from=client.org; x", id="a-word-as-a-result"),
        pytest.param(f"{MX}; none x; dmarc=pass header.from=client.org", id="none-and-more"),
        pytest.param(f"{MX}; dmarc x=pass header.from=client.org", id="two-words-as-a-method"),
        pytest.param(f"{MX}; dmarc=pass header from=client.org", id="two-words-as-a-property"),
        pytest.param(f"{MX}; dmarc=pass header.from=client.org header.from=evil.org", id="a-property-twice"),
        pytest.param(f"{MX}; dmarc=pass header.from=evil.org Header . From=client.org", id="twice-in-another-spelling"),
        pytest.param(f"{MX} (; dmarc=pass header.from=client.org", id="a-comment-before-the-first-semicolon"),
        pytest.param(PASS + " " * VALUE_LIMIT, id="too-long"),
        pytest.param(PASS + "; dkim=pass header.d=evil.org" * RESULT_LIMIT, id="too-many-results"),
    ],
)
def test_what_cannot_be_read_proves_nothing(field: str) -> None:
    found = parse(field)
    assert found is not None
    assert (found.authserv_id, found.complete) == (MX, False)
    assert judged(field).result == "none"
    assert judged(field).doubtful
    assert judged(field, FAIL).result == judged(FAIL, field).result == "fail", "and takes nothing from a fail"
    assert judged(field, PASS).result == "none", "nor does another field of that server: who knows which is the forged"
    assert judged(PASS, field).result == "none"
    assert judged(field.replace(MX, "evil.org"), PASS).result == "pass", "of a stranger it harms nobody"


# --- what follows from it --------------------------------------------------------------------------------------------

ONE, OWNER = Ref("crm.lead", 1), Ref("crm.team", 5)
CREATED = ["create alias crm.lead info@example.com"]
STANDINGS: dict[str, dict[str, Any]] = {
    "contact": {"contact": Contact(BOB)},
    "member": {"contact": Contact(BOB, member=True)},
    "follower": {"followed": frozenset({OWNER})},
}
ARCHIVED = {"contact": Contact(BOB, member=True, archived=True)}


def outcome(field: str, *aliases: Alias, raw: dict[str, str | None] | None = None, **more: Any) -> Any:
    """What becomes of a mail of Bob's to info@ with this field."""
    return decide(
        mail("", ("Authentication-Results", field), **(raw or {})),
        "info@example.com",
        given=state(*aliases, trust=TRUST, **more),
    )


@pytest.mark.parametrize("policy", ["everyone", "contacts", "members", "followers"])
@pytest.mark.parametrize("standing", STANDINGS.values(), ids=STANDINGS)
def test_a_forged_author_whom_we_know_is_held_and_not_answered(standing: dict[str, Any], policy: str) -> None:
    found = outcome(FAIL, INFO._replace(policy=policy, owner=OWNER), **standing)
    assert [(each.action, each.reason, each.quiet) for each in found.outcomes] == [("hold", "unverified", False)]
    assert (found.outgoing, found.status.exit) == ((), 0)
    assert verdicts(found)["sender"] == "hold"
    (saw,) = (step.saw for step in found.steps if step.rule == "sender")
    assert f"{MX}: dmarc=fail for client.org" in saw


@pytest.mark.parametrize("standing", STANDINGS.values(), ids=STANDINGS)
@pytest.mark.parametrize(
    ("to", "raw"),
    [
        pytest.param("info@example.com", {"references": "<a@x>"}, id="a-reply"),
        pytest.param(
            "catchall@example.com", {"references": "<a@x>", "to": "catchall@example.com"}, id="at-the-catchall"
        ),
        pytest.param("catchall@example.com", {"to": "catchall@example.com"}, id="what-would-be-refused"),
        pytest.param("nobody@example.com", {"to": "nobody@example.com"}, id="what-has-no-route"),
        pytest.param("info@example.com", {"auto_submitted": "auto-replied"}, id="automatic"),
    ],
)
def test_a_forged_author_is_held_whatever_was_addressed(
    standing: dict[str, Any], to: str, raw: dict[str, str | None]
) -> None:
    given = state(trust=TRUST, known=known(stored(1, "<a@x>", ONE)), **standing)
    found = decide(mail("", ("Authentication-Results", FAIL), **raw), to, given=given)
    assert (said(found), found.outgoing, found.status.exit) == (["hold unverified"], (), 0)


LOWERED = {
    "a-second-field-that-passes": (FAIL, PASS),
    "a-blank-before-the-colon": (("Authentication-Results ", PASS), FAIL),
    "a-comment-in-front": (f"(x) {PASS}", FAIL),
    "quotes-around-the-id": (PASS.replace(MX, f'"{MX}"'), FAIL),
    "sixty-dkim-keys-behind": (FAIL + "; dkim=pass header.d=evil.org" * 60,),
    "sixty-dkim-keys-in-front": (f"{MX}{'; dkim=pass header.d=evil.org' * 60}; {FAIL.partition('; ')[2]}",),
    "a-field-longer-than-is-read": (f"{MX}; spf=pass smtp.mailfrom={'x' * VALUE_LIMIT}; {FAIL.partition('; ')[2]}",),
    "a-letter-outside-ascii-in-a-comment": (f"{MX}; spf=pass (\u00e9\ufffd); {FAIL.partition('; ')[2]}",),
    "a-control-character-in-front": (f"{MX}; spf=pass x.y=\x1b; {FAIL.partition('; ')[2]}",),
    "a-control-character-behind": (f"{FAIL} x.y=\0",),
    "a-property-twice": (f"{FAIL} header.from=evil.org",),
    "a-comment-that-never-closes": (f"{MX}; spf=pass (; {FAIL.partition('; ')[2]}",),
    "another-domain": (f"{MX}; dmarc=fail header.from=evil.org",),
    "two-results-one-passes": (f"{MX}; dmarc=temperror header.from=client.org; dmarc=pass header.from=client.org",),
}


@pytest.mark.parametrize("standing", [*STANDINGS.values(), {"allowed": True}], ids=[*STANDINGS, "allow-list"])
@pytest.mark.parametrize("fields", LOWERED.values(), ids=LOWERED)
def test_a_forger_cannot_lower_a_fail(fields: tuple[Any, ...], standing: dict[str, Any]) -> None:
    """F9: whatever is added to a fail, or makes it hard to read, a forged author with rights is held."""
    every = [each if isinstance(each, tuple) else ("Authentication-Results", each) for each in fields]
    found = decide(mail("", *every), "info@example.com", given=state(INFO, trust=TRUST, **standing))
    assert said(found) == ["hold unverified"]


@pytest.mark.parametrize("standing", [*STANDINGS.values(), {"allowed": True}], ids=[*STANDINGS, "allow-list"])
@pytest.mark.parametrize(
    "field",
    [
        pytest.param(PASS, id="pass"),
        pytest.param(f"{MX}; dmarc=none header.from=client.org", id="none"),
        pytest.param(f"{MX}; spf=pass", id="nothing-of-dmarc"),
        pytest.param("evil.org; dmarc=fail header.from=client.org; spf=pass (", id="said-by-a-stranger"),
    ],
)
def test_an_author_with_rights_of_whom_nothing_bad_is_said_is_taken(field: str, standing: dict[str, Any]) -> None:
    assert said(outcome(field, INFO, **standing)) == CREATED


def test_two_fields_of_one_server_that_agree_hold_nobody() -> None:
    """Filters that check DKIM and DMARC often write a field each."""
    fields = [("Authentication-Results", f"{MX}; dkim=pass header.d=client.org"), ("Authentication-Results", PASS)]
    found = decide(mail("", *fields), "info@example.com", given=state(INFO, trust=TRUST, **STANDINGS["member"]))
    assert said(found) == CREATED


@pytest.mark.parametrize("more", [{}, ARCHIVED], ids=["a-stranger", "an-archived-contact"])
def test_a_forged_stranger_goes_on(more: dict[str, Any]) -> None:
    found = outcome(FAIL, **more)
    assert (said(found), found.authentic, verdicts(found)["sender"]) == (CREATED, "fail", "fail")


@pytest.mark.parametrize(
    ("to", "given", "held"),
    [
        pytest.param(
            "info@example.com", state(INFO._replace(policy="contacts")), "policy info@example.com", id="policy"
        ),
        pytest.param("catchall@example.com", state(), "catchall catchall@example.com", id="catchall"),
        pytest.param("info@example.com", state(made={("crm.lead", BOB): 20}), "rate-limit info@example.com", id="rate"),
    ],
)
@pytest.mark.parametrize("field", [FAIL, PASS, f"{MX}; none"], ids=["fail", "pass", "none"])
def test_a_forged_stranger_is_never_answered(to: str, given: State, held: str, field: str) -> None:
    given = given._replace(settings=given.settings._replace(trust=TRUST))
    found = decide(mail("", ("Authentication-Results", field), to=to), to, given=given)
    if field == FAIL:
        assert (said(found), found.outgoing, found.outcomes[0].quiet) == ([f"hold {held}"], (), False)
        assert f"the author is forged ({MX}: dmarc=fail for client.org)" in found.outcomes[0].note
    else:
        assert (said(found), len(found.outgoing)) == ([f"refuse {held}"], 1)


@pytest.mark.parametrize(
    ("field", "taken"),
    [
        pytest.param(PASS, True, id="pass"),
        pytest.param(f"{MX}; dmarc=none header.from=client.org", False, id="none"),
        pytest.param(f"{MX}; dmarc=pass", False, id="pass-without-a-domain"),
        pytest.param(f"{MX}; dmarc=pass header.from=evil.org", False, id="pass-for-another-domain"),
        pytest.param(f"{MX}; spf=pass smtp.mailfrom=client.org", False, id="I8-only-spf"),
        pytest.param("evil.org; dmarc=pass header.from=client.org", False, id="I9-said-by-a-stranger"),
        pytest.param("dmarc=pass header.from=client.org", False, id="said-by-nobody"),
    ],
)
@pytest.mark.parametrize(
    ("policy", "standing"),
    [
        pytest.param("contacts", "contact", id="contacts"),
        pytest.param("members", "member", id="members"),
        pytest.param("followers", "follower", id="followers"),
    ],
)
def test_an_authenticated_alias_needs_standing_and_a_pass(policy: str, standing: str, field: str, taken: bool) -> None:
    strict = INFO._replace(policy=policy, owner=OWNER, authenticated=True)
    found = outcome(field, strict, **STANDINGS[standing])
    assert said(found) == (CREATED if taken else ["refuse policy info@example.com"])
    if not taken:
        assert f"{policy}, authenticated only, and nobody vouches for {BOB}" in found.outcomes[0].note
    assert said(outcome(field, strict._replace(authenticated=False), **STANDINGS[standing])) == CREATED


def test_a_pass_is_no_standing() -> None:
    strict = INFO._replace(policy="contacts", authenticated=True)
    assert said(outcome(PASS, strict)) == ["refuse policy info@example.com"]
    assert said(outcome(PASS, strict, **ARCHIVED)) == ["refuse policy info@example.com"]


@pytest.mark.parametrize("field", [PASS, FAIL, f"{MX}; none", ""], ids=["pass", "fail", "none", "no-field"])
def test_authenticated_means_nothing_where_everyone_may_write(field: str) -> None:
    assert said(outcome(field, INFO._replace(authenticated=True))) == CREATED


def test_without_trust_nothing_changes() -> None:
    found = decide(mail("", ("Authentication-Results", FAIL)), "info@example.com", given=state(contact=Contact(BOB)))
    assert (said(found), found.authentic, verdicts(found)["sender"]) == (CREATED, "none", "no verdict")


SIGNED = f"info+{token.sign(token.REPLY, SECRET, 7, str(ONE), BOB)}@example.com"


@pytest.mark.parametrize(
    ("field", "more", "wanted"),
    [
        pytest.param(FAIL, {}, "post token crm.lead/1", id="a-stranger"),
        pytest.param(FAIL, ARCHIVED, "post token crm.lead/1", id="an-archived-contact"),
        pytest.param(FAIL, {"contact": Contact(BOB)}, "hold unverified", id="a-contact"),
        pytest.param(FAIL, {"followed": frozenset({ONE})}, "hold unverified", id="a-follower"),
        pytest.param(PASS, {"followed": frozenset({ONE})}, "post token crm.lead/1", id="a-follower-who-passes"),
        pytest.param(f"{MX}; none", {"followed": frozenset({ONE})}, "post token crm.lead/1", id="no-verdict"),
    ],
)
def test_a_signed_address_says_nothing_of_its_writer(field: str, more: dict[str, Any], wanted: str) -> None:
    delivery = Delivery(7, 9, "<sent7@example.com>", Placement(ONE, INFO), BOB)
    given = state(trust=TRUST, deliveries={7: delivery}, records=frozenset({ONE}), **more)
    found = decide(mail("", ("Authentication-Results", field), to=SIGNED), SIGNED, given=given)
    assert (said(found), sent(found)) == ([wanted], [])


@pytest.mark.parametrize(
    ("field", "shown", "flags"),
    [
        pytest.param(PASS, "pass", ("authenticated",), id="pass"),
        pytest.param(FAIL, "fail", ("forged",), id="fail"),
        pytest.param(f"{MX}; spf=pass", "none", (), id="none"),
    ],
)
def test_the_verdict_is_shown_and_stored(gateway: Gateway, field: str, shown: str, flags: tuple[str, ...]) -> None:
    gateway.config = gateway.config._replace(authserv_ids=(MX,), border_strips=True)
    raw = mail("", ("Authentication-Results", field))
    preview = outcome(field)
    assert (
        explain.tree(reading.read(incoming(raw, "info@example.com")), preview, dry_run=True)["message"]["authentic"]
        == shown
    )
    receipt = gateway(raw, "info@example.com")
    assert receipt.number
    assert gateway.why(receipt.number)["message"]["authentic"] == shown
    assert [each.flags for each in gateway.messages()] == [flags]


def test_a_copy_with_another_verdict_is_a_copy(gateway: Gateway) -> None:
    """Servers write the field, not the sender: it is no part of what he wrote."""
    gateway.config = gateway.config._replace(authserv_ids=(MX,), border_strips=True)
    gateway(mail("", ("Authentication-Results", PASS)), "info@example.com")
    gateway(mail("", ("Authentication-Results", FAIL)), "info@example.com")
    assert (gateway.records(), gateway.held(), len(gateway.messages())) == (["crm.lead/1"], [], 1)
    gateway.contact(BOB)
    gateway(mail("", ("Authentication-Results", FAIL)), "info@example.com")
    assert (gateway.held(), len(gateway.messages())) == (["unverified"], 2), (
        "whom we know by more than that mail is held"
    )


@pytest.mark.parametrize("more", [{"reverse_path": "catchall@example.com"}, {"spam": "YES"}], ids=["own-path", "spam"])
def test_nothing_a_forger_writes_keeps_him_from_being_held(more: dict[str, str]) -> None:
    trust = Trust(frozenset({"mx.example.com"}), border_strips=True)
    field = ("Authentication-Results", "mx.example.com; dmarc=fail header.from=client.org")
    closed = INFO._replace(policy="contacts", spam="quiet")
    found = decide(
        mail("", field, x_spam_flag=more.get("spam")),
        "info@example.com",
        reverse_path=more.get("reverse_path", BOB),
        given=state(closed, trust=trust, contact=Contact(BOB)),
    )
    assert [(each.action, each.reason) for each in found.outcomes] == [("hold", "unverified")]
