"""`mailgate serve`: one process that stays."""

import click

from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command
from mailgate.values.problem import Problem

PARTS = ("lmtp", "deliver", "work", "fetch", "doctor", "web")


@click.command(
    "serve",
    cls=Command,
    changes_addresses=False,
    examples="""
        mailgate serve
        mailgate serve --only lmtp,work
    """,
)
@click.option("--only", metavar="PART,...", help=f"Parts to serve, of {', '.join(PARTS)}; default: all.")
@pass_app
def serve(app: App, only: str | None) -> None:
    """Take messages over LMTP and from the pipe, send queued mail, fetch mail and watch, until it is stopped.

    Its sockets are in section [serve] of the configuration. It is optional: without it, the pipe and the timers do
    the same. It never creates or migrates a store; it exits with 75 if there is none.
    """
    from mailgate.cli.ui import serving
    from mailgate.inbound.listen import Access

    parts = _parts(only)
    settings = serving.settled(app)
    lmtp = settings.serve_lmtp if "lmtp" in parts else ""
    deliver = settings.serve_deliver if "deliver" in parts else ""
    web = settings.serve_web if "web" in parts else ""
    if not lmtp and not deliver and parts & {"lmtp", "deliver"}:
        raise Problem(
            "the section [serve] of the configuration names no socket to listen on",
            advice='add lmtp = "unix:/run/mailgate/lmtp.sock" or deliver = "/run/mailgate/deliver.sock" to it',
        )
    commands: list[tuple[tuple[str, ...], float]] = [(serving.WORK, _WORK if "work" in parts else serving.NEVER)]
    if "fetch" in parts:
        commands.append((("fetch", "--quiet"), _FETCH))
    if "doctor" in parts and settings.notify:
        commands.append((("doctor", "--watch"), _DOCTOR))
    listening = serving.Listening(lmtp, deliver, Access(settings.serve_group), web)
    serving.run(app, settings, listening, commands)


_WORK, _FETCH, _DOCTOR = 60.0, 120.0, 3_600.0
"""Seconds between two runs of `mailgate work`, of `mailgate fetch`, and of `mailgate doctor --watch`."""


def _parts(only: str | None) -> set[str]:
    named = set(PARTS if only is None else (part.strip() for part in only.split(",")))
    if unknown := sorted(named - set(PARTS)):
        raise click.BadParameter(f"`{unknown[0]}` is not a part; the parts are {', '.join(PARTS)}", param_hint="--only")
    return named
