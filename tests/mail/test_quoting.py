"""What an author wrote, and what is folded away: as mailers write it, as people do, as nobody should."""

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailgate.mail.quoting import LIMIT, fold

ANSWER = "Yes, Tuesday is fine.\n\n"
QUOTE = "> Shall we meet?\n>\n> > Some day?\n>\n> Bob\n"
START = "> Hello Ann,\n>\n> it was a long day.\n> I am in town.\n> You are, too.\n> It rains.\n>\n"
QUESTION = "> Shall we meet?\n> Some day?\n"
END = ">\n> Best regards\n> Bob\n"
BOB = "Bob Ray <bob@client.org>"


def marked(text: str) -> list[tuple[str, str]]:
    """Passages written with a letter per line: text (`s`), question (`a`), quoted (`q`), signature (`g`); `s|words`."""
    kinds = {"s": "text", "a": "question", "q": "quoted", "g": "signature"}
    passages: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        kind, rest = kinds[line[0]], line[2:]
        if passages and passages[-1][0] == kind:
            rest = passages.pop()[1] + rest
        passages.append((kind, rest))
    return passages


def check(passages: list[tuple[str, str]], subject: str = "") -> None:
    text = "".join(passage for _, passage in passages)
    assert [tuple(passage) for passage in fold(text, subject)] == passages
    crlf = [(kind, passage.replace("\n", "\r\n")) for kind, passage in passages]
    assert [tuple(passage) for passage in fold(text.replace("\n", "\r\n"), subject)] == crlf


@pytest.mark.parametrize(
    "attribution",
    [
        f"On Tue, Jan 2, 2024 at 10:00\u202fAM {BOB} wrote:\n\n",
        "On Tue, Jan 2, 2024 at 10:00\u202fAM Bob Ray of the Client Company <\nbob@client.org> wrote:\n\n",
        "On Tue, Jan 2, 2024 at 10:00\u202fAM Bob Ray, Client Company Limited\n<bob@client.org> wrote:\n\n",
        "On Tuesday, January 2, 2024 at 10:00:00 AM GMT+1, Bob Ray of the\nClient Company <bob@client.org>\nwrote:\n",
        "On Tue, 2 Jan 2024, 10:00 Bob Ray, <bob@client.org> wrote:\n\n",
        "On 1/2/24 10:00, Bob Ray wrote:\n",
        f"> On 2 Jan 2024, at 10:00, {BOB} wrote:\n> \n",
        f"-------- Original Message --------\nOn 1/2/24 10:00 AM, {BOB} wrote:\n\n",
        f"{BOB} writes:\n\n",
        "Am Di., 2. Jan. 2024 um 10:00 Uhr schrieb Bob Ray <\nbob@client.org>:\n\n",
        f"{BOB} schrieb am Di., 2. Jan. 2024, 10:00:\n\n",
        "Bob Ray von der Kundengesellschaft <bob@client.org> schrieb am Di., 2. Jan.\n2024, 10:00:\n\n",
        "Am 02.01.2024 um 10:00 schrieb \u2068Bob Ray\u2069 <bob@client.org>:\n\n\n",
        "Am 02.01.24 um 10:00 schrieb Bob Ray:\n",
        f"Le mar. 2 janv. 2024 à 10:00, {BOB} a écrit :\n\n",
        "Le 02/01/2024 à 10:00, Bob Ray a écrit\xa0:\n",
        "El mar, 2 ene 2024 a las 10:00, Bob Ray (<bob@client.org>) escribió:\n\n",
        f"Op di 2 jan 2024 om 10:00 schreef {BOB}:\n\n",
        "Op 02-01-2024 om 10:00 schreef Bob Ray:\n",
        f"Il giorno mar 2 gen 2024 alle ore 10:00 {BOB} ha\nscritto:\n\n",
        "Il 02/01/24 10:00, Bob Ray ha scritto:\n",
        f"wt., 2 sty 2024 o 10:00 {BOB} napisał(a):\n\n",
        "W dniu 2.01.2024 o 10:00, Bob Ray pisze:\n",
        f"Den tis 2 jan. 2024 kl 10:00 skrev {BOB}:\n\n",
        f"Den tirs. 2. jan. 2024 kl. 10.00 skrev {BOB}:\n\n",
        f"Em ter., 2 de jan. de 2024 às 10:00, {BOB} escreveu:\n\n",
        f"{BOB} escreveu (terça, 2/01/2024 à(s) 10:00):\n\n",
        f"út 2. 1. 2024 v 10:00 odesílatel {BOB} napsal:\n\n",
        "út 2. 1. 2024 v 10:00 odesílatel Bob Ray z firmy\nClient <bob@client.org> napsal:\n\n",
        "Dne 02. 01. 24 v 10:00 Bob Ray napsal(a):\n",
        f"2024年1月2日(火) 10:00 {BOB}:\n\n",
        f"2024/01/02 10:00、{BOB}のメール:\n\n",
        f"{BOB} 于2024年1月2日周二 10:00写道：\n\n",
        f"2024年1月2日 上午10:00，{BOB} 写道：\n\n",
        f"2024년 1월 2일 (화) 오전 10:00, {BOB}님이 작성:\n\n",
        f"вт, 2 янв. 2024 г. в 10:00, {BOB}:\n\n",
        "-------- Original-Nachricht --------\n> Datum: Tue, 02 Jan 2024 10:00:00 +0100\n> Von: Bob\n> An: Ann\n\n",
    ],
)
def test_an_attribution_line_begins_quoted_history(attribution: str) -> None:
    check([("text", ANSWER), ("quoted", attribution + QUOTE)])
    start, end = ("quoted", attribution + START), ("quoted", END)
    check([start, ("question", QUESTION), end, ("text", "\nYes.\n")])
    check([("text", "Hello Bob,\n"), start, ("question", QUESTION), end, ("text", "Yes.")])
    check([("text", ANSWER), ("quoted", attribution + QUOTE), ("text", "Ann")])


