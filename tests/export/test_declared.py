"""The configuration as a file: nothing is missing in it, and it comes back as it was."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.cli.export import text
from mailgate.export.apply import Applied, apply
from mailgate.export.describe import describe
from mailgate.export.parse import Proposal
from mailgate.export.schema import KINDS
from mailgate.store import aliases, contacts, database, domains, parameters, records, schema, senders, servers
from mailgate.store.database import Store
from mailgate.store.records import NewRecord
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
from mailgate.values.names import local_part
from mailgate.values.problem import Problem
from mailgate.values.record import Ref
from mailgate.values.server import SECRETS, SECURITY, Secret, Server

STATE = {
    "domain": {"position", "capture_until"},
    "alias": {"number", "status"},
    "contact": {"number", "bounces"},
    "sender": {"number"},
    "parameter": set(),
    "server": {
        *("number", "succeeded_at", "failing_since", "failures", "due_at", "paused_at", "error", "warning"),
        *("holder", "lease_until"),
    },
    "retired": set(),
}
"""Table -> columns that are no configuration: what happened, or how the store counts."""
COLUMNS = {
    "values_json": "values",
    "lists": "list",
    "permission": "verdict",
    "user_name": "user",
    "message_limit": "most",
    "policy": "from",
    "is_default": "default",
    "key": "name",
    "address": "name",
    "local": "name",
    "domain": "name",
    "kind": "retired",
    "alias": "former",
    "secret_kind": "secret",
    "secret_source": "secret",
    **dict.fromkeys(("client", "client_secret_file", "scope"), "secret"),
}
"""Column -> key of the file, where they differ; `name` where it is in the name of the table."""
ELSEWHERE = {
    *("signing_key", "model", "record", "follower", "message", "raw", "placement", "mention", "effect", "held"),
    *("outbox", "delivery", "failure", "mailbox", "collected", "notice", "login"),
    *("address_change", "answer", "change", "merged", "purge", "purged"),
}
"""Tables of secrets, records and mail."""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made = schema.open_or_create(tmp_path / "mailgate.db")
    yield made
    made.close()


def test_every_column_is_in_the_file_or_is_no_configuration(opened: Store) -> None:
    """A column that is added has to be a key in `declared`, or to be named above as what it is."""
    with opened.read() as tx:
        tables = {row["name"] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        tables = {each for each in tables if not each.startswith("sqlite_")}
        assert tables - ELSEWHERE == set(STATE), (
            "a new table: declare what it holds, or say that it is no configuration"
        )
        for table in STATE:
            columns = {row["name"] for row in tx.execute(f"PRAGMA table_info({table})")}
            kinds = [KINDS[table]] if table in KINDS else [KINDS["domain"], KINDS["alias"]]
            keys = {field.name for kind in kinds for field in kind.fields} | {"name"}
            missing = {each for each in columns if COLUMNS.get(each, each) not in keys}
            assert missing == STATE[table], f"columns of {table} that no key stands for"


@pytest.mark.parametrize(
    ("value", "kind"), [(Domain, "domain"), (Alias, "alias"), (Contact, "contact"), (Server, "server")]
)
def test_every_field_has_a_key(value: Any, kind: str) -> None:
    fields = {each.attribute for each in KINDS[kind].stored}
    named = (
        {"name"}
        if value is Domain
        else {"local", "domain"}
        if value is Alias
        else {"name"}
        if value is Server
        else {"address"}
    )
    assert set(value._fields) - fields - STATE[kind] == named


NAMES = st.sampled_from([f"n{at}" for at in range(40)] + ["a.b", "o'hara", "x+y", "z=1"])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.just("Two\r\nlines\n\"\"\" \\ '''\t\x7f\x85\u2028.")
PEOPLE = st.sampled_from(
    ["bob@client.org", "Ann@client.org", '"a b"@client.org', "büro@xn--bcher-kva.example", "q@[192.0.2.1]"]
)
RECORDS = st.builds(Ref, st.sampled_from(["ticket", "crm.lead"]), st.integers(1, 9)) | st.none()
BLANK = Server("", "", "", 0, "", Secret("", ""))
HOSTS = ["example.com", "example.org", "xn--bcher-kva.example"]
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "domain": {
        "default": st.just(False),
        "catchall": st.just("catchall"),
        "bounce": st.just("bounce"),
        "company": TEXTS,
        "contact": PEOPLE.map(contacts.key) | st.none(),
        "language": st.sampled_from(LANGUAGES),
        "delimiter": st.sampled_from(["+", "-", "", "="]),
        "details": st.booleans(),
        "retired": st.just(()),
        "same_as": st.just(""),
        "sender": st.just(""),
        "signature": TEXTS,
    },
    "alias": {
        "model": st.sampled_from(["ticket", "crm.lead", "x-1_2"]),
        "record": RECORDS,
        "policy": st.sampled_from(POLICIES),
        "owner": RECORDS,
        "authenticated": st.booleans(),
        "local_part": st.booleans(),
        "notify": st.lists(PEOPLE | st.just("n7@example.com"), max_size=3).map(tuple),
        "refusal": TEXTS,
        "spam": st.sampled_from(SPAM),
        "automatic": st.sampled_from(AUTOMATIC),
        "replies": st.sampled_from(REPLIES),
        "lists": st.lists(PEOPLE.map(str.lower), max_size=2, unique=True).map(tuple),
        "calendar": st.sampled_from(CALENDAR),
        "reply_to": st.sampled_from(REPLY_TO),
        "cc": st.sampled_from(CC),
        "requester": st.sampled_from(REQUESTER),
        "values": st.dictionaries(TEXTS.map(str.strip).filter(bool), TEXTS, max_size=3),
    },
    "server": {
        "type": st.just("imap"),
        "host": st.sampled_from(["imap.example.net", "::1"]),
        "port": st.integers(1, 65_535),
        "security": st.sampled_from(SECURITY),
        "verify": st.booleans(),
        "ca": st.sampled_from(["", "/etc/ca.pem"]),
        "user": st.sampled_from(["info", "Büro@example.net"]),
        "secret": st.tuples(st.sampled_from([kind for kind in SECRETS if kind != "login"]), TEXTS).map(
            lambda words: Secret(*words)
        )
        | st.sampled_from(["", "/etc/mailgate/client.secret"]).map(
            lambda file: Secret("login", "https://login.example.net/realms/a", "4711.apps", file, "mail offline_access")
        )
        | st.sampled_from(["google", "microsoft"]).map(lambda name: Secret("login", name, "4711.apps")),
        "address": PEOPLE | st.none(),
        "folders": st.lists(st.sampled_from(["INBOX", "Other"]), unique=True, min_size=1).map(tuple),
        "model": st.just("lead"),
        "values": st.dictionaries(st.sampled_from("ab"), TEXTS),
        "done": st.sampled_from(["keep", "seen", "move:Done", "delete"]),
        "failed": st.sampled_from(["keep", "move:Failed"]),
        "most": st.integers(1, 99),
        "enabled": st.booleans(),
    },
    "contact": {"name": TEXTS, "member": st.booleans(), "archived": st.booleans()},
}
"""Kind -> field -> what it may be; a key without an entry here fails."""


def fields(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Values for every key of a kind."""
    return st.fixed_dictionaries({each.attribute: FIELDS[kind][each.attribute] for each in KINDS[kind].stored})


