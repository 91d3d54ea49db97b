"""What belongs into a mail server, and whether it is there: the values, and what Postfix and Exim have in common."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from mailgate.mta import maps
from mailgate.mta.maps import GUARD, Maps
from mailgate.values.problem import CommandLine, Problem, command, quoted

MARK = "made by `mailgate setup"
"""Stands in the first lines of every file that is ours."""
AGAIN = command("mailgate setup maps")


class Plan(NamedTuple):
    """What the wiring follows from.

    `folder` has the tables; `user` and `group` own the store; `python` is the interpreter that has mailgate;
    `configuration` is the file to name on the command line (None: the system's), `stated` whether it names the folder;
    `alias`: Postfix shall use an alias file; `fallback`: the model of mail that no alias takes.
    """

    maps: Maps
    folder: str
    user: str = "mailgate"
    group: str = "mailgate"
    python: str = "/opt/mailgate/bin/python"
    configuration: str | None = None
    stated: bool = True
    max_size: int = 52_428_800
    alias: bool = False
    fallback: str | None = None

    @property
    def names(self) -> list[str]:
        """The domains that are ours as a whole."""
        return [each.name for each in self.maps.domains if each.name not in self.maps.shared]

    @property
    def size(self) -> int:
        """Octets that the mail server should take at most: below ours, which sees a few more lines."""
        return self.max_size * 1000 // 1024


class File(NamedTuple):
    """A file to put somewhere: `place` is where it goes, `lines` whether its lines are added to what stands there."""

    name: str
    place: str
    text: str
    lines: bool = False


class Setup(NamedTuple):
    """Everything to put into a mail server, and the commands afterwards, in order; `notes` are for the administrator.

    `commands` take the files from the folder they are written to; `by_hand` are for files that are in place already.
    """

    files: tuple[File, ...]
    commands: tuple[CommandLine, ...]
    by_hand: tuple[CommandLine, ...]
    notes: tuple[str, ...] = ()


class Check(NamedTuple):
    """One thing that was looked at: as it should be, not so, or it could not be looked at; and what mends it."""

    name: str
    verdict: Literal["ok", "wrong", "unknown"]
    text: str
    fix: CommandLine | None = None
    advice: str = ""

    def as_data(self) -> dict[str, object]:
        """As JSON; `fix` is the advice where there is no command."""
        return {**self._asdict(), "fix": self.fix or self.advice}


def failed(name: str, verdict: Literal["wrong", "unknown"], problem: Problem, otherwise: CommandLine) -> Check:
    """The check that a problem ended; `otherwise` is the fix of a problem that names none."""
    fix = problem.commands[0] if problem.commands else None if problem.advice else otherwise
    return Check(name, verdict, str(problem), fix, problem.advice)


class Seen(NamedTuple):
    """A file as it was found: None where there is none; `error` says why it could not be read."""

    text: str | None = None
    executable: bool = False
    error: str = ""


def guard(plan: Plan) -> File:
    """The script that stands in front of mailgate."""
    configuration = f" -C {quoted(plan.configuration)}" if plan.configuration else ""
    text = _GUARD.replace("@PYTHON@", quoted(plan.python)).replace("@CONFIGURATION@", configuration)
    return File("mailgate-pipe", GUARD, text)


def configuration(plan: Plan) -> tuple[File, ...]:
    """The lines that make mailgate keep the tables, where its configuration does not have them."""
    if plan.stated:
        return ()
    place = plan.configuration or "/etc/mailgate/mailgate.toml"
    lines = [f'folder = "{plan.folder}"']
    if plan.fallback:
        lines += ["# A fallback model takes mail to addresses that nobody knows.", 'unknown = "accept"']
    text = f"# Lines for {place}, {MARK}`.\n\n[maps]\n" + "".join(f"{each}\n" for each in lines)
    return (File("mailgate.toml", place, text, lines=True),)


def first_commands(plan: Plan, source: str | None) -> tuple[list[CommandLine], list[CommandLine]]:
    """What comes before the mail server itself: with the files in the folder `source`, and by hand."""
    made, files = [], []
    if not plan.stated:
        made.append(command("install -d -m 755 -o {USER} -g {GROUP} {FOLDER}", plan.user, plan.group, plan.folder))
        place = configuration(plan)[0].place
        files.append(command("cat {DIR/mailgate.toml} >> {FILE}", inside(source, "mailgate.toml"), place))
    guarded = command("install -m 755 {DIR/mailgate-pipe} {FILE}", inside(source, "mailgate-pipe"), GUARD)
    return [guarded, *made, *files, AGAIN], [command("chmod 755 {FILE}", GUARD), *made, AGAIN]


def inside(source: str | None, name: str) -> str | None:
    """A file of ours in the folder it was written to, None where nothing was."""
    return None if source is None else f"{source.rstrip('/')}/{name}"


def check_guard(plan: Plan, seen: Seen) -> Check:
    """Whether the guard is the one we would print, and can be run."""
    fix = command("mailgate setup postfix --write DIR && install -m 755 DIR/mailgate-pipe {FILE}", GUARD)
    if seen.error:
        return Check("guard", "unknown", f"{GUARD}: {seen.error}", command("ls -l {FILE}", GUARD))
    if seen.text is None:
        return Check("guard", "wrong", f"there is no {GUARD}", fix)
    if not seen.executable:
        return Check("guard", "wrong", f"{GUARD} cannot be run by everybody", command("chmod 755 {FILE}", GUARD))
    if _code(seen.text) != _code(guard(plan).text):
        return Check("guard", "wrong", f"{GUARD} is another one than this version of mailgate has", fix)
    return Check("guard", "ok", f"{GUARD} stands in front of mailgate")


def check_tables(plan: Plan, seen: Mapping[str, Seen], indexes: Mapping[str, str | None] | None) -> list[Check]:
    """Whether the tables say what the store says; `indexes`: what Postfix reads from each, None where it cannot."""
    if not plan.stated:
        return [
            Check(
                "tables",
                "wrong",
                "the configuration does not say that tables are kept",
                command("mailgate setup postfix"),
            )
        ]
    found = []
    for name, text in maps.tables(plan.maps).items():
        path, what = f"{plan.folder}/{name}", seen.get(name, Seen(error="not looked at"))
        if what.error:
            found.append(Check(f"table {name}", "unknown", f"{path}: {what.error}", command("ls -l {FILE}", path)))
        elif what.text is None:
            found.append(Check(f"table {name}", "wrong", f"there is no {path}", AGAIN))
        elif what.text != text:
            found.append(Check(f"table {name}", "wrong", f"{path} is not as the store is", AGAIN))
        elif indexes is not None and name in indexes and entries(text) != entries(indexes[name] or ""):
            word = "no index that Postfix can read" if indexes[name] is None else "an index that says something else"
            found.append(Check(f"table {name}", "wrong", f"{path} has {word}", AGAIN))
        else:
            count = len(entries(text))
            found.append(Check(f"table {name}", "ok", f"{path}: {count} entr{'y' if count == 1 else 'ies'}"))
    return found


def check_unknown(plan: Plan) -> list[Check]:
    """Whether the tables let through what a fallback model takes."""
    if not plan.fallback or plan.maps.unknown:
        return []
    text = "the tables refuse the addresses that a fallback model is for"
    return [Check("fallback", "wrong", text, advice='set unknown = "accept" under [maps] in the configuration')]


def check_size(plan: Plan, limit: int | None, shown: str, fix: CommandLine | None, advice: str = "") -> Check:
    """Whether the server refuses what we would; a limit of 0 is none."""
    name = "message_size_limit"
    if limit is None:
        return Check(name, "unknown", f"the size limit `{shown}` cannot be read", fix, advice)
    if limit == 0 or limit > plan.max_size:
        what = "no limit" if limit == 0 else f"a limit of {limit} octets"
        return Check(name, "wrong", f"{what}: mail above {plan.max_size} is bounced instead of refused", fix, advice)
    return Check(name, "ok", f"{limit} octets, and mailgate takes {plan.max_size}")


def entries(text: str) -> set[tuple[str, str]]:
    """The keys and values of a table."""
    rows = (line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {(row[0], row[1].strip()) for row in rows if len(row) == 2}


def _code(script: str) -> list[str]:
    return [line for line in script.splitlines() if line.strip() and not line.startswith("#")]


_GUARD = """\
#!/bin/sh
# /usr/local/sbin/mailgate-pipe, owner root, mode 755, made by `mailgate setup`: what Postfix and Exim run in place of
# mailgate itself.
#
# Both servers return a message to its author for nearly every exit status but 75, and Postfix lets a status at the
# start of the output ("5.1.1 ...") win over the exit status. So a broken virtual environment, a crash, a kill or a
# hang would bounce good mail. Here only mailgate's own answers pass: 0 taken, 65 67 77 refused, 75 later.
# Everything else becomes 75, and its last line of output goes to the mail log.

# What this shell itself would say ("Killed") belongs into no bounce.
exec 2>/dev/null
# A shell that cannot go on (no process or no memory to be had) says "later" too.
trap 'exit 75' EXIT
# A signal for the whole process group must not end this shell before mailgate has answered.
trap : HUP INT PIPE TERM

# mailgate gives up by itself after 30 s; "timeout" is for the case that it does not even start.
# -I: no PYTHON* variable and no current directory decides what is imported.
output=$(timeout --foreground -k 5 45 @PYTHON@ -I -m mailgate deliver@CONFIGURATION@ "$@" 2>&1)
status=$?

case $status:$output in
    0:*) output= ;;
    65:* | 67:* | 77:* | 75:4.*) ;;
    *)
        output="4.3.0 mailgate-pipe: mailgate ended with status $status: $(printf '%s\\n' "$output" | tail -n 1)"
        status=75
        ;;
esac
trap - EXIT
[ -z "$output" ] || printf '%.480s\\n' "$output"
exit "$status"
"""
