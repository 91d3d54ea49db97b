"""Read the configuration file (TOML) into a Config."""

import os
from collections.abc import Iterable, Iterator, Mapping

from mailgate.settings import plain
from mailgate.values.address import domain
from mailgate.values.light import Any, NamedTuple
from mailgate.values.problem import ConfigError, command

SYSTEM = "/etc/mailgate/mailgate.toml"
SYSTEM_STORE = "/var/lib/mailgate/mailgate.db"
SYSTEM_MAPS = "/var/lib/mailgate-maps"
"""A folder apart from the store's: the mail server reads this one, and must not read the store."""


class Submit(NamedTuple):
    """How outgoing mail is sent. `method` is sendmail, smtp, or none: it stays in the outbox."""

    method: str = "sendmail"
    sendmail: str = "/usr/sbin/sendmail"
    host: str = "localhost"
    port: int = 25

    @property
    def sends(self) -> bool:
        """Whether anything leaves the outbox."""
        return self.method != "none"


class Config(NamedTuple):
    """The configuration. `path` is None for built-in defaults; `warnings` name unknown sections and keys."""

    path: str | None
    store: str
    submit: Submit = Submit()
    refusals_by: str = "reply"
    blocked_by: str = "hold"
    templates: str | None = None
    max_size: int = 52_428_800
    keep_quiet: int = 30
    retention_messages: str = ""
    retention_raw: str = ""
    retention_log: str = ""
    authserv_ids: tuple[str, ...] = ()
    border_strips: bool = False
    own_hops: int = 1
    records_per_alias: int = 0
    records_in_all: int = 0
    maps: str | None = None
    maps_shared: frozenset[str] = frozenset()
    maps_unknown: str = "refuse"
    notify: tuple[str, ...] = ()
    serve_lmtp: str = ""
    serve_deliver: str = ""
    serve_web: str = ""
    serve_group: str = ""
    warnings: tuple[str, ...] = ()


KNOWN: Mapping[str, Mapping[str, type | tuple[str, ...]]] = {
    "store": {"url": str},
    "submit": {"method": ("sendmail", "smtp", "none"), "sendmail": str, "host": str, "port": int},
    "refusals": {"by": ("reply", "status"), "blocked": ("hold", "status"), "templates": str},
    "limits": {"max_size": int, "records_per_alias": int, "records_in_all": int},
    "held": {"keep_quiet": int},
    "retention": {"messages": str, "raw": str, "log": str},
    "notify": {"to": list},
    "authentication": {"trusted_authserv_ids": list, "border_strips": bool, "own_hops": int},
    "serve": {"lmtp": str, "deliver": str, "web": str, "group": str},
    "maps": {"folder": str, "shared": list, "unknown": ("refuse", "accept")},
}
"""Section -> key -> its type (a list holds texts), or the values that it may have."""
_TYPE_NAMES = {int: "a number", str: "a text in quotes", bool: "true or false", list: "a list of texts in quotes"}


def find(option: str | None, environ: Mapping[str, str]) -> str | None:
    """The configuration file that applies, None for built-in defaults. Never the current folder."""
    path = option or environ.get("MAILGATE_CONFIG")
    if path:
        return path
    for candidate in (user_file(environ), SYSTEM):
        if candidate and os.path.exists(candidate):
            return candidate
    return None


def user_file(environ: Mapping[str, str]) -> str | None:
    """`$XDG_CONFIG_HOME/mailgate/mailgate.toml`, None without a home."""
    base = environ.get("XDG_CONFIG_HOME") or (environ.get("HOME", "") and f"{environ['HOME']}/.config")
    return f"{base}/mailgate/mailgate.toml" if base else None


def default_store(path: str | None, environ: Mapping[str, str]) -> str:
    """The store when no setting names one: the system's with its configuration file, else in the user's data folder."""
    if path == SYSTEM:
        return SYSTEM_STORE
    base = environ.get("XDG_DATA_HOME") or f"{environ.get('HOME', '/')}/.local/share"
    return f"{base}/mailgate/mailgate.db"


