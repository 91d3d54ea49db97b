"""An IMAP server of a few lines that tells lies on demand, and a wire between client and server that can be cut."""

import contextlib
import re
import socket
import socketserver
import threading
import time
from collections.abc import Iterator


class Cut(Exception):
    """The server hangs up."""


class FakeImap:
    """One folder of messages by UID; a test changes what it says by replacing its methods."""

    capabilities = "IMAP4rev1 UIDPLUS MOVE"
    drips = False
    """Whether every answer to a search comes octet by octet, without an end."""

    def __init__(self, *messages: bytes) -> None:
        self.mailbox = dict(enumerate(messages, 1))
        self.commands: list[str] = []
        self.moved: list[int] = []
        self.connections = 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.connections += 1
                with contextlib.suppress(OSError, Cut):
                    self.wfile.write(b"* OK ready\r\n")
                    for line in self.rfile:
                        while outer.drips and b" SEARCH" in line:
                            self.wfile.write(b"*")
                            time.sleep(0.05)
                        self.wfile.write(outer.answer(line.decode("utf-8").rstrip("\r\n")))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, line: str) -> bytes:
        """The whole answer to one command."""
        self.commands.append(line)
        tag, _, rest = line.partition(" ")
        name, _, arguments = rest.removeprefix("UID ").partition(" ")
        reply = getattr(self, f"do_{name.lower()}", None)
        if reply is None:
            return f"{tag} BAD unknown\r\n".encode()
        said = reply(arguments)
        if said.startswith((b"NO ", b"BAD ")):
            return f"{tag} ".encode() + said + b"\r\n"
        return bytes(said) + f"{tag} OK done\r\n".encode()

    def do_capability(self, _: str) -> bytes:
        return f"* CAPABILITY {self.capabilities}\r\n".encode()

    def do_noop(self, _: str) -> bytes:
        return b""

    def do_login(self, _: str) -> bytes:
        return b""

    def do_logout(self, _: str) -> bytes:
        return b"* BYE\r\n"

    def do_select(self, _: str) -> bytes:
        return f"* {len(self.mailbox)} EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n".encode()

    do_examine = do_select

    def do_search(self, _: str) -> bytes:
        return f"* SEARCH {' '.join(map(str, self.listed()))}\r\n".encode().replace(b" \r", b"\r")

    def listed(self) -> list[int]:
        """The UIDs that a search finds."""
        return sorted(self.mailbox)

    def do_fetch(self, arguments: str) -> bytes:
        uids, _, items = arguments.partition(" ")
        wanted = [int(each) for each in re.findall(r"\d+", uids)]
        said = b""
        for uid in wanted:
            if uid in self.mailbox:
                if "RFC822.SIZE" in items:
                    said += b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, uid, self.size(uid))
                elif "HEADER" in items:
                    said += self.header(uid)
                else:
                    said += self.body(uid)
        return said

    def size(self, uid: int) -> int:
        """What the server says of the size."""
        return len(self.mailbox[uid])

    def header(self, uid: int) -> bytes:
        """The answer with a header."""
        return literal(uid, "BODY[HEADER]", self.mailbox[uid].partition(b"\n\n")[0] + b"\n\n")

    def body(self, uid: int) -> bytes:
        """The answer with a whole message."""
        return literal(uid, "BODY[]", self.mailbox[uid])

    def do_store(self, _: str) -> bytes:
        return b""

    def do_move(self, arguments: str) -> bytes:
        self.moved += [int(each) for each in re.findall(r"\d+", arguments.partition(" ")[0])]
        for each in self.moved:
            self.mailbox.pop(each, None)
        return b""

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def literal(uid: int, item: str, octets: bytes) -> bytes:
    """A FETCH answer with one literal (RFC 3501 section 4.3)."""
    return b"* %d FETCH (UID %d %s {%d}\r\n" % (uid, uid, item.encode(), len(octets)) + octets + b")\r\n"


class Wire:
    """A TCP proxy that counts the lines a client sends, and cuts once, after a number of them.

    `before`: the command is cut off before the server gets it, else its answer is swallowed.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.cut_after: int | None = None
        self.before = False
        self.lines = 0
        self.cuts = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def arm(self, cut_after: int | None, *, before: bool) -> None:
        """Count from the beginning, and cut after so many lines."""
        with self._lock:
            self.lines, self.cut_after, self.before = 0, cut_after, before

    def _serve(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self.target)) as server:
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            dead = threading.Event()
            back = threading.Thread(target=self._back, args=(server, client, dead), daemon=True)
            back.start()
            for line in client.makefile("rb"):
                with self._lock:
                    self.lines += 1
                    now = self.cut_after is not None and self.lines == self.cut_after
                    if now:
                        self.cuts += 1
                if now and self.before:
                    break
                if now:
                    dead.set()
                server.sendall(line)
                if now:
                    server.shutdown(socket.SHUT_WR)
                    back.join(5)
                    break
            client.shutdown(socket.SHUT_RDWR)

    def _back(self, server: socket.socket, client: socket.socket, dead: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if dead.is_set():
                    client.sendall(data[: len(data) // 2])
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End it."""
        self._listener.close()


@contextlib.contextmanager
def closing(thing: "FakeImap | Wire") -> Iterator[None]:
    """End it at the end of the block."""
    try:
        yield
    finally:
        thing.close()
