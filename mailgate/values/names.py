"""What an alias, a domain's own address and a model may be called."""

import re
import unicodedata

from mailgate.values.address import LOCAL_LIMIT
from mailgate.values.problem import Problem

_ENDS = re.compile(r"^[\s.]+|[\s.]+$")
_NOT_AN_ATOM = re.compile(r"[^a-z0-9!#$%&'*+/=?^_`{|}~.\-]+")
_MODEL = re.compile(r"[A-Za-z0-9._-]{1,100}")


def local_part(text: str) -> str:
    """The local part that a typed name becomes. Raises Problem for a name that would have to be guessed.

    Accents go, letters become lower case, an `@domain` splits off, white space and dots at the ends go, runs of dots
    collapse, and every run of characters that RFC 5322 allows in no atom becomes one `-`. A letter or digit that is
    not ASCII after that is refused: two different names must never become one.
    """
    decomposed = unicodedata.normalize("NFD", text.strip())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).lower().partition("@")[0]
    bare = re.sub(r"\.+", ".", _ENDS.sub("", bare))
    for c in bare:
        if not c.isascii() and c.isalnum():
            raise Problem(
                f"`{text.strip()}` cannot be a mail name: `{c}` is not an ASCII letter", "spell it in a-z and 0-9"
            )
    name = re.sub(r"\.+", ".", _NOT_AN_ATOM.sub("-", bare)).strip(".")
    if not name:
        raise Problem(f"`{text}` leaves nothing for a mail name", "a name needs letters or digits, as in `support`")
    if len(name) > LOCAL_LIMIT:
        raise Problem(f"`{name}` is longer than {LOCAL_LIMIT} octets", "choose a shorter name")
    return name


def is_delimiter(text: str) -> bool:
    """Whether a text can stand between a local part and its detail: one character that an atom may hold."""
    return len(text) == 1 and not text.isalnum() and not _NOT_AN_ATOM.match(text)


def is_model(text: str) -> bool:
    """Whether a text can be the name of a model."""
    return bool(_MODEL.fullmatch(text))


def model(text: str) -> str:
    """A model name as it is. Raises Problem when it holds anything but letters, digits, `.`, `_`, `-`."""
    if not is_model(text):
        raise Problem(
            f"`{text}` cannot be a model", "a model has only letters, digits, `.`, `_` and `-`, as in `crm.lead`"
        )
    return text
