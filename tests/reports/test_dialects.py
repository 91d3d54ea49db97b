"""Reports that no collection holds: other languages, layouts and spellings, and the same report written another way."""

from collections.abc import Callable

import pytest
from helpers.messages import facts, mail, report_in
from helpers.reports import RETURNED, REWRITES, block, complaint, multipart, notice, receipt, standard

from mailgate.reports import dsn
from mailgate.reports.report import Report

ANN = "ann@client.org"
COPY = f"Return-Path: <bounce@example.com>\n{RETURNED}"


def read(raw: bytes) -> Report | None:
    """What comes to a bounce address with the null reverse-path."""
    return report_in(facts(raw, reverse_path=""), expected=True)


def told(raw: bytes) -> list[tuple[str | None, str, str]]:
    """Recipient, action and status of every finding."""
    found = read(raw)
    return [(each.recipient, each.action, each.status) for each in found.findings] if found else []


LANGUAGES = {
    "en": ("Mail failure", "Your message could not be delivered to:\n\n  ann@client.org\n\nUser not known here.\n"),
    "de": (
        "Unzustellbar",
        "Ihre Nachricht konnte an folgende Empfänger nicht zugestellt werden:\n\n  ann@client.org\n\n"
        "Der Empfänger ist unbekannt.\n",
    ),
    "fr": (
        "Échec de la remise",
        "Votre message n'est pas parvenu aux destinataires suivants :\n\n  ann@client.org\n\n"
        "Cette adresse n'existe pas.\n",
    ),
    "es": ("Devuelto", "El mensaje no ha sido entregado a <ann@client.org>: usuario desconocido\n"),
    "pt": ("Falha na entrega", "A mensagem não foi entregue:\n\n<ann@client.org>: usuário inexistente\n"),
    "it": ("Errore di consegna", "Il messaggio non è stato consegnato a ann@client.org: utente sconosciuto\n"),
    "nl": ("Onbestelbaar", "Uw bericht kon niet worden afgeleverd bij:\n\nann@client.org\n\nGebruiker onbekend.\n"),
    "pl": (
        "Niedostarczona wiadomość",
        "Nie można dostarczyć wiadomości do:\n\nann@client.org\n\nUżytkownik nieznany.\n",
    ),
    "cs": ("Nedoručitelná zpráva", "Zprávu se nepodařilo doručit:\n\nann@client.org\n\nAdresa neexistuje.\n"),
    "sv": ("Olevererat", "Meddelandet kunde inte levereras till:\n\nann@client.org\n\nAnvändaren är okänd.\n"),
    "da": ("Fejl", "Din besked kunne ikke leveres til ann@client.org, da modtageren er ukendt.\n"),
    "fi": ("Viesti palautettu", "Viestiäsi ei voitu toimittaa vastaanottajalle:\n\nann@client.org\n"),
    "hu": ("Kézbesíthetetlen levél", "Az üzenetet nem sikerült kézbesíteni:\n\nann@client.org\n"),
    "tr": ("Teslim edilemedi", "İletiniz aşağıdaki alıcıya teslim edilemedi:\n\nann@client.org\n"),
    "el": ("Αποτυχία παράδοσης", "Το μήνυμά σας δεν παραδόθηκε:\n\nann@client.org\n"),
    "ru": (
        "Письмо не доставлено",
        "Ваше письмо не может быть доставлено:\n\nann@client.org\n\nПользователь не найден\n",
    ),
    "zh": ("系统退信", "您的邮件被退回。\n\n收件人：ann@client.org\n退信原因：用户不存在\n"),
    "zh-in-brackets": ("系统退信", "收件人（ann@client.org）的邮箱地址不存在，无法投递。\n"),
    "ja": ("不達通知", "メールを配信できませんでした。\n\n宛先: ann@client.org\n理由: ユーザが見つかりません\n"),
    "ko": ("메일 전송 실패", "메일을 전송하지 못했습니다.\n\n받는사람: ann@client.org\n"),
    "a-code-in-any": ("Xyzzy", "Plugh <ann@client.org>: (#5.1.1)\n"),
}
NO_REASON = ("fi", "hu", "tr", "el", "ko", "a-code-in-any")
"""Languages in which the table above gives none."""


