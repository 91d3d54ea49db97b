"""`mailgate server login`: log in at the OAuth2 provider of a mailbox, once."""

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
from mailgate.values.charset import printable
from mailgate.values.problem import Problem, command
from mailgate.values.server import Server

if TYPE_CHECKING:
    from mailgate.oauth.discovery import Endpoints
    from mailgate.oauth.grant import AuthorizationRequest, Client, DeviceCode
    from mailgate.oauth.tokens import Tokens

FLOWS = ("device", "browser")
_UNWILLING = ("invalid_scope", "unauthorized_client", "invalid_client", "unsupported_grant_type")
"""Errors of a provider that has device codes, but not for this client, or not for mail."""
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
@click.option("--flow", type=click.Choice(FLOWS), help="Enter a code on any device, or use a browser.")
@click.option("--port", type=click.IntRange(1024, 65_535), metavar="N", help="Local port for the browser.")
@json_option
@pass_app
def login(app: App, name: str, flow: str | None, port: int | None, as_json: bool) -> None:
    """Log in at the provider of a server with --login; the tokens are kept in the store.

    It prints what to do: a page and a code to enter there, on any device, or an address to open in a browser on this
    machine. On a terminal, the address to which another browser was redirected can be typed instead.
    """

    from mailgate.oauth import access, discovery
    from mailgate.oauth.grant import Client

    def say(text: str) -> None:
        click.echo(printable(text), err=as_json)

    with app.store.read() as tx:
        server = servers.get(tx, name)
    if server.secret.kind != "login":
        change = command("mailgate server set {NAME} --login google --client-id ID", name)
        raise Problem(f"server `{name}` has no login, but a {server.secret.kind}", change)
    extras.require(*server.libraries)
    client = Client(server)
    endpoints = discovery.discover(server, client.provider)
    used, tokens = _log_in(client, endpoints, flow, port, say)
    started = access.start(endpoints.token, tokens)
    with app.store.write() as tx:
        if servers.get(tx, name) != server:
            raise Problem(
                f"server `{name}` was changed during the login", command("mailgate server login {NAME}", name)
            )
        logins.grant(tx, server.number, started)
    if as_json:
        console.data(_data(server, used, started))
        return
    console.say(f"{server.name}: logged in; {_validity(client, started)}")
    console.verbatim(f"next: {command('mailgate server test {NAME}', server.name)}")


def _log_in(
    client: "Client", endpoints: "Endpoints", flow: str | None, port: int | None, say: Say
) -> "tuple[str, Tokens]":
    """The flow that was used, and the tokens."""
    from mailgate.oauth import authorize
    from mailgate.oauth.tokens import Denied

    issuer, again = client.provider.issuer, command("mailgate server login {NAME}", client.server.name)
    if flow == "device" and not endpoints.device:
        raise Problem(f"{issuer} does not offer device codes", again)
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
        raise Problem(f"{issuer} does not offer login in a browser", again)
    with authorize.Listener(port or 0) as listener:
        request = client.request(endpoints.authorization, listener.port)
        listener.expect(request)
        typing = sys.stdin is not None and sys.stdin.isatty()
        _show_browser(client.server, request, listener.port, typing, say)
        query = listener.answer(request, _typed if typing else lambda: None, say)
    return "browser", client.redeem(endpoints.token, request, query)


def _by_device(client: "Client", endpoints: "Endpoints", device: "DeviceCode", say: Say) -> "Tokens":
    from mailgate.oauth import authorize

    say(f"open this page in a browser on any device, and log in as {client.server.user}:")
    say(f"  {device.address}")
    say("then enter this code:")
    say(f"  {device.user_code}")
    if device.complete:
        say(f"or open this page, which has the code: {device.complete}")
    say(f"waiting for the code to be entered, up to {min(device.seconds, authorize.PATIENCE) / 60:.0f} minutes")
    return authorize.by_device(client, endpoints.token, device)


def _show_browser(server: Server, request: "AuthorizationRequest", port: int, typing: bool, say: Say) -> None:
    from mailgate.oauth import authorize

    say(f"open this address in a browser on this machine, and log in as {server.user}:")
    say(f"  {request.address}")
    tunnel = command("ssh -L {PORTS} {HOST}", f"{port}:127.0.0.1:{port}", socket.gethostname())
    say("to use a browser on another machine, run there meanwhile:")
    say(f"  {tunnel}")
    if typing:
        say(f"or type the address here to which the browser was redirected: {request.redirect}/?...")
    say(f"waiting for the browser, up to {authorize.PATIENCE / 60:.0f} minutes")


def _typed() -> str | None:
    """A line that was typed, None if there is none yet."""
    if not select.select([sys.stdin], [], [], 0)[0]:
        return None
    line = sys.stdin.readline()
    if not line:
        time.sleep(0.2)  # at the end of input, select returns at once
    return line if line.strip() else None


def _validity(client: "Client", login: Login) -> str:
    """How long a login is valid."""
    if not login.refresh:
        return (
            f"valid until {console.when(login.expires_at)} only: there is no refresh token (offline_access in --scope?)"
        )
    if login.ends_at is not None:
        return f"valid until {console.when(login.ends_at)}, or longer if use renews it"
    idle = client.provider.idle
    if idle:
        return f"valid until it is revoked or not used for {idle} days"
    return "valid until it is revoked"


def _data(server: Server, flow: str, login: Login) -> dict[str, Any]:
    until = None if login.until is None else console.when(login.until)
    return {"name": server.name, "flow": flow, "until": until, "renews": bool(login.refresh)}


def trouble(server: Server, login: Login | None) -> str:
    """Why the login of a server cannot be used, and the command that helps; `""` if it can."""
    text = logins.trouble(login) if server.secret.kind == "login" else ""
    return f"{text}: {command('mailgate server login {NAME}', server.name)}" if text else ""


def ending(server: Server, login: Login | None) -> str:
    """When a login ends soon, and the command that renews it; `""` if it does not."""
    return logins.announcement(server.name, login, time.time()) if login else ""


def as_data(server: Server, login: Login | None) -> dict[str, Any]:
    """A login as JSON, without its tokens."""
    return {
        "client_id": server.secret.client,
        "client_secret_file": server.secret.client_secret_file or None,
        "scope": server.secret.scope or None,
        "granted": console.when(login.granted_at) if login else None,
        "refreshed": console.when(login.refreshed_at) if login else None,
        "until": console.when(login.until) if login and login.until else None,
        "error": logins.trouble(login),
        "warning": ending(server, login),
    }


def pairs(server: Server, login: Login | None) -> list[tuple[str, object]]:
    """A login on a screen; nothing for a server without one."""
    if server.secret.kind != "login":
        return []
    secret = server.secret
    rows: list[tuple[str, object]] = [("client", secret.client)]
    rows += [("client secret", secret.client_secret_file)] if secret.client_secret_file else []
    rows += [("scope", secret.scope)] if secret.scope else []
    if text := trouble(server, login) or ending(server, login):
        rows.append(("login", text))
    if login:
        rows.append(("logged in", console.when(login.granted_at)))
        rows.append(("refreshed", console.when(login.refreshed_at)))
        rows.append(("valid until", console.when(login.until) if login.until else "unknown"))
    return rows
