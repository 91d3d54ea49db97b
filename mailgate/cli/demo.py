"""`mailgate demo`: a guided demo on a temporary database, run by the real code."""

import email
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from mailgate.cli.ui import console, explanation
from mailgate.cli.ui.failures import reason_words
from mailgate.cli.ui.options import Command, json_option
from mailgate.gateway import post, receive
from mailgate.gateway.post import Text
from mailgate.mail.incoming import Incoming
from mailgate.routing import explain
from mailgate.settings.config import Config, Submit
from mailgate.store import aliases, domains, failures, held, messages, outbox, parameters, records, schema
from mailgate.store.database import Store
from mailgate.store.outbox import QueueEntry
from mailgate.values.directory import Alias, Domain
from mailgate.values.record import Ref

LEAD = Ref("crm.lead", 1)


class _Mail(NamedTuple):
    """A message of the demo: its heading, envelope and text, and how often it is sent."""

    title: str
    reverse_path: str
    recipient: str
    text: str
    times: int = 1


def _scenes() -> list[_Mail | Callable[[Store], None]]:
    """The messages in order, with the post that we send between them."""
    return [
        _Mail(
            "A lead arrives at an alias",
            "bob@client.org",
            "sales@example.com",
            "From: Bob Ray <bob@client.org>\nTo: sales@example.com\nSubject: Two hundred chairs\n"
            "Message-ID: <chairs@client.org>\n\nCan you deliver by May?\n",
        ),
        _Mail(
            "The reply is threaded, although it went to the catchall",
            "bob@client.org",
            "catchall@example.com",
            "From: Bob Ray <bob@client.org>\nTo: catchall@example.com\nSubject: Re: Two hundred chairs\n"
            "Message-ID: <chairs2@client.org>\nIn-Reply-To: <chairs@client.org>\n\nBlue ones, please.\n",
        ),
        _post,
        _Mail(
            "Bob replies without any reference: the signed address is enough",
            "bob@client.org",
            "REPLY-TO",
            "From: Bob Ray <bob@client.org>\nTo: REPLY-TO\nSubject: chairs\n"
            "Message-ID: <chairs3@client.org>\n\nGreat!\n",
        ),
        _Mail(
            "A delivery report comes back, without the original message",
            "",
            "RETURN-PATH",
            "From: Mail Delivery System <mailer-daemon@client.org>\nTo: RETURN-PATH\nSubject: Undelivered mail\n"
            "Message-ID: <report@client.org>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n"
            "\n--b\n\nNo such user.\n--b\nContent-Type: message/delivery-status\n"
            "\nReporting-MTA: dns; mx.client.org\n\n"
            "Final-Recipient: rfc822; bob@client.org\nAction: failed\nStatus: 5.1.1\n--b--\n",
        ),
        _Mail(
            "A stranger writes straight to the catchall",
            "eve@stranger.net",
            "catchall@example.com",
            "From: Eve <eve@stranger.net>\nTo: catchall@example.com\nSubject: Hello?\n"
            "Message-ID: <hello@stranger.net>\n\nHi.\n",
        ),
        _Mail(
            "A sender loops",
            "robot@loop.example",
            "sales@example.com",
            "From: robot@loop.example\nTo: sales@example.com\nSubject: Ping {n}\n"
            "Message-ID: <ping{n}@loop.example>\n\nPing.\n",
            times=4,
        ),
    ]


@click.command("demo", cls=Command, examples="mailgate demo")
@click.option("--full", is_flag=True, help="Show every rule of every decision.")
@json_option
def demo(full: bool, as_json: bool) -> None:
    """Run a guided demo on a temporary database: a lead, replies, a bounce, the catchall and a mail loop."""
    with tempfile.TemporaryDirectory(prefix="mailgate-demo-") as folder:
        opened = schema.open_or_create(Path(folder) / "demo.db")
        settings = Config(None, opened.path, Submit(method="none"))
        with opened.write() as tx:
            domains.add(tx, Domain("example.com", company="Example", contact="info@example.com"))
            aliases.add(tx, "sales@example.com", Alias(0, "", "", "crm.lead", {"team": "direct"}))
            parameters.put(tx, "mail.gateway.loop.threshold", "3")
        trees: list[dict[str, Any]] = []
        for scene in _scenes():
            if isinstance(scene, _Mail):
                trees += _play(opened, settings, scene, full, as_json)
            else:
                scene(opened)
                if not as_json:
                    _show_post(opened)
        if as_json:
            console.data(trees)
        else:
            _end(opened)
        opened.close()


