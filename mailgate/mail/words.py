"""Compare what two parts of a message say by their words, where one of them may repeat the other."""

import re

_WORD = re.compile(r"\w+")
_TARGET = re.compile(r"<(?:https?|mailto|tel|ftp):[^>\s]*>", re.IGNORECASE)
_STUB_WORDS = 40
"""Words of a text that may only say that HTML is needed."""
_SAID = 0.9
"""Share of the words of HTML that were said before, with which it repeats them."""


def of(text: str) -> frozenset[str]:
    """The words of a text, without the targets of links."""
    return frozenset(_WORD.findall(_TARGET.sub("", text).lower()))


def is_stub(plain: str, html: str) -> bool:
    """Whether plain text stands for HTML that says more: half of its words are missing, or it only asks for HTML."""
    wanted = of(html)
    if not wanted:
        return bool(html.strip()) and _asks(plain)
    return 2 * len(of(plain) & wanted) < len(wanted) or _asks(plain)


def _asks(plain: str) -> bool:
    said = of(plain)
    return len(said) <= _STUB_WORDS and "html" in said


def repeats(html: str, said: frozenset[str]) -> bool:
    """Whether HTML says nothing but what was said; a few words may differ."""
    wanted = of(html)
    return len(wanted & said) >= _SAID * len(wanted)