@pytest.mark.parametrize(("subject", "text"), LANGUAGES.values(), ids=LANGUAGES)
def test_a_notice_in_any_language_is_read(subject: str, text: str) -> None:
    found = read(notice(text, subject=subject))
    assert found
    assert [(each.recipient, each.action) for each in found.findings] == [(ANN, "failed")]


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each not in NO_REASON])
def test_a_reason_in_any_language_has_its_kind(language: str) -> None:
    subject, text = LANGUAGES[language]
    found = read(notice(text, subject=subject))
    assert found
    assert [(each.kind, each.permanent) for each in found.findings] == [("no-such-address", True)]


LAYOUTS: dict[str, tuple[str, str]] = {
    "stars": ("Problems while trying to deliver your message:\n\n*** ann@client.org\nUser not known.\n", ""),
    "described-in-fields": (
        "This report relates to a message you sent with the following header fields:\n\n"
        "  Message-id: <orig.1@example.com>\n  Date: Mon, 3 Feb 2020 10:00:00 +0000\n  From: info@example.com\n"
        "  To: list@example.com\n\n"
        "Your message cannot be delivered to the following recipients:\n\n"
        "  Recipient address: ann@client.org\n  Reason: unknown host or domain\n",
        "",
    ),
    "copy-without-blanks-behind-colons": (
        "A permanent error. \n\nann@client.org Invalid Address, 550 5.1.1 <ann@client.org>... unknown\n\n"
        "Received:from mx.example.com by mx.client.org\n\twith SMTP id 12; Mon, 3 Feb 2020\nMessage-ID:\n"
        " <orig.1@example.com>\nTo:<ann@client.org>\nFrom:info@example.com\n",
        "5.1.1",
    ),
    "key-and-value": ("Delivery failed.\nrecipient=ann@client.org reason=(550 5.1.1 unknown)\n", "5.1.1"),
    "log-line": ("Delivery failed: to=<ann@client.org>, relay=mx, dsn=5.1.1, status=bounced\n", "5.1.1"),
    "authentication-results": (
        "Delivery failed permanently:\n\nann@client.org\n550 5.7.26 no\n\nspf=fail smtp.mailfrom=info@example.net;\n",
        "5.7.26",
    ),
    "authentication-results-in-the-sentence": (
        "It failed: 550 5.7.23 ann@client.org smtp.mailfrom=bounce@example.com spf=fail\n",
        "5.7.23",
    ),
    "mailto-behind": ("Could not be delivered to ann@client.org<mailto:ann@client.org>: 550 no such user\n", "5.0.0"),
    "two-sentences": (
        "We're sorry. The user ann@client.org, to whom you sent mail, has no mailbox with us: 5.1.1\n",
        "5.1.1",
    ),
    "matches": (
        "--------Message not delivered to the following:\n\n    ann         No matches to nameserver query\n\n"
        "--------Error Detail:\n\n    The message sent to\n    ann@client.org, was not delivered.\n",
        "",
    ),
}


