"""Marks of ours: whether a message is our own coming back, or answers a refusal of ours."""

import pytest
from helpers.messages import SECRET, facts, mail

from mailgate.routing import marks
from mailgate.values import token

REFUSAL = token.new_mark(token.REFUSAL, SECRET, b"0123456789")
POST = token.new_mark(token.POST, SECRET, b"9876543210")
FORGED = token.new_mark(token.REFUSAL, b"another key", b"0123456789")


@pytest.mark.parametrize(
    ("fields", "back", "last", "refusal"),
    [
        pytest.param({}, "", "", "", id="nothing"),
        pytest.param({"message_id": f"<{REFUSAL}@example.com>"}, "r", "", "", id="our-refusal-by-its-id"),
        pytest.param({"message_id": f"<{POST}@example.com>"}, "p", "", "", id="our-post-by-its-id"),
        pytest.param({"message_id": f"<{FORGED}@example.com>"}, "", "", "", id="forged-id"),
        pytest.param({"x_mailgate_loop": POST}, "p", "", "", id="id-rewritten-field-left"),
        pytest.param({"x_mailgate_loop": FORGED}, "", "", "", id="forged-field"),
        pytest.param({"references": f"<a@x> <{REFUSAL}@ses.amazonaws.com>"}, "", "r", "r", id="only-references-left"),
        pytest.param({"references": f"<a@x> <{POST}\n @ses.amazonaws.com>"}, "", "p", "", id="folded"),
        pytest.param({"references": f"<{POST}@x> <a@x>"}, "", "", "", id="further-up"),
        pytest.param({"references": f"<{REFUSAL}@x>", "in_reply_to": f"<{REFUSAL}@x>"}, "", "", "r", id="answered"),
        pytest.param({"in_reply_to": f"<{REFUSAL}@x>"}, "", "", "r", id="answers-a-refusal-by-in-reply-to"),
        pytest.param({"in_reply_to": f"<a@x> <{REFUSAL}@x>"}, "", "", "r", id="answers-two"),
        pytest.param({"in_reply_to": f"<{POST}@x>"}, "", "", "", id="answers-a-post"),
        pytest.param({"references": f"<{POST}@x>", "in_reply_to": f"<{POST}@x>"}, "", "", "", id="own-people-answer"),
        pytest.param(
            {"references": f"<a@x> <{REFUSAL}@x> <{POST}@x>", "in_reply_to": f"<{POST}@x>"},
            *("", "", ""),
            id="a-refusal-further-up-says-nothing",
        ),
    ],
)
def test_marks_are_found_where_they_count(fields: dict[str, str], back: str, last: str, refusal: str) -> None:
    found = marks.find(facts(mail("", **fields)), (SECRET,))
    assert tuple(mark.kind if mark else "" for mark in found) == (back, last, refusal)
