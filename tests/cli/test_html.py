"""`message show --html`: the HTML of a message, cleaned."""

from pathlib import Path

import pytest
from helpers.installed import Installed

from mailgate.cli.ui import page

MAIL = b"""From: Ann <ann@client.org>
To: support@example.com
Subject: Boxes
Message-ID: <html@client.org>
Content-Type: text/html; charset=utf-8

<html><head><title>t</title><style>p{color:red}</style></head><body onload="evil()">
<p style="x" onclick="evil()">Hello <b>you</b></p><script>evil()</script>
<img src="https://track.example/p.gif" alt="logo"><img src="cid:a1" alt="map">
<a href="javascript:evil()">one</a><a href="https://shop.example/">two</a></body></html>
"""


def test_the_html_is_printed_without_what_runs_or_loads(office: Installed) -> None:
    done = office("deliver", "-f", "ann@client.org", "support@example.com", stdin=MAIL)
    assert done.exit == 0
    number = office.json("message", "list")[-1]["number"]
    shown = office.ok("message", "show", str(number), "--html")
    assert "<p>Hello <b>you</b></p>" in shown
    assert '<img alt="logo"><img src="cid:a1" alt="map">' in shown
    assert '<a href="https://shop.example/"' in shown
    assert not [word for word in ("script", "evil", "track.example", "style", "onload", "color:red") if word in shown]


def test_a_message_without_html_says_so(office: Installed) -> None:
    office("deliver", "-f", "ann@client.org", "support@example.com", stdin=b"From: ann@client.org\n\nplain\n")
    number = office.json("message", "list")[-1]["number"]
    failed = office("message", "show", str(number), "--html")
    assert (failed.exit, failed.out) == (1, "")
    assert failed.err == f"error: message {number} has no HTML\nhint: mailgate message show {number}\n"


@pytest.mark.parametrize("text", ["<p>\x9b31m</p>", "<p>\x7f</p>"])
def test_nothing_that_a_terminal_acts_on_is_printed(text: str) -> None:
    assert page.cleaned(text) == text[:3] + "\ufffd" + text[4:]


def test_where_no_envelope_is_known_the_recipients_are_those_of_to(office: Installed, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"From: a@b.org\nTo: <mailto:x@y.org> <support@example.com>\n\nx\n")
    office("fetch", "eml", str(tmp_path), "--model", "x")
    assert office.json("message", "list")[-1]["recipients"] == ["x@y.org", "support@example.com"]
