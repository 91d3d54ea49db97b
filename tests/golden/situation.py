"""The store that the golden mails arrive at, made by commands at a fixed time with fixed random octets."""

import hashlib
import json
import os
import shlex
import time
from collections import Counter
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from mailgate import __version__
from mailgate.cli.ui.app import App
from mailgate.cli.ui.program import program
from mailgate.gateway import receive
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.routing import explain
from mailgate.settings import config
from mailgate.store import database

NOW = 1_700_000_000.0
"""When the situation begins; everything in it happens a second after the other."""

DIRECTORY = """
    domain add example.com --contact office@example.com --default
    domain add example.net --same-as example.com
    domain add other.test --catchall all --bounce returns --delimiter -
    domain add capture.test

    record create project --name Website
    record follow project/1 carl@client.org
    post project/1 < We signed this before the keys were changed.
    key rotate --yes
    key rotate --yes

    alias add info@example.com --model crm.lead --set team=sales --notify anna@team.org
    alias add sales@example.com --model crm.lead
    alias add jobs@example.com --model hr.job
    alias add office@example.com --model letter
    alias add help@other.test --model help.ticket
    alias add helpdesk@example.com --model help.ticket --local-part
    alias rename helpdesk@example.com support@example.com
    alias add website@example.com --model project --record project/1 --from followers
    alias add tasks@example.com --model task --from followers --owner project/1
    alias add partners@example.com --model crm.lead --from contacts --refusal "Partners only."
    alias add orders@example.com --model order --from contacts --authenticated
    alias add board@example.com --model board.paper --from members
    alias add closed@example.com --model letter --replies participants
    alias add people@example.com --model letter --automatic hold
    alias add persons@example.com --model letter --automatic refuse
    alias add alerts@example.com --model alert --automatic normal --notify anna@team.org
    alias add lenient@example.com --model letter --spam quiet
    alias add lost@example.com --model project --record project/1

    record create archive --name "Old papers"
    alias set lost@example.com --record archive/1
    record remove archive/1 --yes

    contact add ann@partner.org
    contact add max@partner.org --member
    contact add anna@team.org --member
    contact add old@partner.org
    contact archive old@partner.org
    sender block spammer@evil.test
    sender allow ivan@busy.test
    param set mail.gateway.loop.threshold 3
    param set mail.catchall.domain.allowed friend.test
"""
"""What the administrator typed; what stands behind `<` is the standard input."""

HISTORY = """
    bob@client.org      info@example.com            <lead@client.org>    <rumour@elsewhere.org>
    carl@client.org     help@other.test             <ticket@client.org>
    bob@client.org      info@example.com,jobs@example.com  <both@client.org>
    carl@client.org     sales@example.com           <gone@client.org>
    dora@client.org     closed@example.com          <closed@client.org>
    dora@client.org     lenient@example.com         <lenient@client.org>
    anna@team.org       info@example.com            <anna@team.org>
    ivy@busy.test       sales@example.com           <ivy1@busy.test>
    ivy@busy.test       sales@example.com           <ivy2@busy.test>
    ivy@busy.test       sales@example.com           <ivy3@busy.test>
    ivan@busy.test      sales@example.com           <ivan1@busy.test>
    ivan@busy.test      sales@example.com           <ivan2@busy.test>
    ivan@busy.test      sales@example.com           <ivan3@busy.test>
    mallory@stranger.test  catchall@example.com     <catchall@stranger.test>
    zoe@stranger.test   catchall@example.com        <zoe1@stranger.test>
    zoe@stranger.test   all@other.test              <zoe2@stranger.test>
    zoe@stranger.test   partners@example.com        <zoe3@stranger.test>
    zoe@stranger.test   board@example.com           <zoe4@stranger.test>
    zoe@stranger.test   website@example.com         <zoe5@stranger.test>
    mallory@stranger.test  abuse@example.com        <abuse@stranger.test>
"""
"""Mail that arrived, a line each: the author, the recipients, the Message-ID, the References."""

AFTERWARDS = """
    post crm.lead/1 < We have blue ones.
    sent crm.lead/1 < {newsletter}
    record remove crm.lead/3 --yes
    domain capture capture.test --minutes 1440
"""

NEWSLETTER = """\
From: Sales <sales@example.com>
To: bob@client.org
Subject: News
Message-ID: <newsletter@shop.example.com>
Date: Tue, 14 Nov 2023 22:13:20 +0000

Blue chairs again.
"""
"""A message that another program sends."""