@st.composite
def configurations(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Things to be put into a store, in an order that works."""
    things: list[tuple[str, Any]] = []
    for host in draw(st.lists(st.sampled_from(HOSTS), unique=True, min_size=1, max_size=3)):
        own = draw(st.lists(NAMES, unique=True, min_size=2, max_size=12).map(lambda given: [*map(local_part, given)]))
        retired = tuple(sorted((name, draw(st.sampled_from(["catchall", "bounce"]))) for name in own[2:4]))
        domain = Domain(host)._replace(**draw(fields("domain")))
        domain = domain._replace(default=draw(st.booleans()), catchall=own[0], bounce=own[1], retired=retired)
        if domain.contact and domain.contact.endswith(host):
            domain = domain._replace(contact=None)
        things.append(("domain", domain))
        things += [("alias", Alias(0, name, host, "")._replace(**draw(fields("alias")))) for name in own[4:]]
        if own[4:]:
            things.append(("sender of", (host, draw(st.sampled_from(["", "me", own[4]])))))
            things.append(("contact of", (host, f"{own[-1]}@{host}")))
            things.append(("rename", (f"{own[-1]}@{host}", f"{draw(NAMES)}@{host}")))
        things.append(("domain", Domain(f"also.{host}", same_as=host)))
    for each in draw(st.lists(PEOPLE, unique_by=contacts.key, max_size=3)):
        things.append(("contact", Contact(contacts.key(each))._replace(**draw(fields("contact")))))
    for each in draw(st.lists(PEOPLE, unique_by=contacts.key, max_size=3)):
        things.append(("known", senders.Sender(contacts.key(each), draw(st.sampled_from(["allow", "block"])))))
    for each in draw(st.lists(st.sampled_from(["inbox", "old.one"]), unique=True)):
        things.append(("server", BLANK._replace(name=each, **draw(fields("server")))))
    for each in draw(st.lists(st.sampled_from(sorted(parameters.DEFAULTS)), unique=True)):
        value = "b.example,a.example" if each.endswith("allowed") else str(draw(st.integers(1, 200)))
        things.append(("parameter", (each, value)))
    return things


def put(tx: sqlite3.Connection, kind: str, thing: Any) -> None:
    """Put a thing into the store, as the commands do; what they refuse is not put."""
    tx.execute("SAVEPOINT thing")
    try:
        _put(tx, kind, thing)
    except Problem:
        tx.execute("ROLLBACK TO thing")
    tx.execute("RELEASE thing")


def _put(tx: sqlite3.Connection, kind: str, thing: Any) -> None:
    match kind:
        case "domain":
            domains.add(tx, thing)
        case "alias":
            aliases.add(tx, thing.address, thing)
        case "rename":
            aliases.rename(tx, *thing)
        case "sender of":
            domains.save(tx, domains.get(tx, thing[0])._replace(sender=thing[1]))
        case "contact of":
            domains.save(tx, domains.get(tx, thing[0])._replace(contact=thing[1]))
        case "contact":
            contacts.save(tx, thing)
        case "server":
            servers.add(tx, thing)
        case "known":
            senders.put(tx, *thing)
        case "parameter":
            parameters.put(tx, *thing)


def exported(opened: Store) -> str:
    """The file of a store."""
    with opened.read() as tx:
        return text(describe(tx))


def imported(opened: Store, file: str, *, prune: bool = False) -> Applied:
    """What importing a file that is good did."""
    proposal = Proposal(file.encode(), "f")
    with opened.write() as tx:
        applied = apply(tx, proposal, prune=prune)
        assert proposal.faults == []
    return applied


@contextlib.contextmanager
def fresh(template: Path) -> Iterator[Store]:
    """A store that is empty, made by copying one."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(template, f"{folder}/mailgate.db")
        made = database.open_existing(f"{folder}/mailgate.db")
        yield made
        made.close()


@settings(max_examples=40)
@given(configurations(), configurations(), st.booleans())
def test_it_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, things: list[Any], others: list[Any], prune: bool
) -> None:
    template = tmp_path_factory.getbasetemp() / "empty.db"
    if not template.exists():
        schema.migrate(template)
    with fresh(template) as first, fresh(template) as second:
        with first.write() as tx:
            for each in things:
                put(tx, *each)
        file = exported(first)
        assert all(c.isprintable() or c == "\n" for c in file)
        assert imported(first, file, prune=prune).changes == (), "its own file changes nothing"
        assert {each.change for each in imported(second, file).changes} == {"added"}
        assert exported(second) == file
        assert imported(second, file, prune=True).changes == ()
    with fresh(template) as third:
        with third.write() as tx:
            for each in others:
                put(tx, *each)
        proposal = Proposal(file.encode(), "f")
        with contextlib.suppress(Clash), third.write() as tx:
            apply(tx, proposal, prune=prune)
            if proposal.faults:
                raise Clash
        if not proposal.faults:
            again = imported(third, file, prune=prune)
            assert again.changes == (), "a second time changes nothing"