@pytest.mark.parametrize(
    "above",
    [
        "-----Original Message-----\n",
        "-----Ursprüngliche Nachricht-----\n",
        "-------- Message d'origine --------\n\n",
        "________________________________\n",
        "",
    ],
)
@pytest.mark.parametrize(
    "header",
    [
        "From: Bob <b@x.org>\nSent: Tuesday, January 2, 2024 10:00\nTo: Ann; Joe;\nEve <e@x>\nCc: Al\nSubject: Fire\n",
        "*From:* Bob <b@x.org>\n*Date:* Tuesday, 2 January 2024 at 10:00\n*To:* Ann\n*Subject:* Fire\n",
        "Von: Bob <b@x.org>\nGesendet: Dienstag, 2. Januar 2024 10:00\nAn: Ann\nBetreff: AW: Fire\n",
        'Gesendet: Dienstag, 02. Januar 2024 um 10:00 Uhr\nVon: "Bob" <b@x.org>\nAn: a@x.org\nBetreff: Fire\n',
        "De : Bob <b@x.org>\nEnvoyé : mardi 2 janvier 2024 10:00\nÀ : Ann\nObjet : Fire\n",
        "De: Bob <b@x.org>\nEnviado el: martes, 2 de enero de 2024 10:00\nPara: Ann\nAsunto: Fire\n",
        "Van: Bob <b@x.org>\nVerzonden: dinsdag 2 januari 2024 10:00\nAan: Ann\nOnderwerp: Fire\n",
        "Da: Bob <b@x.org>\nInviato: martedì 2 gennaio 2024 10:00\nA: Ann\nOggetto: Fire\n",
        "Od: Bob <b@x.org>\nWysłano: wtorek, 2 stycznia 2024 10:00\nDo: Ann\nTemat: Fire\n",
        "Från: Bob <b@x.org>\nSkickat: den 2 januari 2024 10:00\nTill: Ann\nÄmne: Fire\n",
        "Fra: Bob <b@x.org>\nSendt: 2. januar 2024 10:00\nTil: Ann\nEmne: Fire\n",
        "De: Bob <b@x.org>\nEnviado: 2 de janeiro de 2024 10:00\nPara: Ann\nAssunto: Fire\n",
        "Od: Bob <b@x.org>\nOdesláno: úterý 2. ledna 2024 10:00\nKomu: Ann\nPředmět: Fire\n",
        "发件人: Bob <b@x.org>\n发送时间: 2024年1月2日 10:00\n收件人: Ann\n主题: Fire\n",
        "差出人: Bob <b@x.org>\n送信日時: 2024年1月2日 10:00\n宛先: Ann\n件名: Fire\n",
    ],
)
def test_history_of_outlook(above: str, header: str) -> None:
    history = f"{above}{header}\nThe printer is on fire.\n\n{header}\nIs it?\n> No.\n"
    check([("text", ANSWER), ("quoted", history)])
    check([("text", "Yes.\n\n"), ("signature", "-- \nAnn\n\n"), ("quoted", history)])
    check([("text", "Yes.\n\n"), ("signature", "Sent from my iPhone\n\n"), ("quoted", history)])
    for subject in ("FW: Fire", "WG: AW: Fire", "[it] Fwd: Fire"):
        check([("text", ANSWER + history)], subject)
    check([("text", ANSWER), ("quoted", history)], "RE: FW: Fire")


