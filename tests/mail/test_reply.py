"""What an author wrote above the history that programs leave below it: by program and language, as text and as HTML."""

import pytest

from mailgate.mail import markup
from mailgate.mail.quoting import reply

SAID = "Thanks, the blue one is fine.\n\nRegards\nBob\n"
QUESTION = "Which colour shall we print\nthe boxes in?\n\nAnn\n"
MARKED = "".join(f"> {line}".rstrip() + "\n" for line in QUESTION.splitlines())
ANN = "Ann Lee <ann@example.com>"

ATTRIBUTIONS = {
    "gmail-en": f"On Mon, Mar 4, 2024 at 9:12\u202fAM {ANN} wrote:\n\n",
    "gmail-en-three-lines": "On Mon, Mar 4, 2024 at 9:12 AM Annabel Lee-Featherston\n<ann@example.com>\nwrote:\n\n",
    "gmail-de": "Am Mo., 4. März 2024 um 09:12 Uhr schrieb Ann Lee <\nann@example.com>:\n\n",
    "gmail-fr": f"Le lun. 4 mars 2024 à 09:12, {ANN} a\nécrit :\n\n",
    "gmail-es": "El lun, 4 mar 2024 a las 9:12, Ann Lee (<ann@example.com>)\nescribió:\n\n",
    "gmail-it": f"Il giorno lun 4 mar 2024 alle ore 09:12 {ANN} ha scritto:\n\n",
    "gmail-pt": f"Em seg., 4 de mar. de 2024 às 09:12, {ANN}\nescreveu:\n\n",
    "gmail-nl": f"Op ma 4 mrt 2024 om 09:12 schreef {ANN}:\n\n",
    "gmail-da": f"Den man. 4. mar. 2024 kl. 09.12 skrev {ANN}:\n\n",
    "gmail-no": "man. 4. mars 2024 kl. 09:12 skrev Annabel Lee-Featherston <ann@example.com\n>:\n\n",
    "gmail-sv": f"Den mån 4 mars 2024 kl 09:12 skrev {ANN}:\n\n",
    "gmail-fi": f"ma 4. maalisk. 2024 klo 9.12 {ANN} kirjoitti:\n\n",
    "gmail-pl": f"pon., 4 mar 2024 o 09:12 {ANN} napisał(a):\n\n",
    "gmail-cs": f"po 4. 3. 2024 v 9:12 odesílatel {ANN} napsal:\n\n",
    "gmail-sk": f"po 4. 3. 2024 o 9:12 {ANN} napísal(a):\n\n",
    "gmail-sl": f"V pon., 4. mar. 2024 ob 09:12 je oseba {ANN} napisala:\n\n",
    "gmail-hr": f"pon, 4. ožu 2024. u 09:12 {ANN} napisao je:\n\n",
    "gmail-hu": f"{ANN} ezt írta (időpont: 2024. márc. 4., H, 9:12):\n\n",
    "gmail-ro": f"În lun., 4 mar. 2024 la 09:12, {ANN} a scris:\n\n",
    "gmail-bg": f"На пн, 4.03.2024 г. в 9:12 {ANN} написа:\n\n",
    "gmail-ru": f"пн, 4 мар. 2024 г. в 09:12, {ANN}:\n\n",
    "gmail-uk": f"пн, 4 бер. 2024 р. о 09:12 {ANN} пише:\n\n",
    "gmail-el": f"Στις Δευ 4 Μαρ 2024 στις 9:12 π.μ., ο χρήστης {ANN} έγραψε:\n\n",
    "gmail-tr": f"{ANN}, 4 Mar 2024 Pzt, 09:12 tarihinde şunu yazdı:\n\n",
    "gmail-he": "\u202bבתאריך יום ב׳, 4 במרץ 2024 ב-9:12 מאת \u202aAnn Lee\u202c\u200f "
    "<\u202aann@example.com\u202c\u200f>:\u202c\n\n",
    "gmail-ar": f"في الاثنين، 4 مارس 2024 في 9:12 ص تمت كتابة ما يلي بواسطة {ANN}:\n\n",
    "gmail-lt": f"2024-03-04, pr, 09:12 {ANN} rašė:\n\n",
    "gmail-et": "Ann Lee (<ann@example.com>) kirjutas kuupäeval E, 4. märts 2024 kell 09:12:\n\n",
    "gmail-id": f"Pada tanggal Sen, 4 Mar 2024 pukul 09.12 {ANN} menulis:\n\n",
    "gmail-vi": f"Vào Th 2, 4 thg 3, 2024 vào lúc 09:12 {ANN} đã viết:\n\n",
    "gmail-th": f"ในวันที่ จ. 4 มี.ค. 2024 เวลา 09:12 {ANN} เขียนว่า:\n\n",
    "gmail-ja": f"2024年3月4日(月) 9:12 {ANN}:\n\n",
    "gmail-ko": f"2024년 3월 4일 (월) 오전 9:12, {ANN}님이 작성:\n\n",
    "gmail-zh": f"{ANN} 于2024年3月4日周一 09:12写道：\n\n",
    "gmail-zh-tw": f"{ANN} 於 2024年3月4日 週一 上午9:12寫道：\n\n",
    "apple-en": f"On Mar 4, 2024, at 9:12\u202fAM, {ANN} wrote:\n\n",
    "apple-de": f"Am 04.03.2024 um 09:12 schrieb {ANN}:\n\n",
    "apple-fr": f"Le 4 mars 2024 à 09:12, {ANN} a écrit :\n\n",
    "apple-nl": f"Op 4 mrt 2024 om 09:12 heeft {ANN} het volgende geschreven:\n\n",
    "apple-it": f"Il giorno 4 mar 2024, alle ore 09:12, {ANN} ha scritto:\n\n",
    "apple-sv": f"4 mars 2024 kl. 09:12 skrev {ANN}:\n\n",
    "apple-pl": f"Wiadomość napisana przez {ANN} w dniu 04.03.2024, o godz. 09:12:\n\n",
    "apple-ja": "2024/03/04 9:12、Ann Lee <ann@example.com>のメール:\n\n",
    "yahoo-en": f"    On Monday, March 4, 2024 at 09:12:11 AM GMT+1, {ANN} wrote:  \n \n",
    "yahoo-de": f"    Am Montag, 4. März 2024 um 09:12:11 MEZ hat {ANN} Folgendes geschrieben:  \n \n",
    "yahoo-es": f"    En lunes, 4 de marzo de 2024, 09:12:11 CET, {ANN} escribió:  \n \n",
    "thunderbird-en": "On 3/4/24 09:12, Ann Lee wrote:\n",
    "thunderbird-de": "Am 04.03.24 um 09:12 schrieb Ann Lee:\n",
    "roundcube-de": "Am 2024-03-04 09:12, schrieb Ann Lee:\n",
    "evolution-de": "Am Montag, dem 04.03.2024 um 09:12 +0100 schrieb Ann Lee:\n",
    "zoho": f"---- On Mon, 04 Mar 2024 09:12:11 +0100 {ANN} wrote ---\n\n",
    "proton": f"On Monday, March 4th, 2024 at 9:12 AM, {ANN} wrote:\n\n",
    "proton-older": "‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐\n"
    "On Monday, March 4, 2024 9:12 AM, Ann Lee <ann@example.com> wrote:\n\n",
    "superhuman": "On Mon, Mar 04, 2024 at 9:12 AM, Ann Lee < ann@example.com > wrote:\n\n",
    "spark": f"On 4 Mar 2024 at 09:12 +0100, {ANN}, wrote:\n",
    "mail.ru": f"Понедельник, 4 марта 2024, 12:12 +03:00 от {ANN}:\n \n",
    "yandex": '04.03.2024, 12:12, "Ann Lee" <ann@example.com>:\n',
    "163": 'At 2024-03-04 16:12:11, "Ann Lee" <ann@example.com> wrote:\n',
    "notes": f"{ANN} schrieb am 04.03.2024 09:12:11:\n\n",
    "zimbra-fr": "- Le 2024-03-04 09:12, Ann Lee a écrit :\n",
    "fastmail": "On Mon, 4 Mar 2024, at 09:12, Ann Lee wrote:\n",
    "gmail-ca": f"Missatge de {ANN} del dia dl., 4 de març 2024 a les 9:12:\n\n",
    "gmail-eu": f"Hau idatzi du {ANN} erabiltzaileak (2024 mar. 4, al. (09:12)):\n\n",
    "gmail-fil": f"Noong Lun, Mar 4, 2024 nang 9:12 AM, isinulat ni {ANN}:\n\n",
    "gmail-gl": f"O luns, 4 de mar. de 2024 ás 9:12, {ANN} escribiu:\n\n",
    "gmail-is": f"Þann mán., 4. mar. 2024 kl. 09:12 skrifaði {ANN}:\n\n",
    "tuta-en": "Mar 4, 2024, 09:12 by ann@example.com:\n\n",
    "tuta-de": "4. März 2024, 09:12 von ann@example.com:\n\n",
    "groupwise": ">>> Ann Lee <ann@example.com> 3/4/2024 9:12 AM >>>\n",
    "groupwise-de": '>>> "Ann Lee" <ann@example.com> 04.03.2024 09:12 >>>\n\n',
}


