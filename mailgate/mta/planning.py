"""Make the plan for a mail server, from the store and the configuration, or from what is in place."""

import os
import re
import sys

from mailgate.mta import installed, maps, write
from mailgate.mta.plan import Plan
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values import names
from mailgate.values.problem import Problem, command


def plan(settings: Config, account: tuple[str, str], store: Store, fallback: str | None) -> Plan:
    """What to put into a mail server for the domains of a store. Raises Problem without a domain.

    `account`: user and group that own the store.
    """
    if fallback is not None:
        names.model(fallback)
    tables = write.current(store, settings)
    if not tables.domains:
        raise Problem("no domain is configured", command("mailgate domain add example.com"))
    path = os.path.abspath(settings.path) if settings.path else None
    return Plan(
        maps=tables,
        folder=settings.maps or config.SYSTEM_MAPS,
        user=account[0],
        group=account[1],
        python=_interpreter(),
        configuration=None if path == config.SYSTEM else path,
        has_folder=settings.maps is not None,
        max_size=settings.max_size,
        fallback=fallback,
        handover=settings.serve_deliver,
    )


def in_place(settings: Config, account: tuple[str, str], store: Store, server: str) -> Plan:
    """The plan that a mail server seems to follow, with its alias file or fallback model. Raises Problem."""
    default = plan(settings, account, store, None)
    if server != "postfix":
        return default
    state = installed.postfix_state(default)
    by_alias = f"{default.folder}/{maps.ALIASES}" in (state.settings or {}).get("alias_maps", "")
    model = re.search(r"--fallback-model[ =](\S+)", state.service or "")
    return default._replace(alias=by_alias and not (state.service or "").strip(), fallback=model[1] if model else None)


def _interpreter() -> str:
    """The Python that has mailgate, by a name that outlives an upgrade."""
    python = os.path.join(sys.prefix, "bin", "python")
    return python if os.access(python, os.X_OK) else sys.executable
