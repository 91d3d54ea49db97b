"""List the settings that apply, and where each one comes from."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from mailgate.settings import config, located
from mailgate.settings.config import Config

VALUES: Mapping[tuple[str, str], Callable[[Config], object]] = {
    ("store", "url"): lambda config: config.store,
    ("submit", "method"): lambda config: config.submit.method,
    ("submit", "sendmail"): lambda config: config.submit.sendmail,
    ("submit", "host"): lambda config: config.submit.host,
    ("submit", "port"): lambda config: config.submit.port,
    ("refusals", "by"): lambda config: config.refusals_by,
    ("refusals", "blocked"): lambda config: config.blocked_by,
    ("refusals", "templates"): lambda config: config.templates,
    ("limits", "max_size"): lambda config: config.max_size,
    ("limits", "records_per_alias"): lambda config: config.records_per_alias,
    ("limits", "records_in_all"): lambda config: config.records_in_all,
    ("held", "keep_quiet"): lambda config: config.keep_quiet,
    ("retention", "messages"): lambda config: config.retention_messages,
    ("retention", "raw"): lambda config: config.retention_raw,
    ("retention", "log"): lambda config: config.retention_log,
    ("serve", "lmtp"): lambda config: config.serve_lmtp,
    ("serve", "deliver"): lambda config: config.serve_deliver,
    ("serve", "web"): lambda config: config.serve_web,
    ("serve", "group"): lambda config: config.serve_group,
    ("maps", "folder"): lambda config: config.maps,
    ("maps", "shared"): lambda config: sorted(config.maps_shared),
    ("maps", "unknown"): lambda config: config.maps_unknown,
    ("notify", "to"): lambda config: list(config.notify),
    ("authentication", "trusted_authserv_ids"): lambda config: list(config.authserv_ids),
    ("authentication", "border_strips"): lambda config: config.border_strips,
    ("authentication", "own_hops"): lambda config: config.own_hops,
}
"""(section, key) of every setting -> its value in a configuration."""


class Setting(NamedTuple):
    """A setting that applies. `origin` is option, environment, file or default; `place` says where exactly."""

    section: str
    key: str
    value: object
    origin: str
    place: str


def settings(option: str | None, store: str | None, environ: Mapping[str, str]) -> list[Setting]:
    """Every setting, in the order of the manual. Raises ConfigError as `config.load` does."""
    loaded = config.load(option, store, environ)
    places = {}
    if loaded.path:
        with open(loaded.path, encoding="utf-8") as file:
            places = located.places(file.read())
    listed = []
    for (section, key), value in VALUES.items():
        place = places.get((section, key))
        if (section, key) == ("store", "url") and store:
            origin, source = "option", "--db"
        elif (section, key) == ("store", "url") and environ.get("MAILGATE_DB"):
            origin, source = "environment", "MAILGATE_DB"
        elif place:
            origin, source = "file", f"{loaded.path}:{place.line}"
        else:
            origin, source = "default", ""
        listed.append(Setting(section, key, value(loaded), origin, source))
    return listed


def chosen(option: str | None, environ: Mapping[str, str]) -> tuple[str | None, str]:
    """The configuration file that applies (None without one), and what selects it."""
    path = config.find(option, environ)
    if option:
        return path, "option -C"
    if environ.get("MAILGATE_CONFIG"):
        return path, "environment MAILGATE_CONFIG"
    return path, "the system's" if path == config.SYSTEM else "the user's" if path else "no file: built-in defaults"
