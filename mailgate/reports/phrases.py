"""Recognise the words of mail systems for failure, delay and success, in the languages in which they have been seen.

A clause that only says what may happen does not count: "you will be notified if it fails permanently" is not a failure.
"""

import re


def _lower(*alternatives: str) -> re.Pattern[str]:
    """A pattern for text in lower case, which is five times as fast as ignoring case."""
    return re.compile("|".join(alternatives))


_SURELY_TRYING = _lower(
    r"\(delay|not yet been|still being retried|will be re-?tried|will (?:keep|continue) (?:on )?(?:to )?(?:re)?try",
    r"warning (?:message )?only|(?:not|n't) (?:need|have) to resend",
)
_STILL_TRYING = _lower(
    r"still (?:trying|attempting|queued|(?:in the )?queue|awaiting|waiting)|keep (?:on )?trying|will keep re-?trying",
    r"will (?:retry|try again|continue for|continue to attempt|attempt to deliver|keep)"
    r"|attempts? (?:to deliver [^.]{0,40})?will (?:continue|be)",
    r"(?:are|is|keeps?|still) retrying|queued for (?:re|later|another|further)|attempts (?:go on|are being made)",
    r"continue to (?:try|attempt|be made)|this is (?:just |only )?an? (?:delay )?(?:warning|advisory)",
    r"do not resend|no action is required|(?:been|is) (?:temporarily )?(?:delayed|postponed)",
    r"delayed (?:mail|by|for|\d)|: delayed|delivery (?:is |was |has been )?delayed|not yet (?:be )?(?:deliver|sen[dt])",
    r"verzögert|(?:weitere|neue|erneute) zustellversuche|zustellversuche werden fortgesetzt|(?:noch|bisher) nicht "
    r"[^\n]{0,60}(?:zugestellt|ausgeliefert)|wird [^\n]{0,40}weiter(?:hin)? versuch|erneut zugestellt werden",
    r"retardée|va réessayer|nouvelles tentatives|nouvelle tentative (?:aura|sera|dans|est)"
    r"|pas encore (?:p[uû]|[ée]t[ée]|remis|distribu)|continuera? (?:à|d)"
    r"|sera à nouveau",
    r"se ha retrasado|(?:a[uú]n|todav[ií]a) no [^\n]{0,30}(?:entreg|envi|pud|podido)|seguir[aá] (?:re)?intent"
    r"|volver[aá] a intentar|se reintentar[aá]",
    r"in ritardo|non [^\n]{0,12}ancora [^\n]{0,30}(?:consegn|recapit|invia)|ancora non [^\n]{0,30}(?:consegn|recapit)"
    r"|continuerà a (?:prov|tent)",
    r"ainda n[aã]o [^\n]{0,30}(?:entreg|envi)|continuar[aá] (?:a )?tenta|tentar[aá] novamente",
    r"vertraagd|nog niet [^\n]{0,30}(?:gelever|bezorgd|verzonden)|nog [^\n]{0,20}geprobeerd"
    r"|(?:wordt|zal) [^\n]{0,30}opnieuw (?:ge)?pro",
    r"jeszcze nie [^\n]{0,30}(?:dostarcz|dor[eę]cz)|opóźnion|kolejne próby|(?:zatím|ještě) ne[^\n]{0,20}doruč|zpožděn",
    r"(?:ännu inte|inte ännu|endnu ikke|ikke endnu|ennå ikke|ikke ennå) [^\n]{0,20}lever|försenad|forsinket"
    r"|nya försök|nye forsøg|nye forsøk|ei ole vielä|viivästy",
    r"henüz [^\n]{0,20}(?:teslim|ilet)|gecik|még nem [^\n]{0,30}kézbes|késlelte|δεν [^\n]{0,20}ακόμ|καθυστέρ",
    r"задержан|(?:ещ[её]|ще) не [^\n]{0,20}(?:доставл|отправл)|попытки [^\n]{0,30}(?:продолж|будут)",
    r"遅延|まだ[^\n]{0,20}(?:配信|送信|配送|届)|再試行|再送を試み|延迟|延遲|尚未(?:成功)?(?:送|投|发)"
    r"|(?:继续|繼續)(?:尝试|嘗試)|지연|아직[^\n]{0,20}(?:전송|배달)",
)
_GIVEN_UP = _lower(
    r"(?:giving|gave|given) up|permanent|not be retried|unrecoverable|(?<!non-)fatal error|(?:has|have) expired"
    r"|message expired",
    r"(?:is|been|was|being) returned|returned mail|too long|could not be delivered for",
    r"endgültig|aufgegeben|wurde[^\n]{0,40}zurückge|abandonn|définitiv|definitiv[ao]|окончательн|放弃|放棄|断念",
)
_DELIVERED = _lower(
    r"successful(?:ly)? (?:mail )?(?:been )?(?:deliver|relay|sent)|(?:delivered|relayed|sent|delivery) success",
    r"(?:was|were|has been|have been) (?:delivered|relayed|expanded)(?! for )|delivery [^\n]{0,60}is complete",
    r"erfolgreich (?:zugestellt|übermittelt|ausgeliefert|weitergeleitet|versandt)|avec succès|con éxito"
    r"|correctamente|satisfactoriamente|con successo|correttamente|com (?:êxito|sucesso)|succesvol|met succes",
    r"успешно|pomyślnie|úspěšně|onnistuneesti|başarıyla|sikeresen|επιτυχώς|har levererats|er (?:blevet )?leveret",
    r"正常に|配信完了|配信されました|成功(?:送|投|发|發)|已(?:成功)?(?:送达|送達|投递)|성공",
)
_IF = _lower(
    r"\b(?:if|unless|eventually|otherwise|in case|when that happens|you may|may still|might)\b",
    r"\b(?:falls|wenn|sollten?|andernfalls|sonst|sinon|au cas où|si|en caso|caso|als|indien|mocht|jeśli|jeżeli)\b",
    r"\b(?:om|hvis|eğer|pokud|αν|εάν|если|якщо)\b|如果|若|場合|경우",
)
"""What opens a clause about something that has not happened."""
_END = re.compile(r"[.!?;。！？](?=\s|$)|[。！？]|\n[ \t]*\n")
"""Where a sentence ends."""

