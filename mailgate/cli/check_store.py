"""`mailgate check-store`: check, repair and shrink the store."""

import os
import time

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.gateway import receive
from mailgate.mail.incoming import Incoming
from mailgate.process import owner
from mailgate.store import audit, copying, exchange
from mailgate.store.audit import Finding
from mailgate.store.database import open_existing
from mailgate.values.charset import printable
from mailgate.values.digest import sha256
from mailgate.values.problem import Problem, command


@click.command(
    "check-store",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate check-store
        mailgate check-store --repair
        mailgate check-store --compact
    """,
)
@click.option("--repair", is_flag=True, help="Mend what can be mended.")
@click.option("--compact", is_flag=True, help="Give free space in the file back to the disk.")
@json_option
@pass_app
def check_store(app: App, repair: bool, compact: bool, as_json: bool) -> None:
    """Check the store: its pages, references, the bytes of every message, and what is queued; exit with 4 for a fault.

    The check reads a copy, which it makes beside the store and removes, so that mail does not wait. With --compact,
    mail waits while the file is written anew.
    """
    path = os.path.abspath(app.config.store)
    owner.become(path)
    open_existing(path).close()
    found, mended = _check(path, repair=repair)
    left = [finding for finding in found if finding not in mended]
    shrunk = exchange.shrink(path) if compact and not left and _has_room(path) else None
    if as_json:
        shown = [{"kind": each.kind, "problem": each.text, "repair": mended.get(each)} for each in found]
        sizes = {"before": shrunk[0], "after": shrunk[1], "waited": round(shrunk[2], 3)} if shrunk else None
        console.data({"store": path, "findings": shown, "compact": sizes})
    else:
        for finding in found:
            console.say(f"{printable(finding.text)}{f': {mended[finding]}' if finding in mended else ''}")
        console.say(f"{path}: {console.counted({'fault': len(found)}) if found else 'no fault found'}")
        if left and not repair and any(finding.mendable for finding in left):
            console.verbatim(f"next: {command('mailgate check-store --repair')}")
        if shrunk:
            before, after, waited = shrunk
            console.say(f"shrunk from {console.size(before)} to {console.size(after)}; mail waited {waited:.1f} s")
    if left:
        raise click.exceptions.Exit(4)


def _check(path: str, *, repair: bool) -> tuple[list[Finding], dict[Finding, str]]:
    """What is wrong, and what was done about it."""
    copy = f"{path}.check"
    _, room = exchange.free(path)
    if room < os.path.getsize(path) + _SPARE:
        raise Problem(f"no room for a copy of {path} beside it", command("mailgate backup FILE"))
    try:
        descriptor = os.open(copy, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            copying.copy_into(path, descriptor)
        except OSError as error:
            error.filename = copy
            raise
        finally:
            os.close(descriptor)
        found = list(dict.fromkeys(audit.findings(copy, _digests)))
    finally:
        if os.path.lexists(copy):
            os.unlink(copy)
    mended = {}
    if repair and any(finding.mendable for finding in found):
        store = open_existing(path, wait=20.0)
        for finding in found:
            if finding.mendable and (done := audit.mend(store, finding, time.time())):
                mended[finding] = done
        store.close()
    return found, mended


_SPARE = 100 << 20
"""Octets that stay free for mail."""


def _digests(octets: bytes) -> tuple[str, str]:
    """The digests of a message: as it is read, and as it is known where it could not be read."""
    return receive.read(Incoming(octets)).message.digest, sha256(octets).hexdigest()


def _has_room(path: str) -> bool:
    """Whether there is room for the smaller file. Raises Problem."""
    empty, room = exchange.free(path)
    needed = os.path.getsize(path) - empty + _SPARE
    if room < needed:
        raise Problem(
            f"{room >> 20} MB are free beside {path}, and {needed >> 20} MB are needed",
            command("df -h {FOLDER}", os.path.dirname(path)),
        )
    return True
