"""Turn TOML into frozen settings."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mailgate.values.address import domain
from mailgate.values.problem import ConfigError

SYSTEM = "/etc/mailgate/mailgate.toml"
SYSTEM_STORE = "/var/lib/mailgate/mailgate.db"
SYSTEM_MAPS = "/var/lib/mailgate-maps"
"""A folder of its own: the mail server reads it, and the store's is closed to everybody else."""


class Submit(NamedTuple):
    """How outgoing mail leaves. method: sendmail, smtp or none (it waits in the outbox)."""

    method: str = "sendmail"
    sendmail: str = "/usr/sbin/sendmail"
    host: str = "localhost"
    port: int = 25


class Config(NamedTuple):
    """The whole configuration. `path` is None for built-in defaults; `warnings` name what was not understood."""

    path: str | None
    store: str
    submit: Submit = Submit()
    refusals_by: str = "reply"
    blocked_by: str = "hold"
    templates: str | None = None
    max_size: int = 52_428_800
    keep_quiet: int = 30
    authserv_ids: tuple[str, ...] = ()
    border_strips: bool = False
    own_hops: int = 1
    records_per_alias: int = 0
    records_in_all: int = 0
    maps: str | None = None
    maps_shared: frozenset[str] = frozenset()
    maps_unknown: str = "refuse"
    notify: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


KNOWN: Mapping[str, Mapping[str, type | tuple[str, ...]]] = {
    "store": {"url": str},
    "submit": {"method": ("sendmail", "smtp", "none"), "sendmail": str, "host": str, "port": int},
    "refusals": {"by": ("reply", "status"), "blocked": ("hold", "status"), "templates": str},
    "limits": {"max_size": int, "records_per_alias": int, "records_in_all": int},
    "held": {"keep_quiet": int},
    "notify": {"to": list},
    "authentication": {"trusted_authserv_ids": list, "border_strips": bool, "own_hops": int},
    "maps": {"folder": str, "shared": list, "unknown": ("refuse", "accept")},
}
"""Section -> key -> its type (a list is one of texts), or the values it may have."""
_KINDS = {int: "a number", str: "a text in quotes", bool: "true or false", list: "a list of texts in quotes"}


def find(option: str | None, environ: Mapping[str, str]) -> str | None:
    """The configuration file that applies, None for built-in defaults. Never the current folder."""
    named = option or environ.get("MAILGATE_CONFIG")
    if named:
        return named
    for candidate in (user_file(environ), SYSTEM):
        if candidate and os.path.exists(candidate):
            return candidate
    return None


def user_file(environ: Mapping[str, str]) -> str | None:
    """`$XDG_CONFIG_HOME/mailgate/mailgate.toml`, None without a home."""
    base = environ.get("XDG_CONFIG_HOME") or (environ.get("HOME", "") and f"{environ['HOME']}/.config")
    return f"{base}/mailgate/mailgate.toml" if base else None


def default_store(path: str | None, environ: Mapping[str, str]) -> str:
    """Where the store lies when nothing says so: with the system's configuration or in the user's data folder."""
    if path == SYSTEM:
        return SYSTEM_STORE
    base = environ.get("XDG_DATA_HOME") or f"{environ.get('HOME', '/')}/.local/share"
    return f"{base}/mailgate/mailgate.db"


