"""Whether Postfix is set up as planned."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from mailgate.mta import guard, postfix, postfix_class, postfix_settings, stranger
from mailgate.mta.check import Check, FileState, Greeting, check_lmtp, check_size, check_tables, check_unknown
from mailgate.mta.maps import GUARD
from mailgate.mta.plan import Plan
from mailgate.mta.postfix_settings import LISTS, MainSetting
from mailgate.mta.stranger import Asked
from mailgate.mta.wiring import Wiring
from mailgate.values.problem import CommandLine, command

_SHORTEST = 60
"""Seconds that Postfix must give us: mailgate and its guard always answer within 50."""
_TWICE = "remove it there, or name it under [maps] shared in the configuration"
_ALIASED = "virtual_alias_domains"
_MOVE = "name it in virtual_mailbox_domains instead: its addresses in virtual_alias_maps go on working"
_UNKNOWN_CLASS = "name it in mydestination or virtual_mailbox_domains, or not under [maps] shared"
_WRITE, _THEN = command("mailgate setup postfix --write DIR"), "then run the commands that it prints"
_START = command("postfix start")


class PostfixState(NamedTuple):
    """Postfix as it is; None for what cannot be seen, with the reason in `error`.

    `settings`: parameter -> its value, other parameters filled in; `service`: our line of master.cf, `""` without one;
    `guard`: the script; `tables` and `indexes`: as `check.check_tables` takes them. `wiring`: the one that is there;
    `classes`: local domain -> the parameter that has it, None when a table cannot be asked; `asked`: what a stranger
    gets; `lmtp`: what answers where an LMTP server should listen.
    """

    settings: Mapping[str, str] | None
    service: str | None
    guard: FileState
    tables: Mapping[str, FileState]
    indexes: Mapping[str, str | None] | None
    error: str = ""
    wiring: Wiring | None = None
    classes: Mapping[str, str] | None = None
    asked: Asked = Asked()
    lmtp: Greeting | None = None


def names(plan: Plan) -> list[str]:
    """The parameters that are checked."""
    plan = plan._replace(lmtp="")
    both = (plan, plan._replace(alias=not plan.alias))
    settings = [setting.name for each in both for setting in postfix_settings.settings(each)]
    return list(dict.fromkeys([*settings, *postfix_class.NAMES, "queue_directory"]))


def followed(plan: Plan, state: PostfixState) -> Plan:
    """The plan that Postfix follows: with its alias file, its fallback model."""
    model = re.search(r"--fallback-model[ =](\S+)", state.service or "")
    by_alias = state.wiring is not None and state.wiring.kind == "alias"
    return plan._replace(alias=by_alias, lmtp="", fallback=None if by_alias or not model else model[1])


def check(plan: Plan, state: PostfixState) -> list[Check]:
    """Everything that can be checked, of the wiring that is there."""
    plan = plan._replace(classes=state.classes or {})
    by_lmtp = not plan.alias and state.wiring is not None and state.wiring.kind == "lmtp"
    plan = plan._replace(lmtp="") if by_lmtp else plan  # by whichever table: what answers there is looked at
    checks = [] if by_lmtp or plan.lmtp else [guard.check(plan, state.guard)]
    checks += [*check_tables(plan, state.tables, state.indexes), *check_unknown(plan)]
    if by_lmtp:
        checks.append(check_lmtp(state.lmtp))
    elif not plan.alias:
        checks.append(_check_service(plan, state))
    if state.settings is None:
        text = state.error or "main.cf cannot be read"
        return [*checks, Check("main.cf", "unknown", text, command("postconf -n"))]
    wanted = [each for each in postfix_settings.settings(plan) if not (by_lmtp and each.name.startswith("mailgate_"))]
    checks += [_check_setting(plan, setting, state.settings) for setting in wanted]
    checks += _check_classes(plan, state.classes) if not plan.alias else []
    return checks + stranger.check(state.asked, _START, _WRITE, _THEN)


def _check_service(plan: Plan, state: PostfixState) -> Check:
    fix = command("mailgate setup postfix")
    if state.service is None:
        text = state.error or "master.cf cannot be read"
        return Check("master.cf", "unknown", text, command("postconf -M mailgate/unix"))
    if not state.service.strip():
        return Check("master.cf", "wrong", "there is no service `mailgate`", fix)
    expected, present = _service(postfix.master(plan).text), _service(state.service)
    for name, value in expected.items():
        if present.get(name) != value:
            is_ = f"is `{present[name]}`" if name in present else "is missing"
            return Check("master.cf", "wrong", f"service mailgate: {name} {is_}, should be `{value}`", fix)
    return Check("master.cf", "ok", f"service mailgate runs {GUARD} as {plan.user}")


def _service(text: str) -> dict[str, str]:
    """The program, attributes and command line of a service."""
    words = " ".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).split()
    at = next((i for i, word in enumerate(words) if word.startswith("argv=")), len(words))
    attributes = dict(word.partition("=")[::2] for word in words[8:at])
    return {"program": "".join(words[7:8]), **attributes, "argv": " ".join(words[at:]).removeprefix("argv=")}


def _check_setting(plan: Plan, setting: MainSetting, settings: Mapping[str, str]) -> Check:
    name, value = setting.name, settings.get(setting.name)
    if name == "message_size_limit":
        limit = int(value) if value and value.isdecimal() else None
        return check_size(plan, limit, value or "", _set(name, str(plan.size)))
    if value is None:
        return Check(name, "unknown", f"Postfix does not know {name}", command("postconf mail_version"))
    if fault := _fault(setting, value):
        fix = _set(name, postfix_settings.merged(plan, setting, settings))
        return Check(name, "wrong", f"`{value}`: {fault}", fix)
    return Check(name, "ok", f"`{value}`")


def _fault(setting: MainSetting, value: str) -> str:
    """What is wrong with the value of a parameter, `""` for nothing."""
    if setting.name in LISTS:
        present = postfix_settings.items(value)
        missing = [item for item in setting.required if not postfix_settings.has(present, item)]
        return f"{', '.join(missing)} is not in it" if missing else ""
    if setting.name == "recipient_delimiter":
        missing = [c for c in setting.values[0] if c not in value]
        return f"`{''.join(missing)}` is not in it: details do not arrive" if missing else ""
    if setting.name.endswith("time_limit"):
        seconds = _seconds(value)
        short = seconds is None or 0 < seconds < _SHORTEST
        return f"less than {_SHORTEST}s: mail would be bounced" if short else ""
    if setting.name == "mailbox_size_limit" and value != "0":
        return "it counts for the store too: once that is as large, no mail is taken; should be 0"
    return "" if value == setting.values[0] else f"should be {setting.values[0]}"


def _set(name: str, value: str | None) -> CommandLine:
    return command("postconf -e {SETTING} && postfix reload", f"{name} = {value}")


def _check_classes(plan: Plan, classes: Mapping[str, str] | None) -> list[Check]:
    """A domain in which every address is ours must be in no other class of addresses, a shared one must be in one."""
    if classes is None:
        return []  # the question that was not answered is shown
    others: dict[str, list[str]] = {}
    for domain in plan.whole_domains:
        if (name := classes.get(domain, "relay_domains")) != "relay_domains":
            others.setdefault(name, []).append(domain)
    checks = []
    for name, domains in others.items():
        text = f"{', '.join(domains)} is listed there too, so its mail does not reach mailgate"
        checks.append(Check(name, "wrong", text, advice=_TWICE))
    aliased = [domain for domain in plan.domains if classes.get(domain) == _ALIASED and domain in plan.maps.shared]
    if aliased:
        text = f"{', '.join(aliased)} is listed there, and Postfix hands no mail of such a domain to mailgate"
        checks.append(Check(_ALIASED, "wrong", text, advice=_MOVE))
    for shared in plan.maps.domains:
        if shared.name in plan.maps.shared and shared.name not in classes:
            text = f"{shared.name} is under [maps] shared, and no parameter of Postfix names it: its mail is refused"
            checks.append(Check("shared", "wrong", text, advice=_UNKNOWN_CLASS))
    return checks


def _seconds(value: str) -> int | None:
    match = re.fullmatch(r"(\d+)([smhdw]?)", value.strip())
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[match[2]] if match else None
