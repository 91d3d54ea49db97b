"""By which way mail comes from the mail server to this gateway, as the server or a user's own files show it."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from mailgate.mta import maps

Server = Literal["postfix", "exim", ""]
Kind = Literal["transport", "alias", "lmtp", "forward", "procmail", "maildrop"]
HOME_FILES: Mapping[str, Kind] = {".forward": "forward", ".procmailrc": "procmail", ".mailfilter": "maildrop"}
"""Files in a home by which a user without root gets mail into a program, and the wiring that each makes."""
_COMMAND = re.compile(r"^[^#\n]*[|!][^#\n]*\bmailgate\b|^\s*(?:to|xfilter|cc)\s[^#\n]*\bmailgate\b", re.MULTILINE)


class Wiring(NamedTuple):
    """A way by which mail comes in.

    `server`: whose configuration it is in, `""` for a user's own file, which any server reads. `place`: the parameter,
    section or file that shows it. `target`: where an LMTP server should listen, as the mail server writes it.
    """

    server: Server
    kind: Kind
    place: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.kind} ({self.place})"


def of_postfix(
    folder: str, settings: Mapping[str, str], service: str, transports: Mapping[str, str] | None = None
) -> Wiring | None:
    """The wiring in Postfix, None when nothing in it names this gateway.

    `folder`: that of the tables; `service`: the line of master.cf for `mailgate`; `transports`: local domain -> what
    transport_maps says about it or an address in it.
    """
    program = "".join(service.split()[7:8])
    for transport in (transports or {}).values():
        name, _, nexthop = transport.partition(":")
        if name == "lmtp" or (name == "mailgate" and program == "lmtp"):
            return Wiring("postfix", "lmtp", "transport_maps", nexthop)
    named = [
        path for path in (maps.DOMAINS, maps.ADDRESSES) if f":{folder}/{path}" in settings.get("transport_maps", "")
    ]
    if named:
        return Wiring("postfix", "lmtp" if program == "lmtp" else "transport", "transport_maps")
    if f":{folder}/{maps.ALIASES}" in settings.get("alias_maps", ""):
        return Wiring("postfix", "alias", "alias_maps")
    return Wiring("postfix", "transport", "master.cf") if program and maps.GUARD in service else None


def of_exim(options: Mapping[tuple[str, str], Mapping[str, str] | None]) -> Wiring | None:
    """The wiring in Exim, None without our router. options: (`router` or `transport`, name) -> its options."""
    router = options.get(("router", "mailgate"))
    if router is None:
        return None
    name = router.get("transport", "mailgate")
    transport = options.get(("transport", name)) or {}
    driver = transport.get("driver", "")
    if driver == "lmtp":
        return Wiring("exim", "lmtp", f"transport {name}", f"unix:{transport.get('socket', '')}")
    if driver == "smtp" and transport.get("protocol") == "lmtp":
        target = f"inet:{transport.get('hosts', '127.0.0.1')}:{transport.get('port', 'lmtp')}"
        return Wiring("exim", "lmtp", f"transport {name}", target)
    return Wiring("exim", "transport", f"router mailgate, transport {name}")


def of_home(files: Mapping[str, str]) -> list[Wiring]:
    """The wirings in a home. files: path -> text of those of HOME_FILES that are there."""
    return [
        Wiring("", HOME_FILES[path.rpartition("/")[2]], path) for path, text in files.items() if _COMMAND.search(text)
    ]
