"""Whether mailgate itself is well: its configuration, its store, what it knows, what waits, and who can run it.

Every function looks at one thing and says what it found; none repairs anything, and none raises.
"""

import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator

from mailgate.compose import wording
from mailgate.mta import postfix
from mailgate.mta.check import Check, failed
from mailgate.process import extras, owner
from mailgate.settings import config
from mailgate.settings.config import Config, Submit
from mailgate.store import aliases, domains, held, keys, logins, messages, outbox, servers
from mailgate.store import database as store
from mailgate.store import directory as own
from mailgate.store.database import Condition, Store, Transaction
from mailgate.store.logins import Login
from mailgate.store.servers import Server
from mailgate.values.problem import CommandLine, Problem, StoreError, command

LITTLE = 100 << 20
"""Octets that must be free on the store's disk: a few large messages, and the journal beside them."""
LATE = 900.0
"""Seconds after which what is due should have been tried."""
OLD = 7 * 86_400.0
"""Seconds that held mail may wait for a person."""
SKEW = 60.0
DAY = 86_400.0
_TIMER = "run it from a timer, every few minutes"
_TEXT = "correct the file, or remove it"
_SENDMAIL = 'set sendmail, or method = "smtp", under [submit] in the configuration'


def configuration(found: Config) -> list[Check]:
    """The file that applies, what it says that nobody understands, and who may change it."""
    if found.path is None:
        return [
            Check(
                "config",
                "wrong",
                "there is no configuration: mail is put off until there is one",
                command("mailgate init"),
            )
        ]
    checks = [Check("config", "wrong", each, command("mailgate config check")) for each in found.warnings]
    mode = os.stat(found.path).st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        checks.append(
            Check("config", "wrong", f"{found.path} can be written by others", command("chmod go-w {FILE}", found.path))
        )
    return checks or [Check("config", "ok", found.path)]


def templates(folder: str | None) -> list[Check]:
    """Refusal texts of the administrator's own: whether they can be read and filled in."""
    if folder is None:
        return []
    if not os.path.isdir(folder):
        return [
            Check(
                "templates",
                "wrong",
                f"no folder {folder}: the built-in texts are used",
                command("mkdir -p {FOLDER}", folder),
            )
        ]
    texts = [os.path.join(base, name) for base, _, names in os.walk(folder) for name in names if name.endswith(".txt")]
    broken = [each for each in sorted(texts) if not wording.readable(each)]
    return [
        Check("templates", "wrong", f"{each} cannot be read or filled in: the built-in text is used", advice=_TEXT)
        for each in broken
    ] or [Check("templates", "ok", f"{len(texts)} in {folder}")]


def files(path: str, uid: int) -> list[Check]:
    """The store's folder and files: there, of one owner (`uid`), and closed to everybody else."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        info = os.stat(folder)
    except OSError as error:
        return [Check("store folder", "wrong", f"{folder}: {error.strerror}", command("mailgate init"))]
    checks = []
    who = owner.name(uid)
    if not info.st_mode & stat.S_ISVTX and info.st_mode & 0o077:
        checks.append(
            Check("store folder", "wrong", f"{folder} is open to others", command("chmod 700 {FOLDER}", folder))
        )
    for each in _beside(path):
        theirs = os.stat(each)
        if theirs.st_uid != uid:
            text = f"{each} belongs to {owner.name(theirs.st_uid)}, not to {who}"
            checks.append(Check("store files", "wrong", text, command("chown {USER} {FILE}", who, each)))
        elif theirs.st_mode & 0o077:
            checks.append(Check("store files", "wrong", f"{each} is open to others", command("chmod 600 {FILE}", each)))
    for suffix in ("-wal", "-shm"):
        if os.path.exists(path + suffix):
            text = f"{path}{suffix} was left by a program that opened the store in WAL mode"
            checks.append(Check("store files", "wrong", text, _no_wal(path)))
    return checks or [Check("store files", "ok", f"{folder}, owner {who}")]


def _no_wal(path: str) -> CommandLine:
    return command("sqlite3 {FILE} 'PRAGMA journal_mode = DELETE'", path)


def _beside(path: str) -> list[str]:
    names = (path, f"{path}.lock", f"{path}.work", f"{path}-journal")
    return [each for each in names if os.path.exists(each)]


def space(path: str, needed: int) -> Check:
    """Room on the store's disk: at least LITTLE, and three times the largest message."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        return Check("disk", "unknown", f"{folder}: {error.strerror}", command("df -h {FOLDER}", folder))
    free = disk.f_bavail * disk.f_frsize
    if free < max(LITTLE, needed):
        return Check(
            "disk",
            "wrong",
            f"{free >> 20} MB free below {folder}: mail will be put off",
            command("df -h {FOLDER}", folder),
        )
    if disk.f_files and disk.f_favail < 100:
        return Check(
            "disk",
            "wrong",
            f"{disk.f_favail} files can still be made below {folder}",
            command("df -i {FOLDER}", folder),
        )
    return Check("disk", "ok", f"{free >> 20} MB free")


