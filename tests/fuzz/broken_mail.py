"""Break mails in every way, deliver what is left, and look at all that comes out of the gateway.

    python tests/fuzz/broken_mail.py [--count N] [--seed S] [--jobs N] [--save FOLDER]
    python tests/fuzz/broken_mail.py --replay FILE ...

Mails come from `seeds/` and, where they are there, from the folders `hostile/`, `weird/mails/` and `bounces/mails/` in
the folder that MAILGATE_CORPORA names, else in a folder `shared` beside the project's. The same seed makes the same
mails in the same envelopes, however many jobs there are. Exit status 1 when anything does not hold; every such mail is
saved with what is wrong with it, and `--replay` delivers it once more.
"""

import argparse
import collections
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NamedTuple
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.breaker import CORPORA, TOKENS, Breaker, Mails, mails
from fuzz.checks import Wrong, check_content, check_outgoing, check_receipt, check_tree, clean, must
from fuzz.prepared import CONFIGS, ENVELOPES, PLACES, PreparedStore, prepared_store
from helpers.messages import BOB
from helpers.queued import queued

from mailgate.gateway import post, receive
from mailgate.gateway.post import Text
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.settings.config import Config
from mailgate.store import database, messages, outbox, records
from mailgate.values import token
from mailgate.values.address import lenient, lower
from mailgate.values.problem import Problem

CHUNK = 100
"""Broken mails that go into one pair of stores."""
SECONDS = 1.0
"""CPU time that one step may take; a broken mail has a megabyte at most."""
HANGS = 20.0
"""CPU time after which a step is stopped."""
KEPT = 5
"""Mails that are saved for one mistake."""
STEPS = (1, 60, 600, 3_600, 90_000)
"""Seconds that pass between two deliveries."""


class Delivery(NamedTuple):
    """One broken mail in one envelope."""

    incoming: Incoming
    envelope: str
    config: str
    origin: str = ""

    @property
    def raw(self) -> bytes:
        """Its octets."""
        return self.incoming.raw


class Mistake(NamedTuple):
    """Something that does not hold: what, the details, and the delivery that shows it."""

    what: str
    details: str
    delivery: Delivery


class Slow(NamedTuple):
    """CPU seconds of one step, and what took them."""

    seconds: float
    step: str
    size: int
    origin: str
    envelope: str


class Figures:
    """What a run came to; figures of chunks add up."""

    def __init__(self) -> None:
        self.mails = 0
        self.octets = 0
        self.counts: collections.Counter[str] = collections.Counter()
        self.mistakes: list[Mistake] = []
        self.slowest: list[Slow] = []

    def add(self, other: "Figures") -> None:
        """Add what another chunk came to."""
        self.mails += other.mails
        self.octets += other.octets
        self.counts.update(other.counts)
        self.mistakes += other.mistakes
        self.slowest = sorted((*self.slowest, *other.slowest), reverse=True)[:10]

    def count(self, receipt: Receipt) -> None:
        """Count a delivery and its outcomes."""
        decision = receipt.decision
        self.counts["deliveries"] += 1
        self.counts[f"class {receipt.facts.class_.name}"] += 1
        self.counts[f"exit {decision.status.exit}"] += 1
        for each in decision.outcomes:
            self.counts[f"{each.action} {each.reason}"] += 1

    def took(self, spent: float, step: str, delivery: Delivery) -> None:
        """Remember the slowest. Raises Wrong for what is too slow."""
        self.slowest.append(Slow(spent, step, len(delivery.raw), delivery.origin, delivery.envelope))
        self.slowest = sorted(self.slowest, reverse=True)[:10]
        must(spent < SECONDS, f"{step} is slow", f"{spent:.2f} s of CPU for {len(delivery.raw)} octets")

    def content(self, delivery: Delivery) -> None:
        """Look at the content of a mail, as `message show` does. Raises Wrong."""
        started = time.process_time()
        check_content(delivery.raw)
        self.took(time.process_time() - started, "content", delivery)


