"""Say in a sentence why a message was not delivered."""

import os
import tomllib
from functools import cache

from mailgate.compose.wording import BUILT_IN


def reason(kind: str, language: str) -> str:
    """The sentence for a kind of diagnosis: German where the language is German, else English."""
    sentences = _sentences("de" if language.lower().partition("-")[0] == "de" else "en")
    return sentences.get(kind, sentences["unknown"])


@cache
def _sentences(language: str) -> dict[str, str]:
    with open(os.path.join(BUILT_IN, language, "diagnoses.toml"), "rb") as file:
        return tomllib.load(file)
