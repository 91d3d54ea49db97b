"""Check that backups go on being made, and mention a store that grows without a rule."""

import os
from collections.abc import Iterator

from mailgate.doctor.queues import hours
from mailgate.mta.check import Check
from mailgate.settings.config import Config
from mailgate.store import changes
from mailgate.store.database import Store
from mailgate.values.problem import command

LARGE = 1 << 30
"""Octets of a store from which on a rule for old mail is worth a thought."""
_LOOKED_AT = 10
_REGULAR = 3
"""Backups from which on there is a rhythm: one before an upgrade promises no other."""
_DAY = 86_400.0


def check(opened: Store, config: Config, now: float) -> Iterator[Check]:
    """Check the last backup against the rhythm of those before it, and the size of the store."""
    with opened.read() as tx:
        times = [at for at in changes.times_of(tx, "backup", _LOOKED_AT) if at <= now]
    if len(times) >= _REGULAR:
        usual = (times[0] - times[-1]) / (len(times) - 1)
        text = f"the last one is {hours(now - times[0])} old"
        if now - times[0] > 3 * usual + _DAY:
            text += f", and they were made every {hours(max(usual, 60.0))}"
            yield Check("backup", "wrong", text, command("mailgate backup FILE"))
        else:
            yield Check("backup", "ok", text)
    size = os.path.getsize(opened.path)
    if size >= LARGE and not (config.retention_messages or config.retention_raw):
        text = f"the store has {size >> 20} MB, and no rule deletes old mail"
        yield Check("retention", "ok", text, command("mailgate help retention"))