@pytest.mark.parametrize(
    "text",
    [
        # answers between the quotations
        """\
q|On 1/2/24 10:00, Bob Ray wrote:
a|> Which day?
s|
s|Tuesday.
s|
a|> Which room?
a|
a|> > The small one?
s|Yes.
q|> Bye
g|--
g|Ann
""",
        """\
s|Hello Bob,
s|
q|On 1/2/24 10:00, Bob Ray wrote:
a|> Which day?
s|Tuesday.
s|
""",
        # words of the author's over a quotation
        "s|Yes.\ns|In your first mail you wrote:\nq|> No.\ns|So which?\n",
        "s|I cannot do it before 1.2.2024 and not without your help\nq|Bob <b@x.org> wrote:\nq|> No.\n",
        "s|Please write to my colleague <x@y.org> about this\ns|Bob wrote:\nq|> No.\n",
        "s|I cannot do it before 1.2.2024, not without your help\nq|Bob <b@x.org>, 2.1.2024 10:00:\nq|> No.\n",
        "s|Am liebsten nie, denn am 1.2. ist zu, und danach auch.\nq|Am 2.1.24 um 10:00 schrieb Bob:\nq|> Wann?\n",
        "s|On second thought I would rather not come along then\nq|On 2.1.24 10:00, Bob wrote:\nq|> Come?\n",
        # signatures
        "s|Yes.\ng|-- \ng|Ann\ng|\ng|Example Ltd\n",
        "s|Yes.\ns|\ng|-- \ng|Ann\ng|-- \ng|A list\n",
        "s|Yes.\ng|--\ng|Ann\n",
        "s|Yes.\ng|-- \ng|Ann\ns|\ns|P.S.: Or not.\n",
        "s|Yes.\ng|-- \ng|Ann\ng|\nq|On 1/2/24 10:00, Bob Ray wrote:\nq|\nq|Which day?\nq|\nq|Some day?\n",
        "s|Yes.\ns|\ng|Sent from my iPhone\ng|\nq|> On 2 Jan 2024, at 10:00, Bob wrote:\nq|> \nq|> No?\n",
        "s|Look.\ng|-- \ng|Ann\ns|\ns|Begin forwarded message:\ns|\ns|> From: Bob\ns|> Subject: Fire\ns|> To: Ann\n",
    ],
)
def test_a_text_is_divided_into_passages(text: str) -> None:
    check(marked(text))


