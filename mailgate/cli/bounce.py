"""`mailgate bounce`: mail that could not be delivered, and why."""

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.failures import failure_data, language, reason_words
from mailgate.cli.ui.listing import Asked, View, list_options
from mailgate.cli.ui.listing import show as show_list
from mailgate.cli.ui.options import Group, Number, json_option, single
from mailgate.store import failures, lists
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
    """Show delivery failures and complaints."""


@bounce.command("list", examples="mailgate bounce list --all --json")
@click.option("--all", "acked", is_flag=True, help="Include acknowledged and quiet failures.")
@list_options(states=("open", "acked"), sender=False, subject=False)
@pass_app
def list_(app: App, acked: bool, asked: Asked) -> None:
    """List open failures with their recipient, record and reason, oldest first; on a terminal the last 50."""
    with app.store.read() as tx:
        tongue = language(tx)
    empty = "no such failures" if asked.narrowed else "no failures"
    view = View(
        lambda tx, key: failures.get(tx, int(key[0])),
        lambda tx, failure: failure_data(failure, tongue),
        lambda tx, failure: _row(failure, tongue),
        *(("NUMBER", "CREATED", "RECIPIENT", "RECORD", "STATE", "REASON"), empty),
    )
    show_list(app, lists.failures(acked=acked or asked.wanted.state == "acked"), asked, view)


def _row(failure: Failure, tongue: str) -> tuple[object, ...]:
    return (
        *(failure.number, console.ago(failure.created_at), failure.recipient or "(unnamed)"),
        *(failure.record or "-", failure.state, reason_words(failure, tongue)),
    )


@bounce.command("show", examples="mailgate bounce show 3")
@click.argument("number", type=Number())
@json_option
@pass_app
def show(app: App, number: int, as_json: bool) -> None:
    """Show one failure: what the remote server said, and its consequences."""
    with app.store.read() as tx:
        failure, tongue = failures.get(tx, number), language(tx)
    _show(app, failure, tongue, as_json)


@bounce.command("ack", examples="mailgate bounce ack 3")
@click.argument("numbers", metavar="N...", type=Number(), nargs=-1, required=True)
@json_option
@pass_app
def ack(app: App, numbers: tuple[int, ...], as_json: bool) -> None:
    """Mark failures as handled; their recipients get mail again."""
    with app.store.write() as tx:
        acked, tongue = [failures.ack(tx, number) for number in dict.fromkeys(numbers)], language(tx)
    if as_json:
        console.data(single([failure_data(failure, tongue) for failure in acked]))
        return
    for failure in acked:
        _pairs(failure, tongue)
    app.finish()


def _show(app: App, failure: Failure, tongue: str, as_json: bool) -> None:
    if as_json:
        console.data(failure_data(failure, tongue))
        return
    _pairs(failure, tongue)
    app.finish()


def _pairs(failure: Failure, tongue: str) -> None:
    console.pairs(
        [
            ("failure", failure.number),
            ("recipient", failure.recipient or "(unnamed)"),
            ("named", failure.name or ""),
            ("record", failure.record or ""),
            ("message", f"{failure.message}, {failure.message_id}" if failure.message else failure.message_id or ""),
            ("reason", reason_words(failure, tongue)),
            ("permanent", "yes" if failure.permanent else "no, a later message may arrive"),
            ("diagnostic", failure.diagnostic),
            ("remote server", failure.remote),
            ("reported in", f"message {failure.report}"),
            ("consequence", _consequence(failure)),
            ("state", failure.state if failure.state == "open" else "acked (handled)"),
        ]
    )


def _consequence(failure: Failure) -> str:
    """What the failure changes until it is acknowledged."""
    if failure.follower is None:
        return "none: the report has no signed address that proves it"
    if failure.state == "acked" or not failure.permanent:
        return "none"
    again = command("mailgate bounce ack {N}", failure.number)
    if failure.kind == "complaint":
        return f"no mail of {failure.record} is sent to {failure.follower} until: {again}"
    return f"no copies of {failure.record} are sent to {failure.follower} until: {again}"
