"""What belongs into Postfix, and whether it is there."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.mta import maps, wiring
from mailgate.mta.maps import GUARD
from mailgate.mta.wiring import MARK, Check, File, Plan, Seen, Setup, inside
from mailgate.values.problem import CommandLine, command

MAIN, MASTER = "/etc/postfix/main.cf", "/etc/postfix/master.cf"
_SETTLE = 60
"""Seconds that Postfix must give us: mailgate and its guard always answer within 50."""


class State(NamedTuple):
    """What was seen of Postfix; None where it could not be looked at, with the reason in `error`.

    `settings`: parameter -> its value with other parameters filled in; `service`: our line of master.cf, `""` without
    one; `guard`, `tables`, `indexes`: as `wiring` takes them.
    """

    settings: Mapping[str, str] | None
    service: str | None
    guard: Seen
    tables: Mapping[str, Seen]
    indexes: Mapping[str, str | None] | None
    error: str = ""


class _Setting(NamedTuple):
    name: str
    why: str
    values: Sequence[str]
    """What must stand there; several are a list, in which others may stand too."""


def setup(plan: Plan, present: Mapping[str, str], source: str | None = None) -> Setup:
    """Everything for Postfix; `present` are the parameters that its main.cf sets, which keep what they say.

    `source`: the folder that the files are written to.
    """
    files = [wiring.guard(plan), *wiring.configuration(plan), _main(plan, present)]
    before, by_hand = wiring.first_commands(plan, source)
    settings = inside(source, "main.cf")
    commands = [*before, command("grep '^[a-z]' {DIR/main.cf} | xargs -d '\\n' postconf -e", settings)]
    if not plan.alias:
        files.append(_master(plan))
        service = inside(source, "master.cf")
        commands.append(
            command("postconf -M \"mailgate/unix=$(sed '/^ *#/d' {DIR/master.cf} | tr '\\n' ' ')\"", service)
        )
    after = [command("postfix reload"), _again(plan)]
    return Setup(tuple(files), (*commands, *after), (*by_hand, *after), tuple(_notes(plan, present)))


def names(plan: Plan) -> list[str]:
    """The parameters that matter."""
    others = ["mydestination", "virtual_alias_domains", "virtual_mailbox_domains"]
    return list(dict.fromkeys([*(each.name for each in _settings(plan)), "relay_domains", *others]))


def check(plan: Plan, state: State) -> list[Check]:
    """Everything that can be looked at."""
    found = [wiring.check_guard(plan, state.guard), *wiring.check_tables(plan, state.tables, state.indexes)]
    found += wiring.check_unknown(plan)
    if not plan.alias:
        found.append(_check_service(plan, state))
    settings = state.settings
    if settings is None:
        return [*found, Check("main.cf", "unknown", state.error or "main.cf cannot be read", command("postconf -n"))]
    found += [_check_setting(plan, each, settings) for each in _settings(plan)]
    return found + ([] if plan.alias else _check_classes(plan, settings))


def _again(plan: Plan) -> CommandLine:
    if plan.alias:
        return command("mailgate setup postfix --alias --check")
    if plan.fallback:
        return command("mailgate setup postfix --fallback-model {MODEL} --check", plan.fallback)
    return command("mailgate setup postfix --check")


def _settings(plan: Plan) -> list[_Setting]:
    table = {name: f"$default_database_type:{plan.folder}/{name}" for name in maps.INDEXED}
    signed = f"regexp:{plan.folder}/{maps.SIGNED}"
    delimiters = maps.delimiters(plan.maps.domains)
    last = [
        _Setting("message_size_limit", _SIZE, [str(plan.size)]),
        *([_Setting("recipient_delimiter", _DETAILS, [delimiters])] if delimiters else []),
    ]
    if plan.alias:
        return [
            _Setting("alias_maps", _ALIAS, ["$alias_database", table[maps.ALIASES]]),
            _Setting("mydestination", _DESTINATION, [*_OWN_HOST, *(each.name for each in plan.maps.domains)]),
            _Setting("command_time_limit", _TIME, ["120s"]),
            *last,
        ]
    shared = [table[maps.ADDRESSES], signed] if plan.maps.shared else []
    return [
        _Setting("relay_domains", _RELAY, [table[maps.DOMAINS]]),
        _Setting("transport_maps", _TRANSPORT, [table[maps.DOMAINS], *shared]),
        _Setting("relay_recipient_maps", _RECIPIENTS, [table[maps.ADDRESSES], signed]),
        *([_Setting("local_recipient_maps", _SHARED, [*_LOCAL, *shared])] if shared else []),
        _Setting("mailgate_destination_recipient_limit", _ONE, ["1"]),
        _Setting("mailgate_time_limit", _TIME, ["120s"]),
        *last,
    ]


def _value(plan: Plan, setting: _Setting, present: Mapping[str, str]) -> str | None:
    """The line's right side, with what stands there already; None to leave what stands there."""
    old = present.get(setting.name, "")
    if setting.name == "recipient_delimiter":
        return old + "".join(c for c in setting.values[0] if c not in old)
    if setting.name == "message_size_limit":
        return None if old.isdecimal() and 0 < int(old) <= plan.max_size else setting.values[0]
    if setting.name in _LISTS:
        others = _items(old)
        if setting.name == "relay_recipient_maps" and not others:
            others = (
                [f"inline:{{{', '.join(f'@{each}=ok' for each in _literal(present))}}}"] if _literal(present) else []
            )
        if others and setting.name in ("mydestination", "alias_maps", "local_recipient_maps"):
            ours = [each for each in setting.values if each not in (*_OWN_HOST, *_LOCAL, "$alias_database")]
        else:
            ours = list(setting.values)
        return ", ".join([*others, *(each for each in ours if not _has(others, each))])
    return setting.values[0]


