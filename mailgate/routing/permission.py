"""Who may write: the policy of an alias, and who counts as whom."""

from mailgate.mail.message import Message
from mailgate.routing import authentication, resolve
from mailgate.routing.authentication import Authentication
from mailgate.routing.state import Ours, Standing, State, Trust
from mailgate.values import srs
from mailgate.values.address import Address
from mailgate.values.directory import Alias
from mailgate.values.record import Ref

NOBODY = "unknown"
"""The sender of new records where neither an author nor a reverse-path nor an alias is known; never an address."""
SHARES = 5
"""Times the threshold that one author may have whose mail seems to come from many places (`rate_share`)."""


def _is_local(address: Address, ours: Ours) -> bool:
    """Whether it is a local address; what detection takes in a domain that is not ours belongs to somebody there."""
    resolved = resolve.resolve(address, ours)
    return resolved.domain is not None and resolved.ours


def local_senders(message: Message, ours: Ours) -> tuple[Address, ...]:
    """The local addresses among author and reverse-path: they forbid answers, and satisfy no policy but `everyone`."""
    author, path = message.author.address, message.envelope.reverse_path
    senders = dict.fromkeys((author, path, srs.original(path) if path else None))
    return tuple(sender for sender in senders if sender and _is_local(sender, ours))


def permits(
    alias: Alias | None, record: Ref | None, message: Message, state: State, authentic: Authentication
) -> tuple[bool, str]:
    """Whether the author may make a record (or write on `record`) under an alias, and why.

    A record that no alias governs takes every answer.
    """
    if alias is None:
        return True, "no alias governs it, everyone"
    if alias.policy == "everyone":
        return True, "everyone"
    author = message.author.address
    if author is None:
        return False, f"{alias.policy} only, and the author is unknown"
    if _is_local(author, state.ours):
        return False, f"{alias.policy} only, and {author} is a local address"
    contact = state.author.contact if state.author.contact and not state.author.contact.archived else None
    match alias.policy:
        case "contacts":
            member = contact is not None
            saw = f"{author} is {'a known' if member else 'no'} contact"
        case "members":
            member = contact is not None and contact.member
            saw = f"{author} is {'a' if member else 'no'} member"
        case _:
            followed = record or alias.owner
            member = followed is not None and followed in state.author.followed
            saw = f"{author} {'follows' if member else 'does not follow'} {followed or 'anything: no owner record'}"
    if member and alias.authenticated and authentic.result != "pass":
        return False, f"{alias.policy}, authenticated only, and nobody vouches for {author}: {authentic.because}"
    return member, f"{alias.policy}: {saw}"


def standing(author: Standing) -> str:
    """As whom the author would be trusted: a contact, a member, a follower or one who is allowed; `""` as nobody."""
    if author.contact and not author.contact.archived:
        return "a member" if author.contact.member else "a known contact"
    if author.followed:
        return "a follower"
    return "on the allow-list" if author.allowed else ""


def rate_key(message: Message, acting: str) -> str:
    """Whose new records are counted together: the author, else the reverse-path, else what the alias makes.

    A forwarder's reverse-path is another one every day; the one it was rewritten from counts.
    """
    if message.author.address:
        return message.author.address.key
    if message.envelope.reverse_path:
        return srs.original(message.envelope.reverse_path).key
    return acting or NOBODY


def rate_share(author: Address | None, path: Address | None, *, verified: bool) -> str:
    """Which mail of one author is counted together: what is verified, else what has one domain in its reverse-path.

    So a forger uses up nothing of those who can be verified, and nothing of those who send from another domain. An
    author that is unknown is counted as a whole.
    """
    if author is None:
        return ""
    if verified:
        return "verified"
    return f"@{srs.original(path).domain}" if path else "@"


def share_of(message: Message, trust: Trust) -> str:
    """The `rate_share` of a message."""
    verified = authentication.verdict(message, trust).result == "pass"
    return rate_share(message.author.address, message.envelope.reverse_path, verified=verified)