class Clash(Exception):
    """A name of the file is in the way of a name in the store."""


FILE = """\
[domain."example.com"]
[domain."example.org"]
default = true
[alias."info@example.com"]
model = "crm.lead"
[alias."jobs@example.org"]
model = "hr.job"
notify = ["Ann@client.org"]
[contact."bob@client.org"]
[senders]
allow = ["bob@client.org"]
[parameters]
"mail.gateway.loop.minutes" = 60
"""


@pytest.mark.parametrize(
    ("line", "new", "said"),
    [
        (1, '[domain."example com"]', "1:1: `example com` is not a domain name"),
        (1, '[domain."Example.ORG"]', "2:1: `example.org` is declared in line 1 already"),
        (1, '[domain."example.com"]\ndefault = true', "4:1: domain `example.com` is the default already"),
        (3, "default = 1", "3:1: `default` must be true or false, not 1"),
        (3, 'bounce = "catchall"', "2:1: `catchall@example.org` would be catchall and bounce address at once"),
        (3, 'retired = {a = "b"}', "3:1: a former name was `catchall` or `bounce`, not `b`"),
        (3, "retired = {a = 1}", "3:1: `retired` must be a table of texts in quotes, not {'a': 1}"),
        (3, 'retired = {jobs = "bounce"}', "6:1: `jobs@example.org` is a retired bounce address of example.org"),
        (3, 'same_as = "example.com"\ndetails = false', "4:1: `example.org` is another name of a domain"),
        (3, 'same_as = "example.net"', "2:1: no domain `example.net`"),
        (3, 'same_as = "example.com"', "6:1: `example.org` is another name of example.com"),
        (5, 'model = "x"\nformer = ["jobs@example.org"]', "6:1: alias `jobs@example.org` already exists"),
        (5, 'model = "x"\nformer = ["old"]', "6:1: `old` has no domain"),
        (3, 'delimiter = "ab"', "3:1: `ab` cannot separate a detail"),
        (3, 'contact = "x"', "3:1: `x` is not a mail address"),
        (4, '[alias."info"]', "4:1: `info` has no domain"),
        (4, '[alias."info@example.net"]', "4:1: no domain `example.net`"),
        (4, '[alias."bounce@example.com"]', "4:1: `bounce@example.com` is the bounce address of example.com"),
        (4, '[alias."лист@example.com"]', "4:1: `лист@example.com` cannot be a mail name"),
        (5, 'modell = "x"', "4:1: alias `info@example.com` has no `model`"),
        (5, 'model = "a b"', "5:1: `a b` cannot be a model"),
        (5, 'model = "x"\nfrom = "friends"', "6:1: `from` must be one of everyone, contacts, followers, members"),
        (5, 'model = "x"\nrecord = "x"', "6:1: `x` is not a record"),
        (5, 'model = "x"\nvalues = {"" = "x"}', "6:1: a value needs a name"),
        (7, 'model = "x"\nstatus = "valid"', "8:1: unknown key `status`"),
        (8, 'notify = ["info@example.com"]', "6:1: `info@example.com` is a local address"),
        (0, "contact = 1", "1:1: `contact` must be a table"),
        (9, '[contact]\n"a@b.c" = 1', "10:1: `contact` is a table of tables"),
        (9, '[server.inbox]\ntype = "imap"', "9:1: server `inbox` has no `host`"),
        (9, '[server.inbox]\nsecret = {password = "x"}', "10:1: a secret comes from one place"),
        (10, "[sender]", "10:1: there is no table `sender`, did you mean `senders`?"),
        (11, 'allow = ["bob@client.org",\n  "bob"]', "12:3: `bob` is not a mail address"),
        (
            11,
            'allow = ["bob@client.org"]\nblock = ["Bob@client.org"]',
            "12:10: `Bob@client.org` is declared in line",
        ),
        (11, 'allowed = ["a@b.org"]', "11:1: unknown key `allowed`, did you mean `allow`?"),
        (13, '"mail.gateway.loop.minutes" = 0', "13:1: mail.gateway.loop.minutes must be a whole number above 0"),
        (13, '"mail.gateway.loop.minutes" = [1]', "13:1: `mail.gateway.loop.minutes` must be a number, or a text"),
        (13, '"mail.gateway.loop" = 60', "13:1: no parameter `mail.gateway.loop`"),
    ],
)
def test_a_fault_has_its_place(opened: Store, line: int, new: str, said: str) -> None:
    lines = FILE.splitlines() if line else []
    proposal = Proposal("\n".join([*lines[: max(0, line - 1)], new, *lines[line:]]).encode(), "f")
    with contextlib.suppress(Clash), opened.write() as tx:
        if not proposal.faults:
            apply(tx, proposal)
        raise Clash
    assert said in "\n".join(f"{place.line}:{place.column}: {problem}" for place, problem in proposal.faults)


