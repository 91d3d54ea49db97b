"""The settings that Postfix needs in main.cf, merged with what is there."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.mta import maps
from mailgate.mta.plan import Plan

LISTS = (
    *("relay_domains", "transport_maps", "relay_recipient_maps"),
    *("local_recipient_maps", "alias_maps", "mydestination"),
    "virtual_mailbox_maps",
)
"""Parameters whose value is a list, to which ours is added."""
_DEFAULTS = (
    "$myhostname",
    "localhost.$mydomain",
    "localhost",
    "proxy:unix:passwd.byname",
    "$alias_maps",
    "$alias_database",
)
"""Items that Postfix has by default, needed only where main.cf does not set the parameter."""


class MainSetting(NamedTuple):
    """A parameter, why it is needed, and what its value must contain: several items when it is a list."""

    name: str
    why: str
    values: Sequence[str]

    @property
    def required(self) -> list[str]:
        """The items that must be there even when main.cf sets the parameter."""
        return [value for value in self.values if value not in _DEFAULTS]


def settings(plan: Plan) -> list[MainSetting]:
    """Every parameter that main.cf needs."""
    table = {name: f"$default_database_type:{plan.folder}/{name}" for name in maps.INDEXED}
    signed = f"regexp:{plan.folder}/{maps.SIGNED}"
    delimiters = maps.delimiters(plan.maps.domains)
    last = [
        MainSetting("message_size_limit", _SIZE, [str(plan.size)]),
        *([MainSetting("recipient_delimiter", _DETAILS, [delimiters])] if delimiters else []),
    ]
    if plan.alias:
        domains = [domain.name for domain in plan.maps.domains]
        return [
            MainSetting("alias_maps", _ALIAS, ["$alias_database", table[maps.ALIASES]]),
            MainSetting("mydestination", _DESTINATION, ["$myhostname", "localhost.$mydomain", "localhost", *domains]),
            MainSetting("command_time_limit", _TIME, ["120s"]),
            MainSetting("mailbox_size_limit", _FILES, ["0"]),
            *last,
        ]
    shared = [table[maps.ADDRESSES], signed] if plan.maps.shared else []
    local = ["proxy:unix:passwd.byname", "$alias_maps", *shared]
    classes = {plan.classes.get(name, "mydestination") for name in plan.maps.shared}
    routed = [table[maps.DOMAINS], *shared]
    if plan.lmtp:
        routed = [f"pipemap:{{{each}, static:{lmtp(plan)}}}" for each in routed]
    pipe = [
        MainSetting("mailgate_destination_recipient_limit", _ONE, ["1"]),
        MainSetting("mailgate_time_limit", _TIME, ["120s"]),
    ]
    return [
        MainSetting("relay_domains", _RELAY, [table[maps.DOMAINS]]),
        MainSetting("transport_maps", _LMTP if plan.lmtp else _TRANSPORT, routed),
        MainSetting("relay_recipient_maps", _RECIPIENTS, [table[maps.ADDRESSES], signed]),
        *([MainSetting("local_recipient_maps", _SHARED, local)] if "mydestination" in classes else []),
        *([MainSetting("virtual_mailbox_maps", _MAILBOXES, shared)] if "virtual_mailbox_domains" in classes else []),
        *([] if plan.lmtp else pipe),
        *last,
    ]


def lmtp(plan: Plan) -> str:
    """Where mail goes by LMTP, as a transport table says it."""
    return f"mailgate:{plan.lmtp if plan.lmtp.startswith('unix:') else f'inet:{plan.lmtp}'}"


def merged(plan: Plan, setting: MainSetting, present: Mapping[str, str]) -> str | None:
    """The value of a parameter that keeps what main.cf says; None to leave the parameter as it is."""
    old = present.get(setting.name, "")
    if setting.name == "recipient_delimiter":
        return old + "".join(c for c in setting.values[0] if c not in old)
    if setting.name == "message_size_limit":
        return None if old.isdecimal() and 0 < int(old) <= plan.max_size else setting.values[0]
    if setting.name not in LISTS:
        return setting.values[0]
    kept = items(old)
    if setting.name == "relay_recipient_maps" and not kept and (named := relayed(present)):
        kept = [f"inline:{{{', '.join(f'@{domain}=ok' for domain in named)}}}"]
    added = setting.required if kept and setting.name in _EXTENDED else setting.values
    return ", ".join([*kept, *(value for value in added if not has(kept, value))])


_EXTENDED = ("mydestination", "alias_maps", "local_recipient_maps")
"""Lists whose defaults apply only while main.cf does not set them."""


def relayed(present: Mapping[str, str]) -> list[str]:
    """The other domains that this server relays for, as far as main.cf names them itself."""
    return [item for item in items(present.get("relay_domains", "")) if re.fullmatch(r"[\w.-]+", item)]


def items(value: str) -> list[str]:
    """The items of a list. `type:{ ... }` is one, however deep its braces are."""
    parts, depth = [""], 0
    for c in value:
        depth += (c == "{") - (c == "}")
        if depth <= 0 and (c == "," or c.isspace()):
            parts.append("")
        else:
            parts[-1] += c
    return [part for part in parts if part]


_PIPED = re.compile(r"pipemap:{[^:]*:([^,]*),(.*)}")
"""The file of the table that a `pipemap:` asks first, and what it asks then."""


def has(present: Sequence[str], item: str) -> bool:
    """Whether a list has an item; a table is the same with every type of index, and within `pipemap:`."""
    if item in present or ":" not in item:
        return item in present
    if piped := _PIPED.match(item):
        return any(other and other.groups() == piped.groups() for other in map(_PIPED.match, present))
    path = item.partition(":")[2]
    within = re.compile(rf"pipemap:{{.*:{re.escape(path)}[,\s}}]")
    return any(other.rpartition(":")[2] == path or within.match(other) for other in present)


_RELAY = "Postfix accepts mail for our domains from the internet ..."
_TRANSPORT = "... and hands it to mailgate."
_LMTP = "... and hands it to mailgate by LMTP: a domain that the table has goes to this place."
_RECIPIENTS = """\
The addresses that exist: others are refused before their mail is sent. mailgate keeps these tables, and Postfix
notices a change by itself. The second table lets answers to our signed addresses through, whatever their name."""
_SHARED = "The same in a domain of mydestination that has mailboxes of its own here."
_MAILBOXES = "The same in a domain of virtual_mailbox_domains that has mailboxes of its own."
_ONE = 'One process for each recipient: one exit status cannot mean "taken" for one and "refused" for another.'
_TIME = "Postfix bounces what it has to stop, so stay above the 50 s in which mailgate and its guard always answer."
_DETAILS = "name+detail@ goes where name@ goes: answers come back to such addresses."
_SIZE = "Refuse a large message while it arrives; above mailgate's own max_size it would be bounced later."
_ALIAS = """\
Postfix runs the commands in an alias file as the owner of that file, and as nobody when root owns it: so mailgate has
a file of its own, which it keeps itself."""
_FILES = """\
No limit of a file's size (local(8) sets it for its commands too, by default 51200000): it would count for the store,
and once the store is as large no mail is taken."""
_DESTINATION = "The addresses of these domains are looked up in the alias files; Postfix refuses the others."