def reach(path: str, uid: int, gids: Iterable[int]) -> str:
    """What keeps a user from reading a file: a folder that he cannot enter, or the file itself; `""`: nothing."""
    whole = os.path.realpath(path)
    parents = [whole[:at] or "/" for at, c in enumerate(whole) if c == "/"]
    for each, need in (*((parent, 0o1) for parent in parents), (whole, 0o4)):
        try:
            info = os.stat(each)
        except OSError:
            return each
        allowed = info.st_mode >> (6 if info.st_uid == uid else 3 if info.st_gid in gids else 0)
        if uid and not allowed & need:
            return each
    return ""


def program(uid: int, gids: Iterable[int], interpreter: str) -> Check:
    """Whether the user of the pipe can run mailgate at all."""
    who = owner.name(uid)
    for each in (interpreter, os.path.abspath(__file__)):
        if barred := reach(each, uid, gids):
            return Check(
                "program", "wrong", f"{who} cannot use {barred}: mail is put off", command("chmod o+rX {FILE}", barred)
            )
    return Check("program", "ok", f"{interpreter}, as {who}")


def database(path: str) -> list[Check]:
    """The database: of this program's schema, in the right mode, whole, and not held by anybody."""
    try:
        found = store.condition(path)
    except StoreError as problem:
        return [failed("store", "wrong", problem, command("mailgate init"))]
    return list(_database(path, found))


def _database(path: str, found: Condition) -> Iterator[Check]:
    if found.schema != found.newest:
        text = f"schema {found.schema}, and this program has {found.newest}: mail is put off"
        if found.schema < found.newest:
            yield Check("store", "wrong", text, command("mailgate migrate"))
        else:
            yield Check("store", "wrong", text, advice="upgrade mailgate")
        return
    if found.faults is None:
        text = f"{found.size >> 20} MB, too large to be read through here"
        yield Check("store", "unknown", text, command("sqlite3 {FILE} 'PRAGMA quick_check'", path))
    elif found.faults:
        recover = command("sqlite3 {FILE} .recover", path)
        yield Check("store", "wrong", f"damaged: {found.faults[0]}", recover, "stop the mail server first")
    if found.journal != "delete":
        text = f"journal mode {found.journal}: a power cut could lose mail that was taken"
        yield Check("store", "wrong", text, _no_wal(path))
    if found.busy:
        yield Check("store", "wrong", found.busy, command("fuser -v {FILE}", f"{path}.lock"))
    if found.faults == () and found.journal == "delete" and not found.busy:
        yield Check("store", "ok", f"{path}, schema {found.schema}, {found.size >> 10} KB")


def directory(opened: Store) -> list[Check]:
    """Domains and aliases: that there are any, and that each can do what it says."""
    with opened.read() as tx:
        return list(_directory(tx))


