"""The plan for a mail server: from the store and the configuration, and from what is in place already."""

import os
import re
import sys

from mailgate.mta import maps, survey, write
from mailgate.mta.wiring import Plan
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values import names
from mailgate.values.problem import Problem, command


def plan(settings: Config, account: tuple[str, str], opened: Store, fallback: str | None) -> Plan:
    """What to put into a mail server for the domains of a store. Raises Problem without a domain.

    `account`: user and group that own the store.
    """
    if fallback is not None:
        names.model(fallback)
    wanted = write.wanted(opened, settings)
    if not wanted.domains:
        raise Problem("there is no own domain yet", command("mailgate domain add example.com"))
    path = os.path.abspath(settings.path) if settings.path else None
    return Plan(
        maps=wanted,
        folder=settings.maps or config.SYSTEM_MAPS,
        user=account[0],
        group=account[1],
        python=_interpreter(),
        configuration=None if path == config.SYSTEM else path,
        stated=settings.maps is not None,
        max_size=settings.max_size,
        fallback=fallback,
    )


def in_place(settings: Config, account: tuple[str, str], opened: Store, server: str) -> Plan:
    """The plan that a mail server seems to follow: whether an alias file, and which fallback model. Raises Problem."""
    found = plan(settings, account, opened, None)
    if server != "postfix":
        return found
    state = survey.postfix_state(found)
    by_alias = f"{found.folder}/{maps.ALIASES}" in (state.settings or {}).get("alias_maps", "")
    model = re.search(r"--fallback-model[ =](\S+)", state.service or "")
    return found._replace(alias=by_alias and not (state.service or "").strip(), fallback=model[1] if model else None)


def _interpreter() -> str:
    """The Python that has mailgate, by the name that stays when it is upgraded."""
    usual = os.path.join(sys.prefix, "bin", "python")
    return usual if os.access(usual, os.X_OK) else sys.executable
