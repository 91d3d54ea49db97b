"""Fixtures for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gate import Gate


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gateway with a fresh store."""
    made = Gate(tmp_path / "mailgate.db")
    yield made
    made.store.close()
