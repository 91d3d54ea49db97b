"""Domains, aliases, contacts, senders and parameters by command."""

import pytest
from helpers.installed import Installed


def test_the_first_domain_has_everything(installed: Installed) -> None:
    assert installed.json("domain", "add", "Example.COM.") == {
        "name": "example.com",
        "catchall": "catchall",
        "bounce": "bounce",
        "retired": [],
        "same_as": None,
        "sender": "catchall",
        "signature": "",
        "former_aliases": [],
        "capture_until": None,
        "company": "",
        "contact": None,
        "language": "en",
        "delimiter": "+",
        "details": True,
        "default": True,
    }


def test_domain_set_keeps_old_names_working_until_forget(office: Installed) -> None:
    office.ok("domain", "set", "example.com", "--catchall", "answers")
    assert office.json("domain", "show", "example.com")["retired"] == ["catchall"]
    refused = office.json("route", "-f", "eve@x.org", "catchall@example.com", stdin=office.mail("catchall@example.com"))
    assert refused["outcomes"][0]["reason"] == "catchall"
    office.ok("domain", "forget", "example.com", "catchall")
    gone = office.json("route", "-f", "eve@x.org", "catchall@example.com", stdin=office.mail("catchall@example.com"))
    assert gone["outcomes"][0]["reason"] == "no-route"


def test_a_name_taken_back_is_retired_no_more(office: Installed) -> None:
    office.ok("domain", "set", "example.com", "--catchall", "answers")
    office.ok("domain", "set", "example.com", "--catchall", "catchall")
    assert office.json("domain", "show", "example.com")["retired"] == ["answers"]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("domain set example.com --bounce catchall", "would be catchall and bounce address at once"),
        ("domain set example.com --catchall support", "`support@example.com` is an alias (creates ticket)"),
        ("domain set example.com --delimiter ab", "cannot separate a detail"),
        ("domain set example.com --delimiter a", "cannot separate a detail"),
        ("domain set example.com --contact nobody", "`nobody` is not a mail address"),
        ("alias add catchall --model x", "is the catchall address of example.com"),
        ("alias add bounce --model x", "is the bounce address of example.com"),
        ("alias add support@example.com --model x", "alias `support@example.com` already exists (creates ticket)"),
        ("alias add лист --model x", "cannot be a mail name"),
        ("alias add x --model two/words", "`two/words` cannot be a model"),
        ("alias add x --model x --set nothing", "`nothing` is not KEY=VALUE"),
        ("alias add x --model x --record ticket", "`ticket` is not a record"),
        ("alias add x --model x --notify catchall@example.com", "is a local address"),
        ("alias add x --model x --notify nobody", "`nobody` is not a mail address"),
    ],
)
def test_a_name_that_is_taken_is_an_error_that_names_the_obstacle(office: Installed, command: str, error: str) -> None:
    screen = office(*command.split())
    assert screen.exit == 1
    assert error in screen.err
    assert len(office.json("alias", "list")) == 2
    assert office.json("domain", "show", "example.com")["catchall"] == "catchall"


def test_a_retired_name_is_in_the_way_too(office: Installed) -> None:
    office.ok("domain", "set", "example.com", "--bounce", "returns")
    screen = office("alias", "add", "bounce", "--model", "x")
    assert "is a retired bounce address of example.com" in screen.err
    assert "mailgate domain forget example.com bounce" in screen.err


def test_the_same_name_in_two_domains(office: Installed) -> None:
    office.ok("domain", "add", "example.org")
    assert office.json("alias", "add", "support@example.org", "--model", "task")["address"] == "support@example.org"


def test_the_first_domain_is_the_default_until_another_is_chosen(office: Installed) -> None:
    office.ok("domain", "add", "example.org", "--default")
    assert office.json("alias", "add", "sales", "--model", "x")["address"] == "sales@example.org"
    assert [each["default"] for each in office.json("domain", "list")] == [False, True]


def test_a_domain_is_removed(office: Installed) -> None:
    office.ok("domain", "add", "example.org")
    office.ok("domain", "remove", "example.org", "--yes")
    assert [each["name"] for each in office.json("domain", "list")] == ["example.com"]


def test_alias_add_says_what_the_name_became(office: Installed) -> None:
    screen = office("alias", "add", "Hélène Prôvâïder@example.com", "--model", "x")
    assert screen.out == "added alias helene-provaider@example.com -> x\n"
    assert "is stored as `helene-provaider`" in screen.err