def block(*names: str) -> str:
    values = {"from": ANN, "date": "4.3.2024 09:12", "to": "Bob Ray <bob@client.org>", "subject": "Boxes"}
    return "".join(f"{name}: {values[key]}\n" for key, name in zip(names[::2], names[1::2], strict=True)) + "\n"


def outlook(sender: str, date: str, to: str, subject: str) -> str:
    return block("from", sender, "date", date, "to", to, "subject", subject)


# Programs that always mark what they quote.
MARKING = {
    "roundcube-nl": "Ann Lee schreef op 2024-03-04 09:12:\n",
    "roundcube-fi": "Ann Lee kirjoitti 2024-03-04 09:12:\n",
    "roundcube-ru": "Ann Lee писал 2024-03-04 09:12:\n",
    "roundcube-ja": "2024-03-04 09:12 に Ann Lee さんは書きました:\n",
    "postbox": "Ann Lee wrote on 3/4/24 9:12 AM:\n",
    "seamonkey": "Ann Lee wrote:\n",
    "horde-de": "Zitat von Ann Lee:\n\n",
    "horde-pl": f"Cytowanie {ANN}:\n\n",
    "mutt": f"* {ANN} [2024-03-04 09:12]:\n",
    "mutt-quoth": "Quoth Ann Lee on Mon, Mar 04, 2024:\n",
    "the-bat": "Monday, March 4, 2024, 9:12:11 AM, you wrote:\n\n",
    "the-bat-ru": "Понедельник, 4 марта 2024 г., 9:12:11, Вы писали:\n\n",
    "claws": f"On Mon, 4 Mar 2024 09:12:11 +0100\n{ANN} wrote:\n\n",
    "claws-de": f"Am Mon, 4 Mar 2024 09:12:11 +0100\nschrieb {ANN}:\n\n",
}

