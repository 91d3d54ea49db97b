"""Check that something runs `mailgate work` from time to time."""

import os
import re
import subprocess
from collections.abc import Sequence

from mailgate.doctor.queues import TIMER
from mailgate.mta.check import Check
from mailgate.process import running
from mailgate.values.problem import CommandLine, command

_CRON = ("/etc/crontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/var/spool/cron/crontabs")
_RUNS = re.compile(r"^[^#\n]*\bmailgate\b[^\n]*\swork\b", re.MULTILINE)
_UNIT = "mailgate-work.timer"
_WAIT = 5.0


def check(user: str, store: str) -> Check:
    """Whether `mailgate serve`, systemd or cron runs `mailgate work` for the owner of the store."""
    named = ("`mailgate serve`" if running.is_seen(store) else "") or _by_systemd() or _by_cron(user)
    if named:
        return Check("work", "ok", f"`mailgate work` is run by {named}")
    text = "no timer runs `mailgate work`: what could not be sent at once stays, and nothing is noticed"
    if os.geteuid() != 0 and _name() != user:
        return Check("work", "unknown", "the timers of another user cannot be seen", command("sudo mailgate doctor"))
    if not _has_systemd() and not any(map(os.path.isdir, _CRON)):
        return Check("work", "unknown", "neither systemd nor cron is here to run `mailgate work`", advice=TIMER)
    return Check("work", "wrong", text, _enable(), TIMER)


def _enable() -> CommandLine:
    return command("systemctl enable --now mailgate-work.timer") if os.geteuid() == 0 else command("crontab -e")


def _has_systemd() -> bool:
    return os.path.isdir("/run/systemd/system")


def _by_systemd() -> str:
    if not _has_systemd():
        return ""
    for scope in ((), ("--user",)):
        if _UNIT in _printed("systemctl", *scope, "list-timers", "--plain", "--no-legend", "--no-pager"):
            return _UNIT
    return ""


def _by_cron(user: str) -> str:
    """The first file of cron that names the command."""
    own = ("crontab", "-l") if os.geteuid() else ("crontab", "-u", user, "-l")
    if _RUNS.search(_printed(*own)):
        return f"the crontab of {user}"
    for place in _CRON:
        for path in _files(place):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    if _RUNS.search(file.read(1 << 20)):
                        return path
            except OSError:
                continue
    return ""


def _files(place: str) -> Sequence[str]:
    if os.path.isdir(place) and os.access(place, os.R_OK):
        return [os.path.join(place, name) for name in sorted(os.listdir(place))]
    return [place]


def _printed(*words: str) -> str:
    try:
        return subprocess.run(  # noqa: S603 words of ours
            words, capture_output=True, text=True, errors="replace", timeout=_WAIT, check=False, cwd="/"
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
