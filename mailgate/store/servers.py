"""Incoming servers: the mailboxes that mail is collected from, and how well each of them works."""

import json
import re
from typing import NamedTuple

from mailgate.store import leases
from mailgate.store.database import Row, Transaction
from mailgate.values import address, names, provider
from mailgate.values.problem import NotFound, Problem, command
from mailgate.values.server import Secret, Server

FILES = ("mbox", "maildir", "eml")
"""What `fetch` takes in place of a server: files of this machine."""
PATIENCE = 5 * 86_400.0
"""Seconds of failure after which a server is paused."""
_DELAYS = (60, 300, 900, 1_800, 3_600)
"""Seconds until a failing server is tried again: growing, then the last one until it is paused."""
LONGEST = _DELAYS[-1]
"""Seconds that a failing server waits at most."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,255}")


class Health(NamedTuple):
    """How well a server works; times are epoch seconds; `error`: what the last run said."""

    succeeded_at: float | None = None
    failing_since: float | None = None
    failures: int = 0
    due_at: float = 0.0
    paused_at: float | None = None
    error: str = ""
    warning: str = ""

    @property
    def state(self) -> str:
        """paused, failing, ok or new."""
        if self.paused_at is not None:
            return "paused"
        return "failing" if self.failing_since is not None else "new" if self.succeeded_at is None else "ok"


def listing(tx: Transaction) -> list[Server]:
    """Every server, in the order they were added."""
    return [_from_row(row) for row in tx.execute("SELECT * FROM server ORDER BY number")]


def get(tx: Transaction, name: str) -> Server:
    """One server. Raises NotFound."""
    row = tx.execute("SELECT * FROM server WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(f"no server `{name}`", command("mailgate server list"))
    return _from_row(row)


def add(tx: Transaction, server: Server) -> Server:
    """Add a server. Raises Problem for fields that cannot work."""
    checked = _checked(server)
    if tx.execute("SELECT 1 FROM server WHERE name = ?", (server.name,)).fetchone():
        raise Problem(
            f"server `{server.name}` already exists", command("mailgate server set {NAME} --help", server.name)
        )
    fields = _row(checked)
    columns, marks = ", ".join(fields), ", ".join("?" * len(fields))
    tx.execute(f"INSERT INTO server ({columns}) VALUES ({marks})", tuple(fields.values()))
    return get(tx, server.name)


def save(tx: Transaction, server: Server) -> Server:
    """Change a server; it is tried again at once. Raises Problem for fields that cannot work.

    A change of user, provider or scope ends its login.
    """
    fields = _row(_checked(server))
    before = get(tx, server.name)
    if _login(before) != _login(server):
        tx.execute("DELETE FROM login WHERE server = ?", (server.number,))
    columns = ", ".join(f"{name} = ?" for name in fields)
    tx.execute(f"UPDATE server SET {columns}, due_at = 0 WHERE number = ?", (*fields.values(), server.number))
    return get(tx, server.name)


def remove(tx: Transaction, server: Server) -> None:
    """Delete a server and what is known of its messages. Raises Problem while a process collects from it."""
    if holder := leases.holder(tx, leases.SERVER, server.number):
        raise Problem(
            f"server `{server.name}` is being fetched by process {leases.described(holder)}", advice="wait for its end"
        )
    folders = "SELECT number FROM mailbox WHERE server = ?"
    tx.execute(f"DELETE FROM collected WHERE mailbox IN ({folders})", (server.number,))
    tx.execute("DELETE FROM mailbox WHERE server = ?", (server.number,))
    tx.execute("DELETE FROM login WHERE server = ?", (server.number,))
    tx.execute("DELETE FROM server WHERE number = ?", (server.number,))


def enable(tx: Transaction, server: Server, enabled: bool) -> Server:
    """Enable or disable a server; an enabled one is no longer paused, and is tried at once."""
    tx.execute("UPDATE server SET enabled = ? WHERE number = ?", (int(enabled), server.number))
    if enabled:
        forgive(tx, server.number)
    return get(tx, server.name)


def forgive(tx: Transaction, number: int) -> None:
    """Try a server at once, also when it was paused, and forget its failures."""
    update = (
        "UPDATE server SET paused_at = NULL, failing_since = NULL, failures = 0, due_at = 0, error = ''"
        " WHERE number = ?"
    )
    tx.execute(update, (number,))


def health(tx: Transaction, number: int, now: float) -> Health:
    """How well a server works now.

    A clock that was ahead costs nothing later: what failed since a time ahead fails since now, and a pause that
    begins ahead is none.
    """
    row = tx.execute(f"SELECT {', '.join(Health._fields)} FROM server WHERE number = ?", (number,)).fetchone()
    state = Health(**{name: row[name] for name in Health._fields})
    if state.failing_since is not None and state.failing_since > now:
        state = state._replace(failing_since=now)
    if state.paused_at is not None and state.paused_at > now:
        state = state._replace(paused_at=None)
    return state


def succeeded(tx: Transaction, number: int, warning: str, now: float) -> Health:
    """Record a run that reached its end; the health before it."""
    before = health(tx, number, now)
    tx.execute(
        "UPDATE server SET succeeded_at = ?, warning = ?, failing_since = NULL, failures = 0, due_at = 0,"
        " paused_at = NULL, error = '' WHERE number = ?",
        (now, warning, number),
    )
    return before


def failed(tx: Transaction, number: int, error: str, now: float) -> Health:
    """Record a run that failed: try again after a growing delay, and pause after days of failure. The health now."""
    before = health(tx, number, now)
    since = now if before.failing_since is None else before.failing_since
    due = now + _DELAYS[min(before.failures, len(_DELAYS) - 1)]
    paused = before.paused_at if before.paused_at is not None else now if now - since >= PATIENCE else None
    tx.execute(
        "UPDATE server SET failing_since = ?, failures = failures + 1, due_at = ?, paused_at = ?, error = ?"
        " WHERE number = ?",
        (since, due, paused, error, number),
    )
    return health(tx, number, now)


def _checked(server: Server) -> Server:
    if not _NAME.fullmatch(server.name) or server.name in FILES:
        raise Problem(
            f"`{server.name}` cannot name a server", advice="letters a-z, digits, `.`, `_` and `-`, as in `inbox`"
        )
    if not _HOST.fullmatch(server.host):
        raise Problem(f"`{server.host}` is not a host name")
    if not 0 < server.port < 65_536:
        raise Problem(f"{server.port} is not a port")
    if not server.user or not server.user.isprintable():
        raise Problem(f"`{server.user}` is not a user name")
    if server.address and address.lenient(server.address) is None:
        raise Problem(f"`{server.address}` is not a mail address", advice="--address is that of the mailbox itself")
    if server.secret.kind == "login":
        provider.resolve(server.secret.source, server.type, server.secret.scope)
        if not server.secret.client or not (server.secret.client + server.secret.scope).isprintable():
            raise Problem("a login needs --client-id: the id of the application that you registered at the provider")
    if server.model is not None:
        names.model(server.model)
    elif server.values:
        raise Problem("--set is for the records of --model, and none is given", advice="add --model MODEL")
    actions = (("done", server.done, ("keep", "seen", "delete")), ("failed", server.failed, ("keep",)))
    for option, action, plain in actions:
        kind, colon, folder = action.partition(":")
        if not (action in plain or (kind == "move" and colon and folder)):
            raise Problem(f"--{option} must be {', '.join(plain)} or move:FOLDER, not `{action}`")
        if folder in server.folders:
            raise Problem(
                f"--{option} would move mail into `{folder}`, where it is collected", advice="name another folder"
            )
    if server.type == "pop":
        if server.done not in ("keep", "delete") or server.failed != "keep":
            raise Problem("POP knows no flags and no folders", advice="--done keep or delete, --failed keep")
        if server.folders != ("INBOX",):
            raise Problem("POP knows no folders", advice="leave --folder out")
    if not server.folders or not all(server.folders):
        raise Problem("no folder is named", advice="--folder INBOX")
    return server._replace(folders=tuple(dict.fromkeys(server.folders)))


def _login(server: Server) -> tuple[object, ...]:
    """What a login is for; when it changes, the login is useless."""
    secret = server.secret
    return (server.user, secret.kind) + ((server.type, *secret) if secret.kind == "login" else ())


def _row(server: Server) -> dict[str, object]:
    same = {name: getattr(server, name) for name in _SAME}
    secret = server.secret
    return same | {
        "user_name": server.user,
        "verify": int(server.verify),
        "enabled": int(server.enabled),
        "secret_kind": secret.kind,
        "secret_source": secret.source,
        "client": secret.client,
        "client_secret_file": secret.client_secret_file,
        "scope": secret.scope,
        "folders": json.dumps(server.folders),
        "values_json": json.dumps(dict(server.values)),
        "message_limit": server.most,
    }


def _from_row(row: Row) -> Server:
    return Server(
        **{name: row[name] for name in (*_SAME, "number")},
        user=row["user_name"],
        secret=Secret(row["secret_kind"], row["secret_source"], row["client"], row["client_secret_file"], row["scope"]),
        verify=bool(row["verify"]),
        folders=tuple(json.loads(row["folders"])),
        values=json.loads(row["values_json"]),
        most=row["message_limit"],
        enabled=bool(row["enabled"]),
    )


_SAME = ("name", "type", "host", "port", "security", "ca", "address", "model", "done", "failed")
"""Fields that are stored as they are, under their own names."""
