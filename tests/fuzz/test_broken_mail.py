"""A short run of broken mail, always the same; and mistakes that it has to find."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fuzz import broken_mail
from fuzz.breaker import FOLDERS, HERE, TOKENS
from fuzz.broken_mail import Delivery, Figures, Mistake, Site, noted
from fuzz.prepared import CONFIGS, ENVELOPES, PreparedStore, prepared_store

from mailgate.compose import mime as letter
from mailgate.mail import entity, message
from mailgate.mail.incoming import Incoming
from mailgate.routing import thread
from mailgate.routing.state import Copies
from mailgate.store import messages
from mailgate.values import status, token

SEEDS = sorted(each.stem for each in (HERE / "seeds").glob("*.eml"))


def test_broken_mail_does_no_harm_and_comes_to_every_outcome() -> None:
    figures = broken_mail.run(500, seed=2026)
    assert not figures.mistakes, "\n".join(f"{each.what}: {each.details}" for each in figures.mistakes[:5])
    for outcome in (  # those that come often, whatever mails there are to break
        *("create alias", "post reply", "post token", "post alias", "bounce report", "hold bounce-address"),
        *("hold policy", "hold postmaster", "refuse no-route", "refuse policy", "ignore duplicate", "hold loop"),
        *("exit 0", "exit 67", "outgoing refusal", "outgoing copy", "outgoing post"),
        *("class person", "class automatic", "class list", "class report"),
    ):
        assert figures.counts[outcome], f"no broken mail came to: {outcome}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> PreparedStore:
    """What every gateway here starts with."""
    return prepared_store(tmp_path_factory.mktemp("prepared"))


def delivered(name: str, made: PreparedStore, folder: Path, config: str, *envelopes: str) -> set[str]:
    """A seed, unbroken, in some envelopes: what does not hold."""
    raw = made.fill_octets((HERE / "seeds" / f"{name}.eml").read_bytes())
    assert not re.search(rb"\{[A-Z]{4,}\}", raw)
    figures = Figures()
    site = Site(made, folder / "site.db", config, Random(0))
    for each in envelopes:
        delivery = Delivery(made.incoming(raw, each), each, config, name)
        with noted(figures, delivery):
            site.deliver(delivery, figures)
        with noted(figures, delivery):
            figures.content(delivery)
    site.store.close()
    return {each.what for each in figures.mistakes}


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_as_it_is_does_no_harm(name: str, made: PreparedStore, tmp_path: Path) -> None:
    """In every third envelope, and one of the configurations, by turns."""
    turn = SEEDS.index(name)
    config = list(CONFIGS)[turn % len(CONFIGS)]
    assert not delivered(name, made, tmp_path, config, *list(ENVELOPES)[turn % 3 :: 3])


def test_the_same_seed_makes_the_same_mails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broken_mail, "CHUNK", 20)
    runs = [broken_mail.run(40, seed=5, jobs=jobs, corpora=tmp_path) for jobs in (1, 2)]
    assert runs[0].counts == runs[1].counts
    assert runs[0].octets == runs[1].octets
    assert broken_mail.run(20, seed=6, corpora=tmp_path).octets != runs[0].octets


def raises(*_: object, **__: object) -> None:
    raise KeyError("x")


KEEP = messages.insert_octets
MISTAKES: dict[str, tuple[Any, str, object, str, str, str]] = {
    "an-exception-in-the-reader": (message, "_references", raises, "plain-lf", "alias", "held as failed"),
    "an-exception-in-a-rule": (thread, "_newest", raises, "reply", "alias", "held as failed"),
    "an-exception-outside-of-both": (
        messages,
        "mention",
        raises,
        "plain-lf",
        "alias",
        "KeyError at test_broken_mail.py",
    ),
    "controls-in-a-header": (letter, "_BREAKING", re.compile(r"(?!)"), "odd-field-names", "alias", "outgoing field"),
    "a-status-of-no-table": (status, "_REFUSED_EXIT", {"5.1.1": 64}, "plain-lf", "unknown", "status"),
    "a-detail-that-anybody-may-sign": (
        token,
        "fault",
        lambda *_: "",
        "plain-lf",
        "forged-reply",
        "a signature that is none",
    ),
    "bytes-that-change": (
        messages,
        "insert_octets",
        lambda *more: KEEP(*more[:2], b"x"),
        "plain-lf",
        "alias",
        "stored bytes",
    ),
    "a-name-that-leads-elsewhere": (entity, "file_name", str, "attachments", "alias", "path in a file name"),
    "a-copy-that-is-new": (Copies, "repeated", lambda copies, outcome: outcome, "plain-lf", "alias", "a copy was kept"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_ours_is_found(
    name: str, made: PreparedStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module, attribute, wrong, seed, envelope, wanted = MISTAKES[name]
    monkeypatch.setattr(module, attribute, wrong)
    found = delivered(seed, made, tmp_path, "default", *[envelope] * 8)
    assert any(each.startswith(wanted) for each in found), found


def test_what_is_found_can_be_played_again(tmp_path: Path) -> None:
    raw = b"From: bob@client.org\nTo: info@example.com\n\nHello.\n"
    mistake = Mistake(
        "it broke", "details", Delivery(Incoming(raw, "bob@client.org", ("info@example.com",)), "alias", "small")
    )
    said = broken_mail.save([mistake, mistake], tmp_path)
    assert said[0] == "2 x it broke"
    saved = tmp_path / "0-0.eml"
    assert saved.read_bytes() == raw
    assert json.loads(saved.with_suffix(".json").read_text())["config"] == "small"
    assert broken_mail.replay(saved) == []
    assert broken_mail.main(["--replay", str(saved)]) == 0


def test_there_are_tokens_and_folders_of_collected_mail() -> None:
    assert len(TOKENS) > 200
    assert b"\0" in TOKENS
    assert all(not name.startswith("/") for name in FOLDERS)
