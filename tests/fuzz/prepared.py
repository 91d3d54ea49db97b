"""A store in which something has happened, and the envelopes in which broken mail comes to it."""

from collections.abc import Mapping
from email.parser import BytesHeaderParser
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest import mock

from helpers.gateway import Gateway
from helpers.messages import BOB, mail
from helpers.queued import queued

from mailgate.gateway import post
from mailgate.gateway.post import Text
from mailgate.mail.incoming import Fallback, Incoming
from mailgate.store import aliases, records, senders
from mailgate.store.records import NewRecord
from mailgate.values import token
from mailgate.values.record import Ref
from mailgate.values.token import Token

CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "by-status": {"refusals_by": "status", "blocked_by": "status"},
    "trusting": {"authserv_ids": ("mx.example.com",), "border_strips": True},
    "small": {"max_size": 20_000},
}

ENVELOPES: Mapping[str, Incoming] = {
    "alias": Incoming(b"", BOB, ("info@example.com",)),
    "detail": Incoming(b"", "ann@client.org", ("INFO+press@Example.COM",)),
    "several": Incoming(
        b"", BOB, ("info@example.com", "sales@example.com", "catchall@example.com", "nobody@example.com")
    ),
    "policies": Incoming(b"", "ann@client.org", ("team@example.com", "vip@example.com", "jobs@example.com")),
    "other-domain": Incoming(b"", BOB, ("help@other.test", "robots@other.test", "returns-x@other.test")),
    "record": Incoming(b"", BOB, ("log@example.com", "gone@example.com", "thread@example.com")),
    "catchall": Incoming(b"", BOB, ("catchall@example.com",)),
    "unknown": Incoming(b"", BOB, ("nobody@example.com",)),
    "reserved": Incoming(b"", BOB, ("postmaster@example.com", "abuse@other.test")),
    "bounce": Incoming(b"", "", ("bounce@example.com",)),
    "forged-reply": Incoming(b"", "ann@client.org", ("{FORGED}",)),
    "signed-bounce": Incoming(b"", "<>", ("{BOUNCE}",)),
    "signed-reply": Incoming(b"", "ann@client.org", ("{REPLY}",)),
    "signed-outsider": Incoming(b"", "eve@elsewhere.example", ("{REPLY}", "info@example.com")),
    "null-to-alias": Incoming(b"", "", ("info@example.com", "catchall@example.com")),
    "blocked": Incoming(b"", "mallory@bad.example", ("info@example.com", "office@example.com")),
    "own-sender": Incoming(b"", "info@example.com", ("sales@example.com",)),
    "transport": Incoming(b"", BOB, ("mailbox@host.lan",)),
    "detected": Incoming(b"", BOB, ("desk@host.lan",)),
    "nothing": Incoming(b""),
    "fallback": Incoming(b"", BOB, ("nobody@example.com",), {}, Fallback("misc.mail")),
    "local": Incoming(b"", None, (), {"SENDER": BOB, "RECIPIENT": "info@example.com", "ORIGINAL_RECIPIENT": "x"}),
    "exim": Incoming(
        b"", None, (), {"SENDER": "", "LOCAL_PART": "bounce", "LOCAL_PART_SUFFIX": "+x", "DOMAIN": "example.com"}
    ),
    "lmtp": Incoming(b"", BOB, ("info@example.com", "catchall@example.com"), source="lmtp"),
    "fetch": Incoming(b"", source="fetch"),
    "fetch-fallback": Incoming(b"", fallback=Fallback("misc.mail"), source="fetch"),
}

PLACES = (
    *("info@example.com", "sales@example.com", "jobs@example.com", "team@example.com", "vip@example.com"),
    *("log@example.com", "thread@example.com", "quiet@example.com", "help@other.test", "robots@other.test"),
    *("catchall@example.com", "all@other.test", "bounce@example.com", "returns@other.test", "desk@else.example"),
    *("postmaster@example.com", "office@example.com", "nobody@example.com", "{REPLY}", "{BOUNCE}", "{FORGED}"),
    *("bob@client.org", "ann@client.org", "mallory@bad.example", "mailer-daemon@client.org", "noreply@client.org"),
)
"""Addresses that mean something to the gateway."""
IDS = ("{POST}", "{POST}", "{FIRST}", "{REFUSAL}", "<r0@client.org>", "<p1@client.org>", "<a@b> <c@d>", "<>")
"""Ids that mean something to it, and some that do not."""


