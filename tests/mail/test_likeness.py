"""Whether two mails of one id are copies of one mail."""

import pytest
from helpers.messages import mail

from mailgate.mail import calendar, containers
from mailgate.mail.likeness import are_copies

TEXT = "Do you sell pumps?\nWe need three of them.\n"
DATE = "Tue, 1 Dec 2026 10:00:00 +0000"


def written(text: str = TEXT, *more: tuple[str, str], **fields: str | None) -> bytes:
    return mail(text, *more, **{"date": DATE, **fields})


def with_file(octets: str, text: str = TEXT) -> bytes:
    parts = (
        f"--b\nContent-Type: text/plain\n\n{text}\n--b\nContent-Type: application/pdf\n"
        f"Content-Disposition: attachment; filename=a.pdf\n\n{octets}\n--b--\n"
    )
    return written(parts, content_type="multipart/mixed; boundary=b")


LIST = ("List-Post", "<mailto:team@lists.org>")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(written(), id="the-same"),
        pytest.param(written(subject="[team] Hello"), id="a-tag"),
        pytest.param(written(TEXT + "-- \nTo unsubscribe, see lists.org.\n"), id="a-footer"),
        pytest.param(written("[EXTERNAL] Take care.\n\n" + TEXT), id="a-banner"),
        pytest.param(written(TEXT, LIST, reply_to="team@lists.org"), id="the-lists-reply-to"),
        pytest.param(written(TEXT, LIST, sender="team-bounces@lists.org"), id="the-lists-sender"),
        pytest.param(written(TEXT.replace("\n", "  \n\n")), id="other-spacing"),
        pytest.param(with_file("%PDF"), id="a-file-more"),
    ],
)
def test_copies_of_one_mail(other: bytes) -> None:
    assert are_copies(written(), other)
    assert are_copies(other, written())


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(written(date=None), id="no-date"),
        pytest.param(written(date="Tue, 1 Dec 2026 10:00:01 +0000"), id="another-date"),
        pytest.param(written(subject="Hello again"), id="another-subject"),
        pytest.param(written(subject="Re: Hello"), id="an-answers-subject"),
        pytest.param(written(reply_to="eve@evil.org"), id="another-answer-address"),
        pytest.param(written(TEXT, LIST, reply_to="eve@evil.org"), id="another-answer-address-in-a-list"),
        pytest.param(written(sender="eve@evil.org"), id="another-sender"),
        pytest.param(written("No.\n"), id="other-words"),
        pytest.param(written(TEXT.replace("three", "two")), id="one-word-changed"),
        pytest.param(written("Do you sell pumps?\nNo!\nWe need three of them.\n"), id="a-line-in-between"),
        pytest.param(written("Hi.\n" + TEXT + "Bye.\n"), id="a-block-at-both-ends"),
        pytest.param(written(TEXT + "x y\n" * 21), id="too-much-behind"),
        pytest.param(written("x y\n" * 6 + TEXT), id="too-much-before"),
    ],
)
def test_mails_of_their_own(other: bytes) -> None:
    assert not are_copies(written(), other)
    assert not are_copies(other, written())


def test_a_text_of_two_words_stands_in_too_many_others() -> None:
    assert are_copies(written("I agree.\n"), written("I agree.\n"))
    assert not are_copies(written("I agree.\n"), written("I agree.\nNot at all, though.\n"))


def test_without_a_date_nothing_says_that_it_is_one_mail() -> None:
    assert not are_copies(written(date=None), written(date=None))


def test_files_must_be_the_same_octets() -> None:
    assert are_copies(with_file("%PDF"), with_file("%PDF"))
    assert not are_copies(with_file("%PDF"), with_file("%PDF-2"))


def test_no_container_is_opened_for_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made while other deliveries wait: what opens files is for the display."""

    def opened(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(containers, "opened", opened)
    monkeypatch.setattr(calendar, "read", opened)
    event = "BEGIN:VEVENT\nSUMMARY:{}\nEND:VEVENT\n"
    invited = [
        written(event.format(name), content_type="text/calendar; charset=utf-8") for name in ("Talk", "Talk", "Lunch")
    ]
    assert are_copies(*invited[:2])
    assert not are_copies(*invited[1:])
