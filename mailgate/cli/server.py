"""`mailgate server`: the servers that mail is fetched from."""

import time
from typing import Any

import click

from mailgate.cli import server_login
from mailgate.cli.ui import completions, console, fields
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, confirm, json_option, yes_option
from mailgate.export.fields import lines, to_json
from mailgate.export.schema import SERVER
from mailgate.process import extras
from mailgate.store import collected, logins, servers
from mailgate.store.logins import Login
from mailgate.store.servers import Health
from mailgate.values.problem import Problem, command
from mailgate.values.server import PORTS, SECRETS, Secret, Server


@click.group(
    "server",
    cls=Group,
    examples="""
        mailgate server add inbox --type imap --host imap.example.com --user info \\
            --password-file /etc/mailgate/inbox.secret --done move:Collected
        mailgate server test inbox
        mailgate server list
    """,
)
def server() -> None:
    """Manage the servers that `mailgate fetch` fetches mail from."""


_SECRETS = (
    click.option("--password-file", metavar="FILE", help="File whose first line is the password; mode 600."),
    click.option("--password-command", metavar="COMMAND", help="Command that prints the password; no shell runs it."),
    click.option("--token-command", metavar="COMMAND", help="Command that prints an OAuth2 access token."),
    click.option("--login", metavar="PROVIDER", help="OAuth2 provider: google, microsoft, or the URL of an issuer."),
    click.option("--client-id", metavar="ID", help="For --login: ID of the application that you registered."),
    click.option("--client-secret-file", metavar="FILE", help='For --login: file with its secret; "" for none.'),
    click.option("--scope", metavar="TEXT", help="For --login: name of the access to mail at this issuer."),
)


def _options(function: Any) -> Any:
    for option in reversed(_SECRETS):
        function = option(function)
    return fields.options(SERVER)(function)


def _changed(old: Server, options: dict[str, Any]) -> Server:
    stated = {name: value for name, value in options.items() if value not in (None, ())}
    kinds = [kind for kind in SECRETS if kind.replace("-", "_") in stated]
    if len(kinds) > 1:
        raise click.UsageError(f"--{kinds[0]} and --{kinds[1]} exclude each other.")
    secret = Secret(kinds[0], stated[kinds[0].replace("-", "_")]) if kinds else old.secret
    changed: Server = fields.changed(SERVER, old, stated)._replace(secret=_login(old.secret, secret, stated))
    if stated.get("model") == "":
        changed = changed._replace(values={})
    if "port" not in stated and (changed.type, changed.security) != (old.type, old.security):
        changed = changed._replace(port=PORTS[changed.type, changed.security])
    return changed


def _login(old: Secret, new: Secret, stated: dict[str, Any]) -> Secret:
    """The secret with the options of a login; those not given keep their value at the same provider."""
    names = {"client_id": "client", "client_secret_file": "client_secret_file", "scope": "scope"}
    more = {attribute: stated[name] for name, attribute in names.items() if name in stated}
    if new.kind != "login":
        if more:
            option = next(name for name in names if name in stated).replace("_", "-")
            raise click.UsageError(f"--{option} is for --login.")
        return new
    return (old if new.source == old.source else new)._replace(**more)


@server.command(
    "add",
    examples="""
        mailgate server add inbox --type imap --host imap.example.com --user info \\
            --password-file /etc/mailgate/inbox.secret
        mailgate server add old --type pop --host pop.example.net --user info \\
            --address info@example.net --password-command "pass show mail/info" \\
            --model lead --set source=mail --done delete
        mailgate server add gmail --type imap --host imap.gmail.com \\
            --user info@example.com --login google --client-id ID \\
            --client-secret-file /etc/mailgate/google.secret
    """,
)
@click.argument("name")
@_options
@json_option
@pass_app
def add(app: App, /, name: str, as_json: bool, **options: Any) -> None:
    """Add a server. Its password is never an option: it comes from a file, a command or `server login`."""
    for needed in ("type", "host", "user"):
        if not options[needed]:
            raise click.UsageError(f"Missing option '--{needed}'.")
    if not any(options[kind.replace("-", "_")] for kind in SECRETS):
        raise click.UsageError(
            "Missing option '--password-file', '--password-command', '--token-command' or '--login'."
        )
    blank = Server(name, "", "", 0, "", Secret("", ""))
    with app.store.write() as tx:
        server = servers.add(tx, _changed(blank, options))
    _warn(server)
    if as_json:
        console.data(as_data(server, Health()))
        return
    if server.secret.kind == "login":
        next_ = command("mailgate server login {NAME}", server.name)
    else:
        next_ = command("mailgate server test {NAME}", server.name)
    console.verbatim(f"added server {server.name}; next: {next_}")
    app.finish()