NAMES = {
    ("post", "carl@client.org", "Website"): "old post",
    ("post", "bob@client.org", "Re: About lead@client.org"): "post",
    ("refusal", "mallory@stranger.test", "Undelivered mail"): "refusal",
}
"""What was sent, by kind, recipient and subject, and its name in placeholders such as `{{id of post}}`."""


class Mail(NamedTuple):
    """How a mail arrives: what the mail server says of it, and what the configuration says in addition.

    `failure` and `full_size` are those of a mail that was collected in part.
    """

    recipients: tuple[str, ...] = ()
    reverse_path: str | None = "bob@client.org"
    fallback: str | None = None
    source: str = "pipe"
    failure: str = ""
    full_size: int = 0
    settings: str = ""


class Situation:
    """A store with a history; `names` are the ids and signed addresses that were made in it, by placeholder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, str] = {"{{version}}": __version__}
        self._clock = NOW
        self._random: Counter[int] = Counter()
        self._file = folder / "mailgate.toml"
        self._configure("")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", self._tick)
            patch.setattr(os, "urandom", self._octets)
            for line in _lines(DIRECTORY):
                self._type(line)
            self.store = database.open_existing(folder / "mailgate.db")
            for line in _lines(HISTORY):
                self._receive(*line.split())
            for line in _lines(AFTERWARDS):
                self._type(line)
            self._name_what_was_sent()

    def route(self, octets: bytes, mail: Mail) -> str:
        """What `mailgate route --json` prints for a mail; placeholders stand in both."""
        for placeholder, name in self.names.items():
            octets = octets.replace(placeholder.encode(), name.encode())
        incoming = Incoming(
            octets,
            mail.reverse_path,
            [self.names.get(recipient, recipient) for recipient in mail.recipients],
            fallback=Fallback(mail.fallback) if mail.fallback else None,
            source=mail.source,
            full_size=mail.full_size,
            failure=mail.failure,
        )
        self._configure(mail.settings)
        settings = config.load(str(self._file), None, {})
        receipt = receive.preview(self.store, settings, incoming, self._clock)
        tree = explain.tree(receipt.facts, receipt.decision, dry_run=True)
        text = json.dumps(tree, indent=2, ensure_ascii=False)
        for placeholder, name in sorted(self.names.items(), key=lambda item: -len(item[1])):
            text = text.replace(name, placeholder)
        return f"{text}\n"

    def _type(self, line: str) -> str:
        command, _, text = line.partition(" < ")
        text = text.replace("{newsletter}", NEWSLETTER)
        app = App(str(self._file), None)
        done = CliRunner().invoke(program, shlex.split(command), input=text, obj=app, catch_exceptions=False)
        assert done.exit_code == 0, (line, done.output)
        return done.stdout

    def _receive(self, author: str, recipients: str, message_id: str, references: str = "") -> Receipt:
        fields = {
            "From": author,
            "To": recipients.replace(",", ", "),
            "Subject": f"About {message_id.strip('<>')}",
            "Message-ID": message_id,
            "Date": "Tue, 14 Nov 2023 22:13:20 +0000",
            **({"References": references} if references else {}),
        }
        octets = "".join(f"{name}: {value}\n" for name, value in fields.items()) + "\nHello there.\n"
        incoming = Incoming(octets.encode(), author, recipients.split(","))
        return receive.receive(self.store, config.load(str(self._file), None, {}), incoming, time.time())

    def _name_what_was_sent(self) -> None:
        for entry in json.loads(self._type("outbox list --json")):
            name = NAMES.get((entry["kind"], entry["to"], entry["subject"]))
            if not name:
                continue
            header = message_from_string(self._type(f"outbox raw {entry['number']}"))
            made = {
                "id of": header["Message-ID"],
                "mark of": header["X-Mailgate-Loop"],
                "answer to": header["Reply-To"],
                "return of": entry["reverse_path"],
            }
            self.names |= {f"{{{{{what} {name}}}}}": value for what, value in made.items() if value and "mg1" in value}

    def _configure(self, more: str) -> None:
        store = f'[store]\nurl = "sqlite:///{self.folder / "mailgate.db"}"\n[submit]\nmethod = "none"\n'
        self._file.write_text(store + more)

    def _tick(self) -> float:
        self._clock += 1
        return self._clock

    def _octets(self, count: int) -> bytes:
        self._random[count] += 1  # each size by itself: a new use of one size changes no key
        return hashlib.shake_128(f"{count} {self._random[count]}".encode()).digest(count)


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())
