"""Collected mails come in: a report makes no record and sends nothing, whatever address of ours it is for.

Collected corpora are looked for in the folder that MAILGATE_CORPORA names (`bounces/` with `mails/` and `truth.tsv`,
`weird/mails/` and `hostile/` in it), or in a folder `shared` beside the project's.
"""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.gateway import BOB, Gateway
from helpers.messages import mail
from helpers.reports import posted

from mailgate.gateway.receive import Receipt
from mailgate.store import failures

ROOT = Path(__file__).parents[2]
CORPORA = Path(os.environ.get("MAILGATE_CORPORA") or ROOT.parent / "shared")
BOUNCES = CORPORA / "bounces"
REPORTS = ("bounce", "delay", "success", "arf", "mdn")
"""Kinds of mails that report something."""
NO_REPORTS = ("ordinary", "autoreply")


class Way(NamedTuple):
    """For whom mails come; reverse-path None: what their Return-Path says. `missed`: of a hundred reports, how many
    nobody can tell from any other mail where no report is expected."""

    recipients: tuple[str, ...]
    reverse_path: str | None
    missed: float = 0


WAYS = {
    "bounce-address-from-null": Way(("bounce@example.com",), ""),
    "bounce-address-as-saved": Way(("bounce@example.com",), None),
    "signed-from-null": Way(("SIGNED",), ""),
    "alias-from-null": Way(("info@example.com",), "", 1),
    "alias-as-saved": Way(("info@example.com",), None, 2),
    "alias-and-bounce-address": Way(("info@example.com", "returns@other.test"), "", 1),
}


class Row(NamedTuple):
    """A mail of the corpus, and what it is."""

    file: str
    kind: str
    raw: bytes


class Kept(NamedTuple):
    """How much there is of everything."""

    records: int
    messages: int
    outbox: int
    failures: int
    held: int


class Came(NamedTuple):
    """A mail that came, what was decided, and what there was before and after."""

    row: Row
    receipt: Receipt
    before: Kept
    after: Kept

    @property
    def said(self) -> str:
        """The mail and its outcomes in words."""
        outcomes = self.receipt.decision.outcomes
        return f"{self.row.file}: {', '.join(f'{each.action} {each.reason}' for each in outcomes)}"

    @property
    def accounted(self) -> bool:
        """Whether every outcome leaves a trace: a failure, an entry in the list of held mail, or a reason."""
        return all(
            {
                "bounce": self.receipt.number is not None and any(found.counts for found in each.reports),
                "hold": each.reason == "bounce-address" and each.quiet and self.after.held > self.before.held,
                "ignore": each.reason in ("report", "loop", "duplicate"),
            }.get(each.action, False)
            for each in self.receipt.decision.outcomes
        )


class Replay:
    """A gateway with a record and a post on it, to which mails come in one way."""

    def __init__(self, folder: Path, way: Way) -> None:
        self.gateway = Gateway(folder / "mailgate.db")
        self.way = way
        with self.gateway.store.read() as connection:
            pass
        connection.execute("PRAGMA synchronous = OFF")  # thousands of deliveries, and no power that fails
        self.gateway.parameter("mail.gateway.loop.threshold", "100000")
        self.gateway(mail(to="jobs@example.com"), "jobs@example.com")
        self.copy = posted(self.gateway, record="hr.job/1")[BOB]
        self.recipients = [each.replace("SIGNED", self.copy.reverse_path) for each in way.recipients]
        self.last = self.kept()

    def __call__(self, row: Row) -> Came:
        """A mail comes."""
        before = self.last
        receipt = self.gateway(row.raw, *self.recipients, reverse_path=self.way.reverse_path)
        self.last = self.kept()
        return Came(row, receipt, before, self.last)

    def kept(self) -> Kept:
        """How much there is."""
        with self.gateway.store.read() as tx:
            tables = ("record", "message", "outbox", "failure", "held")
            return Kept(*(tx.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in tables))


class Replayed(NamedTuple):
    """All mails of the corpus, once and once more."""

    replay: Replay
    once: list[Came]
    again: list[Came]

    @property
    def reports(self) -> list[Came]:
        """What came of those that are reports."""
        return [each for each in self.once if each.row.kind in REPORTS]


