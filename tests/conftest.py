"""Fixtures for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.gateway import Gateway
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("real", "fetch")
"""Folders whose tests share servers: one process runs all of a folder, and begins with it, because it takes long."""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with a fresh store."""
    made = Gateway(tmp_path / "mailgate.db")
    yield made
    made.store.close()


settings.register_profile("mailgate", deadline=None)  # time limits on tests are for hangs, never for speed
settings.load_profile("mailgate")


class Sharing(LoadScopeScheduling):
    """Share the tests out to processes (`-n`) by file, so that what a file sets up is set up once."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        folder = path.split("/")[-2]
        return folder if folder in TOGETHER else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name not in TOGETHER)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the .json files of tests/golden anew")
