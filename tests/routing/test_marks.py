"""Marks of ours: whether a message is our own coming back, or answers a refusal of ours."""

import pytest
from helpers.messages import SECRET, facts, mail

from mailgate.routing import marks
from mailgate.values import token

REFUSAL = token.new_mark(token.REFUSAL, SECRET, b"0123456789")
POST = token.new_mark(token.POST, SECRET, b"9876543210")
FORGED = token.new_mark(token.REFUSAL, b"another key", b"0123456789")


@pytest.mark.parametrize(
    ("fields", "own_author", "back", "refusal"),
    [
        pytest.param({}, False, "", "", id="nothing"),
        pytest.param({"message_id": f"<{REFUSAL}@example.com>"}, False, "r", "", id="our-refusal-by-its-id"),
        pytest.param({"message_id": f"<{POST}@example.com>"}, False, "p", "", id="our-post-by-its-id"),
        pytest.param({"message_id": f"<{FORGED}@example.com>"}, False, "", "", id="forged-id"),
        pytest.param({"x_mailgate_loop": POST}, False, "p", "", id="id-rewritten-field-left"),
        pytest.param({"x_mailgate_loop": FORGED}, False, "", "", id="forged-field"),
        pytest.param({"references": f"<a@x> <{REFUSAL}@ses.amazonaws.com>"}, True, "r", "r", id="only-references-left"),
        pytest.param({"references": f"<{REFUSAL}@x>"}, False, "", "r", id="answers-a-refusal-by-references"),
        pytest.param({"in_reply_to": f"<{REFUSAL}@x>"}, False, "", "r", id="answers-a-refusal-by-in-reply-to"),
        pytest.param({"in_reply_to": f"<{POST}@x>"}, False, "", "", id="answers-a-post"),
        pytest.param({"references": f"<{POST}@x>", "in_reply_to": f"<{POST}@x>"}, True, "", "", id="own-people-answer"),
    ],
)
def test_marks_are_found_where_they_count(fields: dict[str, str], own_author: bool, back: str, refusal: str) -> None:
    found = marks.find(facts(mail("", **fields)), (SECRET,), own_author=own_author)
    assert (found.back.kind if found.back else "", found.refusal.kind if found.refusal else "") == (back, refusal)