def _directory(tx: Transaction) -> Iterator[Check]:
    here, there = domains.listing(tx), aliases.listing(tx)
    if not here:
        yield Check("domains", "wrong", "no own domain: mail is put off", command("mailgate domain add example.com"))
        return
    wrong = False
    for each in here:
        if each.same_as:
            continue
        if each.details and not each.delimiter:
            wrong = True
            text = f"{each.name}: details are on, and there is no delimiter to write them with"
            yield Check("domains", "wrong", text, command("mailgate domain set {DOMAIN} --delimiter +", each.name))
        if each.contact and own.is_stranger(tx, each.contact):
            wrong = True
            text = f"{each.name}: people are told to write to {each.contact}, where nobody is"
            yield Check("domains", "wrong", text, command("mailgate alias add {ADDRESS} --model MODEL", each.contact))
    if not wrong:
        yield Check("domains", "ok", ", ".join(each.name for each in here[:5]) + (" ..." if len(here) > 5 else ""))
    doubts = [(each, doubt) for each in there for doubt in aliases.doubts(tx, each)]
    for alias, doubt in doubts:
        fix = doubt.fix or command("mailgate alias show {ADDRESS}", alias.address)
        yield Check("aliases", "wrong", f"{alias.address}: {doubt.text}", fix)
    if not there:
        yield Check(
            "aliases",
            "wrong",
            "there is none: all new mail is refused",
            command("mailgate alias add ADDRESS --model MODEL"),
        )
    elif not doubts:
        yield Check("aliases", "ok", f"{len(there)}")
    if not keys.secrets(tx):
        yield Check("keys", "wrong", "there is no signing key", command("mailgate key rotate"))


def sending(settings: Submit) -> Check:
    """Whether what we owe can leave."""
    if not settings.sends:
        return Check("sending", "ok", "nothing is sent: submit.method is none")
    if settings.method == "smtp":
        return _smtp(settings)
    if not os.path.exists(settings.sendmail):
        return Check("sending", "wrong", f"no program {settings.sendmail}", advice=_SENDMAIL)
    if not os.access(settings.sendmail, os.X_OK) or not os.path.isfile(settings.sendmail):
        return Check(
            "sending", "wrong", f"{settings.sendmail} cannot be run", command("ls -l {FILE}", settings.sendmail)
        )
    return Check("sending", "ok", f"by {settings.sendmail}")


def _smtp(settings: Submit) -> Check:
    import smtplib

    name = f"{settings.host}:{settings.port}"
    try:
        with smtplib.SMTP(settings.host, settings.port, timeout=5) as session:
            session.ehlo_or_helo_if_needed()
    except (OSError, smtplib.SMTPException) as error:
        return Check(
            "sending",
            "wrong",
            f"{name}: {getattr(error, 'strerror', None) or error}",
            advice="set host and port under [submit] in the configuration",
        )
    return Check("sending", "ok", f"by SMTP to {name}")


def waiting(opened: Store, settings: Submit, now: float) -> list[Check]:
    """What should have left, what waits for a person, and whether time runs forward."""
    with opened.read() as tx:
        return [*_outbox(tx, settings, now), *_held(tx, now), _clock(tx, now)]


def _outbox(tx: Transaction, settings: Submit, now: float) -> Iterator[Check]:
    stuck = outbox.stuck(tx, now, sending=settings.sends)
    failed = outbox.first_failed(tx) if stuck.failed else None
    overdue = outbox.first_overdue(tx, now) if stuck.overdue else None
    late, since = outbox.due_before(tx, now - LATE) if settings.sends else (0, now)
    if failed:
        text = f"{stuck.failed} could not be sent for good, the first: {failed.error}"
        yield Check("outbox", "wrong", text, command("mailgate outbox show {N}", failed.number))
    if overdue and overdue.tries:
        text = f"{stuck.overdue} wait for {_hours(now - overdue.created_at)}, the first: {overdue.error}"
        yield Check("outbox", "wrong", text, command("mailgate outbox show {N}", overdue.number))
    elif late:
        text = f"{late} should have left {_hours(now - since)} ago: nobody runs `mailgate work`"
        yield Check("outbox", "wrong", text, command("mailgate work"), _TIMER)
    if not (failed or overdue or late):
        yield Check("outbox", "ok", f"{outbox.left(tx)} to send")


