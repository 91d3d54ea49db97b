"""The house: every room on its level, imports only downward, judgement without a world, a pipe that stays small."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.gateway import Gateway
from helpers.messages import mail

from mailgate.cli.ui.program import COMMANDS, module_of

PACKAGE = Path(__file__).parents[1] / "mailgate"

HOUSE: dict[str, dict[str, str]] = {
    "values": {
        "address": "light pattern",
        "age": "",
        "charset": "japanese pattern",
        "digest": "light",
        "exposition": "light",
        "japanese": "",
        "light": "",
        "pattern": "light",
        "outcome": "light",
        "problem": "light",
        "record": "light",
        "server": "light",
        "status": "light",
        "token": "light",
        "directory": "address light record",
        "mailboxes": "address light pattern",
        "names": "address pattern problem",
        "provider": "problem",
        "srs": "address pattern",
    },
    "mail": {
        "incoming": "",
        "envelope": "incoming",
        "markup": "tags",
        "entity": "",
        "tags": "",
        "transfer": "",
        "mime": "entity header interrupted transfer",
        "languages": "",
        "attribution": "languages",
        "signature": "attribution",
        "quoting": "attribution signature",
        "files": "entity",
        "flowed": "",
        "words": "",
        "cms": "",
        "rtf": "",
        "calendar": "mime",
        "uuencode": "entity files",
        "tnef": "entity files rtf",
        "containers": "cms files mime tnef uuencode",
        "content": "calendar containers files flowed header markup mime tags words",
        "digest": "",
        "dates": "",
        "header": "interrupted",
        "interrupted": "",
        "message": "digest envelope header",
        "likeness": "content header",
        "answer": "message",
        "classify": "answer message",
    },
    "settings": {
        "located": "",
        "plain": "",
        "config": "located plain",
        "origins": "config located",
    },
    "process": {
        "bounds": "",
        "deadline": "",
        "extras": "",
        "faults": "bounds",
        "owner": "",
        "running": "",
        "unpack": "",
        "writer": "",
        "signals": "",
        "syslog": "",
    },
    "reports": {
        "arf": "",
        "diagnosis": "",
        "dsn": "",
        "evidence": "",
        "original": "",
        "phrases": "",
        "explanation": "dsn phrases",
        "flufl": "dsn explanation",
        "recipients": "dsn phrases",
        "ses": "dsn original",
        "plaintext": "dsn explanation phrases recipients",
        "contents": "evidence phrases plaintext",
        "basis": "contents dsn evidence phrases plaintext",
        "sources": "basis contents dsn evidence flufl plaintext recipients",
        "body": "arf contents dsn evidence explanation original ses sources",
        "report": "body diagnosis dsn evidence",
    },
    "routing": {
        "confirmation": "",
        "decision": "",
        "marks": "",
        "silence": "",
        "state": "decision",
        "authentication": "state",
        "resolve": "state",
        "answer": "decision resolve state",
        "facts": "resolve state",
        "explain": "decision facts",
        "judgement": "decision facts state",
        "bounce": "decision resolve state",
        "permission": "authentication resolve state",
        "thread": "resolve state",
        "context": "authentication decision facts marks permission resolve state thread",
        "copies": "context decision resolve state",
        "refusal": "authentication context decision resolve silence",
        "checks": "context copies decision permission state",
        "rules": "bounce confirmation context decision permission resolve state",
        "decide": "answer checks context copies decision facts refusal resolve rules state",
    },
    "compose": {
        "mime": "",
        "origin": "",
        "wording": "",
        "diagnoses": "wording",
        "notice": "mime origin wording",
        "posting": "mime",
        "returned": "mime",
        "refusal": "mime origin returned wording",
    },
    "store": {
        "address_changes": "database",
        "collected": "database",
        "condition": "database",
        "copying": "database",
        "exchange": "copying database schema",
        "audit": "database",
        "purging": "database messages",
        "contacts": "database",
        "lists": "database",
        "parameters": "database",
        "senders": "contacts database deliveries parameters window",
        "database": "",
        "deliveries": "database",
        "effects": "database",
        "failures": "database",
        "held": "database",
        "keys": "database",
        "changes": "database",
        "moving": "database deliveries messages records",
        "leases": "database",
        "notices": "database",
        "outbox": "database leases window",
        "schema": "database",
        "servers": "database leases",
        "stats": "database",
        "waiting": "database failures held outbox",
        "window": "",
        "domains": "address_changes contacts database directory",
        "logins": "database leases servers",
        "messages": "database",
        "directory": "database",
        "aliases": "address_changes contacts database directory domains effects",
        "records": "contacts database deliveries directory",
        "counts": "database held window",
        "people": "contacts database directory senders",
        "threads": "aliases database directory",
        "apply": "aliases contacts database effects failures held messages records",
        "returned": "database",
        "snapshot": "counts database directory effects keys people returned threads",
    },
    "mta": {
        "maps": "",
        "redirects": "",
        "zone": "",
        "plan": "maps",
        "check": "maps plan",
        "patch": "maps",
        "write": "maps patch",
        "wiring": "maps",
        "guard": "check maps plan",
        "units": "plan",
        "originals": "",
        "stranger": "check plan",
        "session": "stranger",
        "exim": "guard maps plan units",
        "exim_check": "check exim guard plan stranger wiring",
        "postfix_settings": "maps plan",
        "postfix_class": "postfix_settings",
        "postfix": "guard maps plan postfix_settings units",
        "home": "guard maps plan",
        "revert": "postfix_settings",
        "edit": "postfix_settings revert",
        "apply": "edit exim maps originals plan postfix revert",
        "conflicts": "apply edit exim maps originals plan postfix",
        "postfix_check": "check guard maps plan postfix postfix_class postfix_settings stranger wiring",
        "asking": "check postfix_class session stranger",
        "installed": "asking check exim exim_check maps plan postfix postfix_check postfix_class stranger wiring",
        "planning": "maps plan write",
    },
    "oauth": {
        "endpoint": "",
        "sasl": "",
        "secret": "",
        "tokens": "",
        "discovery": "endpoint",
        "grant": "endpoint secret tokens",
        "access": "endpoint grant tokens",
        "authorize": "grant tokens",
    },
    "export": {
        "fields": "",
        "schema": "fields",
        "describe": "fields schema",
        "parse": "fields schema",
        "difference": "describe schema",
        "write": "parse schema",
        "apply": "describe difference parse write",
    },
    "gateway": {
        "send": "",
        "post": "send",
        "recipient": "",
        "receive": "send",
        "retention": "",
        "group": "receive",
        "api": "receive",
        "cases": "receive",
        "held": "receive",
        "log": "receive",
    },
    "outbound": {
        "spawn": "",
        "submit": "",
        "worker": "submit",
    },
    "inbound": {
        "archive": "",
        "listen": "",
        "service": "",
        "lmtp": "service",
        "mailbox": "",
        "pipe": "",
        "client": "",
        "handover": "lmtp pipe service",
        "progress": "",
        "suspects": "",
        "imap": "mailbox",
        "lease": "mailbox",
        "pop": "mailbox",
        "connection": "imap mailbox pop",
        "job": "lease progress suspects",
        "ledger": "job suspects",
        "settle": "job ledger mailbox",
        "batch": "job lease ledger progress settle",
        "folder": "batch job ledger mailbox settle",
        "collect": "folder job mailbox",
        "fetch": "collect connection job lease mailbox progress suspects",
        "files": "archive batch progress",
    },
    "serve": {
        "systemd": "",
        "intake": "",
        "asking": "",
        "chores": "",
        "figures": "",
        "committer": "figures intake",
        "monitor": "figures",
        "server": "chores committer figures intake monitor systemd",
    },
    "doctor": {
        "addresses": "",
        "configuration": "",
        "files": "",
        "incoming": "",
        "probe": "",
        "queues": "",
        "timers": "queues",
        "watch": "",
        "collecting": "queues",
        "integrity": "files",
        "keeping": "queues",
    },
    "manual": {"build": "", "markdown": "", "pages": "markdown", "roff": "markdown", "screen": "markdown"},
    "cli.ui": {
        "console": "",
        "app": "console",
        "completions": "app",
        "explanation": "console",
        "fields": "options",
        "failures": "console",
        "options": "app",
        "page": "",
        "messages": "console failures",
        "listing": "app console",
        "program": "app options",
        "errors": "app console program",
        "run": "app console errors program",
        "reference": "options program",
        "serving": "app errors",
    },
    "cli": {
        **{module_of(name): "" for name in COMMANDS},
        "domain": "domain_dns domain_redirects",
        "domain_dns": "",
        "domain_redirects": "",
        "server": "server_login",
        "server_login": "",
        "setup": "setup_apply setup_home",
        "setup_apply": "",
        "setup_home": "",
    },
}
"""Room -> its modules, and for each the others of its room that it may import.