def _warn(server: Server) -> None:
    if problem := extras.missing(*server.libraries):
        console.warning(f"server {server.name}: {problem.line}", has_command=bool(problem.commands))
    if server.security == "none":
        console.warning(f"server {server.name}: not encrypted, not even the password (--security none)")
    elif not server.verify:
        console.warning(f"server {server.name}: certificate NOT VERIFIED (--insecure): others can read along")


@server.command("list", examples="mailgate server list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """List servers and their state."""
    now = time.time()
    with app.store.read() as tx:
        listed = [
            (server, servers.health(tx, server.number, now), logins.get(tx, server.number))
            for server in servers.listing(tx)
        ]
    if as_json:
        console.data([as_data(server, health, login) for server, health, login in listed])
        return
    rows = [
        (
            *(server.name, server.type, server.host, _state(server, health)),
            console.ago(health.succeeded_at) if health.succeeded_at is not None else "never",
            console.when(health.due_at) if health.due_at and health.paused_at is None else "-",
            _error(server, health, login) or "-",
        )
        for server, health, login in listed
    ]
    header = ("NAME", "TYPE", "HOST", "STATE", "SUCCESS", "NEXT TRY", "ERROR")
    console.table(header, rows, "no servers; see: mailgate server add --help")
    for server, health, login in listed:
        if ending := server_login.ending(server, login):
            console.warning(f"server {server.name}: {ending}")
        if health.paused_at is not None and server.enabled:
            enable = command("mailgate server enable {NAME}", server.name)
            console.warning(f"server {server.name} is PAUSED, its mail is not fetched; resume with: {enable}")
    app.finish()


def _error(server: Server, health: Health, login: Login | None) -> str:
    """What keeps mail from being fetched, or soon will; `""` for nothing."""
    return server_login.trouble(server, login) or health.error or server_login.ending(server, login) or health.warning


def _state(server: Server, health: Health) -> str:
    return health.state if server.enabled else "disabled"


@server.command("show", examples="mailgate server show inbox")
@click.argument("name", shell_complete=completions.servers)
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """Show one server, its state, and the messages that could not be fetched."""
    with app.store.read() as tx:
        server = servers.get(tx, name)
    _show(app, server, as_json)


@server.command("set", examples="mailgate server set inbox --done move:Collected --limit 200")
@click.argument("name", shell_complete=completions.servers)
@_options
@fields.removals(SERVER)
@json_option
@pass_app
def set_(app: App, /, name: str, as_json: bool, **options: Any) -> None:
    """Change a server; options that are not given keep their value.

    --folder replaces all folders; --set adds values.
    """
    with app.store.write() as tx:
        server = servers.save(tx, _changed(servers.get(tx, name), options))
    _warn(server)
    _show(app, server, as_json)


@server.command("test", examples="mailgate server test inbox")
@click.argument("name", shell_complete=completions.servers)
@json_option
@pass_app
def test(app: App, name: str, as_json: bool) -> None:
    """Log in and count the messages in each folder; nothing is fetched or changed."""
    from mailgate.inbound.connection import connect
    from mailgate.inbound.mailbox import CommandRefused, ConnectionLost

    with app.store.read() as tx:
        server = servers.get(tx, name)
    extras.require(*server.libraries)
    _warn(server)
    counts: dict[str, int] = {}
    folder = ""
    try:
        session = connect(server, app.config, app.store)
        for folder in server.folders:
            session.open(folder, change=False)
            counts[folder] = len(session.listing())
        session.close()
    except CommandRefused as refused:
        raise Problem(
            f"{server.host}: folder {folder}: {refused}", command("mailgate server set {NAME} --folder FOLDER", name)
        ) from None
    except ConnectionLost as lost:
        raise Problem(f"{server.host}: the connection was lost: {lost}") from lost
    if as_json:
        console.data({"name": server.name, "folders": counts})
        return
    console.say(f"{server.name}: logged in to {server.host}:{server.port} as {server.user}")
    for folder, count in counts.items():
        console.say(f"  {folder}: {count} {'message' if count == 1 else 'messages'}")


server.add_command(server_login.login)


@server.command("remove", examples="mailgate server remove inbox --yes")
@click.argument("name", shell_complete=completions.servers)
@yes_option
@pass_app
def remove(app: App, name: str, yes: bool) -> None:
    """Remove a server, and the list of its messages that were fetched; the messages stay."""
    with app.store.read() as tx:
        server = servers.get(tx, name)
    confirm(f"server {server.name}", yes)
    with app.store.write() as tx:
        servers.remove(tx, servers.get(tx, name))
    console.say(f"removed server {server.name}")


@server.command("enable", examples="mailgate server enable inbox")
@click.argument("name", shell_complete=completions.servers)
@json_option
@pass_app
def enable(app: App, name: str, as_json: bool) -> None:
    """Enable a server that is disabled or paused: the next `fetch` tries it again."""
    with app.store.write() as tx:
        server = servers.enable(tx, servers.get(tx, name), True)
    _show(app, server, as_json)


@server.command("disable", examples="mailgate server disable inbox")
@click.argument("name", shell_complete=completions.servers)
@json_option
@pass_app
def disable(app: App, name: str, as_json: bool) -> None:
    """Stop fetching from a server until `enable`."""
    with app.store.write() as tx:
        server = servers.enable(tx, servers.get(tx, name), False)
    _show(app, server, as_json)


def as_data(server: Server, health: Health, login: Login | None = None) -> dict[str, Any]:
    """A server as JSON: with the source of its password, never the password."""
    return {
        "name": server.name,
        **to_json(SERVER, server),
        "ca": server.ca or None,
        "secret": server.secret.kind,
        "secret_source": server.secret.source,
        "login": server_login.as_data(server, login) if server.secret.kind == "login" else None,
        "state": _state(server, health),
        "last_success": _moment(health.succeeded_at),
        "failing_since": _moment(health.failing_since),
        "failures": health.failures,
        "next_try": _moment(health.due_at or None),
        "paused": _moment(health.paused_at),
        "error": health.error,
        "warning": health.warning,
    }


def _moment(moment: float | None) -> str | None:
    return None if moment is None else console.when(moment)


def _show(app: App, server: Server, as_json: bool) -> None:
    with app.store.read() as tx:
        health = servers.health(tx, server.number, time.time())
        failed = collected.failed(tx, server.number)
        login = logins.get(tx, server.number)
    if as_json:
        console.data({**as_data(server, health, login), "not_collected": [message._asdict() for message in failed]})
        return
    tries = f"{health.failures} {'try' if health.failures == 1 else 'tries'}"
    since = f" since {console.when(health.failing_since)}, {tries}" if health.failing_since is not None else ""
    secret = f"{server.secret.kind} {server.secret.source}"
    verify = "yes" if server.verify else "NO, any certificate is accepted"
    model = server.model or "none: mail that no alias accepts is held"
    console.pairs(
        [
            ("server", server.name),
            *lines(SERVER, server, secret=secret, verify=verify, address=server.mailbox or "", model=model),
            *server_login.pairs(server, login),
            ("state", f"{_state(server, health)}{since}"),
            ("last success", console.when(health.succeeded_at) if health.succeeded_at is not None else "never"),
            ("next try", console.when(health.due_at) if health.due_at and health.paused_at is None else ""),
            ("error", health.error),
            ("warning", health.warning),
        ]
    )
    for message in failed:
        console.say(f"not fetched completely: {message.folder} {message.id}: {message.error}")
    if failed:
        console.verbatim(f"retry with: {command('mailgate fetch {NAME} --again', server.name)}")
    app.finish()
