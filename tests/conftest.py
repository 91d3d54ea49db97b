"""Fixtures for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gate import Gate
from hypothesis import settings

TOGETHER = ("mta", "fetch")
"""Folders whose tests share servers: one process runs all of a folder, and begins with it, because it takes long."""


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gateway with a fresh store."""
    made = Gate(tmp_path / "mailgate.db")
    yield made
    made.store.close()


settings.register_profile("mailgate", deadline=None)  # time limits on tests are for hangs, never for speed
settings.load_profile("mailgate")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share the tests out to processes by file (`-n`), so that what a file sets up is set up once."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(folder if folder in TOGETHER else str(item.path)))
    items.sort(key=lambda item: item.path.parent.name not in TOGETHER)