Every room may import the rooms above it in this table, and no other. `cli` has a module a command, named like it, and
one a part of it: what two commands share is in `cli.ui` or further up.
"""

ORDER = list(HOUSE)
PURE = ("values", "mail", "settings", "reports", "routing", "compose")
"""Rooms without a database, a clock, chance, a network, a process or the environment."""
THIRD_PARTY = {
    "flufl": ("reports",),
    "imapclient": ("inbound",),
    "oauthlib": ("oauth",),
    "nh3": ("cli.ui",),
    "click": ("cli", "cli.ui"),
    "rich": ("cli", "cli.ui"),
    "tomli_w": ("cli",),
    "hatchling": ("manual",),
}
"""Package -> the rooms that may import it."""
WORLD = {
    "sqlite3",
    "socket",
    "ssl",
    "subprocess",
    "smtplib",
    "http",
    "threading",
    "signal",
    "random",
    "secrets",
    "uuid",
}
CALLS = {
    *("os.environ", "os.getenv", "os.urandom", "os.getpid"),
    *("time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.sleep", "time.localtime", "time.ctime"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
}

STATEMENTS = {"execute", "executemany", "executescript", "blobopen"}
"""What runs SQL; only the store does."""


def files() -> list[tuple[str, Path]]:
    """(room, file) of every source file."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        first, *rest = path.relative_to(PACKAGE).parts
        if not first.startswith("__"):
            found.append(("cli.ui" if rest[:1] == ["ui"] else first.removesuffix(".py"), path))
    return found


