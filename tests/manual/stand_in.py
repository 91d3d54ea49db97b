"""The program as the pages call it: what they name elsewhere, a host, a secret, a provider, is here.

Run in place of `mailgate`, with $EXAMPLE: {"imap": port, "login": [option, ...], "secret": file}.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from mailgate.__main__ import main

CHECKS = ("doctor", "setup")
"""Commands that exit with 4 where no mail server is."""


def translated(words: list[str]) -> list[str]:
    """The arguments of a page, for a machine without its mailboxes and providers."""
    example = json.loads(os.environ["EXAMPLE"])
    if words[:1] == ["init"]:  # the account is not for a test
        words = [*words, "--user", "root", "--db", "mailgate.db"]
    if "--host" in words and words[0] == "server":
        at = words.index("--host") + 1
        words = [*words[:at], "127.0.0.1", "--port", str(example["imap"]), "--security", "none", *words[at + 1 :]]
    if "--login" in words:
        at = words.index("--login")
        words = [*words[:at], *example["login"], "--client-secret-file", example["secret"]]
    return [example["secret"] if word.startswith("/etc/mailgate/") else word for word in words]


def stop_when_it_listens(place: str) -> None:
    """End this process as a supervisor does, once somebody could connect."""
    kind, _, address = place.rpartition(":")
    for _ in range(600):
        with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as client:
            if not client.connect_ex(address if kind == "unix" else (kind, int(address))):
                break
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    arguments = translated(sys.argv[1:])
    if arguments[:1] == ["lmtp"]:
        threading.Thread(target=stop_when_it_listens, args=arguments[-1:], daemon=True).start()
    if arguments[:1] == ["serve"]:
        file = Path(os.environ["MAILGATE_CONFIG"])
        file.write_text(file.read_text() + '[serve]\nlmtp = "unix:served.sock"\n')
        threading.Thread(target=stop_when_it_listens, args=("unix:served.sock",), daemon=True).start()
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        if arguments[0] == "init":  # nothing is sent
            file = Path(os.environ["MAILGATE_CONFIG"])
            file.write_text(file.read_text().replace('method = "sendmail"', 'method = "none"'))
        if end.code != 4 or arguments[0] not in CHECKS:
            raise
