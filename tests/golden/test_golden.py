"""What `mailgate route --json` says about golden mails, compared whole.

A golden mail is a pair of files: NN-name.eml, the message, and NN-name.json, what becomes of it. `MAILS` says how it
arrives, `situation.py` what happened before. Generated ids and signed addresses stand in both files as
`{{placeholders}}`.

When a change is intended, write the .json files again and review the difference before you commit it:

    .venv/bin/pytest tests/golden --write-golden
    git diff tests/golden
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.contract import CLASSES, OUTCOMES, REPORTS

from golden.situation import Mail, Situation
from mailgate.routing import decide
from mailgate.values import status

FOLDER = Path(__file__).parent
ROUTING = FOLDER.parent.parent / "mailgate" / "routing"

BY_STATUS = '[refusals]\nby = "status"\n'
BLOCKED_BY_STATUS = '[refusals]\nblocked = "status"\n'
SMALL = "[limits]\nmax_size = 250\n"
CEILING = "[limits]\nrecords_per_alias = 3\n"
TRUST = '[authentication]\ntrusted_authserv_ids = ["mx.example.com"]\nborder_strips = true\n'

MAILS: dict[str, Mail] = {
    "01-an-alias-makes-a-record": Mail(("info@example.com",)),
    "02-one-recipient-of-three-is-unknown": Mail(("info@example.com", "nobody@example.com", "jobs@example.com")),
    "03-a-refusal-that-nobody-may-be-told-is-held": Mail(("info@example.com", "nobody@example.com")),
    "04-an-unknown-address-is-refused": Mail(("nobody@example.com",)),
    "05-no-address-of-ours-is-named": Mail(),
    "06-the-headers-speak-for-a-transport-address": Mail(("gateway@mailhost.internal",)),
    "07-an-alias-is-detected-in-a-foreign-domain": Mail(("support@friend.test",)),
    "08-an-alias-under-another-name-of-its-domain": Mail(("sales@example.net",)),
    "09-an-alias-by-its-retired-name": Mail(("helpdesk@example.com",)),
    "10-an-alias-with-a-detail": Mail(("Sales+Spring@Example.COM",)),
    "11-an-alias-posts-on-its-record": Mail(("website@example.com",), reverse_path="carl@client.org"),
    "12-the-record-of-an-alias-is-gone": Mail(("lost@example.com", "jobs@example.com")),
    "13-the-fallback-takes-an-unknown-address": Mail(("nobody@example.com",), fallback="crm.lead"),
    "14-the-fallback-takes-mail-for-nobody": Mail(fallback="crm.lead"),
    "15-a-reply-by-references": Mail(("sales@example.com",)),
    "16-a-reply-to-an-unknown-address": Mail(("nobody@example.com",)),
    "17-a-reply-to-a-signed-address": Mail(("{{answer to post}}",)),
    "18-a-reply-to-a-signed-address-names-its-parent": Mail(("{{answer to post}}",)),
    "19-a-stranger-uses-a-signed-address": Mail(("{{answer to post}}",), reverse_path="mallory@stranger.test"),
    "20-a-signed-address-beside-an-alias-of-another-model": Mail(("{{answer to post}}",)),
    "21-a-forged-signed-address": Mail(("info+mg1r2gaaaaaaaaaaaaaaaad@example.com",)),
    "22-a-signed-address-of-a-lost-key": Mail(("{{answer to old post}}",), reverse_path="carl@client.org"),
    "23-a-forward-to-an-alias-of-another-model": Mail(("jobs@example.com",)),
    "24-a-copy-to-an-alias-of-another-model-is-a-reply": Mail(("info@example.com", "jobs@example.com")),
    "25-an-answer-on-every-record-that-is-addressed": Mail(("info@example.com", "jobs@example.com")),
    "26-an-answer-on-the-newest-of-two-records": Mail(("catchall@example.com",)),
    "27-the-newest-of-several-ids-wins": Mail(("catchall@example.com",)),
    "28-an-id-mentioned-by-somebody-who-takes-part": Mail(("info@example.com",)),
    "29-an-id-mentioned-by-a-stranger": Mail(("info@example.com",), reverse_path="mallory@stranger.test"),
    "30-an-answer-on-a-record-that-is-gone": Mail(("sales@example.com",), reverse_path="carl@client.org"),
    "31-an-outsider-answers": Mail(("info@example.com",), reverse_path="eve@stranger.test"),
    "32-an-outsider-answers-where-only-participants-may": Mail(
        ("closed@example.com",), reverse_path="eve@stranger.test"
    ),
    "33-a-catchall-refuses": Mail(("catchall@example.com",)),
    "34-a-catchall-refuses-by-status": Mail(("catchall@example.com",), settings=BY_STATUS),
    "35-a-catchall-beside-an-alias-changes-nothing": Mail(("catchall@example.com", "info@example.com")),
    "36-a-catchall-beside-an-unknown-address-and-postmaster": Mail(),
    "37-a-refusal-is-sent-once-in-the-window": Mail(("catchall@example.com",), reverse_path="mallory@stranger.test"),
    "38-a-refusal-is-sent-five-times-a-day": Mail(("tasks@example.com",), reverse_path="zoe@stranger.test"),
    "39-a-refusal-for-a-blind-copy-is-held": Mail(("catchall@example.com",)),
    "40-a-refusal-for-a-list-is-held-quietly": Mail(("catchall@example.com",)),
    "41-postmaster-always-exists": Mail(("Postmaster@example.com",)),
    "42-postmaster-beside-an-alias": Mail(("postmaster@other.test",)),
    "43-abuse-without-an-envelope": Mail(),
    "44-a-catchall-captures": Mail(("catchall@capture.test",)),
    "45-a-bounce-address-captures": Mail(("bounce@capture.test",)),
    "46-a-provider-asks-to-confirm-a-forwarding": Mail(
        ("catchall@example.com",), reverse_path="forwarding-noreply@google.com"
    ),
    "47-a-blocked-sender-is-held": Mail(("info@example.com",), reverse_path="spammer@evil.test"),
    "48-a-blocked-sender-is-refused-by-status": Mail(
        ("info@example.com",), reverse_path="spammer@evil.test", settings=BLOCKED_BY_STATUS
    ),
    "49-spam-is-held": Mail(("info@example.com",)),
    "50-spam-for-two-aliases": Mail(("lenient@example.com", "info@example.com")),
    "51-spam-is-taken-as-an-answer-by-a-lenient-alias": Mail(("catchall@example.com",), reverse_path="dora@client.org"),
    "52-a-contact-is-forged": Mail(("info@example.com",), reverse_path="ann@partner.org", settings=TRUST),
    "53-a-stranger-is-forged": Mail(("catchall@example.com",), reverse_path="mallory@stranger.test", settings=TRUST),
    "54-a-contact-is-authenticated": Mail(("orders@example.com",), reverse_path="ann@partner.org", settings=TRUST),
    "55-a-contact-is-not-authenticated": Mail(("orders@example.com",), reverse_path="ann@partner.org", settings=TRUST),
    "56-the-author-is-unknown": Mail(("partners@example.com",)),
    "57-the-author-is-a-local-address": Mail(("partners@example.com",), reverse_path="info@example.com"),
    "58-a-member-may-write": Mail(("board@example.com",), reverse_path="max@partner.org"),
    "59-a-contact-is-no-member": Mail(("board@example.com",), reverse_path="ann@partner.org", settings=BY_STATUS),
    "60-two-refusals-beside-a-record": Mail(("partners@example.com", "board@example.com", "info@example.com")),
    "61-automatic-mail-is-held-by-its-alias": Mail(("people@example.com",)),
    "62-automatic-mail-is-refused-by-its-alias": Mail(("persons@example.com",)),
    "63-too-many-new-records": Mail(("sales@example.com",), reverse_path="ivy@busy.test"),
    "64-too-many-new-records-by-a-machine": Mail(("info@example.com",), reverse_path="ivy@busy.test"),
    "65-an-allowed-sender-makes-as-many-as-they-like": Mail(("sales@example.com",), reverse_path="ivan@busy.test"),
    "66-kept-mail-is-not-counted": Mail(("info@example.com",), reverse_path="ivy@busy.test", source="file"),
    "67-an-alias-reaches-its-ceiling": Mail(("info@example.com", "jobs@example.com"), settings=CEILING),
    "68-too-large": Mail(("info@example.com", "jobs@example.com"), settings=SMALL),
    "69-too-large-and-collected": Mail(source="fetch", settings=SMALL),
    "70-too-large-and-only-its-header-was-collected": Mail(source="fetch", full_size=60_000_000),
    "71-collected-mail-for-nobody": Mail(source="fetch"),
    "72-collected-mail-is-refused-by-a-reply": Mail(reverse_path=None, source="fetch", settings=BY_STATUS),
    "73-kept-mail-is-never-answered": Mail(("catchall@example.com",), source="file"),
    "74-mail-that-cannot-be-read-is-held": Mail(
        ("info@example.com",), failure="RecursionError: maximum recursion depth exceeded"
    ),
    "75-a-duplicate": Mail(("info@example.com",)),
    "76-a-duplicate-for-one-recipient-more": Mail(("info@example.com", "jobs@example.com", "sales@example.com")),
    "77-a-refusal-again": Mail(("catchall@example.com",), reverse_path="mallory@stranger.test"),
    "78-a-held-mail-again": Mail(("abuse@example.com",), reverse_path="mallory@stranger.test"),
    "79-a-lists-copy-of-a-mail": Mail(("info@example.com",)),
    "80-an-id-that-was-used-before": Mail(("info@example.com",)),
    "81-no-id-at-all": Mail(("info@example.com",)),
    "82-our-own-message-comes-back": Mail(("info@example.com",), reverse_path="bob@client.org"),
    "83-what-another-program-sent-comes-back": Mail(("info@example.com",), reverse_path="sales@example.com"),
    "84-a-machine-answers-a-refusal": Mail(("info@example.com",), reverse_path="mallory@stranger.test"),
    "85-a-person-answers-a-refusal-at-the-contact-address": Mail(
        ("office@example.com",), reverse_path="mallory@stranger.test"
    ),
    "86-a-person-answers-a-refusal-elsewhere": Mail(("info@example.com",), reverse_path="mallory@stranger.test"),
    "87-a-person-answers-a-refusal-where-nobody-is": Mail(reverse_path="mallory@stranger.test"),
    "88-a-report-to-a-signed-return-address": Mail(("{{return of post}}",), reverse_path=""),
    "89-a-report-that-only-names-our-message": Mail(("bounce@example.com",), reverse_path=""),
    "90-a-report-of-a-delay": Mail(("{{return of post}}",), reverse_path=""),
    "91-a-report-of-a-delivery": Mail(("{{return of post}}",), reverse_path=""),
    "92-a-report-about-a-refusal-of-ours": Mail(("bounce@example.com",), reverse_path=""),
    "93-a-disposition-notification": Mail(("{{answer to post}}",), reverse_path=""),
    "94-a-complaint": Mail(("abuse@example.com",), reverse_path=""),
    "95-an-automatic-answer-to-a-bounce-address": Mail(("{{return of post}}",), reverse_path=""),
    "96-a-person-writes-to-a-bounce-address": Mail(("bounce@example.com",)),
    "97-a-bounce-address-beside-an-alias": Mail(("info@example.com",)),
    "98-a-machines-mail-that-is-no-report": Mail(("info@example.com",), reverse_path="<>"),
    "99-a-report-of-an-unknown-kind": Mail(("info@example.com",), reverse_path=""),
}
"""Every golden mail, and how it arrives."""

VERDICTS = {
    "size": {"pass", "hold", "refuse"},
    "duplicate": {"pass", "seen", "reused-id"},
    "loop-mark": {"pass", "ignore", "hold"},
    "report": {"pass", "bounce", "ignore", "hold"},
    "automatic": {"person", "automatic", "list"},
    "sender": {"no verdict", "pass", "fail", "own", "spam", "hold", "refuse"},
    "reply": {"pass", "crm.lead/1"},
    "catchall": {"pass", "refuse", "hold"},
    "alias": {"none", "crm.lead", "project/1", "misconfigured, hr.job"},
    "fallback": {"none", "crm.lead"},
    "no-route": {"refuse", "hold"},
    "permission": {"pass", "refuse", "hold"},
    "rate": {"pass", "refuse", "defer"},
}
"""Every rule, and what it may say; some of the records and models that `reply`, `alias` and `fallback` may name."""


@pytest.fixture(scope="module")
def situation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Situation]:
    """The store at which all of them arrive; `route` writes nothing."""
    made = Situation(tmp_path_factory.mktemp("golden"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def trees() -> list[dict[str, Any]]:
    """What the .json files say."""
    return [json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in MAILS]


@pytest.mark.parametrize("name", MAILS)
def test_a_golden_mail_is_explained_as_before(name: str, situation: Situation, request: pytest.FixtureRequest) -> None:
    text = situation.route((FOLDER / f"{name}.eml").read_bytes(), MAILS[name])
    file = FOLDER / f"{name}.json"
    if request.config.getoption("--write-golden"):
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), "if this is intended: .venv/bin/pytest tests/golden --write-golden"


def test_every_golden_mail_has_its_two_files_and_no_file_is_left_over() -> None:
    files = {path.name for path in FOLDER.iterdir() if path.suffix in (".eml", ".json")}
    assert files == {f"{name}.{suffix}" for name in MAILS for suffix in ("eml", "json")}


def test_golden_mails_are_numbered_in_their_order() -> None:
    assert [name.partition("-")[0] for name in MAILS] == [f"{number:02}" for number in range(1, len(MAILS) + 1)]


def test_golden_mails_cover_every_rule_and_every_verdict(trees: list[dict[str, Any]]) -> None:
    said: dict[str, set[str]] = {}
    for step in (step for tree in trees for step in tree["steps"]):
        said.setdefault(step["rule"], set()).add(step["verdict"])
    assert set(VERDICTS) == set(decide.ORDER) == set(said) - {"failed"}
    open_ended = ("reply", "alias", "fallback")  # they name models and records
    assert {rule: words & VERDICTS[rule] if rule in open_ended else words for rule, words in said.items()} == {
        **VERDICTS,
        "failed": {"hold"},
    }


def test_golden_mails_cover_every_action_and_every_reason(trees: list[dict[str, Any]]) -> None:
    said: dict[str, set[str]] = {}
    for outcome in (outcome for tree in trees for outcome in tree["outcomes"]):
        said.setdefault(outcome["action"], set()).add(outcome["reason"])
    assert said == OUTCOMES


def test_every_reason_that_the_rules_name_is_covered() -> None:
    named = {pair for path in ROUTING.glob("*.py") for pair in _named(ast.parse(path.read_text("utf-8")))}
    assert ("hold", "spam") in named
    assert not {(action, reason) for action, reason in named if reason not in OUTCOMES[action]}


def _named(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The actions and reasons in calls such as `outcome("hold", "spam", ...)`."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or len(call.args) < 2 or not isinstance(call.args[0], ast.Constant):
            continue
        if call.args[0].value not in OUTCOMES:
            continue
        branches = call.args[1]
        words = [branches.body, branches.orelse] if isinstance(branches, ast.IfExp) else [branches]
        yield from ((call.args[0].value, word.value) for word in words if isinstance(word, ast.Constant))


def test_golden_mails_cover_every_class_every_kind_of_report_and_every_exit_status(trees: list[dict[str, Any]]) -> None:
    assert {tree["message"]["class"] for tree in trees} == CLASSES
    assert {outcome["report"] for tree in trees for outcome in tree["outcomes"] if "report" in outcome} == REPORTS
    assert {tree["mta"]["exit"] for tree in trees} == set(status.EXITS)
    assert {letter["kind"] for tree in trees for letter in tree["outgoing"]} == {"refusal", "copy"}
