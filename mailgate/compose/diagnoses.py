"""Say in a sentence why a message was not delivered."""

from collections.abc import Mapping

from mailgate.compose import wording


def reason(kind: str, language: str) -> str:
    """The sentence for a kind of diagnosis, in German or English."""
    sentences: Mapping[str, str] = wording.phrases("diagnoses", language)
    return sentences.get(kind, sentences["unknown"])
