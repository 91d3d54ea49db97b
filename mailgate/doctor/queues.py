"""Check the outbox, held mail and the clock."""

import os
import time
from collections.abc import Iterator

from mailgate.mta.check import Check
from mailgate.settings.config import Submit
from mailgate.store import held, messages, outbox
from mailgate.store.database import Store, Transaction
from mailgate.values.problem import command

LATE = 900.0
"""Seconds after which a queue entry that is due should have been tried."""
OLD = 7 * 86_400.0
"""Seconds that held mail may wait for a person."""
SKEW = 60.0
"""Seconds that a message may be ahead of the clock."""
_RIGHT_AGAIN = "if the clock is right now, nothing has to be mended, and the next message ends this"
TIMER = "run it from a timer, every few minutes"
_SENDMAIL = 'set sendmail, or method = "smtp", under [submit] in the configuration'


def sending(settings: Submit) -> Check:
    """Check that queued mail can be sent."""
    if not settings.sends:
        return Check("sending", "ok", "nothing is sent: submit.method is none")
    if settings.method == "smtp":
        return _smtp(settings)
    if not os.path.exists(settings.sendmail):
        return Check("sending", "wrong", f"no program {settings.sendmail}", advice=_SENDMAIL)
    if not os.access(settings.sendmail, os.X_OK) or not os.path.isfile(settings.sendmail):
        return Check(
            "sending", "wrong", f"{settings.sendmail} cannot be run", command("ls -l {FILE}", settings.sendmail)
        )
    return Check("sending", "ok", f"by {settings.sendmail}")


def _smtp(settings: Submit) -> Check:
    import smtplib

    name = f"{settings.host}:{settings.port}"
    try:
        with smtplib.SMTP(settings.host, settings.port, timeout=5) as session:
            session.ehlo_or_helo_if_needed()
    except (OSError, smtplib.SMTPException) as error:
        return Check(
            "sending",
            "wrong",
            f"{name}: {getattr(error, 'strerror', None) or error}",
            advice="set host and port under [submit] in the configuration",
        )
    return Check("sending", "ok", f"by SMTP to {name}")


def check(opened: Store, settings: Submit, now: float) -> list[Check]:
    """Check the outbox, held mail and the clock."""
    with opened.read() as tx:
        return [*_outbox(tx, settings, now), *_held(tx, now), _clock(tx, now)]


def _outbox(tx: Transaction, settings: Submit, now: float) -> Iterator[Check]:
    stuck = outbox.stuck(tx, now, sending=settings.sends)
    failed = outbox.first_failed(tx) if stuck.failed else None
    overdue = outbox.first_overdue(tx, now) if stuck.overdue else None
    late, since = outbox.due_before(tx, now - LATE) if settings.sends else (0, now)
    if failed:
        text = f"{stuck.failed} could not be sent for good, the first: {failed.error}"
        yield Check("outbox", "wrong", text, command("mailgate outbox show {N}", failed.number))
    if overdue and overdue.tries:
        long = hours(now - overdue.created_at) if overdue.created_at <= now else "too long"
        text = f"{stuck.overdue} wait for {long}, the first: {overdue.error}"
        yield Check("outbox", "wrong", text, command("mailgate outbox show {N}", overdue.number))
    elif late:
        text = f"{late} should have left {hours(now - since)} ago: nobody runs `mailgate work`"
        yield Check("outbox", "wrong", text, command("mailgate work"), TIMER)
    if not (failed or overdue or late):
        yield Check("outbox", "ok", f"{outbox.left(tx)} to send")


def _held(tx: Transaction, now: float) -> Iterator[Check]:
    failed, count, oldest = held.still_open(tx)
    if failed:
        text = f"{failed} could not be judged by a fault of mailgate's own"
        yield Check("held", "wrong", text, command("mailgate held list; journalctl -t mailgate -p err"))
    if oldest is not None and oldest < now - OLD:
        text = f"{count} wait for a person, the oldest for {hours(now - oldest)}"
        yield Check("held", "wrong", text, command("mailgate held list"))
    elif not failed:
        yield Check("held", "ok", f"{count} for a person to look at")


def _clock(tx: Transaction, now: float) -> Check:
    newest, latest = messages.received_last(tx), messages.latest_received(tx)
    if newest is not None and newest > now + SKEW:
        text = f"the clock is behind, or it was ahead: the newest message is of {_moment(newest)}"
        text += f", {hours(newest - now)} from now"
        return Check("clock", "wrong", text, command("timedatectl"), _RIGHT_AGAIN)
    text = _moment(now)
    if latest is not None and latest > now + SKEW:
        text += f"; it was ahead for a while, until {_moment(latest)}: those times count for nothing"
    return Check("clock", "ok", text)


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def hours(seconds: float) -> str:
    """A number of seconds in words, such as `3 hours`."""
    if seconds < 7_200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
