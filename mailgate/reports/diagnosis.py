"""Why a message was not delivered: from status code and diagnostic to a kind, and to a sentence for an administrator.

Words come before codes: servers give 5.1.1 to a full mailbox and 5.7.1 to an unknown user, but they mean what they
write. A kind is only a help for people; what is permanent goes by the class of the code (RFC 3463 section 2).
"""

import re
from collections.abc import Mapping
from functools import cache

KINDS: Mapping[str, tuple[str, str]] = {
    "no-such-address": ("There is no such address.", "Diese Adresse gibt es nicht."),
    "mailbox-disabled": (
        "The mailbox exists but is disabled or takes no mail.",
        "Das Postfach gibt es, aber es ist gesperrt oder nimmt keine Mail an.",
    ),
    "mailbox-full": ("The mailbox is full.", "Das Postfach ist voll."),
    "moved": ("The recipient has moved to another address.", "Der Empfänger hat eine andere Adresse."),
    "bad-domain": (
        "The domain does not exist or takes no mail.",
        "Die Domain gibt es nicht, oder sie nimmt keine Mail an.",
    ),
    "unreachable": (
        "The recipient's mail server could not be reached.",
        "Der Mailserver des Empfängers war nicht erreichbar.",
    ),
    "expired": (
        "It could not be delivered in time; the mail server has given up or still tries.",
        "Die Zustellung dauerte zu lange; der Mailserver hat aufgegeben oder versucht es weiter.",
    ),
    "too-large": ("The message is too large.", "Die Nachricht ist zu groß."),
    "blocked": (
        "The recipient's server blocks our mail server, for its address or its reputation.",
        "Der Server des Empfängers sperrt unseren Mailserver wegen seiner Adresse oder seines Rufs.",
    ),
    "spam": ("The message was taken for spam.", "Die Nachricht wurde für Spam gehalten."),
    "virus": ("A virus or a forbidden attachment was found.", "Ein Virus oder ein verbotener Anhang wurde gefunden."),
    "authentication": (
        "Our mail failed a check of SPF, DKIM or DMARC.",
        "Unsere Mail hat eine Prüfung von SPF, DKIM oder DMARC nicht bestanden.",
    ),
    "policy": (
        "The recipient's server refuses the message by its own rules.",
        "Der Server des Empfängers lehnt die Nachricht nach eigenen Regeln ab.",
    ),
    "relay-denied": (
        "The server that was asked is not responsible for this address.",
        "Der gefragte Server ist für diese Adresse nicht zuständig.",
    ),
    "complaint": ("The recipient calls our mail spam.", "Der Empfänger meldet unsere Mail als Spam."),
    "greylisted": (
        "The server asks to try again later (greylisting).",
        "Der Server bittet um einen späteren Versuch (Greylisting).",
    ),
    "rate-limited": (
        "Too many messages or connections in a short time.",
        "Zu viele Nachrichten oder Verbindungen in kurzer Zeit.",
    ),
    "loop": ("The message went round in circles.", "Die Nachricht lief im Kreis."),
    "content": (
        "The server does not take a message of this form.",
        "Der Server nimmt eine Nachricht dieser Form nicht an.",
    ),
    "encryption": (
        "No encrypted connection could be made.",
        "Es kam keine verschlüsselte Verbindung zustande.",
    ),
    "system-error": (
        "The recipient's mail system has a fault.",
        "Das Mailsystem des Empfängers ist gestört.",
    ),
    "unknown": (
        "The report does not say why in words we know; read the diagnostic.",
        "Der Bericht nennt keinen Grund, den wir kennen; die Meldung des Servers sagt mehr.",
    ),
}
"""Kind -> the reason in English and in German."""

TRANSIENT = frozenset(("mailbox-full", "greylisted", "rate-limited", "expired", "unreachable"))
"""Kinds that pass, as far as nobody says otherwise with a code."""

