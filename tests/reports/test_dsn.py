"""The fields of a delivery status notification: one block for each recipient, whatever a server leaves out."""

import pytest

from mailgate.reports import dsn
from mailgate.reports.dsn import Block

ANN = "Final-Recipient: rfc822; ann@client.org\n"
CARL = "Final-Recipient: rfc822; carl@client.org\n"


def read(text: str) -> list[tuple[str | None, str, str]]:
    """(recipient, action, status) of every block."""
    return [(block.recipient, block.action, block.status) for block in dsn.blocks(text)]


@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("failed", "failed"),
        ("failure", "failed"),
        ("fail", "failed"),
        ("expired", "failed"),
        ("undeliverable", "failed"),
        ("bounced", "failed"),
        ("rejected", "failed"),
        ("delayed", "delayed"),
        ("delay", "delayed"),
        ("deferred", "delayed"),
        ("pending", "delayed"),
        ("delivered", "delivered"),
        ("deliverable", "delivered"),
        ("success", "delivered"),
        ("relayed", "relayed"),
        ("expanded", "expanded"),
        ("Failed (will not retry)", "failed"),
        ("  PENDING", "delayed"),
    ],
)
def test_every_word_for_an_action(word: str, action: str) -> None:
    assert read(f"{ANN}Action: {word}\n") == [("ann@client.org", action, "")]


@pytest.mark.parametrize(
    ("fields", "action", "status"),
    [
        pytest.param("Status: 5.1.1\n", "failed", "5.1.1", id="permanent"),
        pytest.param("Status: 4.4.1\n", "failed", "4.4.1", id="temporary-code-without-action-has-failed"),
        pytest.param("Status: 2.1.5\n", "delivered", "2.1.5", id="success"),
        pytest.param("Action: unheard-of\nStatus: 4.4.1\n", "delayed", "4.4.1", id="unknown-action-temporary-code"),
        pytest.param("Action: unheard-of\nStatus: 5.4.1\n", "failed", "5.4.1", id="unknown-action-permanent-code"),
        pytest.param("Action: unheard-of\nStatus: 2.0.0\n", "delivered", "2.0.0", id="unknown-action-success"),
        pytest.param("", "failed", "", id="nothing"),
    ],
)
def test_a_block_without_a_known_action(fields: str, action: str, status: str) -> None:
    assert read(f"{ANN}{fields}") == [("ann@client.org", action, status)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Action: failed\n", id="action-alone"),
        pytest.param("Status: 5.1.1\n", id="status-alone"),
        pytest.param("Diagnostic-Code: smtp; 550 no\n", id="diagnostic-alone"),
        pytest.param("Diagnostic-Code: smtp; 550 no\nRemote-MTA: dns; mx\nAction: failed\n", id="without-status"),
        pytest.param("Reporting-MTA: dns; mx.client.org\n", id="fields-of-the-message"),
        pytest.param("Action: failed\n--\nStatus: 5.1.1\n", id="parted-by-a-boundary"),
    ],
)
def test_fields_without_a_recipient_are_no_block(text: str) -> None:
    assert read(text) == []


