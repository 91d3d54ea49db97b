"""Whether Exim is set up as planned."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.mta import exim, guard
from mailgate.mta.check import Check, FileState, check_size, check_tables, check_unknown
from mailgate.mta.plan import Plan
from mailgate.values.problem import command

_UNKNOWN_LOCAL_PART = "mailgate-knows-no-such-address"
_WRITE = command("mailgate setup exim --write DIR")
_THEN = "then run the commands that it prints"
_LIMIT = "define a smaller MESSAGE_SIZE_LIMIT in a file of /etc/exim4/conf.d/main"


class EximState(NamedTuple):
    """Exim as it is; None for what cannot be seen, with the reason in `error`.

    `options`: (kind, name) of a router or transport -> its options as Exim prints them, None when there is none;
    `main`: main options; `lists`: named lists; `routed`: address -> what `exim -bt` says.
    """

    options: Mapping[tuple[str, str], Mapping[str, str] | None] | None
    main: Mapping[str, str]
    lists: Mapping[str, str]
    routed: Mapping[str, str] | None
    guard: FileState
    tables: Mapping[str, FileState]
    error: str = ""


def probes(plan: Plan) -> dict[str, bool]:
    """Addresses to ask Exim about -> whether mailgate should get their mail."""
    catchalls = {f"{domain.catchall}@{domain.name}": True for domain in plan.maps.domains}
    details = {
        f"{domain.catchall}{domain.delimiter}detail@{domain.name}": True
        for domain in plan.maps.domains
        if domain.delimiter
    }
    unknown = {f"{_UNKNOWN_LOCAL_PART}@{name}": plan.maps.unknown for name in plan.whole_domains}
    return catchalls | details | unknown


def check(plan: Plan, state: EximState) -> list[Check]:
    """Everything that can be checked."""
    checks = [guard.check(plan, state.guard), *check_tables(plan, state.tables), *check_unknown(plan)]
    if state.options is None:
        text = state.error or "Exim cannot be asked"
        return [*checks, Check("exim", "unknown", text, command("exim4 -bP router mailgate"))]
    for part in exim.parts(plan, ""):
        if part.name != "main":
            for name, options in _instances(part.text).items():
                checks.append(_check_instance(part.name, name, options, state.options.get((part.name, name))))
    checks.append(_check_trusted(plan, state.main.get("trusted_users")))
    checks.append(_check_relay(state.lists.get("relay_to_domains")))
    limit = state.main.get("message_size_limit", "")
    checks.append(check_size(plan, _octets(limit), limit, None, _LIMIT))
    return [*checks, *_check_routed(plan, state.routed)]


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


def _check_routed(plan: Plan, routed: Mapping[str, str] | None) -> list[Check]:
    if routed is None:
        return [Check("routing", "unknown", "Exim cannot be asked where addresses go", command("exim4 -bt ADDRESS"))]
    checks = []
    for address, is_local in probes(plan).items():
        answer = routed.get(address, "")
        right = "router = mailgate," in answer if is_local else "undeliverable" in answer
        text = f"{address}: {' '.join(answer.split()) or 'Exim gives no answer'}"
        fix = None if right else command("exim4 -bt {ADDRESS}", address)
        checks.append(Check("routing", "ok" if right else "wrong", text, fix))
    return checks


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


def routed(printed: str, addresses: Sequence[str]) -> dict[str, str]:
    """What `exim -bt` printed about each address."""
    answers: dict[str, str] = {}
    current = ""
    for line in printed.splitlines():
        named = next((text for text in addresses if re.match(re.escape(text) + r"(?:$|\s)", line, re.IGNORECASE)), "")
        current = named or current
        answers[current] = f"{answers.get(current, '')}{line.removeprefix(named)}\n"
    return answers
