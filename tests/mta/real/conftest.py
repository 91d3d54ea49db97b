"""The servers, each started when a test wants it; a skip, or a failure, where it cannot be had."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import lab
from .servers import WAYS, Exim, Postfix, PostfixAlias, PostfixBatch, Server, Start
from .sink import Sink


@pytest.fixture(scope="session")
def sink() -> Iterator[Sink]:
    """Where the servers send whatever is not for example.com."""
    with Sink() as running:
        yield running


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installation makes of /opt/mailgate."""
    made = tmp_path_factory.mktemp("opt") / "mailgate"
    if lab.missing("postfix") is None or lab.missing("exim") is None:
        lab.install(made)
    return made


@pytest.fixture(scope="session")
def start(sink: Sink, product: Path) -> Iterator[Start]:
    """Start a new server; it is stopped at the end."""
    with ExitStack() as stack:

        def start(way: type[Server]) -> Server:
            if reason := lab.missing(way.needs):
                (pytest.fail if lab.required() else pytest.skip)(reason)
            server = way(product, sink.port)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def shared(start: Start) -> Start:
    """The one server of this kind that all tests share."""
    running: dict[type[Server], Server] = {}

    def get(way: type[Server]) -> Server:
        if way not in running:
            running[way] = start(way)
        return running[way]

    return get


@pytest.fixture(params=WAYS)
def server(request: pytest.FixtureRequest, shared: Start) -> Server:
    """Each of the three ways in turn."""
    return shared(WAYS[request.param])


@pytest.fixture
def postfix(shared: Start) -> Server:
    """Postfix with mailgate as a transport."""
    return shared(Postfix)


@pytest.fixture
def postfix_alias(shared: Start) -> Server:
    """Postfix with mailgate behind an alias file."""
    return shared(PostfixAlias)


@pytest.fixture
def postfix_batch(shared: Start) -> Server:
    """Postfix with one process for two recipients."""
    return shared(PostfixBatch)


@pytest.fixture
def exim(shared: Start) -> Server:
    """Exim with mailgate's router and transport."""
    return shared(Exim)