def load(option: str | None, store: str | None, environ: Mapping[str, str], *, required: bool = False) -> Config:
    """Read the configuration that applies; `store` and `$MAILGATE_DB` replace its store.url. Raises ConfigError.

    `required`: a missing file is an error, because a lost mount must not look like an empty gateway.
    """
    path = find(option, environ)
    if path is None and required:
        raise ConfigError("no configuration found", command("mailgate init"))
    octets = _read(path) if path else b""
    table = _parse(octets, path) if path else {}
    faults = list(_faults(path, octets, table))
    for fault in faults:
        if fault.fatal:
            raise ConfigError(fault.text)
    authentication, maps = table.get("authentication", {}), table.get("maps", {})
    serve = table.get("serve", {})
    refusals, limits, submit = table.get("refusals", {}), table.get("limits", {}), table.get("submit", {})
    return Config(
        path=path,
        store=_store(store or environ.get("MAILGATE_DB"), table.get("store", {}).get("url"), path, environ),
        submit=Submit(**{key: value for key, value in submit.items() if key in KNOWN["submit"]}),
        refusals_by=refusals.get("by", "reply"),
        blocked_by=refusals.get("blocked", "hold"),
        templates=_beside(path, refusals["templates"]) if "templates" in refusals else None,
        max_size=limits.get("max_size", 52_428_800),
        keep_quiet=table.get("held", {}).get("keep_quiet", 30),
        **{f"retention_{key}": age for key, age in table.get("retention", {}).items() if key in KNOWN["retention"]},
        authserv_ids=tuple(text.strip().lower() for text in authentication.get("trusted_authserv_ids", [])),
        border_strips=authentication.get("border_strips", False),
        own_hops=authentication.get("own_hops", 1),
        records_per_alias=limits.get("records_per_alias", 0),
        records_in_all=limits.get("records_in_all", 0),
        maps=_beside(path, maps["folder"]) if "folder" in maps else None,
        maps_shared=frozenset(domain(text) or text for text in maps.get("shared", [])),
        maps_unknown=maps.get("unknown", "refuse"),
        notify=tuple(text.strip() for text in table.get("notify", {}).get("to", [])),
        serve_lmtp=serve.get("lmtp", ""),
        serve_deliver=serve.get("deliver", "").removeprefix("unix:"),
        serve_web=serve.get("web", ""),
        serve_group=serve.get("group", ""),
        warnings=tuple(fault.text for fault in faults),
    )


def _store(option: str | None, url: str | None, path: str | None, environ: Mapping[str, str]) -> str:
    """The path of the store: as an option says, else as the setting in the file `path` says, else the default one."""
    if option:
        return store_path(option)
    return _beside(path, store_path(url)) if url else default_store(path, environ)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {os.strerror(error.errno or 0)}", command("mailgate init")) from error


def _parse(octets: bytes, path: str) -> dict[str, Any]:
    table = plain.read(octets)
    if table is not None:
        return table
    from mailgate.settings import located  # knows TOML, limits, and the place of an error; most deliveries do without

    return located.read(octets, path)


class Fault(NamedTuple):
    """One error in a configuration file, `FILE:LINE:COLUMN: ...`; `fatal` when the file cannot be used."""

    text: str
    fatal: bool


def check(path: str) -> list[Fault]:
    """Every error in a configuration file. Raises ConfigError when it cannot be read."""
    octets = _read(path)
    return list(_faults(path, octets, _parse(octets, path)))


def _faults(path: str | None, octets: bytes, table: dict[str, Any]) -> Iterator[Fault]:
    def at(*keys: str) -> str:
        from mailgate.settings import located  # only where there is an error

        place = located.places(octets.decode("utf-8"))[keys]
        return f"{path}:{place.line}:{place.column}"

    for section, values in table.items():
        types = KNOWN.get(section)
        if types is None:
            yield Fault(f"{at(section)}: unknown section [{section}]{_nearest(section, KNOWN)}", False)
            continue
        if not isinstance(values, dict):
            yield Fault(f"{at(section)}: {section} must be a section: [{section}]", True)
            continue
        for key, value in values.items():
            expected = types.get(key)
            if expected is None:
                yield Fault(f"{at(section, key)}: unknown key `{key}` in [{section}]{_nearest(key, types)}", False)
            elif error := _error(value, expected) or (_age_error(value) if section == "retention" else ""):
                yield Fault(f"{at(section, key)}: {section}.{key} {error}", True)


def _error(value: object, expected: type | tuple[str, ...]) -> str:
    """What a value must be and is not, `""` when it is valid."""
    if isinstance(expected, tuple):
        return "" if value in expected else f"must be one of {', '.join(expected)}, not {value!r}"
    if not _is(value, expected):
        return f"must be {_TYPE_NAMES[expected]}, not {value!r}"
    return "must not be negative" if isinstance(value, int) and value < 0 else ""


def _age_error(value: object) -> str:
    """What is wrong with an age after which something is deleted."""
    from mailgate.values import age  # few configurations have one

    seconds = age.seconds(str(value)) if value else age.UNITS["y"]
    if seconds is None:
        return f"must be an age such as 90d or 2y, not {value!r}"
    return "must be at least 7d: copies of mail may still arrive" if seconds < 7 * age.UNITS["d"] else ""


def _is(value: object, expected: type) -> bool:
    if isinstance(value, list):
        return expected is list and all(isinstance(item, str) for item in value)
    return isinstance(value, expected) and isinstance(value, bool) == (expected is bool)


def _nearest(name: str, names: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, list(names), 1)
    return f", did you mean `{close[0]}`?" if close else ""


def _beside(path: str | None, name: str) -> str:
    """A path from the configuration file `path`: a relative one starts at the folder of that file."""
    return os.path.join(os.path.dirname(os.path.abspath(path)), name) if path else name


def store_path(url: str) -> str:
    """The path of the database file in a store URL: a path, or sqlite:///path. Raises ConfigError."""
    if "://" not in url:
        return url
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite" or not rest.startswith("/") or len(rest) < 2:
        raise ConfigError(
            f"store.url `{url}` is neither a path nor sqlite:///path", advice="as in /var/lib/mailgate/mailgate.db"
        )
    return rest[1:]
