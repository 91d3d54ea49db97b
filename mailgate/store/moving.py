"""Put right where mail is: move a message to another record, or merge a whole record into another one.

Whatever leads to a message moves with it: signed addresses and reports, duplicates, failures.
"""

from mailgate.store import deliveries, messages, records
from mailgate.store.database import Transaction
from mailgate.values.problem import Problem, command
from mailgate.values.record import Ref


def move(tx: Transaction, number: int, target: Ref) -> tuple[Ref, ...]:
    """Take a message from its records, which are returned, and put it on another one. Raises NotFound, Problem."""
    records.get(tx, target)
    before = messages.stored(tx, number).records
    if not before:
        raise Problem(
            f"message {number} is not on a record", command("mailgate held route {N} --to {M/ID}", number, target)
        )
    if before == (target,):
        raise Problem(f"message {number} is on {target} already")
    for ref in before:
        _take(tx, number, ref, target)
    return before


def merge(tx: Transaction, source: Ref, target: Ref) -> int:
    """Put all that a record has on another one, and remove it; how many messages it had. Raises NotFound, Problem.

    Its followers follow the other one, its values fill what that one has not. Aliases that post on it, or whose policy
    asks for its followers, mean the other one from now on.
    """
    if source == target:
        raise Problem(f"{source} cannot be merged into itself")
    gone, kept = records.get(tx, source), records.get(tx, target)
    placed = [message.number for message in messages.listing(tx, source)]
    for number in placed:
        _take(tx, number, source, target)
    records.move_followers(tx, source, target)
    records.set_values(tx, target, {**gone.values, **kept.values})
    deliveries.move(tx, source, target)  # those of messages that are no longer on it
    tx.execute("UPDATE failure SET model = ?, id = ? WHERE model = ? AND id = ?", (*target, *source))
    for column in ("record", "owner"):
        tx.execute(f"UPDATE alias SET {column} = ? WHERE {column} = ?", (str(target), str(source)))
    tx.execute("UPDATE merged SET into_model = ?, into_id = ? WHERE into_model = ? AND into_id = ?", (*target, *source))
    records.remove(tx, source)
    tx.execute("INSERT INTO merged (model, id, into_model, into_id) VALUES (?, ?, ?, ?)", (*source, *target))
    return len(placed)


def _take(tx: Transaction, number: int, source: Ref, target: Ref) -> None:
    """Move a message from one record to another one."""
    tx.execute("DELETE FROM placement WHERE message = ? AND model = ? AND id = ?", (number, *source))
    messages.place(tx, number, target)
    deliveries.move(tx, source, target, number)
    query = "UPDATE failure SET model = ?, id = ? WHERE message = ? AND model = ? AND id = ?"
    tx.execute(query, (*target, number, *source))
    tx.execute(
        "UPDATE effect SET place = ? WHERE message_id IS (SELECT message_id FROM message WHERE number = ?)"
        " AND message = ? AND action = 'post' AND place = ? AND NOT EXISTS (SELECT 1 FROM effect AS other"
        " WHERE other.digest = effect.digest AND other.action = effect.action AND other.reason = effect.reason"
        " AND other.place = ?)",
        (str(target), number, number, str(source), str(target)),
    )
