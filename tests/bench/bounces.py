"""How well reports are read, against what must hold: the answers over a folder of mails with their truth, and the time.

    python tests/bench/bounces.py FOLDER [-v] [-m] [-w]

FOLDER holds `mails/` and `truth.tsv`. Each mail is read as a delivery reads it, twice: as it was saved (the envelope is
its own Return-Path, for an address that expects no report), and as it comes to a bounce address with the null
reverse-path. Exit status 1 when anything falls short. `-v` names the files answered wrong, `-m` prints the figures of
the same mails written in another way (rewrites), `-w` writes an answer a line to `answers.jsonl`.
"""

import collections
import csv
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.reports import REWRITES

from mailgate.mail import classify, envelope, message
from mailgate.mail.incoming import Incoming
from mailgate.mail.message import Message
from mailgate.reports import report
from mailgate.reports.report import Report

KINDS = {"failed": "bounce", "delayed": "delay", "delivered": "success", "disposition": "mdn", "feedback": "arf"}
KINDS |= {"automatic": "autoreply", "other": "ordinary"}
BOUNDS: Mapping[str, float] = {
    "dsn: recipient": 99.5,
    "dsn: status": 99,
    "dsn: message-id": 99,
    "dsn-broken: recipient": 90,
    "text: recipient": 94,
    "all: recipient": 99,
    "all: status": 100,
    "all: class": 99.3,
    "all: message-id": 99.5,
    "delay told from failure": 99,
    "arf named right": 95,
    "autoreply named right": 90,
    **{f"{kind} not taken for a bounce": 100 for kind in ("arf", "mdn", "autoreply", "success")},
}
"""Figure -> percent that must be right."""
MISTAKES: Mapping[str, int] = {"ordinary not taken for a bounce": 0}
"""Figure -> mails that may be wrong."""
MEDIAN, LARGE = 1.0, 2.0
"""Milliseconds for half of the mails, seconds for one of 10 MB."""
WAYS = {"as saved": (None, False), "bounce address": ("", True)}
"""How a mail arrives -> its reverse-path (None: its own Return-Path), and whether a report is expected there."""


class Answer(NamedTuple):
    """What the reader says of one mail, in the words of the truth."""

    kind: str
    recipients: tuple[str, ...] = ()
    status: str = ""
    message_id: str = ""


def facts(raw: bytes, reverse_path: str | None = None) -> Message:
    """The facts of a saved mail, without a transport."""
    incoming = Incoming(raw, reverse_path, ())
    return message.read(raw, lambda hints, author: envelope.read(incoming, hints, author))


def read(raw: bytes, way: str = "as saved") -> Report | None:
    """What a mail reports, asked as a delivery asks: once more where a report is expected."""
    reverse_path, expected = WAYS[way]
    given = facts(raw, reverse_path)
    class_ = classify.classify(given)
    found = report.read(given, class_)
    return report.read(given, class_, expected=True) if found is None and expected else found


def answer(found: Report | None, class_: str = "person") -> Answer:
    """A report in the words of the truth; a status that was not given is of the class of its action.

    An automatic answer that is not a report shows by its class.
    """
    if found is None:
        return Answer("autoreply" if class_ == "automatic" else "ordinary")
    wanted = [each for each in found.findings if each.action == found.kind] or list(found.findings)
    first = wanted[0] if wanted else None
    status = first.status or {"failed": "5.0.0", "delayed": "4.0.0"}.get(first.action, "") if first else ""
    recipients = tuple(each.recipient for each in wanted if each.recipient)
    return Answer(KINDS[found.kind], recipients, status, next(iter(found.message_ids), ""))


class Score(NamedTuple):
    """Right and wrong answers by figure."""

    right: collections.Counter[str]
    asked: collections.Counter[str]
    wrong: dict[str, list[str]]

    def mark(self, figure: str, ok: bool, file: str) -> None:
        """Count one answer."""
        self.asked[figure] += 1
        self.right[figure] += ok
        if not ok:
            self.wrong.setdefault(figure, []).append(file)

    def percent(self, figure: str) -> float:
        """Right answers of a hundred."""
        return 100 * self.right[figure] / self.asked[figure]

    def holds(self, figure: str) -> bool:
        """Whether a figure is what it must be; one that nothing must be always holds."""
        if figure in MISTAKES:
            return self.asked[figure] - self.right[figure] <= MISTAKES[figure]
        return self.percent(figure) >= BOUNDS.get(figure, 0)


