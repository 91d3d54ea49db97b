"""A private Dovecot on loopback: IMAP and POP3, with TLS from an authority of its own, and mailboxes in Maildir."""

import contextlib
import http.server
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

PASSWORD = "geheim, naturally"
BARE = "127.0.0.2"
"""Who connects here finds a server without MOVE and UIDPLUS."""
_CONFIGURATION = """\
protocols = imap pop3
listen = 127.0.0.1, 127.0.0.2
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = mailgate-tests-{process}
log_path = {folder}/log
default_internal_user = dovecot
default_login_user = dovenull
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_fsync = never
mail_plugins = acl quota
mail_max_userip_connections = 100
first_valid_uid = 1
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = username_format=%u {folder}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
namespace inbox {{
  inbox = yes
}}
namespace full {{
  prefix = Full.
  location = maildir:~/Full
  list = yes
}}
plugin {{
  acl = vfile:{folder}/acl
  quota = maildir:User quota:ns=
  quota2 = maildir:No room at all:ns=Full.
  quota2_rule = *:storage=1K
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap {{
  service_count = 1000
}}
service pop3 {{
  service_count = 1000
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    port = {pop}
  }}
  inet_listener pop3s {{
    port = {pops}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
local 127.0.0.2 {{
  protocol imap {{
    imap_capability = IMAP4rev1 SASL-IR LITERAL+ NAMESPACE AUTH=PLAIN
  }}
}}
"""


