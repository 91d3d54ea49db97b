"""`mailgate server login`: log in at the provider of a mailbox, once, by a person."""

import select
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mailgate.cli.ui import completions, console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.process import extras
from mailgate.store import logins, servers
from mailgate.store.logins import Login
from mailgate.store.servers import Server
from mailgate.values.charset import printable
from mailgate.values.problem import Problem, command

if TYPE_CHECKING:
    from mailgate.oauth.discovery import Endpoints
    from mailgate.oauth.grant import AuthorizationRequest, Client, DeviceCode
    from mailgate.oauth.tokens import Tokens

FLOWS = ("device", "browser")
_UNWILLING = ("invalid_scope", "unauthorized_client", "invalid_client", "unsupported_grant_type")
"""What a provider says of a device code that it gives, but not to us, or not for mail."""
Say = Callable[[str], None]


@click.command(
    "login",
    cls=Command,
    examples="""
        mailgate server login outlook
        mailgate server login gmail
        mailgate server login gmail --port 8765
    """,
)
@click.argument("name", shell_complete=completions.servers)
@click.option("--flow", type=click.Choice(FLOWS), help="A code on any device, or a browser; default: what is offered.")
@click.option("--port", type=click.IntRange(1024, 65_535), metavar="N", help="Where the browser comes back to.")
@json_option
@pass_app
def login(app: App, name: str, flow: str | None, port: int | None, as_json: bool) -> None:
    """Log in at the provider that a server has by --login, and keep the tokens in the store.

    What to do is shown: a page, and a code to enter there on any device; or an address for a browser, which comes back
    to this machine. On a terminal the address where a browser elsewhere ended may also be typed.
    """

    from mailgate.oauth import access, discovery
    from mailgate.oauth.grant import Client

    def say(text: str) -> None:
        click.echo(printable(text), err=as_json)

    with app.store.read() as tx:
        found = servers.get(tx, name)
    if found.secret.kind != "login":
        change = command("mailgate server set {NAME} --login google --client-id ID", name)
        raise Problem(f"server `{name}` has no login: its secret is a {found.secret.kind}", change)
    extras.require(*found.libraries)
    client = Client(found)
    endpoints = discovery.discover(found, client.provider)
    used, tokens = _granted(client, endpoints, flow, port, say)
    begun = access.start(endpoints.token, tokens)
    with app.store.write() as tx:
        if servers.get(tx, name) != found:
            raise Problem(f"server `{name}` was changed meanwhile", command("mailgate server login {NAME}", name))
        logins.grant(tx, found.number, begun)
    if as_json:
        console.data(_granted_data(found, used, begun))
        return
    console.say(f"{found.name}: logged in; {_lasts(client, begun)}")
    console.say(f"try it with: {command('mailgate server test {NAME}', found.name)}")


def _granted(
    client: "Client", endpoints: "Endpoints", flow: str | None, port: int | None, say: Say
) -> "tuple[str, Tokens]":
    """The flow that was used, and what came of it."""
    from mailgate.oauth import authorize
    from mailgate.oauth.tokens import Denied

    issuer = client.provider.issuer
    if flow == "device" and not endpoints.device:
        raise Problem(f"{issuer} offers no device code", command("mailgate server login {NAME}", client.server.name))
    if flow == "device" or (flow is None and client.provider.device and endpoints.device and port is None):
        try:
            device = client.device(endpoints.device)
        except Denied as denied:
            if flow or denied.code not in _UNWILLING or not endpoints.authorization:
                raise
            say(f"no device code: {denied}")
        else:
            return "device", _by_device(client, endpoints, device, say)
    if not endpoints.authorization:
        raise Problem(
            f"{issuer} offers no login by browser", command("mailgate server login {NAME}", client.server.name)
        )
    with authorize.Listener(port or 0) as listener:
        request = client.request(endpoints.authorization, listener.port)
        listener.expect(request)
        typing = sys.stdin is not None and sys.stdin.isatty()
        _show_browser(client.server, request, listener.port, typing, say)
        query = listener.answer(request, _typed if typing else lambda: None, say)
    return "browser", client.redeem(endpoints.token, request, query)


