"""Whatever a stranger writes: no screen, and no JSON, moves a cursor, rings a bell or turns the reading order."""

import os
import unicodedata
from collections.abc import Iterator

import pytest
from helpers.installed import Installed
from helpers.terminal import screens

# CSI, OSC 52, BEL, BS, DEL, C1, bidi, zero width, line and paragraph separator, a tag, a private and an unassigned
# code point; for the terminal all the same
EVIL = "\x1b[31m\x1b]52;c;eA==\x07\x08\x7f\x9b1m\x85\u202e\u2066\u200b\u2028\u2029\ufeff\U000e0041\ue000\u0378"
RAW = EVIL.encode() + b"\xff\xed\xb3\xbf\0"
WORD = b"=?utf-8?q?" + b"".join(b"=%02X" % octet for octet in RAW) + b"?="
ADDRESS = "b\u202eo\u200bb\u2066\x9b@client.org"
DSN = b"""\
From: MAILER-DAEMON@mx.client.org
To: bounce@example.com
Subject: failed %(raw)s
Message-ID: <dsn%(raw)s@client.org>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx%(raw)s

Final-Recipient: rfc822; a%(raw)sb@client.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx%(raw)s
Diagnostic-Code: smtp; 550 no such user %(raw)s

--b
Content-Type: message/rfc822

Message-ID: <ours%(raw)s@example.com>

--b--
"""