_CODES = {
    **dict.fromkeys(("1.1", "1.0", "1.3", "1.4"), "no-such-address"),
    **dict.fromkeys(("1.2", "1.10", "4.4"), "bad-domain"),
    "1.6": "moved",
    "2.1": "mailbox-disabled",
    "2.2": "mailbox-full",
    "3.1": "system-error",
    **dict.fromkeys(("2.3", "3.4"), "too-large"),
    **dict.fromkeys(("3.0", "3.2", "3.5", "4.3", "5.3"), "system-error"),
    **dict.fromkeys(("4.1", "4.2", "4.5"), "unreachable"),
    "4.6": "loop",
    "4.7": "expired",
    "4.8": "policy",
    **dict.fromkeys(("5.2", "5.4", "6.0", "6.1", "6.2", "6.3", "6.5", "6.6", "6.7", "6.9"), "content"),
    **dict.fromkeys(("7.0", "7.1", "7.2", "7.3", "7.12", "7.13", "7.14", "7.15", "7.17", "7.18", "7.19"), "policy"),
    **dict.fromkeys(("7.4", "7.5", "7.6", "7.7", "7.10", "7.11"), "encryption"),
    **dict.fromkeys(("7.8", "7.9", "7.20", "7.21", "7.22", "7.23", "7.24", "7.26", "7.27"), "authentication"),
    **dict.fromkeys(("7.25", "7.606", "7.511"), "blocked"),
    "7.28": "rate-limited",
}
"""Subject and detail of a status code (RFC 3463 section 3, and what IANA added) -> kind."""