def _held(tx: Transaction, now: float) -> Iterator[Check]:
    failed, count, oldest = held.still_open(tx)
    if failed:
        text = f"{failed} could not be judged by a fault of mailgate's own"
        yield Check("held", "wrong", text, command("mailgate held list; journalctl -t mailgate -p err"))
    if oldest is not None and oldest < now - OLD:
        text = f"{count} wait for a person, the oldest for {_hours(now - oldest)}"
        yield Check("held", "wrong", text, command("mailgate held list"))
    elif not failed:
        yield Check("held", "ok", f"{count} for a person to look at")


def _clock(tx: Transaction, now: float) -> Check:
    newest = messages.last_received(tx)
    if newest is not None and newest > now + SKEW:
        text = f"the clock is behind: the newest message is {_hours(newest - now)} from now"
        return Check("clock", "wrong", text, command("timedatectl"))
    return Check("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def collecting(opened: Store, now: float) -> list[Check]:
    """Every mailbox that mail is collected from, and what its server said last."""
    with opened.read() as tx:
        return [
            _collected(each, servers.health(tx, each.number), logins.get(tx, each.number), now)
            for each in servers.listing(tx)
        ]


def _collected(server: Server, found: servers.Health, login: Login | None, now: float) -> Check:
    name = f"server {server.name}"
    again = command("mailgate server login {NAME}", server.name)
    if not server.enabled:
        return Check(name, "ok", "disabled")
    if problem := extras.missing(*server.libraries):
        return failed(name, "wrong", problem, again)
    if server.secret.kind == "login" and (trouble := logins.trouble(login)):
        return Check(name, "wrong", trouble, again)
    if found.state == "paused":
        return Check(name, "wrong", f"paused: {found.error}", command("mailgate server enable {NAME}", server.name))
    if found.failing_since is not None:
        text = f"fails for {_hours(now - found.failing_since)}: {found.error}"
        return Check(name, "wrong", text, command("mailgate server test {NAME}", server.name))
    last = found.succeeded_at
    if last is None or last < now - DAY:
        text = f"collected {_hours(now - last)} ago" if last is not None else "never collected"
        return Check(name, "wrong", f"{text}: nobody runs `mailgate fetch`", command("mailgate fetch"), _TIMER)
    if login and (ending := logins.warning(login, now)):
        return Check(name, "wrong", ending, again)
    return Check(name, "ok", f"collected {_hours(now - last)} ago{f', {found.warning}' if found.warning else ''}")


def log() -> Check:
    """Whether there is a system log to write to."""
    if os.path.exists("/dev/log"):
        return Check("log", "ok", "/dev/log")
    return Check(
        "log", "unknown", "no /dev/log: what happens to mail is logged nowhere", advice="start the system's logger"
    )


def mail_servers() -> list[str]:
    """The mail servers that are installed here: `postfix`, `exim`."""
    paths = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin:/usr/exim/bin"
    programs = {"postfix": ("postconf",), "exim": ("exim4", "exim")}
    found = [name for name, each in programs.items() if any(shutil.which(program, path=paths) for program in each)]
    return [
        each for each in found if each != "postfix" or os.path.exists(postfix.MAIN)
    ]  # its programs alone serve none


def loaded(option: str | None, database: str | None) -> tuple[Config | None, list[Check]]:
    """The configuration, None when it cannot be read, and what is to be said of it."""
    try:
        found = config.load(option, database, os.environ)
    except Problem as problem:
        return None, [failed("config", "wrong", problem, command("mailgate config check"))]
    return found, configuration(found)


def _hours(seconds: float) -> str:
    if seconds < 7_200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
