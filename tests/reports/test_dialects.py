"""Reports that no collection holds: other languages, layouts and spellings, and the same report written another way."""

from collections.abc import Callable

import pytest
from build import facts, mail
from dialect import MUTATIONS, RETURNED, block, complaint, multipart, notice, receipt, standard

from mailgate.reports import dsn, report
from mailgate.reports.report import Report

ANN = "ann@client.org"
COPY = f"Return-Path: <bounce@example.com>\n{RETURNED}"


def read(raw: bytes) -> Report | None:
    """What comes to a bounce address with the null reverse-path."""
    return report.read(facts(raw, reverse_path=""), expected=True)


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
def test_languages(subject: str, text: str) -> None:
    found = read(notice(text, subject=subject))
    assert found
    assert [(each.recipient, each.action) for each in found.findings] == [(ANN, "failed")]


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each not in NO_REASON])
def test_reasons_of_languages(language: str) -> None:
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
def test_layouts(text: str, status: str) -> None:
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
def test_addresses_in_brackets(address: str, text: str) -> None:
    assert told(notice(text.format(address))) == [(address, "failed", "5.1.1")]


PLAIN = [(text, name) for text in BARE for name in ("apostrophe", "plus-and-equals", "digits", "a-label")]
PLAIN = [each for each in PLAIN if each[1] != "plus-and-equals" or each[0] in ("alone", "bold")]
"""Without those where what stands before the last `=` would be a key, as in `rcpt=ann@client.org`."""


@pytest.mark.parametrize(("text", "name"), PLAIN)
def test_addresses_without_brackets(text: str, name: str) -> None:
    assert told(notice(BARE[text].format(ADDRESSES[name]))) == [(ADDRESSES[name], "failed", "5.1.1")]


def test_whom_to_ask_is_not_who_failed() -> None:
    text = (
        "Could not be delivered to {}: 550 5.1.1\n\nQuestions? Write to support@mx.client.org or abuse@mx.client.org.\n"
    )
    assert told(notice(text.format(ANN))) == [(ANN, "failed", "5.1.1")]
    assert told(notice("It could not be delivered. The mailbox support@mx.client.org has no answers.\n")) == [
        ("support@mx.client.org", "failed", "")
    ]


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
    "quarantine": notice("3 messages in quarantine:\n\nann@client.org  Offer\n", subject="Quarantine"),
    "welcome": notice("Your mailbox is ready: ann@client.org\n", subject="Welcome"),
}


@pytest.mark.parametrize("raw", NOBODY.values(), ids=NOBODY)
def test_what_is_no_report(raw: bytes) -> None:
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


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS)
@pytest.mark.parametrize("raw", SEEDS.values(), ids=SEEDS)
def test_the_same_report_written_in_another_way(raw: bytes, mutate: Callable[[bytes], bytes]) -> None:
    expected, found = read(raw), read(mutate(raw))
    assert expected
    assert found
    assert found._replace(because="") == expected._replace(because="")


def test_mutations_change_something() -> None:
    """Each of them, in at least one report."""
    assert not [name for name, mutate in MUTATIONS.items() if all(mutate(raw) == raw for raw in SEEDS.values())]


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
        assert report.read(facts(forward(raw.decode())), expected=expected) is None
