"""Hand one message to a mail server: to its sendmail program, or over SMTP.

Both ways give the same three verdicts, and raise nothing for what a mail server can do.
"""

import os
import re
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol

from mailgate.settings.config import Submit
from mailgate.values import charset

if TYPE_CHECKING:
    import smtplib

PROGRAM_TIME = 60.0
"""Seconds for the sendmail program."""
REPLY_TIME = 30.0
"""Seconds for one reply of an SMTP server; RFC 5321 section 4.5.3.2 is more patient, but this server is next door."""
_ERROR_LIMIT = 500
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Result(NamedTuple):
    """verdict: sent, later or never. `down`: the server itself fails, so the next message would fail too."""

    verdict: str
    error: str = ""
    down: bool = False


class Way(Protocol):
    """A way to a mail server."""

    def submit(self, reverse_path: str | None, recipient: str, octets: bytes) -> Result:
        """Hand over one message for one recipient; `reverse_path` None: `<>`."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def way(settings: Submit) -> Way:
    """The way that the configuration names, nothing opened yet."""
    if settings.method == "smtp":
        return Smtp(settings.host, settings.port)
    return Sendmail(settings.sendmail)


class Sendmail:
    """The program that every mail server installs: recipients as arguments, the message with LF line ends on stdin."""

    def __init__(self, program: str, limit: float = PROGRAM_TIME) -> None:
        self.program = program
        self.limit = limit

    def submit(self, reverse_path: str | None, recipient: str, octets: bytes) -> Result:
        """Run it without a shell. `-i`: a line with a single dot ends nothing; `--`: what follows is not an option."""
        command = [self.program, "-i", "-f", reverse_path or "<>", "--", recipient]
        result: Result | None = None
        # Files rather than pipes: a server that delivers in the background may hold its output open for long.
        try:
            with tempfile.TemporaryFile() as message, tempfile.TemporaryFile() as output:
                message.write(_LINE_END.sub(b"\n", octets))
                message.seek(0)
                result = self._run([word.encode("utf-8", "surrogateescape") for word in command], message, output)
        except OSError as error:  # of a file: it changes nothing about a message that was taken
            return result or Result("later", _error(f"temporary file: {error.strerror}"), down=True)
        return result

    def _run(self, command: list[bytes], message: IO[bytes], output: IO[bytes]) -> Result:
        try:
            process = subprocess.Popen(  # noqa: S603 - a fixed list of arguments, and no shell
                command, stdin=message, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            return Result("later", _error(f"{self.program}: {error.strerror}"), down=True)
        try:
            status = process.wait(self.limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return Result("later", _error(f"{self.program}: no end after {self.limit:.0f} s"), down=True)
        if status == 0:
            return Result("sent")
        output.seek(0)
        printed = output.read(4 * _ERROR_LIMIT)
        how = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
        return Result("later", _error(f"{self.program}: {how}: {charset.decode(printed, None)}"))

    def close(self) -> None:
        """Nothing is open between two messages."""


class Smtp:
    """An SMTP server (RFC 5321), with one connection for as many messages as it takes."""

    def __init__(self, host: str, port: int, limit: float = REPLY_TIME) -> None:
        self.name = f"{host}:{port}"
        self.host, self.port, self.limit = host, port, limit
        self._session: smtplib.SMTP | None = None

    def submit(self, reverse_path: str | None, recipient: str, octets: bytes) -> Result:
        """One transaction, on a connection that is known to work."""
        import smtplib

        try:
            result = self._transaction(self._connected(), reverse_path or "", recipient, octets)
        except (OSError, smtplib.SMTPException) as error:
            result = self._result("later", _words(error), down=True)
        if result.down:
            self._hang_up()
        return result

    def _connected(self) -> "smtplib.SMTP":
        import smtplib

        if self._session:
            try:
                if self._session.rset()[0] == 250:
                    return self._session
            except (OSError, smtplib.SMTPException):
                pass  # servers end an idle connection, or one after so many messages
            self._hang_up()
        self._session = smtplib.SMTP(self.host, self.port, timeout=self.limit)
        self._session.ehlo_or_helo_if_needed()
        return self._session

    def _transaction(self, session: "smtplib.SMTP", reverse_path: str, recipient: str, octets: bytes) -> Result:
        import smtplib

        body = _LINE_END.sub(b"\r\n", octets)
        foreign = not f"{reverse_path}{recipient}".isascii()
        utf8 = foreign or not body.partition(b"\r\n\r\n")[0].isascii()
        if foreign and not session.has_extn("smtputf8"):
            return self._result("never", f"<{recipient}> needs SMTPUTF8 (RFC 6531), which this server does not offer")
        options = " BODY=8BITMIME" if not body.isascii() and session.has_extn("8bitmime") else ""
        options += " SMTPUTF8" if utf8 and session.has_extn("smtputf8") else ""
        # Not session.mail() and session.rcpt(): they guess at addresses, and quoted local parts come out changed.
        session.command_encoding = "utf-8" if utf8 else "ascii"
        code, reply = session.docmd("MAIL", f"FROM:<{reverse_path}>{options}")
        if code // 100 != 2:  # not about the recipient, so never for good
            return self._replied("MAIL", min(code, 499), code, reply)
        code, reply = session.docmd("RCPT", f"TO:<{recipient}>")
        if code // 100 != 2:
            return self._replied("RCPT", code, code, reply)
        try:
            code, reply = session.data(body)
        except smtplib.SMTPDataError as error:
            code, reply = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""
        return Result("sent") if code // 100 == 2 else self._replied("DATA", code, code, reply)

    def _replied(self, command: str, weight: int, code: int, reply: bytes) -> Result:
        verdict = "never" if 500 <= weight < 600 else "later"
        return self._result(verdict, f"{command}: {code} {charset.decode(reply, None)}", down=code == 421)

    def _result(self, verdict: str, text: str, down: bool = False) -> Result:
        return Result(verdict, _error(f"{self.name}: {text}"), down)

    def close(self) -> None:
        """Quit; the answer of the server does not matter."""
        import smtplib

        if self._session:
            with suppress(OSError, smtplib.SMTPException):
                self._session.quit()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._session:
            self._session.close()
        self._session = None


def _words(error: Exception) -> str:
    code, reply = getattr(error, "smtp_code", None), getattr(error, "smtp_error", b"")
    if code is not None:
        return f"{code} {charset.decode(reply, None) if isinstance(reply, bytes) else reply}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _error(text: str) -> str:
    return charset.printable(charset.line(text))[:_ERROR_LIMIT]
