"""How time grows with size: mails made to cost time, at n and at 2n.

    python tests/bench/growth.py [NAME ...]

For each shape (those whose name holds a NAME, else all), prints the CPU time of what is done with a mail (its facts,
its content, the report it may be, the decision) at n and at 2n, the ratio, and the step that takes most of it. n grows
until that takes 50 ms, or until the mail has 8 MB. Exit status 1 when a ratio is 2.5 or more: linear growth is 2.
"""

import gc
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.messages import facts, mail, state

from mailgate.mail import classify, content, quoting
from mailgate.reports import report
from mailgate.routing import decide
from mailgate.routing.facts import Facts

BOUND = 2.5
ENOUGH = 0.05
"""Seconds that a step must take for its figure to mean something."""
LIMIT = 8 << 20
"""Octets of a mail at n; at 2n it has twice as many."""
RUNS = 3
TRIES = 10
"""Times that a ratio is measured again before it is believed to be too large."""
STEPS = ("facts", "content", "report", "route")

Shape = Callable[[int], bytes]


def field(name: str, start: str, piece: str, end: str = "") -> Shape:
    """A mail with one piece n times in a field."""
    return lambda n: mail(**{name: start + piece * n + end})


def body(piece: str | bytes, start: str = "", end: str = "", **fields: str | None) -> Shape:
    """A mail with one piece n times in its body."""
    octets = piece.encode() if isinstance(piece, str) else piece
    return lambda n: mail(start.encode() + octets * n + end.encode(), **fields)


def notice(piece: str, start: str = "", end: str = "") -> Shape:
    """The same in what a mail system wrote to a bounce address."""
    more: dict[str, str | None] = {"from": "MAILER-DAEMON@mx.client.org", "to": "bounce@example.com"}
    return body(piece, start, end, subject="failure notice", **more)


def part(kind: str, piece: str, start: str = "", end: str = "") -> Shape:
    """A report, one part of which has a piece n times."""
    more: dict[str, str | None] = {"from": "MAILER-DAEMON@mx.client.org", "to": "bounce@example.com"}
    before = f"--b\n\nIt failed.\n--b\nContent-Type: {kind}\n\n{start}"
    return body(piece, before, f"{end}\n--b--\n", content_type='multipart/report; boundary="b"', **more)


def lines(line: str) -> Shape:
    """A mail with n more lines in its header; `%d` in it is the number of the line."""
    return lambda n: "".join(line % each if "%" in line else line for each in range(n)).encode() + mail()


def nested(opening: str) -> Shape:
    """A mail in a mail in a mail: an opening n times."""
    return lambda n: "".join(opening.replace("%d", str(each)) for each in range(n)).encode() + mail()


def joined(name: str, piece: str) -> Shape:
    """A field of n pieces that differ."""
    return lambda n: mail(**{name: "".join(piece % each for each in range(n))})


