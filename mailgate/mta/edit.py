"""The texts of configuration files with our settings in them; all else in them stays as it is."""

import re
from collections.abc import Sequence

from mailgate.mta.postfix_settings import LISTS, items
from mailgate.mta.revert import entries

_MADE = "# Made by `mailgate setup postfix --apply`; --remove takes it out again.\n"


def main(text: str, ours: str) -> str:
    """main.cf with our parameters. A line of that name is replaced; what is missing goes to the end with its reason.

    `ours`: the lines that `setup` prints, comments above each parameter.
    """
    lines, reasons, added = entries(text), "", ""
    for entry in entries(ours):
        if entry.startswith("#"):
            reasons += entry
            continue
        if "=" not in entry:
            reasons = ""
            continue
        name, _, value = (part.strip() for part in entry.partition("="))
        at = next((i for i in reversed(range(len(lines))) if re.match(rf"{re.escape(name)}\s*=", lines[i])), -1)
        if at < 0:
            added += f"{reasons}{name} = {value}\n"
        elif _parts(name, lines[at].partition("=")[2]) != _parts(name, value):
            lines[at] = f"{name} = {value}\n"
        reasons = ""
    whole = _ended("".join(lines))
    return f"{whole}{_MADE}{added}" if added else "".join(lines)


def service(text: str, ours: str) -> str:
    """master.cf with our service: in place of one that has its name and type, or at the end. `ours`: as `main`."""
    lines = entries(text)
    new = "".join(entry for entry in entries(ours) if not entry.startswith("#"))
    at = next((i for i, entry in enumerate(lines) if entry.split()[:2] == new.split()[:2]), -1)
    if at < 0:
        return f"{_ended(text)}{_MADE}{new}"
    if _words(lines[at]) == _words(new):
        return text
    lines[at] = new
    return "".join(lines)


def service_of(text: str, name: str) -> str:
    """The line of a service (`unix`) in master.cf, `""` without one."""
    return next((" ".join(_words(entry)) for entry in entries(text) if entry.split()[:2] == [name, "unix"]), "")


def toml(text: str, section: str, key: str, value: str) -> str:
    """A configuration of mailgate with a key, which takes the place of that key or of a comment with it."""
    lines = text.splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if line.strip() == f"[{section}]"), -1)
    if start < 0:
        return f"{_ended(text)}\n[{section}]\n{key} = {value}\n"
    end = next((i for i in range(start + 1, len(lines)) if re.match(r"\s*\[", lines[i])), len(lines))
    named = re.compile(rf"(# *)?{key} *=.*\n?$")
    found = sorted((i for i in range(start + 1, end) if named.match(lines[i])), key=lambda i: lines[i].startswith("#"))
    if found:
        lines[found[0]] = f"{key} = {value}\n"
    else:
        lines.insert(start + 1, f"{key} = {value}\n")
    return "".join(lines)


def included(text: str, begin: str, line: str) -> str:
    """An Exim configuration with a line that includes a file after the line `begin`, on top for `""`."""
    if line in text.splitlines():
        return text
    if not begin:
        return f"{line}\n{text}"
    return re.sub(rf"(?m)^{begin}[ \t]*\n", lambda match: f"{match[0]}{line}\n", text, count=1)


def _parts(name: str, value: str) -> Sequence[str]:
    return items(value) if name in LISTS else value.split()


def _words(entry: str) -> list[str]:
    return " ".join(line for line in entry.splitlines() if not line.lstrip().startswith("#")).split()


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
