"""Every situation on the manual's page on domains: its own commands, then mail."""

import re
import shlex
from pathlib import Path

import pytest
from helpers.installed import Installed

from mailgate.manual import pages

SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", pages.source("domains"), re.MULTILINE | re.DOTALL))
del SECTIONS["Commands"]  # of no situation


def follow(installed: Installed, title: str, *, but: str = "") -> list[str]:
    """Run the commands of a section, without those that hold `but`; what each printed."""
    blocks = re.findall(r"```sh\n(.*?)```", SECTIONS[title], re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if line and not (but and but in line)]
    assert commands
    printed = []
    for line in commands:
        words = shlex.split(line)
        assert words[0] == "mailgate"
        stdin = b""
        if "<" in words:
            del words[words.index("<") :]
            stdin = installed.mail("support@example.com")
        printed.append(installed.ok(*words[1:], stdin=stdin))
    return printed


@pytest.fixture
def home(installed: Installed) -> Installed:
    """What the ten minutes before have made."""
    installed.ok("domain", "add", "example.com", "--contact", "info@example.com", "--company", "Example Ltd")
    installed.ok("alias", "add", "support@example.com", "--model", "ticket")
    installed.ok("alias", "add", "sales@example.com", "--model", "crm.lead")
    return installed


def deliver(installed: Installed, to: str, *recipients: str, sender: str = "bob@client.org", extra: str = "") -> str:
    """Deliver a mail; what became of it: the records, or the reasons."""
    screen = installed.deliver(installed.mail(to, sender=sender, extra=extra), *recipients, sender=sender)
    if screen.exit:
        return screen.out.split(maxsplit=1)[0]
    number = installed.json("message", "list")[-1]["number"]
    outcomes = installed.json("why", str(number))["outcomes"]
    return ", ".join(each["record"] or f"{each['action']} {each['reason']}" for each in outcomes)


def sent(installed: Installed) -> list[str]:
    """Every message in the outbox, as text."""
    return [installed.ok("outbox", "raw", str(each["number"])) for each in installed.json("outbox", "list")]


def field(message: str, name: str) -> str:
    """The value of a field, unfolded."""
    found = re.search(rf"^{name}: (.*(?:\n[ \t].*)*)", message, re.MULTILINE)
    assert found, message
    return re.sub(r"\s+", " ", found[1])


def test_every_situation_has_a_test() -> None:
    named = set(re.findall(r'follow\(\w+, "([^"]+)"', Path(__file__).read_text("utf-8")))
    assert named == set(SECTIONS)


def test_one_domain_and_its_sub_domains(home: Installed) -> None:
    follow(home, "One domain, and sub-domains")
    assert deliver(home, "printers@support.example.com", "printers@support.example.com") == "ticket/1"
    assert deliver(home, "scanners@example.com", "scanners@example.com") == "ticket/2"
    assert deliver(home, "printers@example.com", "printers@example.com") == "5.1.1"
    home.ok("post", "ticket/1", "--to", "carol@client.org", stdin=b"Hello.\n")
    assert all(field(each, "From").endswith("<printers@support.example.com>") for each in sent(home))
    assert deliver(home, "catchall@support.example.com", "catchall@support.example.com") == "refuse catchall"
    assert "From: MAILER-DAEMON <bounce@support.example.com>" in sent(home)[-1]


def test_a_custom_domain_with_forwards(home: Installed) -> None:
    printed = follow(home, "A custom domain, with forwards")
    assert "support@example.net" in printed[1]
    assert "support@example.net  support@example.com" in printed[2].splitlines()
    # the provider forwards: another envelope, the header as it was, the reverse-path rewritten
    forwarder = "SRS0=x1y2=ab=client.org=bob@provider.net"
    mail = home.mail("support@example.net", extra="X-Forwarded-For: support@example.net support@example.com\n")
    assert home.deliver(mail, "support@example.com", sender=forwarder).exit == 0
    assert home.deliver(mail, "support@example.net").exit == 0  # and once more, directly
    assert [each["record"] for each in home.json("record", "list")] == ["ticket/1"]
    # who wrote to the custom domain is answered from it
    home.ok("post", "ticket/1", stdin=b"Hello.\n")
    (post,) = sent(home)
    assert field(post, "From").endswith("<support@example.net>")
    reply_to = field(post, "Reply-To")
    assert re.fullmatch(r"support\+mg1\w+@example\.net", reply_to)
    assert deliver(home, reply_to, reply_to.replace("example.net", "example.com")) == "ticket/1"
    assert deliver(home, "catchall@example.net", "catchall@example.com") == "refuse catchall"
    refusal = sent(home)[-1]
    assert "From: MAILER-DAEMON <bounce@example.net>" in refusal
    assert "catchall@example.net" in refusal
    assert "example.com" not in refusal.replace("info@example.com", "")  # but for the contact address