RE: dict[str, str | None] = {"subject": "Re: Boxes"}
SAID = "Yes, we do.\nOn Friday.\n\n"
HTML: dict[str, str | None] = {"content_type": "text/html"}
MIXED: dict[str, str | None] = {"content_type": "multipart/mixed; boundary=b"}
STATUS = "message/delivery-status"
REPORT = 'Content-Type: multipart/report; boundary="c"\n\n'
SMIME = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01"
"""The start of signed data."""
SHAPES: Mapping[str, Shape] = {
    # of the header
    "encoded words": field("subject", "", "=?utf-8?q?a?= "),
    "encoded words without blanks": field("subject", "", "=?utf-8?q?a?="),
    "encoded words, folded": field("subject", "", "=?utf-8?b?YQ==?=\n "),
    "starts of encoded words": field("subject", "", "=?utf-8?q?"),
    "ends of encoded words": field("subject", "=?utf-8?q?", "?="),
    "encoded words in a name": field("from", "", "=?utf-8?q?a?= ", "<bob@client.org>"),
    "comments": field("from", "", "(a)", " bob@client.org"),
    "open comments": field("from", "", "("),
    "open comments in MIME-Version": field("mime_version", "", "("),
    "quotes": field("from", "", '"'),
    "quoted pairs": field("from", '"', "\\\\", '" <bob@client.org>'),
    "dots": field("from", "", "a.", "<bob@client.org>"),
    "angle brackets": field("from", "", "<", "bob@client.org>"),
    "at signs": field("from", "", "a@"),
    "commas": field("to", "", ","),
    "colons": field("to", "", "a:"),
    "recipients": joined("to", "u%d@client.org, "),
    "own recipients with details": joined("to", "info+%d@example.com, "),
    "delimiters in a recipient": field("to", "info", "+x", "@example.com"),
    "labels of a domain": field("to", "x@", "a.", "com"),
    "many fields To": lines("To: u%d@client.org\n"),
    "semicolons": field("content_type", "text/plain", ";"),
    "parameters": joined("content_type", "text/plain; a%d=b; "),
    "equal parameters": field("content_type", "text/plain", "; name=b"),
    "continued parameters": joined("content_disposition", "attachment; filename*%d*=%%41; "),
    "quotes in a parameter": field("content_type", 'text/plain; name="', '\\"'),
    "equals signs": field("content_type", "text/plain; ", "a="),
    "transfer encodings": field("content_transfer_encoding", "", "a;"),
    "quoted local part of an id": field("message_id", "<", '"a".', '"a"@x>'),
    "brackets of an id": field("message_id", "", "<"),
    "references": joined("references", "<%d@client.org> "),
    "brackets in references": field("references", "", "<a"),
    "equal references": field("references", "", "<a@x>"),
    "blanks in an id": field("references", "<", " ", ">"),
    "marks": field("references", "<", "mg1.r.", ">"),
    "marks of the right length": field("x_mailgate_loop", "", f"mg1.r.{'a' * 16}.{'b' * 16} "),
    "received": lines("Received: from a%d by mx; Mon, 14 Sep 2026 09:00:00 +0200\n"),
    "header lines": lines("X-%d: y\n"),
    "folds": field("subject", "a", "\n b"),
    "stray lines": lambda n: b"Subject: a\n" + b"stray\n" * n + b"Message-ID: <a@b>\n\n",
    "fields below a stray line": lambda n: (b"Subject: a\nstray\nTo: a@b\n" + b"X: y\n" * n)[:200_000] + b"\n\n",
    "no end below a stray line": lambda n: b"Subject: a\nstray\n" + b"From: a\n" * n,
    "at signs below a stray line": lambda n: b"Subject: a\nstray\nFrom: " + b"a@" * n + b"\n\n",
    "byte order marks": lambda n: b"\xef\xbb\xbf" * n + b"Subject: a\n\n",
    "byte order marks below": lambda n: b"X: a\n" + b"\xef\xbb\xbf\n" * n + b"Subject: a\n\n",
    "mbox lines": lambda n: b"From a\n" * n + b"Subject: a\n\n",
    "parts with a stray line": body(b"--b\nstray\n", content_type='multipart/mixed; boundary="b"'),
    "calendar parts": body("--b\nContent-Type: text/calendar\n\nMETHOD:a", content_type="multipart/mixed; boundary=b"),
    "methods of a calendar": body(b"METHOD;x\n", content_type="text/calendar"),
    "posting addresses": joined("list_post", "<mailto:l%d@example.com> "),
    "labels of a list": field("list_id", "<", "a.", "b>"),
    "badly folded fields": body(b"--b\nContent-Type: a/b;\nname=x\n\n", content_type="multipart/mixed; boundary=b"),
    "octets in every charset": lambda n: mail(**{"from": "x"}).replace(b"From: x", b"From: " + b"\xe9" * n),
    "blank folds": field("subject", "a", "\n ", "b"),
    "authentication results": field("authentication_results", "mx.example.com", "; spf=pass (a) smtp.mailfrom=x"),
    "comments in a keyword": field("auto_submitted", "no", "(a)"),
    "no line end": lambda n: b"a" * n,
    "line ends": lambda n: b"\r\n" * n,
    "old line ends": lambda n: b"From: a@b.c\rTo: info@example.com\r" + b"X: y\r" * n + b"\rbody\r",
    "no header line": lambda n: b"a b\n" * n,
    # of the parts
    "nested multiparts": nested("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"),
    "nested messages": nested("Content-Type: message/rfc822\n\n"),
    "nested multiparts of one boundary": nested("Content-Type: multipart/mixed; boundary=b\n\n--b\n"),
    "parts side by side": body("--b\n\nx\n", **MIXED),
    "parts with a name": body("--b\nContent-Disposition: attachment; filename=a\n\nx\n", **MIXED),
    "delimiters": body("--b\n", **MIXED),
    "nearly delimiters": body("--b-\n", **MIXED),
    "likely delimiters": body("--c\nContent-X\n", **MIXED),
    "lines of a part's header": body("Content-Type: text/plain\n", "--b\n", **MIXED),
    "a long body": body("It is a line of text as people write them.\n"),
    "base64": body("QUJD\n", content_transfer_encoding="base64"),
    "base64 with padding": body("QQ==", content_transfer_encoding="base64"),
    "base64 that is none": body("!=", content_transfer_encoding="base64"),
    "quoted-printable": body("=41=", content_transfer_encoding="quoted-printable"),
    "uuencode": body("#86)C\n", "begin 644 x\n", content_transfer_encoding="x-uuencode"),
    "begins of uuencode": body("begin 644 x\n", content_transfer_encoding="x-uuencode"),
    "every byte": body(bytes(range(256))),
    "iso-2022-jp": body(b"\x1b$B\x1b(B", content_type="text/plain; charset=iso-2022-jp"),
    "utf-7": body("+AGY", content_type="text/plain; charset=utf-7"),
    # of the text
    "html: open tags": body("<a ", **HTML),
    "html: comments": body("<!--", **HTML),
    "html: comments that end": body("<!-- -->", **HTML),
    "html: quotes in tags": body("<a b='", **HTML),
    "html: closed tags with quotes": body("<a b='\"'>", **HTML),
    "html: scripts": body("<script>", **HTML),
    "html: titles of other elements": body("<title><style>", **HTML),
    "html: ends": body("</", end=">", **HTML),
    "html: declarations": body("<!", end=">", **HTML),
    "html: angle brackets": body("<", end=">", **HTML),
    "html: references": body("&amp", **HTML),
    "html: ampersands": body("&#", **HTML),
    "html: lines": body("<br>\n", **HTML),
    "html: paragraphs": body("<p>", **HTML),
    "html: cids": body('<img src="cid:a">', **HTML),
    "quotation marks": body("> "),
    "quotation marks on lines": body("> a\n"),
    "attributions": body("On Mon, 14 Sep 2026 at 10:00, Ann <ann@client.org> wrote:\n"),
    "attributions on one line": body("On Mon, 14 Sep 2026 at 10:00, Ann <ann@client.org> wrote: "),
    "headers of quotations": body("From: a\nSent: 14.09.2026 10:00\nTo: b\nSubject: c\n\n"),
    "headers in another order": body("From: a\nTo: b\nDate: 14.09.2026 10:00\nSubject: c\n\n", SAID, **RE),
    "headers of three fields": body("From: a\nTo: b\nDate: 14.09.2026 10:00\n", SAID, **RE),
    "answered quotations": body("> a\nb\n", SAID, **RE),
    "quotations broken without a mark": body("> " + "a " * 40 + "\nb c\n", SAID, **RE),
    "vague attributions": body("On 1.2.2026 you wrote:\n", SAID, "\n\nx\n\nx", **RE),
    "vague attributions of one paragraph": body("On 1.2.2026 you wrote:\n\nx\n\n", SAID, **RE),
    "answers announced": body("See below.\nOn Mon, 14 Sep 2026 at 10:00, Ann <ann@client.org> wrote:\n", SAID, **RE),
    "starts of attributions": body("On 14.09.2026,\n", SAID, **RE),
    "lines above which to reply": body("-- a reply above this line --\n", SAID, **RE),
    "titles": body("-----Original Message-----\n"),
    "signatures": body("-- \na\n"),
    "empty lines": body("\n"),
    "dashes": body("-"),
    # of containers
    "uuencode: starts": body("begin 644 x\nM\n"),
    "uuencode: empty lines": body("`\n", "begin 644 x\n"),
    "yenc: starts": body("=ybegin name=x\n"),
    "flowed: lines": body("a \n", content_type="text/plain; format=flowed"),
    "calendar: events": body("BEGIN:VEVENT\n", content_type="text/calendar"),
    "calendar: parameters": body(';a="b"', "BEGIN:VEVENT\nX", content_type="text/calendar"),
    "smime: open elements": lambda n: mail(SMIME + b"\x31\x80" * n, content_type="application/pkcs7-mime"),
    "tnef: attributes": lambda n: mail(
        b"\x78\x9f\x3e\x22\1\0" + b"\1\2\x90\6\0\0\0\0\0\0\0" * n, content_type="application/ms-tnef"
    ),
    # of reports
    "notice: words": notice("It could not be delivered to anybody here. "),
    "notice: addresses": notice("<ann@client.org>: 550 5.1.1 unknown user\n"),
    "notice: addresses that differ": lambda n: notice("".join(f"<u{each}@client.org>:\n" for each in range(n)))(1),
    "notice: addresses on one line": notice("ann@client.org "),
    "notice: at signs": notice("@", "The following recipients failed: a"),
    "notice: letters": notice("a", "The following recipients failed: ", "@client.org"),
    "notice: codes": notice("550 "),
    "notice: dots": notice("5.1."),
    "notice: rules": notice("--------\n"),
    "notice: dashes": notice("-", "It failed.\n", " x"),
    "notice: fields": notice("Final-Recipient: rfc822; ann@client.org\nAction: failed\n"),
    "notice: trace fields": notice("Received: from a\n", "It failed.\n"),
    "notice: to": notice("to "),
    "notice: blanks": notice(" ", "The following address failed:\n", "ann@client.org"),
    "notice: quotes": notice('"'),
    "notice: commas": notice(",", "It could not be delivered.\n"),
    "notice: short lines": notice("a\n", "It could not be delivered.\n"),
    "status: recipients": part(STATUS, "Final-Recipient: rfc822; ann@client.org\nAction: failed\n\n"),
    "status: diagnostic": part(STATUS, " 550 5.1.1 a\n", "Final-Recipient: rfc822; a@b.c\nDiagnostic-Code: smtp;\n"),
    "status: colons": part(STATUS, "a:", "Final-Recipient: "),
    "status: escapes": part(STATUS, "\\x{41}", "Final-Recipient: utf-8; "),
    "returned: ids": part("message/rfc822", "Message-ID: <a@b>\n"),
    "returned: id in many lines": part("message/rfc822", " a\n", "Message-ID:\n"),
    "returned: blanks": part("message/rfc822", " ", "Message-ID:"),
    "returned: addresses": part("message/rfc822", "Reply-To: a@b.c\n"),
    "returned: reports": part(
        "message/rfc822", "--c\nContent-Type: message/delivery-status\n\nAction: failed\n", REPORT
    ),
    "complaint: fields": part("message/feedback-report", "Original-Rcpt-To: <a@b.c>\n", "Feedback-Type: abuse\n"),
    "failed recipients of Exim": joined("x_failed_recipients", "u%d@client.org, "),
}  # fmt: skip
"""What made mail programs slow, and what could make this one slow."""


