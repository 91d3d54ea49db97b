"""A stranger's first ten minutes: a machine with a fresh mail server, the README, and nothing else."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from .lab import EXAMPLES
from .polling import until
from .servers import Exim, Postfix, Server, Start
from .test_apply import is_green, knows, rcpts

pytestmark = pytest.mark.mta

README = (EXAMPLES.parent / "README.md").read_text("utf-8")
MOST = 12
"""Commands to the first record."""


class PostfixBare(Postfix):
    """Postfix as it is before anything of mailgate is installed."""

    def _make_store(self) -> None:
        self.machine.run("sh", "-c", "rm -rf /opt/mailgate /etc/mailgate /usr/local/bin/mailgate /var/lib/mailgate/*")

    def _wire(self) -> None:
        """The README does that."""


class EximBare(Exim):
    """The same with Exim."""

    def _make_store(self) -> None:
        PostfixBare._make_store(self)

    def _wire(self) -> None:
        """The README does that."""


def typed() -> Iterator[str]:
    """The commands of the README's steps, in order, up to the one that lists records."""
    steps = README.partition("\n## Ten minutes")[2].partition("\n## ")[0]
    for block in re.findall(r"```(?:shell|sh)\n(.*?)```", steps, re.DOTALL):
        for line in block.splitlines():
            yield line
            if line == "mailgate record list":
                return


@pytest.mark.parametrize(
    ("way", "connect"),
    [
        (PostfixBare, "setup postfix --apply"),
        (EximBare, "setup exim --apply"),
        (PostfixBare, "setup postfix --apply --lmtp"),
        (EximBare, "setup exim --apply --lmtp"),
    ],
    ids=["postfix", "exim", "postfix-lmtp", "exim-lmtp"],
)
def test_a_stranger_has_a_record_within_twelve_commands(
    start: Start, product: Path, way: type[Server], connect: str
) -> None:
    server = start(way)
    machine = server.machine
    machine.run("mkdir", "-p", "/opt/checkout/examples")
    for each in EXAMPLES.glob("*.eml"):
        machine.path(f"/opt/checkout/examples/{each.name}").write_bytes(each.read_bytes())
    commands = list(typed())
    assert len(commands) <= MOST
    assert "mailgate setup postfix --apply" in commands
    for command in commands:
        said = run(server, product, command.replace("setup postfix --apply", f"{connect} --yes"))
        if "--apply" in command:
            if "--lmtp" in connect:
                serve(server, connect.split()[1])
            knows(server)
        if command.startswith("sendmail"):
            server._until(lambda: bool(server.machine.json("record", "list")), "a record", 60)
    assert "ticket/1" in said
    assert rcpts(server, "support@example.com", "catchall@example.com", "postmaster@example.com") == [250] * 3
    assert rcpts(server, "nobody@example.com", "nobody+x@example.com") == [550] * 2
    is_green(server)


def run(server: Server, product: Path, command: str) -> str:
    """Type a command in the checkout; there is no index of packages here, so installing is a copy."""
    if "pip install" in command:
        server.machine.run("sh", "-c", f"rm -rf /opt/mailgate && cp -a {shlex.quote(str(product))} /opt/mailgate")
        return ""
    return server.machine.run("sh", "-c", f"cd /opt/checkout && {command}").stdout


def serve(server: Server, name: str) -> None:
    """What systemd does with the units that were written: the socket with its owner and group, and the service."""
    socket = server.machine.path("/etc/systemd/system/mailgate-lmtp.socket").read_text()
    service = server.machine.path("/etc/systemd/system/mailgate.service").read_text()
    path, user, group = (value(socket, key) for key in ("ListenStream", "SocketUser", "SocketGroup"))
    assert (user, group) == ("mailgate", "postfix" if name == "postfix" else "mailgate")
    assert value(service, "User") == "mailgate"
    started = STARTED.format(path=path, user=user, group=group, argv=value(service, "ExecStart").split())
    server.machine.path("/opt/checkout/start.py").write_text(started)
    server.machine.run("sh", "-c", "python3 /opt/checkout/start.py >/var/log/serve 2>&1 &")
    until(lambda: server.machine.path(path).exists(), "the socket", 20)


def value(unit: str, key: str) -> str:
    (found,) = re.findall(rf"^{key}=(.*)$", unit, re.MULTILINE)
    return str(found)


STARTED = """\
import os, pwd, grp, socket
os.makedirs(os.path.dirname({path!r}), 0o755, exist_ok=True)
listening = socket.socket(socket.AF_UNIX)
listening.bind({path!r})
owner, group = pwd.getpwnam({user!r}), grp.getgrnam({group!r}).gr_gid
os.chown({path!r}, owner.pw_uid, group)
os.chmod({path!r}, 0o660)
listening.listen(50)
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.setgroups([])
os.setgid(owner.pw_gid)
os.setuid(owner.pw_uid)
environ = dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="lmtp")
os.execve({argv!r}[0], {argv!r}, environ)
"""
