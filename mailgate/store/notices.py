"""What administrators were told by mail, a row a topic, until it no longer waits for them."""

from collections.abc import Iterable

from mailgate.store.database import Transaction


def topics(tx: Transaction) -> set[str]:
    """The topics of which they were told."""
    return {row["topic"] for row in tx.execute("SELECT topic FROM notice")}


def update(tx: Transaction, gone: Iterable[str], new: Iterable[str], now: float) -> None:
    """Forget the topics that are `gone`, and note the `new` ones."""
    tx.executemany("DELETE FROM notice WHERE topic = ?", [(topic,) for topic in gone])
    tx.executemany("INSERT INTO notice (topic, created_at) VALUES (?, ?)", [(topic, now) for topic in new])
