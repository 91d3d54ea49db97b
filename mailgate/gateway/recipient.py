"""Whether an address exists: asked at RCPT, before the message comes."""

from mailgate.mail import envelope
from mailgate.mail.envelope import Hints
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.routing import resolve
from mailgate.store import parameters, snapshot
from mailgate.store.database import Transaction


def is_known(tx: Transaction, recipient: str, fallback: Fallback | None) -> bool:
    """Whether mail for a recipient can be accepted: not for an unknown address in a local domain.

    Raises StoreError, NotReady while there is no local domain.
    """
    addressed = envelope.read(Incoming(b"", "", (recipient,)), Hints(), None)
    ours = snapshot.ours(tx, addressed.recipients, parameters.allowed_domains(parameters.listing(tx)))
    resolved = resolve.recipients(addressed.qualified(ours.directory.default_name), ours)
    return fallback is not None or all(known is None or known.kind != "unknown" for known in resolved)
