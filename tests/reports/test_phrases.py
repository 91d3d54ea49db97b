"""What became of a message, in the words of many languages: failed, still on its way, arrived; and what is no mail."""

import pytest
from helpers.messages import facts, mail, report_in
from helpers.reports import RETURNED, multipart, notice

from mailgate.reports import phrases
from mailgate.reports.report import Report

ANN = "ann@client.org"


def read(raw: bytes, *, expected: bool = False) -> Report | None:
    """What comes with the null reverse-path."""
    return report_in(facts(raw, reverse_path=""), expected=expected)


def told(raw: bytes, *, expected: bool = False) -> list[tuple[str | None, str]]:
    """Recipient and action of every finding."""
    found = read(raw, expected=expected)
    return [(each.recipient, each.action) for each in found.findings] if found else []


REFUSED = {
    "en": ("Non delivery report", "ann@client.org is not listed in the directory"),
    "de": ("Nachricht abgewiesen", "Ihre Nachricht an ann@client.org wurde abgewiesen: Postfach voll"),
    "de-came-back": ("Rückläufer", "Die E-Mail an ann@client.org kam zurück."),
    "fr": ("Message refusé", "Votre message à ann@client.org a été refusé : boîte pleine"),
    "es": ("Mensaje rechazado", "Su mensaje a ann@client.org ha sido rechazado: buzón lleno"),
    "pt": ("Mensagem devolvida", "Sua mensagem para ann@client.org foi devolvida: caixa postal cheia"),
    "it": ("Messaggio respinto", "Il suo messaggio per ann@client.org e' stato respinto: casella piena"),
    "nl": ("Bericht geweigerd", "Uw bericht aan ann@client.org is geweigerd: postvak vol"),
    "cs": ("Zpráva", "Vaše zpráva nebyla doručena:\n\n  ann@client.org"),
    "sv": ("Meddelande", "Det gick inte att leverera till ann@client.org"),
    "tr": ("İleti", "Mesajınız ann@client.org adresine gönderilemedi."),
    "hu": ("Levél", "A levél kézbesítése sikertelen:\n\n  ann@client.org"),
    "ro": ("Mesaj nelivrat", "Mesajul nu a putut fi livrat către:\n\n  ann@client.org"),
    "hr": ("Poruka", "Poruka nije isporučena:\n\n  ann@client.org"),
    "bg": ("Писмо", "Писмото не е доставено до:\n\n  ann@client.org"),
    "ca": ("Missatge", "El missatge no s'ha pogut lliurar a:\n\n  ann@client.org"),
    "lt": ("Laiškas", "Laiškas nepristatytas:\n\n  ann@client.org"),
    "vi": ("Thư trả lại", "Không gửi được thư đến:\n\n  ann@client.org"),
    "id": ("Surat kembali", "Pesan Anda tidak dapat dikirim ke:\n\n  ann@client.org"),
    "he": ("הודעה חוזרת", "ההודעה לא נמסרה:\n\n  ann@client.org"),
    "ar": ("رسالة مرتجعة", "تعذر تسليم الرسالة:\n\n  ann@client.org"),
    "th": ("แจ้งเตือน", "ไม่สามารถส่งข้อความถึง\n\n  ann@client.org"),
}


@pytest.mark.parametrize(("subject", "text"), REFUSED.values(), ids=REFUSED)
def test_a_daemon_refuses_in_any_language(subject: str, text: str) -> None:
    """Also where no report is expected."""
    assert told(notice(text + "\n", subject=subject)) == [(ANN, "failed")]


OPAQUE = {
    "alone": ("Skeyti", "Skeytið komst ekki til skila:\n\n  ann@client.org\n", ANN),
    "in-words-nobody-foresaw": ("Mail System", "Account ann@client.org gone\n", ANN),
    "nobody-named": ("Skeyti", "Skeytið komst ekki til skila.\n", None),
}


@pytest.mark.parametrize(("subject", "text", "recipient"), OPAQUE.values(), ids=OPAQUE)
def test_a_daemon_that_nobody_understands_is_a_failure_at_a_bounce_address(
    subject: str, text: str, recipient: str | None
) -> None:
    """Nothing more can be known of it: neither that it lasts, nor that it proves anything."""
    raw = notice(text, subject=subject)
    assert read(raw) is None
    found = read(raw, expected=True)
    assert found
    assert [(each.recipient, each.action, each.kind, each.permanent, each.basis) for each in found.findings] == [
        (recipient, "failed", "unknown", False, "opaque")
    ]


def test_what_a_daemon_gives_back_has_failed_in_any_language() -> None:
    """Also where no report is expected."""
    words = ("text/plain; charset=utf-8", "Skeytið komst ekki til skila:\n\n  ann@client.org\n")
    raw = multipart(words, ("message/rfc822", RETURNED), kind="mixed", subject="Skeyti")
    assert told(raw) == [(ANN, "failed")]
    assert told(notice(f"{words[1]}\n--- Original message ---\n\n{RETURNED}", subject="Skeyti")) == [(ANN, "failed")]


