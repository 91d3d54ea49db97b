"""What waits for a person, counted in one way for every screen, mail and metric that says so."""

from mailgate.store import failures, held, outbox
from mailgate.store.database import Transaction
from mailgate.values.light import NamedTuple


class Waiting(NamedTuple):
    """Held mail that is not quiet, open failures, outgoing mail that does not leave; `more` than can be looked at: mail
    of persons that is quiet because so much was held already, as far as `held.MOST_COUNTED`."""

    held: int
    failures: int
    stuck: int
    more: int = 0


def count(tx: Transaction, now: float, *, sending: bool, but: str = "") -> Waiting:
    """What waits at this moment; `sending` and `but` as in `outbox.stuck`."""
    stuck = outbox.stuck(tx, now, sending=sending, but=but)
    return Waiting(held.still_open(tx).total, failures.count_open(tx), stuck.total, held.crowded_out(tx))