@pytest.mark.parametrize(
    "line",
    [
        *("Sent from my iPhone", "Sent from Mail for Windows 10", "Sent from Outlook for iOS<https://aka.ms/o0ukef>"),
        *("Get Outlook for Android<https://aka.ms/x>", "Sent from my Samsung Galaxy smartphone."),
        "Sent with Proton Mail secure email.",
        *("Von meinem iPhone gesendet", "Gesendet von meinem iPad", "Gesendet von Outlook für Android"),
        "Diese Nachricht wurde von meinem Android Mobiltelefon mit WEB.DE Mail gesendet.",
        *("Envoyé de mon iPhone", "Envoyé depuis l'application Mail", "Enviado desde mi iPhone"),
        *("Enviado do meu iPhone", "Inviato da iPhone", "Verstuurd vanaf mijn iPhone", "Wysłane z iPhone'a"),
        *("Skickat från min iPhone", "Sendt fra min iPhone", "Odesláno z iPhonu", "iPhoneから送信", "发自我的 iPhone"),
    ],
)
def test_a_line_of_a_device_is_folded(line: str) -> None:
    check([("text", "Yes.\n\n"), ("signature", f"{line}\n")])
    check([("text", f"{line}\nYes.\n")])


FORWARDED = "\n> From: Bob\n> Subject: Fire\n> Date: 2 January 2024\n> To: Ann\n>\n> It burns.\n\nimage.png\n\n> Bob\n"
HEADER = "From: Bob <b@x.org>\nSent: 2 January 2024 10:00\nTo: Ann\nSubject: Fire\n\nIt burns.\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        " \n\n",
        "Yes.",
        # no text of the author
        f"On 1/2/24 10:00, Bob Ray wrote:\n{QUOTE}",
        f"{QUOTE}\n-- \nAnn\n",
        "-- \nAnn\n",
        "Sent from my iPhone\n",
        HEADER,
        # forwards
        f"Look.\n\n---------- Forwarded message ---------\n{HEADER}\n> Really?\n",
        f"Look.\n\n-------- Weitergeleitete Nachricht --------\n\nIt burns.\n{QUOTE}",
        f"Look.\n\n----- Välitetty viesti -----\n{HEADER}\n-- \nBob\n",  # in a language that is not known
        f"Look.\n\nBegin forwarded message:\n{FORWARDED}",
        f"Look.\n{FORWARDED}",
        f"He says:\n\n{HEADER}",
        f"What shall I do with this?\n\nFrom: Bob\nTo: Ann\nDate: 2 Jan 2024\nSubject: Fire\n\nIt burns.\n\n{HEADER}",
        # what only looks like history
        "A new enquiry.\n\nFrom: Bob\nSubject: Printer\nDate: 2.1.2024\n\nIt burns.\n\n> Really\n",
        "An: der Tür\nVon: innen\n\nDatum: morgen\nBetreff: nichts\nVon: mir\nAn: dich\n",
        f"Without a line between:\n{HEADER}",
        "Text.\n\n________________________________\nlist mailing list\n",
        "On 1/2/24 10:00, Bob Ray wrote:\n\nWhich day?\n\nTuesday.\n",  # the marks were lost, as in HTML
        "The log says:\n\n> 10:00 fire\n> 10:01 no fire\n\nHelp!\n",
        ">From now on no printer.\n",
        "We need\n>= 3 printers\n>:-(\n",
        "a\n>\n\n>\nb\n",
        ">>> import fire\n>>> fire.out()\nand nothing happens\n",
        "1c1\n< on\n---\n> off\n",
        " > indented\nYes.\n",
        # what only looks like a signature
        "Hello,\n\nThanks, that worked. But now the scanner burns.\n\nBest regards\nAnn\n\nMy number: 1\n",
        "We need\n\n- paper\n- ink\n\nand soon.\n",
        "--\n-- Table structure\n--\nCREATE TABLE x;\n",
        "a\n--\n\nb\n",
        "a\n---\nb\n",
        "x\n-- \n" + "This is long.\n" * 31,
        "x\n-- \nLog:\n> 1\n",
        "I wrote it.\nSent from my iPhone because the printer burns\n",
        "I wrote it.\nSent from my iPhone, please call Ann.\n",
    ],
)
def test_in_doubt_nothing_is_folded(text: str) -> None:
    assert fold(text) == ((("text", text),) if text else ())


