"""Check the configuration file, the templates of refusals and the system log."""

import os
import stat

from mailgate.compose import wording
from mailgate.mta.check import Check, failed
from mailgate.settings import config
from mailgate.settings.config import Config
from mailgate.values.problem import Problem, command

_TEXT = "correct the file, or remove it"


def loaded(option: str | None, database: str | None) -> tuple[Config | None, list[Check]]:
    """The configuration, None when it cannot be read, and the checks of it."""
    try:
        settings = config.load(option, database, os.environ)
    except Problem as problem:
        return None, [failed("config", "wrong", problem, command("mailgate config check"))]
    return settings, check(settings)


def check(settings: Config) -> list[Check]:
    """Check the configuration file: that there is one, its unknown settings, and who may write to it."""
    if settings.path is None:
        return [
            Check(
                "config",
                "wrong",
                "there is no configuration: mail is put off until there is one",
                command("mailgate init"),
            )
        ]
    checks = [Check("config", "wrong", warning, command("mailgate config check")) for warning in settings.warnings]
    mode = os.stat(settings.path).st_mode
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        checks.append(
            Check(
                "config",
                "wrong",
                f"{settings.path} can be written by others",
                command("chmod go-w {FILE}", settings.path),
            )
        )
    return checks or [Check("config", "ok", settings.path)]


def templates(folder: str | None) -> list[Check]:
    """Check that the administrator's templates of refusals can be read and filled in."""
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
    broken = [path for path in sorted(texts) if not wording.readable(path)]
    return [
        Check("templates", "wrong", f"{path} cannot be read or filled in: the built-in text is used", advice=_TEXT)
        for path in broken
    ] or [Check("templates", "ok", f"{len(texts)} in {folder}")]


def log() -> Check:
    """Check that there is a system log to write to."""
    if os.path.exists("/dev/log"):
        return Check("log", "ok", "/dev/log")
    return Check(
        "log", "unknown", "no /dev/log: what happens to mail is logged nowhere", advice="start the system's logger"
    )
