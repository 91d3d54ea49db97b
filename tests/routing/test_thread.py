"""Which stored message is answered, and where the answer is posted."""

import itertools
from typing import Any

import pytest
from helpers.messages import HELP, INFO, JOBS, SALES, facts, known, mail, meant, state, stored

from mailgate.routing import thread
from mailgate.routing.state import Known, Placement, Seen
from mailgate.routing.thread import Replies
from mailgate.values.outcome import Effect
from mailgate.values.record import Ref

ONE, TWO, JOB = Ref("crm.lead", 1), Ref("crm.lead", 2), Ref("hr.job", 1)


def replies(*messages: Known, mentioned: dict[str, tuple[Known, ...]] | None = None, **more: Any) -> Replies:
    """What a message to info@ (in To and envelope, unless told otherwise) with these References answers."""
    recipient = more.pop("recipient", "info@example.com")
    raw = mail(
        "", **{key: more.pop(key) for key in list(more) if key in ("references", "in_reply_to", "to", "cc", "from")}
    )
    given = state(known=known(*messages), mentioned=mentioned or {}, **more)
    message = facts(raw, *([recipient] if recipient else []))
    return thread.parents(thread.answered(message, given), meant(message, given))


def where(found: Replies) -> list[str]:
    return [str(each.record) for each in found.posts]


A = stored(1, "<a@x>", ONE)
B = stored(2, "<b@x>", TWO)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        pytest.param({"in_reply_to": "<a@x>"}, "crm.lead/1", id="in-reply-to"),
        pytest.param({"references": "<a@x>"}, "crm.lead/1", id="references"),
        pytest.param({"references": "<a@x> <b@x>"}, "crm.lead/2", id="newest-stored-wins"),
        pytest.param({"references": "<b@x> <a@x>"}, "crm.lead/2", id="whatever-its-place"),
        pytest.param({"references": "<b@x>", "in_reply_to": "<a@x>"}, "crm.lead/2", id="also-across-fields"),
        pytest.param({"references": "<nope@x>", "in_reply_to": "<a@x>"}, "crm.lead/1", id="D1-unknown-references"),
        pytest.param({"references": "<a\n @x>"}, "crm.lead/1", id="id-folded"),
        pytest.param({"in_reply_to": "mail of Bob <nope@x> (<a@x>)"}, "crm.lead/1", id="several-ids-in-in-reply-to"),
        pytest.param(
            {"references": "<a@x> " + " ".join(f"<{n}@x>" for n in range(40))}, "crm.lead/1", id="beyond-32-ids"
        ),
        pytest.param({"references": "<A@X>"}, "", id="ids-are-compared-exactly"),
        pytest.param({"references": "<xa@x>"}, "", id="never-by-substring"),
        pytest.param({}, "", id="none"),
    ],
)
def test_the_newest_stored_message_named_is_answered(fields: dict[str, str], wanted: str) -> None:
    assert ", ".join(where(replies(A, B, **fields))) == wanted


def test_d2_an_id_that_holds_reply_to_is_an_id_like_any_other() -> None:
    assert where(replies(stored(1, "<reply_to.1@x>", ONE), references="<reply_to.1@x>")) == ["crm.lead/1"]


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        pytest.param([A, stored(2, "<a@x>", TWO, outgoing=True)], ["crm.lead/2"], id="our-own-message-first"),
        pytest.param(
            [stored(1, "<a@x>", ONE, outgoing=True), stored(2, "<a@x>", TWO)], ["crm.lead/1"], id="and-alone-if-older"
        ),
        pytest.param([A, stored(2, "<a@x>", TWO, reused=True)], [], id="I15-reused-id-makes-it-doubtful"),
        pytest.param(
            [A, stored(2, "<a@x>", TWO, reused=True, people=("bob@client.org",))],
            ["crm.lead/2"],
            id="but-not-for-who-takes-part",
        ),
        pytest.param([stored(2, "<a@x>", TWO, reused=True)], [], id="reused-alone-is-none-either"),
        pytest.param([stored(3, "<a@x>")], [], id="stored-but-on-no-record"),
        pytest.param([stored(3, "<a@x>", ONE, TWO)], ["crm.lead/2"], id="several-records-the-newest"),
        pytest.param([A, stored(2, "<a@x>", TWO)], ["crm.lead/2"], id="copies-one-each-the-newest-record"),
    ],
)
def test_an_id_stored_more_than_once_means_ours_else_the_first(messages: list[Known], wanted: list[str]) -> None:
    for order in itertools.permutations(messages):
        assert where(replies(*order, references="<a@x>", to="catchall@example.com", recipient=None)) == wanted


