"""The files of examples/ are what `mailgate setup` says for example.com, and no server has a complaint."""

import pytest

from . import lab
from .servers import Exim, Postfix, PostfixAlias, Server

pytestmark = pytest.mark.mta


def test_the_servers_have_no_complaint(server: Server) -> None:
    assert server.machine.path("/var/log/start").read_text() == ""
    panic = server.machine.path("/var/log/exim4/paniclog")
    assert (panic.read_text() if panic.exists() else "") == ""


def test_the_files_are_those_of_the_examples(server: Server) -> None:
    folder = {Postfix: "postfix/transport", PostfixAlias: "postfix/alias", Exim: "exim"}[type(server)]
    for each in server.wiring["files"]:
        place = "guard" if each["name"] == "mailgate-pipe" else folder
        text = each["text"].replace(", branch.example.com", "")  # a second domain of this server
        assert (lab.EXAMPLES / place / each["name"]).read_text() == text
