"""The configuration in the store as one readable file: domains, aliases, contacts, senders, servers.

What is here is said once and used both ways: each key of a table names the field it stands for, so that what `describe`
writes, `proposal` understands. State (whether an alias works, what bounced, what is captured) and secrets stay out.
A further kind of thing is one more `Kind`, with its rows in `describe` and its functions in `adopt`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mailgate.store import aliases, contacts, directory, domains, servers
from mailgate.store.database import Transaction
from mailgate.store.servers import Secret, Server
from mailgate.values import names
from mailgate.values.directory import AUTOMATIC, LANGUAGES, POLICIES, REPLIES, SPAM, Alias, Contact, Domain
from mailgate.values.problem import Problem
from mailgate.values.record import Ref

Tables = dict[str, dict[str, dict[str, Any]]]
"""Kind -> name -> key -> value as TOML has it; keys that have their default are left out."""
_LOGIN = ("client-id", "client-secret-file", "scope")
"""What a login has beside its provider."""
Wants = type | tuple[str, ...]
"""The type of a value, or the words it may be; a list is one of texts, a dict one of texts to texts."""


class Key(NamedTuple):
    """A key of a table and the field of the value it stands for, `""` where other rows hold it.

    `check` turns what the file says into the field, and raises Problem; `show` turns the field into what the file says.
    """

    name: str
    field: str
    wants: Wants = str
    check: Callable[[Any], Any] = lambda value: value
    show: Callable[[Any], Any] = lambda value: value


class Kind(NamedTuple):
    """A kind of thing: how its name is spelled in the store, its keys, one that has every default, what it needs."""

    name: str
    spell: Callable[[str], str]
    keys: tuple[Key, ...]
    blank: Any
    needs: tuple[str, ...] = ()

    def defaults(self) -> dict[str, Any]:
        """What every key says when it is left out."""
        return {each.name: each.show(getattr(self.blank, each.field) if each.field else ()) for each in self.keys}


def _delimiter(text: str) -> str:
    if text and not names.is_delimiter(text):
        raise Problem(f"`{text}` cannot separate a detail", advice='one character such as `+` or `-`, or "" for none')
    return text


def _record(text: str) -> Ref | None:
    found = Ref.parse(text)
    if text and found is None:
        raise Problem(f"`{text}` is no record", advice="a record is written MODEL/ID, as in `crm.lead/7`")
    return found


def _notified(texts: list[str]) -> tuple[str, ...]:
    return tuple({contacts.key(each): contacts.spelled(each) for each in texts}.values())


def _retired(found: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    for kind in found.values():
        if kind not in ("catchall", "bounce"):
            raise Problem(f"a former name was `catchall` or `bounce`, not `{kind}`")
    return tuple(sorted((names.local_part(local), kind) for local, kind in found.items()))


def _values(found: Mapping[str, str]) -> dict[str, str]:
    if not all(key.strip() == key != "" for key in found):
        raise Problem("a value needs a name without blanks around it", advice='as in `team = "sales"`')
    return dict(found)


def _secret(found: Mapping[str, str]) -> Secret:
    """Where a server's secret comes from: the secret itself stands in no file of ours."""
    kinds = [name for name in found if name in (*servers.SECRETS, "")]
    more = dict.fromkeys(_LOGIN, "") if kinds == ["login"] else {}
    if len(kinds) != 1 or not found.keys() <= {kinds[0], *more}:
        raise Problem(f"a secret comes from one place, one of {', '.join(servers.SECRETS)}")
    return Secret(kinds[0], found[kinds[0]], *(found.get(each, "") for each in more))


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