FILES = files()
IDS = [str(path.relative_to(PACKAGE)) for _, path in FILES]


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, dotted name) of every import in a file, also of those inside functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, each.name) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: relative import"
            folder = node.module == "mailgate" or str(node.module).removeprefix("mailgate.") in HOUSE
            found += [
                (node.lineno, f"{node.module}.{each.name}" if folder else str(node.module)) for each in node.names
            ]
    return found


@pytest.mark.parametrize(("room", "path"), FILES, ids=IDS)
def test_imports_go_upward_in_the_table(room: str, path: Path) -> None:
    assert room in ORDER, f"{path.name} stands in no room: add `{room}` to HOUSE in {Path(__file__).name}"
    peers = HOUSE[room].get(path.stem, "").split()
    for line, name in imports(path):
        where = f"{path.relative_to(PACKAGE.parent)}:{line}: imports {name}"
        top, *rest = name.split(".")
        if top == "mailgate":
            if rest[0] == "__version__":
                continue
            imported, module = ("cli.ui", rest[2]) if rest[:2] == ["cli", "ui"] else (rest[0], rest[1])
            assert imported in ORDER, f"{where}, which stands in no room"
            if imported == room:
                assert module in peers, f"{where}, which is not listed for `{path.stem}`"
            else:
                assert ORDER.index(imported) < ORDER.index(room), f"{where}, which comes later than `{room}`"
        elif top not in sys.stdlib_module_names:
            assert room in THIRD_PARTY.get(top, ()), f"{where}, which `{room}` may not"


