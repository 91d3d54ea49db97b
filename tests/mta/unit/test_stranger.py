"""What a stranger's RCPT should get, and what the answers say about a server."""

from collections.abc import Mapping, Sequence

import pytest

from mailgate.mta import asking, postfix_class, stranger
from mailgate.mta.maps import Maps
from mailgate.mta.plan import Plan
from mailgate.mta.postfix_class import Unanswered
from mailgate.mta.session import Endpoint
from mailgate.mta.stranger import Answer, Asked
from mailgate.values.directory import Alias, Directory, Domain
from mailgate.values.problem import command

ALIAS = Alias(1, "support", "example.com", "ticket")
MAPS = Maps(Directory({"example.com": Domain("example.com")}).with_aliases([ALIAS]))
PLAN = Plan(MAPS, "/maps")
SIGNED = f"support+mg1r{'a' * 22}@example.com"
FIX = command("mailgate setup postfix")


def test_every_kind_is_asked() -> None:
    assert {each.kind: each.address for each in stranger.questions(PLAN)} == {
        "alias": "support@example.com",
        "catchall": "catchall@example.com",
        "signed": SIGNED,
        "bounce": "bounce@example.com",
        "postmaster": "postmaster@example.com",
        "unknown": "mailgate-knows-no-such-address@example.com",
    }
    assert [each.kind for each in stranger.questions(PLAN) if not each.taken] == ["unknown"]


def test_postmaster_is_not_ours_where_the_server_has_its_own() -> None:
    for plan in (PLAN._replace(alias=True), PLAN._replace(maps=MAPS._replace(shared=frozenset({"example.com"})))):
        assert [each.ours for each in stranger.questions(plan) if each.kind == "postmaster"] == [False]


def test_what_a_fallback_model_takes_is_not_unknown() -> None:
    (unknown,) = (e for e in stranger.questions(PLAN._replace(maps=MAPS._replace(unknown=True))) if e.kind == "unknown")
    assert (unknown.taken, unknown.ours) == (True, True)


RIGHT = {each.address: Answer("taken" if each.taken else "refused", "x", True) for each in stranger.questions(PLAN)}


@pytest.mark.parametrize(
    ("way", "verdict", "said"),
    [
        ({}, "ok", "alias, catchall, signed, bounce, postmaster taken, unknown refused"),
        ({"support@example.com": Answer("refused", "550")}, "wrong", "alias support@example.com: it is refused: 550"),
        ({SIGNED: Answer("later", "451")}, "wrong", "its mail is put off: 451"),
        ({SIGNED: Answer("taken", "to `local`", False)}, "wrong", "its mail does not go to mailgate: to `local`"),
        ({f"{stranger.UNKNOWN}@example.com": Answer("taken", "250")}, "wrong", "it is taken: 250"),
        ({SIGNED: Answer("unclear", "450 grey")}, "unknown", f"signed {SIGNED}: 450 grey"),
    ],
)
def test_one_wrong_answer_is_a_fault(way: dict[str, Answer], verdict: str, said: str) -> None:
    asked = Asked(stranger.questions(PLAN), [{**RIGHT, **way}])
    (found,) = stranger.check(asked, FIX, FIX)
    assert (found.name, found.verdict) == ("rcpt example.com", verdict)
    assert said in found.text


def test_a_second_way_may_find_what_the_first_does_not() -> None:
    asked = Asked(stranger.questions(PLAN), [RIGHT, {"catchall@example.com": Answer("refused", "550 no")}])
    assert [each.verdict for each in stranger.check(asked, FIX, FIX)] == ["wrong"]


def test_a_stopped_server_is_a_fault_and_one_that_cannot_be_asked_is_none() -> None:
    for stopped, verdict in ((True, "wrong"), (False, "unknown")):
        found = stranger.check(Asked(silence="127.0.0.1:25 does not answer", stopped=stopped), FIX, FIX)
        assert [(each.name, each.verdict) for each in found] == [("smtp", verdict)]


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (250, "2.1.5 Ok", "taken"),
        (550, "5.1.1 User unknown", "refused"),
        (550, "Unrouteable address", "refused"),
        (454, "4.7.1 <a@b>: Relay access denied", "refused"),
        (554, "5.7.1 <a@b>: Relay access denied", "refused"),
        (554, "5.7.1 Client host blocked", "unclear"),
        (450, "4.2.0 Greylisted", "unclear"),
        (451, "4.3.0 Temporary lookup failure", "later"),
        (451, "Temporary local problem - please try later", "later"),
    ],
)
def test_a_reply_is_about_the_address_or_not(code: int, text: str, said: str) -> None:
    assert stranger.answer(code, text).said == said


# Postfix