HEADERS = {
    "outlook-en": outlook("From", "Sent", "To", "Subject"),
    "outlook-de": outlook("Von", "Gesendet", "An", "Betreff"),
    "outlook-fr": outlook("De ", "Envoyé ", "À ", "Objet "),
    "outlook-fr-web": outlook("De", "Envoyé le", "À", "Objet"),
    "outlook-es": outlook("De", "Enviado el", "Para", "Asunto"),
    "outlook-it": outlook("Da", "Inviato", "A", "Oggetto"),
    "outlook-pt": outlook("De", "Enviada em", "Para", "Assunto"),
    "outlook-nl": outlook("Van", "Verzonden", "Aan", "Onderwerp"),
    "outlook-sv": outlook("Från", "Skickat", "Till", "Ämne"),
    "outlook-da": outlook("Fra", "Sendt", "Til", "Emne"),
    "outlook-fi": outlook("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    "outlook-pl": outlook("Od", "Wysłano", "Do", "Temat"),
    "outlook-cs": outlook("Od", "Odesláno", "Komu", "Předmět"),
    "outlook-sk": outlook("Od", "Odoslané", "Komu", "Predmet"),
    "outlook-sl": outlook("Od", "Poslano", "Za", "Zadeva"),
    "outlook-hr": outlook("Od", "Poslano", "Za", "Predmet"),
    "outlook-hu": outlook("Feladó", "Elküldve", "Címzett", "Tárgy"),
    "outlook-ro": outlook("De la", "Trimis", "Către", "Subiect"),
    "outlook-bg": outlook("От", "Изпратено", "До", "Относно"),
    "outlook-ru": outlook("От", "Отправлено", "Кому", "Тема"),
    "outlook-uk": outlook("Від", "Надіслано", "Кому", "Тема"),
    "outlook-el": outlook("Από", "Στάλθηκε", "Προς", "Θέμα"),
    "outlook-tr": outlook("Kimden", "Gönderildi", "Kime", "Konu"),
    "outlook-he": outlook("מאת", "נשלח", "אל", "נושא"),
    "outlook-ar": outlook("من", "تم الإرسال", "إلى", "الموضوع"),
    "outlook-lt": outlook("Nuo", "Išsiųsta", "Kam", "Tema"),
    "outlook-lv": outlook("No", "Nosūtīts", "Kam", "Tēma"),
    "outlook-et": outlook("Saatja", "Saadetud", "Adressaat", "Teema"),
    "outlook-vi": outlook("Từ", "Đã gửi", "Đến", "Chủ đề"),
    "outlook-th": outlook("จาก", "ส่ง", "ถึง", "เรื่อง"),
    "outlook-ja": outlook("差出人", "送信日時", "宛先", "件名"),
    "outlook-ko": outlook("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    "outlook-zh": outlook("发件人", "发送时间", "收件人", "主题"),
    "outlook-zh-tw": outlook("寄件者", "傳送時間", "收件者", "主旨"),
    "zimbra-en": block("from", "From", "to", "To", "date", "Sent", "subject", "Subject"),
    "zimbra-fr": block("from", "De", "to", "À", "date", "Envoyé", "subject", "Objet"),
    "notes-de": block("from", "Von", "to", "An", "date", "Datum", "subject", "Betreff"),
    "notes-en": block("from", "From", "to", "To", "date", "Date", "subject", "Subject"),
    "yahoo-fr": block("from", "     De ", "to", " À ", "date", " Envoyé le ", "subject", " Objet "),
    "gmx-de": block("date", "Gesendet", "from", "Von", "to", "An", "subject", "Betreff"),
    "naver": block("from", "From", "to", "To", "date", "Sent", "subject", "Subject"),
    "bold": outlook("*From", "*Sent", "*To", "*Subject").replace(": ", ":* "),
    "outlook-eu": "Nork: Ann Lee\nBidalia: 2024(e)ko martxoaren 4(a) 9:12\nNori: Bob\nGaia: Boxes\n\n",
    "outlook-gl": "De: Ann Lee\nEnviado: luns, 4 de marzo de 2024 9:12\nPara: Bob\nAsunto: Boxes\n\n",
    "outlook-is": "Frá: Ann Lee\nSent: mánudagur, 4. mars 2024 09:12\nTil: Bob\nEfni: Boxes\n\n",
}
TITLES = {
    "outlook-en": "-----Original Message-----\n",
    "outlook-de": "-----Ursprüngliche Nachricht-----\n",
    "outlook-fr": "-----Message d'origine-----\n",
    "outlook-es": "-----Mensaje original-----\n",
    "outlook-it": "-----Messaggio originale-----\n",
    "outlook-pt": "-----Mensagem original-----\n",
    "outlook-nl": "-----Oorspronkelijk bericht-----\n",
    "outlook-sv": "-----Ursprungligt meddelande-----\n",
    "outlook-da": "-----Oprindelig meddelelse-----\n",
    "outlook-no": "-----Opprinnelig melding-----\n",
    "outlook-fi": "-----Alkuperäinen viesti-----\n",
    "outlook-pl": "-----Oryginalna wiadomość-----\n",
    "outlook-cs": "-----Původní zpráva-----\n",
    "outlook-hu": "-----Eredeti üzenet-----\n",
    "outlook-ru": "-----Исходное сообщение-----\n",
    "outlook-tr": "-----Özgün İleti-----\n",
    "samsung-de": "-------- Ursprüngliche Nachricht --------\n",
    "qq": "------------------ 原始邮件 ------------------\n",
    "android": "----- Reply message -----\n",
    "antwort-de": "-----Antwort Nachricht-----\n",
    "david": "Original Message processed by david®\n",
}
REPLY_LINES = [
    "##- Please type your reply above this line -##\n",
    "--- Reply above this line ---\n",
    "Please reply above this line\n",
    "##- Bitte geben Sie Ihre Antwort über dieser Zeile ein -##\n",
    "##- Veuillez saisir votre réponse au-dessus de cette ligne -##\n",
    "##- Por favor, escriba su respuesta por encima de esta línea -##\n",
    "##- Typ uw antwoord boven deze regel -##\n",
    "##- Scrivi la tua risposta sopra questa riga -##\n",
    "##- Digite sua resposta acima desta linha -##\n",
    "##- Пожалуйста, введите ответ над этой чертой -##\n",
    "##- この行より上に返信を入力してください -##\n",
]


def check(text: str, said: str = SAID) -> None:
    assert reply(text, "Re: Boxes") == said.strip("\n")


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_an_attribution_is_above_the_history(attribution: str) -> None:
    check(f"{SAID}\n{attribution}{MARKED}")
    check(f"{SAID}\n{attribution}{QUESTION}")
    check(f"{SAID}{attribution}{QUESTION}")


@pytest.mark.parametrize("attribution", MARKING.values(), ids=MARKING)
def test_an_attribution_is_above_marked_lines(attribution: str) -> None:
    check(f"{SAID}\n{attribution}{MARKED}")
    check(f"{SAID}{attribution}{MARKED}")


def test_each_field_of_a_header_may_be_a_paragraph() -> None:
    check(f"{SAID}\nFrom: {ANN}\n\nSent: Monday, March 4, 2024 9:12\n\nTo: Bob\n\nSubject: Boxes\n\n{QUESTION}")


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_is_above_the_history(header: str) -> None:
    for above in ("\n", "", "\n\n\n", "\n________________________________\n", "\n-----Original Message-----\n"):
        check(f"{SAID}{above}{header}{QUESTION}")
    marked = "".join(f"> {line}\n" for line in f"-----Original Message-----\n{header}{QUESTION}".splitlines())
    check(f"{SAID}\n{marked}")


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_a_title_is_above_the_history(title: str) -> None:
    check(f"{SAID}\n{title}\n{QUESTION}")
    check(f"{SAID}\n{title}{HEADERS['outlook-en']}{QUESTION}")
    check(f"{SAID}\n{title}From: {ANN}\nSubject: Boxes\n\n{QUESTION}")


@pytest.mark.parametrize("line", REPLY_LINES)
def test_the_line_above_which_to_reply_starts_the_history(line: str) -> None:
    check(f"{SAID}\n{line}\n{QUESTION}")
    check(f"{SAID}\n{ATTRIBUTIONS['gmail-en']}{line}\n{QUESTION}")
    check(f"{SAID}\n{ATTRIBUTIONS['gmail-en']}> {line}> \n{MARKED}")


HTML = {
    "gmail": '<div dir="ltr">{said}</div><br><div class="gmail_quote"><div class="gmail_attr">On Mon, Mar 4, 2024 at'
    " 9:12 AM Ann Lee &lt;<a href='mailto:ann@example.com'>ann@example.com</a>&gt; wrote:<br></div><blockquote>"
    "{question}</blockquote></div>",
    "apple": "<div>{said}</div><div><br><blockquote type=cite><div>On Mar 4, 2024, at 9:12 AM, Ann Lee &lt;"
    "ann@example.com&gt; wrote:</div><br><div>{question}</div></blockquote></div>",
    "yahoo": "<div>{said}</div><div class=yahoo_quoted><div>On Monday, March 4, 2024 at 09:12:11 AM GMT+1, Ann Lee"
    " &lt;ann@example.com&gt; wrote:</div><div><br></div><div>{question}</div></div>",
    "outlook": "<div class=WordSection1><p>{said}</p><p>&nbsp;</p><div style='border-top:solid'><p><b>Von:</b> Ann"
    " Lee &lt;ann@example.com&gt;<br><b>Gesendet:</b> Montag, 4. März 2024 09:12<br><b>An:</b> Bob<br><b>Betreff:</b>"
    " Boxes</p></div><p>{question}</p></div>",
    "outlook.com": "<div>{said}</div><hr><div id=divRplyFwdMsg><b>From:</b> Ann Lee &lt;ann@example.com&gt;<br><b>"
    "Sent:</b> Monday, March 4, 2024 9:12 AM<br><b>To:</b> Bob<br><b>Subject:</b> Boxes</div><div>{question}</div>",
    "zimbra": "<div>{said}</div><hr><blockquote><b>From: </b>Ann Lee<br><b>To: </b>Bob<br><b>Sent: </b>Monday, March 4,"
    " 2024 9:12:11 AM<br><b>Subject: </b>Boxes<br></blockquote><blockquote>{question}</blockquote>",
    "zoho": "<div>{said}</div><br><div>---- On Mon, 04 Mar 2024 09:12:11 +0100 <b>Ann Lee &lt;ann@example.com&gt;</b>"
    " wrote ---</div><br><blockquote>{question}</blockquote>",
    "gmx": "<div>{said}</div><div name=quote><div><b>Gesendet:</b> Montag, 04. März 2024 um 09:12 Uhr<br><b>Von:</b>"
    ' "Ann Lee" &lt;ann@example.com&gt;<br><b>An:</b> bob@client.org<br><b>Betreff:</b> Boxes</div>'
    "<div>{question}</div></div>",
    "thunderbird": "<p>{said}</p><div class=moz-cite-prefix>Am 04.03.24 um 09:12 schrieb Ann Lee:<br></div>"
    "<blockquote type=cite><p>{question}</p></blockquote>",
    "proton": "<div>{said}</div><div class=protonmail_quote>On Monday, March 4th, 2024 at 9:12 AM, Ann Lee &lt;"
    "ann@example.com&gt; wrote:<br><br><blockquote>{question}</blockquote></div>",
}


@pytest.mark.parametrize("html", HTML.values(), ids=HTML)
def test_html_has_history(html: str) -> None:
    text = markup.readable(html.format(said=SAID.replace("\n", "<br>"), question=QUESTION.replace("\n", "<br>")))
    assert "Which colour" in text
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        # answers between lines that have lost their marks
        f"Hello Ann,\n\n{ATTRIBUTIONS['apple-en']}{QUESTION}Blue.\n",
        f"Please see my answers below.\nBob\n\n{ATTRIBUTIONS['apple-en']}{QUESTION}Blue.\n",
        f"Hallo Ann,\nmeine Antworten unten in rot.\n\n{HEADERS['outlook-de']}{QUESTION}Blau.\n",
        f"Ann,\nsee inline.\n\n-----Original Message-----\n{HEADERS['outlook-en']}{QUESTION}Blue.\n",
        f"Comments in line.\n\n{HEADERS['outlook-en']}{QUESTION}Bob: Blue.\n",
        # words of the author's
        "We need it until 4.3.2024 10:00 by ann@example.com:\nshe pays.\n",
        ">>> 3 boxes at 10:00 >>>\nplease\n",
        "On 4 March 2024 you wrote:\n\nWhich colour?\n\nBlue, as we said.\n",
        "We met.\nOn 4 March 2024 you wrote:\n\nWhich colour?\n\nBlue, as we said.\n",
        "Please print on the boxes\n\nFrom: Ann\nTo: Bob\n\nand nothing else.\n",
        "Please send it to these until 4.3.2024:\n\nAnn Lee <ann@example.com>\nJoe <joe@example.com>\n",
        "We sent it on 4.3.2024 at 09:12 to Ann Lee <ann@example.com>.\nShe wrote nothing.\n",
        "What it said on 4.3.2024 at 10:00:\n\nno colour\n\nSo what?\n",
        "--- what we wrote ---\n\nblue boxes\n\nand so on\n",
        "--- original design ---\n\nblue boxes\n\n--- new design ---\n\nred boxes\n",
        "Please sign above the line and send it back.\n\nThanks\n",
        "The form has these:\n\nFrom: Ann\nDate: 4.3.2024\nTo: Bob\nSubject: Boxes\n\nWhich one is wrong?\n",
    ],
)
def test_in_doubt_everything_is_said(text: str) -> None:
    assert reply(text, "Re: Boxes") == text


