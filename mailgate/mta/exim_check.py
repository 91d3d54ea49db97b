"""Whether Exim is set up as planned."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.mta import exim, guard, stranger
from mailgate.mta.check import Check, FileState, Greeting, check_lmtp, check_size, check_tables, check_unknown
from mailgate.mta.plan import Plan
from mailgate.mta.stranger import Answer, Asked, answer
from mailgate.mta.wiring import Wiring
from mailgate.values.problem import command

_WRITE = command("mailgate setup exim --write DIR")
_THEN = "then run the commands that it prints"
_START = command("systemctl start exim4")
_TWICE = "remove it there, or name it under [maps] shared in the configuration"
_SHARED = "name it in dc_other_hostnames, or not under [maps] shared in the configuration"
_LIMIT = "define a smaller MESSAGE_SIZE_LIMIT in a file of /etc/exim4/conf.d/main"


class EximState(NamedTuple):
    """Exim as it is; None for what cannot be seen, with the reason in `error`.

    `options`: (kind, name) of a router or transport -> its options as Exim prints them, None when there is none;
    `main`: main options; `lists`: named lists; `wiring`: the one that is there; `local`: local domains that have
    mailboxes in Exim; `asked`: what a stranger gets; `lmtp`: what answers where an LMTP server should listen.
    """

    options: Mapping[tuple[str, str], Mapping[str, str] | None] | None
    main: Mapping[str, str]
    lists: Mapping[str, str]
    guard: FileState
    tables: Mapping[str, FileState]
    error: str = ""
    wiring: Wiring | None = None
    local: frozenset[str] | None = None
    asked: Asked = Asked()
    lmtp: Greeting | None = None


def followed(plan: Plan, state: EximState) -> Plan:
    """The plan that Exim follows: with its fallback model."""
    transport = (state.options or {}).get(("transport", "mailgate")) or {}
    model = re.search(r"--fallback-model[ =](\S+)", transport.get("command", ""))
    return plan._replace(lmtp="", fallback=model[1] if model else None)


def check(plan: Plan, state: EximState) -> list[Check]:
    """Everything that can be checked, of the wiring that is there."""
    by_lmtp = state.wiring is not None and state.wiring.kind == "lmtp"
    plan = plan._replace(lmtp="") if by_lmtp else plan  # by whichever transport: what answers there is looked at
    checks = [] if by_lmtp or plan.lmtp else [guard.check(plan, state.guard)]
    checks += [*check_tables(plan, state.tables), *check_unknown(plan)]
    if state.options is None:
        text = state.error or "Exim cannot be asked"
        return [*checks, Check("exim", "unknown", text, command("exim4 -bP router mailgate"))]
    if by_lmtp:
        checks.append(check_lmtp(state.lmtp))
    for part in exim.parts(plan, ""):
        if part.name == "router" or (part.name == "transport" and not by_lmtp):
            for name, options in _instances(part.text).items():
                wanted = {key: value for key, value in options.items() if key != "transport" or not by_lmtp}
                checks.append(_check_instance(part.name, name, wanted, state.options.get((part.name, name))))
    checks.append(_check_trusted(plan, state.main.get("trusted_users")))
    checks.append(_check_relay(state.lists.get("relay_to_domains")))
    limit = state.main.get("message_size_limit", "")
    checks.append(check_size(plan, _octets(limit), limit, None, _LIMIT))
    checks += _check_local(plan, state.local)
    return checks + stranger.check(state.asked, _START, _WRITE, _THEN)


def _check_local(plan: Plan, local: frozenset[str] | None) -> list[Check]:
    """A domain in which every address is ours must have no mailboxes in Exim, a shared one must have some."""
    name = "local_domains"
    if local is None:
        return [Check(name, "unknown", "Exim does not say which domains are local", command("exim4 -bP config"))]
    checks = []
    if twice := [domain for domain in plan.whole_domains if domain in local]:
        text = f"{', '.join(twice)} is listed there too (dc_other_hostnames): its mailboxes get no mail any more"
        checks.append(Check(name, "wrong", text, advice=_TWICE))
    if missing := [d.name for d in plan.maps.domains if d.name in plan.maps.shared and d.name not in local]:
        text = f"{', '.join(missing)} is under [maps] shared, and not listed there: its mail is refused"
        checks.append(Check(name, "wrong", text, advice=_SHARED))
    return checks


def _instances(text: str) -> dict[str, dict[str, str]]:
    """The routers or transports in a part of a configuration, with their options; a flag is "true"."""
    instances: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if re.fullmatch(r"\w+:", line):
            current = instances.setdefault(line[:-1], {})
        elif line.strip() and not line.lstrip().startswith("#"):
            name, equals, value = line.strip().partition("=")
            current[name.strip()] = value.strip() if equals else "true"
    return instances


def _check_instance(kind: str, name: str, expected: Mapping[str, str], present: Mapping[str, str] | None) -> Check:
    instance = f"{kind} {name}"
    if present is None:
        return Check(instance, "wrong", f"Exim has no {instance}", _WRITE, _THEN)
    for option, value in expected.items():
        if _normal(present.get(option, "")) != _normal(value):
            text = f"{option} is `{present.get(option, '')}`, should be `{value}`"
            return Check(instance, "wrong", text, _WRITE, _THEN)
    return Check(instance, "ok", "as it should be")


def _normal(value: str) -> str:
    """A value without white space between its items, which has no meaning."""
    return re.sub(r"\s*([:,{}])\s*", r"\1", value)


def _check_trusted(plan: Plan, users: str | None) -> Check:
    name = "trusted_users"
    if users is None:
        return Check(name, "unknown", "Exim does not say who is trusted", command("exim4 -bP trusted_users"))
    if plan.user in re.split(r"[\s:]+", users):
        return Check(name, "ok", f"{plan.user} may set the reverse-path of what it sends")
    text = f"`{users}` has no {plan.user}: what it sends would leave with another reverse-path"
    return Check(name, "wrong", text, _WRITE, _THEN)


def _check_relay(domains: str | None) -> Check:
    name = "relay_to_domains"
    if domains is None:
        text = "Exim has no list of that name, or does not print it"
        return Check(name, "unknown", text, command("exim4 -bP config"))
    if "+mailgate_domains" in re.split(r"[\s:]+", domains):
        return Check(name, "ok", "mail for our domains is accepted from outside")
    text = f"`{domains}` has no +mailgate_domains: mail from outside is refused"
    return Check(name, "wrong", text, _WRITE, _THEN)


def _octets(text: str) -> int | None:
    match = re.fullmatch(r"(\d+)([KMG]?)", text.strip())
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]] if match else None


def options(printed: str) -> dict[str, str]:
    """The options of one router or transport as `exim -bP` prints them; a flag is "true" or "false"."""
    values = {}
    for line in printed.splitlines():
        name, equals, value = line.partition("=")
        flag = "false" if name.startswith("no_") else "true"
        values[name.strip().removeprefix("no_")] = value.strip() if equals else flag
    return values


def lists(printed: str) -> dict[str, str]:
    """The named domain lists of a whole configuration as `exim -bP config` prints it."""
    return dict(re.findall(r"^domainlist (\w+) = (.*)$", printed, re.MULTILINE))


def routed(printed: str, addresses: Sequence[str]) -> dict[str, Answer]:
    """What `exim -bt` printed about each address."""
    blocks: dict[str, str] = {}
    current = ""
    for line in printed.splitlines():
        named = next((text for text in addresses if re.match(re.escape(text) + r"(?:$|\s)", line, re.IGNORECASE)), "")
        current = named or current
        blocks[current] = f"{blocks.get(current, '')} {line.removeprefix(named)}"
    return {address: _routed(" ".join(blocks.get(address, "").split())) for address in addresses}


def _routed(text: str) -> Answer:
    if "undeliverable" in text:
        return Answer("refused", text)
    if "cannot be resolved" in text or not text:
        return Answer("later" if text else "unclear", text or "exim -bt says nothing")
    return Answer("taken", text, "router = mailgate," in text)


def dialogue(addresses: Sequence[str]) -> str:
    """The commands of a session that asks about addresses and sends no message."""
    lines = ["EHLO client.invalid", "MAIL FROM:<>", *(f"RCPT TO:<{each}>" for each in addresses), "QUIT"]
    return "".join(f"{line}\r\n" for line in lines)


def replies(printed: str, addresses: Sequence[str]) -> dict[str, Answer]:
    """What `exim -bh` replied in the session of `dialogue`."""
    last = re.findall(r"^(\d{3}) (.*)$", printed, re.MULTILINE)[3:]  # after the greeting, EHLO and MAIL
    return {each: answer(int(code), text) for each, (code, text) in zip(addresses, last, strict=False)}
