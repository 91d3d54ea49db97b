"""How well reports are read: the answers of `report.read` over a folder of mails with their truth, and the time.

    python tests/bench/bounces.py FOLDER [-v]

FOLDER holds `mails/` and `truth.tsv`; an answer a line is written to `answers.jsonl` in the current folder with `-w`.
The envelope is what a mail itself shows: its Return-Path, and no stated reverse-path where it has none.
"""

import collections
import csv
import json
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

from mailgate import envelope, message, report
from mailgate.message import Message
from mailgate.report import Report

KINDS = {"failed": "bounce", "delayed": "delay", "delivered": "success", "disposition": "mdn", "feedback": "arf"}
KINDS |= {"automatic": "autoreply", "other": "ordinary"}


class Answer(NamedTuple):
    """What the reader says of one mail, in the words of the truth."""

    kind: str
    recipients: tuple[str, ...] = ()
    status: str = ""
    message_id: str = ""


def facts(raw: bytes) -> Message:
    """The facts of a saved mail, without a transport."""
    return message.read(raw, lambda hints, author: envelope.read(None, (), {}, hints, author))


def answer(found: Report | None) -> Answer:
    """A report in the words of the truth; a status that was not given is of the class of its action."""
    if found is None:
        return Answer("ordinary")
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


def truths(folder: Path) -> list[dict[str, str]]:
    """What is right about each mail."""
    with open(folder / "truth.tsv", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def score(truth: list[dict[str, str]], answers: dict[str, Answer]) -> Score:
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


def run(folder: Path) -> tuple[list[dict[str, str]], dict[str, Answer], list[float]]:
    """Truth, answers, and milliseconds for each mail: facts and report."""
    truth = truths(folder)
    answers, spent = {}, []
    for row in truth:
        raw = (folder / "mails" / row["file"]).read_bytes()
        started = time.perf_counter()
        found = report.read(facts(raw))
        spent.append(1000 * (time.perf_counter() - started))
        answers[row["file"]] = answer(found)
    return truth, answers, spent


def main(folder: Path) -> None:
    truth, answers, _ = run(folder)
    _, _, spent = run(folder)
    found = score(truth, answers)
    for figure in sorted(found.asked):
        print(f"{figure:34} {found.percent(figure):6.1f} %  {found.right[figure]}/{found.asked[figure]}")
    if "-v" in sys.argv:
        for figure, files in found.wrong.items():
            print(f"\n{figure} ({len(files)}): {' '.join(files)}")
    if "-w" in sys.argv:
        with open("answers.jsonl", "w", encoding="utf-8") as file:
            for name, given in answers.items():
                print(json.dumps({"file": name, **given._asdict()}), file=file)
    spent.sort()
    p95 = spent[len(spent) * 95 // 100]
    print(f"\nmedian {statistics.median(spent):.2f} ms, p95 {p95:.2f} ms, max {spent[-1]:.1f} ms")
    for name, raw in large().items():
        started = time.perf_counter()
        report.read(facts(raw))
        print(f"{name}: {time.perf_counter() - started:.2f} s")


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
    main(Path(sys.argv[1]))