def test_a_header_in_an_unusual_order_is_history_in_an_answer_only() -> None:
    text = f"A new enquiry.\nPlease answer.\n\n{HEADERS['notes-en']}{QUESTION}"
    assert reply(text, "Boxes") == text
    assert reply(text, "Re: Boxes") == "A new enquiry.\nPlease answer."
    assert reply(text, "AW: Boxes") == reply(text, "[it] Antw: Boxes") == "A new enquiry.\nPlease answer."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("> Which colour shall we\n> print in?\n\nBlue.\n\n> And by when?\n\nFriday.\n", None),
        (
            "Hi,\n\nOn 3/4/24 09:12, Ann wrote:\n> Hello Bob,\n> we are\n> in.\n> It rains.\n> It does.\n> Hm.\n>\n"
            "> Which colour?\n\nBlue.\n\n> And when?\n>\n> Ann\n\nFriday.\n",
            "Hi,\n\n> Which colour?\n\nBlue.\n\n> And when?\n>\n> Ann\n\nFriday.",
        ),
        ("Blue.\n\nOn 3/4/24 09:12, Ann wrote:\n> Which colour?\n\n-- \nBob\n", "Blue."),
        ("Blue.\n\n---- Ann Lee wrote ----\n\n> Which colour?\n", "Blue."),
        ("Blue.\n2024/3/4 Ann <ann@example.com>\n\n> Which colour?\n", "Blue."),
        ("Ask these:\n\nAnn <ann@example.com>\n> Which colour?\n", "Ask these:\n\nAnn <ann@example.com>"),
        ("Blue.\n\nOn 3/4/24 09:12, Ann wrote:\n> Which colour?\n\n_____\na list\n", "Blue.\n\n_____\na list"),
        (
            "Blue.\n\nOn 3/4/24 09:12, Ann wrote:\n> Which colour shall we print the boxes in when the red ones are\n"
            "sold out?\n> Ann\n",
            "Blue.",
        ),
        (
            "Here you are.\n\nOn 3/4/24 09:12, Ann wrote:\n"
            "> Which colour shall we print in and when do you want to have them?\n"
            "blue and soon\n> Ann\n",
            "Here you are.\n\n> Which colour shall we print in and when do you want to have them?\nblue and soon",
        ),
    ],
)
def test_the_question_above_an_answer_stays(text: str, said: str | None) -> None:
    assert reply(text, "Re: Boxes").split() == (text if said is None else said).split()


