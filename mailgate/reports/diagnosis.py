"""Diagnose why a message was not delivered, by the diagnostic and the status code.

Words come before codes: servers give 5.1.1 for a full mailbox and 5.7.1 for an unknown user, but their words are right.
The kind only helps people; whether a failure is permanent depends on the class of the code (RFC 3463 section 2).
"""

import re
from functools import cache

KINDS = (
    *("no-such-address", "mailbox-disabled", "mailbox-full", "moved", "bad-domain", "unreachable", "expired"),
    *("too-large", "blocked", "spam", "virus", "authentication", "policy", "relay-denied", "complaint", "greylisted"),
    *("rate-limited", "loop", "content", "encryption", "system-error", "unknown"),
)
"""The kinds; `compose/templates/LANGUAGE/diagnoses.toml` has a sentence for each."""
TRANSIENT = frozenset(("mailbox-full", "greylisted", "rate-limited", "expired", "unreachable"))
"""Kinds of failure that may pass, unless a code says otherwise."""

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
"""(kind, patterns of what servers write), tried in this order."""


_ADDRESS = re.compile(r"[^\s<>@\"':;,]{1,64}@[a-z0-9.-]{1,255}")
"""An address: words in it are not a reason, and its dots do not end a sentence."""


@cache
def _compiled(at: int) -> re.Pattern[str]:
    """The pattern of one row; compiling all of them would take longer than everything else in a report."""
    return re.compile("|".join(_WORDS[at][1]))


def kind(status: str, diagnostic: str) -> str:
    """The kind of a failure: by the words of the diagnostic, else by the status code, else `unknown`."""
    words = _ADDRESS.sub("it", diagnostic.lower())  # five times as fast as ignoring case
    for at, (name, _) in enumerate(_WORDS):
        if _compiled(at).search(words):
            return name
    return _CODES.get(status[2:], "unknown")


def permanent(action: str, status: str, kind: str) -> bool:
    """Whether to stop sending: it failed with a code of class 5, or without a code and for a reason that lasts."""
    if action != "failed":
        return False
    return status[0] == "5" if status else kind not in TRANSIENT
