"""Derive exit status, LMTP reply and DSN action from one enhanced status code (RFC 3463).

Only 0 and 75 mean the same to every mail server. Of the permanent exit statuses, mailgate uses 65, 67 and 77; `EXITS`
has them all, and `mailgate deliver` never exits with another.
"""

from mailgate.values.light import NamedTuple

EXITS = (0, 65, 67, 75, 77)
"""sysexits(3): EX_OK, EX_DATAERR, EX_NOUSER, EX_TEMPFAIL, EX_NOPERM."""


class Status(NamedTuple):
    """An enhanced status code (RFC 3463 section 2), and a text of one line without control characters."""

    code: str
    text: str = ""

    @property
    def exit(self) -> int:
        """The exit status (sysexits) for a mail server's pipe."""
        if self.code[0] == "2":
            return 0
        if self.code[0] == "4":
            return 75
        return _REFUSED_EXIT.get(self.code, 77)

    @property
    def line(self) -> str:
        """The line for the mail server: empty on success, else the code and the text, under 500 bytes."""
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


_REFUSED_EXIT = {"5.1.1": 67, "5.1.3": 67, "5.3.4": 65}
_SMTP = {"5.1.3": "501", "5.1.1": "550", "5.3.4": "552", "5.7.1": "550", "5.7.28": "550", "5.2.1": "550"}

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
    """The status of a refusal; `address` is the local address that refuses, already printable."""
    return Status(REFUSED[reason], f"<{address}>: {_TEXT[reason]}" if address else _TEXT[reason])


_TEXT = {
    "no-route": "no such address here",
    "too-large": "message too large",
    "catchall": "this address takes only answers to our mail",
    "policy": "you may not write to this address",
    "rate-limit": "too many messages from you, try again later",
    "blocked": "your mail is not accepted here",
}


def unreadable(text: str) -> Status:
    """The status for a recipient that is not an address (RFC 3463 X.1.3); `text` as it came."""
    return Status("5.1.3", f"{text[:100]!a}: not a mail address")


def temporary(text: str = "temporary failure, the mail stays in your queue", code: str = "4.3.0") -> Status:
    """The status when there is no decision: the mail server keeps the message and tries again."""
    return Status(code, f"mailgate: {text}")


def misconfigured(text: str) -> Status:
    """The status of a faulty configuration (RFC 3463 X.3.5); temporary, so that no mail bounces because of it."""
    return temporary(text, "4.3.5")


def combine(statuses: list[Status]) -> Status:
    """The one status for a call whose recipients were all refused by status.

    Where all have the same exit, that one, else 77. The line is that of the first recipient with this exit.
    """
    exits = {status.exit for status in statuses}
    combined = exits.pop() if len(exits) == 1 else 77
    first = next((status for status in statuses if status.exit == combined), None)
    return first or Status("5.7.1", statuses[0].text)
