"""The house: every room on its level, imports only downward, judgement without a world, a pipe that stays small."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from build import mail
from gate import Gate

PACKAGE = Path(__file__).parents[1] / "mailgate"

LEVELS: dict[int, tuple[str, dict[str, str]]] = {
    0: (
        "values",
        {
            "problem": "",
            "address": "",
            "status": "",
            "token": "",
            "digest": "",
            "charset": "",
            "names": "address problem",
        },
    ),
    1: (
        "facts",
        {
            "envelope": "",
            "message": "envelope",
            "decision": "",
            "state": "decision",
            "located": "",
            "config": "located",
            "origins": "config located",
            "letter": "",
            "exposition": "",
            "markup": "",
            "mime": "",
            "content": "markup mime",
            "quote": "",
        },
    ),
    2: (
        "judgement",
        {
            "addressed": "",
            "loop": "",
            "dsn": "",
            "feedback": "",
            "returned": "",
            "notice": "dsn",
            "reason": "",
            "report": "dsn feedback loop notice reason returned",
            "authentication": "",
            "policy": "addressed authentication",
            "thread": "addressed",
            "wording": "",
            "compose": "wording",
            "bulletin": "compose",
            "posting": "",
            "confirmation": "",
            "redirects": "",
            "zone": "",
            "maps": "",
        },
    ),
    3: (
        "verdict",
        {
            "answer": "",
            "bounced": "",
            "relay": "",
            "route": "answer bounced relay",
            "explain": "",
            "wiring": "",
            "postfix": "wiring",
            "exim": "wiring",
        },
    ),
    4: (
        "state",
        {
            "bounds": "",
            "deadline": "",
            "owner": "",
            "store": "deadline owner",
            "people": "",
            "domains": "people",
            "own": "domains",
            "aliases": "domains own people",
            "records": "own people",
            "declared": "aliases domains own people servers",
            "proposal": "declared people",
            "adopt": "aliases declared domains people proposal servers",
            "tally": "",
            "messages": "store",
            "held": "",
            "outbox": "",
            "keys": "",
            "deliveries": "",
            "failures": "",
            "servers": "",
            "collected": "",
            "snapshot": "aliases deliveries domains keys own people",
            "dispatch": "deliveries domains keys outbox records",
            "remember": "aliases dispatch domains failures held messages outbox own people records",
        },
    ),
    5: ("story", {"gateway": "", "reconsider": "gateway", "post": "", "watch": ""}),
    6: (
        "edges",
        {
            "journal": "",
            "worker": "",
            "deliver": "journal worker",
            "lmtp": "journal",
            "submit": "",
            "transport": "submit",
            "secret": "",
            "oauth": "",
            "mailbox": "",
            "imap": "mailbox oauth",
            "pop": "mailbox oauth",
            "gather": "journal mailbox",
            "fetch": "gather imap journal mailbox pop secret",
            "archive": "gather journal",
            "unpack": "",
            "aside": "",
            "cases": "",
            "upkeep": "",
            "survey": "",
            "health": "",
            "probe": "submit",
        },
    ),
    7: ("shell", {"console": "", "cli": "console"}),
}
"""Level -> its name, and its modules with those of the same level that each may import; downward is always free."""

ROOMS = {
    module: (level, frozenset(peers.split())) for level, (_, rooms) in LEVELS.items() for module, peers in rooms.items()
}
THIRD_PARTY = {"flufl": 2, "aiosmtpd": 6, "imapclient": 6, "click": 7, "rich": 7, "tomli_w": 7}
"""Package -> the lowest level that may import it."""
PURE = 3
"""The highest level without a database, a clock, chance, a network, a process or the environment."""
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


def files() -> list[tuple[str, Path]]:
    """(room, file) of every source file; a package is one room."""
    found = [(path.stem, path) for path in sorted(PACKAGE.glob("*.py")) if not path.stem.startswith("__")]
    return found + [(path.parent.name, path) for path in sorted(PACKAGE.glob("*/*.py"))]


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
            whole = node.module in ("mailgate", "mailgate.cli")
            found += [(node.lineno, f"{node.module}.{each.name}" if whole else str(node.module)) for each in node.names]
    return found


@pytest.mark.parametrize(("room", "path"), FILES, ids=IDS)
def test_imports_go_downward(room: str, path: Path) -> None:
    assert room in ROOMS, f"{path.name} stands on no level: add `{room}` to LEVELS in {Path(__file__).name}"
    level, peers = ROOMS[room]
    for line, name in imports(path):
        where = f"{path.relative_to(PACKAGE.parent)}:{line}: `{room}` (level {level}) imports {name}"
        top, _, rest = name.partition(".")
        if top == "mailgate":
            other = rest.partition(".")[0]
            if other in (room, "__version__"):
                continue
            assert other in ROOMS, f"{where}, which stands on no level: add it to LEVELS"
            assert ROOMS[other][0] < level or other in peers, (
                f"{where} (level {ROOMS[other][0]}), which is not below it"
            )
        elif top not in sys.stdlib_module_names:
            assert top in THIRD_PARTY, f"{where}, a package that is not listed"
            assert level >= THIRD_PARTY[top], f"{where}, which only level {THIRD_PARTY[top]} may"


def test_no_room_without_a_file() -> None:
    assert set(ROOMS) == {room for room, _ in FILES}


def test_peers_stand_on_the_same_level_and_in_no_circle() -> None:
    for level, (_, rooms) in LEVELS.items():
        order: list[str] = []
        waiting = {room: set(peers.split()) for room, peers in rooms.items()}
        assert all(ROOMS[peer][0] == level for peers in waiting.values() for peer in peers)
        while waiting:
            ready = [room for room, peers in waiting.items() if peers <= set(order)]
            assert ready, f"a circle on level {level}: {waiting}"
            order += ready
            for room in ready:
                del waiting[room]


def test_no_peer_is_listed_in_vain() -> None:
    for room, (_, peers) in ROOMS.items():
        used = {
            name.split(".")[1]
            for each, path in FILES
            if each == room
            for _, name in imports(path)
            if "mailgate." in name
        }
        assert peers <= used, f"`{room}` does not import {sorted(peers - used)}"


@pytest.mark.parametrize(
    ("room", "path"),
    [each for each in FILES if ROOMS.get(each[0], (PURE + 1,))[0] <= PURE],
    ids=lambda value: str(value),
)
def test_judgement_touches_no_world(room: str, path: Path) -> None:
    for line, name in imports(path):
        assert name.partition(".")[0] not in WORLD, f"{path.name}:{line}: `{room}` imports {name}"
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = f"{node.value.id}.{node.attr}"
            assert used not in CALLS, f"{path.name}:{node.lineno}: `{room}` uses {used}"


BANNED = {
    *("click", "flufl", "flufl.bounce", "rich", "tomli_w", "typing_extensions"),
    *("email", "dataclasses", "argparse", "inspect", "logging", "subprocess", "hashlib", "ssl", "asyncio", "socket"),
    *("html", "urllib.parse", "ipaddress"),
}


@pytest.mark.parametrize(
    ("recipient", "fields"),
    [("info@example.com", {}), ("info@example.com", {"references": "<b@x> <a@x>", "subject": "=?utf-8?b?w6Q=?="})],
    ids=["plain", "with-everything"],
)
def test_the_pipe_imports_little(gate: Gate, tmp_path: Path, recipient: str, fields: dict[str, str | None]) -> None:
    imported = deliver(gate, tmp_path, mail(**fields), recipient)
    assert "mailgate.route" in imported, "the delivery ran"
    assert not imported & BANNED
    assert not {each for each in imported if each.startswith("mailgate.cli") or each == "mailgate.compose"}
    assert gate.records() == ["crm.lead/1"]


def test_a_refusal_is_composed_without_the_commands(gate: Gate, tmp_path: Path) -> None:
    imported = deliver(gate, tmp_path, mail(to="catchall@example.com"), "catchall@example.com")
    assert not imported & (BANNED - {"hashlib"})
    assert gate.outbox() == ["catchall bob@client.org"]


def deliver(gate: Gate, folder: Path, raw: bytes, recipient: str) -> set[str]:
    """Run the pipe as a process of its own; the modules it imported."""
    configuration = folder / "mailgate.toml"
    configuration.write_text(f'[store]\nurl = "sqlite:///{gate.path}"\n[submit]\nmethod = "none"\n')
    command = [sys.executable, "-I", "-X", "importtime", "-m", "mailgate", "deliver", "-C", str(configuration)]
    ran = subprocess.run([*command, "-f", "bob@client.org", recipient], input=raw, capture_output=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, b"")
    lines = ran.stderr.decode().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def test_no_possessive_group() -> None:
    """Python 3.11.2, which Debian 12 has, forgets where a group under a possessive quantifier ended (gh-101955)."""
    found = re.compile(r"\)(?:[*+?]|\{[\d,]+\})\+")
    assert [str(path) for path in PACKAGE.rglob("*.py") if found.search(path.read_text("utf-8"))] == []