class Site:
    """A gateway with a store of its own, a copy of a prepared one, into which one chunk goes."""

    def __init__(self, made: PreparedStore, path: Path, config: str, random: Random) -> None:
        path.write_bytes(made.octets)
        self.store = database.open_existing(path)
        self.config = Config(None, str(path), **CONFIGS[config])
        self.random = random
        self.known = made.details()
        self.marks = (made.words["POST"], made.words["MARK"])
        self.now = 1_700_001_000.0
        with self.store.read() as tx:
            self.queued = max(each.number for each in outbox.listing(tx))

    def deliver(self, delivery: Delivery, figures: Figures) -> None:
        """Receive a message and check whatever comes of it. Raises Wrong, and what the gateway raises."""
        self.now += self.random.choice(STEPS)
        expected = self.preview(delivery) if self.random.random() < 0.05 else None
        started = time.process_time()
        receipt = receive.receive(self.store, self.config, delivery.incoming, self.now)
        spent = time.process_time() - started
        figures.count(receipt)
        check_receipt(receipt)
        self.check_stored(delivery, receipt)
        self.check_signed(receipt)
        self.check_queued(figures)
        must(expected in (None, receipt.decision), "the preview is another", (expected, receipt.decision))
        if self.random.random() < 0.15:
            again = receive.receive(self.store, self.config, delivery.incoming, self.now + 1)
            figures.counts["copies copies"] += 1
            figures.count(again)
            check_receipt(again)
            must(again.number is None, "a copy was kept", (receipt.decision.outcomes, again.decision.outcomes))
            must(again.decision.status == receipt.decision.status, "a copy has another status", again.decision.status)
        if spent >= SECONDS:  # once more: it may have been the first to need a module
            started = time.process_time()
            self.preview(delivery)
            spent = min(spent, time.process_time() - started)
        figures.took(spent, "receive", delivery)

    def preview(self, delivery: Delivery) -> receive.Decision:
        """The same without writing."""
        return receive.preview(self.store, self.config, delivery.incoming, self.now).decision

    def check_stored(self, delivery: Delivery, receipt: Receipt) -> None:
        """The exact bytes, and an explanation; nothing where nothing is new."""
        must((receipt.number is not None) == receipt.decision.has_effects, "kept or not", receipt.decision.outcomes)
        if receipt.number is not None:
            with self.store.read() as tx:
                must(messages.raw(tx, receipt.number) == delivery.raw, "stored bytes")
                check_tree(messages.explanation(tx, receipt.number))
                clean(messages.stored(tx, receipt.number), "a stored message")

    def check_signed(self, receipt: Receipt) -> None:
        """A signature counts only as we wrote it."""
        outcomes = receipt.decision.outcomes
        posted = any(each.reason == "token" for each in outcomes)
        proved = any(found.follower for each in outcomes for found in each.reports)
        if not posted and not proved:
            return
        facts = receipt.facts.message
        addresses = [*facts.envelope.recipients, *facts.header_addresses]
        ids: tuple[str, ...] = ()
        if proved:
            addresses += [facts.envelope.reverse_path] if facts.envelope.reverse_path else []
            if report := receipt.facts.report:
                addresses += [each for text in report.return_addresses if (each := lenient(text))]
                ids = report.message_ids
        details = [token.parse(lower(each.local)) for each in addresses]
        ours = any(each and each._replace(local="") in self.known for each in details)
        must(ours or (proved and any(each in self.marks for each in ids)), "a signature that is none", outcomes)

    def check_queued(self, figures: Figures) -> None:
        """What is to be sent since the last time."""
        with self.store.read() as tx:
            rows = tx.execute("SELECT number FROM outbox WHERE number > ? ORDER BY number", (self.queued,)).fetchall()
            for row in rows:
                (letter,) = queued(tx, [row["number"]])
                figures.counts[f"outgoing {letter.kind}"] += 1
                self.queued = letter.number
                check_outgoing(letter)
                must(letter.octets.startswith(letter.own), "outgoing body")

    def finish(self, figures: Figures) -> None:
        """Write to the people of records that broken mail made, and ask the database whether it is whole."""
        with self.store.read() as tx:
            refs = [each.ref for each in records.listing(tx)]
        for ref in self.random.sample(refs, min(len(refs), 8)):
            try:
                post.write(self.store, ref, Text("And now?\n"), (BOB,), self.now)
            except Problem:  # nobody takes mail there
                figures.counts["posts refused"] += 1
        self.check_queued(figures)
        with self.store.read() as tx:
            whole = tx.execute("PRAGMA integrity_check").fetchone()[0]
            must(whole == "ok" and not tx.execute("PRAGMA foreign_key_check").fetchall(), "database", whole)