def missing() -> str | None:
    """Why there can be no Dovecot here, or None."""
    if os.geteuid() != 0:
        return "not root: Dovecot's processes change their user"
    for needed in ("/usr/sbin/dovecot", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/pop3"):
        if not os.path.exists(needed):
            return f"no {needed} (Debian's packages dovecot-imapd and dovecot-pop3d)"
    return None if shutil.which("openssl") else "no openssl"


class Dovecot:
    """A running server. `users` are made by `user`; mail is put into their Maildir as a delivery agent does."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mailgate-dovecot-"))
        self.folder.chmod(0o755)
        self.imap, self.imaps, self.pop, self.pops = _free_ports(4)
        self.owner = pwd.getpwnam("nobody")
        self.ca = self.folder / "ca.pem"
        self._users = 0
        self._delivered = 0
        self.tokens = Tokens()
        (self.folder / "acl").write_text("Locked owner lr\n")
        # All users there will ever be: the server looks for new ones once a second at most.
        lines = (self._line(f"user{number}@box.example") for number in range(1, 1001))
        (self.folder / "users").write_text("".join(lines))
        (self.folder / "oauth2").write_text(
            f"introspection_url = http://127.0.0.1:{self.tokens.port}/?token=\nintrospection_mode = get\n"
            "username_attribute = email\nactive_attribute = active\nactive_value = yes\n"
        )
        self.configuration = self.folder / "dovecot.conf"
        self.configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                process=os.getpid(),
                imap=self.imap,
                imaps=self.imaps,
                pop=self.pop,
                pops=self.pops,
            )
        )
        certify(self.folder)
        self.start()

    def _line(self, name: str) -> str:
        home = self.folder / "mail" / name
        return f"{name}:{{PLAIN}}{PASSWORD}:{self.owner.pw_uid}:{self.owner.pw_gid}::{home}::\n"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        said = self.folder / "said"  # no pipe: the server would hold it open
        with said.open("w") as file:
            done = subprocess.run(["dovecot", "-c", self.configuration], env=clean, stdout=file, stderr=file)
        assert done.returncode == 0, said.read_text()
        for port in (self.imap, self.pop):
            end = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 5).close()
                    break
                assert time.monotonic() < end, (self.folder / "log").read_text()
                time.sleep(0.02)

    def master(self) -> int:
        """The process that all others belong to."""
        return int((self.folder / "run" / "master.pid").read_text())

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, and wait for the end."""
        with contextlib.suppress(OSError, ValueError):
            process = self.master()
            os.kill(process, number)
            end = time.monotonic() + 20
            while _alive(process) and time.monotonic() < end:
                time.sleep(0.02)

    def kill_sessions(self) -> int:
        """Kill every process that serves a mailbox right now; how many there were."""
        master, killed = self.master(), 0
        for each in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == master and (each / "comm").read_text().strip() in ("imap", "pop3"):
                    os.kill(int(each.name), signal.SIGKILL)
                    killed += 1
        return killed

    def close(self) -> None:
        """End it and take its files away."""
        self.stop()
        self.tokens.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def user(self) -> "Account":
        """A new user with an empty mailbox."""
        self._users += 1
        name = f"user{self._users}@box.example"
        account = Account(self, name, self.folder / "mail" / name)
        account.make("")
        return account


class Account:
    """One user and his mailbox, looked at from below."""

    def __init__(self, server: Dovecot, name: str, home: Path) -> None:
        self.server, self.name, self.home = server, name, home
        self._count = 0

    def make(self, folder: str) -> Path:
        """A folder, INBOX is `""`; its place."""
        base = self.home / "Maildir"
        place = base / f".{folder}" if folder else base
        for each in (place / "new", place / "cur", place / "tmp"):
            each.mkdir(parents=True, exist_ok=True)
        for each in (*self.home.parents, self.home, base, place, *place.iterdir()):
            if self.server.folder in each.parents:
                shutil.chown(each, self.server.owner.pw_uid, self.server.owner.pw_gid)
        return place

    def deliver(self, *messages: bytes, folder: str = "") -> None:
        """Put messages into a folder, in this order."""
        place = self.make(folder)
        for each in messages:
            self._count += 1
            name = f"{1_700_000_000 + self._count}.M{self._count:06}.test"
            path = place / "tmp" / name
            path.write_bytes(each)
            shutil.chown(path, self.server.owner.pw_uid, self.server.owner.pw_gid)
            path.rename(place / "new" / name)

    def files(self, folder: str = "") -> dict[str, str]:
        """Message file -> its flags (`S` seen, `T` deleted), by the name it was delivered with."""
        place = self.home / "Maildir" / (f".{folder}" if folder else "")
        found = {}
        for each in (*place.glob("new/*"), *place.glob("cur/*")):
            name, _, flags = each.name.partition(":2,")
            found[name.partition(",")[0]] = flags
        return dict(sorted(found.items()))

    def messages(self, folder: str = "") -> list[bytes]:
        """The bytes of what is in a folder."""
        place = self.home / "Maildir" / (f".{folder}" if folder else "")
        return [each.read_bytes() for each in sorted((*place.glob("new/*"), *place.glob("cur/*")))]

    def forget_uids(self, folder: str = "") -> None:
        """Make the server number a folder afresh, under another UIDVALIDITY."""
        place = self.home / "Maildir" / (f".{folder}" if folder else "")
        for each in place.glob("dovecot*"):
            each.unlink()
        (place / "dovecot-uidlist").write_text("3 V4242 N1 G0123456789abcdef0123456789abcdef\n")
        shutil.chown(place / "dovecot-uidlist", self.server.owner.pw_uid, self.server.owner.pw_gid)


class Tokens:
    """An OAuth2 server that knows access tokens and whose they are."""

    def __init__(self) -> None:
        self.valid: dict[str, str] = {}
        valid = self.valid

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                (token,) = parse_qs(urlsplit(self.path).query).get("token", [""])
                known = {"active": "yes", "email": valid[token]} if token in valid else {"active": "no"}
                body = json.dumps(known).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *values: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def certify(folder: Path) -> None:
    """An authority in ca.pem, and a certificate of its for localhost in server.pem, the key in server.key."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-days", "30", "-subj", "/CN=Tests", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30"),
        *("-CAcreateserial", "-extfile", "names", "-out", "server.pem"),
    )
    (folder / "server.key").chmod(0o600)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def running() -> Iterator[Dovecot]:
    """A server for as long as the block runs."""
    server = Dovecot()
    try:
        yield server
    finally:
        server.close()


def together(messages: Iterable[bytes]) -> list[bytes]:
    """Messages with the line ends that travel."""
    return [each.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for each in messages]
