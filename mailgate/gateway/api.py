"""The functions of the Python API, which `import mailgate` offers by these names."""

import os
import threading
import time

from mailgate.gateway import receive as gateway
from mailgate.gateway.receive import Receipt
from mailgate.mail.incoming import Incoming
from mailgate.settings import config as settings
from mailgate.settings.config import Config
from mailgate.store import database
from mailgate.store.database import Store

__all__ = ["load_config", "open_store", "preview", "receive"]


def load_config(path: str | os.PathLike[str] | None = None) -> Config:
    """Read the configuration: `path`, else the one that commands use (`$MAILGATE_CONFIG`, the user's, the system's).

    `$MAILGATE_DB` replaces its store, as it does for commands. Raises Problem when there is none, or a broken one.
    """
    return settings.load(None if path is None else os.fspath(path), None, os.environ, required=True)


def open_store(location: Config | str | os.PathLike[str], *, wait: float = 30.0) -> Store:
    """Open the store of a configuration, or the one at a path or URL (what `--db` takes). Never makes or migrates one.

    A store belongs to the thread that opened it; `close` it at the end. `wait`: seconds that `receive` waits for
    another process that writes. Raises Problem when there is no store that this user and this version can use.
    """
    path = location.store if isinstance(location, Config) else settings.store_path(os.fspath(location))
    return database.open_existing(path, wait)


def preview(store: Store, config: Config, incoming: Incoming, now: float | None = None) -> Receipt:
    """Decide what would become of a message now, and store nothing; the same code as `receive` decides.

    `now`: seconds since the epoch, the clock by default. Raises Problem or OSError, and RuntimeError outside the main
    thread.
    """
    _in_main_thread("preview")
    return gateway.preview(store, config, incoming, time.time() if now is None else now)


def receive(store: Store, config: Config, incoming: Incoming, now: float | None = None) -> Receipt:
    """Take responsibility for a message: when this returns, the decision and the message are committed.

    Nothing is sent yet: where the receipt says `queued`, `mailgate work` sends. `now` and what is raised: as `preview`;
    after an error nothing is stored, and the message may be handed over again.
    """
    _in_main_thread("receive")
    return gateway.receive(store, config, incoming, time.time() if now is None else now)


def _in_main_thread(name: str) -> None:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"mailgate.{name} limits its time by a signal, so only the main thread can call it")
