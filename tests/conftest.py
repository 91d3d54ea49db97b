"""Fixtures for every test."""

import os
from collections.abc import Generator, Iterator
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


CI = os.environ.get("CI") == "true"
FOREIGN = {
    *("MAILGATE_CONFIG", "MAILGATE_DB", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
    *("SENDER", "RECIPIENT", "ORIGINAL_RECIPIENT", "LOCAL_PART", "LOCAL_PART_PREFIX", "LOCAL_PART_SUFFIX", "DOMAIN"),
    *("EXTENSION", "USER", "LOGNAME", "LANGUAGE", "TZ", "COLUMNS", "LINES", "TERM", "NO_COLOR", "FORCE_COLOR"),
    *("PAGER", "EDITOR", "VISUAL"),
}
"""What a person or a mail server may have set, and the program or its libraries would read."""


def pytest_configure() -> None:
    """Begin with the same environment everywhere: no test depends on who started it, `.ci/in-use.sh` proves it."""
    for name in [name for name in os.environ if name in FOREIGN or name.startswith("LC_")]:
        del os.environ[name]
    os.environ.update(HOME="/nonexistent", LANG="C.UTF-8")
    os.umask(0o022)


settings.register_profile("mailgate", deadline=None)  # time limits on tests are for hangs, never for speed
settings.load_profile("mailgate")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let CI skip nothing that it could install: only the collected mails, which are no part of the project."""
    report = yield
    if CI and report.skipped and isinstance(report.longrepr, tuple) and "no corpus in " not in report.longrepr[2]:
        report.outcome, report.longrepr = "failed", f"CI skips no test. {item.nodeid}: {report.longrepr[2]}"
    return report


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
