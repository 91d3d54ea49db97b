"""The mail in which a provider asks whether a forwarding is wanted: who sends it, and what is to be opened.

It goes to the very addresses that take nothing but answers and reports, so it would be refused or put aside.
"""

import re
from typing import NamedTuple

from mailgate.mail.message import Message
from mailgate.values import address, charset
from mailgate.values.address import Address

LINKS_LIMIT = 5
_TEXT_LIMIT = 256 * 1024
"""Characters of text and of HTML that are searched."""
_GMAIL = "forwarding-noreply@google.com"
_PROVIDERS = {
    "Cloudflare": ("cloudflare.com",),
    "Fastmail": ("fastmail.com", "fastmailteam.com"),
    "GMX": ("gmx.net", "gmx.de", "gmx.com"),
    "IONOS": ("ionos.com", "ionos.de", "ionos.co.uk"),
    "Mail.ru": ("mail.ru",),
    "Microsoft": ("microsoft.com", "accountprotection.microsoft.com"),
    "OVH": ("ovh.com", "ovhcloud.com"),
    "Proton": ("proton.me", "protonmail.com"),
    "WEB.DE": ("web.de",),
    "Yahoo": ("yahoo.com", "yahoo-inc.com"),
    "Yandex": ("yandex.ru", "yandex.com"),
    "Zoho": ("zoho.com", "zoho.eu", "zoho.in", "zohomail.com", "zohocorp.com"),
}
"""Who confirms forwardings, by the domains it writes from."""
_SUBJECT = re.compile(
    r"forward|redirect|weiterleit|umleit|reenv[ií]|inoltr|transfert|пересыл|переадрес"
    r"|confirm|verif|bestätig|подтвер|conferma|vérif",
    re.IGNORECASE,
)
_MACHINES = re.compile(
    r"(?:no|do)[-._]?(?:not[-._]?)?reply|(?:fwd|forward|verif|confirm|notif|account|service|mail)[a-z-]*"
)
"""Local parts of a provider's machines: its customers have addresses in some of these domains."""
_URL = re.compile(r"https?://[^\s<>\"'\\^`{|}\x00-\x20]{1,2000}", re.IGNORECASE)
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]{1,4000})"|'([^']{1,4000})')""", re.IGNORECASE)
_CODE = re.compile(r"(?:code|PIN|TAN)\b[^0-9\n]{0,40}([0-9]{4,12})\b", re.IGNORECASE)
_WANTED = re.compile(
    r"/vf-|verif|confirm|valid|activat|bestaetig|best%c3%a4tig|accept|approv|token|opt-?in", re.IGNORECASE
)
_UNWANTED = re.compile(
    r"/uf-|cancel|unsubscribe|abmeld|abuse|privacy|datenschutz|impressum|polic|support|help|w3\.org", re.IGNORECASE
)
_SECOND_LEVEL = frozenset(("ac", "co", "com", "edu", "gov", "gob", "go", "ne", "net", "or", "org"))


class Link(NamedTuple):
    """Something to open: `kin` says whether its host is of the author's organisation."""

    url: str
    host: str
    kin: bool


def provider(message: Message) -> str:
    """The provider whose confirmation a message looks to be, by its author and its subject; `""` for other mail.

    From may be forged: all that follows from this is that somebody looks at the message.
    """
    author = message.author.address
    if author is None:
        return ""
    if author.key == _GMAIL:
        return "Gmail"
    if not _SUBJECT.search(message.subject) or not _MACHINES.fullmatch(address.lower(author.local)):
        return ""
    return next((name for name, hosts in _PROVIDERS.items() if any(_within(author.domain, host) for host in hosts)), "")


def links(text: str, html: str, author: Address | None) -> list[Link]:
    """The links of a message, those that confirm something first, without those that cancel or explain."""
    from html import unescape  # not for the pipe, which looks at no body

    written = [*_URL.findall(text[:_TEXT_LIMIT])]
    for match in _HREF.finditer(html[:_TEXT_LIMIT]):
        written += _URL.findall(unescape(match[1] or match[2]).strip())
    links: dict[str, Link] = {}
    for text in written:
        url = text.rstrip(".,;:!?)]*")
        host = _host(url)
        if host and not _UNWANTED.search(url):
            links.setdefault(url, Link(url, host, author is not None and kin(host, author.domain)))
    return sorted(links.values(), key=lambda link: not _WANTED.search(link.url))[:LINKS_LIMIT]


def codes(text: str) -> list[str]:
    """The numbers that a message calls a code."""
    return list(dict.fromkeys(_CODE.findall(text[:_TEXT_LIMIT])))[:LINKS_LIMIT]


def kin(host: str, other: str) -> bool:
    """Whether two hosts belong to one organisation, as far as names tell: below one registered domain."""
    return _organisation(host) == _organisation(other)


def _organisation(host: str) -> str:
    """The registered domain, without a list of public suffixes: two labels, three under `co.uk` and its like."""
    labels = host.split(".")
    size = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    return ".".join(labels[-size:])


def _host(url: str) -> str:
    """The host of a URL as A-labels, `""` when it has none that a browser and we read alike."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.username is not None or charset.printable(url) != url:
        return ""
    return address.domain(host) or ""


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
