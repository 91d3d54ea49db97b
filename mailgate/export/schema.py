"""The table of fields: everything that an administrator declares about domains, aliases, contacts and servers.

Each field is said once. From it come the options of `add` and `set`, the keys of JSON and of the file, the lines of
`show`, and what `import` compares. State (whether an alias works, what bounced, what is captured) and secrets stay out.
"""

from collections.abc import Callable, Mapping

from mailgate.export.fields import Field, Form, Kind
from mailgate.store import contacts, domains, parameters, records, senders
from mailgate.values import names
from mailgate.values.directory import (
    AUTOMATIC,
    CALENDAR,
    CC,
    LANGUAGES,
    POLICIES,
    REPLIES,
    REPLY_TO,
    REQUESTER,
    SPAM,
    Alias,
    Contact,
    Domain,
)
from mailgate.values.light import NamedTuple
from mailgate.values.problem import Problem
from mailgate.values.record import Ref
from mailgate.values.server import SECRETS, SECURITY, TYPES, Secret, Server

_LOGIN = ("client-id", "client-secret-file", "scope")
"""What a login has besides its provider."""


def _delimiter(text: str) -> str:
    if text and not names.is_delimiter(text):
        raise Problem(
            f"`{text}` cannot separate a detail", advice='one of `+`, `-`, `=`, `_`, `.`, `~`, `#`, or "" for none'
        )
    return text


def _record(text: str) -> Ref | None:
    return records.parse(text) if text else None


def _notified(texts: list[str]) -> tuple[str, ...]:
    return tuple({contacts.key(text): contacts.spelled(text) for text in texts}.values())


def _listed(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(contacts.key, texts)))


