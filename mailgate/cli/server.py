"""`mailgate server`: the mailboxes elsewhere that mail is collected from."""

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
from mailgate.store.servers import SECRETS, Health, Secret, Server
from mailgate.values.problem import Problem, command


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
    """The mailboxes elsewhere that `mailgate fetch` collects mail from."""


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
    given = {name: value for name, value in options.items() if value not in (None, ())}
    kinds = [kind for kind in SECRETS if kind.replace("-", "_") in given]
    if len(kinds) > 1:
        raise click.UsageError(f"--{kinds[0]} and --{kinds[1]} exclude each other.")
    secret = Secret(kinds[0], given[kinds[0].replace("-", "_")]) if kinds else old.secret
    changed: Server = fields.changed(SERVER, old, given)._replace(secret=_login(old.secret, secret, given))
    if given.get("model") == "":
        changed = changed._replace(values={})
    if "port" not in given and (changed.type, changed.security) != (old.type, old.security):
        changed = changed._replace(port=servers.PORTS[changed.type, changed.security])
    return changed


def _login(old: Secret, new: Secret, given: dict[str, Any]) -> Secret:
    """The secret with what is said of a login; what is not said stays, at the same provider."""
    names = {"client_id": "client", "client_secret_file": "client_secret_file", "scope": "scope"}
    more = {attribute: given[name] for name, attribute in names.items() if name in given}
    if new.kind != "login":
        if more:
            option = next(name for name in names if name in given).replace("_", "-")
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
    """Add a server. The secret itself is never an option: it comes from a file, a command or `server login`."""
    for needed in ("type", "host", "user"):
        if not options[needed]:
            raise click.UsageError(f"Missing option '--{needed}'.")
    if not any(options[kind.replace("-", "_")] for kind in SECRETS):
        raise click.UsageError(
            "Missing option '--password-file', '--password-command', '--token-command' or '--login'."
        )
    blank = Server(name, "", "", 0, "", Secret("", ""))
    with app.store.write() as tx:
        found = servers.add(tx, _changed(blank, options))
    _warn(found)
    if as_json:
        console.data(as_data(found, Health()))
        return
    if found.secret.kind == "login":
        console.say(
            f"added server {found.name}; next, log in with: {command('mailgate server login {NAME}', found.name)}"
        )
    else:
        console.say(f"added server {found.name}; try it with: {command('mailgate server test {NAME}', found.name)}")
    app.finish()


def _warn(found: Server) -> None:
    if problem := extras.missing(*found.libraries):
        console.warning(f"server {found.name}: {problem}: {problem.hints[0]}")
    if found.security == "none":
        console.warning(f"server {found.name}: everything, the password too, goes in the clear (--security none)")
    elif not found.verify:
        console.warning(f"server {found.name}: ITS CERTIFICATE IS NOT VERIFIED (--insecure): anybody can read along")


@server.command("list", examples="mailgate server list --json")
@json_option
@pass_app
def list_(app: App, as_json: bool) -> None:
    """Every server and how it fares."""
    with app.store.read() as tx:
        found = [(each, servers.health(tx, each.number), logins.get(tx, each.number)) for each in servers.listing(tx)]
    if as_json:
        console.data([as_data(each, health, login) for each, health, login in found])
        return
    rows = [
        (
            *(each.name, each.type, each.host, _state(each, health)),
            console.ago(health.succeeded_at) if health.succeeded_at is not None else "never",
            console.when(health.due_at) if health.due_at and health.paused_at is None else "-",
            server_login.trouble(each, login)
            or health.error
            or server_login.ending(each, login)
            or health.warning
            or "-",
        )
        for each, health, login in found
    ]
    header = ("NAME", "TYPE", "HOST", "STATE", "SUCCESS", "NEXT TRY", "ERROR")
    console.table(header, rows, "no server yet: mailgate server add --help")
    for each, health, login in found:
        if ending := server_login.ending(each, login):
            console.warning(f"server {each.name}: {ending}")
        if health.paused_at is not None and each.enabled:
            console.warning(
                f"server {each.name} is PAUSED: mail waits there; {command('mailgate server enable {NAME}', each.name)}"
            )
    app.finish()


def _error(found: Server, health: Health, login: Login | None) -> str:
    return server_login.trouble(found, login) or health.error or server_login.ending(found, login) or health.warning


def _state(found: Server, health: Health) -> str:
    return health.state if found.enabled else "disabled"


@server.command("show", examples="mailgate server show inbox")
@click.argument("name", shell_complete=completions.servers)
@json_option
@pass_app
def show(app: App, name: str, as_json: bool) -> None:
    """One server, how it fares, and the messages that it did not give."""
    with app.store.read() as tx:
        found = servers.get(tx, name)
    _show(app, found, as_json)