class PreparedStore(NamedTuple):
    """The octets of a store, to be copied, and the words that name what is signed in it."""

    octets: bytes
    words: Mapping[str, str]

    def fill(self, text: str) -> str:
        """A text with the signed addresses and ids in the places of their names."""
        for name, value in self.words.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def fill_octets(self, raw: bytes) -> bytes:
        """The same for a mail."""
        return self.fill(raw.decode("latin-1")).encode("latin-1")

    def incoming(self, raw: bytes, name: str) -> Incoming:
        """A mail in one of the envelopes."""
        envelope = ENVELOPES[name]
        return envelope._replace(raw=raw, recipients=tuple(self.fill(address) for address in envelope.recipients))

    def details(self) -> frozenset[Token]:
        """The signed details that a mail can know."""
        addresses = (self.words["REPLY"], self.words["BOUNCE"])
        found = (token.parse(text.rpartition("@")[0]) for text in addresses)
        return frozenset(each._replace(local="") for each in found if each)


def prepared_store(folder: Path) -> PreparedStore:
    """Aliases of every kind, people of every kind, a conversation on crm.lead/1, a refusal; always the same octets."""
    with mock.patch("os.urandom", Random(0).randbytes):
        gateway = Gateway(folder / "prepared.db")
        gateway(mail(message_id="<r0@client.org>", references="<first@client.org>"), "info@example.com")
        gateway(mail(message_id="<late@client.org>", subject="to nobody", to="all@other.test"), "all@other.test")
        all_aliases(gateway)
        lead = Ref("crm.lead", 1)
        with gateway.store.write() as tx:
            for follower in ("ann@client.org", "carl@client.org", '"bob ray"@client.org', "zoë@bücher.example"):
                records.follow(tx, lead, follower)
        posted = post.write(gateway.store, lead, Text("Blue ones?\n", "Forty chairs"), (), gateway.now)
        with gateway.store.read() as tx:
            letters = queued(tx)
        copy = next(each for each in letters if each.kind == "post" and each.recipient == "ann@client.org")
        refusal = next(each for each in letters if each.kind == "refusal")
        fields = BytesHeaderParser().parsebytes(copy.octets)
        gateway.store.close()
        words = {
            "REPLY": str(fields["Reply-To"]),
            "BOUNCE": str(copy.reverse_path),
            "POST": posted.message_id,
            "MARK": str(fields["X-Mailgate-Loop"]),
            "FIRST": "<first@client.org>",
            "REFUSAL": str(BytesHeaderParser().parsebytes(refusal.octets)["Message-ID"]),
        }
        detail = token.parse(words["REPLY"].rpartition("@")[0])
        assert detail
        words["FORGED"] = words["REPLY"].replace(detail.mac, detail.mac[::-1])
        return PreparedStore(gateway.path.read_bytes(), words)


def all_aliases(gateway: Gateway) -> None:
    """Every option of an alias, and people of every kind."""
    lead = Ref("crm.lead", 1)
    gateway.change("info@example.com", notify=("ann@client.org", "dora@client.org"))
    gateway.change("jobs@example.com", policy="contacts", automatic="hold", refusal="<p>Not <b>here</b>.</p>")
    gateway.alias("team@example.com", "crm.team", policy="members", authenticated=True)
    gateway.alias("vip@example.com", "crm.vip", policy="followers", owner=lead, spam="quiet")
    gateway.alias("log@example.com", "crm.lead", record=lead, automatic="normal")
    gateway.alias("thread@example.com", "crm.thread", replies="participants", notify=("ann@client.org",))
    gateway.alias("quiet@example.com", "crm.spam", spam="quiet", automatic="normal", values={"name": "x\u202ey"})
    gateway.alias("robots@other.test", "help.ticket", automatic="refuse")
    gateway.alias("desk@other.test", "help.desk", local_part=True)
    gateway.contact(BOB, name="Bob")
    gateway.contact("ann@client.org", member=True)
    gateway.contact("carl@client.org", archived=True)
    with gateway.store.write() as tx:
        senders.put(tx, "mallory@bad.example", "block")
        senders.put(tx, "friend@client.org", "allow")
        gone = records.make(tx, NewRecord("crm.lead", "gone", {}, alias=None, domain=None, rate_key="x"), gateway.now)
    gateway.alias("gone@example.com", "crm.lead", record=gone)
    with gateway.store.write() as tx:
        records.remove(tx, gone)
        aliases.set_status(tx, aliases.get(tx, "info@example.com").number, "valid")