@contextlib.contextmanager
def no_hang() -> Iterator[None]:
    """Stop what takes HANGS seconds of CPU time; not by SIGALRM, which the gateway uses itself."""

    def expired(_signal: int, _frame: FrameType | None) -> None:
        raise Wrong("hangs")

    before = signal.signal(signal.SIGVTALRM, expired)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def noted(figures: Figures, delivery: Delivery) -> Iterator[None]:
    """Whatever goes wrong inside becomes a mistake."""
    try:
        with no_hang():
            yield
    except Wrong as wrong:
        figures.mistakes.append(Mistake(wrong.args[0], "\n".join(wrong.args[1:]), delivery))
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
        figures.mistakes.append(Mistake(what, traceback.format_exc(), delivery))


def envelope(raw: bytes, random: Random, made: PreparedStore) -> tuple[Incoming, str]:
    """A mail in one of the envelopes, or one that no mail server would write."""
    if random.random() >= 0.1:
        name = random.choice(list(ENVELOPES))
        return made.incoming(raw, name), name
    words = [made.fill(random.choice(PLACES)), *(random.choice(TOKENS).decode("utf-8", "replace") for _ in "ab")]
    random.shuffle(words)
    odd = "".join(words).replace("\0", "")  # no argument of a process has one
    recipients = (odd,) if random.random() < 0.8 else (odd, words[0])
    return Incoming(raw, random.choice((odd, BOB, "", None)), recipients), "odd"


class Shared(NamedTuple):
    """What every chunk of a run needs."""

    store: PreparedStore
    mails: Mails
    folder: Path
    seed: int


def chunk(shared: Shared, number: int, count: int) -> Figures:
    """So many broken mails, each into two gateways that are configured differently, in two envelopes."""
    random, chance = (
        Random(f"{shared.seed}:{number}"),
        Random(number),
    )  # of the mails, and of all that is done with them
    breaker = Breaker(random, shared.mails, shared.store)
    figures = Figures()
    with mock.patch("os.urandom", chance.randbytes), tempfile.TemporaryDirectory(dir=shared.folder) as name:
        configs = random.sample(list(CONFIGS), 2)
        sites = {each: Site(shared.store, Path(name) / f"{each}.db", each, chance) for each in configs}
        for _ in range(count):
            origin, raw = breaker.broken()
            figures.mails += 1
            figures.octets += len(raw)
            for config, site in sites.items():
                last = Delivery(*envelope(raw, random, shared.store), config, origin)
                with noted(figures, last):
                    site.deliver(last, figures)
            with noted(figures, last):
                figures.content(last)
        for site in sites.values():
            with noted(figures, last):
                site.finish(figures)
            site.store.close()
    return figures


_shared: list[Shared] = []


def _work(job: tuple[int, int]) -> Figures:
    return chunk(_shared[-1], *job)