def test_every_module_is_listed() -> None:
    for room, modules in HOUSE.items():
        found = {path.stem for each, path in FILES if each == room} - {"__init__"}
        assert found == set(modules)


def test_no_circle_in_a_room() -> None:
    for room, modules in HOUSE.items():
        order: list[str] = []
        waiting = {module: set(peers.split()) for module, peers in modules.items()}
        while waiting:
            ready = [module for module, peers in waiting.items() if peers <= set(order)]
            assert ready, f"a circle in {room}: {waiting}"
            order += ready
            for module in ready:
                del waiting[module]


def test_no_peer_is_listed_in_vain() -> None:
    for room, path in FILES:
        peers = set(HOUSE[room].get(path.stem, "").split())
        begun = f"mailgate.{room}."
        used = {name.removeprefix(begun).split(".")[0] for _, name in imports(path) if name.startswith(begun)}
        assert peers <= used, f"`{path.stem}` does not import {sorted(peers - used)}"


@pytest.mark.parametrize(("room", "path"), [each for each in FILES if each[0] in PURE], ids=lambda value: str(value))
def test_judgement_touches_no_world(room: str, path: Path) -> None:
    for line, name in imports(path):
        assert name.partition(".")[0] not in WORLD, f"{path.name}:{line}: `{room}` imports {name}"
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = f"{node.value.id}.{node.attr}"
            assert used not in CALLS, f"{path.name}:{node.lineno}: `{room}` uses {used}"


@pytest.mark.parametrize(("room", "path"), [each for each in FILES if each[0] != "store"], ids=lambda value: str(value))
def test_sql_stays_in_the_store(room: str, path: Path) -> None:
    assert "sqlite3" not in {name for _, name in imports(path)}, f"{path.name} imports sqlite3"
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr not in STATEMENTS, f"{path.name}:{node.lineno}: `{room}` uses `.{node.attr}`"


def test_every_folder_says_in_one_line_what_it_is_for() -> None:
    for folder in (each for each in PACKAGE.iterdir() if (each / "__init__.py").exists()):
        first = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
        assert first, folder
        assert "\n" not in first, folder


BANNED = {
    *("click", "flufl", "flufl.bounce", "rich", "tomli_w", "typing", "typing_extensions"),
    *("email", "dataclasses", "argparse", "inspect", "logging", "subprocess", "hashlib", "ssl", "asyncio", "socket"),
    *("html", "urllib.parse", "ipaddress", "tomllib"),
}
SELDOM = {"mailgate.routing.confirmation", "mailgate.reports.dsn", "mailgate.compose.mime"}


@pytest.mark.parametrize(
    ("recipient", "fields"),
    [("info@example.com", {}), ("info@example.com", {"references": "<b@x> <a@x>", "subject": "=?utf-8?b?w6Q=?="})],
    ids=["plain", "with-everything"],
)
def test_the_pipe_imports_little(
    gateway: Gateway, tmp_path: Path, recipient: str, fields: dict[str, str | None]
) -> None:
    imported = deliver(gateway, tmp_path, mail(**fields), recipient)
    assert "mailgate.routing.decide" in imported, "the delivery ran"
    assert not imported & (BANNED | SELDOM)
    assert not {each for each in imported if each.startswith("mailgate.cli") or each == "mailgate.compose.refusal"}
    assert gateway.records() == ["crm.lead/1"]


def test_a_refusal_is_composed_without_the_commands(gateway: Gateway, tmp_path: Path) -> None:
    imported = deliver(gateway, tmp_path, mail(to="catchall@example.com"), "catchall@example.com")
    assert not imported & (BANNED - {"hashlib", "tomllib", "typing"})
    assert gateway.outbox() == ["catchall bob@client.org"]


def deliver(gateway: Gateway, folder: Path, raw: bytes, recipient: str) -> set[str]:
    """Run the pipe as a process of its own; the modules it imported."""
    configuration = folder / "mailgate.toml"
    configuration.write_text(f'[store]\nurl = "sqlite:///{gateway.path}"\n[submit]\nmethod = "none"\n')
    command = [sys.executable, "-I", "-X", "importtime", "-m", "mailgate", "deliver", "-C", str(configuration)]
    ran = subprocess.run([*command, "-f", "bob@client.org", recipient], input=raw, capture_output=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, b"")
    lines = ran.stderr.decode().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


