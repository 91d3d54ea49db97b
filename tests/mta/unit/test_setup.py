"""What `setup` says to put into the mail server, and what it finds when it looks."""

from pathlib import Path

import pytest

from mailgate.mta import exim, postfix, postfix_check
from mailgate.mta.check import FileState
from mailgate.mta.maps import Maps
from mailgate.mta.plan import Plan
from mailgate.mta.postfix_check import PostfixState
from mailgate.values.directory import Directory, Domain

EXAMPLES = Path(__file__).parents[3] / "examples"
PLAN = Plan(Maps(Directory({"example.com": Domain("example.com")})), "/var/lib/mailgate-maps")


def test_the_examples_are_what_setup_says_for_example_com() -> None:
    ways = {
        "postfix/transport": postfix.setup(PLAN, {}),
        "postfix/alias": postfix.setup(PLAN._replace(alias=True), {}),
        "exim": exim.setup(PLAN, ""),
    }
    said = {
        f"{'guard' if each.name == 'mailgate-pipe' else folder}/{each.name}": each.text
        for folder, setup in ways.items()
        for each in setup.files
    }
    other = {each for glob in ("*.eml", "systemd/*", "debian/*", "container/*") for each in EXAMPLES.glob(glob)}
    ours = (path for path in EXAMPLES.rglob("*") if path.is_file() and path not in other)
    found = {str(path.relative_to(EXAMPLES)): path.read_text() for path in ours}
    assert found == said


def main(present: dict[str, str], **more: object) -> dict[str, str]:
    """The settings of main.cf that are said for a server whose main.cf has these."""
    plan = PLAN._replace(**more)
    (text,) = (each.text for each in postfix.setup(plan, present).files if each.name == "main.cf")
    rows = (line.partition(" = ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in rows}


DOMAINS, ADDRESSES = (f"$default_database_type:/var/lib/mailgate-maps/{each}" for each in ("domains", "addresses"))
SIGNED = "regexp:/var/lib/mailgate-maps/signed"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("transport_maps", "hash:/etc/postfix/transport", f"hash:/etc/postfix/transport, {DOMAINS}"),
        ("transport_maps", "lmdb:/var/lib/mailgate-maps/domains", "lmdb:/var/lib/mailgate-maps/domains"),
        ("relay_domains", "other.example $mydestination", f"other.example, $mydestination, {DOMAINS}"),
        (
            "relay_recipient_maps",
            "inline:{ {a@b.example=ok}, c@d.example = ok }",
            f"inline:{{ {{a@b.example=ok}}, c@d.example = ok }}, {ADDRESSES}, {SIGNED}",
        ),
        ("recipient_delimiter", "-", "-+"),
        ("recipient_delimiter", "+", "+"),
        ("message_size_limit", "0", "51200000"),
        ("message_size_limit", "99999999", "51200000"),
    ],
)
def test_what_stands_in_main_cf_stays(name: str, old: str, new: str) -> None:
    assert main({name: old})[name] == new


def test_a_smaller_size_limit_stays() -> None:
    assert "message_size_limit" not in main({"message_size_limit": "10240000"})


def test_other_domains_that_are_relayed_go_on_without_a_list() -> None:
    """One list of recipients is for all of them, so those without one must be let through."""
    said = main({"relay_domains": "other.example, third.example"})["relay_recipient_maps"]
    assert said == f"inline:{{@other.example=ok, @third.example=ok}}, {ADDRESSES}, {SIGNED}"
    found = postfix.setup(PLAN, {"relay_domains": "hash:/etc/postfix/relays"})
    assert "hash:/etc/postfix/relays without a list" in found.notes[0]
    assert postfix.setup(PLAN, {"relay_domains": DOMAINS}).notes == ()


def test_an_alias_file_is_added_to_those_there_are() -> None:
    said = main({"alias_maps": "hash:/etc/aliases", "mydestination": "localhost"}, alias=True)
    assert said["alias_maps"] == "hash:/etc/aliases, $default_database_type:/var/lib/mailgate-maps/aliases"
    assert said["mydestination"] == "localhost, example.com"


@pytest.mark.parametrize(("value", "verdict"), [("51200000", "wrong"), ("0", "ok")])
def test_behind_an_alias_file_no_limit_of_mailboxes_holds_for_the_store(value: str, verdict: str) -> None:
    """postconf(5), mailbox_size_limit: it limits any file that is written by an external command."""
    plan = PLAN._replace(alias=True)
    assert main({"mailbox_size_limit": "51200000"}, alias=True)["mailbox_size_limit"] == "0"
    state = PostfixState({"mailbox_size_limit": value}, "", FileState(), {}, None)
    (found,) = (each for each in postfix_check.check(plan, state) if each.name == "mailbox_size_limit")
    assert found.verdict == verdict
    if verdict == "wrong":
        assert "postconf -e 'mailbox_size_limit = 0' && postfix reload" in str(found.fix)


@pytest.mark.parametrize(("delimiters", "said"), [(["-"], "-"), (["+", "-"], "+-"), (["", "="], "="), ([""], None)])
def test_the_server_cuts_where_the_domains_do(delimiters: list[str], said: str | None) -> None:
    domains = [Domain(f"d{at}.example.com", delimiter=each) for at, each in enumerate(delimiters)]
    assert main({}, maps=Maps(Directory({each.name: each for each in domains}))).get("recipient_delimiter") == said


def test_exim_goes_on_relaying_what_it_relays() -> None:
    texts = {each.name: each.text for each in exim.setup(PLAN, "other.example; third.example").files}
    assert "MAIN_RELAY_TO_DOMAINS = +mailgate_domains : other.example : third.example\n" in texts["main"]