def test_a_domain_that_the_file_needs_and_does_not_name_is_not_pruned(opened: Store) -> None:
    imported(opened, FILE)
    proposal = Proposal(b'[domain."example.org"]\n[alias."info@example.com"]\nmodel = "x"\n', "f")
    with contextlib.suppress(Clash), opened.write() as tx:
        apply(tx, proposal, prune=True)
        raise Clash
    assert [(fault.place.line, str(fault.problem)) for fault in proposal.faults] == [
        (2, "domain `example.com` is used by 1 alias, and the file does not name that domain")
    ]


def test_a_domain_leaves_with_its_aliases(opened: Store) -> None:
    imported(opened, FILE)
    applied = imported(opened, '[domain."example.org"]\n', prune=True)
    assert [(each.change, each.name) for each in applied.changes] == [
        ("removed", "mail.gateway.loop.minutes"),
        ("removed", "example.com"),
        ("removed", "info@example.com"),
        ("removed", "jobs@example.org"),
        ("removed", "bob@client.org"),
        ("removed", "bob@client.org"),
    ]
    assert exported(opened).splitlines()[-2:] == ['[domain."example.org"]', "default = true"]


def test_a_file_that_names_no_default_leaves_it(opened: Store) -> None:
    imported(opened, FILE)
    assert imported(opened, FILE.replace("default = true\n", "")).changes == ()
    assert imported(opened, '[domain."example.com"]\ndefault = true\n').changes[0].name == "example.com"
    with opened.read() as tx:
        assert [(each.name, each.default) for each in domains.listing(tx)] == [
            ("example.com", True),
            ("example.org", False),
        ]


