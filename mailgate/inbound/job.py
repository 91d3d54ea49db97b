"""What a run over a server works with."""

from collections.abc import Callable
from typing import NamedTuple

from mailgate.inbound.lease import Lease
from mailgate.inbound.progress import Progress
from mailgate.inbound.suspects import Suspects
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values.server import Server


class Job(NamedTuple):
    """A server to collect from, with all that is known and needed. `clock` gives seconds since the epoch."""

    store: Store
    config: Config
    server: Server
    clock: Callable[[], float]
    lease: Lease
    suspects: Suspects
    progress: Progress