def load(option: str | None, store: str | None, environ: Mapping[str, str], *, required: bool = False) -> Config:
    """Read the configuration that applies; `store` and `$MAILGATE_DB` replace its store.url. Raises ConfigError.

    `required`: built-in defaults will not do (a lost mount must not look like an empty gateway).
    """
    path = find(option, environ)
    if path is None and required:
        raise ConfigError("no configuration found", "mailgate init")
    octets = _read(path) if path else b""
    table = _parse(octets, path) if path else {}
    faults = list(_faults(path, octets, table))
    for each in faults:
        if each.fatal:
            raise ConfigError(each.text)
    named = store or environ.get("MAILGATE_DB")
    url = table.get("store", {}).get("url")
    believed, maps = table.get("authentication", {}), table.get("maps", {})
    refusals, limits, submit = table.get("refusals", {}), table.get("limits", {}), table.get("submit", {})
    return Config(
        path=path,
        store=store_path(named) if named else _beside(path, store_path(url)) if url else default_store(path, environ),
        submit=Submit(**{key: value for key, value in submit.items() if key in KNOWN["submit"]}),
        refusals_by=refusals.get("by", "reply"),
        blocked_by=refusals.get("blocked", "hold"),
        templates=_beside(path, refusals["templates"]) if "templates" in refusals else None,
        max_size=limits.get("max_size", 52_428_800),
        keep_quiet=table.get("held", {}).get("keep_quiet", 30),
        authserv_ids=tuple(each.strip().lower() for each in believed.get("trusted_authserv_ids", [])),
        border_strips=believed.get("border_strips", False),
        own_hops=believed.get("own_hops", 1),
        records_per_alias=limits.get("records_per_alias", 0),
        records_in_all=limits.get("records_in_all", 0),
        maps=_beside(path, maps["folder"]) if "folder" in maps else None,
        maps_shared=frozenset(domain(each) or each for each in maps.get("shared", [])),
        maps_unknown=maps.get("unknown", "refuse"),
        notify=tuple(each.strip() for each in table.get("notify", {}).get("to", [])),
        warnings=tuple(each.text for each in faults),
    )


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {os.strerror(error.errno or 0)}", "mailgate init") from error


def _parse(octets: bytes, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(octets.decode("utf-8"))
    except ValueError:
        from mailgate.settings import located

        return located.read(octets, path)


class Fault(NamedTuple):
    """What is wrong with a configuration file, with its place in front; `fatal`: it cannot be used."""

    text: str
    fatal: bool


def check(path: str) -> list[Fault]:
    """Everything that is wrong with a configuration file. Raises ConfigError when it cannot be read."""
    octets = _read(path)
    return list(_faults(path, octets, _parse(octets, path)))


def _faults(path: str | None, octets: bytes, table: dict[str, Any]) -> Iterator[Fault]:
    def at(*keys: str) -> str:
        from mailgate.settings import located  # for what is wrong alone

        place = located.places(octets.decode("utf-8"))[keys]
        return f"{path}:{place.line}:{place.column}"

    for section, values in table.items():
        known = KNOWN.get(section)
        if known is None:
            yield Fault(f"{at(section)}: unknown section [{section}]{_nearest(section, KNOWN)}", False)
            continue
        if not isinstance(values, dict):
            yield Fault(f"{at(section)}: {section} must be a section: [{section}]", True)
            continue
        for key, value in values.items():
            wanted = known.get(key)
            if wanted is None:
                yield Fault(f"{at(section, key)}: unknown key `{key}` in [{section}]{_nearest(key, known)}", False)
            elif wrong := _wrong(value, wanted):
                yield Fault(f"{at(section, key)}: {section}.{key} {wrong}", True)


def _wrong(value: object, wanted: type | tuple[str, ...]) -> str:
    if isinstance(wanted, tuple):
        return "" if value in wanted else f"must be one of {', '.join(wanted)}, not {value!r}"
    if not _is(value, wanted):
        return f"must be {_KINDS[wanted]}, not {value!r}"
    return "must not be negative" if isinstance(value, int) and value < 0 else ""


def _is(value: object, wanted: type) -> bool:
    if isinstance(value, list):
        return wanted is list and all(isinstance(each, str) for each in value)
    return isinstance(value, wanted) and isinstance(value, bool) == (wanted is bool)


def _nearest(name: str, known: Mapping[str, object]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(known), 1)
    return f", did you mean `{close[0]}`?" if close else ""


def _beside(path: str | None, name: str) -> str:
    """A relative path in a configuration file starts at that file."""
    return os.path.join(os.path.dirname(os.path.abspath(path)), name) if path else name


def store_path(url: str) -> str:
    """The file that a store URL names: a path, or sqlite:///path. Raises ConfigError."""
    if "://" not in url:
        return url
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite" or not rest.startswith("/") or len(rest) < 2:
        raise ConfigError(
            f"store.url `{url}` is neither a path nor sqlite:///path", "as in /var/lib/mailgate/mailgate.db"
        )
    return rest[1:]