def test_a_former_name_stays_even_when_pruning(opened: Store) -> None:
    imported(opened, FILE)
    renamed = FILE.replace('[domain."example.com"]', '[domain."example.com"]\ncatchall = "answers"')
    for _ in range(2):
        imported(opened, renamed, prune=True)
        with opened.read() as tx:
            assert domains.get(tx, "example.com").retired == (("catchall", "catchall"),)


def test_a_renamed_alias_keeps_what_it_made(opened: Store) -> None:
    imported(opened, FILE.replace('[domain."example.com"]', '[domain."example.com"]\ncontact = "info@example.com"'))
    with opened.write() as tx:
        records.make(tx, NewRecord("crm.lead", "One", {}, alias="info@example.com"), 0.0)
    renamed = FILE.replace('[alias."info@example.com"]', '[alias."hello@example.com"]\nformer = ["info@example.com"]')
    renamed = renamed.replace('[domain."example.com"]', '[domain."example.com"]\ncontact = "hello@example.com"')
    changes = imported(opened, renamed, prune=True).changes
    assert [(each.change, each.name) for each in changes] == [
        ("changed", "example.com"),
        ("changed", "hello@example.com"),
    ]
    assert [field.key for field in changes[1].fields] == ["former"]
    with opened.read() as tx:
        assert records.listing(tx)[0].alias == "hello@example.com"
        assert aliases.reached_by(tx, "info@example.com").address == "hello@example.com"
    assert imported(opened, renamed, prune=True).changes == ()


@pytest.mark.parametrize("names", [("a.example", "b.example"), ("b.example", "a.example")])
def test_a_domain_leaves_with_its_other_name(opened: Store, names: tuple[str, str]) -> None:
    imported(opened, f'{FILE}[domain."{names[0]}"]\n[domain."{names[1]}"]\nsame_as = "{names[0]}"\n')
    changes = imported(opened, FILE, prune=True).changes
    assert sorted((each.change, each.name) for each in changes) == [("removed", each) for each in sorted(names)]


def test_another_name_of_a_domain(opened: Store) -> None:
    imported(opened, FILE + '[domain."example.net"]\nsame_as = "example.com"\n')
    with opened.read() as tx:
        assert domains.get(tx, "example.net").canonical == "example.com"
    assert 'same_as = "example.com"' in exported(opened)
    imported(opened, FILE, prune=True)
    assert "example.net" not in exported(opened)


def test_state_is_left_alone(opened: Store) -> None:
    imported(opened, FILE)
    with opened.write() as tx:
        aliases.set_status(tx, aliases.get(tx, "info@example.com").number, "valid")
        tx.execute("UPDATE contact SET bounces = 3")
    imported(opened, FILE.replace('"bob@client.org"]\n', '"bob@client.org"]\nname = "Bob"\n', 1))
    imported(opened, FILE.replace('"crm.lead"', '"crm.lead"\nrefusal = "No."'))
    with opened.read() as tx:
        assert aliases.get(tx, "info@example.com").status == "valid"
        assert contacts.get(tx, "bob@client.org").bounces == 3
    imported(opened, FILE.replace('"crm.lead"', '"ticket"'))
    with opened.read() as tx:
        assert aliases.get(tx, "info@example.com").status == "not-tested"


def test_keys_records_and_mail_stay_out(opened: Store) -> None:
    with opened.read() as tx:
        secret = tx.execute("SELECT secret FROM signing_key").fetchone()[0]
    imported(opened, FILE)
    assert secret.hex() not in exported(opened)
    assert "signing" not in exported(opened)