_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "greylisted",
        (r"gr[ea]y-?list|resources? temporarily unavailable[^\n]{0,40}try again|deferred: try again",),
    ),
    (
        "mailbox-full",
        (
            r"(?:over|exceed\w*|out of|beyond)[^.]{0,40}\b(?:quota|storage|disk|space|mailbox size)",
            r"quota[^.]{0,30}(?:exceed|full|reach|violat|limit)",
            r"(?:mailbox|inbox|mail ?drop|mail folder|account|user)[^.]{0,30}(?:is |was |too )(?:full|large)",
            r"mailbox[^.]{0,20}(?:full|exceeds|quota)|full mailbox|overquota",
            r"insufficient (?:disk|storage|system storage|space)|not enough (?:space|storage|disk)",
            r"no space left|storage (?:allocation|limit)|mbox full|postfach[^.]{0,20}voll|容量|一杯",
            r"buz[oó]n[^.]{0,20}llen|bo[iî]te[^.]{0,30}pleine|casella[^.]{0,20}piena|caixa[^.]{0,20}cheia"
            r"|postvak[^.]{0,20}vol\b|переполнен|邮箱[^.]{0,10}满",
        ),
    ),
    (
        "too-large",
        (
            r"(?:message|mail|e-mail|size|file|content|attachment)[^.]{0,30}(?:too (?:big|large)"
            r"|exceed[^.]{0,30}(?:size|limit|max))",
            r"(?:exceed|larger)[^.]{0,30}(?:size|maximum|limit of \d)|(?:size|length) limit",
            r"max(?:imum)? (?:message )?size|message size|too many bytes|oversize",
        ),
    ),
    (
        "authentication",
        (
            r"\b(?:dmarc|dkim|spf|sender policy framework|sender ?id)\b[^\n]{0,60}(?:fail|reject|not|polic|check"
            r"|invalid|neutral|none)",
            r"(?:fail|reject|not pass|unauthenticated|violat)[^\n]{0,60}\b(?:dmarc|dkim|spf|sender policy)\b",
            r"unauthenticated e?mail|authentication checks? fail|\bspf record|sender id \(pra\)",
            r"domain owner[^.]{0,40}polic",
        ),
    ),
    (
        "virus",
        (
            r"\bvirus|malware|infected|trojan",
            r"(?:attachment|file|executable)[^.]{0,30}(?:not allowed|forbidden|banned|blocked|prohibit)",
            r"banned (?:file|content|attach)|eicar|not accepting mail with attach",
        ),
    ),
    (
        "blocked",
        (
            r"block(?:ed|ing)? ?list|black ?list|\b(?:dns)?[rd]n?s?bl\b|spamhaus|spamcop|sorbs",
            r"barracudacentral|abuseat|reputation",
            r"(?:ip|host|client|server|domain|sender|network)[^.]{0,40}(?:blocked|banned|blacklisted|rejected for"
            r"|listed (?:in|at|on|by))",
            r"blocked (?:by|using|for|from|due)|reverse (?:dns|lookup|hostname|mapping)|\bptr\b|fcrdns|rdns",
            r"no access from mail server",
            r"(?:cannot|can't|could not) (?:find|resolve) (?:your|the client) (?:host|reverse|ip)",
            r"poor sender|dynamic (?:ip|address)",
            r"(?:you are|sender is|ip is)[^.]{0,20}(?:not allowed to connect|banned|blocked)|open relay",
            r"service refus",
        ),
    ),
    (
        "spam",
        (
            r"\bspam\b|\bspammy|junk (?:mail|e-?mail)|unsolicited|\bbulk e?mail\b|\bube\b|\buce\b|advertis",
            r"phish|content[^.]{0,30}(?:reject|filter)|message (?:looks|score|rejected as)",
            r"similar to (?:spam|messages)",
        ),
    ),
    (
        "rate-limited",
        (
            r"rate[- ]?limit",
            r"too many (?:\w+ ){0,3}(?:connection|message|mail|recipient|session|error|hour|invalid)",
            r"throttl",
            r"(?:exceed|reached)[^.]{0,40}(?:rate|limit (?:for|on)|per (?:hour|day|minute)|connections)",
            r"sending too|too (?:fast|frequent)|suspicious activity|unusual rate|unexpected volume",
            r"excessive|frequency limited|receiving mail at a rate",
        ),
    ),
    (
        "bad-domain",
        (
            r"host (?:or domain )?(?:name )?(?:unknown|not found|lookup)",
            r"unknown (?:host|domain|mail server)|domain[^.]{0,40}(?:not (?:exist|found|valid)|n't exist)",
            r"no such (?:domain|host)|nxdomain|unrout(?:e?able|able) (?:mail )?(?:address|domain)",
            r"(?:bad|invalid|illegal) (?:host|domain)|couldn't find (?:any host|a mail exchanger)",
            r"no (?:mx|a|valid mx|mail) (?:record|host|exchanger|server)|null ?mx|name server",
            r"dns (?:error|failure|lookup)|(?:does|did) not accept (?:mail|e-mail)|nameserver",
            r"name or service not known|(?:all|no) relevant mx|unable to (?:route|find host)",
        ),
    ),
    (
        "mailbox-disabled",
        (
            r"(?:account|mailbox|user|recipient|address)[^.]{0,40}(?:disabled|suspend|inactive|deactivat|locked"
            r"|expired|discontinued|closed|on hold|frozen)",
            r"(?:disabled|suspended|inactive|deactivated|locked) (?:account|mailbox|user|recipient)",
            r"not active|no longer (?:active|available|in use)",
            r"mailbox (?:is )?(?:unavailable or|temporarily) (?:locked|disabled)",
            r"has been (?:disabled|suspended|terminated)",
        ),
    ),
    (
        "relay-denied",
        (
            r"relay(?:ing)?[^.]{0,40}(?:denied|not|prohibit|disallow|reject|access)|unable to relay",
            r"not a gateway|(?:not|no)[^.]{0,20}(?:authorized|allowed|permitted)[^.]{0,20}relay|rcpthosts",
            r"we do not relay|not local",
        ),
    ),
    (
        "no-such-address",
        (
            r"(?:user|recipient|mailbox|address(?:ee)?|account|alias|person|rcpt|local ?part|customer|member"
            r"|name)[^.\n]{0,60}?(?:unknown|unkonwn|not found|not exist|n't exist|does ?nt exist|invalid"
            r"|not known|not recogni[sz]ed|not listed|not valid|no longer|undeliverable|unavailable|not a valid"
            r"|not have an? (?:account|mailbox)|n't have an?|non.?existent|not accepted|not match)",
            r"(?:unknown|no such|invalid|bad|illegal|nonexistent|non-existent|undefined|incorrect"
            r"|no)\s{1,3}(?:\w+[ -]){0,2}(?:user|recipient|mailbox|address|account|alias|person|rcpt|local part"
            r"|one here|body|mail ?drop|customer)",
            r"not (?:our|a) (?:customer|subscriber|known)|no mailbox here",
            r"not a valid (?:user|mailbox|recipient|address)|not known here|address unknown",
            r"not a registered|(?:could|can)(?:not|n't) (?:be )?(?:find|found)|unbekannt|existiert nicht",
            r"inconnu|desconocid|non recens|存在し|見つかり|宛先",
            r"n'existe pas|no existe|non esiste|n[aã]o existe|inexist|sconosciut|desconhecid|onbekend|bestaat niet"
            r"|nieznan|neexist|okänd|ukjent|ukendt|не (?:найден|существ)|不存在",
        ),
    ),
    (
        "moved",
        (
            r"has moved|moved to|changed (?:his|her|its|their|the)[^.]{0,20}address|new address",
            r"user not local; (?:please )?try",
        ),
    ),
    (
        "loop",
        (
            r"(?:mail|routing|forward\w*|possible|bounce)[ -]*loop|too many (?:hops|received)|hop count",
            r"loops? back|\blooping\b|duplicated message-id",
        ),
    ),
    (
        "encryption",
        (r"\btls\b|starttls|certificate|\bssl\b|encrypt",),
    ),
    (
        "expired",
        (
            r"expired|too long|timed? ?out[^.]{0,30}(?:queue|giving)|in (?:the )?queue",
            r"for (?:more than )?\d+ (?:hours?|days?)|giving up|gave up|retry (?:time|timeout|limit)",
            r"(?:delivery|message) (?:time|has been)[^.]{0,20}(?:expired|delayed)|still being retried",
            r"not yet been|delayed|undelivered after|failed \d+ attempts",
            r"could not be delivered (?:for|within)",
        ),
    ),
    (
        "unreachable",
        (
            r"(?:connect(?:ion|ed|ing)?|conversation|session|socket)[^.]{0,40}(?:refused|timed? ?out|fail|reset"
            r"|lost|dropped|closed|error|died|establish)",
            r"(?:no route|unreachable|timed? ?out|not respond|connection|network (?:is|error)|unable to connect"
            r"|lost connection|down for|wasn't able to establish)",
            r"(?:could not|cannot|can't|not accept our requests to) connect",
            r"(?:server|host|service)[^.]{0,20}(?:busy|unavailable|did not|not reachable)|refused to talk",
            r"not available|unavailable or busy",
        ),
    ),
    (
        "content",
        (
            r"(?:8bit|8-bit|smtputf8|binary|mime|header|rfc ?\d+|charset|syntax|conversion|format|malformed"
            r"|non-?compliant|bare (?:lf|cr)|from:)[^.]{0,60}(?:not|missing|error|invalid|required|reject"
            r"|unsupported|lacking|violat|duplicate|multiple)",
            r"(?:invalid|missing|malformed|unsupported|illegal|duplicate|multiple)[^.]{0,40}(?:header|mime"
            r"|charset|date|message-id|from|encoding|character)",
            r"syntax error",
        ),
    ),
    (
        "policy",
        (
            r"polic(?:y|ies)|not (?:allowed|permitted|authorized|authorised|accepted|verified)|denied",
            r"prohibited|administrative|forbidden|security|permission|unauthori|not accept|no tiene|autoris",
            r"violation",
        ),
    ),
    (
        "no-such-address",
        (r"(?:recipient|user|address|mailbox)[^.\n]{0,80}?(?:rejected|refused)",),
    ),
    (
        "policy",
        (r"reject(?:ed|s)|refused",),
    ),
    (
        "system-error",
        (
            r"(?:system|internal|local|server|config\w*|software|disk|database|ldap|i/o|queue file|program"
            r"|command|filter|mailer|pipe)[^.]{0,40}(?:error|fail|problem|fault|not found|crash|exit|died|status"
            r"|resources)",
            r"insufficient|out of memory|temporary (?:failure|problem|error)|temporarily|processing error",
            r"try (?:again )?later|cannot (?:open|create|append)",
        ),
    ),
)
"""What servers write, asked in this order -> kind."""


_ADDRESS = re.compile(r"[^\s<>@\"':;,]{1,64}@[a-z0-9.-]{1,255}")
"""What says nothing of a reason, whatever words are in it, and ends no sentence with its dots."""


@cache
def _compiled(at: int) -> re.Pattern[str]:
    """The words of one row; compiling all of them would take a process longer than anything else in a report."""
    return re.compile("|".join(_WORDS[at][1]))


def kind(status: str, diagnostic: str) -> str:
    """The kind of a failure: by the words of the diagnostic, else by the code; `unknown` when neither tells."""
    words = _ADDRESS.sub("it", diagnostic.lower())  # five times as fast as ignoring case
    for at, (name, _) in enumerate(_WORDS):
        if _compiled(at).search(words):
            return name
    return _CODES.get(status[2:], "unknown")


def permanent(action: str, status: str, name: str) -> bool:
    """Whether trying again is useless: failed, and of class 5; without a code, failed for a reason that stays."""
    if action != "failed":
        return False
    return status[0] == "5" if status else name not in TRANSIENT


def reason(name: str, language: str) -> str:
    """The reason in a sentence: German where the language is German, else English."""
    english, german = KINDS.get(name, KINDS["unknown"])
    return german if language.lower().partition("-")[0] == "de" else english