@server.command("set", examples="mailgate server set inbox --done move:Collected --limit 200")
@click.argument("name", shell_complete=completions.servers)
@_options
@fields.removals(SERVER)
@json_option
@pass_app
def set_(app: App, /, name: str, as_json: bool, **options: Any) -> None:
    """Change a server. Lists (--folder) are replaced; values (--set) are added to."""
    with app.store.write() as tx:
        found = servers.save(tx, _changed(servers.get(tx, name), options))
    _warn(found)
    _show(app, found, as_json)


@server.command("test", examples="mailgate server test inbox")
@click.argument("name", shell_complete=completions.servers)
@json_option
@pass_app
def test(app: App, name: str, as_json: bool) -> None:
    """Log in and count what is there; nothing is fetched, marked or changed."""
    from mailgate.inbound.connection import connect
    from mailgate.inbound.mailbox import CommandRefused, ConnectionLost

    with app.store.read() as tx:
        found = servers.get(tx, name)
    extras.require(*found.libraries)
    _warn(found)
    counts: dict[str, int] = {}
    folder = ""
    try:
        session = connect(found, app.config, app.store)
        for folder in found.folders:
            session.open(folder, change=False)
            counts[folder] = len(session.listing())
        session.close()
    except CommandRefused as refused:
        raise Problem(
            f"{found.host}: folder {folder}: {refused}", command("mailgate server set {NAME} --folder FOLDER", name)
        ) from None
    except ConnectionLost as lost:
        raise Problem(f"{found.host}: the connection broke: {lost}") from lost
    if as_json:
        console.data({"name": found.name, "folders": counts})
        return
    console.say(f"{found.name}: logged in to {found.host}:{found.port} as {found.user}")
    for folder, count in counts.items():
        console.say(f"  {folder}: {count} message{'' if count == 1 else 's'}")


server.add_command(server_login.login)


@server.command("remove", examples="mailgate server remove inbox --yes")
@click.argument("name", shell_complete=completions.servers)
@yes_option
@pass_app
def remove(app: App, name: str, yes: bool) -> None:
    """Forget a server, and which of its messages were collected; what was collected stays."""
    with app.store.read() as tx:
        found = servers.get(tx, name)
    confirm(f"server {found.name}", yes)
    with app.store.write() as tx:
        servers.remove(tx, servers.get(tx, name))
    console.say(f"removed server {found.name}")


@server.command("enable", examples="mailgate server enable inbox")
@click.argument("name", shell_complete=completions.servers)
@json_option
@pass_app
def enable(app: App, name: str, as_json: bool) -> None:
    """Collect from it again: the next `fetch` tries it, also when it was paused."""
    with app.store.write() as tx:
        found = servers.enable(tx, servers.get(tx, name), True)
    _show(app, found, as_json)


@server.command("disable", examples="mailgate server disable inbox")
@click.argument("name", shell_complete=completions.servers)
@json_option
@pass_app
def disable(app: App, name: str, as_json: bool) -> None:
    """Leave it alone until `enable`."""
    with app.store.write() as tx:
        found = servers.enable(tx, servers.get(tx, name), False)
    _show(app, found, as_json)


def as_data(found: Server, health: Health, login: Login | None = None) -> dict[str, Any]:
    """A server as JSON; where its secret comes from, never the secret."""
    return {
        "name": found.name,
        **to_json(SERVER, found),
        "ca": found.ca or None,
        "secret": found.secret.kind,
        "secret_source": found.secret.source,
        "login": server_login.as_data(found, login) if found.secret.kind == "login" else None,
        "state": _state(found, health),
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


def _show(app: App, found: Server, as_json: bool) -> None:
    with app.store.read() as tx:
        health = servers.health(tx, found.number)
        failed = collected.failed(tx, found.number)
        login = logins.get(tx, found.number)
    if as_json:
        console.data({**as_data(found, health, login), "not_collected": [each._asdict() for each in failed]})
        return
    tries = f"{health.failures} {'try' if health.failures == 1 else 'tries'}"
    since = f" since {console.when(health.failing_since)}, {tries}" if health.failing_since is not None else ""
    secret = f"{found.secret.kind} {found.secret.source}"
    verify = "yes" if found.verify else "NO, any certificate is accepted"
    model = found.model or "none: mail that no alias accepts is held"
    console.pairs(
        [
            ("server", found.name),
            *lines(SERVER, found, secret=secret, verify=verify, address=found.mailbox or "", model=model),
            *server_login.pairs(found, login),
            ("state", f"{_state(found, health)}{since}"),
            ("last success", console.when(health.succeeded_at) if health.succeeded_at is not None else "never"),
            ("next try", console.when(health.due_at) if health.due_at and health.paused_at is None else ""),
            ("error", health.error),
            ("warning", health.warning),
        ]
    )
    for each in failed:
        console.say(f"not collected as a whole: {each.folder} {each.id}: {each.error}")
    if failed:
        console.say(f"try them again with: {command('mailgate fetch {NAME} --again', found.name)}")
    app.finish()