class Measured(NamedTuple):
    """CPU seconds of one mail, by step."""

    size: int
    spent: tuple[float, ...]

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self.spent)


STATE = state()


def work(raw: bytes) -> Measured:
    """Do everything that is done with a mail, once."""
    times = [time.process_time()]
    found = facts(raw, "info@example.com", "bounce@example.com", reverse_path="")
    times.append(time.process_time())
    said = content.content(raw)
    quoting.reply(said.text, found.subject)
    times.append(time.process_time())
    class_ = classify.classify(found)
    told = report.read(found, class_, expected=True)
    times.append(time.process_time())
    decide.decide(Facts(found, class_, told), STATE)
    times.append(time.process_time())
    return Measured(len(raw), tuple(after - before for before, after in pairwise(times)))


def best(raw: bytes) -> Measured:
    """The fastest of some runs."""
    return min((work(raw) for _ in range(RUNS)), key=lambda each: each.total)


def grown(shape: Shape) -> int:
    """A size at which the figures mean something."""
    n = 256
    while True:
        raw = shape(n)
        if len(raw) >= LIMIT or all(work(raw).total >= ENOUGH for _ in "twice"):  # patterns are compiled once
            return n
        n *= 2


def measure(shape: Shape) -> tuple[int, Measured, Measured]:
    """n, and the times at n and 2n; again while the ratio is too large, for it may be the machine."""
    n = grown(shape)
    one, two = best(shape(n)), best(shape(2 * n))
    for _ in range(TRIES):
        if two.total < BOUND * one.total:
            break
        one, two = best(shape(n)), min(two, best(shape(2 * n)), key=lambda each: each.total)
    return n, one, two


def main(names: list[str]) -> bool:
    """Print the table; whether every ratio is below the bound."""
    chosen = {name: shape for name, shape in SHAPES.items() if not names or any(each in name for each in names)}
    print(f"{'':34}{'n':>9}{'size':>10}{'at n':>10}{'at 2n':>10}{'ratio':>7}  most in")
    held = True
    started = time.process_time()
    gc.disable()
    work(mail())  # modules and patterns
    for name, shape in chosen.items():
        n, one, two = measure(shape)
        gc.collect()
        ratio = two.total / one.total
        held &= ratio < BOUND
        figures = f"{n:9}{one.size >> 10:7} KB{1000 * one.total:7.1f} ms{1000 * two.total:7.1f} ms{ratio:7.2f}"
        print(f"{name:34}{figures}  {STEPS[two.spent.index(max(two.spent))]}{'' if ratio < BOUND else '  TOO MUCH'}")
    print(f"{len(chosen)} shapes in {time.process_time() - started:.0f} s: ", end="")
    print("all below" if held else "NOT ALL BELOW", BOUND)
    return held


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
