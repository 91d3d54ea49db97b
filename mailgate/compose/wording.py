"""Find the words of what mailgate sends, and fill them in.

A template is plain text with the placeholders of string.Template. Empty lines separate its paragraphs, and a paragraph
with an empty placeholder is left out. Placeholders:

    $address    the address that refuses, the first one where there are several
    $addresses  all of them, one a line
    $contact    where to write instead; may be empty
    $company    the name of the company, or the domain where it has none
    $domain     the local domain
    $text       for `policy`: the refusal text of the alias; may be empty
    $who        for `policy`: who may write, in English or German; empty where the alias has a text

Files: `templates/LANGUAGE/REASON.txt` are the built-in templates, `templates/LANGUAGE/NAME.toml` other phrases.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from functools import cache
from string import Template
from typing import Any

from mailgate.values.directory import Domain

BUILT_IN = os.path.join(os.path.dirname(__file__), "templates")
PLACEHOLDERS = frozenset(("address", "addresses", "contact", "company", "domain", "text", "who"))
_LIMIT = 16_384
"""Octets of a template."""
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-zA-Z0-9]{2,8})*")
_PARAGRAPHS = re.compile(r"\n(?:[ \t]*\n)+")
_INDENTED = re.compile(r"^([ \t]+)\$\{?addresses\b", re.MULTILINE)
_LAST_RESORT = "$addresses\n"


def template(reason: str, domain: Domain, folder: str | None) -> str:
    """The template for a refusal: the administrator's in `folder`, else the built-in one (English for other languages).

    `FOLDER/DOMAIN/LANGUAGE/REASON.txt` precedes `FOLDER/DOMAIN/REASON.txt` and `FOLDER/LANGUAGE/REASON.txt`. Another
    name of a domain has the texts of that domain, where it has none of its own. A template that cannot be read or
    filled in is skipped, because mail does not wait for better words.
    """
    language = domain.language if _LANGUAGE.fullmatch(domain.language) else "en"
    for path in _places(reason, domain, language, folder):
        text = _read(path)
        if text is not None and usable(text):
            return text
    return _LAST_RESORT


def undelivered(language: str) -> str:
    """The subject of a refusal that repeats nothing of the message."""
    return str(phrases("refusal", language)["undelivered"])


def usable(text: str) -> bool:
    """Whether a template has text, and only placeholders that exist."""
    template = Template(text)
    return bool(text.strip()) and template.is_valid() and PLACEHOLDERS.issuperset(template.get_identifiers())


def readable(path: str) -> bool:
    """Whether a file is a usable template."""
    text = _read(path)
    return text is not None and usable(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """A template filled in; paragraphs with an empty placeholder are left out. `$addresses` keeps its indentation."""
    filled = []
    for paragraph in _PARAGRAPHS.split(text.replace("\r\n", "\n").strip("\n")):
        template = Template(paragraph)
        if all(values.get(name) for name in template.get_identifiers()):
            indented = _INDENTED.search(paragraph)
            addresses = values["addresses"].replace("\n", "\n" + indented[1] if indented else "\n")
            filled.append(template.safe_substitute({**values, "addresses": addresses}).rstrip())
    return "\n\n".join(paragraph for paragraph in filled if paragraph.strip()) + "\n"


def permitted(language: str, policy: str) -> str:
    """Who may write under a policy, as the built-in templates need it."""
    senders: Mapping[str, str] = phrases("senders", language)
    return senders.get(policy, senders["selected"])


@cache
def phrases(name: str, language: str) -> Mapping[str, Any]:
    """The built-in phrases in `LANGUAGE/NAME.toml`: German where the language is German, else English."""
    import tomllib

    folder = "de" if language.lower().partition("-")[0] == "de" else "en"
    with open(os.path.join(BUILT_IN, folder, f"{name}.toml"), "rb") as file:
        return tomllib.load(file)


def _places(reason: str, domain: Domain, language: str, folder: str | None) -> Iterator[str]:
    name = f"{reason}.txt"
    if folder:
        for host in dict.fromkeys((domain.name, domain.canonical)):
            yield os.path.join(folder, host, language, name)
            yield os.path.join(folder, host, name)
        yield os.path.join(folder, language, name)
    yield os.path.join(BUILT_IN, language, name)
    yield os.path.join(BUILT_IN, "en", name)


def _read(path: str) -> str | None:
    """The text of a regular file; None for another kind, for a large file, and for text that is not UTF-8."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not block
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        octets = os.read(descriptor, _LIMIT + 1)
        return octets.decode("utf-8-sig") if len(octets) <= _LIMIT else None
    except (OSError, UnicodeDecodeError):
        return None
    finally:
        os.close(descriptor)