def test_a_custom_domain_into_a_mailbox(home: Installed) -> None:
    home.ok("domain", "add", "example.net", "--same-as", "example.com")
    printed = follow(home, "A custom domain, into one mailbox")
    assert "support@example.net,box@provider.net,alias" in printed[0].splitlines()
    assert "support@example.com" in printed[1]  # which To names
    # the mailbox only transports: the header fields speak, and what they leave open
    mail = home.mail("support@example.net", extra="Delivered-To: box@provider.net\n")
    assert home.deliver(mail, "box@provider.net").exit == 0
    blind = home.mail("friends@elsewhere.org", extra="X-Forwarded-For: support@example.net box@provider.net\n")
    assert home.deliver(blind, "box@provider.net").exit == 0
    assert [each["record"] for each in home.json("record", "list")] == ["ticket/1", "ticket/2"]
    nobody = home.mail("info@example.net")
    arguments = ["deliver", "-f", "bob@client.org", "--fallback-model", "crm.lead", "box@provider.net"]
    assert home(*arguments, stdin=nobody).exit == 0
    assert home.json("record", "show", "crm.lead/1")["alias"] is None
    home.ok("post", "crm.lead/1", "--to", "bob@client.org", stdin=b"Hello.\n")
    assert field(sent(home)[-1], "From").endswith("<catchall@example.net>")


def test_a_custom_domain_with_an_mx_record(home: Installed) -> None:
    (printed,) = follow(home, "A custom domain, with MX")
    assert re.search(r"^example\.com\. +IN MX +10 mail\.example\.net\.$", printed, re.MULTILINE)
    assert '"v=spf1 mx ~all"' in printed


def test_two_companies_share_one_gateway(home: Installed) -> None:
    follow(home, "Two companies")
    assert deliver(home, "hallo@example.org", "hallo@example.org") == "crm.lead/1"
    home.ok("post", "crm.lead/1", stdin=b"Guten Tag.\n")
    post = sent(home)[-1]
    assert field(post, "From") == '"Beispiel GmbH" <hallo@example.org>'
    assert post.rstrip().endswith("Guten Tag.\n\n--=20\nBeispiel GmbH, Musterweg 1")
    record = home.json("record", "create", "task", "--name", "Call")["record"]
    home.ok("post", record, "--to", "bob@client.org", stdin=b"Hello.\n")
    assert field(sent(home)[-1], "From") == '"Example Ltd" <catchall@example.com>'  # the default domain's
    arguments = ["deliver", "-f", "bob@client.org", "--fallback-model", "task", "nobody@example.org"]
    assert home(*arguments, stdin=home.mail("nobody@example.org")).exit == 0
    home.ok("post", "task/2", stdin=b"Hello.\n")
    last = sent(home)[-1]
    assert field(last, "From") == '"Beispiel GmbH" <post@example.org>'
    assert field(last, "Reply-To").startswith("catchall+mg1")
    assert deliver(home, "post@example.org", "post@example.org") == "refuse catchall"
    refusal = sent(home)[-1]
    assert "From: MAILER-DAEMON <bounce@example.org>" in refusal
    assert field(refusal, "Reply-To") == "hallo@example.org"
    assert "Antworten" in refusal


