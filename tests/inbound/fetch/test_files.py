"""Kept mail out of files: the same records as from a server, nobody told of it, nothing twice."""

from pathlib import Path

import pytest

from mailgate.gateway import receive
from mailgate.inbound import files
from mailgate.inbound.files import Archive
from mailgate.inbound.progress import FetchTally
from mailgate.routing.judgement import Judgement
from mailgate.settings import config
from mailgate.store.aliases import get, save

from .conftest import Collector, mail


def mbox(folder: Path, *messages: bytes) -> Path:
    """An mbox with these messages."""
    path = folder / "old.mbox"
    path.write_bytes(b"".join(b"From bob@client.org Mon Jan  1 10:00:00 2024\n" + each + b"\n" for each in messages))
    return path


def maildir(folder: Path, *messages: bytes) -> Path:
    """A Maildir with these messages, every second one read."""
    for part in ("new", "cur", "tmp"):
        (folder / "Maildir" / part).mkdir(parents=True)
    for number, each in enumerate(messages):
        (folder / "Maildir" / ("cur" if number % 2 else "new") / f"{1000 + number}.M1.box").write_bytes(each)
    return folder / "Maildir"


def eml(folder: Path, *messages: bytes) -> Path:
    """A folder of files."""
    (folder / "saved").mkdir()
    for number, each in enumerate(messages):
        (folder / "saved" / f"{number:03}.eml").write_bytes(each)
    (folder / "saved" / "notes.txt").write_text("no mail")
    return folder / "saved"


MAKERS = {"mbox": mbox, "maildir": maildir, "eml": eml}


@pytest.mark.parametrize("kind", MAKERS)
def test_every_message_of_a_file_is_taken_once_in_order_unchanged(
    collector: Collector, tmp_path: Path, kind: str
) -> None:
    sent = [mail(n, body="Text.\n\nFrom me\n>From you\n" if n % 3 else "\nFromage\n") for n in range(40)]
    place = MAKERS[kind](tmp_path, *sent)
    if kind == "mbox":
        place.write_bytes(place.read_bytes().replace(b"\n\nFrom me", b"\n\n>From me"))
        sent = [each.replace(b"\n\nFrom me", b"\n\n>From me") for each in sent]
    assert collector.json("fetch", kind, str(place)) == [
        {kind: str(place), **FetchTally(fetched=40, created=40)._asdict()}
    ]
    assert collector.raws() == sent
    assert collector.subjects() == [f"Hello {n}" for n in range(40)]
    assert collector.json("fetch", kind, str(place))[0]["fetched"] == 0


def test_an_interrupted_import_goes_on_where_it_stopped(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [mail(n) for n in range(50)]
    place = mbox(tmp_path, *sent)
    settings = config.load(str(collector.config), None, {})

    def broken(done: int, _of: int) -> None:
        if done == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.take(collector.store, settings, Archive("mbox", str(place)), broken)
    assert len(collector.raws()) == 32
    assert files.take(collector.store, settings, Archive("mbox", str(place))) == FetchTally(fetched=18, created=18)
    assert collector.raws() == sent


def test_kept_mail_is_never_answered_or_copied(collector: Collector, tmp_path: Path) -> None:
    with collector.store.write() as tx:
        save(tx, get(tx, "support@example.com")._replace(notify=("ann@example.org",)))
    refused = mail(0, to="closed@example.com")
    one_sender = [mail(n).replace(f"bob{n}@client.org>\nTo".encode(), b"bob@client.org>\nTo") for n in range(1, 31)]
    (found,) = collector.json("fetch", "mbox", str(mbox(tmp_path, refused, *one_sender)))
    assert (found["created"], found["held"], found["refused"]) == (30, 1, 0)
    assert collector.held() == ["policy"]
    assert collector.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert collector.rows("SELECT DISTINCT address FROM follower WHERE address LIKE 'ann%'") == [("ann@example.org",)]


@pytest.mark.parametrize("kind", MAKERS)
def test_kept_mail_that_is_too_large_is_held(collector: Collector, tmp_path: Path, kind: str) -> None:
    place = MAKERS[kind](tmp_path, mail(1, body=("x" * 70 + "\n") * 40_000), mail(2))
    (found,) = collector.json("fetch", kind, str(place))
    assert (found["created"], found["failed"]) == (1, 1)
    assert collector.held() == ["too-large"]
    assert collector.rows("SELECT size > 2800000, length(octets) < 400 FROM message JOIN raw ON message = number")[
        0
    ] == (
        1,
        1,
    )


def test_a_model_for_what_no_alias_takes(collector: Collector, tmp_path: Path) -> None:
    place = mbox(tmp_path, mail(1, to="somebody@elsewhere.net"))
    collector.ok("fetch", "mbox", str(place), "--model", "lead", "--set", "source=archive")
    assert collector.json("record", "show", "lead/1")["values"]["source"] == "archive"


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["mbox"], 2, "takes one file or folder"),
        (["mbox", "/nonexistent"], 1, "/nonexistent is not a file"),
        (["maildir", "/"], 1, "is not a Maildir"),
        (["eml", "/nonexistent"], 1, "is not a file or folder"),
        (["mbox", "/etc/passwd"], 1, "is not an mbox"),
        (["--model", "lead"], 2, "are for files"),
        (["eml", "/", "--set", "a=b"], 2, "for the records of --model"),
        (["eml", "/", "--model", "a b"], 1, "cannot be a model"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(
    collector: Collector, arguments: list[str], code: int, error: str
) -> None:
    screen = collector("fetch", *arguments)
    assert (screen.exit, error in screen.err) == (code, True), screen


def test_a_fault_of_our_own_at_one_message_stops_no_other(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = receive.apply.apply

    def faulty(tx: object, judged: Judgement, *more: object) -> object:
        if judged.facts.message.subject == "Hello 3" and judged.decision.outcomes[0].action == "create":
            raise ZeroDivisionError("a mistake")
        return whole(tx, judged, *more)

    monkeypatch.setattr(receive.apply, "apply", faulty)
    settings = config.load(str(collector.config), None, {})
    place = mbox(tmp_path, *map(mail, range(6)))
    assert files.take(collector.store, settings, Archive("mbox", str(place))) == FetchTally(
        fetched=6, created=5, failed=1
    )
    assert collector.held() == ["failed"]
    assert sorted(collector.raws()) == sorted(map(mail, range(6)))
