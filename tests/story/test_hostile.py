"""Whatever comes in: a status from the table and never 75, one explained verdict, the exact bytes, no exception.

Collected corpora are looked for in the folder that MAILGATE_CORPORA names (`hostile/`, `weird/mails/`,
`bounces/mails/` in it), or in a folder `shared` beside the project's.
"""

import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.gateway import Gateway
from helpers.messages import facts, mail
from helpers.queued import queued
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailgate.gateway import log
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Incoming
from mailgate.routing import decide
from mailgate.store import failures
from mailgate.values import status
from mailgate.values.address import parse

ROOT = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("MAILGATE_CORPORA") or ROOT.parent / "shared")
FOLDERS = {name: CORPORA / name for name in ("hostile", "weird/mails", "bounces/mails")}
RULES = [*decide.ORDER, "failed"]


def files(folder: Path) -> Iterator[Path]:
    return (each for each in sorted(folder.rglob("*")) if each.is_file() and each.suffix != ".tsv")


def check(gateway: Gateway, raw: bytes, receipt: Receipt) -> None:
    """One explained verdict, an exit status that is a decision, and the exact bytes of what was kept."""
    decision = receipt.decision
    assert decision.status.exit in status.EXITS
    assert decision.status.exit != 75
    assert decision.outcomes
    assert all(each.reason and each.rule in RULES for each in decision.outcomes)
    assert "failed" not in [each.reason for each in decision.outcomes], decision.steps
    places = [RULES.index(step.rule) for step in decision.steps]
    assert places == sorted(places)
    assert places[0] == 0
    assert len(decision.status.line.encode()) < 500
    assert "\n" not in decision.status.line
    if receipt.number is not None:
        assert gateway.raw(receipt.number) == raw
        why = gateway.why(receipt.number)
        assert why["outcomes"]
        str(why).encode("utf-8")
    else:
        assert not decision.has_effects


ENVELOPES: dict[str, dict[str, Any]] = {
    "alias": {"recipients": ["info@example.com"]},
    "catchall": {"recipients": ["catchall@example.com"]},
    "both-null-reverse-path": {"recipients": ["info@example.com", "catchall@example.com"], "reverse_path": ""},
    "no-envelope": {"recipients": [], "reverse_path": None},
}


@pytest.mark.parametrize("shift", range(len(ENVELOPES)))
@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_every_hostile_mail_is_taken_or_refused_in_time(gateway: Gateway, folder: Path, shift: int) -> None:
    """Every file of a small corpus in every envelope, of a large one in one of them."""
    if not folder.is_dir():
        pytest.skip(f"no corpus in {folder}: name its parent in MAILGATE_CORPORA")
    mails = [raw for path in files(folder) if (raw := path.read_bytes())]
    assert mails
    envelopes = list(ENVELOPES.values())
    for number, raw in enumerate(mails):
        if len(mails) > 200 and number % len(envelopes) != shift:
            continue
        envelope = envelopes[(number + shift) % len(envelopes)]
        check(
            gateway,
            raw,
            gateway(raw, *envelope["recipients"], reverse_path=envelope.get("reverse_path", "bob@client.org")),
        )


def nested(depth: int) -> bytes:
    """A message in a message in a message."""
    return b"Content-Type: message/rfc822\n\n" * depth + mail()


def multiparts(depth: int) -> bytes:
    """Boundaries in boundaries."""
    opening = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(depth)
    )
    return b"From: bob@client.org\nTo: info@example.com\nMIME-Version: 1.0\n" + opening + b"\nHi.\n"


