"""Whatever hangs, the server gets an answer in time: 75, before its own limit would bounce the mail."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from .faults import PYTHON, Fault, locked, replaced
from .letters import Letter, send
from .servers import WAYS, Server, Start

pytestmark = pytest.mark.mta

DEAF = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n"
HANGS: dict[str, Fault] = {
    "store locked for good": locked,
    "interpreter hangs": lambda machine: replaced(machine, PYTHON, DEAF),
}

Hanging = dict[tuple[str, str], tuple[Server, Letter, ExitStack]]


@pytest.fixture(scope="module")
def hanging(start: Start) -> Iterator[Hanging]:
    """One server for each way and each hang, with a letter under way: all wait at the same time."""
    found: Hanging = {}
    with ExitStack() as everything:
        for way in WAYS:
            for hang, fault in HANGS.items():
                server = start(WAYS[way])
                stack = everything.enter_context(ExitStack())
                stack.enter_context(fault(server.machine))
                found[way, hang] = (server, send(server, "support@example.com"), stack)
        yield found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hang", HANGS)
def test_mail_waits_when_a_delivery_hangs(hanging: Hanging, way: str, hang: str) -> None:
    server, letter, stack = hanging[way, hang]
    server.wait(letter.queue_id, "deferred", seconds=90)
    stack.close()
    server.deliver_deferred(letter.queue_id)
    assert server.outcomes(letter.queue_id)[-1].kind == "sent"
    assert len(server.records(letter.subject)) == 1
