"""Read the mail server that is installed on this machine: its settings, tables and script."""

import contextlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence

from mailgate.mta import asking, exim, exim_check, maps, postfix, postfix_check, postfix_class, stranger, wiring
from mailgate.mta.asking import program, run
from mailgate.mta.check import FileState
from mailgate.mta.exim_check import EximState
from mailgate.mta.maps import GUARD
from mailgate.mta.plan import Plan
from mailgate.mta.postfix_check import PostfixState
from mailgate.mta.postfix_class import Unanswered
from mailgate.mta.stranger import Asked
from mailgate.mta.wiring import Wiring


def postfix_parameters() -> Mapping[str, str]:
    """The parameters that main.cf sets; none where Postfix cannot be asked."""
    printed, _ = run("postconf", "-n")
    return _settings(printed or "")


def postfix_state(plan: Plan) -> PostfixState:
    """Postfix, as far as it can be seen, and what it says to a stranger."""
    printed, error = run("postconf", "-x", *postfix_check.names(plan))
    service = None if printed is None else run("postconf", "-M", "mailgate/unix")[0]
    indexes: dict[str, str | None] | None = None
    if printed is not None:
        kind = (run("postconf", "-h", "default_database_type")[0] or "hash").strip()
        indexes = {name: run("postmap", "-s", f"{kind}:{plan.folder}/{name}")[0] for name in maps.INDEXED}
    state = PostfixState(
        None if printed is None else _settings(printed),
        service if service is not None or printed is None else "",
        _file(GUARD),
        _tables(plan),
        indexes,
        error,
    )
    return state if state.settings is None else _asked(plan, state, state.settings)


def postfix_classes(domains: Sequence[str]) -> Mapping[str, str]:
    """Domain -> the parameter by which Postfix knows it; none where it cannot be asked."""
    if not os.path.exists(postfix.MAIN):
        return {}
    printed, _ = run("postconf", "-x", *postfix_class.NAMES)
    try:
        return postfix_class.classes(_settings(printed or ""), domains, asking.postmap)
    except Unanswered:
        return {}


def _asked(plan: Plan, state: PostfixState, settings: Mapping[str, str]) -> PostfixState:
    """The same with the wiring that is there, and what a stranger gets."""
    domains = [domain.name for domain in plan.maps.domains]
    catchalls = {f"{domain.catchall}@{domain.name}": domain.name for domain in plan.maps.domains}
    classes, transports = None, {}
    with contextlib.suppress(Unanswered):
        classes = postfix_class.classes(settings, domains, asking.postmap)
        transports = postfix_class.transports(settings, list(catchalls), asking.postmap)
    found = wiring.of_postfix(plan.folder, settings, state.service or "", transports)
    plan = plan._replace(alias=plan.alias or (found is not None and found.kind == "alias"))
    questions = stranger.questions(plan)
    routes = postfix_class.routes(settings, [each.address for each in questions], asking.postmap)
    # a catch-all of its own in a domain with mailboxes takes unknown addresses
    questions = [
        each for each in questions if each.kind != "unknown" or routes[each.address].target in ("", each.address)
    ]
    ours = ["mailgate:", GUARD, *([f"lmtp:{found.target}"] if found and found.kind == "lmtp" and found.target else [])]
    endpoint = asking.postfix_endpoint(run("postconf", "-M")[0] or "", settings.get("inet_interfaces", "all"))
    by_lmtp = found is not None and found.kind == "lmtp"
    return state._replace(
        wiring=found,
        classes=classes,
        asked=asking.asked(questions, [asking.of_routes(routes, ours)], endpoint, _changed_at(plan)),
        lmtp=asking.lmtp(found.target, settings.get("queue_directory", "/var/spool/postfix"))
        if found and by_lmtp
        else None,
    )


def _changed_at(plan: Plan) -> float:
    """When the table of domains was written, in epoch seconds."""
    try:
        return os.stat(f"{plan.folder}/{maps.DOMAINS}").st_mtime
    except OSError:
        return 0.0


def exim_relayed() -> str:
    """The domains that Debian's Exim relays for already."""
    for line in (_file(exim.DEBIAN).text or "").splitlines():
        if line.startswith("dc_relay_domains="):
            return line.partition("=")[2].strip().strip("'\"")
    return ""


def exim_split() -> bool:
    """Whether Debian's Exim is made from the files in conf.d; where there is no such choice, too."""
    text = _file(exim.DEBIAN).text
    return text is None or re.search(r"(?m)^dc_use_split_config=['\"]?true", text) is not None