@pytest.mark.parametrize(("text", "status"), LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_of_a_notice_is_read(text: str, status: str) -> None:
    assert told(notice(text)) == [(ANN, "failed", status)]


def test_a_description_is_searched_for_the_id_and_the_words_go_on_behind_it() -> None:
    found = read(notice(LAYOUTS["described-in-fields"][0]))
    assert found
    assert found.message_ids == ("<orig.1@example.com>",)
    assert found.findings[0].kind == "bad-domain"


ADDRESSES = {
    "apostrophe": "o'neil@client.org",
    "equals-sign": "prvs=12ab=ann=x.org@client.org",
    "plus-and-equals": "ann+list=a_b@sub.client.org",
    "quoted": '"ann lee"@client.org',
    "literal": "ann@[192.0.2.1]",
    "digits": "0123456789@client.org",
    "hyphens": "-ann-@a-b.client.org",
    "staff": "support@client.org",
    "postmaster": "postmaster@client.org",
    "a-label": "ann@xn--bcher-kva.org",
}
BRACKETS = {
    "qmail": "I could not deliver your message:\n\n<{}>:\n550 5.1.1 no such user\n",
    "dialogue": ">>> RCPT To:<{}>\n<<< 550 5.1.1 User unknown\n",
    "sentence": "Your mail could not be delivered to <{}> (550 5.1.1).\n",
}
BARE = {
    "alone": "Could not be delivered to the following addresses:\n\n    {}\n\n550 5.1.1 no such user\n",
    "with-a-reason": "Could not be delivered:\n\n{}: 550 5.1.1 no such user\n",
    "bold": "Could not be delivered:\n\n*{}*\n550 5.1.1 no such user\n",
    "in-quotes": "Could not be delivered to '{}': 550 5.1.1\n",
}


@pytest.mark.parametrize("text", BRACKETS.values(), ids=BRACKETS)
@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_in_brackets_is_the_recipient(address: str, text: str) -> None:
    assert told(notice(text.format(address))) == [(address, "failed", "5.1.1")]


PLAIN = [(text, name) for text in BARE for name in ("apostrophe", "plus-and-equals", "digits", "a-label")]
PLAIN = [each for each in PLAIN if each[1] != "plus-and-equals" or each[0] in ("alone", "bold")]
"""Without those where what stands before the last `=` would be a key, as in `rcpt=ann@client.org`."""


@pytest.mark.parametrize(("text", "name"), PLAIN)
def test_an_address_without_brackets_is_the_recipient(text: str, name: str) -> None:
    assert told(notice(BARE[text].format(ADDRESSES[name]))) == [(ADDRESSES[name], "failed", "5.1.1")]


def test_whom_to_ask_is_not_who_failed() -> None:
    text = (
        "Could not be delivered to {}: 550 5.1.1\n\nQuestions? Write to support@mx.client.org or abuse@mx.client.org.\n"
    )
    assert told(notice(text.format(ANN))) == [(ANN, "failed", "5.1.1")]
    assert told(notice("It could not be delivered. The mailbox support@mx.client.org has no answers.\n")) == [
        ("support@mx.client.org", "failed", "")
    ]


ASKED = {
    "please": "It could not be delivered to {0}: 550 5.1.1\n\nIf it is urgent, please write to eve@client.org.\n",
    "below": "It could not be delivered to {0}: 550 5.1.1\n\nPlease contact\n\n  eve@client.org\n",
    "moved": "It could not be delivered to {0}: 550 5.1.6\n\nThe new address is eve@client.org.\n",
    "de": "Ihre Nachricht an {0} wurde abgewiesen: 5.1.1\n\nBitte wenden Sie sich an eve@client.org.\n",
    "fr": "Votre message à {0} a été refusé : 5.1.1\n\nÉcrivez à eve@client.org\n",
    "es": "Su mensaje a {0} ha sido rechazado: 5.1.1\n\nEscriba a eve@client.org\n",
    "it": "Il messaggio per {0} è stato respinto: 5.1.1\n\nScriva a eve@client.org\n",
    "nl": "Uw bericht aan {0} is geweigerd: 5.1.1\n\nNeem contact op met eve@client.org\n",
}


@pytest.mark.parametrize("text", ASKED.values(), ids=ASKED)
def test_whom_to_write_to_instead_is_not_who_failed(text: str) -> None:
    assert [recipient for recipient, *_ in told(notice(text.format(ANN)))] == [ANN]


WRITTEN_TO = {
    "tried": "You tried to write to {0}, but this user is unknown.\n",
    "wrote": "The message you wrote to {0} was rejected: no such user.\n",
    "please": "Please see below why we could not deliver your mail to {0}: user unknown.\n",
    "resend": "Please resend your message to {0} later, it could not be delivered.\n",
    "de": "Ihre E-Mail an die neue Adresse {0} konnte nicht zugestellt werden.\n",
    "fr": "Votre message à la nouvelle adresse {0} n'a pas pu être remis.\n",
}


@pytest.mark.parametrize("text", WRITTEN_TO.values(), ids=WRITTEN_TO)
def test_whom_somebody_wrote_to_in_vain_is_who_failed(text: str) -> None:
    assert [recipient for recipient, *_ in told(notice(text.format(ANN)))] == [ANN]


WITHIN = {
    "this": "This failed: ann@client.org (unknown)\n",
    "within": "No such user within our system ann@client.org, sorry.\n",
    "which": "Mail of which ann@client.org was rejected: 550 user unknown\n",
    "machine": "Machine error for the mail of ann@client.org: failed\n",
    "nearby": "It was sent nearby: ann@client.org rejected it\n",
}


@pytest.mark.parametrize("text", WITHIN.values(), ids=WITHIN)
def test_words_within_words_mean_nothing(text: str) -> None:
    assert [recipient for recipient, *_ in told(notice(text))] == [ANN]


def test_recipients_of_exims_field_have_reasons_of_their_own() -> None:
    text = (
        "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. "
        "The following address(es) failed:\n\n"
        "  ann@client.org\n    SMTP error from remote mail server after RCPT TO:<ann@client.org>:\n"
        "    550 5.1.1 <ann@client.org>: user unknown\n"
        "  bob@client.org\n    SMTP error from remote mail server after RCPT TO:<bob@client.org>:\n"
        "    452 4.2.2 <bob@client.org>: mailbox over quota\n  carl@client.org\n    retry timeout exceeded\n"
    )
    found = read(notice(text, x_failed_recipients="ann@client.org,\n bob@client.org, carl@client.org, d@client.org"))
    assert found
    assert [(each.recipient, each.status, each.kind) for each in found.findings] == [
        ("ann@client.org", "5.1.1", "no-such-address"),
        ("bob@client.org", "4.2.2", "mailbox-full"),
        ("carl@client.org", "", "expired"),
        ("d@client.org", "", "unknown"),
    ]


BESIDE = {
    "connective": ("was not delivered to:\n\n  ann@client.org\n\nbecause:\n\n  Utterly xyzzy\n", "Utterly xyzzy"),
    "fields-below": (
        "Error: 550 5.2.2 quota exceeded\n\nIt failed for:\n\n  ann@client.org\n\nFrom: info@example.com\n",
        "Error: 550 5.2.2 quota exceeded",
    ),
    "ruled": (
        "550 5.2.2 quota exceeded\n\nIt failed for:\n\n  ann@client.org\n\nAdditional Information\n=========\n\n"
        "Sent by: MX\n",
        "550 5.2.2 quota exceeded",
    ),
}


@pytest.mark.parametrize(("text", "said"), BESIDE.values(), ids=BESIDE)
def test_what_stands_beside_an_address_is_no_reason_by_itself(text: str, said: str) -> None:
    found = read(notice(text))
    assert found
    assert [(each.recipient, each.diagnostic) for each in found.findings] == [(ANN, said)]


VERSIONS = {
    "text": ("This is Exim version 4.96.2.\n\n<ann@client.org>: retry timeout exceeded\n", ""),
    "like-a-code": ("Mail server v5.2.1 report\n\n<ann@client.org>: user unknown\n", ""),
    "in-words": ("MX release 5.2.1, version 4.2.1\n\n<ann@client.org>: user unknown\n", ""),
    "success-elsewhere": ("<ann@client.org>: 2.1.5 accepted, but 550 user unknown\n", "5.0.0"),
    "beside-a-code": ("Exim 4.96.2\n\n<ann@client.org>: 550 5.1.1 user unknown\n", "5.1.1"),
}


@pytest.mark.parametrize(("text", "status"), VERSIONS.values(), ids=VERSIONS)
def test_a_version_is_no_status(text: str, status: str) -> None:
    assert [each[2] for each in told(notice(text))] == [status]


CONTRADICTIONS = {
    "failed-with-success": (block(status="2.0.0", said="550 5.1.1 unknown"), "failed", "5.1.1"),
    "failed-with-success-and-a-version": (block(status="2.0.0", said="Exim 4.96.2: 550 no"), "failed", "5.0.0"),
    "failed-with-success-alone": (block(status="2.0.0"), "failed", ""),
    "delivered-with-failure": (block(None, "delivered", "5.0.0", "250 2.1.5 ok"), "delivered", "2.1.5"),
    "any-subject-in-the-field": (block(status="5.42.1"), "failed", "5.42.1"),
}


@pytest.mark.parametrize(("fields", "action", "status"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_status_that_contradicts_the_action(fields: str, action: str, status: str) -> None:
    assert [each[1:] for each in told(standard(fields))] == [(action, status)]


NO_ADDRESSES = {
    "delivered": (
        "LOCAL; ann",
        "delivered",
        "2.0.0",
        "Your message was delivered to ann@client.org.\n",
        "delivered",
        "2.0.0",
    ),
    "failed": ("x400; /S=ann/O=x/", "failed", "5.1.1", "It failed: <ann@client.org>\n", "failed", "5.1.1"),
    "delayed": ("sms; +49170", "delayed", "4.4.1", "It failed: <ann@client.org>: no answer\n", "delayed", "4.4.1"),
    "words-say-more": ("system; ann", "failed", "5.0.0", "<ann@client.org>: 550 5.2.2 full\n", "failed", "5.2.2"),
    "words-of-another-class": ("system; ann", "failed", "5.0.0", "<ann@client.org>: 4.2.2\n", "failed", "5.0.0"),
}


@pytest.mark.parametrize(
    ("final", "action", "status", "text", "became", "code"), NO_ADDRESSES.values(), ids=NO_ADDRESSES
)
def test_of_a_recipient_that_is_no_address_the_words_tell_the_name_alone(
    final: str, action: str, status: str, text: str, became: str, code: str
) -> None:
    fields = f"Final-Recipient: {final}\n{block(None, action, status)}"
    assert told(standard(fields, words=text)) == [(ANN, became, code)]


def test_several_recipients_that_are_no_addresses() -> None:
    stated = [dsn.Block(None, "delivered", "2.0.0"), dsn.Block(None, "failed", "5.1.1")]
    named = [dsn.Block(each, "failed", "", "x", basis=dsn.WORDS) for each in ("a@x.org", "b@x.org", "c@x.org")]
    pairs = [(each.recipient, each.action, each.status) for each in dsn.completed(stated, named[:2])]
    assert pairs == [("a@x.org", "delivered", "2.0.0"), ("b@x.org", "failed", "5.1.1")]
    assert dsn.completed(stated, named) == stated  # which of them is open
    assert [each.action for each in dsn.completed(stated[:1] * 2, named)] == ["delivered"] * 3
    assert dsn.completed([], named) == named
    assert dsn.completed(stated, []) == stated


def test_a_status_part_of_no_type_that_is_known() -> None:
    status = f"Reporting-MTA: dns; mx.client.org\n\n{block()}"
    parts = (("text/plain", "No."), ("application/octet-stream", status), ("application/pdf", "Action: failed\n"))
    assert told(multipart(*parts, subject="Notice")) == [(ANN, "failed", "5.1.1")]


def test_a_dialogue_names_also_those_who_were_accepted() -> None:
    text = (
        "It failed.\n\nout: MAIL FROM:<info@example.com>\nin: 250 OK\nout: RCPT TO:<{0}>\nin: 550 5.1.1 unknown\n"
        "out: RCPT TO:<tom@client.org>\nin: 250 OK\n"
    )
    assert told(notice(text.format(ANN))) == [(ANN, "failed", "5.1.1")]
    accepted = text.replace("550 5.1.1 unknown", "250 2.1.5 OK") + "out: DATA\nin: 554 5.6.0 no\n"
    assert {recipient for recipient, *_ in told(notice(accepted.format(ANN)))} == {ANN, "tom@client.org"}


def test_the_address_that_was_written_to_and_what_it_became() -> None:
    """As in the fields of RFC 3464, the original recipient is ours."""
    text = (
        "Your message cannot be delivered to the following recipients:\n\n"
        "  Recipient address: lee@mx.client.org\n  Original address: ann@client.org\n  Reason: Over quota\n"
    )
    assert told(notice(text)) == [(ANN, "failed", "")]


@pytest.mark.parametrize(
    "name", ["Message-ID", "Message ID", "message id", "Original message ID", "Original-Message-ID"]
)
def test_an_id_in_the_words_is_found(name: str) -> None:
    found = read(notice(f"Failed: <ann@client.org>\n{name}: <said@example.com>\nReason: unknown user\n"))
    assert found
    assert found.message_ids == ("<said@example.com>",)


def test_a_signature_is_not_who_failed() -> None:
    assert told(notice("It could not be delivered.\n\nYours,\nthe people of support@mx.client.org\n")) == [
        (None, "failed", "")
    ]


TRYING = {
    "still-trying": (
        "Warning",
        "   ----- Transient non-fatal errors -----\n<ann@client.org>\n\nDeferred: the server is still trying.\n",
    ),
    "sendmail": (
        "Warning: could not send message for past 4 hours",
        "   ----- The following addresses had transient non-fatal errors -----\n<ann@client.org>\n\n"
        "   ----- Transcript of session follows -----\n<ann@client.org>... Deferred: Connection timed out\n"
        "Warning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n",
    ),
    "postfix": (
        "Delayed Mail (still being retried)",
        "# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n\n"
        "Your message could not be delivered for more than 4 hour(s).\nIt will be retried until it is 5 day(s) old.\n\n"
        "<ann@client.org>: connect to mx.client.org[192.0.2.1]:25: Connection timed out\n",
    ),
    "de": (
        "Verzögerte Zustellung",
        "Ihre Nachricht konnte noch nicht zugestellt werden an:\n\nann@client.org\n\nWeitere Zustellversuche folgen.\n",
    ),
    "fr": (
        "Remise différée",
        "La remise de votre message à ann@client.org est retardée. Le serveur va réessayer pendant 2 jours.\n",
    ),
}
GIVEN_UP = {
    "in-words": ("Undeliverable", "Your message could not be delivered for 5 days.\n\n<ann@client.org>: timed out\n"),
    "queue": ("failure notice", "<ann@client.org>:\nI'm not going to try again; it has been in the queue too long.\n"),
    "returned": (
        "Returned mail: Cannot send message for 5 days",
        "   ----- The following addresses had permanent fatal errors -----\n<ann@client.org>\n\n"
        "<ann@client.org>... Deferred: Connection timed out\nMessage could not be delivered for 5 days\n",
    ),
    "no-attempts": (
        "Undelivered",
        "<ann@client.org>: permanent error, no further attempts will be made to deliver it.\n",
    ),
}


@pytest.mark.parametrize(
    ("subject", "text", "action"),
    [(*each, "delayed") for each in TRYING.values()] + [(*each, "failed") for each in GIVEN_UP.values()],
    ids=[*TRYING, *GIVEN_UP],
)
def test_still_trying_or_given_up(subject: str, text: str, action: str) -> None:
    assert [(recipient, what) for recipient, what, _ in told(notice(text, subject=subject))] == [(ANN, action)]


ORDERS = {
    "action-first": "Action: failed\nStatus: 5.1.1\n{0}\n\nAction: delayed\nStatus: 4.4.1\n{1}\n",
    "status-first": "Status: 5.1.1\nAction: failed\n{0}\n\nStatus: 4.4.1\nAction: delayed\n{1}\n",
    "action-first-without-an-empty-line": "Action: failed\nStatus: 5.1.1\n{0}\nAction: delayed\nStatus: 4.4.1\n{1}\n",
    "recipient-in-between": "Action: failed\n{0}\nStatus: 5.1.1\n\nAction: delayed\n{1}\nStatus: 4.4.1\n",
    "recipient-last-but-repeated": (
        "Action: failed\nStatus: 5.1.1\nOriginal-{0}\nFinal-{0}\n\nAction: delayed\nStatus: 4.4.1\nOriginal-{1}\n"
        "Final-{1}\n"
    ),
    "another-order-in-the-second": ("{0}\nAction: failed\nStatus: 5.1.1\n\nAction: delayed\nStatus: 4.4.1\n{1}\n"),
    "as-the-rfc-shows-it": "{0}\nAction: failed\nStatus: 5.1.1\n\n{1}\nAction: delayed\nStatus: 4.4.1\n",
}


@pytest.mark.parametrize("fields", ORDERS.values(), ids=ORDERS)
def test_the_fields_of_a_block_in_any_order(fields: str) -> None:
    """RFC 3464 section 2.1: they are grouped by empty lines, not by their order."""
    prefix = "" if "Final-" in fields else "Final-"
    text = fields.format(*(f"{prefix}Recipient: rfc822; {each}@client.org" for each in ("ann", "bob")))
    blocks = dsn.blocks(f"Reporting-MTA: dns; mx.client.org\n\n{text}")
    assert [(each.recipient, each.action, each.status) for each in blocks] == [
        (ANN, "failed", "5.1.1"),
        ("bob@client.org", "delayed", "4.4.1"),
    ]


def test_html_beside_a_footer_is_read() -> None:
    html = "<p>Your message to <b>ann@client.org</b> couldn't be delivered.</p><p>Error: 550 5.1.10 not found</p>"
    footer = ("text/plain", "Scanned by mx. Questions: help@mx.client.org")
    assert told(multipart(("text/html", html), footer, kind="mixed")) == [(ANN, "failed", "5.1.10")]


PERSON = {"from": "postmaster@client.org"}
NOBODY = {
    "ticket-that-quotes-a-report": mail(
        "Your ticket was created.\n\nYou wrote:\n> <ann@client.org>: 550 5.1.1 user unknown\n",
        auto_submitted="auto-generated",
    ),
    "ticket-that-quotes-its-fields": mail(
        "Your ticket was created.\n\nYou wrote:\n> Final-Recipient: rfc822; ann@client.org\n> Action: failed\n",
        auto_submitted="auto-generated",
    ),
    "vacation": mail("I'm away. Write to <ann@client.org> if it cannot wait.\n", auto_submitted="auto-replied"),
    "left-the-company": mail(
        "Bob has left the company and your message will not be read.\nPlease contact ann@client.org.\n",
        auto_submitted="auto-replied",
    ),
    "invitation": mail("ann@client.org has declined this invitation.\n", subject="Declined: Meeting"),
    "return-receipt": notice("Your message was successfully delivered to:\n\n<ann@client.org>\n", subject="Receipt"),
    "quarantine": notice("3 messages in quarantine:\n\nann@client.org  Offer\n", subject="Quarantine", **PERSON),
    "welcome": notice("Your mailbox is ready: ann@client.org\n", subject="Welcome", **PERSON),
}


@pytest.mark.parametrize("raw", NOBODY.values(), ids=NOBODY)
def test_ordinary_mail_is_no_report(raw: bytes) -> None:
    assert not [each for each in told(raw) if each[1] in ("failed", "delayed")]


SEEDS: dict[str, bytes] = {
    "standard": standard(block(said="550 5.1.1 <ann@client.org>: user unknown")),
    "several": standard(
        block(), block("bob@client.org", "delayed", "4.2.2"), block("carl@client.org", "delivered", "2.0.0")
    ),
    "headers-only": multipart(
        ("text/plain", "It failed."), ("message/delivery-status", block()), ("text/rfc822-headers", COPY)
    ),
    "notice": notice(f"{LAYOUTS['stars'][0]}\n--- Below this line is a copy of the message.\n\n{COPY}"),
    "notice-beside-its-copy": multipart(
        ("text/plain", "Could not deliver:\n\n<ann@client.org>: 550 5.2.2 quota exceeded\n"),
        ("message/rfc822", COPY),
        kind="mixed",
    ),
    "exim": notice("It could not be delivered.\n\n  ann@client.org\n    550 5.7.1 no\n", x_failed_recipients=ANN),
    "complaint": complaint("Original-Mail-From: <bounce+x@example.com>\nOriginal-Rcpt-To: ann@client.org\n"),
    "receipt": receipt(),
}


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
@pytest.mark.parametrize("raw", SEEDS.values(), ids=SEEDS)
def test_the_same_report_written_in_another_way(raw: bytes, rewrite: Callable[[bytes], bytes]) -> None:
    expected, found = read(raw), read(rewrite(raw))
    assert expected
    assert found
    assert found._replace(because="") == expected._replace(because="")


def test_every_rewrite_changes_something() -> None:
    """Each of them, in at least one report."""
    assert not [name for name, rewrite in REWRITES.items() if all(rewrite(raw) == raw for raw in SEEDS.values())]


FORWARDS: dict[str, Callable[[str], bytes]] = {
    "attached": lambda text: mail(
        f"--f\n\nWhat is this?\n--f\nContent-Type: message/rfc822\n\n{text}\n--f--\n",
        content_type="multipart/mixed; boundary=f",
    ),
    "attached-twice": lambda text: mail(
        "--f\n\nSee below.\n--f\nContent-Type: message/rfc822\n\n"
        f"From: Carl <carl@client.org>\nContent-Type: message/rfc822\n\n{text}\n--f--\n",
        content_type="multipart/mixed; boundary=f",
    ),
    "alone": lambda text: mail(text, content_type="message/rfc822"),
    "inline": lambda text: mail(f"FYI\n\n-------- Forwarded Message --------\n{text}"),
    "quoted": lambda text: mail("Why?\n\n" + "".join(f"> {row}\n" for row in text.split("\n"))),
}


@pytest.mark.parametrize("forward", FORWARDS.values(), ids=FORWARDS)
@pytest.mark.parametrize("raw", SEEDS.values(), ids=SEEDS)
def test_a_report_that_a_person_sends_on_is_none(raw: bytes, forward: Callable[[str], bytes]) -> None:
    for expected in (False, True):
        assert report_in(facts(forward(raw.decode())), expected=expected) is None