def test_action_and_status_make_a_block_without_a_recipient() -> None:
    assert read("Action: failed\nStatus: 5.1.1\n") == [(None, "failed", "5.1.1")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f"{ANN}Action: failed\nStatus: 5.1.1\n{CARL}Action: delayed\nStatus: 4.4.1\n",
            [("ann@client.org", "failed", "5.1.1"), ("carl@client.org", "delayed", "4.4.1")],
            id="no-empty-line-between-two",
        ),
        pytest.param(
            f"Action: failed\n{ANN}Status: 5.1.1\nAction: delayed\n{CARL}Status: 4.4.1\n",
            [("ann@client.org", "failed", "5.1.1"), ("carl@client.org", "delayed", "4.4.1")],
            id="each-starts-with-its-action",
        ),
        pytest.param(
            f"{ANN}Action: failed\nStatus: 5.1.1\n\nAction: delayed\nStatus: 4.4.1\n",
            [("ann@client.org", "failed", "5.1.1"), (None, "delayed", "4.4.1")],
            id="second-one-without-a-recipient",
        ),
        pytest.param(
            f"{ANN}Action: failed\nStatus: 5.1.1\nAction: delayed\n",
            [("ann@client.org", "failed", "5.1.1")],
            id="repeated-action-without-an-empty-line",
        ),
        pytest.param(
            f"{ANN}Status: 5.1.1\nDiagnostic-Code: smtp; 550 no\n\nDiagnostic-Code: smtp; 551 no\n",
            [("ann@client.org", "failed", "5.1.1")],
            id="repeated-diagnostic-behind-an-empty-line",
        ),
        pytest.param(
            f"Remote-MTA: dns; mx\n{ANN}Action: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx2\nX-Supplementary-Info: x\n",
            [("ann@client.org", "failed", "5.1.1")],
            id="repeated-first-field-of-another-kind",
        ),
        pytest.param(
            f"Original-Recipient: rfc822; a@example.com\n\n{ANN}Action: failed\n",
            [("a@example.com", "failed", "")],
            id="empty-line-between-the-fields-of-one",
        ),
        pytest.param(
            f"{ANN}Action: failed\nStatus: 5.1.1\nOriginal-Recipient: rfc822; a@example.com\n",
            [("a@example.com", "failed", "5.1.1")],
            id="original-recipient-last",
        ),
    ],
)
def test_where_a_recipient_starts(text: str, expected: list[tuple[str | None, str, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("fields", "recipient"),
    [
        pytest.param("Final-Recipient: rfc822; ann@client.org", "ann@client.org", id="final"),
        pytest.param("X-Actual-Recipient: rfc822; ann@client.org", "ann@client.org", id="actual"),
        pytest.param(
            "Final-Recipient: LOCAL; ann\nX-Actual-Recipient: rfc822; ann@client.org",
            "ann@client.org",
            id="actual-last",
        ),
        pytest.param(
            "Final-Recipient: rfc822; final@client.org\nOriginal-Recipient: rfc822; original@client.org",
            "original@client.org",
            id="original-first",
        ),
        pytest.param("Final-Recipient: ann@client.org", "ann@client.org", id="no-type"),
        pytest.param("Final-Recipient: rfc822; smtp; ann@client.org", "ann@client.org", id="two-types"),
        pytest.param("Final-Recipient: rfc822; Ann <ann@client.org>", "ann@client.org", id="display-name"),
        pytest.param("Final-Recipient: rfc822; <@mx.x.org:ann@client.org>", "ann@client.org", id="source-route"),
        pytest.param("Final-Recipient: rfc822; @a.org,@b.org:ann@client.org", "ann@client.org", id="long-source-route"),
        pytest.param("Final-Recipient: rfc822; 'ann@client.org'", "ann@client.org", id="apostrophes"),
        pytest.param("Final-Recipient: rfc822; 'ann@client.org", "'ann@client.org", id="apostrophe-of-a-name"),
        pytest.param("Final-Recipient: rfc822; ann@client.org (mailbox 7)", "ann@client.org", id="behind-the-address"),
        pytest.param("Final-Recipient: utf-8; \\x{E4}@client.org", "ä@client.org", id="rfc-6533-escape"),
        pytest.param("Final-Recipient: rfc822; ann@client..org", "ann@client..org", id="invalid-domain"),
        pytest.param("Final-Recipient: LOCAL; ann", None, id="a-name"),
        pytest.param("Final-Recipient: X-Unix; |/usr/bin/program", None, id="a-pipe"),
    ],
)
def test_the_recipient_of_a_block(fields: str, recipient: str | None) -> None:
    assert [block.recipient for block in dsn.blocks(f"{fields}\nAction: failed\n")] == [recipient]


@pytest.mark.parametrize(
    ("status", "diagnostic", "action", "code"),
    [
        pytest.param("5.1.1", "550 5.7.1 no", "failed", "5.1.1", id="as-stated"),
        pytest.param("5.0.0", "550 5.7.1 no", "failed", "5.7.1", id="narrowed-within-its-class"),
        pytest.param("5.0.0", "450 4.7.1 no", "failed", "5.0.0", id="not-narrowed-to-another-class"),
        pytest.param("", "550 5.7.1 no", "failed", "5.7.1", id="only-in-the-diagnostic"),
        pytest.param("", "550 no", "failed", "5.0.0", id="class-of-a-reply-code"),
        pytest.param("", "550 no", "delivered", "", id="no-class-of-failure-for-a-success"),
        pytest.param("2.0.0", "550 5.1.1 no", "failed", "5.1.1", id="success-contradicts-failed"),
        pytest.param("2.0.0", "", "delayed", "", id="success-contradicts-delayed"),
        pytest.param("5.1.1", "", "delivered", "", id="failure-contradicts-delivered"),
        pytest.param("5.1.1 (bad)", "", "failed", "5.1.1", id="comment"),
        pytest.param("5.1.1.9", "", "failed", "", id="too-many-numbers"),
    ],
)
def test_the_code_of_a_block(status: str, diagnostic: str, action: str, code: str) -> None:
    assert dsn.code(status, diagnostic, action) == code


@pytest.mark.parametrize(
    ("stated", "named", "code"),
    [
        pytest.param("5.0.0", "5.1.1", "5.1.1", id="class-narrowed-by-the-words"),
        pytest.param("5.0.0", "4.2.2", "5.0.0", id="words-of-another-class"),
        pytest.param("5.1.1", "5.2.2", "5.1.1", id="code-kept"),
        pytest.param("", "4.2.2", "4.2.2", id="only-the-words-have-one"),
        pytest.param("5.0.0", "", "5.0.0", id="only-the-block-has-one"),
    ],
)
def test_completed_status(stated: str, named: str, code: str) -> None:
    words = Block("ann@client.org", "failed", named, "550 no", basis=dsn.WORDS)
    (block,) = dsn.completed([Block(None, "failed", stated)], [words])
    assert block == Block("ann@client.org", "failed", code, "550 no", basis=dsn.WORDS)


def test_completed_keeps_what_the_block_says() -> None:
    words = Block("ann@client.org", "failed", "5.1.1", "of the words", basis=dsn.WORDS)
    (block,) = dsn.completed([Block(None, "delayed", "4.2.2", "of the block", "mx.client.org")], [words])
    assert block == Block("ann@client.org", "delayed", "4.2.2", "of the block", "mx.client.org", dsn.WORDS)


def test_completed_with_several_codes_takes_none() -> None:
    stated = [Block(None, "failed", "5.1.1", "one"), Block(None, "failed", "5.2.2", "two")]
    words = [Block(f"{name}@client.org", "failed", "5.7.1", basis=dsn.WORDS) for name in ("ann", "bob", "carl")]
    assert [(block.action, block.status, block.diagnostic) for block in dsn.completed(stated, words)] == [
        ("failed", "5.7.1", "")
    ] * 3


@pytest.mark.parametrize(
    ("text", "has_code", "enhanced", "status_class"),
    [
        ("550 no", True, "", "5.0.0"),
        ("550 5.1.1 no", True, "5.1.1", "5.1.1"),
        ("450-4.2.2 full", True, "4.2.2", "4.2.2"),
        ("5.0.0", True, "", "5.0.0"),
        ("2.1.5 fine, then 5.1.1", True, "5.1.1", "5.1.1"),
        ("250 fine", False, "", ""),
        ("version 5.1.1", False, "", ""),
        ("v5.1.1", False, "", ""),
        ("192.0.2.1 and 5.10.1", False, "", ""),
        ("port 4500, 2550 mails, 5501", False, "", ""),
        ("592 nothing", False, "", ""),
    ],
)
def test_codes_in_words(text: str, has_code: bool, enhanced: str, status_class: str) -> None:
    assert (dsn.has_code(text), dsn.enhanced(text), dsn.status_class(text)) == (has_code, enhanced, status_class)