GENERATED: dict[str, Callable[[], bytes]] = {
    "one-byte": lambda: b"x",
    "one-line-end": lambda: b"\n",
    "nul-bytes": lambda: b"\0" * 10_000,
    "nul-in-every-field": lambda: mail("\0", subject="a\0b", message_id="<a\0b>", to="info@example.com\0", cc="\0"),
    "empty-header": lambda: b"\nbody only\n",
    "header-only": lambda: b"From: bob@client.org\nTo: info@example.com",
    "no-from": lambda: mail(**{"from": None}),
    "no-fields-at-all": lambda: b"just words\n",
    "raw-8-bit": lambda: mail(
        b"\xff\xfe\x80", subject="\udce4\udcff", to="info@example.com, \udcff@x.org", cc="\udce4"
    ),
    "every-byte": lambda: bytes(range(256)) * 100,
    "100000-header-lines": lambda: b"".join(b"X-%d: y\n" % n for n in range(100_000)) + mail(),
    "100000-received": lambda: b"Received: by mx\n" * 100_000 + mail(),
    "100000-to-fields": lambda: b"To: info@example.com\n" * 100_000 + mail(),
    "100000-folds": lambda: b"Subject: a" + b"\n b" * 100_000 + b"\n" + mail(),
    "header-of-5-mb-one-field": lambda: b"X: " + b"y" * (5 << 20) + b"\n" + mail(),
    "subject-of-5-mb": lambda: mail(subject="x" * (5 << 20)),
    "content-type-of-5-mb": lambda: mail(content_type="text/plain; \x1b" + "ä" * (5 << 19)),
    "from-of-5-mb": lambda: mail(**{"from": "(" * (5 << 20)}),
    "to-of-5-mb": lambda: mail(to="info@example.com, " * 300_000),
    "references-of-5-mb": lambda: mail(references="<a@x.org> " * 500_000),
    "many-references": lambda: mail(references=" ".join(f"<{n}@x.org>" for n in range(200_000))),
    "encoded-words-of-2-mb": lambda: mail(subject="=?utf-8?q?a?= " * 140_000),
    "header-of-12-mb": lambda: b"X: y\n" * (12 << 18) + mail(),
    "no-line-end-5-mb": lambda: b"a" * (5 << 20),
    "only-line-ends-5-mb": lambda: b"\r\n" * (5 << 19),
    "message-nested-1000-deep": lambda: nested(1000),
    "multiparts-1000-deep": lambda: multiparts(1000),
    "50-mb": lambda: mail((b"x" * 76 + b"\n") * 670_000),
    "over-the-limit": lambda: mail() + b"x" * 52_428_800,
    "ids-of-one-megabyte": lambda: mail(message_id=f"<{'a' * (1 << 20)}@x>", references=f"<{'b' * (1 << 20)}@x>"),
    "own-mark-everywhere": lambda: mail(references="mg1." * 100_000, message_id="<mg1.r.mg1.r.>"),
    "lone-surrogates": lambda: mail(subject="=?utf-8?b?7aCA?=", **{"from": "=?utf-8?b?7aCA?= <bob@client.org>"}),
}


@pytest.mark.parametrize("made", GENERATED.values(), ids=GENERATED)
def test_every_generated_attack_is_taken_or_refused_in_time(gateway: Gateway, made: Callable[[], bytes]) -> None:
    raw = made()
    started = time.process_time()
    check(gateway, raw, gateway(raw, "info@example.com", "catchall@example.com"))
    assert time.process_time() - started < 5


CONTROLS = [chr(code) for code in (*range(32), 127, 0x80, 0x85, 0x9B, 0x2028, 0x2029, 0x202E, 0xFEFF)]


@pytest.mark.parametrize("field", ["from", "to", "cc", "resent_to", "delivered_to", "reply_to", "sender", "message_id"])
def test_control_characters_in_address_fields(gateway: Gateway, field: str) -> None:
    for control in CONTROLS:
        raw = mail(**{field: f"Bob{control} <bo{control}b@cli{control}ent.org>, info@example.com"})
        check(gateway, raw, gateway(raw, "info@example.com"))
        author = facts(raw).author.address
        assert author is None or control not in str(author)


@pytest.mark.parametrize("control", CONTROLS, ids=[f"{ord(c):04x}" for c in CONTROLS])
def test_control_characters_in_the_envelope(gateway: Gateway, control: str) -> None:
    for position in (f"{control}info@example.com", f"in{control}fo@example.com", f"info@exam{control}ple.com"):
        raw = mail(message_id=f"<{ord(control)}{position.index(control)}>")
        check(gateway, raw, gateway(raw, position, reverse_path=f"bo{control}b@client.org"))


