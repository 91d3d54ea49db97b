"""Shell completion of names from the store."""

import contextlib
from collections.abc import Callable, Iterable

import click

from mailgate.cli.ui.app import App
from mailgate.process import owner
from mailgate.store import database
from mailgate.store.database import Transaction


def completing(names: Callable[[Transaction], Iterable[object]]) -> Callable[..., list[str]]:
    """The completion of an argument: the names that start with what was typed; none after any error."""

    def complete(context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
        with contextlib.suppress(Exception):
            app = context.find_object(App)
            assert app is not None
            owner.become(app.config.store)
            with database.open_existing(app.config.store, wait=1.0).read() as tx:
                return [str(name) for name in names(tx) if str(name).startswith(typed)]
        return []

    return complete


def _aliases(tx: Transaction) -> Iterable[object]:
    from mailgate.store import aliases  # here and below: a command that completes nothing does without

    return (alias.address for alias in aliases.listing(tx))


def _domains(tx: Transaction) -> Iterable[object]:
    from mailgate.store import domains

    return (domain.name for domain in domains.listing(tx))


def _held(tx: Transaction) -> Iterable[object]:
    from mailgate.store import held

    return (entry.message for entry in held.listing(tx))


def _records(tx: Transaction) -> Iterable[object]:
    from mailgate.store import records

    return (record.ref for record in records.listing(tx))


def _servers(tx: Transaction) -> Iterable[object]:
    from mailgate.store import servers

    return (server.name for server in servers.listing(tx))


aliases, domains, held = completing(_aliases), completing(_domains), completing(_held)
records, servers = completing(_records), completing(_servers)
