"""Name every outcome as an RFC 3463 code; exit status, LMTP reply and DSN action follow from it.

One datum, everything else derived. Only 0 and 75 mean the same to every mail server, and of the permanent ones only
65, 67 and 77 are ever used: `EXITS` is the whole table, and nothing else may leave the pipe.
"""

from typing import NamedTuple

EXITS = (0, 65, 67, 75, 77)
"""sysexits(3): EX_OK, EX_DATAERR, EX_NOUSER, EX_TEMPFAIL, EX_NOPERM."""


class Status(NamedTuple):
    """An enhanced status code (RFC 3463 section 2) and a text of one line without control characters."""

    code: str
    text: str = ""

    @property
    def exit(self) -> int:
        """The exit status a mail server's pipe gets."""
        if self.code[0] == "2":
            return 0
        if self.code[0] == "4":
            return 75
        return _REFUSED_EXIT.get(self.code, 77)

    @property
    def line(self) -> str:
        """What the mail server gets to read: nothing on success, else one line under 500 bytes, the code in front."""
        if self.code[0] == "2":
            return ""
        line = f"{self.code} {self.text}".encode("utf-8", "replace")[:480]
        return line.decode("utf-8", "ignore")

    @property
    def smtp(self) -> str:
        """The LMTP or SMTP reply (RFC 2034): basic code, enhanced code, text."""
        basic = _SMTP.get(self.code) or {"2": "250", "4": "451", "5": "554"}[self.code[0]]
        return f"{basic} {self.code} {self.text or 'ok'}"

    @property
    def action(self) -> str:
        """The DSN action field (RFC 3464 section 2.3.3)."""
        return {"2": "delivered", "4": "delayed", "5": "failed"}[self.code[0]]


_REFUSED_EXIT = {"5.1.1": 67, "5.3.4": 65}
_SMTP = {"5.1.1": "550", "5.3.4": "552", "5.7.1": "550", "5.7.28": "550", "5.2.1": "550"}

OK = Status("2.0.0")

REFUSED = {
    "no-route": "5.1.1",
    "too-large": "5.3.4",
    "catchall": "5.2.1",
    "policy": "5.7.1",
    "rate-limit": "5.7.28",
    "blocked": "5.7.1",
}
"""Refusal reason -> status code."""


def refused(reason: str, address: str) -> Status:
    """The status of a refusal; `address` is the own address meant, already printable."""
    return Status(REFUSED[reason], f"<{address}>: {_TEXT[reason]}" if address else _TEXT[reason])


_TEXT = {
    "no-route": "no such address here",
    "too-large": "message too large",
    "catchall": "this address takes only answers to our mail",
    "policy": "you may not write to this address",
    "rate-limit": "too many messages from you, try again later",
    "blocked": "your mail is not accepted here",
}


def temporary(text: str = "temporary failure, the mail stays in your queue", code: str = "4.3.0") -> Status:
    """Not a decision: the mail server keeps the mail and tries again."""
    return Status(code, f"mailgate: {text}")


def misconfigured(text: str) -> Status:
    """A fault in our own set-up (RFC 3463 X.3.5); temporary, so that it bounces nobody's mail."""
    return temporary(text, "4.3.5")


def combine(statuses: list[Status]) -> Status:
    """The one status of a call with several recipients that were all refused by status.

    67 if all are 67, 65 alone, else 77; the line is that of the first refused recipient whose exit is returned.
    """
    exits = {status.exit for status in statuses}
    wanted = exits.pop() if len(exits) == 1 else 77
    return (
        next(status for status in statuses if status.exit == wanted)
        if wanted != 77 or any(status.exit == 77 for status in statuses)
        else Status("5.7.1", statuses[0].text)
    )
