"""Fixtures for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gate import Gate
from hypothesis import settings


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gateway with a fresh store."""
    made = Gate(tmp_path / "mailgate.db")
    yield made
    made.store.close()


settings.register_profile("mailgate", deadline=None)  # time limits on tests are for hangs, never for speed
settings.load_profile("mailgate")
