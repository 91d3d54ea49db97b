"""The words that mail programs put above quoted history, a row a language, in lower case."""

from typing import NamedTuple


class Language(NamedTuple):
    """The words of one language: patterns without groups, alternatives separated by `|`, parts by ` / `.

    `opening` starts an attribution ("On"), `wrote` is its verb. `fields` are the whole names of four header fields:
    sender, date, recipient and subject. `title` has the words in the title of a message below: original, forwarded,
    message. `line` has what stands in "please type your reply above this line": above, line.
    """

    opening: str
    wrote: str
    fields: str
    title: str
    line: str


LANGUAGES = {
    "ar": Language(
        "في",
        "كتب|كتبت|تمت كتابة ما يلي بواسطة",
        "من / تم الإرسال|تم الارسال|تاريخ الإرسال|التاريخ|أرسلت|مرسل / إلى|الى / الموضوع",
        "الأصلية / محولة|معاد توجيه / رسالة|الرسالة",
        "فوق|أعلى / السطر|الخط",
    ),
    "bg": Language(
        "на",
        "написа|пише",
        "от / изпратено|дата / до|към / тема|относно",
        "оригинал|първоначал / препрат / съобщение|писмо",
        "над / ред|линия",
    ),
    "ca": Language(
        "el|a les",
        "va escriure|ha escrit|escrigué|missatge de",
        "de / enviat|enviat el|data / per a|a / assumpte|tema",
        "original / reenviat / missatge",
        "damunt|sobre / línia",
    ),
    "cs": Language(
        "dne|v|ve|od",
        r"napsala?|napsal\(a\)|píše",
        "od|odesílatel / odesláno|datum / komu|pro / předmět",
        "původní / přepos|předan / zpráv|e-mail",
        "nad / řád",
    ),
    "da": Language(
        "den|d",
        "skrev|skriver",
        "fra / sendt|dato / til / emne",
        "oprindelig / videres / meddelelse|besked|e-mail",
        "over|ovenfor / linje",
    ),
    "de": Language(
        "am|um|zitat von",
        "schrieb|schreibt|schrieben|geschrieben|zitat von",
        "von|absender / gesendet|gesendet am|datum|empfangen / an|empfänger / betreff",
        "original|ursprüng|urspr|antwort / weitergeleit / nachricht|mail|termin|mitteilung",
        "über|oberhalb / zeile|linie",
    ),
    "el": Language(
        "στις|την|τη|το",
        "έγραψε|έγραψαν|γράφει",
        "από|αποστολέας / στάλθηκε|ημερομηνία|απεστάλη|αποστολή / προς|παραλήπτης / θέμα",
        "αρχικό|πρωτότυπο / προωθ / μήνυμα|μηνύματος",
        "πάνω / γραμμή",
    ),
    "en": Language(
        "on|at|quoting|quoth",
        "wrote|writes|quoting|quoth",
        "from / sent|date|sent at|sent on|date sent|received / to / subject",
        "original|reply / forward / message|e-?mail|appointment|mail",
        "above / line",
    ),
    "es": Language(
        "el|en|a las|citando",
        "escribió|escribe|escribieron|citando",
        "de|remitente / enviado|enviado el|enviada el|enviados|fecha / para|destinatario / asunto",
        "original / reenvia / mensaje|correo",
        "encima|arriba / línea",
    ),
    "et": Language(
        "",
        "kirjutas",
        "saatja|kellelt / saadetud|saatmisaeg|kuupäev / adressaat|kellele|saaja / teema",
        "algne|algsõnum|originaal / edastat|edasisaade / kiri|sõnum|teade",
        "kohal|kohale / joon|rea|rida",
    ),
    "eu": Language(
        "",
        "idatzi du|idatzi zuen",
        "nork|igorlea / bidalia|bidaltze-data|data / nori|hartzailea / gaia",
        "jatorrizko / birbidali / mezu",
        "gainean / lerro|marra",
    ),
    "fa": Language(
        "در",
        "نوشت",
        "از / ارسال شده|تاریخ|تاریخ ارسال / به / موضوع",
        "اصلی / هدایت|بازارسال / پیام",
        "بالای / خط",
    ),
    "fi": Language(
        "",
        "kirjoitti|kirjoittaa",
        "lähettäjä / lähetetty|päivämäärä|päiväys|pvm / vastaanottaja|vastaanottajat / aihe|otsikko",
        "alkuper / edelleenläh|välitet / viesti|sähköposti",
        "yläpuolelle|yläpuolella|yllä / rivi|viivan",
    ),
    "fil": Language(
        "noong",
        "isinulat ni|sumulat si",
        "mula kay|mula / ipinadala|petsa / kay / paksa",
        "orihinal / ipinasa / mensahe",
        "itaas / linya",
    ),
    "fr": Language(
        "le|en date du",
        "écrit|écrivait|écrivit",
        "de|expéditeur / envoyé|envoyé le|date|date d'envoi|date d’envoi|message du / "
        "à|a|pour|destinataire / objet|sujet",
        "origin / transf|transmis|réexpéd / message|courriel|mail|rendez-vous",
        "au-dessus|dessus / ligne",
    ),
    "gl": Language(
        "o|en|o día",
        "escribiu",
        "de|remitente / enviado|data / para / asunto",
        "orixinal / reenviad / mensaxe|correo",
        "enriba / liña",
    ),
    "he": Language(
        "בתאריך|ב",
        "כתב|כתבה|כתב/ה",
        "מאת|מאת / נשלח|תאריך|נשלח ב / אל|ל / נושא|הנדון",
        "מקורית|המקורית / שהועברה|הועבר / הודעה|ההודעה",
        "מעל / שורה|לשורה",
    ),
    "hi": Language(
        "",
        "ने लिखा|लिखा",
        "प्रेषक|से / भेजा गया|दिनांक / प्रति|को / विषय",
        "मूल / अग्रेषित / संदेश",
        "",
    ),
    "hr": Language(
        "dana|dne|u|na",
        r"napisao|napisala|napisao\(la\)|piše|je napisao",
        "od|šalje|pošiljatelj / poslano|datum|poslato / prima|za|kome / predmet|naslov",
        "izvorn|originaln / proslijeđ|prosleđ / poruk",
        "iznad / crte|linije|retka",
    ),
    "hu": Language(
        "",
        "írta|írja",
        "feladó|küldő / elküldve|küldve|dátum / címzett|címzettek / tárgy",
        "eredeti / továbbít / üzenet|levél",
        "fölé|felett|felé / vonal|sor",
    ),
    "id": Language(
        "pada|pada tanggal",
        "menulis",
        "dari|daripada / dikirim|terkirim|tanggal|dihantar|tarikh / kepada|ke|untuk / subjek|perihal|subyek",
        "asli|asal / diterus|dimajukan / pesan|mesej|surel",
        "di atas / baris|garis",
    ),
    "is": Language(
        "þann|á",
        "skrifaði",
        "frá / sent|dagsetning|dags / til / efni",
        "uppruna|upphafleg / áframsen / skilaboð|póst",
        "fyrir ofan / lín",
    ),
    "it": Language(
        "il|il giorno|in data|alle|citando",
        "scritto|scrive|scrisse|citando",
        "da|mittente / inviato|inviata|inviato il|data / a|per|destinatario / oggetto",
        "original / inoltrat / messaggio|e-mail",
        "sopra|di sopra / riga|linea",
    ),
    "ja": Language(
        "",
        "のメール|のメッセージ|書きました|のコメント",
        "差出人|送信者|送信元 / 送信日時|日時|日付|送信 / 宛先|宛て先 / 件名|題名",
        "元の / 転送 / メッセージ|メール",
        "より上|上に|上部 / この行|行より|この線",
    ),
    "ko": Language(
        "",
        "작성|쓴 글|님이 쓰|씀",
        "보낸 사람|보낸사람|발신자|발신 / 보낸 날짜|보낸날짜|날짜|보냄|보낸 시간|받은 날짜|보낸 시각 / "
        "받는 사람|받는사람|수신자|수신 / 제목",
        "원본 / 전달 / 메시지|메일",
        "위에 / 이 줄|이 선",
    ),
    "lt": Language(
        "",
        "rašė|parašė",
        "nuo|siuntėjas / išsiųsta|data / kam|gavėjas|iki / tema",
        "pradin|original / persiųst / laišk|pranešim",
        "virš / eilut|linij",
    ),
    "lv": Language(
        "",
        "rakstīja|raksta",
        "no|sūtītājs / nosūtīts|datums / kam|saņēmējs / temats|tēma",
        "sākotnēj|oriģināl / pārsūt / ziņojum|vēstul",
        "virs / līnij|rindas",
    ),
    "nl": Language(
        "op|citeren",
        "schreef|schrijft|geschreven",
        "van|afzender / verzonden|verzonden op|datum|verstuurd / aan / onderwerp",
        "oorspronk|origine / doorgestuur / bericht|e-mail",
        "boven / regel|lijn",
    ),
    "no": Language(
        "den|på|kl",
        "skrev|skreiv|skriver|følgende den",
        "fra|frå / sendt|dato / til / emne",
        "opprinnelig|opphavleg / videres|vidaresend / melding|e-post",
        "over|ovenfor / linje",
    ),
    "pl": Language(
        "w dniu|dnia|dn",
        r"pisze|napisała?|napisał\(a\)|napisał/a|napisana przez|nadesłał|napisano|cytowanie",
        "od|nadawca / wysłano|wysłane|data|data wysłania / do|adresat / temat",
        "oryginał|oryginaln|pierwotn / przekaz|przesłan / wiadomoś|e-mail",
        "powyżej|nad / lini|wiersz",
    ),
    "pt": Language(
        "em|no dia|na|às|citando",
        "escreveu|escreve|escreveram|citando",
        "de|remetente / enviado|enviada|enviado em|enviada em|enviado a|data / para|destinatário / assunto",
        "original / encaminha|reencaminha / mensagem|e-mail",
        "acima / linha",
    ),
    "ro": Language(
        "în|pe|la data de",
        "a scris|scris",
        "de la|expeditor|expeditorul|din partea / trimis|trimis la|data|dată / "
        "către|catre|destinatar|destinatarul|la / subiect|subiectul",
        "original|inițial|iniţial / redirec|retrimis / mesaj|e-mail",
        "deasupra / linie|linii|rând",
    ),
    "ru": Language(
        "в|от",
        r"написала?|написал\(а\)|написал\(-а\)|пишет|писал\(а\)|писал[аи]?",
        "от|отправитель|от кого / отправлено|дата|отправлен / кому|получатель / тема",
        "исходн|оригинал / пересыл|пересл|перенаправ / сообщени|письм",
        "над|выше / черт|строк|лини",
    ),
    "sk": Language(
        "dňa|v",
        r"napísala?|napísal\(a\)|píše",
        "od|odosielateľ / odoslané|dátum / komu|pre / predmet|vec",
        "pôvodn / prepos / správ|e-mail",
        "nad / riad",
    ),
    "sl": Language(
        "dne|v|je",
        "napisala?|je napisal|piše",
        "od|pošiljatelj / poslano|datum / za|komu|prejemnik / zadeva",
        "izvirn|originaln / posredovan / sporočil",
        "nad / črt|vrstic",
    ),
    "sr": Language(
        "дана|у|dana",
        "је написао|је написала|написао|написала|napisao",
        "од|шаље / послато|датум|poslato / за|коме|прима / наслов|предмет",
        "оригинал|изворн / прослеђ / порук",
        "изнад / лини",
    ),
    "sv": Language(
        "den|kl",
        "skrev|skriver",
        "från|avsändare / skickat|datum|skickad|sänt / till|mottagare / ämne",
        "original|ursprung / vidarebef / meddelande|mejl|e-post",
        "ovanför / rad",
    ),
    "th": Language(
        "ในวันที่|เมื่อ",
        "เขียนว่า|เขียน",
        "จาก / ส่ง|ส่งเมื่อ|วันที่ / ถึง / เรื่อง|หัวเรื่อง|หัวข้อ",
        "ต้นฉบับ|เดิม / ส่งต่อ / ข้อความ",
        "เหนือ / บรรทัด",
    ),
    "tr": Language(
        "",
        "yazdı|yazmış|yazıyor",
        "kimden|gönderen / gönderildi|tarih|gönderme tarihi|gönderim / kime|alıcı / konu",
        "özgün|orijinal|asıl / iletil|yönlendir / ileti|mesaj|e-posta",
        "üstüne|üzerine|üstünde / satır|çizgi",
    ),
    "uk": Language(
        "у|в",
        r"пише|написала?|написав|написав\(ла\)|писав",
        "від|від кого|відправник / надіслано|дата|відправлено / кому|одержувач / тема",
        "вихідн|оригінал|початков / перенаправ|пересл|пересил / повідомлен|лист",
        "над|вище / ліні|рядк|рис",
    ),
    "vi": Language(
        "vào|ngày|lúc",
        "đã viết|viết",
        "từ|người gửi / đã gửi|ngày|gửi|ngày gửi / đến|tới|người nhận / chủ đề|tiêu đề",
        "gốc / chuyển tiếp / thư|tin nhắn",
        "phía trên|bên trên / dòng",
    ),
    "zh": Language(
        "在|于|於",
        "写道|寫道|写|寫",
        "发件人|寄件者|寄件人|發件人 / 发送时间|日期|傳送時間|寄件日期|发送日期|發送時間|傳送日期|已发送|时间 / "
        "收件人|收件者 / 主题|主旨|主題|标题|標題",
        "原始|原 / 转发|轉寄 / 邮件|郵件|訊息|信件|消息|電子郵件",
        "上方|以上|之上 / 此行|行上|此線|此线|这一行",
    ),
}
