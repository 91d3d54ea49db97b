"""What to put into a mail server so that it hands mail to mailgate: the plan, the files and the commands."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailgate.mta.maps import Maps
from mailgate.values.problem import CommandLine, command

MARK = "made by `mailgate setup"
"""One of the first lines of every file of ours has it."""
WRITE_TABLES = command("mailgate setup maps")
UNITS = "/etc/systemd/system/"
"""The folder of an administrator's units."""


class Plan(NamedTuple):
    """What the set-up of a mail server follows from.

    `folder` has the tables; `user` and `group` own the store; `python` is the interpreter that has mailgate.
    `configuration`: the file to name on mailgate's command line, None for that of the system; `has_folder`: whether it
    names the folder. `alias`: whether Postfix uses an alias file; `fallback`: the model of mail that no alias takes.
    `handover`: the socket at which the pipe hands messages over, `""` where it does the work itself. `lmtp`: where an
    LMTP server listens that takes the place of the pipe, `unix:PATH` or `HOST:PORT`; `""` for the pipe. `listens`:
    whether the configuration names that place. `classes`: local domain -> the parameter by which the mail server knows
    it already, for those that it knows.
    """

    maps: Maps
    folder: str
    user: str = "mailgate"
    group: str = "mailgate"
    python: str = "/opt/mailgate/bin/python"
    configuration: str | None = None
    has_folder: bool = True
    max_size: int = 52_428_800
    alias: bool = False
    fallback: str | None = None
    handover: str = ""
    lmtp: str = ""
    listens: bool = False
    classes: Mapping[str, str] = {}

    @property
    def domains(self) -> list[str]:
        """Every local domain by each of its names."""
        return [domain.name for domain in self.maps.domains]

    @property
    def whole_domains(self) -> list[str]:
        """The domains in which every address is ours."""
        return [domain.name for domain in self.maps.domains if domain.name not in self.maps.shared]

    @property
    def size(self) -> int:
        """Octets that the mail server should take at most: less than mailgate, which gets a few more header lines."""
        return self.max_size * 1000 // 1024


class ConfigFile(NamedTuple):
    """A file to install at a path; `appended`: only its lines, into the file that is there."""

    name: str
    path: str
    text: str
    appended: bool = False


class Setup(NamedTuple):
    """Everything to put into a mail server, and the commands afterwards, in order; `notes` are for the administrator.

    `commands` take the files from the folder they are written to; `by_hand` are for files that are in place already.
    """

    files: tuple[ConfigFile, ...]
    commands: tuple[CommandLine, ...]
    by_hand: tuple[CommandLine, ...]
    notes: tuple[str, ...] = ()


def configuration(plan: Plan, group: str = "") -> tuple[ConfigFile, ...]:
    """The lines that make mailgate keep the tables and listen, where its configuration does not have them.

    `group`: the one that the mail server connects to a socket with.
    """
    lines = []
    if not plan.has_folder:
        lines += ["[maps]", f'folder = "{plan.folder}"']
    if plan.fallback and not plan.has_folder:
        lines += ["# A fallback model takes mail to unknown addresses.", 'unknown = "accept"']
    if plan.lmtp and not plan.listens:
        lines += ["[serve]", f'lmtp = "{plan.lmtp}"', *([f'group = "{group}"'] if group else [])]
    if not lines:
        return ()
    path = plan.configuration or "/etc/mailgate/mailgate.toml"
    text = f"# Lines for {path}, {MARK}`.\n\n" + "".join(f"{line}\n" for line in lines)
    return (ConfigFile("mailgate.toml", path, text, appended=True),)


def first_commands(
    plan: Plan, first: Sequence[ConfigFile], lines: Sequence[ConfigFile], source: str | None
) -> tuple[list[CommandLine], list[CommandLine]]:
    """The commands before those of the mail server: with the files in the folder `source`, and by hand.

    `first`: what runs mailgate, the guard or units; `lines`: those for its configuration.
    """
    copied, by_hand, folder = [], [], []
    for file in first:
        mode = "644" if file.path.startswith(UNITS) else "755"
        source_path = written(source, file.name) or f"DIR/{file.name}"
        copied.append(command("install -m {MODE} {FILE} {PATH}", mode, source_path, file.path))
        by_hand += [] if mode == "644" else [command("chmod 755 {FILE}", file.path)]
    if not plan.has_folder:
        folder.append(command("install -d -m 755 -o {USER} -g {GROUP} {FOLDER}", plan.user, plan.group, plan.folder))
    added = [command("cat {DIR/mailgate.toml} >> {FILE}", written(source, file.name), file.path) for file in lines]
    units = [file.name for file in first if file.path.startswith(UNITS)]
    started = [command("systemctl daemon-reload && systemctl enable --now mailgate-lmtp.socket mailgate.service")]
    last = [WRITE_TABLES, *(started if units else [])]
    return [*copied, *folder, *added, *last], [*by_hand, *folder, *last]


def written(source: str | None, name: str) -> str | None:
    """The path of a file of ours in the folder it was written to; None when it was not written."""
    return None if source is None else f"{source.rstrip('/')}/{name}"
