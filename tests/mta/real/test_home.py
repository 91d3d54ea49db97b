"""A user without root: their mail goes into a gateway of their own, and waits where the program is missing."""

import pytest

from . import lab
from .letters import send
from .machine import Machine
from .servers import Postfix, Start

pytestmark = pytest.mark.mta

HOME = "/var/home/nora"
WAYS = {
    "forward": ("", "postfix"),
    "procmail": ("mailbox_command = /usr/bin/procmail", "procmail"),
    "maildrop": ("mailbox_command = /usr/bin/maildrop", "maildrop"),
}


class PostfixHome(Postfix):
    """nora@mx.example.net is a user of this machine, with a gateway of her own."""

    def _configure(self) -> None:
        super()._configure()
        self.machine.run("postconf", "-e", "alias_maps = $alias_database")

    def _make_store(self) -> None:
        self.machine.run(
            "sh", "-c", "echo nora:x:3000:3000::/var/home/nora:/bin/sh >>/etc/passwd; echo nora:x:3000: >>/etc/group"
        )
        self.machine.run("install", "-d", "-o", "nora", "-g", "nora", HOME)
        nora(
            self.machine,
            "mailgate init --domain mx.example.net && mailgate alias add nora@mx.example.net --model ticket",
        )

    def _wire(self) -> None:
        """The test does that."""


def nora(machine: Machine, command: str) -> str:
    """Run a command as nora at her shell."""
    return machine.run("sh", "-c", f"export HOME={HOME}; cd {HOME}; {command}", user="nora").stdout


@pytest.mark.parametrize("way", WAYS)
def test_mail_arrives_and_waits_where_the_program_is_missing(start: Start, way: str) -> None:
    setting, program = WAYS[way]
    if program != "postfix" and lab.shutil.which(program, path=lab.PATH) is None:
        (pytest.fail if lab.required() else pytest.skip)(f"no {program} (Debian's package {program})")
    server = start(PostfixHome)
    if setting:
        server.machine.run("postconf", "-e", setting)
        server.run("postfix reload")
    assert "wrote " in nora(server.machine, f"mailgate setup {way} --write")
    letter = send(server, "nora@mx.example.net")
    server.wait(letter.queue_id, "sent")
    assert letter.subject in nora(server.machine, "mailgate record list")
    guard = f"{HOME}/.local/bin/mailgate-pipe"
    for gone in (guard, "/opt/mailgate/bin/python"):
        server.machine.run("mv", gone, f"{gone}.away")
        letter = send(server, "nora@mx.example.net")
        server.wait(letter.queue_id, "deferred")
        server.machine.run("mv", f"{gone}.away", gone)
        server.deliver_deferred(letter.queue_id)
        assert nora(server.machine, "mailgate record list").count(letter.subject) == 1
    assert "wrote " in nora(server.machine, f"mailgate setup {way} --write"), "its own files are written again"