def truths(folder: Path) -> list[dict[str, str]]:
    """What is right about each mail."""
    with open(folder / "truth.tsv", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def score(truth: list[dict[str, str]], answers: Mapping[str, Answer]) -> Score:
    """Compare answers with the truth, as the README of the corpus defines it."""
    score = Score(collections.Counter(), collections.Counter(), {})
    for row in truth:
        file, kind, given = row["file"], row["kind"], answers[row["file"]]
        bounced = given.kind in ("bounce", "delay")
        if kind not in ("bounce", "delay"):
            score.mark(f"{kind} not taken for a bounce", not bounced, file)
            if kind != "ordinary":
                score.mark(f"{kind} named right", given.kind == kind, file)
            continue
        score.mark("delay told from failure", given.kind == kind, file)
        for group in ("all", row["format"]):
            score.mark(f"{group}: recognised", bounced, file)
            if row["recipient"]:
                score.mark(f"{group}: recipient", same(row["recipient"], given.recipients), file)
            if row["status"]:
                score.mark(f"{group}: status", given.status in row["status"].split("|"), file)
            if row["class"]:
                score.mark(f"{group}: class", (given.status or " ")[0] in row["class"], file)
            if row["original_message_id"]:
                score.mark(f"{group}: message-id", given.message_id in row["original_message_id"].split("|"), file)
    return score


def same(truth: str, given: tuple[str, ...]) -> bool:
    """Whether each recipient is named, in one of its right spellings, and no other."""
    wanted = [set(each.lower().split("|")) for each in truth.split(",")]
    named = {each.lower() for each in given}
    return all(each & named for each in wanted) and all(any(each in group for group in wanted) for each in named)


def run(
    folder: Path, way: str = "as saved", rewrite: Callable[[bytes], bytes] = bytes
) -> tuple[list[dict[str, str]], dict[str, Answer], list[float]]:
    """Truth, answers, and milliseconds for each mail: facts and report."""
    truth = truths(folder)
    answers, spent = {}, []
    for row in truth:
        raw = rewrite((folder / "mails" / row["file"]).read_bytes())
        started = time.perf_counter()
        found = read(raw, way)
        spent.append(1000 * (time.perf_counter() - started))
        class_ = classify.classify(facts(raw)).name if found is None else ""
        answers[row["file"]] = answer(found, class_)
    return truth, answers, spent


def bound(figure: str) -> str:
    """What must hold, in words."""
    if figure in MISTAKES:
        return f"at most {MISTAKES[figure]} wrong"
    return f">= {BOUNDS[figure]:g} %" if figure in BOUNDS else ""


def shown(found: Score, figure: str) -> str:
    """One figure of one way."""
    counts = f"{found.right[figure]}/{found.asked[figure]}"
    return f"{found.percent(figure):6.1f} % {counts:8}{' ' if found.holds(figure) else '!'}"


def main(folder: Path, options: list[str]) -> bool:
    """Print everything; whether all of it holds."""
    answers: dict[str, Answer] = {}
    scores = {}
    for way in WAYS:
        truth, answers, _ = run(folder, way)
        scores[way] = score(truth, answers)
        if "-w" in options and way == "as saved":
            with open("answers.jsonl", "w", encoding="utf-8") as file:
                for name, given in answers.items():
                    print(json.dumps({"file": name, **given._asdict()}), file=file)
    figures = sorted(next(iter(scores.values())).asked)
    print(f"{'':34}" + "".join(f"{way:>18} " for way in WAYS) + "  must hold")
    for figure in figures:
        print(f"{figure:34}" + " ".join(shown(found, figure) for found in scores.values()) + f"  {bound(figure)}")
    ok = [found.holds(figure) for found in scores.values() for figure in figures]
    if "-v" in options:
        for way, found in scores.items():
            for figure, files in found.wrong.items():
                print(f"\n{way}, {figure} ({len(files)}): {' '.join(files)}")
    if "-m" in options:
        rewritten(folder, scores["bounce address"])
    ok += speed(folder)
    print("\neverything holds" if all(ok) else "\nSOMETHING FALLS SHORT")
    return all(ok)


def rewritten(folder: Path, plain: Score) -> None:
    """How the figures with a bound differ for the same mails written in another way.

    Nothing must hold of them: of a mail whose MIME is broken, a rewrite may make one that nobody would send.
    """
    print("\nto the bounce address, but")
    for name, rewrite in REWRITES.items():
        truth, answers, _ = run(folder, "bounce address", rewrite)
        found = score(truth, answers)
        changed = [
            f"{figure} {plain.percent(figure):.1f} -> {found.percent(figure):.1f}"
            for figure in (*BOUNDS, *MISTAKES)
            if found.right[figure] != plain.right[figure]
        ]
        print(f"  {name:24} {'; '.join(changed) or 'the same'}")


def speed(folder: Path) -> list[bool]:
    """What a mail takes, the best of three rounds, and what bounces of a size nobody has seen take."""
    rounds = [run(folder)[2] for _ in range(3)]
    spent = sorted(min(times) for times in zip(*rounds, strict=True))
    median, p95 = statistics.median(spent), spent[len(spent) * 95 // 100]
    print(f"\nmedian {median:.2f} ms (must be under {MEDIAN:g}), p95 {p95:.2f} ms, max {spent[-1]:.1f} ms")
    held = [median < MEDIAN]
    for name, raw in large().items():
        started = time.perf_counter()
        read(raw)
        seconds = time.perf_counter() - started
        held.append(seconds < LARGE)
        print(f"{name}: {seconds:.2f} s (must be under {LARGE:g})")
    return held


def large() -> dict[str, bytes]:
    """Bounces of a size nobody has seen."""
    head = b"From: MAILER-DAEMON@mx.example.net\nTo: bob@example.com\nSubject: failure notice\nReturn-Path: <>\n"
    dsn = (
        b'Content-Type: multipart/report; boundary="b"\n\n--b\n\nIt failed.\n--b\n'
        b"Content-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; ann@example.org\nAction: failed\nStatus: 5.1.1\n\n--b\n"
        b"Content-Type: message/rfc822\n\nMessage-ID: <1@x>\n\n"
    )
    return {
        "10 MB report": head + dsn + b"A line of the message that came back.\n" * 275_000 + b"--b--\n",
        "10 MB of notice": head + b"\n" + b"The user <ann@example.org> is unknown to 550 us.\n" * 210_000,
        "1 MB of words": head + b"\n" + b"It could not be delivered to anybody here. " * 24_000,
        "1 MB on one line": head + b"\n" + b"a" * 500_000 + b"@" + b"b" * 500_000,
    }


if __name__ == "__main__":
    sys.exit(not main(Path(sys.argv[1]), sys.argv[2:]))