@pytest.mark.parametrize(
    "line",
    [
        "On 1 Oct 2015, at 10:00, Ann Lee said:",
        "On 2024-03-04 09:12, Ann Lee says:",
        "Am 04.03.2024 um 09:12 sagte Ann Lee:",
        "Le 04/03/2024 09:12, Ann Lee a dit :",
        "El 04/03/2024 a las 09:12, Ann Lee dijo:",
        "Il 04/03/2024 09:12, Ann Lee ha detto:",
        "Op 04-03-2024 09:12 zei Ann Lee:",
    ],
)
def test_a_verb_of_speech_attributes_marked_lines(line: str) -> None:
    assert reply(f"{SAID}\n{line}\n\n\n{MARKED}", "Re: Boxes").startswith("Thanks, the blue one is fine.")
    assert "Which colour" not in reply(f"{SAID}\n{line}\n\n\n{MARKED}", "Re: Boxes")


@pytest.mark.parametrize(
    "text",
    [
        "On 4 March 2024, at 09:12, our engineer said:\n\nReplace the fuse.\n",
        "It broke.\n\nOn 4 March 2024, at 09:12, our engineer said:\n\nReplace the fuse.\n",
        "Look:\n\nThe log said:\n\n> error 5\n",
    ],
)
def test_a_verb_of_speech_alone_hides_nothing(text: str) -> None:
    assert reply(text, "Re: Boxes") == text


def test_a_form_with_the_fields_of_a_header_is_no_history() -> None:
    form = "New message\n\nFrom: Ann\nDate: 4.3.2024\nTo: Sales\nSubject: Boxes\n\nBlue ones, please.\n"
    assert reply(form, "Contact form") == form


@pytest.mark.parametrize("line", ["Quoting the contract:", "As Ann Lee wrote:", "Gestern schrieb Ann:"])
def test_a_line_that_the_author_wrote_over_a_quotation_stays(line: str) -> None:
    assert reply(f"Hello,\n\n{line}\n{MARKED}\nSo blue.\n", "Re: Boxes").startswith(f"Hello,\n\n{line}\n")