def _retired(retired: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    for kind in retired.values():
        if kind not in ("catchall", "bounce"):
            raise Problem(f"a former name was `catchall` or `bounce`, not `{kind}`")
    return tuple(sorted((names.local_part(local), kind) for local, kind in retired.items()))


def _values(values: Mapping[str, str]) -> dict[str, str]:
    if not all(key.strip() == key != "" for key in values):
        raise Problem("a value needs a name without blanks around it", advice='as in `team = "sales"`')
    return dict(values)


def _secret(table: Mapping[str, str]) -> Secret:
    """Where a server's secret comes from: the secret itself is in no file of ours."""
    kinds = [name for name in table if name in (*SECRETS, "")]
    more = dict.fromkeys(_LOGIN, "") if kinds == ["login"] else {}
    if len(kinds) != 1 or not table.keys() <= {kinds[0], *more}:
        raise Problem(f"a secret comes from one place, one of {', '.join(SECRETS)}")
    return Secret(kinds[0], table[kinds[0]], *(table.get(name, "") for name in more))


def _source(secret: Secret) -> dict[str, str]:
    """The same as the file says it."""
    _, _, *more = secret
    return {secret.kind: secret.source, **{name: text for name, text in zip(_LOGIN, more, strict=True) if text}}


def _alias(text: str) -> str:
    if "@" not in text:
        raise Problem(
            f"`{text}` has no domain", advice="an alias in a file has its whole address, as `support@example.com`"
        )
    local, host = names.local_part(text), text.rpartition("@")[2]
    return f"{local}@{domains.name_of(host)}"


def _words(words: tuple[str, ...]) -> Form:
    return Form(words)


def _list(check: Callable[[list[str]], tuple[str, ...]], metavar: str) -> Form:
    return Form(list, metavar, check, list)


_TEXT = Form(str, "TEXT")
_NAME = Form(str, "NAME")
_FLAG = Form(bool)
_NUMBER = Form(int, "N")
_RECORD = Form(str, "M/ID", _record, lambda ref: str(ref or ""))
_MODEL = Form(str, "M", names.model)
_VALUES = Form(dict, "K=V", _values, lambda values: dict(sorted(values.items())))
_LOCAL = Form(str, "LOCAL", names.local_part)
_ANY_LOCAL = Form(str, "LOCAL", lambda text: names.local_part(text) if text else "")
_ANY_MODEL = Form(str, "M", lambda text: names.model(text) if text else None, lambda text: text or "")
_ANY_CONTACT = Form(str, "ADDRESS", lambda text: contacts.key(text) if text else None, lambda text: text or "")
_ANY_ADDRESS = Form(str, "ADDRESS", lambda text: text or None, lambda text: text or "")
_RETIRED = Form(dict, "", _retired, lambda retired: {local: kind for local, kind in retired if kind != "alias"})
_FORMER = _list(lambda texts: tuple(sorted(map(_alias, texts))), "ADDRESS")

DOMAIN = Kind(
    "domain",
    domains.name_of,
    (
        Field("default", "default", _FLAG, "Use this domain where an address has none.", option="--default"),
        Field("catchall", "catchall", _LOCAL, "Local part that accepts replies to our mail."),
        Field("bounce", "bounce", _LOCAL, "Local part that accepts delivery reports."),
        Field("company", "company", _NAME, "Name that our mail is sent under."),
        Field("contact", "contact", _ANY_CONTACT, 'Address that refusals tell people to write to; "" for none.'),
        Field("language", "language", _words(LANGUAGES), "Language of the mail we send."),
        Field(
            "delimiter", "delimiter", Form(str, "C", _delimiter), 'Character before a detail, default `+`; "" for none.'
        ),
        Field("details", "details", Form(bool, "on|off"), "Use addresses with details, `name+detail@`."),
        Field("sender", "sender", _ANY_LOCAL, 'Local part of mail that no alias sends; "" for the catchall.'),
        Field("signature", "signature", _TEXT, 'Text at the end of every post; "" for none.'),
        Field("retired", "retired", _RETIRED),
        Field("same_as", "same_as", Form(str, "DOMAIN", domains.name_of)),
    ),
    Domain(""),
)
ALIAS = Kind(
    "alias",
    _alias,
    (
        Field("model", "model", _MODEL, "Model of the records that mail creates."),
        Field("record", "record", _RECORD, "Post on this record instead.", without="Create new records again."),
        Field("from", "policy", _words(POLICIES), "Who may write."),
        Field("owner", "owner", _RECORD, "Record whose followers may write.", without="Clear the owner record."),
        Field("authenticated", "authenticated", _FLAG, "Require an author whose domain is verified."),
        Field("local_part", "local_part", _FLAG, "Match this local part in other domains, too."),
        Field(
            "notify",
            "notify",
            _list(_notified, "ADDRESS"),
            "Address that follows every new record; repeatable.",
            without="Clear the notify list.",
        ),
        Field("refusal", "refusal", _TEXT, "What people who may not write are told."),
        Field("spam", "spam", _words(SPAM), "What happens to mail that the server marked as spam."),
        Field("automatic", "automatic", _words(AUTOMATIC), "What happens to automatic and list mail."),
        Field("replies", "replies", _words(REPLIES), "Whose replies are posted; others are held."),
        Field(
            "list",
            "lists",
            _list(_listed, "ADDRESS"),
            "Mailing list whose mail is people's mail here; repeatable.",
            without="Clear the mailing lists.",
        ),
        Field("calendar", "calendar", _words(CALENDAR), "What happens to answers to unknown invitations."),
        Field("reply_to", "reply_to", _words(REPLY_TO), "Whether Reply-To names the address for answers."),
        Field("cc", "cc", _words(CC), "Whether people in Cc follow new records."),
        Field(
            "requester", "requester", _words(REQUESTER), "For whom a member writes: the author, or the person in To."
        ),
        Field("former", "", _FORMER),
        Field("values", "values", _VALUES, "Value of every new record; repeatable.", option="--set"),
    ),
    Alias(0, "", "", ""),
    needs=("model",),
)
CONTACT = Kind(
    "contact",
    contacts.key,
    (
        Field("name", "name", _NAME, "Name of the person."),
        Field("member", "member", _FLAG, "Whether the person belongs to your organisation."),
        Field("archived", "archived", _FLAG),
    ),
    Contact(""),
)
SERVER = Kind(
    "server",
    lambda name: name,
    (
        Field("type", "type", _words(TYPES), "Protocol."),
        Field("host", "host", Form(str, "HOST"), "Host name."),
        Field("port", "port", _NUMBER, "Port, if it is not the usual one."),
        Field("security", "security", _words(SECURITY), "TLS from the start (default), STARTTLS, or none."),
        Field(
            "verify",
            "verify",
            _FLAG,
            "Verify the certificate (default), or accept any: then others can read along.",
            option="--verify/--insecure",
        ),
        Field("ca", "ca", Form(str, "FILE"), 'CA certificates to trust; "" for those of the system.'),
        Field("user", "user", _NAME, "User name."),
        Field("secret", "secret", Form(dict, "", _secret, _source)),
        Field("address", "address", _ANY_ADDRESS, "Address of the mailbox, if the user name is not one."),
        Field(
            "folders",
            "folders",
            _list(tuple, "NAME"),
            "Folder to fetch from, default INBOX; repeatable.",
            option="--folder",
        ),
        Field("model", "model", _ANY_MODEL, 'Model for mail that no alias accepts; "" to hold such mail.'),
        Field("values", "values", _VALUES, "Value of the records of --model; repeatable.", option="--set"),
        Field("done", "done", Form(str, "ACTION"), "After fetching: keep, seen, delete or move:FOLDER."),
        Field("failed", "failed", Form(str, "ACTION"), "If fetching fails: keep or move:FOLDER."),
        Field("most", "most", _NUMBER, "Messages to fetch in one run.", option="--limit", json="limit"),
        Field("enabled", "enabled", _FLAG),
    ),
    Server("", "", "", 0, "", Secret("", "")),
    needs=("type", "host", "user", "secret"),
)
SENDER = Kind("sender", senders.key, (Field("verdict", "verdict", _words(("allow", "block"))),), senders.Sender("", ""))


class Parameter(NamedTuple):
    """A parameter that is set."""

    key: str
    value: str = ""


PARAMETER = Kind("parameter", parameters.known, (Field("value", "value", _TEXT),), Parameter(""))
KINDS = {kind.name: kind for kind in (DOMAIN, ALIAS, CONTACT, SENDER, SERVER, PARAMETER)}
TABLES = ("parameters", "domain", "alias", "contact", "senders", "server")
"""The tables of the file, in order."""
