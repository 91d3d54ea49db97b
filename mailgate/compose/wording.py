"""The words of what mailgate sends: templates, found and filled in.

A template is plain text with placeholders as string.Template knows them; paragraphs are parted by empty lines, and a
paragraph is left out when one of its placeholders has nothing to say. Placeholders: `$address` (the address meant, the
first one), `$addresses` (all of them, one a line), `$contact` (where to write instead; may be empty), `$company` (the
domain where there is no name), `$domain`, and for `policy` `$text` (the alias' own refusal text; may be empty) and
`$who` (who may write, in English or German; empty when the alias has its own text).
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from string import Template

from mailgate.values.directory import Domain

BUILT_IN = os.path.join(os.path.dirname(__file__), "templates")
PLACEHOLDERS = frozenset(("address", "addresses", "contact", "company", "domain", "text", "who"))
_LIMIT = 16_384
"""Octets of a template."""
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-zA-Z0-9]{2,8})*")
_PARAGRAPHS = re.compile(r"\n(?:[ \t]*\n)+")
_INDENTED = re.compile(r"^([ \t]+)\$\{?addresses\b", re.MULTILINE)
_LAST_RESORT = "$addresses\n"
_WHO = {
    "en": {
        "contacts": "people we already know",
        "members": "our members",
        "followers": "people who follow the matter it belongs to",
        "": "certain senders",
    },
    "de": {
        "contacts": "uns bekannten Personen",
        "members": "unseren Mitgliedern",
        "followers": "Beteiligten des zugehörigen Vorgangs",
        "": "bestimmten Absendern",
    },
}


def template(reason: str, domain: Domain, folder: str | None) -> str:
    """The template for a refusal: the administrator's in `folder`, else the built-in one (English for other languages).

    `FOLDER/DOMAIN/LANGUAGE/REASON.txt` comes before `FOLDER/DOMAIN/REASON.txt` and `FOLDER/LANGUAGE/REASON.txt`;
    another name of a domain has the texts of that one where it has none of its own. One that cannot be read or filled
    in is passed over: words are no reason to let mail wait.
    """
    language = domain.language if _LANGUAGE.fullmatch(domain.language) else "en"
    for path in _places(reason, domain, language, folder):
        text = _read(path)
        if text is not None and usable(text):
            return text
    return _LAST_RESORT


def usable(text: str) -> bool:
    """Whether a template says anything, and only with placeholders that exist."""
    found = Template(text)
    return bool(text.strip()) and found.is_valid() and PLACEHOLDERS.issuperset(found.get_identifiers())


def readable(path: str) -> bool:
    """Whether a file is a template that can be used."""
    text = _read(path)
    return text is not None and usable(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """A template filled in; paragraphs with an empty placeholder are left out. `$addresses` keeps its indentation."""
    kept = []
    for paragraph in _PARAGRAPHS.split(text.replace("\r\n", "\n").strip("\n")):
        found = Template(paragraph)
        if all(values.get(name) for name in found.get_identifiers()):
            indented = _INDENTED.search(paragraph)
            addresses = values["addresses"].replace("\n", "\n" + indented[1] if indented else "\n")
            kept.append(found.safe_substitute({**values, "addresses": addresses}).rstrip())
    return "\n\n".join(each for each in kept if each.strip()) + "\n"


def who(language: str, policy: str) -> str:
    """Who may write under a policy, as the built-in sentences need it."""
    known = _WHO.get(language, _WHO["en"])
    return known.get(policy, known[""])


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
    """The text of a plain file; None for what is none, is too large, or is not UTF-8."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe of that name must not block
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
