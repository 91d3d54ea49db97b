"""The files of examples/: every one is used here, and the servers find nothing to complain about."""

import pytest

from . import lab
from .servers import Exim, Postfix, PostfixAlias, Server

pytestmark = pytest.mark.mta


def test_every_file_is_used() -> None:
    used = {f"postfix/{name}" for way in (Postfix, PostfixAlias) for name in way.example}
    used |= {f"exim/{name}" for name in Exim.example}
    used.add(str(lab.GUARD.relative_to(lab.EXAMPLES)))
    assert used == {str(p.relative_to(lab.EXAMPLES)) for p in lab.EXAMPLES.rglob("*") if p.is_file()}


def test_the_servers_have_no_complaint(server: Server) -> None:
    assert server.machine.path("/var/log/start").read_text() == ""
    panic = server.machine.path("/var/log/exim4/paniclog")
    assert (panic.read_text() if panic.exists() else "") == ""