def _by_device(client: "Client", endpoints: "Endpoints", device: "DeviceCode", say: Say) -> "Tokens":
    from mailgate.oauth import authorize

    say(f"open this page in a browser, on any device, and log in as {client.server.user}:")
    say(f"  {device.address}")
    say("and enter this code there:")
    say(f"  {device.user_code}")
    if device.complete:
        say(f"or open {device.complete}")
    say(f"waiting until it is entered, for {min(device.seconds, authorize.PATIENCE) / 60:.0f} minutes at most")
    return authorize.by_device(client, endpoints.token, device)


def _show_browser(server: Server, request: "AuthorizationRequest", port: int, typing: bool, say: Say) -> None:
    from mailgate.oauth import authorize

    say(f"open this address in a browser on this machine, and log in as {server.user}:")
    say(f"  {request.address}")
    say("a browser on another machine reaches this one while this runs there:")
    say(f"  ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}")
    if typing:
        say(f"or type here the address where it ended, although it shows nothing: {request.redirect}/?...")
    say(f"waiting for the browser to come back, for {authorize.PATIENCE / 60:.0f} minutes at most")


def _typed() -> str | None:
    """A line that was typed, None when there is none yet."""
    if not select.select([sys.stdin], [], [], 0)[0]:
        return None
    line = sys.stdin.readline()
    if not line:
        time.sleep(0.2)  # the end of input, which is there again and again
    return line if line.strip() else None


def _lasts(client: "Client", begun: Login) -> str:
    """Until when a login is good, and what that depends on."""
    if not begun.refresh:
        return (
            f"good until {console.when(begun.expires_at)} only: no refresh token was given (offline_access in --scope?)"
        )
    if begun.ends_at is not None:
        return f"good until {console.when(begun.ends_at)}, or longer where each use renews it"
    idle = client.provider.idle
    if idle:
        return f"good until it is withdrawn or not used for {idle} days; the provider told no other end"
    return "good until it is withdrawn: the provider told no end"


def _granted_data(found: Server, flow: str, begun: Login) -> dict[str, Any]:
    until = None if begun.until is None else console.when(begun.until)
    return {"name": found.name, "flow": flow, "until": until, "renews": bool(begun.refresh)}


def trouble(found: Server, login: Login | None) -> str:
    """Why nobody can log in to a server, and what helps; `""` for nothing."""
    told = logins.trouble(login) if found.secret.kind == "login" else ""
    return f"{told}: {command('mailgate server login {NAME}', found.name)}" if told else ""


def ending(found: Server, login: Login | None) -> str:
    """That a login will end, and what to do before, `""` when it will not."""
    return logins.announcement(found.name, login, time.time()) if login else ""


def as_data(found: Server, login: Login | None) -> dict[str, Any]:
    """A login as JSON, without its tokens."""
    return {
        "client_id": found.secret.client,
        "client_secret_file": found.secret.client_secret_file or None,
        "scope": found.secret.scope or None,
        "granted": console.when(login.granted_at) if login else None,
        "refreshed": console.when(login.refreshed_at) if login else None,
        "until": console.when(login.until) if login and login.until else None,
        "error": logins.trouble(login),
        "warning": ending(found, login),
    }


def pairs(found: Server, login: Login | None) -> list[tuple[str, object]]:
    """The same for a screen; nothing where a server has no login."""
    if found.secret.kind != "login":
        return []
    secret = found.secret
    shown: list[tuple[str, object]] = [("client", secret.client)]
    shown += [("client secret", secret.client_secret_file)] if secret.client_secret_file else []
    shown += [("scope", secret.scope)] if secret.scope else []
    if told := trouble(found, login) or ending(found, login):
        shown.append(("login", told))
    if login:
        shown.append(("logged in", console.when(login.granted_at)))
        shown.append(("refreshed", console.when(login.refreshed_at)))
        shown.append(("good until", console.when(login.until) if login.until else "nobody told"))
    return shown