def test_renamed_addresses_keep_working(home: Installed) -> None:
    follow(home, "Two companies")
    assert deliver(home, "hallo@example.org", "hallo@example.org") == "crm.lead/1"
    home.ok("post", "crm.lead/1", stdin=b"Hello.\n")
    reply_to = field(sent(home)[-1], "Reply-To")
    follow(home, "Renamed addresses", but="forget")
    assert home.json("domain", "show", "example.com")["retired"] == ["catchall"]
    assert home.json("domain", "show", "example.org")["retired"] == ["hallo"]
    assert home.json("domain", "show", "example.org")["contact"] == "kontakt@example.org"
    assert home.json("alias", "show", "kontakt@example.org")["former"] == ["hallo@example.org"]
    assert deliver(home, reply_to, reply_to) == "crm.lead/1"  # an answer to old mail
    assert deliver(home, "hallo@example.org", "hallo@example.org") == "crm.lead/2"  # an old address book
    assert deliver(home, "kontakt@example.org, hallo@example.org", "kontakt@example.org") == "crm.lead/3"
    home.ok("post", "crm.lead/1", stdin=b"Once more.\n")
    assert field(sent(home)[-1], "From").endswith("<kontakt@example.org>")
    home.ok("domain", "forget", "example.org", "hallo")
    assert deliver(home, "hallo@example.org", "hallo@example.org") == "5.1.1"
    assert deliver(home, reply_to, reply_to) == "crm.lead/1"  # the signature is enough


CONFIRMATION = """\
From: Mail Team <noreply@provider.net>
To: catchall@example.com
Subject: Your forward
Message-ID: <confirm@provider.net>
Content-Type: text/html

<p>Hello, to confirm open <a href="https://www.provider.net/confirm?a=1&amp;b=2">this</a>
or <a href="https://evil.example/confirm">that</a>; <a href="https://www.provider.net/cancel">cancel</a>.
Your code: 123456.</p>
"""


def test_a_forwarding_that_has_to_be_confirmed(home: Installed) -> None:
    assert deliver(home, "catchall@example.com", "catchall@example.com") == "refuse catchall"
    follow(home, "Confirming a forwarding")
    assert home.deliver(CONFIRMATION.encode(), "catchall@example.com", sender="noreply@provider.net").exit == 0
    (held,) = home.json("held", "list")
    assert held["reason"] == "capture"
    screen = home.ok("held", "show", str(held["number"]))
    assert "link  https://www.provider.net/confirm?a=1&b=2\n" in screen
    assert "leads to www.provider.net, which belongs to the domain of noreply@provider.net" in screen
    assert "leads to evil.example, which does NOT belong to the domain of noreply@provider.net" in screen
    assert "cancel" not in screen.partition("link  ")[2]
    assert "code  123456\n" in screen
    home.ok("domain", "capture", "example.com", "--minutes", "0")
    assert deliver(home, "catchall@example.com", "catchall@example.com", sender="eve@x.org") == "refuse catchall"


def test_gmail_is_known_without_capture(home: Installed) -> None:
    mail = CONFIRMATION.replace("noreply@provider.net", "forwarding-noreply@google.com")
    for number, recipient in enumerate(("catchall@example.com", "bounce@example.com")):
        text = mail.replace("catchall@example.com", recipient).replace("<confirm", f"<c{number}")
        assert home.deliver(text.encode(), recipient, sender="forwarding-noreply@google.com").exit == 0
    assert [each["reason"] for each in home.json("held", "list")] == ["capture", "capture"]
    assert home.json("outbox", "list") == []
    assert "2 held" in home("held", "list").err


def test_an_alias_is_detected_by_its_local_part(home: Installed) -> None:
    home.ok("alias", "add", "commercial@example.com", "--model", "crm.lead")
    elsewhere = home.mail("bob@client.org, commercial@other-domain.test", extra="Cc: commercial@other-domain.test\n")
    assert home.json("route", "support@example.com", stdin=elsewhere)["outcomes"][0]["model"] == "ticket"
    follow(home, "Mail for other domains: local parts, allowed domains")

    def models(*recipients: str, to: str) -> list[str]:
        decision = home.json("route", *recipients, stdin=home.mail(to))
        return [each["model"] or each["reason"] for each in decision["outcomes"]]

    assert models("support@example.net", to="support@example.net") == ["ticket"]  # allowed
    assert models("support@stranger.test", to="support@stranger.test") == ["no-route"]  # not in the list
    assert models(to="commercial@example.net") == ["no-route"]  # allowed, but this alias detects nothing
    home.ok("param", "set", "mail.catchall.domain.allowed", "")
    assert models("support@stranger.test", to="support@stranger.test") == ["ticket"]