def test_the_parent_is_named() -> None:
    assert replies(A, B, references="<a@x> <b@x>").parent == "<b@x>"


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        pytest.param(frozenset({ONE, TWO}), ["crm.lead/2"], id="both-there"),
        pytest.param(frozenset({ONE}), ["crm.lead/1"], id="record-of-the-newest-gone"),
        pytest.param(frozenset(), [], id="both-gone"),
    ],
)
def test_a_record_that_no_longer_exists_is_no_reply(records: frozenset[Ref], wanted: list[str]) -> None:
    assert where(replies(A, B, references="<a@x> <b@x>", records=records)) == wanted


SPREAD = stored(5, "<s@x>", Placement(ONE, INFO), Placement(TWO, SALES))
COPIES = (stored(5, "<s@x>", ONE), stored(6, "<s@x>", TWO, by=SALES))


@pytest.mark.parametrize(
    "messages", [pytest.param((SPREAD,), id="one-message"), pytest.param(COPIES, id="a-copy-each")]
)
@pytest.mark.parametrize(
    ("to", "recipient", "wanted"),
    [
        pytest.param("info@example.com", "info@example.com", ["crm.lead/1"], id="its-alias-addressed"),
        pytest.param("sales@example.com", "sales@example.com", ["crm.lead/2"], id="the-other"),
        pytest.param(
            "info@example.com, sales@example.com", "info@example.com", ["crm.lead/1", "crm.lead/2"], id="both"
        ),
        pytest.param("catchall@example.com", "catchall@example.com", ["crm.lead/2"], id="none-so-the-newest"),
        pytest.param("x@y.org", "info@example.com", ["crm.lead/1"], id="as-a-blind-copy"),
    ],
)
def test_a_reply_is_posted_on_each_record_that_is_addressed_else_the_newest(
    messages: tuple[Known, ...], to: str, recipient: str, wanted: list[str]
) -> None:
    assert where(replies(*messages, references="<s@x>", to=to, recipient=recipient)) == wanted


@pytest.mark.parametrize(
    ("fields", "forward"),
    [
        pytest.param({"to": "jobs@example.com"}, {2}, id="alias-of-another-model-in-to"),
        pytest.param({"to": "jobs@example.com, info@example.com"}, {2}, id="with-the-same-model-beside"),
        pytest.param({"to": "info@example.com, jobs@example.com"}, {2}, id="in-any-order"),
        pytest.param({"to": "x@y.org", "recipient": "jobs@example.com"}, {2}, id="as-a-blind-copy"),
        pytest.param({"to": "jobs@example.com, help@other.test"}, {2, 4}, id="two-other-models"),
        pytest.param({"to": "info@example.com", "cc": "jobs@example.com"}, set(), id="cc-does-not-count"),
        pytest.param(
            {"to": "info@example.com", "cc": "jobs@example.com", "recipient": "jobs@example.com"},
            set(),
            id="not-even-for-the-copy-of-cc",
        ),
        pytest.param({"to": "sales@example.com"}, set(), id="another-alias-of-the-same-model"),
        pytest.param({"to": "catchall@example.com"}, set(), id="catchall"),
        pytest.param({"to": "jobs+x@example.com"}, {2}, id="with-a-detail"),
    ],
)
def test_an_alias_of_another_model_in_to_makes_a_forward(fields: dict[str, str], forward: set[int]) -> None:
    fields.setdefault("recipient", fields["to"].partition(",")[0])
    found = replies(A, references="<a@x>", **fields)
    assert (set(found.forward), bool(found.posts)) == (forward, not forward)