OURS = {
    "hash:/maps/domains": {"example.com": "mailgate:"},
    "hash:/maps/addresses": {f"{each}@example.com": "mailgate:" for each in ("support", "catchall")},
}
TRANSPORT = {
    "relay_domains": "hash:/maps/domains",
    "transport_maps": "hash:/maps/domains",
    "relay_recipient_maps": "hash:/maps/addresses",
    "recipient_delimiter": "+",
    "mydestination": "mx.example.net, localhost",
    "local_recipient_maps": "unix:passwd.byname, hash:/etc/aliases",
}


def lookup(table: str, keys: Sequence[str]) -> Mapping[str, str]:
    tables = OURS | {
        "hash:/etc/vdomains": {"example.com": "yes"},
        "hash:/etc/vmailbox": {"jane@example.com": "jane/"},
        "hash:/etc/valias": {"jane@example.com": "jane@localhost", "support@example.com": "support@example.com"},
        "hash:/etc/aliases": {"postmaster": "root"},
        "hash:/maps/aliases": {"support": '"|/usr/local/sbin/mailgate-pipe"'},
        "unix:passwd.byname": {"jane": "jane:x:1000"},
    }
    if table not in tables:
        raise Unanswered(f"{table}: no such table")
    return {key: tables[table][key] for key in keys if key in tables[table]}


@pytest.mark.parametrize(
    ("more", "address", "refusal", "destination"),
    [
        ({}, "support@example.com", "", "mailgate:"),
        ({}, "support+x@example.com", "", "mailgate:"),
        ({"recipient_delimiter": ""}, "support+x@example.com", "relay_recipient_maps", "mailgate:"),
        ({}, "nobody@example.com", "relay_recipient_maps", "mailgate:"),
        ({"relay_recipient_maps": ""}, "nobody@example.com", "", "mailgate:"),
        ({"smtpd_reject_unlisted_recipient": "no"}, "nobody@example.com", "", "mailgate:"),
        ({"relay_domains": ""}, "support@example.com", "relay access denied", "mailgate:"),
        ({"transport_maps": "", "relay_transport": "relay"}, "support@example.com", "", "relay"),
        ({"virtual_mailbox_domains": "hash:/etc/vdomains", "virtual_mailbox_maps": "hash:/etc/vmailbox"},
         "support@example.com", "virtual_mailbox_maps", "mailgate:"),
        ({"virtual_mailbox_domains": "proxy:x, !example.com"}, "support@example.com", None, ""),
        ({"virtual_alias_domains": "example.com", "virtual_alias_maps": "hash:/etc/valias"},
         "catchall@example.com", "virtual_alias_maps", ""),
        ({"virtual_alias_domains": "example.com", "virtual_alias_maps": "hash:/etc/valias"},
         "support+x@example.com", "", ""),
        ({"mydestination": "example.com", "transport_maps": "", "alias_maps": "hash:/etc/aliases, hash:/maps/aliases",
          "local_recipient_maps": "unix:passwd.byname, hash:/etc/aliases, hash:/maps/aliases"},
         "support+x@example.com", "", '"|/usr/local/sbin/mailgate-pipe"'),
        ({"mydestination": "example.com", "transport_maps": ""}, "support@example.com", "local_recipient_maps", ""),
    ],
)  # fmt: skip
def test_what_postfix_does(more: dict[str, str], address: str, refusal: str | None, destination: str) -> None:
    route = postfix_class.routes(TRANSPORT | more, [address], lookup)[address]
    if refusal is None:
        assert "no such table" in route.unanswered
    else:
        assert (refusal in route.refusal, route.destination) == (True, destination)
        assert bool(route.refusal) == bool(refusal)


@pytest.mark.parametrize(
    ("services", "endpoint"),
    [
        ("smtp inet n - y - - smtpd", Endpoint("127.0.0.1", 25)),
        ("127.0.0.1:2525 inet n - n - - smtpd", Endpoint("127.0.0.1", 2525)),
        ("submission inet n - y - - smtpd\nsmtp inet n - y - 1 postscreen", Endpoint("127.0.0.1", 25)),
        ("submission inet n - y - - smtpd", None),
        ("pickup unix n - y 60 1 pickup", None),
    ],
)
def test_where_postfix_listens(services: str, endpoint: Endpoint | None) -> None:
    assert asking.postfix_endpoint(services, "all") == endpoint


@pytest.mark.parametrize(
    ("interfaces", "ports", "endpoint"),
    [
        ("", "smtp", Endpoint("127.0.0.1", 25)),
        ("<; 127.0.0.1.2525 ; ::1.2525", "smtp", Endpoint("127.0.0.1", 2525)),
        ("127.0.0.1 : 192.0.2.7", "25 : 587", Endpoint("127.0.0.1", 25)),
        ("<; ::0 ; 0.0.0.0", "26", Endpoint("127.0.0.1", 26)),
    ],
)
def test_where_exim_listens(interfaces: str, ports: str, endpoint: Endpoint) -> None:
    assert asking.exim_endpoint(interfaces, ports) == endpoint