_FAILED = _lower(
    r"undeliver|non[- ]?deliver|deliver(?:y|ing)[^\n]{0,40}(?:fail|problem|error|impossible|not possible|trouble"
    r"|denied)",
    r"(?:fail|error|trouble|problem|unable|impossible)[^\n]{0,40}(?:deliver|sen[dt]|relay|reach|process)",
    r"(?:could|can|was|were|has|have|did|is|are)(?: ?n[o']t| not)\s{1,3}(?:yet )?(?:been |be )?"
    r"(?:deliver|reach|process|sen[dt]|accept|found|recogni|valid|allowed|listed)",
    r"failed (?:mail|message)|returned (?:mail|to sender)|(?:failure|warning|error) (?:notice|notif|report)"
    r"|(?:mail|message"
    r"|email) (?:failure|error|status)",
    r"(?:unknown|invalid|no such|bad|non-?existent|inactive|illegal) (?:e-?mail )?(?:user|recipient|mailbox"
    r"|addressee?|local|domain|host)",
    r"(?:user|host|recipient|mailbox|account|addressee?|domain|quota)[^\n]{0,40}(?:unknown|not found|not known"
    r"|unavailable|disabled|full"
    r"|rejected|not exist|n't exist|not listed|inactive|invalid|over ?quota|exceed|suspended)",
    r"not a (?:valid|known) (?:user|address|recipient|mailbox)|(?:permanent|fatal|transient) (?:error|failure"
    r"|problem)",
    r"(?:message|mail|e-?mail) (?:was |has been |is )?(?:rejected|returned|bounced|blocked|refused|delayed)"
    r"|[45]\d\d[ -][45]\.\d\.\d",
    r"not (?:a )?(?:member|subscriber) of (?:this|the|our) (?:mailing ?)?list|duplicated message-id",
    r"rejected|delayed|postponed|deferred|warning message|not yet (?:been|deliver|sen[dt])|bounced",
    r"non (?:remis|distribu|d[ée]livr)|pas p[ua]\w* (?:[eê]tre|d[ée]livrer|remettre)|n'(?:a|ont) pas (?:p[uû]|[ée]t[ée]"
    r"|abouti|atteint)|n'a pu|n'est pas parvenu|pas encore (?:p[uû]|[ée]t[ée]|remis|distribu)"
    r"|[ée]chec (?:de|d'envoi)|impossible de (?:remettre|d[ée]livrer|distribuer)|retardée"
    r"|(?:messag|courri)[^\n]{0,60}(?:refus[ée]|rejet[ée]|retourn[ée])",
    r"no (?:se )?(?:pudo|pudieron|ha podido|han podido)|no (?:ha sido|fue|se ha|se han)? ?(?:entregad|enviad)"
    r"|(?:fall[oó]|error) (?:en|de) (?:la )?entrega|devuelto al remitente|rechazad|mensaje devuelto|no s'ha pogut",
    r"n[aã]o (?:foi|p[oô]de|entreg)|falha (?:na|de) entrega|devolvid[ao]|recusad[ao]|rejeitad[ao]",
    r"mancat[ao] (?:consegna|recapito)|impossibile (?:consegnare|recapitare)|errore di (?:consegna|recapito)"
    r"|non (?:è|e'|e|sono) (?:ancora )?stat[oaie] (?:ancora )?(?:consegnat|recapitat|possibile)|respint[oaie]\b"
    r"|rifiutat",
    r"unzustellbar|nicht [^\n]{0,60}(?:zugestellt|zustellbar)|nicht (?:erreich|bekannt|gefunden)"
    r"|zustellung(?!sbe| (?:war |ist )?erfolg)"
    r"|fehlgeschlagen|abgewiesen|abgelehnt|zurückgewiesen|rückläufer|kam zurück",
    r"onbestelbaar|niet (?:worden )?(?:af|be)gelever|niet (?:worden )?(?:bezorgd|verzonden)|geweigerd",
    r"nie (?:mo[żz]na|uda[łl]o|zosta[łl])|nie(?:dostarcz|dor[eę]cz)|odrzucon|nelze"
    r"|nedoru[čc]|neb[yý]l[aoyi]? [^\n]{0,20}doru[čc]|doru[čc]en[^\n]{0,20}(?:selhal|chyb)"
    r"|nepodařilo|odmítnut|(?:nije|ni) (?:mogu[ćc]e|bilo mogoče|isporučen|dostavljen)",
    r"ku(?:nne|nde) (?:ikke|inte)|(?:ikke|inte)(?: \w+)? levere|(?:det )?gick inte|avvisad|ei voitu|epäonnistu"
    r"|teslim edilem|iletilem|gönderilem|nem sikerült|sikertelen|kézbesíthet|δεν (?:παραδόθ|ήταν δυνατ)|αποτυχία",
    r"недостав|не (?:был[оаи]? |е )?достав(?:л?ен)|не може(?:т быть)? (?:да )?(?:бъде )?(?:доставлен|отправлен)"
    r"|не удалось|не вдалося|отклонен|nu (?:a|s-a) putut|nelivrat|respins|nepristaty|nepavyko|neizdev|ei õnnestunud",
    r"配信(?!され(?:まし)?た|完了|しました|済)|送信でき|届け|不達|エラー|退信|退回|投递失败|发送失败|无法|無法|未能|尚未|拒收|拒绝|拒否"
    r"|(?:전송|배달|발송)[^\n]{0,10}(?:실패|못)|반송",
    r"không (?:gửi|thể)|tidak (?:dapat|terkirim)|gagal (?:di)?kirim|לא (?:נמסר|ניתן)|تعذر|لم يتم|فشل|ไม่สามารถ",
)
"""Words of failure or delay."""
_MAIL = _lower(
    r"\be?-?mails?\b|\bmessages?\b|mailing ?list|message-id",
    r"recipient|mailbox|addressee|postmaster|smtp|\b(?:user|host|domain)\b|undeliver"
    r"|non[- ]?deliver|deliver(?:ed|y) (?:to:?\s{0,4}<?[^\s<>@]{1,64}@|status|notif|report)|failure notice",
    r"nachricht|empfänger|postfach|zustell|courri|messag|bo[iî]te|destinat|correo|mensaje|buz[oó]n|entrega\b|casella"
    r"|consegn|mensage|caixa|bericht|postvak|ontvanger|bestelbaar",
    r"wiadomo|skrzyn|odbiorc|zpráv|schránk|příjemc|doruč|meddeland|melding|besked|modtage|mottag|viesti|vastaanot"
    r"|ileti|alıcı|posta|levél|levele|üzenet|címzett|μήνυμ|παραλήπτ",
    r"письм|сообщени|почт|получател|адресат|лист|メール|宛先|受信者|不達|邮件|郵件|收件|邮箱|信箱|退信|메일|수신",
    r"mesaj|missatge|poruk|sporoč|laišk|thư|pesan|surat|הודע|رسال|ข้อความ|อีเมล",
)
"""Words for what mail systems carry, and for whom."""
_ABSENT = _lower(
    r"(?:not|n't|n[o']t) (?:be )?(?:currently )?(?:reach|found|process|allowed|valid|listed|recogni)\w*",
    r"nicht (?:erreich|bekannt|gefunden)\w*|erreich\w*|reach\w*",
)
"""What people write about themselves when they are away, and programs about what they look for."""