@pytest.mark.parametrize(
    "text", ["3 messages in quarantine:\n\nann@client.org  Offer\n", "Your mailbox is ready: ann@client.org\n"]
)
def test_other_mail_of_a_daemon_is_none_at_an_alias(text: str) -> None:
    assert read(notice(text, subject="News")) is None


TRYING = {
    "en-gmail": "There was a temporary problem delivering your message to ann@client.org. We will retry for 46 more "
    "hours. You'll be notified if the delivery fails permanently.",
    "en-wrapped": "There was a problem delivering your message to ann@client.org. We will retry for 46 hours. You'll "
    "be notified\nif the delivery fails permanently.",
    "en-returned-then": "ann@client.org: Connection refused\nThe server will continue to attempt delivery for 5 days; "
    "if not delivered then, it is returned to you.",
    "en-unless": "The message to ann@client.org is still queued. It is returned to you unless it is accepted.",
    "en-eventually": "<ann@client.org>: busy\n\nWe are still trying.\nEventually we give up, and when that happens, "
    "the message is returned.",
    "en-goes-on": "There was trouble delivering to ann@client.org; your message is queued for later. Attempts go on.",
    "en-in-the-queue": "Your message is still in the queue and was not yet delivered:\n\n ann@client.org (no answer)",
    "de": "Ihre Nachricht konnte noch nicht zugestellt werden:\n\nann@client.org\n\nWeitere Zustellversuche folgen. "
    "Wenn sie endgültig scheitern, erhalten Sie eine weitere Nachricht.",
    "fr": "Votre message n'a pas encore pu être remis. De nouvelles tentatives auront lieu.\n\n  ann@client.org",
    "es": "El mensaje aún no se ha podido entregar; se seguirá intentando durante 3 días.\n\n  ann@client.org",
    "it": "Il messaggio non è ancora stato consegnato. Il server continuerà a provare.\n\n  ann@client.org",
    "pt": "A mensagem ainda não foi entregue. O servidor continuará tentando.\n\n  ann@client.org",
    "nl": "Uw bericht is nog niet afgeleverd. Er wordt nog 3 dagen geprobeerd.\n\n  ann@client.org",
    "pl": "Wiadomość jeszcze nie została dostarczona.\n\n  ann@client.org",
    "sv": "Meddelandet kunde ännu inte levereras.\n\n  ann@client.org",
    "ru": "Письмо ещё не доставлено. Попытки доставки будут продолжены.\n\n  ann@client.org",
    "zh": "您的邮件尚未送达，系统将继续尝试投递。\n\n收件人：ann@client.org",
    "ja": "メールの配送が遅延しています。\n\n<ann@client.org>: 450 4.2.0",
}
GIVEN_UP = {
    "en": "We kept trying for 5 days: delivery was delayed. Now it is returned to you.\n\n<ann@client.org>: busy",
    "en-and-asks": "Delivery to <ann@client.org> was delayed and failed permanently.\n\nIf you have questions, ask us.",
    "de": "Die Zustellung verzögerte sich; sie ist endgültig gescheitert:\n\nann@client.org",
    "zh": "投递已延迟，系统已放弃，无法投递。\n\n收件人：ann@client.org",
    "en-advice": "Your message to ann@client.org could not be delivered. Please check the address and try again.",
    "de-advice": "Ihre Nachricht an ann@client.org ist unzustellbar. Bitte versuchen Sie es erneut.",
    "fr-advice": "Votre message à ann@client.org n'a pas été distribué. Nouvelle tentative inutile.",
    "es-advice": "No se pudo entregar el mensaje a ann@client.org. Compruebe la dirección y vuelva a intentarlo.",
    "ja-advice": "ann@client.org 宛のメールは配信できませんでした。ご確認の上、再送してください。",
    "zh-not-opened": "邮箱尚未开通，您的邮件被退回。\n\n收件人：ann@client.org",
}


@pytest.mark.parametrize(
    ("text", "action"),
    [(text, "delayed") for text in TRYING.values()] + [(text, "failed") for text in GIVEN_UP.values()],
    ids=[f"trying-{each}" for each in TRYING] + [f"given-up-{each}" for each in GIVEN_UP],
)
def test_what_may_come_has_not_happened(text: str, action: str) -> None:
    assert told(notice(text + "\n", subject="Your mail")) == [(ANN, action)]


