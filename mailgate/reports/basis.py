"""Say how far the body of a report is believed: as fields, as words, as a guess, as opaque, or not at all."""

from mailgate.reports import dsn, phrases
from mailgate.reports.contents import Contents
from mailgate.reports.evidence import HINT, REPORT, SURE, WITH_COPY, Evidence
from mailgate.reports.plaintext import Notice


def of_status(evidence: Evidence) -> str:
    """The basis of a status part."""
    return dsn.FIELDS if evidence.trust >= HINT else dsn.GUESS


def of_fields(evidence: Evidence) -> str:
    """The basis of fields in another place: only a mail system's count."""
    return dsn.FIELDS if evidence.trust == SURE else dsn.GUESS


def of_words(evidence: Evidence, contents: Contents, notice: Notice, subject: str) -> str:
    """The basis of a notice of failure, delay or success in words; "" when it is not one.

    A daemon's message in an unknown language that gives mail back, or is sent to a bounce address, reports a failure.
    """
    text = f"{subject}\n\n{notice.words}"
    failed = phrases.failed(text)
    if evidence.trust == SURE:
        if failed or dsn.enhanced(notice.words):
            return dsn.WORDS if _is_about_mail(evidence, contents, notice, text) else dsn.GUESS
        if evidence.daemon and (phrases.delivered(text) or phrases.delayed(text)):
            return dsn.WORDS
        return dsn.OPAQUE if evidence.daemon and (evidence.expected or contents.returned or notice.copy) else ""
    if not failed or (evidence.trust == WITH_COPY and not contents.returned):
        return ""
    return dsn.GUESS if _is_about_mail(evidence, contents, notice, text) else ""


def without_recipient(evidence: Evidence, contents: Contents, notice: Notice, words: str) -> str:
    """The basis of a notice that names no recipient; `words` is what `of_words` gave."""
    return dsn.GUESS if words == dsn.WORDS and not _is_by_system(evidence, contents, notice) else words


def _is_about_mail(evidence: Evidence, contents: Contents, notice: Notice, text: str) -> bool:
    """Whether mail failed: people and other programs write about failures too, and a postmaster is a person."""
    return _is_by_system(evidence, contents, notice) or phrases.of_mail(text)


def _is_by_system(evidence: Evidence, contents: Contents, notice: Notice) -> bool:
    """Whether a mail system wrote it, by its name, by a status code, or by what it gives back."""
    gives_back = evidence.trust > WITH_COPY and (contents.returned or notice.copy)
    return bool(evidence.daemon or evidence.because == REPORT or gives_back or dsn.enhanced(notice.words))