def test_a_forced_record_counts_by_its_model() -> None:
    forced = JOBS._replace(record=Ref("crm.lead", 9))
    given = state(INFO, forced, known=known(A))
    message = facts(mail(references="<a@x>", to="jobs@example.com"), "jobs@example.com")
    assert where(thread.parents(thread.answered(message, given), meant(message, given))) == ["crm.lead/1"]


def test_no_forward_where_the_id_is_stored_on_that_model_as_well() -> None:
    both = stored(1, "<a@x>", Placement(ONE, INFO), Placement(JOB, JOBS))
    found = replies(both, references="<a@x>", to="jobs@example.com", recipient="jobs@example.com")
    assert where(found) == ["hr.job/1"]


def test_no_forward_where_a_copy_stands_on_that_model() -> None:
    copies = (stored(1, "<a@x>", ONE), stored(2, "<a@x>", JOB, by=JOBS))
    found = replies(*copies, references="<a@x>", to="jobs@example.com", recipient="jobs@example.com")
    assert where(found) == ["hr.job/1"]


BY_BOB = stored(4, "<m4@x>", ONE, people=("bob@client.org",))
BY_EVE = stored(5, "<m5@x>", TWO, people=("eve@else.org",))


@pytest.mark.parametrize(
    ("messages", "fields", "wanted"),
    [
        pytest.param([BY_BOB], {}, ["crm.lead/1"], id="author-takes-part"),
        pytest.param([BY_EVE], {}, [], id="a-stranger-does-not"),
        pytest.param([BY_EVE], {"cc": "Eve <EVE@else.org>"}, ["crm.lead/2"], id="somebody-in-cc-does"),
        pytest.param([BY_EVE], {"to": "info@example.com, eve@else.org"}, ["crm.lead/2"], id="somebody-in-to-does"),
        pytest.param([BY_BOB, BY_EVE], {}, ["crm.lead/1"], id="newest-but-only-with-people"),
        pytest.param([BY_BOB], {"from": "a@x.org, b@x.org"}, [], id="author-unknown"),
    ],
)
def test_a_mentioned_id_counts_for_those_who_take_part(
    messages: list[Known], fields: dict[str, str], wanted: list[str]
) -> None:
    assert where(replies(mentioned={"<old@x>": tuple(messages)}, references="<old@x>", **fields)) == wanted


def test_a_mentioned_id_counts_last() -> None:
    newer = stored(9, "<m9@x>", TWO, people=("bob@client.org",))
    found = replies(A, mentioned={"<old@x>": (newer,)}, references="<old@x> <a@x>")
    assert where(found) == ["crm.lead/1"]


def test_a_mentioned_id_counts_where_the_stored_ones_lead_nowhere() -> None:
    held = stored(3, "<held@x>")
    assert where(replies(held, mentioned={"<old@x>": (BY_BOB,)}, references="<old@x> <held@x>")) == ["crm.lead/1"]


def test_a_copy_of_the_message_itself_mentions_nothing() -> None:
    seen = (Seen(Effect("create", "info@example.com"), BY_BOB.number, True, True),)
    assert where(replies(mentioned={"<old@x>": (BY_BOB,)}, references="<old@x>", seen=seen)) == []
    assert where(
        replies(mentioned={"<old@x>": (BY_EVE, BY_BOB)}, references="<old@x>", seen=seen, cc="eve@else.org")
    ) == ["crm.lead/2"]


def test_what_mentions_a_reused_id_is_no_parent() -> None:
    found = replies(mentioned={"<old@x>": (BY_BOB._replace(reused=True),)}, references="<old@x>")
    assert where(found) == []


def test_made_up_record_names_in_an_id_are_nothing() -> None:
    assert where(replies(A, references="<1234.567-openerp-1-crm.lead@host> <crm.lead/1@example.com>")) == []


def test_the_governing_alias_is_known_whatever_was_written_to() -> None:
    found = replies(
        stored(1, "<a@x>", Ref("help.ticket", 3), by=HELP),
        references="<a@x>",
        to="x@y.org",
        recipient="catchall@example.com",
    )
    assert [each.alias for each in found.posts] == [HELP]
