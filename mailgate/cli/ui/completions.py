"""Shell completion of names from the store."""

import contextlib
from collections.abc import Callable, Iterable

import click

from mailgate.cli.ui.app import App
from mailgate.process import owner
from mailgate.store import aliases as alias_rows
from mailgate.store import database
from mailgate.store import domains as domain_rows
from mailgate.store import held as held_rows
from mailgate.store import records as record_rows
from mailgate.store import servers as server_rows
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


aliases = completing(lambda tx: (alias.address for alias in alias_rows.listing(tx)))
domains = completing(lambda tx: (domain.name for domain in domain_rows.listing(tx)))
held = completing(lambda tx: (entry.message for entry in held_rows.listing(tx)))
records = completing(lambda tx: (record.ref for record in record_rows.listing(tx)))
servers = completing(lambda tx: (server.name for server in server_rows.listing(tx)))
