"""The answer address: where the author of a message is answered, which says nothing about who they are.

Policies, the block list and limits judge the author. Posts, copies and `email_from` go to the answer address.
"""

from mailgate.mail import classify
from mailgate.mail.answer import ORIGINAL, candidates
from mailgate.mail.message import Message
from mailgate.routing import resolve
from mailgate.routing.decision import Answer
from mailgate.routing.state import Ours
from mailgate.values import srs
from mailgate.values.address import Address, lower
from mailgate.values.directory import Alias

_MOST_CC = 10
"""People in Cc who follow a new record."""


def answer(message: Message, ours: Ours, *, trust: bool = True) -> Answer:
    """Where the author of a message is answered. trust: Reply-To counts.

    Never at a local address, that of a robot, one that was rewritten on the way, or where a list takes mail.
    """
    replaced = False  # the author in From, by a group that took the mail
    for source, addresses in candidates(message):
        if source.lower() in ORIGINAL and not replaced:
            continue
        if source == "Reply-To" and not trust:
            continue
        kept = tuple(address for address in addresses if is_person(address, message, ours))
        if kept:
            return Answer(kept, source)
        replaced = source == "From" and any(_takes_mail(address, message, ours) for address in addresses)
    return Answer()


def trusts(alias: Alias | None) -> bool:
    """Whether Reply-To counts in mail to an alias."""
    return alias is None or alias.reply_to == "trust"


def is_person(address: Address, message: Message, ours: Ours) -> bool:
    """Whether a message may name this address for answers: it may belong to a person, elsewhere."""
    return not (classify.is_robot(address) or _is_rewritten(address) or _takes_mail(address, message, ours))


def _takes_mail(address: Address, message: Message, ours: Ours) -> bool:
    """Whether mail to an address comes back to us, or goes to the list or group that passed the message on."""
    lists = (posting.key for posting in classify.postings(message))
    return resolve.is_local(address, ours.directory) or address.key in lists


def _is_rewritten(address: Address) -> bool:
    """Whether a forwarder or a sender of bulk mail made an address: SRS, BATV, VERP (`list+bob=client.org@...`)."""
    local = lower(address.local)
    behind = local.rpartition("=")[2] if "=" in local else ""
    return srs.original(address) != address or local.startswith(("srs0", "srs1", "prvs=")) or "." in behind


def copied(message: Message, ours: Ours) -> tuple[Address, ...]:
    """The people in Cc who follow a new record where its alias wants that."""
    people = (address for address in message.cc if is_person(address, message, ours))
    return tuple({address.key: address for address in people}.values())[:_MOST_CC]


def requester(message: Message, ours: Ours) -> Address | None:
    """The one person in To, for whom a member writes; None where there is none, or are several."""
    people = {address.key: address for address in message.to if is_person(address, message, ours)}
    return next(iter(people.values())) if len(people) == 1 else None