LINES = 400
"""Lines that a module has at the most."""
MEAN = 200
"""Lines that a module has on average."""
PARAMETERS = 7
"""Parameters that a function takes at the most; the callback of a command takes one an option."""


def test_modules_are_small() -> None:
    lines = {name: path.read_text("utf-8").count("\n") for name, (_, path) in zip(IDS, FILES, strict=True)}
    assert {name: count for name, count in lines.items() if count > LINES} == {}
    assert sum(lines.values()) / len(lines) <= MEAN


def test_no_function_takes_more_than_seven_things() -> None:
    for name, tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            taken = [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]
            callback = any(ast.unparse(decorator).startswith("click.") for decorator in node.decorator_list)
            assert callback or len(taken) <= PARAMETERS, f"{name}:{node.lineno}: {node.name} takes {taken}"


def test_only_these_rooms_know_what_a_decision_is() -> None:
    """The judge is asked by the gateway alone; others know its values, or what an address is."""
    allowed = {
        "compose": {"decision"},
        "store": {"answer", "decision", "explain", "facts", "judgement", "marks", "permission", "resolve", "state"},
        "mta": {"resolve"},
        "cli": {"explain", "confirmation"},
        "doctor": {"resolve"},
    }
    for room, path in FILES:
        names = {name.split(".")[2] for _, name in imports(path) if name.startswith("mailgate.routing.")}
        if room not in ("routing", "gateway"):
            assert names <= allowed.get(room, set()), f"{path.relative_to(PACKAGE)} imports {sorted(names)} of routing"


def test_no_possessive_group() -> None:
    """Python 3.11.2, which Debian 12 has, forgets where a group under a possessive quantifier ended (gh-101955)."""
    found = re.compile(r"\)(?:[*+?]|\{[\d,]+\})\+")
    assert [str(path) for path in PACKAGE.rglob("*.py") if found.search(path.read_text("utf-8"))] == []


def sources() -> list[tuple[str, ast.Module]]:
    return [(str(path.relative_to(PACKAGE)), ast.parse(path.read_text("utf-8"))) for _, path in FILES]


def called(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def is_constant(node: ast.expr) -> bool:
    """Whether a text is a literal, or a constant, or handed on as the advice that it was."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.Name):
        return node.id.isupper() or node.id == "advice"
    if isinstance(node, ast.Attribute):
        return node.attr.isupper() or node.attr == "advice"
    return isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "'advice'"


def test_every_printed_command_is_made_by_one_function() -> None:
    """Nothing from a message or a table reaches a command line unquoted; mypy sees to it that hints are such lines."""
    for name, tree in sources():
        for node in ast.walk(tree):
            where = f"{name}:{getattr(node, 'lineno', 0)}"
            if called(node, "CommandLine"):
                assert name == "values/problem.py", f"{where}: `command` alone makes a CommandLine"
            if called(node, "command"):
                assert isinstance(node, ast.Call)
                assert isinstance(node.args[0], ast.Constant), f"{where}: the template of a command is a literal"
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                if keyword.arg == "advice":
                    assert is_constant(keyword.value), f"{where}: advice is a literal, what varies is in the problem"


def test_no_text_that_is_put_together_has_a_command_in_it() -> None:
    begun = re.compile(rf"mailgate ({'|'.join(map(re.escape, COMMANDS))})\b[^`\n;]*\0")
    for name, tree in sources():
        for node in ast.walk(tree):
            text = ""
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
                sides = [side.value if isinstance(side, ast.Constant) else "\0" for side in (node.left, node.right)]
                text = "".join(map(str, sides))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
                text = f"{node.func.value.value}\0" if isinstance(node.func.value, ast.Constant) else ""
            assert not begun.search(text), f"{name}:{node.lineno}: a command in a text: use `command`"  # type: ignore[attr-defined]
