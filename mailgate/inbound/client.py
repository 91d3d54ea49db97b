"""Hand a message over to `mailgate serve`; where nobody takes it, become `mailgate deliver`, which does the same work.

usage: python -I -S client.py SOCKET [ARGUMENT of `mailgate deliver` ...]   < message

A process is made for each message, so this file stands alone: it imports nothing that has to be looked for. It passes
its arguments, what the mail server says in the environment, and standard input itself, which the server reads. The
answer is one packet, an exit status and a line for the mail server.
"""

import posix
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socket

_NAMES = (
    *(b"SENDER", b"RECIPIENT", b"ORIGINAL_RECIPIENT"),
    *(b"LOCAL_PART", b"LOCAL_PART_PREFIX", b"LOCAL_PART_SUFFIX", b"DOMAIN"),
)
"""What mail servers say in the environment: the ENVIRONMENT of mailgate.mail.envelope."""
_CONNECTING = 5.0
"""Seconds until the server is taken for absent."""
_WAITING = 30.0
"""Seconds until the answer counts as lost."""


def _hand_over(path: str, arguments: list[str]) -> bytes:
    """The server's answer; `-` where there is none and nobody has read anything."""
    environ = [name + b"=" + posix.environ[name] for name in _NAMES if name in posix.environ]
    words = [argument.encode("utf-8", "surrogateescape") for argument in arguments]
    packet = b"\0".join([b"deliver", b"%d" % len(words), *words, *environ])
    try:
        connection = socket(AF_UNIX, SOCK_SEQPACKET)
        connection.settimeout(_CONNECTING)
        connection.connect(path)
        connection.settimeout(_WAITING)
        connection.sendmsg([packet], [(SOL_SOCKET, SCM_RIGHTS, (0).to_bytes(4, sys.byteorder))])
    except OSError:
        return b"-"
    try:
        return connection.recv(1024)
    except OSError:
        return b""


def _main(path: str, *arguments: str) -> None:
    answer = _hand_over(path, list(arguments))
    if answer == b"-":
        posix.execv(sys.executable, [sys.executable, "-I", "-m", "mailgate", "deliver", *arguments])
    code, _, line = (answer or b"75 4.3.0 mailgate: the server gave no answer, try again").partition(b" ")
    if line:
        posix.write(1, line + b"\n")
    posix._exit(int(code))


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    finally:
        posix._exit(75)
