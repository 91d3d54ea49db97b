"""`mailgate bounce`: mail that could not be delivered, and why."""

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.failures import failure_data, language, reason_words
from mailgate.cli.ui.options import Group, Number, json_option
from mailgate.store import failures
from mailgate.store.failures import Failure
from mailgate.values.problem import command


@click.group(
    "bounce",
    cls=Group,
    examples="""
        mailgate bounce list
        mailgate bounce show 3
        mailgate bounce ack 3
    """,
)
def bounce() -> None:
    """Mail of ours that did not arrive, and complaints about it."""


@bounce.command("list", examples="mailgate bounce list --all --json")
@click.option("--all", "acked", is_flag=True, help="Also what somebody has seen to.")
@json_option
@pass_app
def list_(app: App, acked: bool, as_json: bool) -> None:
    """Open failures, with record, recipient and reason."""
    with app.store.read() as tx:
        found = failures.listing(tx, acked=acked)
        tongue = language(tx)
    if as_json:
        console.data([failure_data(each, tongue) for each in found])
        return
    rows = [
        (
            *(each.number, console.ago(each.created_at), each.recipient or "nobody named", each.record or "-"),
            *(each.state, reason_words(each, tongue)),
        )
        for each in sorted(found, key=lambda each: each.state != "open")
    ]
    console.table(("NUMBER", "REPORTED", "RECIPIENT", "RECORD", "STATE", "REASON"), rows, "nothing failed")
    app.finish()


@bounce.command("show", examples="mailgate bounce show 3")
@click.argument("number", type=Number())
@json_option
@pass_app
def show(app: App, number: int, as_json: bool) -> None:
    """One failure: what the other side said, and what follows from it."""
    with app.store.read() as tx:
        found, tongue = failures.get(tx, number), language(tx)
    _show(app, found, tongue, as_json)


@bounce.command("ack", examples="mailgate bounce ack 3")
@click.argument("number", type=Number())
@json_option
@pass_app
def ack(app: App, number: int, as_json: bool) -> None:
    """Call a failure seen to; its recipient gets mail again."""
    with app.store.write() as tx:
        found, tongue = failures.ack(tx, number), language(tx)
    _show(app, found, tongue, as_json)


def _show(app: App, found: Failure, tongue: str, as_json: bool) -> None:
    if as_json:
        console.data(failure_data(found, tongue))
        return
    console.pairs(
        [
            ("failure", found.number),
            ("recipient", found.recipient or "nobody named"),
            ("record", found.record or ""),
            ("message", f"{found.message}, {found.message_id}" if found.message else found.message_id or ""),
            ("reason", reason_words(found, tongue)),
            ("lasting", "yes" if found.permanent else "no, it may work later"),
            ("said", found.diagnostic),
            ("by", found.remote),
            ("reported in", f"message {found.report}"),
            ("follows", _follows(found)),
            ("state", found.state if found.state == "open" else "acked: seen to"),
        ]
    )
    app.finish()


def _follows(found: Failure) -> str:
    """What the failure changes, until it is acknowledged."""
    if found.follower is None:
        return "nothing: no signature of ours proves the report"
    if found.state == "acked" or not found.permanent:
        return "nothing"
    again = command("mailgate bounce ack {N}", found.number)
    if found.kind == "complaint":
        return f"{found.follower} gets no mail from us, until: {again}"
    return f"{found.follower} gets no copies of {found.record}, until: {again}"
