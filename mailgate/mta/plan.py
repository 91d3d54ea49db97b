"""What to put into a mail server so that it hands mail to mailgate: the plan, the files and the commands."""

from typing import NamedTuple

from mailgate.mta.maps import Maps
from mailgate.values.problem import CommandLine, command

MARK = "made by `mailgate setup"
"""One of the first lines of every file of ours has it."""
WRITE_TABLES = command("mailgate setup maps")


class Plan(NamedTuple):
    """What the set-up of a mail server follows from.

    `folder` has the tables; `user` and `group` own the store; `python` is the interpreter that has mailgate.
    `configuration`: the file to name on mailgate's command line, None for that of the system; `has_folder`: whether it
    names the folder. `alias`: whether Postfix uses an alias file; `fallback`: the model of mail that no alias takes.
    `handover`: the socket at which the pipe hands messages over, `""` where it does the work itself.
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


def configuration(plan: Plan) -> tuple[ConfigFile, ...]:
    """The lines that make mailgate keep the tables, where its configuration does not have them."""
    if plan.has_folder:
        return ()
    path = plan.configuration or "/etc/mailgate/mailgate.toml"
    lines = [f'folder = "{plan.folder}"']
    if plan.fallback:
        lines += ["# A fallback model takes mail to unknown addresses.", 'unknown = "accept"']
    text = f"# Lines for {path}, {MARK}`.\n\n[maps]\n" + "".join(f"{line}\n" for line in lines)
    return (ConfigFile("mailgate.toml", path, text, appended=True),)


def first_commands(plan: Plan, guard: ConfigFile, source: str | None) -> tuple[list[CommandLine], list[CommandLine]]:
    """The commands before those of the mail server: with the files in the folder `source`, and by hand."""
    folder, lines = [], []
    if not plan.has_folder:
        folder.append(command("install -d -m 755 -o {USER} -g {GROUP} {FOLDER}", plan.user, plan.group, plan.folder))
        path = configuration(plan)[0].path
        lines.append(command("cat {DIR/mailgate.toml} >> {FILE}", written(source, "mailgate.toml"), path))
    copied = command("install -m 755 {DIR/mailgate-pipe} {FILE}", written(source, guard.name), guard.path)
    return [copied, *folder, *lines, WRITE_TABLES], [command("chmod 755 {FILE}", guard.path), *folder, WRITE_TABLES]


def written(source: str | None, name: str) -> str | None:
    """The path of a file of ours in the folder it was written to; None when it was not written."""
    return None if source is None else f"{source.rstrip('/')}/{name}"
