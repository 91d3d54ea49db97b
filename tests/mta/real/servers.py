"""A private Postfix and Exim: Debian's own configuration, and what `mailgate setup` says, as it says it."""

import json
import re
import smtplib
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from . import lab
from .machine import Machine
from .polling import until


@dataclass(frozen=True)
class Outcome:
    """What the server's log says became of one recipient: kind is "sent", "bounced" or "deferred"."""

    recipient: str
    kind: str
    text: str


class Server(ABC):
    """A mail server on 127.0.0.1 that hands example.com to mailgate and everything else to the sink."""

    needs: ClassVar[str]
    logfile: ClassVar[str]
    setup: ClassVar[Sequence[str]]
    """The command that says what to put into the server."""
    stranger: ClassVar[str] = f"jobs+mg1r{'a' * 22}@example.com"
    """An address that the server takes, since it looks signed, and that mailgate does not know."""

    def __init__(self, product: Path, sink: int) -> None:
        self.machine = Machine(product, lab.EXIM if self.needs == "exim" else None)
        self.sink = sink
        try:
            self._configure()
            self._start_somewhere()
            self._make_store()
            self._wire()
        except BaseException:
            self.stop()
            raise

    def _start_somewhere(self) -> None:
        for _ in range(5):  # the port is free when it is chosen, not for sure when it is taken
            self.port = _free_port()
            if self._start():
                return
        raise RuntimeError(f"the server does not start:\n{self.log()}")

    @abstractmethod
    def _configure(self) -> None:
        """Write the configuration, without the port."""

    @abstractmethod
    def _start(self) -> bool:
        """Start the daemon on `self.port`; false if that failed."""

    def _wire(self) -> None:
        """Run the commands that `setup` prints, all of them, and nothing else."""
        self.wiring = self.machine.json(*self.setup, "--write", WIRING)
        for command in self.wiring["commands"]:
            if command.endswith("--check"):
                self._await_reload()
            self.run(command)

    def run(self, command: str) -> None:
        """Run one command of an administrator."""
        self.machine.run("sh", "-c", command)

    @abstractmethod
    def _await_reload(self) -> None:
        """Until the daemon has read its configuration again."""

    @abstractmethod
    def outcomes(self, queue_id: str) -> list[Outcome]:
        """What the log says about this message, oldest first."""

    @abstractmethod
    def waiting(self) -> set[str]:
        """The queue ids that are still in the queue."""

    @abstractmethod
    def retry(self) -> None:
        """Try all deferred mail now."""

    def _make_store(self) -> None:
        """What an administrator does after the installation."""
        self.machine.mailgate("init", "--domain", "example.com", "--user", "mailgate")
        self.machine.mailgate("alias", "add", "support@example.com", "--model", "ticket")
        self.machine.mailgate("alias", "add", "sales@example.com", "--model", "lead")
        timer = "*/5 * * * * mailgate /opt/mailgate/bin/mailgate work --quiet\n"
        self.machine.path("/etc/cron.d/mailgate").write_text(timer)

    def share(self) -> None:
        """Say that example.com has mailboxes of its own on this server."""
        edit = "sed -i 's/^# shared = /shared = /' /etc/mailgate/mailgate.toml"
        self.machine.run("sh", "-c", f"{edit} && mailgate setup maps")

    def log(self) -> str:
        """The server's log so far."""
        path = self.machine.path(self.logfile)
        return path.read_text(errors="replace") if path.exists() else ""

    def send(self, sender: str, recipients: Sequence[str], message: bytes) -> str:
        """Hand a message in by SMTP; returns its queue id."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.example.org") as smtp:
            smtp.ehlo()
            unicode = not (sender + "".join(recipients)).isascii()
            replies = [smtp.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"] if unicode else [])]
            replies += [smtp.rcpt(recipient) for recipient in recipients]
            replies.append(smtp.data(message))
        assert all(code == 250 for code, _ in replies), replies
        found = re.search(r"(?:queued as |id=)([\w-]+)", replies[-1][1].decode())
        assert found is not None
        return found[1]

    def wait(self, queue_id: str, kind: str, seconds: float = 30.0) -> Outcome:
        """The newest outcome of the message's only recipient, once it is of this kind."""
        self._until(lambda: kind in [o.kind for o in self.outcomes(queue_id)], f"{queue_id} {kind}", seconds)
        return self.outcomes(queue_id)[-1]

    def wait_gone(self, queue_id: str) -> None:
        """Until the server has nothing more to do for this message."""
        self._until(lambda: queue_id not in self.waiting(), f"{queue_id} to leave the queue")

    def deliver_deferred(self, queue_id: str) -> None:
        """Try again until the server has done with this message."""

        def gone() -> bool:
            self.retry()  # again and again: Postfix overlooks what it is just putting aside
            return queue_id not in self.waiting()

        self._until(gone, f"{queue_id} to leave the queue")

    def _until(self, check: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        try:
            until(check, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()[-4000:]}") from None

    def records(self, name: str) -> list[str]:
        """The records with this name, as MODEL/ID."""
        return [r["record"] for r in self.machine.json("record", "list") if r["name"] == name]

    def message(self, subject: str) -> Any:
        """The entry of `message list` for the one message with this subject."""
        (found,) = (m for m in self.machine.json("message", "list") if m["subject"] == subject)
        return found

    def held(self, subject: str) -> list[Any]:
        """The entries of `held list` with this subject."""
        return [h for h in self.machine.json("held", "list") if h["subject"] == subject]

    def stop(self) -> None:
        """Stop the server and everything it started."""
        self.machine.stop()


WIRING = "/root/wiring"
REWRITE = (
    "virtual_alias_domains = example.org",
    "virtual_alias_maps = inline:{{info@example.org = support@example.com}}",
)


class Postfix(Server):
    """Debian's own services, with mailgate's transport among them."""

    needs = "postfix"
    logfile = "/var/log/mail.log"
    setup: ClassVar = ("setup", "postfix")
    override: ClassVar[Sequence[str]] = ()

    def _configure(self) -> None:
        self._services = lab.POSTFIX_MASTER.read_text()
        self.machine.path("/etc/postfix/main.cf").write_text(POSTFIX_MAIN.format(sink=self.sink))
        self.machine.path("/etc/aliases").write_text("postmaster root\nhelp support@example.com\n")

    def _wire(self) -> None:
        super()._wire()
        for line in self.override:
            self.machine.run("postconf", "-e", line)
        if self.override:
            self.run("postfix reload")

    def run(self, command: str) -> None:
        """Run one command of an administrator; reload without the sleeps of Postfix, which spares young files."""
        if command == "postfix reload":
            self._age()
        super().run(command)

    def _await_reload(self) -> None:
        reloaded = r"master\[\d+\]: reload -- version"
        self._until(lambda: re.search(reloaded, self.log()) is not None, "Postfix to read its configuration")

    def _age(self) -> None:
        young = "touch -d '1 minute ago' /etc/aliases /etc/postfix/*"
        self.machine.run("sh", "-c", young)

    def _start(self) -> bool:
        services, changed = re.subn(r"(?m)^smtp( +inet .*)$", rf"127.0.0.1:{self.port}\1", self._services)
        assert changed == 1
        self.machine.path("/etc/postfix/master.cf").write_text(services)
        self._age()
        # "postfix start" does the same two steps, with sleeps.
        start = "postfix check && MAIL_CONFIG=/etc/postfix /usr/lib/postfix/sbin/master -w"
        return self.machine.run("sh", "-c", f"({start}) >/var/log/start 2>&1", check=False).returncode == 0

    def outcomes(self, queue_id: str) -> list[Outcome]:
        """What the log says about this message, oldest first."""
        line = rf"\]: {queue_id}: to=<(.*?)>,.* status=(\w+) \((.*)\)$"
        return [Outcome(*found) for found in re.findall(line, self.log(), re.MULTILINE)]

    def waiting(self) -> set[str]:
        """The queue ids that are still in the queue."""
        queue = self.machine.run("postqueue", "-j").stdout
        return {json.loads(line)["queue_id"] for line in queue.splitlines()}

    def retry(self) -> None:
        """Try all deferred mail now."""
        self.machine.run("postqueue", "-f")


class PostfixAlias(Postfix):
    """mailgate behind an alias file of its own; one of its domains has no alias."""

    setup = ("setup", "postfix", "--alias")
    stranger = "support@branch.example.com"
    override = REWRITE

    def _make_store(self) -> None:
        super()._make_store()
        self.machine.mailgate("domain", "add", "branch.example.com")


class PostfixBatch(Postfix):
    """The transport with one process for two recipients, and a map that rewrites one of them."""

    override = ("mailgate_destination_recipient_limit = 2", *REWRITE)


class Exim(Server):
    """Debian's own split configuration with mailgate's router and transport in it."""

    needs = "exim"
    logfile = "/var/log/exim4/mainlog"
    setup: ClassVar = ("setup", "exim")
    others: ClassVar = ""
    """Domains with mailboxes on this server."""
    split: ClassVar = "true"
    kinds: ClassVar = {"=>": "sent", "->": "sent", "**": "bounced", "==": "deferred"}

    def _configure(self) -> None:
        folder = self.machine.path("/etc/exim4/conf.d")
        (folder / "main" / "000_localmacros").write_text(EXIM_MACROS)
        (folder / "router" / "190_sink").write_text(EXIM_ROUTER.format(sink=self.sink))
        (folder / "transport" / "30_sink").write_text(EXIM_TRANSPORT)
        systemctl = self.machine.path("/usr/local/bin/systemctl")  # no systemd here: what it would do
        systemctl.write_text('#!/bin/sh\n[ "$*" = "reload exim4" ] && kill -HUP "$(cat /run/exim4/exim.pid)"\n')
        systemctl.chmod(0o755)

    def _start(self) -> bool:
        self.machine.path("/etc/exim4/update-exim4.conf.conf").write_text(
            EXIM_DEBCONF.format(port=self.port, others=self.others, split=self.split)
        )
        self.machine.run("update-exim4.conf")
        return self.machine.run("sh", "-c", "exim4 -bd >/var/log/start 2>&1", check=False).returncode == 0

    def _await_reload(self) -> None:
        started = r"(?s)SIGHUP received: re-exec daemon.* daemon started"
        self._until(lambda: re.search(started, self.log()) is not None, "Exim to start again")

    def outcomes(self, queue_id: str) -> list[Outcome]:
        """What the log says about this message, oldest first."""
        line = rf" {queue_id} (=>|->|\*\*|==) (\S+)(?: <(.*?)>)?:? (.*)$"
        return [
            Outcome(full or short, self.kinds[kind], text)
            for kind, short, full, text in re.findall(line, self.log(), re.MULTILINE)
        ]

    def waiting(self) -> set[str]:
        """The queue ids that are still in the queue."""
        return {p.name.removesuffix("-H") for p in self.machine.path("/var/spool/exim4/input").glob("*-H")}

    def retry(self) -> None:
        """Try all deferred mail now, frozen mail too."""
        self.machine.run("exim4", "-qff")


class PostfixShared(Postfix):
    """A domain that has mailboxes of its own as well."""

    def _configure(self) -> None:
        super()._configure()
        ours = ("mydestination = $myhostname, localhost, example.com", "alias_maps = $alias_database")
        self.machine.run("postconf", "-e", *ours)

    def _make_store(self) -> None:
        super()._make_store()
        self.share()


class PostfixMailboxes(Postfix):
    """A domain of virtual_mailbox_domains, in tables as a mail platform has them."""

    parameters: ClassVar[Sequence[str]] = (
        "virtual_mailbox_domains = regexp:/etc/postfix/vdomains",
        "virtual_mailbox_maps = hash:/etc/postfix/vmailbox",
        "virtual_mailbox_base = /var/mail/vhosts",
        "virtual_minimum_uid = 1",
        "virtual_uid_maps = static:8",
        "virtual_gid_maps = static:8",
    )
    tables: ClassVar[Sequence[str]] = (
        "echo '/^example\\.com$/ yes' >/etc/postfix/vdomains",
        "printf 'jane@example.com jane/\\npostmaster@example.com jane/\\n' >/etc/postfix/vmailbox",
        "postmap hash:/etc/postfix/vmailbox",
        "install -d -o mail -g mail /var/mail/vhosts",
    )

    def _configure(self) -> None:
        super()._configure()
        for line in self.parameters:
            self.machine.run("postconf", "-e", line)
        for command in self.tables:
            self.run(command)

    def _make_store(self) -> None:
        super()._make_store()
        self.share()


class PostfixAliased(PostfixMailboxes):
    """A domain that has aliases alone, in virtual_mailbox_domains."""

    parameters: ClassVar = (
        "alias_maps = $alias_database",
        "virtual_alias_domains =",
        "virtual_mailbox_domains = example.com",
        "virtual_alias_maps = hash:/etc/postfix/valias",
    )
    tables: ClassVar = (
        "printf 'jane@example.com root\\npostmaster@example.com root\\n' >/etc/postfix/valias",
        "postmap hash:/etc/postfix/valias",
    )


class EximShared(Exim):
    """The same with Exim."""

    others: ClassVar = "example.com"

    def _make_store(self) -> None:
        super()._make_store()
        self.share()


WAYS: dict[str, type[Server]] = {"postfix": Postfix, "postfix-alias": PostfixAlias, "exim": Exim}
Start = Callable[[type[Server]], Server]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


POSTFIX_MAIN = """\
compatibility_level = 3.6
maillog_file = /var/log/mail.log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
myhostname = mx.example.net
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
alias_database = texthash:/etc/aliases
default_transport = smtp:[127.0.0.1]:{sink}
"""

EXIM_DEBCONF = """\
dc_eximconfig_configtype='internet'
dc_other_hostnames='{others}'
dc_local_interfaces='127.0.0.1.{port}'
dc_relay_domains=''
dc_use_split_config='{split}'
dc_localdelivery='mail_spool'
"""

# FORCE_SENDER: Exim's own default for what users may claim, stricter than Debian's. The notifier socket has a name
# that all Exims of a machine share.
EXIM_MACROS = """\
MAIN_FORCE_SENDER = true
MAIN_HARDCODE_PRIMARY_HOSTNAME = mx.example.net
MAIN_HOST_LOOKUP =
MAIN_SMTPUTF8_ADVERTISE_HOSTS = *
notifier_socket =
"""

EXIM_ROUTER = """\
sink:
  driver = manualroute
  domains = ! +local_domains
  route_list = * 127.0.0.1::{sink} byname
  self = send
  transport = sink
"""

EXIM_TRANSPORT = """\
sink:
  driver = smtp
  allow_localhost
  hosts_try_fastopen =
"""