LINES = [
    *(
        "Hello,",
        "",
        " ",
        "> quoted",
        ">",
        ">> deep",
        "-- ",
        "--",
        "Ann",
        "Sent from my iPhone",
        "The log says:",
        "PS: x",
    ),
    *(f"On 1/2/24 10:00, {BOB} wrote:", "On Tue, Jan 2, 2024 at 10:00 AM Bob of Client <", "bob@client.org> wrote:"),
    *("-----Original Message-----", "---------- Forwarded message ---------", "_" * 32, "---", ">From x", "\x0c"),
    *(
        "From: Bob",
        "Sent: 2 January",
        "To: Ann",
        "Subject: Fire",
        "> From: Bob",
        "> To: Ann",
        "> Subject: Fire",
        "\u2028",
    ),
]


@given(st.lists(st.sampled_from(LINES) | st.text(max_size=20), max_size=30), st.sampled_from(["\n", "\r\n", "\r"]))
@example(["a", "\u200b", "> b", "\u3000" * 500], "\n")
def test_passages_are_the_text(lines: list[str], newline: str) -> None:
    text = newline.join(lines)
    passages = fold(text)
    assert "".join(passage.text for passage in passages) == text
    kinds = [passage.kind for passage in passages]
    assert all(passage.text for passage in passages)
    assert all(one != other for one, other in pairwise(kinds))
    assert not kinds or "text" in kinds
    assert len(passages) < 2 or all(passage.text.strip() for passage in passages)


@given(st.lists(st.from_regex(r"[a-z]{1,9}( [a-z]{1,9}){0,9}[.,:?]?", fullmatch=True) | st.sampled_from(LINES[:6])))
def test_no_line_of_the_author_is_hidden(lines: list[str]) -> None:
    text = [line for passage in fold("\n".join(lines)) if passage.kind == "text" for line in passage.text.split("\n")]
    written = [line for line in lines if line.strip() and not line.startswith(">")]
    assert [line for line in text if line in written] == written


@pytest.mark.parametrize(
    "unit",
    [
        *(
            " \n",
            "\n",
            ">\n",
            "> x\n",
            "> x\n\n",
            "On x wrote:\n",
            "From: \n",
            "-- \n",
            "--\nx\n> x\n",
            "x\n> y\n",
            "x:\n",
            "> x\ny\n\n",
            "On 1.2.2024,\n",
            "On 1.2.2024 you wrote:\n",
            "On 1.2.2024 you wrote:\n\n",
            "From: a\nTo: b\nDate: 1\n",
            "Hello Ann,\nOn 1.2.2024 10:00, Bob wrote:\n",
            "See my answers below.\nOn 1.2.2024 10:00, Bob wrote:\n",
            "-- reply above this line --\n",
            "-----Original Message-----\n",
            "> " + "x " * 40 + "\ny z\n",
        ),
        *("_", "a ", ">", "<a@", "On 1 ", "From: a\nb\n", "Date: 1\nx\nTo: a\nx\nx\nx\nx\n", "-----a-----\n", "- "),
        *(f"On 2.1.2024 10:00 {BOB} wrote:\n> x\nyes\n", "1 (" * 130 + ":\n>x\n", "((a@b:" * 60 + ":\n>x\n"),
        *("Sent from my iPhone\n> x\n", "Sent from " + "a " * 190 + "\n> x\n", "On " * 100 + "1:\n>x\n"),
    ],
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    def took(size: int) -> float:
        text = "x\n" + unit * (size // len(unit))
        start = time.process_time()
        assert "".join(passage.text for passage in fold(text, "Re: x")) == text
        return time.process_time() - start

    size = 20_000
    assert took(10 * size) < 50 * max(min(took(size), took(size)), 0.01)


def test_a_text_beyond_the_limit_is_one_passage() -> None:
    text = ANSWER + QUOTE
    longest = "x" * (LIMIT - len(text)) + text
    assert [passage.kind for passage in fold(longest)] == ["text", "quoted"]
    assert fold("x" + longest) == (("text", "x" + longest),)