def _post(opened: Store) -> None:
    """Send a post to the followers of the lead."""
    content = Text("Blue ones it is, by the end of April.\n", name="Ann Lee")
    post.write(opened, LEAD, content, (), time.time())


def _last_post(opened: Store) -> QueueEntry | None:
    with opened.read() as tx:
        return next((entry for entry in reversed(outbox.listing(tx)) if entry.kind == "post"), None)


def _show_post(opened: Store) -> None:
    """Print the header of our post, as its reader sees it."""
    entry = _last_post(opened)
    assert entry is not None
    with opened.read() as tx:
        header = email.message_from_bytes(outbox.octets(tx, entry.number))
    console.lines([[("We reply: mailgate post crm.lead/1", "bold")]])
    for name in ("From", "To", "Reply-To"):
        console.lines([[(f"     {name}: {header[name]}", "dim")]])
    console.lines([[(f"     reverse-path: {entry.reverse_path}", "dim")]])
    console.say()


def _addressed(opened: Store, scene: _Mail) -> _Mail:
    """The message, with the addresses in our post filled in."""
    entry = _last_post(opened)
    if entry is None:
        return scene
    with opened.read() as tx:
        reply_to = email.message_from_bytes(outbox.octets(tx, entry.number))["Reply-To"]
    known = {"REPLY-TO": reply_to, "RETURN-PATH": entry.reverse_path or ""}
    text = scene.text
    for word, address in known.items():
        text = text.replace(word, address)
    return scene._replace(recipient=known.get(scene.recipient, scene.recipient), text=text)


def _play(opened: Store, settings: Config, scene: _Mail, full: bool, silent: bool) -> list[dict[str, Any]]:
    trees = []
    scene = _addressed(opened, scene)
    for n in range(1, scene.times + 1):
        raw = scene.text.replace("{n}", str(n)).encode()
        incoming = Incoming(raw, scene.reverse_path, (scene.recipient,))
        receipt = receive.receive(opened, settings, incoming, time.time())
        if receipt.number:
            with opened.read() as tx:
                trees.append(messages.explanation(tx, receipt.number))
        else:
            trees.append(explain.tree(receipt.facts, receipt.decision, dry_run=False))
    if silent:
        return trees
    console.lines([[(scene.title, "bold")]])
    arrow = f"  {scene.reverse_path or '<>'} -> {scene.recipient}"
    console.lines([[(arrow, ""), (f"   ({scene.times} messages, the last:)" if scene.times > 1 else "", "dim")]])
    if full:
        explanation.show(trees[-1], receipt.number)
    else:
        explanation.verdict(trees[-1])
        for mail in trees[-1]["outgoing"]:
            _show_refusal(opened, mail["to"])
    console.say()
    return trees


def _show_refusal(opened: Store, to: str) -> None:
    """Print the refusal that was queued, as its reader sees it."""
    with opened.read() as tx:
        entry = next((entry for entry in reversed(outbox.listing(tx)) if entry.recipient == to), None)
        if entry is None:
            return
        message = email.message_from_bytes(outbox.octets(tx, entry.number))
    part = next(part for part in message.walk() if part.get_content_type() == "text/plain")
    text = part.get_payload(decode=True)
    assert isinstance(text, bytes)
    console.lines([[(f"     From: {message['From']}", "dim")], [(f"     Subject: {entry.subject}", "dim")]])
    console.lines([[(f"     | {line}", "dim")] for line in text.decode("utf-8").strip().splitlines() if line.strip()])


def _end(opened: Store) -> None:
    with opened.read() as tx:
        created, kept, queued = records.listing(tx), held.listing(tx), outbox.listing(tx)
        failed = failures.listing(tx)
    console.lines([[("Result", "bold")]])
    for record in created:
        console.say(f"  {record.ref}  {record.name}")
    for failure in failed:
        reason = reason_words(failure, "en")
        console.say(f"  failure {failure.number}: {failure.recipient}, on {failure.record}: {reason}")
    console.say(f"  {len(kept)} held, {len(queued)} messages queued; nothing was sent, and the database is deleted")
    console.lines([[("  next: ", "dim"), ("mailgate init --domain example.com", "bold")]])
