"""What stands in the way of a set-up: said before anything is written, with the command that clears it."""

from collections.abc import Mapping

from mailgate.mta import edit, exim, originals, postfix
from mailgate.mta.apply import Server
from mailgate.mta.maps import GUARD
from mailgate.mta.plan import Plan
from mailgate.values.problem import Problem, command

_ALIAS, _RELAY = "mydestination", "relay_domains"


def check(server: Server, plan: Plan, wiring: str, classes: Mapping[str, str]) -> None:
    """Raises Problem when a set-up would cut off what the mail server does now.

    `classes`: local domain -> the parameter by which the server knows it already.
    """
    applied = originals.load(server.name)
    if applied is not None and applied.wiring != wiring:
        raise Problem(f"mailgate is set up in {server.name} in another way ({applied.wiring})", server.remove)
    if server.name == "exim":
        _check_exim()
    else:
        _check_service(applied is not None)
    expected = {_RELAY, _ALIAS} if plan.alias else {_RELAY}
    for domain in plan.whole_domains:
        name = classes.get(domain, _RELAY)
        if name in expected:
            continue
        fault = f"{domain} is in {name}, and its mailboxes would get no mail any more"
        if server.name == "exim":
            raise Problem(fault, command("mailgate setup exim --apply --share {DOMAIN}", domain), advice=_EXIM)
        raise Problem(fault, command("mailgate setup postfix --apply --share {DOMAIN}", domain), advice=_POSTFIX)


_POSTFIX = "that keeps them; where there are none, take the domain out of that parameter first"
_EXIM = "that keeps them; where there are none, take the domain out of dc_other_hostnames first"


def _check_service(applied: bool) -> None:
    present = edit.service_of(originals.read(postfix.MASTER) or "", "mailgate")
    if present and GUARD not in present and not applied:
        raise Problem(
            f"{postfix.MASTER} has another service `mailgate`", command("postconf -M mailgate/unix"), advice=_RENAME
        )


_RENAME = "give that service another name, also where transport_maps names it"


def _check_exim() -> None:
    if originals.read(exim.DEBIAN) is None:
        raise Problem(
            f"there is no {exim.DEBIAN}: only Debian's configuration can be changed",
            command("mailgate setup exim --write DIR"),
            advice="each file says where its lines belong in a single exim.conf",
        )
    if originals.read("/etc/exim4/exim4.conf") is not None:
        raise Problem(
            "Exim reads /etc/exim4/exim4.conf in place of Debian's configuration",
            command("mailgate setup exim --write DIR"),
            advice="each file says where its lines belong in it",
        )