MANY = {
    "fields": lambda n: b"X: y\n" * (n - 5) + mail(),
    "fields-of-a-kind": lambda n: b"Received: x\n" * (n // 10) + mail(),
    "addresses": lambda n: mail(cc=", ".join(f"u{each}@client.org" for each in range(2 * n))),
    "references": lambda n: mail(references=" ".join(f"<{each}@x.org>" for each in range(10 * n))),
    "octets": lambda n: b"X: y\n" * (n * 1400) + mail(),
}
"""More of something, by a measure of which a thousand is about what is looked at."""


@pytest.mark.parametrize("made", MANY.values(), ids=MANY)
def test_beyond_a_limit_a_message_is_taken_flagged_and_never_answered(
    gateway: Gateway, made: Callable[[int], bytes]
) -> None:
    raw = made(1_200)
    gateway(raw.replace(b"info@", b"catchall@"), "catchall@example.com")
    assert (gateway.held(), gateway.outbox()) == (["catchall"], [])
    check(gateway, raw, gateway(raw, "info@example.com"))
    assert gateway.records() == ["crm.lead/1"]
    (defect, *_) = gateway.why(2)["message"]["defects"]
    assert re.match(r"more than \d+ |header too large", defect)


def test_one_octet_too_much_is_refused(gateway: Gateway) -> None:
    raw = mail()
    gateway.config = gateway.config._replace(max_size=len(raw))
    assert gateway(raw, "info@example.com").decision.status.exit == 0
    found = gateway(raw + b"x", "info@example.com")
    assert found.decision.status.line == "5.3.4 <info@example.com>: message too large"
    assert found.number is None


@pytest.mark.parametrize(
    "path",
    [
        *("a@b.org, c@d.org", "a@b.org c@d.org", "a@b.org,c@d.org", "a@b.org;c@d.org", "g:a@b.org,c@d.org;"),
        *("a@b.org\nRCPT TO:<c@d.org>", "a@b.org\r\nBcc: c@d.org", "a@b.org\0c@d.org", "a@b.org><c@d.org"),
        *('"a@b.org, c@d.org"@e.org', "-oQ/tmp@e.org", "@a.org:c@d.org", "a@b.org%c@d.org", "a!b@c.org", "a@[1.2.3.4]"),
    ],
)
def test_o2_an_answer_has_one_recipient_or_none(gateway: Gateway, path: str) -> None:
    raw = mail(to="catchall@example.com", **{"from": "a@b.org, c@d.org"})
    gateway(raw, "catchall@example.com", reverse_path=path)
    with gateway.store.read() as tx:
        letters = queued(tx)
    assert len(letters) <= 1
    for each in letters:
        assert parse(each.recipient)
        assert not re.search(r"[\x00-\x20,;<>]", re.sub(r'"[^"]*"', "", each.recipient))
        assert each.octets.partition(b"\n\n")[0].count(b"\nTo: ") == 1


def test_o4_nothing_is_acknowledged(gateway: Gateway) -> None:
    for number in range(500):
        victim = f"v{number}@victim.org"
        raw = mail(message_id=f"<{number}@evil.org>", subject="Buy this", **{"from": victim})
        gateway(raw, "info@example.com", reverse_path=victim)
    assert (len(gateway.records()), gateway.outbox()) == (500, [])


def test_o8_a_flood_of_one_report_is_one_message(gateway: Gateway) -> None:
    block = "Final-Recipient: rfc822; ann@client.org\nAction: failed\nStatus: 5.1.1\n"
    parts = f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n{block}\n--b--\n"
    raw = mail(parts, content_type="multipart/report; boundary=b", **{"from": "mailer-daemon@client.org"})
    for number in range(500):
        gateway(b"Received: by mx%d\n" % number + raw, "bounce@example.com", reverse_path="")
    assert len(gateway.messages()) == 1
    with gateway.store.read() as tx:
        assert [each.recipient for each in failures.listing(tx, acked=True)] == ["ann@client.org"]


def test_t10_one_line_a_message_in_the_log(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr("mailgate.process.syslog.write", lambda _priority, line: lines.append(line))
    evil = "".join(CONTROLS)
    for to in ("info@example.com", f"x{evil}@example.com"):
        raw = mail(message_id=f"<a{evil}b>", subject=evil, **{"from": f"Bob{evil} <bob@client.org>"})
        log.delivered(gateway(raw, to, reverse_path=f'"b{evil}b"@client.org'))
    log.deferred(OSError(f"a{evil}\nmailgate: forged"))
    log.deferred(OSError("the cause"), Incoming(raw, evil, [f"{number}{evil}@example.com" for number in range(99)]))
    assert len(lines) == 4
    assert lines[-1].endswith(": deferred: OSError: the cause")
    assert all(line.isprintable() and len(line) <= 900 for line in lines)


MEASURE = """
import resource, sys
from mailgate.gateway import receive
from mailgate.store import database
from mailgate.settings.config import Config
from mailgate.mail.incoming import Incoming
raw = sys.stdin.buffer.read()
opened = database.open_existing(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
receive.receive(opened, Config(None, sys.argv[1]), Incoming(raw, "bob@client.org", ("info@example.com",)), 1.0)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def test_a_message_of_50_mb_fits_into_the_memory_limit(gateway: Gateway) -> None:
    """Three times the size in all, and the bytes themselves are once already there."""
    raw = GENERATED["50-mb"]()
    command = [sys.executable, "-c", MEASURE, str(gateway.path)]
    grown = int(subprocess.run(command, input=raw, capture_output=True, check=True, timeout=60).stdout)
    assert gateway.raw(1) == raw
    assert grown < 2 * len(raw)


PIECES = [
    *(b"From", b"To", b"Cc", b"Subject", b"Message-ID", b"References", b"Content-Type", b"List-Id", b"Received", b"X"),
    *(
        b":",
        b": ",
        b" :",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n ",
        b"\n\n",
        b"<",
        b">",
        b"@",
        b",",
        b";",
        b'"',
        b"(",
        b")",
        b"\\",
    ),
    *(
        b"info@example.com",
        b"bob@client.org",
        b'"bob ray"@client.org',
        b"=?utf-8?q?=00?=",
        b"multipart/report",
        b"\0",
        b"\xff",
        b"\xe2\x80\xa8",
    ),
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=40))
def test_any_mixture_of_header_pieces_is_taken_or_refused(gateway: Gateway, pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    check(gateway, raw, gateway(raw, "info@example.com", "catchall@example.com"))


def test_every_cut_of_a_message(gateway: Gateway) -> None:
    raw = mail(references="<a@x> <b@x>", cc='"x, y" <z@y.org>', content_type='multipart/mixed; boundary="x"')
    for end in itertools.chain(range(1, len(raw), 3), [len(raw)]):
        check(gateway, raw[:end], gateway(raw[:end], "info@example.com"))