def _literal(present: Mapping[str, str]) -> list[str]:
    """The other domains that this server relays for, as far as they are named and not looked up."""
    return [each for each in _items(present.get("relay_domains", "")) if re.fullmatch(r"[\w.-]+", each)]


def _items(value: str) -> list[str]:
    """The items of a list, `type:{ ... }` being one, however deep its braces are."""
    found, depth = [""], 0
    for c in value:
        depth += (c == "{") - (c == "}")
        if depth <= 0 and (c == "," or c.isspace()):
            found.append("")
        else:
            found[-1] += c
    return [each for each in found if each]


def _has(items: Sequence[str], wanted: str) -> bool:
    """Whether a list names a table, of whatever type of index, or a word."""
    if ":" not in wanted:
        return wanted in items
    path = wanted.partition(":")[2]
    return any(each.rpartition(":")[2] == path for each in items)


def _main(plan: Plan, present: Mapping[str, str]) -> File:
    what = "mailgate behind an alias file" if plan.alias else "mailgate as a transport"
    rows = [f"# Lines for {MAIN}, {MARK} postfix`: {what}."]
    rows += ["# Each stands in the place of your line of that name, and has what yours says in it.", ""]
    for each in _settings(plan):
        value = _value(plan, each, present)
        if value is not None:
            rows += [*(f"# {line}" for line in each.why.splitlines()), f"{each.name} = {value}"]
    return File("main.cf", MAIN, "\n".join(rows) + "\n", lines=True)


def _master(plan: Plan) -> File:
    fallback = f" --fallback-model {plan.fallback}" if plan.fallback else ""
    text = _MASTER.replace("@USER@", f"{plan.user}:{plan.group}").replace("@FALLBACK@", fallback)
    return File("master.cf", MASTER, text, lines=True)


def _notes(plan: Plan, present: Mapping[str, str]) -> list[str]:
    others = [each for each in _items(present.get("relay_domains", "")) if each not in _literal(present)]
    ours = f":{plan.folder}/{maps.DOMAINS}"
    unlisted = [each for each in others if not each.endswith(ours)]
    if plan.alias or not unlisted or present.get("relay_recipient_maps"):
        return []
    return [
        f"this server relays for {', '.join(unlisted)} without a list of their addresses, and with"
        " relay_recipient_maps it refuses those that are not listed: add one for them"
    ]


def _check_service(plan: Plan, state: State) -> Check:
    fix = command("mailgate setup postfix")
    if state.service is None:
        return Check(
            "master.cf", "unknown", state.error or "master.cf cannot be read", command("postconf -M mailgate/unix")
        )
    if not state.service.strip():
        return Check("master.cf", "wrong", "there is no service `mailgate`", fix)
    ours, theirs = _service(_master(plan).text), _service(state.service)
    for name, value in ours.items():
        if theirs.get(name) != value:
            is_ = f"is `{theirs[name]}`" if name in theirs else "is missing"
            return Check("master.cf", "wrong", f"service mailgate: {name} {is_}, should be `{value}`", fix)
    return Check("master.cf", "ok", f"service mailgate runs {GUARD} as {plan.user}")


def _service(text: str) -> dict[str, str]:
    """What a service line says: its program, attributes and command line."""
    words = " ".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).split()
    at = next((i for i, word in enumerate(words) if word.startswith("argv=")), len(words))
    found = dict(word.partition("=")[::2] for word in words[8:at])
    return {"program": "".join(words[7:8]), **found, "argv": " ".join(words[at:]).removeprefix("argv=")}


