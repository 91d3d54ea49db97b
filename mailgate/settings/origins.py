"""Say which settings apply, and where each of them comes from."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from mailgate.settings import config, located
from mailgate.settings.config import Config

VALUES: Mapping[tuple[str, str], Callable[[Config], object]] = {
    ("store", "url"): lambda found: found.store,
    ("submit", "method"): lambda found: found.submit.method,
    ("submit", "sendmail"): lambda found: found.submit.sendmail,
    ("submit", "host"): lambda found: found.submit.host,
    ("submit", "port"): lambda found: found.submit.port,
    ("refusals", "by"): lambda found: found.refusals_by,
    ("refusals", "blocked"): lambda found: found.blocked_by,
    ("refusals", "templates"): lambda found: found.templates,
    ("limits", "max_size"): lambda found: found.max_size,
    ("limits", "records_per_alias"): lambda found: found.records_per_alias,
    ("limits", "records_in_all"): lambda found: found.records_in_all,
    ("held", "keep_quiet"): lambda found: found.keep_quiet,
    ("maps", "folder"): lambda found: found.maps,
    ("maps", "shared"): lambda found: sorted(found.maps_shared),
    ("maps", "unknown"): lambda found: found.maps_unknown,
    ("notify", "to"): lambda found: list(found.notify),
    ("authentication", "trusted_authserv_ids"): lambda found: list(found.authserv_ids),
    ("authentication", "border_strips"): lambda found: found.border_strips,
    ("authentication", "own_hops"): lambda found: found.own_hops,
}
"""Section and key -> the value that applies, of everything that can be set."""


class Setting(NamedTuple):
    """A setting as it applies. origin: option, environment, file or default; `place` says where exactly."""

    section: str
    key: str
    value: object
    origin: str
    place: str


def settings(option: str | None, store: str | None, environ: Mapping[str, str]) -> list[Setting]:
    """Every setting, in the order of the manual. Raises ConfigError as `config.load` does."""
    found = config.load(option, store, environ)
    places = {}
    if found.path:
        with open(found.path, encoding="utf-8") as file:
            places = located.places(file.read())
    shown = []
    for (section, key), value in VALUES.items():
        place = places.get((section, key))
        if (section, key) == ("store", "url") and store:
            origin, where = "option", "--db"
        elif (section, key) == ("store", "url") and environ.get("MAILGATE_DB"):
            origin, where = "environment", "MAILGATE_DB"
        elif place:
            origin, where = "file", f"{found.path}:{place.line}"
        else:
            origin, where = "default", ""
        shown.append(Setting(section, key, value(found), origin, where))
    return shown


def chosen(option: str | None, environ: Mapping[str, str]) -> tuple[str | None, str]:
    """The configuration file that applies, None for none, and what chose it."""
    path = config.find(option, environ)
    if option:
        return path, "option -C"
    if environ.get("MAILGATE_CONFIG"):
        return path, "environment MAILGATE_CONFIG"
    return path, "the system's" if path == config.SYSTEM else "the user's" if path else "no file: built-in defaults"
