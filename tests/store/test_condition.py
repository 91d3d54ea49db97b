"""The look at the database from outside, while mail comes."""

import time
from pathlib import Path

import pytest

from mailgate.store import condition, database, schema


def test_a_look_at_the_whole_file_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow disk it held the store for a minute and more, and no mail was taken."""
    path = str(tmp_path / "m.db")
    schema.migrate(path)
    opened = database.open_existing(path)
    with opened.write() as tx:
        query = (
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
            " INSERT INTO parameter (key, value) SELECT 'k' || i, 'some text that is long enough' FROM n"
        )
        tx.execute(query)
    assert condition.condition(path).faults == ()
    monkeypatch.setattr(condition, "READING", 0.03)
    began = time.monotonic()
    assert condition.condition(path).faults is None
    assert time.monotonic() - began < 5