SUCCESS = {
    "postfix": "Your message was successfully delivered to the destination(s)\nlisted below. If the message was "
    "delivered to mailbox you will\nreceive no further notifications. Otherwise you may still receive\nnotifications "
    "of mail delivery errors from other systems.\n\n<ann@client.org>: delivery via lmtp: delivered",
    "short": "Your message was successfully delivered to <ann@client.org>. You may still receive error reports.",
    "relayed": "Your message has been successfully relayed to the following recipients, but delivery notifications "
    "may not be generated:\n\n  ann@client.org",
    "de": "Ihre Nachricht wurde erfolgreich zugestellt:\n\n  ann@client.org",
    "fr": "Votre message a été remis avec succès à :\n\n  ann@client.org",
    "es": "El mensaje se entregó con éxito a:\n\n  ann@client.org",
    "cs": "Zpráva byla úspěšně doručena:\n\n  ann@client.org",
    "ja": "メールは正常に配信されました。\n\n  ann@client.org",
}


@pytest.mark.parametrize("expected", [False, True])
@pytest.mark.parametrize("text", SUCCESS.values(), ids=SUCCESS)
def test_what_arrived_has_not_failed(text: str, expected: bool) -> None:
    raw = notice(text + "\n", subject="Successful Mail Delivery Report")
    assert told(raw, expected=expected) == [(ANN, "delivered")]


FAILED_AS_WELL = {
    "another": "Delivered successfully to carl@client.org.\n\nIt could not be delivered to:\n\n  ann@client.org",
    "with-a-code": "The delivery was successful so far, then came:\n\n<ann@client.org>: 550 5.1.1",
    "not-successful": "Your message was not successfully delivered:\n\n  ann@client.org\n\nUser unknown",
}


@pytest.mark.parametrize("text", FAILED_AS_WELL.values(), ids=FAILED_AS_WELL)
def test_a_success_beside_a_failure_hides_nothing(text: str) -> None:
    assert (ANN, "failed") in told(notice(text + "\n", subject="Your mail"))


NO_MAIL = {
    "calendar": "Eve has accepted. Room could not be found. bob@client.org declined.",
    "ticket": "Your request has not been processed yet. Please quote the order number of ann@client.org.",
    "payment": "Your payment to ann@client.org has been rejected. Amount 550 EUR returned to sender.",
    "parcel": "Your parcel for ann@client.org is delayed by 2 days. Delivery could not be made; we will retry.",
    "login": "The login of ann@client.org was rejected: password expired.",
    "away": "I cannot be reached until Monday, your mail is not forwarded. Please write to:\n\n  eve@client.org",
    "away-de": "Ich bin bis Montag nicht erreichbar. Bitte schreiben Sie an\n\n  eve@client.org",
    "away-fr": "Je ne suis pas joignable, il n'a pas d'accès à ses messages. Écrivez à eve@client.org",
}


@pytest.mark.parametrize("expected", [False, True])
@pytest.mark.parametrize("text", NO_MAIL.values(), ids=NO_MAIL)
def test_a_failure_of_something_else_is_no_report(text: str, expected: bool) -> None:
    """From nobody who is a mail system, though with the null reverse-path."""
    raw = mail(text + "\n", subject="Please note", **{"from": "Bob <bob@client.org>"})
    assert read(raw, expected=expected) is None


MAIL = {
    "message": "Your message could not be delivered to <ann@client.org>.",
    "mailbox": "The mailbox of ann@client.org is full.",
    "code": "Rejected for <ann@client.org>: 5.1.1",
    "de": "Ihre Nachricht an ann@client.org wurde abgewiesen.",
}


@pytest.mark.parametrize("text", MAIL.values(), ids=MAIL)
def test_a_failure_of_mail_is_a_report_that_proves_nothing(text: str) -> None:
    raw = mail(text + "\n", subject="Please note", **{"from": "scanner@client.org"})
    found = read(raw)
    assert found
    assert [(each.recipient, each.action, each.basis) for each in found.findings] == [(ANN, "failed", "guess")]


WARNINGS = {
    "digest": "You have 3 messages in quarantine:\n\nFrom: eve@x.org  Subject: rejected offer  blocked as spam\n",
    "quota": "Your mailbox info@example.com is over 90% of its quota. When it is full, mail will be rejected.\n",
}


@pytest.mark.parametrize("text", WARNINGS.values(), ids=WARNINGS)
def test_a_postmaster_who_names_nobody_is_believed_at_a_bounce_address_alone(text: str) -> None:
    raw = notice(text, subject="Summary", to="info@example.com", **{"from": "Postmaster <postmaster@example.com>"})
    assert read(raw) is None
    found = read(raw, expected=True)
    assert found
    assert [(each.recipient, each.action, each.basis) for each in found.findings] == [(None, "failed", "guess")]


@pytest.mark.parametrize("sentence", ["a b " * 16_000, "if " * 21_000, "was successfully delivered if\n\n" * 2000])
def test_the_words_take_time_in_proportion(sentence: str) -> None:
    """Texts that hold many beginnings of what they look for; the bound is far beyond what they take."""
    import time

    started = time.process_time()
    for asked in (phrases.failed, phrases.delayed, phrases.delivered, phrases.of_mail):
        asked(f"will keep; permanent; {sentence}")
    assert time.process_time() - started < 2