def test_alias_set_changes_and_unsets_options(office: Installed) -> None:
    office.ok("record", "create", "ticket", "--name", "One")
    command = "alias set support --set prio=high --unset team --record ticket/1 --from members"
    command += " --local-part --authenticated --spam quiet --refusal No. --notify ann@example.net"
    command += " --list Team@lists.example.net --calendar record --reply-to ignore --cc follow --requester to"
    changed = office.json(*command.split())
    assert changed == {
        "address": "support@example.com",
        "model": "ticket",
        "values": {"prio": "high"},
        "from": "members",
        "record": "ticket/1",
        "owner": None,
        "local_part": True,
        "authenticated": True,
        "refusal": "No.",
        "notify": ["ann@example.net"],
        "spam": "quiet",
        "automatic": "quiet",
        "replies": "everyone",
        "list": ["team@lists.example.net"],
        "calendar": "record",
        "reply_to": "ignore",
        "cc": "follow",
        "requester": "to",
        "status": "not-tested",
        "former": [],
    }
    command = (
        "alias set support --no-record --no-owner --no-local-part --no-authenticated --no-notify --no-list --refusal"
    )
    back = office.json(*command.split(), "")
    assert (back["record"], back["local_part"], back["authenticated"], back["notify"]) == (None, False, False, [])
    assert (back["refusal"], back["list"]) == ("", [])


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ("--record m/9", "record m/9 does not exist: mailgate record create m"),
        ("--owner m/9", "owner m/9 does not exist: mailgate record create m"),
        ("--record ticket/1", "record ticket/1 is not of the model m"),
        (
            "--from followers",
            "there is no owner record whose followers may write: mailgate alias set x@example.com --owner MODEL/ID",
        ),
    ],
)
def test_an_alias_that_points_nowhere_is_a_warning(office: Installed, options: str, warning: str) -> None:
    office.ok("record", "create", "ticket")
    screen = office("alias", "add", "x", "--model", "m", *options.split())
    assert (screen.exit, screen.err) == (0, f"warning: x@example.com: {warning}\n")


def test_an_address_may_be_typed_with_its_name(office: Installed) -> None:
    assert office.json("alias", "show", "Support <support@example.com>")["address"] == "support@example.com"
    assert office.json("contact", "add", "Bob Ray <bob@client.org>")["address"] == "bob@client.org"


def test_who_becomes_an_own_address_follows_no_more(office: Installed) -> None:
    office.ok("record", "create", "ticket")
    office("record", "follow", "ticket/1", "later@example.com")
    office.ok("alias", "add", "later", "--model", "ticket")
    assert office.json("record", "show", "ticket/1")["followers"] == []


def test_alias_remove_says_how_many_records_stay(office: Installed) -> None:
    for subject in ("one", "two"):
        office.deliver(office.mail("support@example.com", subject=subject), "support@example.com")
    assert "would remove alias support@example.com (its 2 records stay)\n" in office("alias", "remove", "support").err
    assert "would remove alias closed@example.com\n" in office("alias", "remove", "closed").err


def test_alias_remove_keeps_its_records(office: Installed) -> None:
    office.deliver(office.mail("support@example.com"), "support@example.com")
    office.ok("alias", "remove", "support@example.com", "--yes")
    assert [each["record"] for each in office.json("record", "list")] == ["ticket/1"]


def test_contacts_are_added_changed_and_archived(office: Installed) -> None:
    office.ok("contact", "add", "Bob@Client.ORG", "--name", "Bob Ray")
    assert office.json("contact", "list") == [
        {"address": "bob@client.org", "name": "Bob Ray", "member": False, "archived": False, "bounces": 0}
    ]
    assert "already exists" in office("contact", "add", "bob@client.org").err
    assert office.json("contact", "set", "bob@client.org", "--member")["member"] is True
    assert office.json("contact", "archive", "bob@client.org")["archived"] is True
    assert office.json("contact", "add", "bob@client.org")["archived"] is False


def test_senders_are_allowed_blocked_and_removed(office: Installed) -> None:
    office.ok("sender", "allow", "bob@client.org")
    office.ok("sender", "block", "bob@client.org")
    assert office.json("sender", "list") == [{"address": "bob@client.org", "verdict": "block"}]
    office.ok("sender", "remove", "bob@client.org", "--yes")
    assert office.json("sender", "list") == []


def test_parameters_are_set_and_read(office: Installed) -> None:
    assert office.ok("param", "get", "mail.gateway.loop.minutes") == "120\n"
    office.ok("param", "set", "mail.gateway.loop.minutes", " 60 ")
    assert office.ok("param", "get", "mail.gateway.loop.minutes") == "60\n"
    office.ok("param", "set", "mail.catchall.domain.allowed", " Example.NET, bücher.example ,")
    assert office.ok("param", "get", "mail.catchall.domain.allowed") == "example.net,xn--bcher-kva.example\n"
    office.ok("param", "set", "mail.catchall.domain.allowed", "")
    assert office.ok("param", "get", "mail.catchall.domain.allowed") == "\n"
