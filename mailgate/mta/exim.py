"""What belongs into Exim, and whether it is there."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.mta import maps, wiring
from mailgate.mta.wiring import Check, File, Plan, Seen, Setup, inside
from mailgate.values.problem import command

FOLDER = "/etc/exim4/conf.d"
DEBIAN = "/etc/exim4/update-exim4.conf.conf"
NOBODY = "mailgate-knows-no-such-address"
_WRITE = command("mailgate setup exim --write DIR")
_THEN = "then run the commands that it prints"
_LIMIT = "define a smaller MESSAGE_SIZE_LIMIT in a file of /etc/exim4/conf.d/main"


class State(NamedTuple):
    """What was seen of Exim; None where it could not be looked at, with the reason in `error`.

    `options`: (kind, name) of a router or transport -> its options as Exim prints them, None when it has no such one;
    `main`: the same for main options; `lists`: named lists; `routed`: address -> what `exim -bt` says.
    """

    options: Mapping[tuple[str, str], Mapping[str, str] | None] | None
    main: Mapping[str, str]
    lists: Mapping[str, str]
    routed: Mapping[str, str] | None
    guard: Seen
    tables: Mapping[str, Seen]
    error: str = ""


def setup(plan: Plan, relayed: str, source: str | None = None) -> Setup:
    """Everything for Exim as Debian sets it up; `relayed` are the domains that it relays for already.

    `source`: the folder that the files are written to.
    """
    files = [wiring.guard(plan), *wiring.configuration(plan), *_parts(plan, relayed)]
    before, by_hand = wiring.first_commands(plan, source)
    copied = [
        command("install -m 644 {FILE} {PLACE}", inside(source, each.name) or f"DIR/{each.name}", each.place)
        for each in _parts(plan, relayed)
    ]
    after = [
        command("sed -i \"s/^dc_use_split_config=.*/dc_use_split_config='true'/\" {FILE}", DEBIAN),
        command("update-exim4.conf && systemctl reload exim4"),
        command("mailgate setup exim --fallback-model {MODEL} --check", plan.fallback)
        if plan.fallback
        else command("mailgate setup exim --check"),
    ]
    return Setup(tuple(files), (*before, *copied, *after), (*by_hand, *after))


def probes(plan: Plan) -> dict[str, bool]:
    """Addresses to ask Exim about -> whether mailgate should get their mail."""
    known = {f"{each.catchall}@{each.name}": True for each in plan.maps.domains}
    details = {
        f"{each.catchall}{each.delimiter}detail@{each.name}": True for each in plan.maps.domains if each.delimiter
    }
    return known | details | {f"{NOBODY}@{each}": plan.maps.unknown for each in plan.names}


def check(plan: Plan, state: State) -> list[Check]:
    """Everything that can be looked at."""
    found = [wiring.check_guard(plan, state.guard), *wiring.check_tables(plan, state.tables, None)]
    found += wiring.check_unknown(plan)
    if state.options is None:
        return [
            *found,
            Check("exim", "unknown", state.error or "Exim cannot be asked", command("exim4 -bP router mailgate")),
        ]
    for kind, names in (("router", ("mailgate", "mailgate_unknown")), ("transport", ("mailgate",))):
        wanted = _instances(next(each.text for each in _parts(plan, "") if each.name == kind))
        found += [_check_instance(kind, name, wanted[name], state.options.get((kind, name))) for name in names]
    found.append(_check_trusted(plan, state.main.get("trusted_users")))
    found.append(_check_relay(state.lists))
    shown = state.main.get("message_size_limit", "")
    found.append(wiring.check_size(plan, _octets(shown), shown, None, _LIMIT))
    return [*found, *_check_routed(plan, state.routed)]


def _parts(plan: Plan, relayed: str) -> list[File]:
    others = "".join(f" : {each}" for each in re.split(r"[\s:;]+", relayed) if each and each != "+mailgate_domains")
    delimiters = "".join(f"\\{c}" for c in maps.delimiters(plan.maps.domains)) or "\\\\"
    filled = {
        "@FOLDER@": plan.folder,
        "@OTHERS@": others,
        "@DELIMITERS@": delimiters.replace("\\+", "+"),
        "@DETAIL@": maps.DETAIL,
        "@USER@": plan.user,
        "@GROUP@": plan.group,
        "@FALLBACK@": f" --fallback-model {plan.fallback}" if plan.fallback else "",
    }
    found = []
    for name, place, text in (
        ("main", f"{FOLDER}/main/00_mailgate", _MAIN),
        ("router", f"{FOLDER}/router/150_mailgate", _ROUTER),
        ("transport", f"{FOLDER}/transport/30_mailgate", _TRANSPORT),
    ):
        for key, value in filled.items():
            text = text.replace(key, value)
        found.append(File(name, place, text))
    return found


def _instances(text: str) -> dict[str, dict[str, str]]:
    """The routers or transports of a part of a configuration, with their options; a flag is "true"."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if re.fullmatch(r"\w+:", line):
            current = found.setdefault(line[:-1], {})
        elif line.strip() and not line.lstrip().startswith("#"):
            name, equals, value = line.strip().partition("=")
            current[name.strip()] = value.strip() if equals else "true"
    return found