def exim_state(plan: Plan) -> EximState:
    """Exim, as far as it can be seen, and what it says to a stranger."""
    exim_ = program("exim4") or program("exim") or "exim4"
    configured, error = run(exim_, "-bP", "config")
    seen = EximState(None, {}, {}, _file(GUARD), _tables(plan), error)
    if configured is None:
        return seen
    options: dict[tuple[str, str], Mapping[str, str] | None] = {}
    for name in ("mailgate", "mailgate_unknown"):
        options["router", name] = _exim_options(exim_, "router", name)
    transport = (options["router", "mailgate"] or {}).get("transport", "mailgate")
    for name in dict.fromkeys(("mailgate", transport)):
        options["transport", name] = _exim_options(exim_, "transport", name)
    names = ("trusted_users", "message_size_limit", "local_interfaces", "daemon_smtp_ports")
    main = {name: printed.partition("=")[2].strip() for name in names if (printed := run(exim_, "-bP", name)[0])}
    found = wiring.of_exim(options)
    return seen._replace(
        options=options,
        main=main,
        lists=exim_check.lists(configured),
        wiring=found,
        local=exim_local(domain.name for domain in plan.maps.domains),
        asked=_exim_asked(plan, exim_, main),
        lmtp=asking.lmtp(found.target, "/") if found and found.kind == "lmtp" else None,
    )


def exim_local(domains: Iterable[str]) -> frozenset[str] | None:
    """Those of some domains that have mailboxes in Exim (`local_domains`); None where it does not say."""
    names = list(domains)
    tests = [f"${{if match_domain{{{name}}}{{+local_domains}}{{{name}}}{{-}}}}" for name in names]
    printed, _ = run(program("exim4") or program("exim") or "exim4", "-be", *tests)
    return None if printed is None or "Failed" in printed else frozenset(printed.split()) & set(names)


def home_wirings(home: str) -> list[Wiring]:
    """The wirings in a home, as far as its files can be read."""
    files = {path: _file(path) for name in wiring.HOME_FILES if (path := os.path.join(home, name))}
    return wiring.of_home({path: file.text for path, file in files.items() if file.text is not None})


def mail_server(name: str) -> Asked:
    """Whether a mail server (`postfix`, `exim`) answers at all."""
    if name == "postfix":
        interfaces = (run("postconf", "-xh", "inet_interfaces")[0] or "all").strip()
        return asking.asked([], [], asking.postfix_endpoint(run("postconf", "-M")[0] or "", interfaces))
    exim_ = program("exim4") or program("exim") or "exim4"
    interfaces, ports = (
        (run(exim_, "-bP", each)[0] or "").partition("=")[2].strip()
        for each in ("local_interfaces", "daemon_smtp_ports")
    )
    return asking.asked([], [], asking.exim_endpoint(interfaces, ports))


def mailbox_limit() -> int | None:
    """The size of the largest file that a command of Postfix' local(8) may write, 0 for none; None without Postfix."""
    printed = (run("postconf", "-xh", "mailbox_size_limit")[0] or "").strip()
    return int(printed) if printed.isdecimal() else None


def _exim_options(program: str, kind: str, name: str) -> Mapping[str, str] | None:
    printed, _ = run(program, "-bP", kind, name)
    return None if printed is None else exim_check.options(printed)


def _exim_asked(plan: Plan, program: str, main: Mapping[str, str]) -> Asked:
    questions = stranger.questions(plan)
    addresses = [each.address for each in questions]
    routed, session = {}, {}
    for at in range(0, len(addresses), _AT_ONCE):
        some = addresses[at : at + _AT_ONCE]
        printed, _ = run(program, "-bt", *some, failing=True)
        routed.update(exim_check.routed(printed or "", some))
        printed, _ = run(program, "-bh", _ELSEWHERE, failing=True, stdin=exim_check.dialogue(some))
        session.update(exim_check.replies(printed or "", some))
    endpoint = asking.exim_endpoint(main.get("local_interfaces", ""), main.get("daemon_smtp_ports", ""))
    return asking.asked(questions, [routed, session], endpoint)


_ELSEWHERE = "192.0.2.1"
"""An address that no server relays for (RFC 5737)."""
_AT_ONCE = 60
"""Addresses in a call of Exim."""


def _tables(plan: Plan) -> dict[str, FileState]:
    return {name: _file(f"{plan.folder}/{name}") for name in (*maps.INDEXED, maps.SIGNED)}


def _file(path: str) -> FileState:
    try:
        mode = os.stat(path).st_mode
        with open(path, encoding="utf-8", errors="replace") as file:
            return FileState(file.read(), bool(mode & 0o001))
    except FileNotFoundError:
        return FileState()
    except OSError as error:
        return FileState(error=error.strerror or str(error))


def _settings(printed: str) -> dict[str, str]:
    rows = (line.partition(" =") for line in printed.splitlines())
    return {name: value.strip() for name, equals, value in rows if equals}