@pytest.fixture(scope="module")
def corpus() -> list[Row]:
    if not BOUNCES.is_dir():
        pytest.skip(f"no corpus in {BOUNCES}: name its parent in MAILGATE_CORPORA")
    with open(BOUNCES / "truth.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert {each["kind"] for each in rows} <= {*REPORTS, *NO_REPORTS}
    return [Row(each["file"], each["kind"], (BOUNCES / "mails" / each["file"]).read_bytes()) for each in rows]


@pytest.fixture(scope="module", params=WAYS.values(), ids=WAYS)
def replayed(
    request: pytest.FixtureRequest, corpus: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replayed]:
    replay = Replay(tmp_path_factory.mktemp("replay"), request.param)
    once = [replay(each) for each in corpus]
    yield Replayed(replay, once, [replay(each) for each in corpus])
    replay.gateway.store.close()


def test_a_report_is_accounted_for_and_makes_no_record(replayed: Replayed) -> None:
    wrong = [each.said for each in replayed.reports if not each.accounted or each.after.records > each.before.records]
    assert len(wrong) <= len(replayed.reports) * replayed.replay.way.missed / 100, wrong


def test_a_failure_is_recorded_or_known(replayed: Replayed) -> None:
    """What bounces makes an entry, unless there is one: of the same message, or signed for the same recipient.

    A signed return address is about one recipient, whomever the report names: one entry a status is all there can be.
    """
    bounced = [each for each in replayed.reports if each.receipt.decision.outcomes[0].action == "bounce"]
    assert len(bounced) > len(replayed.reports) * 0.8
    grown = sum(each.after.failures > each.before.failures for each in bounced)
    assert grown > 0 if replayed.replay.way.recipients == ("SIGNED",) else grown > 0.5 * len(bounced)
    assert all(each.after.failures >= each.before.failures for each in replayed.once)


def test_no_report_is_answered(replayed: Replayed) -> None:
    """Neither an answer nor a copy, to nobody."""
    assert {each.after.outbox for each in (*replayed.once, *replayed.again)} == {replayed.once[0].before.outbox}


def test_every_report_is_taken(replayed: Replayed) -> None:
    """No mail is too much for us, and none is refused."""
    for each in replayed.once:
        decision = each.receipt.decision
        assert decision.outcomes, each.said
        assert "failed" not in [outcome.reason for outcome in decision.outcomes], (each.said, decision.steps)
        assert decision.status.exit == 0, each.said


def test_ordinary_mail_is_hardly_ever_taken_for_a_report(replayed: Replayed) -> None:
    mails = [each for each in replayed.once if each.row.kind in NO_REPORTS]
    assert mails
    taken = [each.said for each in mails if each.after.failures > each.before.failures]
    assert len(taken) <= 1, taken


def test_coming_again_changes_nothing(replayed: Replayed) -> None:
    """When a mail server tries again, or a mailbox is collected twice."""
    new = [each.said for each in replayed.again if {o.reason for o in each.receipt.decision.outcomes} != {"duplicate"}]
    assert not new
    assert {each.after for each in replayed.again} == {replayed.once[-1].after}


def test_strangers_prove_nothing(replayed: Replayed) -> None:
    """Only what comes to the signed address stops anybody: him that it is signed for."""
    replay = replayed.replay
    with replay.gateway.store.read() as tx:
        stopped = {each.follower for each in failures.listing(tx, acked=True)}
    assert stopped <= ({BOB, None} if "SIGNED" in replay.way.recipients else {None})


def test_ordinary_mails_reach_their_alias(corpus: list[Row], tmp_path: Path) -> None:
    """From people: each makes a record, but for copies of one mail and what is held for a reason of its own."""
    replay = Replay(tmp_path, Way(("info@example.com",), BOB))
    became: Counter[str] = Counter()
    ordinary = [each for each in corpus if each.kind == "ordinary"]
    for row in ordinary:
        became.update(f"{each.action} {each.reason}" for each in replay(row).receipt.decision.outcomes)
    assert set(became) <= {"create alias", "ignore duplicate", "hold spam", "hold bounce-address", "bounce report"}
    assert became["create alias"] == replay.last.records - 1
    assert became["create alias"] > 0.9 * len(ordinary)
    assert became["bounce report"] <= 1
    replay.gateway.store.close()


@pytest.mark.parametrize("name", ["weird/mails", "hostile"])
@pytest.mark.parametrize("way", ["signed-from-null", "bounce-address-as-saved"])
def test_anything_may_come_to_a_bounce_address(tmp_path: Path, name: str, way: str) -> None:
    """No exception, a decision for each, no record and no answer."""
    if not (CORPORA / name).is_dir():
        pytest.skip(f"no corpus in {CORPORA / name}: name its parent in MAILGATE_CORPORA")
    replay = Replay(tmp_path, WAYS[way])
    start = replay.last
    for path in sorted((CORPORA / name).rglob("*")):
        raw = path.read_bytes() if path.is_file() and path.suffix != ".tsv" else b""
        if raw:
            came = replay(Row(path.name, "", raw))
            assert came.accounted, (came.said, came.receipt.decision.steps)
            assert came.receipt.decision.status.exit == 0
    assert replay.last.messages > start.messages
    assert (replay.last.records, replay.last.outbox) == (start.records, start.outbox)
    replay.gateway.store.close()
