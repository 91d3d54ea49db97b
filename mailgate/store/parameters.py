"""The table of parameters, by Odoo's names: the limits of the loop guard, and where local-part detection works."""

from collections.abc import Mapping

from mailgate.store.database import Transaction
from mailgate.values import address
from mailgate.values.problem import NotFound, Problem, command

DEFAULTS: Mapping[str, str] = {
    "mail.gateway.loop.minutes": "120",
    "mail.gateway.loop.threshold": "20",
    "mail.catchall.domain.allowed": "",
}
"""The parameters, by Odoo's names, with their defaults."""


def listing(tx: Transaction) -> dict[str, str]:
    """Every parameter with the value that applies."""
    stored = {row["key"]: row["value"] for row in tx.execute("SELECT * FROM parameter")}
    return {**DEFAULTS, **stored}


def get(tx: Transaction, name: str) -> str:
    """The value of one parameter. Raises NotFound."""
    return listing(tx)[known(name)]


def put(tx: Transaction, name: str, value: str) -> str:
    """Set a parameter; the value as it is stored. Raises NotFound, and Problem as `understood`."""
    value = understood(name, value)
    reset(tx, name)
    tx.execute("INSERT INTO parameter (key, value) VALUES (?, ?)", (name, value))
    return value


def understood(name: str, value: str) -> str:
    """The value that a parameter would have. Raises NotFound, and Problem for a value that makes no sense."""
    if known(name) == "mail.catchall.domain.allowed":
        return _allowed_domains(value)
    if not value.strip().isdecimal() or not 0 < int(value) < 10**6:
        raise Problem(
            f"{name} must be a whole number above 0, not `{value}`",
            command("mailgate param set {NAME} {WORD}", name, DEFAULTS[name]),
        )
    return str(int(value))


def reset(tx: Transaction, name: str) -> None:
    """Give a parameter its default again."""
    tx.execute("DELETE FROM parameter WHERE key = ?", (name,))


def known(name: str) -> str:
    """The name of a parameter. Raises NotFound."""
    if name not in DEFAULTS:
        raise NotFound(f"no parameter `{name}`", command("mailgate param list"))
    return name


def allowed_domains(values: Mapping[str, str]) -> frozenset[str]:
    """The domains outside in which local-part detection works; none: in every domain."""
    return frozenset(filter(None, values["mail.catchall.domain.allowed"].split(",")))


def _allowed_domains(value: str) -> str:
    if not value.strip():
        return ""
    names = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        domain = address.domain(part)
        if domain is None:
            raise Problem(f"`{part}` is not a domain name", advice="name domains, separated by commas")
        names.append(domain)
    if not names:
        raise Problem(
            "only commas, no domain; an empty text clears the list",
            command('mailgate param set mail.catchall.domain.allowed ""'),
        )
    return ",".join(dict.fromkeys(names))