def failed(text: str) -> bool:
    """Whether a text reports a failure or a delay."""
    return bool(_FAILED.search(text.lower()))


def delayed(text: str) -> bool:
    """Whether the mail system still tries."""
    text = text.lower()
    if _SURELY_TRYING.search(text):
        return True
    if not _STILL_TRYING.search(text):
        return False
    return not _GIVEN_UP.search(text) or not _GIVEN_UP.search(_certain(text))


def delivered(text: str) -> bool:
    """Whether the message arrived, or was passed on to a system that does not report, and nothing failed."""
    text = text.lower()
    return bool(_DELIVERED.search(text)) and not _FAILED.search(_certain(text))


def of_mail(text: str) -> bool:
    """Whether a sentence is about a failure and about mail: other things fail too, and people cannot be reached."""
    return any(
        _FAILED.search(sentence) and _MAIL.search(sentence) and _FAILED.search(_ABSENT.sub(" ", sentence))
        for sentence in _END.split(text.lower())
    )


def _certain(text: str) -> str:
    """A lower-case text without the clauses that only say what may happen, and without their lines up to there."""
    certain = []
    end = 0
    for condition in _IF.finditer(text):
        if condition.start() < end:
            continue
        start = max(end, text.rfind("\n", end, condition.start()) + 1, text.rfind(". ", end, condition.start()) + 1)
        certain.append(text[end:start])
        stop = _END.search(text, condition.end())
        end = stop.end() if stop else len(text)
    return " ".join((*certain, text[end:]))
