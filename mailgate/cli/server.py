"""`mailgate server`: the mailboxes elsewhere that mail is collected from."""

from typing import Any

import click

from mailgate.cli import server_login
from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, assignment, confirm, json_option, yes_option
from mailgate.process import extras
from mailgate.store import collected, logins, servers
from mailgate.store.logins import Login
from mailgate.store.servers import SECRETS, SECURITY, TYPES, Health, Secret, Server
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


def _options(function: Any) -> Any:
    for option in reversed(
        (
            click.option("--type", type=click.Choice(TYPES), help="What it speaks."),
            click.option("--host", metavar="HOST", help="Its name."),
            click.option("--port", type=int, metavar="N", help="Its port, where it is not the usual one."),
            click.option("--security", type=click.Choice(SECURITY), help="TLS at once (default), later, or none."),
            click.option(
                "--ca", metavar="FILE", help='Certificates to believe, instead of the system\'s; "" for those.'
            ),
            click.option("--insecure/--verify", default=None, help="Believe any certificate: anybody can read along."),
            click.option("--user", metavar="NAME", help="Who logs in."),
            click.option("--password-file", metavar="FILE", help="Its first line; readable for its owner alone."),
            click.option("--password-command", metavar="COMMAND", help="Prints the password; run without a shell."),
            click.option("--token-command", metavar="COMMAND", help="Prints an OAuth2 access token."),
            click.option("--login", metavar="PROVIDER", help="google, microsoft or an issuer's URL."),
            click.option("--client-id", metavar="ID", help="Of a login: the application that you registered there."),
            click.option("--client-secret-file", metavar="FILE", help='Of a login: its secret, where it has one; "".'),
            click.option("--scope", metavar="TEXT", help="Of a login: what an issuer calls access to mail."),
            click.option("--address", metavar="ADDRESS", help="Of the mailbox itself, where the user name is none."),
            click.option("--folder", "folders", metavar="NAME", multiple=True, help="Default INBOX; repeatable."),
            click.option("--model", metavar="M", help='Model for mail that no alias takes; "" for none: it is held.'),
            click.option("--set", "values", metavar="K=V", multiple=True, help="A value of those; repeatable."),
            click.option("--done", metavar="ACTION", help="With collected mail: keep, seen, move:FOLDER, delete."),
            click.option("--failed", metavar="ACTION", help="With what cannot be collected: keep, move:FOLDER."),
            click.option("--limit", "most", type=click.IntRange(1), metavar="N", help="Messages in one run."),
        )
    ):
        function = option(function)
    return function


def _changed(old: Server, options: dict[str, Any]) -> Server:
    given = {name: value for name, value in options.items() if value not in (None, ())}
    kinds = [kind for kind in SECRETS if kind.replace("-", "_") in given]
    if len(kinds) > 1:
        raise click.UsageError(f"--{kinds[0]} and --{kinds[1]} exclude each other.")
    for kind in kinds:
        given["secret"] = Secret(kind, given.pop(kind.replace("-", "_")))
    _login(old.secret, given)
    if "insecure" in given:
        given["verify"] = not given.pop("insecure")
    if "values" in given:
        given["values"] = {**old.values, **dict(assignment(each) for each in given["values"])}
    if given.get("model") == "":
        given |= {"model": None, "values": {}}
    if given.get("address") == "":
        given["address"] = None
    changed = old._replace(**given)
    if "port" not in given and (changed.type, changed.security) != (old.type, old.security):
        changed = changed._replace(port=servers.PORTS[changed.type, changed.security])
    return changed


def _login(old: Secret, given: dict[str, Any]) -> None:
    """Put what is said of a login into the secret; what is not said stays, at the same provider."""
    names = {"client_id": "client", "client_secret_file": "client_secret_file", "scope": "scope"}
    more = {name: given.pop(name) for name in names if name in given}
    chosen: Secret = given.get("secret", old)
    if chosen.kind != "login":
        if more:
            raise click.UsageError(f"--{next(iter(more)).replace('_', '-')} is for --login.")
        return
    if chosen.source == old.source:
        chosen = old
    given["secret"] = chosen._replace(**{names[name]: value for name, value in more.items()})


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
@click.option("--unset", metavar="K", multiple=True, help="Forget a value; repeatable.")
@json_option
@pass_app
def set_(app: App, /, name: str, as_json: bool, unset: tuple[str, ...], **options: Any) -> None:
    """Change a server. Lists (--folder) are replaced; values (--set) are added to."""
    with app.store.write() as tx:
        changed = _changed(servers.get(tx, name), options)
        values = {key: value for key, value in changed.values.items() if key not in unset}
        found = servers.save(tx, changed._replace(values=values))
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
        "type": found.type,
        "host": found.host,
        "port": found.port,
        "security": found.security,
        "ca": found.ca or None,
        "verify": found.verify,
        "user": found.user,
        "secret": found.secret.kind,
        "secret_source": found.secret.source,
        "login": server_login.as_data(found, login) if found.secret.kind == "login" else None,
        "address": found.address,
        "folders": list(found.folders),
        "model": found.model,
        "values": dict(found.values),
        "done": found.done,
        "failed": found.failed,
        "limit": found.most,
        "enabled": found.enabled,
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
    secured = found.security if found.verify or found.security == "none" else f"{found.security}, NOT VERIFIED"
    tries = f"{health.failures} {'try' if health.failures == 1 else 'tries'}"
    since = f" since {console.when(health.failing_since)}, {tries}" if health.failing_since is not None else ""
    console.pairs(
        [
            ("server", found.name),
            ("speaks", f"{found.type} at {found.host}:{found.port} ({secured})"),
            ("user", found.user),
            ("secret", f"{found.secret.kind} {found.secret.source}"),
            *server_login.pairs(found, login),
            ("mailbox", f"{found.mailbox} (only transports)" if found.mailbox else ""),
            ("folders", ", ".join(found.folders)),
            ("model", f"{found.model or 'none: mail that no alias takes is held'}"),
            ("values", console.assignments(dict(found.values))),
            ("when done", found.done),
            ("when failed", found.failed),
            ("limit", f"{found.most} messages a run"),
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