def options(printed: str) -> dict[str, str]:
    """The options of one router or transport as `exim -bP` prints them; a flag is "true" or "false"."""
    found = {}
    for line in printed.splitlines():
        name, equals, value = line.partition("=")
        flag = "false" if name.startswith("no_") else "true"
        found[name.strip().removeprefix("no_")] = value.strip() if equals else flag
    return found


def _check_instance(kind: str, name: str, wanted: Mapping[str, str], found: Mapping[str, str] | None) -> Check:
    what = f"{kind} {name}"
    if found is None:
        return Check(what, "wrong", f"Exim has no {what}", _WRITE, _THEN)
    for option, value in wanted.items():
        if _same(found.get(option, "")) != _same(value):
            return Check(what, "wrong", f"{option} is `{found.get(option, '')}`, should be `{value}`", _WRITE, _THEN)
    return Check(what, "ok", "as it should be")


def _same(value: str) -> str:
    """A value without what says nothing: white space between the items of a list, quotes, the unit of a time."""
    return re.sub(r"\s*([:,{}])\s*", r"\1", value)


def _check_trusted(plan: Plan, shown: str | None) -> Check:
    if shown is None:
        return Check("trusted_users", "unknown", "Exim does not say who is trusted", command("exim4 -bP trusted_users"))
    if plan.user in re.split(r"[\s:]+", shown):
        return Check("trusted_users", "ok", f"{plan.user} may name the reverse-path of what it sends")
    text = f"`{shown}` has no {plan.user}: what it sends would leave with another reverse-path"
    return Check("trusted_users", "wrong", text, _WRITE, _THEN)


def _check_relay(lists: Mapping[str, str]) -> Check:
    shown = lists.get("relay_to_domains")
    if shown is None:
        return Check(
            "relay_to_domains",
            "unknown",
            "Exim has no list of that name, or does not print it",
            command("exim4 -bP config"),
        )
    if "+mailgate_domains" in re.split(r"[\s:]+", shown):
        return Check("relay_to_domains", "ok", "mail for our domains is taken from outside")
    text = f"`{shown}` has no +mailgate_domains: mail from outside is refused"
    return Check("relay_to_domains", "wrong", text, _WRITE, _THEN)


def _check_routed(plan: Plan, routed: Mapping[str, str] | None) -> list[Check]:
    if routed is None:
        return [Check("routing", "unknown", "Exim cannot be asked where addresses go", command("exim4 -bt ADDRESS"))]
    found = []
    for address, ours in probes(plan).items():
        said = routed.get(address, "")
        right = "router = mailgate," in said if ours else "undeliverable" in said
        text = f"{address}: {_line(said) or 'Exim said nothing'}"
        fix = None if right else command("exim4 -bt {ADDRESS}", address)
        found.append(Check("routing", "ok" if right else "wrong", text, fix))
    return found


def _line(text: str) -> str:
    return " ".join(text.split())


def _octets(shown: str) -> int | None:
    match = re.fullmatch(r"(\d+)([KMG]?)", shown.strip())
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]] if match else None


