"""Run over one server under its lease, whatever breaks, and note how healthy the server is."""

import contextlib
import time
from collections.abc import Callable
from typing import NamedTuple

from mailgate.gateway import log
from mailgate.inbound import collect, connection
from mailgate.inbound.job import Job
from mailgate.inbound.lease import Lease, LeaseLost
from mailgate.inbound.mailbox import ConnectionLost, Session
from mailgate.inbound.progress import FetchTally, OnProgress, Progress
from mailgate.inbound.suspects import Suspects
from mailgate.settings.config import Config
from mailgate.store import logins, servers
from mailgate.store.database import Store
from mailgate.store.servers import Health
from mailgate.values.problem import Problem, StoreError, command
from mailgate.values.server import Server


class RunResult(NamedTuple):
    """How a run ended.

    state: ok, failed, busy (another process collects from the server), or why it was not tried: waiting, paused.
    `queued`: whether anything was queued for sending.
    """

    server: Server
    state: str
    tally: FetchTally = FetchTally()
    problem: Problem | None = None
    warning: str = ""
    queued: bool = False

    @property
    def error(self) -> str:
        """What went wrong, `""` for nothing."""
        return str(self.problem or "")


def not_due(health: Health, now: float) -> str:
    """Why a timer leaves a server alone: paused or waiting; `""` when it is due."""
    if health.paused_at is not None:
        return "paused"
    return "waiting" if now < health.due_at <= now + servers.LONGEST else ""  # later: the clock was ahead


def run(
    store: Store,
    config: Config,
    server: Server,
    on_progress: OnProgress = lambda done, of: None,
    connect: Callable[[Server, Config, Store], Session] = connection.connect,
    clock: Callable[[], float] = time.time,
) -> RunResult:
    """Collect what a server has, within the limits of one run. Raises StoreError, OSError.

    `clock` gives seconds since the epoch.
    """
    lease = Lease(store, server.number, clock)
    died = lease.take()
    if died is None:
        return RunResult(server, "busy")
    job = Job(store, config, server, clock, lease, Suspects(careful=died != ""), Progress(on_progress))
    try:
        return _finish(job, _collect(job, lambda: connect(server, config, store)))
    except LeaseLost:
        return RunResult(server, "busy", job.progress.tally, queued=job.progress.queued)
    finally:
        with contextlib.suppress(StoreError, OSError):
            lease.give_back()


def _collect(job: Job, connect: Callable[[], Session]) -> Problem | None:
    """Do the work. What stopped it, None for nothing."""
    try:
        collect.collect(job, connect)
    except (StoreError, OSError, LeaseLost):
        raise
    except Problem as problem:
        return problem
    except ConnectionLost as lost:
        return Problem(f"{job.server.host}: the connection broke: {lost}")
    except Exception as error:  # a mistake of ours about this server: the other servers must not wait for it
        log.fault(error)
        return Problem(f"internal error: {type(error).__name__}: {error}"[:300], advice=log.REPORT)
    trouble = job.progress.trouble
    return Problem(trouble, command("mailgate server test {NAME}", job.server.name)) if trouble else None


def _finish(job: Job, problem: Problem | None) -> RunResult:
    """Note how healthy the server is, and log it once when that has changed."""
    server, progress, error = job.server, job.progress, str(problem or "")
    with job.store.write() as tx:
        now = job.clock()
        before = after = servers.health(tx, server.number, now)
        if error:
            after = servers.failed(tx, server.number, error, now)
        else:
            servers.succeeded(tx, server.number, progress.warning, now)
        login = logins.get(tx, server.number)
    if error and before.failing_since is None:
        log.server(server.name, f"fails: {error}")
    elif error and before.paused_at is None and after.paused_at is not None:
        again = command("mailgate server enable {NAME}", server.name)
        log.server(server.name, f"paused after days of failure, until `{again}`: {error}")
    elif not error and before.failing_since is not None:
        log.server(server.name, "works again", good=True)
    warnings = [progress.warning, logins.announcement(server.name, login, now) if login else ""]
    warning = "; ".join(text for text in warnings if text)
    return RunResult(server, "failed" if error else "ok", progress.tally, problem, warning, progress.queued)