def mail(to: bytes, subject: bytes = RAW, more: bytes = b"", name: bytes = RAW) -> bytes:
    """A mail with such things wherever a person may write something."""
    return (
        b'From: "%(name)s" <%(from)s>\nTo: %(to)s\nCc: x%(raw)s <c%(raw)s@client.org>\nSubject: %(subject)s\n'
        b"Message-ID: <%(id)s%(raw)s@client.org>\nReferences: <r%(raw)s@client.org>\nDate: Wed%(raw)s\n"
        b"Received: from x%(raw)s\nX-Spam-Status: no%(raw)s\nMIME-Version: 1.0%(raw)s\n%(more)s"
        b"Content-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain; charset=x%(raw)s\n\nHello %(raw)s\n\n> a%(raw)s\n> b\n"
        b'--b\nContent-Type: text/html\n\n<b title="%(raw)s">%(raw)s&#27;[2J&#x202e;</b>\n'
        b'--b\nContent-Type: application/x%(raw)s\nContent-Disposition: attachment; filename="a%(raw)s"\n'
        b"Content-Transfer-Encoding: x%(raw)s\n\nx\n"
        b"--b\nContent-Type: image/png; name*=utf-8''%%1b%%07%%e2%%80%%ae\n\nx\n--b--\n"
    ) % {
        b"name": name,
        b"from": ADDRESS.encode(),
        b"to": to,
        b"raw": RAW.replace(b"\n", b""),
        b"subject": subject,
        b"id": os.urandom(4).hex().encode(),
        b"more": more,
    }


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A gateway that a stranger has written everything to, and an administrator who pasted what he was sent."""
    installed = Installed(tmp_path_factory.mktemp("evil"))
    with installed.config.open("a") as file:
        file.write('[authentication]\ntrusted_authserv_ids = ["mx.example.com"]\nborder_strips = true\n')
    pasted, sender = EVIL.replace("\n", ""), ADDRESS.replace("\x9b", "")
    installed.ok("domain", "add", "example.com", "--contact", "office@example.com", "--company", pasted)
    installed.ok("alias", "add", "support@example.com", "--model", "ticket", "--set", f"k{pasted}=v{pasted}")
    installed.ok("alias", "add", "closed@example.com", "--model", "lead", "--from", "members", "--refusal", pasted)
    installed.ok("alias", "set", "support@example.com", "--notify", "ann@client.org", "--notify", sender)
    installed.ok("contact", "add", "carl@client.org", "--name", pasted)
    installed.ok("param", "set", "mail.gateway.loop.threshold", "6")
    installed("contact", "add", ADDRESS, "--name", pasted)
    results = b"Authentication-Results: mx.example.com; dmarc=pass%s header.from=client.org%s\n" % (RAW, RAW)
    for subject, more in (
        (RAW, results),
        (WORD, b"Auto-Submitted: x%s\n" % RAW),
        (b"a\r\n " + RAW, b"From: b%s\n" % RAW),
        (b"", b"List-Id: %s\nPrecedence: x%s\n" % (RAW, RAW)),
    ):
        for to in ("support@example.com", "closed@example.com", "catchall@example.com", "postmaster@example.com"):
            installed.deliver(mail(to.encode(), subject, more), to, sender=sender)
    installed.deliver(
        mail(b"support@example.com", name=WORD), "support@example.com", f"x{sender}@example.com", sender=sender
    )
    installed.deliver(mail(b"support@example.com").replace(b"From:", b"X:"), "support@example.com", sender=f"{sender}x")
    installed.deliver(mail(b"support@example.com", more=b"X-Spam-Flag: YES%s\n" % RAW), "support@example.com")
    installed.deliver(DSN % {b"raw": RAW.replace(b"\n", b"")}, "bounce@example.com", sender="")
    installed("sender", "block", sender)
    installed("record", "follow", "ticket/1", sender)
    return installed


def commands(installed: Installed) -> Iterator[list[str]]:
    """Every command that shows something of it, as text and as JSON."""
    messages = [each["number"] for each in installed.json("message", "list")]
    owed = [each["number"] for each in installed.json("outbox", "list")]
    (installed.folder / "mail.eml").write_bytes(mail(b"support@example.com"))
    (installed.folder / "own.toml").write_text(
        installed.ok("export").replace("office@", f"o{EVIL[-9:]}@").replace("team", "t")
    )
    route = "route --message mail.eml -f"
    shown = [
        *("message list", "record list", "held list", "held list --refused", "outbox list", "bounce list --all"),
        *("sender list", "contact list", "alias list", "domain list", "param list", "key list"),
        *(
            "config show --origin",
            "log",
            "stats",
            "test --record 1 --to cases",
            "test cases",
            "domain redirects example.com --to other.test",
            "import own.toml",
        ),
        *("alias show support@example.com", "alias show closed@example.com", "domain show example.com"),
        *("record show ticket/1", "record show ticket/1 --full", "record show ticket/2", "bounce show 1"),
        *(f"message show {each}" for each in messages),
        *(f"why {each}" for each in messages[::2]),
        *(f"held show {each}" for each in messages[1::2]),
        *(f"outbox show {each}" for each in owed),
        *(f"{route} {ADDRESS} support@example.com", f"{route} {ADDRESS} {ADDRESS}@example.com"),
        *(f"record unfollow ticket/1 x{ADDRESS}", f"record follow ticket/1 x{ADDRESS}", f"sender reset {ADDRESS}"),
        *(f"contact show {EVIL}", f"record show {EVIL}/1", f"alias show {EVIL}@example.com", f"{EVIL}", f"why {EVIL}"),
        *(f"contact set carl@client.org --name {EVIL}", f"sender allow x{ADDRESS}", f"alias add {EVIL} --model ticket"),
        *("held route 2 --to ticket/1", "held retry 3", "bounce ack 1", "work"),
        f"record create {EVIL}",
        f"alias set support@example.com --set a={EVIL}",
    ]
    for number, each in enumerate(shown):
        yield each.split(" ")
        if number % 5 == 0 or not each[-1].isdecimal():
            yield [*each.split(" "), "--json"]
    yield from (["message", "raw", str(each)] for each in messages[:5])
    yield from (["outbox", "raw", str(each)] for each in owed[:5])
    yield ["export"]
    yield ["message", "save", "1", "--to", str(installed.folder / "saved")]


def unfit(text: str, allowed: str = "\n") -> set[str]:
    """What of a text could do something to a screen."""
    return {ascii(c) for c in text if not c.isprintable() and c not in allowed and unicodedata.category(c) != "Zs"}


def test_nothing_that_a_stranger_wrote_reaches_a_terminal(evil: Installed) -> None:
    every = list(commands(evil))
    told = screens(evil, every, 80, TERM="dumb", NO_COLOR="1")
    assert len(told) == len({ascii(each) for each in every})
    assert {command: unfit(screen) for command, screen in told.items() if unfit(screen)} == {}
    shown = "".join(told.values())
    assert "fault of mailgate" not in shown
    for sign in ("\\x1b", "\\x07", "\\x9b", "<U+202E>", "<U+2066>", "<U+200B>"):
        assert sign in shown, "it is there to be seen"


def test_nothing_that_a_stranger_wrote_breaks_a_line_of_a_pipe_or_of_json(evil: Installed) -> None:
    """Raw bytes apart: they are asked for."""
    for command in ("message list", "record show ticket/1", "held list", "outbox list"):
        for arguments in (command.split(), [*command.split(), "--json"]):
            assert not unfit(evil(*arguments).out, "\n\t"), arguments
    listed = evil.json("message", "list")
    assert len(evil("message", "list").out.splitlines()) == len(listed) + 1
    assert any("\u202e\u2066\u200b" in each["subject"] for each in listed), "a program gets what was written"