def lists(printed: str) -> dict[str, str]:
    """The named domain lists of a whole configuration as `exim -bP config` prints it."""
    return dict(re.findall(r"^domainlist (\w+) = (.*)$", printed, re.MULTILINE))


def routed(printed: str, addresses: Sequence[str]) -> dict[str, str]:
    """What `exim -bt` printed about each address."""
    found: dict[str, str] = {}
    current = ""
    for line in printed.splitlines():
        named = next((each for each in addresses if re.match(re.escape(each) + r"(?:$|\s)", line, re.IGNORECASE)), "")
        current = named or current
        found[current] = f"{found.get(current, '')}{line.removeprefix(named)}\n"
    return found


_MAIN = """\
# /etc/exim4/conf.d/main/00_mailgate on Debian, made by `mailgate setup exim`. Elsewhere: the main section of exim.conf.

# The domains that mailgate serves; it keeps this table, and Exim reads it each time.
domainlist mailgate_domains = lsearch;@FOLDER@/domains

# Exim takes mail for them from the world. Elsewhere: the relay domains of the recipient ACL.
MAIN_RELAY_TO_DOMAINS = +mailgate_domains@OTHERS@

# mailgate's worker may name the reverse-path of what it sends. Elsewhere: trusted_users = mailgate
MAIN_TRUSTED_USERS = uucp : @USER@

# For addresses in UTF-8:
# MAIN_SMTPUTF8_ADVERTISE_HOSTS = *
"""
_ROUTER = """\
# /etc/exim4/conf.d/router/150_mailgate on Debian, made by `mailgate setup exim`. Elsewhere: the first routers.

mailgate:
  driver = accept
  # The address, the address before a detail, every address of a domain that takes them all; the last one lets answers
  # to our signed addresses through, whatever their name. Not "condition": a table that cannot be read would make it
  # false, and known addresses unknown; here it makes mail wait.
  address_data = ${if or{\\
      {match{\\
        ${lookup{$local_part@$domain}lsearch{@FOLDER@/addresses}}\\
        ${lookup{${sg{$local_part}{\\N(?<=.)[@DELIMITERS@].*\\N}{}}@$domain}lsearch{@FOLDER@/addresses}}\\
        ${lookup{@$domain}lsearch{@FOLDER@/addresses}}\\
        }{mailgate:}}\\
      {and{{match_domain{$domain}{+mailgate_domains}}{match{$local_part}{\\N.@DETAIL@$\\N}}}}}\\
      {mailgate}fail}
  transport = mailgate

# Nobody knows the others: they are refused before their mail is sent. mailgate keeps the table of addresses, and Exim
# reads it each time.
mailgate_unknown:
  driver = redirect
  domains = +mailgate_domains
  allow_fail
  data = :fail: no such address here
"""
_TRANSPORT = """\
# /etc/exim4/conf.d/transport/30_mailgate on Debian, made by `mailgate setup exim`. Elsewhere: the transports section.

mailgate:
  driver = pipe
  # No address on the command line: Exim refuses to put it there ("tainted"), and bounces. It stands in the
  # environment (LOCAL_PART, LOCAL_PART_SUFFIX, DOMAIN, SENDER), where mailgate reads it.
  command = /usr/local/sbin/mailgate-pipe@FALLBACK@
  # The owner of the store.
  user = @USER@
  group = @GROUP@
  umask = 077
  # The message alone: by default a "From " line stands above it and a blank line below.
  message_prefix =
  message_suffix =
  # The envelope on top of what is kept.
  return_path_add
  envelope_to_add
  # What mailgate says goes to the author of refused mail, and to the log for refused and deferred mail. Never
  # return_output: with it any output makes a bounce, whatever the exit status.
  return_fail_output
  log_fail_output
  log_defer_output
  # 75 is mailgate's "later"; the others mean that the guard could not run.
  temp_errors = 1 : 2 : 75 : 126 : 127
  # Above the 50 s in which mailgate and its guard always answer, and no bounce if they do not.
  timeout = 2m
  timeout_defer
  # If the guard itself is killed the message is kept, frozen ("exim4 -Mt ID" thaws it), instead of bounced.
  freeze_signal
"""