DOMAIN = Kind(
    "domain",
    domains.name_of,
    (
        Key("default", "default", bool),
        Key("catchall", "catchall", str, names.local_part),
        Key("bounce", "bounce", str, names.local_part),
        Key("company", "company"),
        Key("contact", "contact", str, lambda text: contacts.key(text) if text else None, lambda text: text or ""),
        Key("language", "language", LANGUAGES),
        Key("delimiter", "delimiter", str, _delimiter),
        Key("details", "details", bool),
        Key("sender", "sender", str, lambda text: names.local_part(text) if text else ""),
        Key("signature", "signature"),
        Key("retired", "retired", dict, _retired, lambda found: {k: v for k, v in found if v != "alias"}),
        Key("same_as", "same_as", str, domains.name_of),
    ),
    Domain(""),
)
ALIAS = Kind(
    "alias",
    _alias,
    (
        Key("model", "model", str, names.model),
        Key("record", "record", str, _record, lambda ref: str(ref or "")),
        Key("from", "policy", POLICIES),
        Key("owner", "owner", str, _record, lambda ref: str(ref or "")),
        Key("authenticated", "authenticated", bool),
        Key("local_part", "local_part", bool),
        Key("notify", "notify", list, _notified, list),
        Key("refusal", "refusal"),
        Key("spam", "spam", SPAM),
        Key("automatic", "automatic", AUTOMATIC),
        Key("replies", "replies", REPLIES),
        Key("former", "", list, lambda found: tuple(sorted(map(_alias, found))), list),
        Key("values", "values", dict, _values, lambda values: dict(sorted(values.items()))),
    ),
    Alias(0, "", "", ""),
    needs=("model",),
)
CONTACT = Kind(
    "contact",
    contacts.key,
    (Key("name", "name"), Key("member", "member", bool), Key("archived", "archived", bool)),
    Contact(""),
)
SERVER = Kind(
    "server",
    lambda name: name,
    (
        Key("type", "type", servers.TYPES),
        Key("host", "host"),
        Key("port", "port", int),
        Key("security", "security", servers.SECURITY),
        Key("verify", "verify", bool),
        Key("ca", "ca"),
        Key("user", "user"),
        Key("secret", "secret", dict, _secret, _source),
        Key("address", "address", str, lambda text: text or None, lambda text: text or ""),
        Key("folders", "folders", list, tuple, list),
        Key("model", "model", str, lambda text: names.model(text) if text else None, lambda text: text or ""),
        Key("values", "values", dict, _values, lambda values: dict(sorted(values.items()))),
        Key("done", "done"),
        Key("failed", "failed"),
        Key("most", "most", int),
        Key("enabled", "enabled", bool),
    ),
    Server("", "", "", 0, "", Secret("", "")),
    needs=("type", "host", "user", "secret"),
)
SENDER = Kind("sender", contacts.key, (Key("verdict", "verdict", ("allow", "block")),), contacts.Sender("", ""))


class Parameter(NamedTuple):
    """A parameter that is set."""

    key: str
    value: str = ""


PARAMETER = Kind("parameter", contacts.known_parameter, (Key("value", "value"),), Parameter(""))
KINDS = {each.name: each for each in (DOMAIN, ALIAS, CONTACT, SENDER, SERVER, PARAMETER)}
TABLES = ("parameters", "domain", "alias", "contact", "senders", "server")
"""The tables of the file, in order."""


def describe(tx: Transaction) -> Tables:
    """The configuration in the store, everything sorted: the same configuration is the same text.

    Who is to be notified and became a local address since is left out: he gets nothing any more.
    """
    parameters = contacts.parameters(tx).items()
    things: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "parameter": [(key, {"value": value}) for key, value in parameters if value != contacts.DEFAULTS[key]],
        "domain": [(each.name, _domain(each)) for each in domains.listing(tx)],
        "alias": _aliases(tx),
        "contact": [(each.address, _shown(CONTACT, each)) for each in contacts.contacts(tx)],
        "sender": [(each.address, {"verdict": each.verdict}) for each in contacts.senders(tx)],
        "server": [(each.name, _shown(SERVER, each)) for each in servers.listing(tx)],
    }
    return {kind: dict(sorted(named, key=lambda each: _order(each[0]))) for kind, named in things.items()}


def _order(name: str) -> tuple[str, str]:
    local, _, host = name.rpartition("@")
    return host, local


def _domain(found: Domain) -> dict[str, Any]:
    return {"same_as": found.same_as} if found.same_as else _shown(DOMAIN, found)


def _aliases(tx: Transaction) -> list[tuple[str, dict[str, Any]]]:
    hosts = {each.name for each in domains.listing(tx)}
    renamed = aliases.renamed(tx)
    shown = []
    for each in aliases.listing(tx):
        notify = tuple(to for to in each.notify if to.rpartition("@")[2] not in hosts or not directory.is_local(tx, to))
        former = aliases.former_names(tx, each) if each.number in renamed else []
        shown.append((each.address, _shown(ALIAS, each._replace(notify=notify), former=former)))
    return shown


def _shown(kind: Kind, thing: Any, **more: Any) -> dict[str, Any]:
    defaults = kind.defaults()
    shown = {each.name: each.show(getattr(thing, each.field)) for each in kind.keys if each.field}
    return {name: value for name, value in {**shown, **more}.items() if value != defaults[name]}


def document(tables: Tables) -> dict[str, Any]:
    """The tables as they stand in the file: numbers as numbers, senders as two lists, empty tables left out."""
    senders = {
        verdict: [name for name, each in tables["sender"].items() if each["verdict"] == verdict]
        for verdict in ("allow", "block")
    }
    parameters = {
        name: int(each["value"]) if each["value"].isdecimal() else each["value"]
        for name, each in tables["parameter"].items()
    }
    whole = {
        "parameters": parameters,
        "domain": tables["domain"],
        "alias": tables["alias"],
        "contact": tables["contact"],
        "senders": {name: each for name, each in senders.items() if each},
        "server": tables["server"],
    }
    return {name: table for name, table in whole.items() if table}
