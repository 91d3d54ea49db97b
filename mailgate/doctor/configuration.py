"""The configuration file, the texts of refusals, the system log: what mailgate finds on this machine."""

import os
import stat

from mailgate.compose import wording
from mailgate.mta.check import Check, failed
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.values.problem import Problem, command

_TEXT = "correct the file, or remove it"


def loaded(option: str | None, database: str | None) -> tuple[Config | None, list[Check]]:
    """The configuration, None when it cannot be read, and what is to be said of it."""
    try:
        found = config.load(option, database, os.environ)
    except Problem as problem:
        return None, [failed("config", "wrong", problem, command("mailgate config check"))]
    return found, check(found)


def check(found: Config) -> list[Check]:
    """The file that applies, what in it has no meaning, and who may change it."""
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
    """Refusal texts that an administrator wrote: whether they can be read and filled in."""
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


def log() -> Check:
    """Whether there is a system log to write to."""
    if os.path.exists("/dev/log"):
        return Check("log", "ok", "/dev/log")
    return Check(
        "log", "unknown", "no /dev/log: what happens to mail is logged nowhere", advice="start the system's logger"
    )
