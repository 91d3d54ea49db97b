"""Make the plan for a mail server, from the store and the configuration."""

import os
import sys
from typing import Any

from mailgate.mta import maps, write
from mailgate.mta.maps import Maps
from mailgate.mta.plan import Plan
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.store.database import Store
from mailgate.values import names
from mailgate.values.directory import Alias, Directory, Domain
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
        lmtp=settings.serve_lmtp or _LMTP,
        listens=bool(settings.serve_lmtp),
    )


def as_data(plan: Plan) -> dict[str, Any]:
    """A plan as JSON can hold it, for a process that may ask the mail server more than the owner of the store may."""
    directory = plan.maps.directory
    return {
        **plan._asdict(),
        "maps": {
            "domains": [domain._asdict() for domain in directory.domains.values()],
            "aliases": list(directory.aliases),
            "detected": list(directory.detected),
            "shared": sorted(plan.maps.shared),
            "unknown": plan.maps.unknown,
        },
    }


def from_data(data: dict[str, Any]) -> Plan:
    """The plan of `as_data`. Of its aliases it has the addresses alone, which is what tables are made of."""
    made = data["maps"]
    domains = [Domain(**{**of, "retired": tuple(map(tuple, of["retired"]))}) for of in made["domains"]]
    aliases = {}
    for address in made["aliases"]:
        local, _, host = address.rpartition("@")
        aliases[address] = Alias(0, local, host, model="")
    directory = Directory({each.name: each for each in domains}, aliases, dict.fromkeys(made["detected"], ()))
    checked = Maps(directory, frozenset(made["shared"]), made["unknown"])
    maps.check(checked)  # root may write a configuration from it
    return Plan(**{**data, "maps": checked})


def of_home(settings: Config) -> Plan:
    """The plan of a user's own way into mailgate: the program and its configuration, and no tables."""
    path = os.path.abspath(settings.path) if settings.path else None
    return Plan(Maps(Directory({})), "", python=_interpreter(), configuration=path, handover=settings.serve_deliver)


_LMTP = "unix:/run/mailgate/lmtp.sock"


def _interpreter() -> str:
    """The Python that has mailgate, by a name that outlives an upgrade."""
    python = os.path.join(sys.prefix, "bin", "python")
    return python if os.access(python, os.X_OK) else sys.executable
