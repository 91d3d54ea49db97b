"""Walk through the folders of a server, over as many connections as that takes."""

import contextlib
from collections.abc import Callable

from mailgate.inbound.folder import Folder, open_folder
from mailgate.inbound.job import Job
from mailgate.inbound.mailbox import CommandRefused, ConnectionLost, Session
from mailgate.store import collected

_LOSSES = 3
"""Broken connections in a row, without a message between them, after which a run ends."""


def collect(job: Job, connect: Callable[[], Session]) -> None:
    """Collect all folders; connect again when the connection breaks, as long as that brings messages.

    Raises ConnectionLost, LeaseLost, Problem and what the store raises.
    """
    done: set[str] = set()
    losses, fetched = 0, 0
    while True:
        try:
            _connection(job, connect(), done)
            return
        except ConnectionLost as lost:
            losses = 1 if job.progress.fetched > fetched else losses + 1
            fetched = job.progress.fetched
            blamed = _blame(job, str(lost))
            if losses >= _LOSSES and not blamed:
                raise


def _connection(job: Job, session: Session, done: set[str]) -> None:
    """Do what can be done over one connection; adds the folders that are done."""
    folders: list[Folder] = []
    try:
        for name in job.server.folders:
            if name in done:
                continue
            try:
                folders.append(open_folder(job, session, name))
                folders[-1].collect()
            except CommandRefused as refused:
                job.progress.skip_folder(f"{job.server.host} refuses what is needed for {name}: {refused}")
            done.add(name)
    except ConnectionLost:
        with contextlib.suppress(ConnectionLost, CommandRefused):
            session.close()
        raise
    except BaseException:
        with contextlib.suppress(Exception):
            session.close()
        raise
    session.close()
    for folder in folders:
        folder.confirm()


def _blame(job: Job, error: str) -> bool:
    """Whether one message is to blame for a broken connection; it is put off then."""
    key = job.suspects.convict(others_came_through=job.progress.fetched > 0)
    if key is None:
        return False
    with job.store.write() as tx:
        collected.tried(tx, key.mailbox, key.id, f"the connection broke: {error}")
    return True