def run(
    count: int,
    seed: int,
    jobs: int = 1,
    corpora: Path | None = CORPORA,
    progress: Callable[[Figures], None] = lambda figures: None,
) -> Figures:
    """Break and deliver so many mails; the figures do not depend on the number of jobs, but for times.

    Ended by an interrupt, it gives the figures of what was done until then.
    """
    memory = Path("/dev/shm")
    parent = str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else None  # spares waiting for a disk
    total = Figures()
    with tempfile.TemporaryDirectory(prefix="mailgate-fuzz-", dir=parent) as name:
        made = prepared_store(Path(name))
        _shared.append(Shared(made, mails(made, corpora), Path(name), seed))
        work = [(at // CHUNK, min(CHUNK, count - at)) for at in range(0, count, CHUNK)]
        with contextlib.suppress(KeyboardInterrupt):
            if jobs == 1:
                for job in work:
                    total.add(_work(job))
                    progress(total)
                return total
            with multiprocessing.get_context("fork").Pool(jobs, _leave) as pool:
                for figures in pool.imap_unordered(_work, work):
                    total.add(figures)
                    progress(total)
    return total


def _leave() -> None:
    """Leave interrupts to the parent process, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def save(mistakes: Sequence[Mistake], folder: Path) -> list[str]:
    """Keep the mails that show mistakes; a line for each kind, with the places of some of them."""
    kinds: dict[str, list[Mistake]] = {}
    for each in mistakes:
        kinds.setdefault(each.what, []).append(each)
    folder.mkdir(parents=True, exist_ok=True)
    said = []
    for at, (what, same) in enumerate(sorted(kinds.items(), key=lambda pair: -len(pair[1]))):
        said.append(f"{len(same)} x {what}")
        same.sort(key=lambda each: len(each.delivery.raw))
        for turn, each in enumerate(same[:KEPT]):
            path = folder / f"{at}-{turn}.eml"
            path.write_bytes(each.delivery.raw)
            told: dict[str, Any] = {**each._asdict(), "delivery": None}
            told |= {**each.delivery._asdict(), "incoming": [None, *each.delivery.incoming[1:]]}
            path.with_suffix(".json").write_text(json.dumps(told, indent=1))
            said.append(f"    {path} ({len(each.delivery.raw)} octets)")
        said += [f"    | {line}" for line in same[0].details.splitlines()[-6:]]
    return said


def replay(path: Path) -> list[Mistake]:
    """Deliver a mail again, twice into a fresh store: in its envelope when one was saved with it, else in all."""
    raw, figures = path.read_bytes(), Figures()
    told = path.with_suffix(".json")
    with tempfile.TemporaryDirectory() as name:
        made = prepared_store(Path(name))
        deliveries = [Delivery(made.incoming(raw, each), each, config) for config in CONFIGS for each in ENVELOPES]
        if told.exists():
            known = json.loads(told.read_text())
            incoming = Incoming(raw, *known["incoming"][1:])
            if incoming.fallback:
                incoming = incoming._replace(fallback=Fallback(*incoming.fallback))
            deliveries = [Delivery(incoming, known["envelope"], known["config"])]
        for delivery in deliveries:
            site = Site(made, Path(name) / "site.db", delivery.config, Random(0))
            with noted(figures, delivery):
                figures.content(delivery)
                for _ in "twice":
                    site.deliver(delivery, figures)
                site.finish(figures)
            site.store.close()
    return figures.mistakes


def shown(figures: Figures, seconds: float) -> list[str]:
    """The figures, for people."""
    deliveries = figures.counts["deliveries"]
    said = [
        f"{figures.mails} mails ({figures.octets / (1 << 20):.0f} MB) in {deliveries} deliveries,"
        f" {seconds:.0f} s, {deliveries / max(seconds, 0.001):.0f} deliveries a second"
    ]
    groups: dict[str, list[str]] = {}
    for name, number in figures.counts.most_common():
        head, _, tail = name.partition(" ")
        groups.setdefault(head, []).append(f"{tail} {number}")
    said += [f"  {head:10} {', '.join(counts)}" for head, counts in sorted(groups.items()) if head != "deliveries"]
    said.append("slowest (CPU)")
    said += [
        f"  {1000 * each.seconds:6.0f} ms  {each.step:8} {each.size:8} octets  {each.origin} in {each.envelope}"
        for each in figures.slowest[:5]
    ]
    return said


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Deliver broken mails and check what comes out.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--save", type=Path, default=Path(tempfile.gettempdir()) / "mailgate-fuzz")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args(arguments)
    if options.replay:
        found = [(path, each) for path in options.replay for each in replay(path)]
        for path, each in found:
            print(f"{path} in {each.delivery.envelope} ({each.delivery.config}): {each.what}\n{each.details}")
        return 1 if found else 0
    started = last = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def progress(figures: Figures) -> None:
        nonlocal last
        if time.monotonic() - last > 60:
            last = time.monotonic()
            kinds = sorted({each.what for each in figures.mistakes})
            said = "; ".join((f"{figures.mails} of {options.count}, {len(figures.mistakes)} mistakes", *kinds))
            print(f"{last - started:6.0f} s  {said}", file=sys.stderr, flush=True)

    figures = run(options.count, options.seed, options.jobs, progress=progress)
    print("\n".join(shown(figures, time.monotonic() - started)))
    if figures.mails < options.count:
        print(f"stopped before {options.count}")
    if not figures.mistakes:
        print("everything holds")
        return 0
    shutil.rmtree(options.save, ignore_errors=True)
    print(f"{len(figures.mistakes)} MISTAKES")
    print("\n".join(save(figures.mistakes, options.save)))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