def _check_setting(plan: Plan, setting: _Setting, settings: Mapping[str, str]) -> Check:
    name, shown = setting.name, settings.get(setting.name)
    fix = _set(name, _value(plan, setting, settings))
    if name == "message_size_limit":
        limit = int(shown) if shown and shown.isdecimal() else None
        return wiring.check_size(plan, limit, shown or "", _set(name, str(plan.size)))
    if shown is None:
        return Check(name, "unknown", f"Postfix does not know {name}", command("postconf mail_version"))
    if name in _LISTS:
        wanted = [each for each in setting.values if each not in (*_OWN_HOST, *_LOCAL, "$alias_database")]
        missing = [each for each in wanted if not _has(_items(shown), each)]
        return _verdict(name, shown, f"{', '.join(missing)} is not in it" if missing else "", fix)
    if name == "recipient_delimiter":
        missing = [c for c in setting.values[0] if c not in shown]
        return _verdict(
            name, shown, f"`{''.join(missing)}` is not in it: details do not arrive" if missing else "", fix
        )
    if name.endswith("time_limit"):
        seconds = _seconds(shown)
        short = seconds is None or 0 < seconds < _SETTLE
        return _verdict(name, shown, f"less than {_SETTLE}s: mail would be bounced" if short else "", fix)
    return _verdict(name, shown, "" if shown == setting.values[0] else f"should be {setting.values[0]}", fix)


def _set(name: str, value: str | None) -> CommandLine:
    return command("postconf -e {SETTING} && postfix reload", f"{name} = {value}")


def _verdict(name: str, shown: str, wrong: str, fix: CommandLine) -> Check:
    return Check(
        name, "wrong" if wrong else "ok", f"`{shown}`" + (f": {wrong}" if wrong else ""), fix if wrong else None
    )


def _check_classes(plan: Plan, settings: Mapping[str, str]) -> list[Check]:
    """A domain that is ours as a whole must be in no other class of addresses."""
    found = []
    for name in ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains"):
        twice = [each for each in plan.names if each in _items(settings.get(name, "").lower())]
        if twice:
            text = f"{', '.join(twice)} stands there too, so its mail does not reach mailgate"
            found.append(Check(name, "wrong", text, advice=_TWICE))
    return found


def _seconds(value: str) -> int | None:
    match = re.fullmatch(r"(\d+)([smhdw]?)", value.strip())
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[match[2]] if match else None


_LISTS = (
    *("relay_domains", "transport_maps", "relay_recipient_maps"),
    *("local_recipient_maps", "alias_maps", "mydestination"),
)
_TWICE = "take it out there, or name it under [maps] shared in the configuration"
_OWN_HOST = ("$myhostname", "localhost.$mydomain", "localhost")
_LOCAL = ("proxy:unix:passwd.byname", "$alias_maps")

_RELAY = "Postfix takes mail for our domains from the world ..."
_TRANSPORT = "... and hands it to mailgate."
_RECIPIENTS = """\
The addresses that exist: others are refused before their mail is sent. mailgate keeps these tables, and Postfix
notices a change by itself. The second one lets answers to our signed addresses through, whatever their name."""
_SHARED = "The same in a domain that has mailboxes of its own here, which must stand in mydestination."
_ONE = 'One process for each recipient: one exit status cannot say "taken" for one and "refused" for another.'
_TIME = "Postfix bounces what it has to stop, so stay above the 50 s in which mailgate and its guard always answer."
_DETAILS = "name+detail@ goes where name@ goes: answers come back to such addresses."
_SIZE = "Refuse a large message while it arrives; above mailgate's own max_size it would be bounced later."
_ALIAS = """\
Postfix runs the commands in an alias file as the owner of that file, and as nobody for one that root owns: so
mailgate has a file of its own, which it keeps itself."""
_DESTINATION = "The addresses of these domains are looked up in the alias files; Postfix refuses the others."

_MASTER = """\
# Lines for /etc/postfix/master.cf, made by `mailgate setup postfix`: the transport that the tables name. At most ten at
# a time.
mailgate  unix  -  n  n  -  10  pipe
  # R: put the reverse-path on top; X: this is the final delivery; q: quote odd local parts, as in a header.
  flags=RXq
  # The owner of the store.
  user=@USER@
  # An empty reverse-path stays empty; Postfix would write MAILER-DAEMON.
  null_sender=
  # No shell reads this line, and nothing in an address can become an option.
  argv=/usr/local/sbin/mailgate-pipe@FALLBACK@ -f ${sender} -- ${recipient}
"""
