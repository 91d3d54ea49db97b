"""Check the names that administrators choose: local parts, delimiters, models."""

import re
import unicodedata

from mailgate.values.address import LOCAL_LIMIT
from mailgate.values.pattern import pattern
from mailgate.values.problem import Problem

_ENDS = pattern(r"^[\s.]+|[\s.]+$")
_NOT_AN_ATOM = pattern(r"[^a-z0-9!#$%&'*+/=?^_`{|}~.\-]+")
_LOCAL_PART = pattern(r"[a-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,64}")
DELIMITERS = "+-=_.~#"
"""Of the characters of an atom, those that no mail server's configuration gives another meaning."""
_MODEL = pattern(r"[A-Za-z0-9._-]{1,100}")


def local_part(text: str) -> str:
    """The local part for a name that a person typed. Raises Problem for a name that leaves room for a guess.

    It drops accents, an `@domain`, and white space and dots at the ends. It lowers letters, joins runs of dots, and
    turns every run of characters that no atom of RFC 5322 may have into one `-`. It refuses a letter or digit that is
    still not ASCII, so that two different names never become one.
    """
    decomposed = unicodedata.normalize("NFD", text.strip())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).lower().partition("@")[0]
    bare = re.sub(r"\.+", ".", _ENDS.sub("", bare))
    for c in bare:
        if not c.isascii() and c.isalnum():
            raise Problem(
                f"`{text.strip()}` cannot be a mail name: `{c}` is not an ASCII letter",
                advice="spell it in a-z and 0-9",
            )
    name = re.sub(r"\.+", ".", _NOT_AN_ATOM.sub("-", bare)).strip(".")
    if not name:
        raise Problem(
            f"`{text}` leaves nothing for a mail name", advice="a name needs letters or digits, as in `support`"
        )
    if name == "*":
        raise Problem(
            f"`{text.strip()}` would match nothing: an alias is one address",
            advice="mail to unknown addresses makes records with --fallback-model, see mailgate help aliases",
        )
    if len(name) > LOCAL_LIMIT:
        raise Problem(f"`{name}` is longer than {LOCAL_LIMIT} octets", advice="choose a shorter name")
    return name


def is_local_part(text: str) -> bool:
    """Whether a text is a local part as `local_part` makes it."""
    return bool(_LOCAL_PART.fullmatch(text))


def is_separator(text: str) -> bool:
    """Whether a text is one character of an atom, neither letter nor digit; earlier versions took all for details."""
    return len(text) == 1 and not text.isalnum() and is_local_part(text)


def is_delimiter(text: str) -> bool:
    """Whether a text can separate a local part from a detail, in every mail server's configuration too."""
    return len(text) == 1 and text in DELIMITERS


def is_model(text: str) -> bool:
    """Whether a text is a valid model name."""
    return bool(_MODEL.fullmatch(text))


def model(text: str) -> str:
    """The model name, unchanged. Raises Problem when it has anything but letters, digits, `.`, `_`, `-`."""
    if not is_model(text):
        raise Problem(
            f"`{text}` cannot be a model", advice="a model has only letters, digits, `.`, `_` and `-`, as in `crm.lead`"
        )
    return text
