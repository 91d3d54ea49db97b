"""Servers that say what is not so, that break, or that never come to an end: each with its stated outcome."""

import contextlib
import resource
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.gateway import log, receive
from mailgate.inbound import connection, fetch, mailbox, pop
from mailgate.inbound.fetch import RunResult
from mailgate.inbound.progress import FetchTally
from mailgate.routing.judgement import Judgement
from mailgate.settings import config
from mailgate.store import collected, database, servers
from mailgate.values.server import Secret, Server

from .conftest import Collector, mail
from .dovecot import Account
from .fake import Cut, FakeImap, literal

NOW = 1_700_000_000.0


class Box:
    """A fake server with some messages, and a collector that collects from it in this process."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.fake = FakeImap(*(mail(number) for number in range(1, 6)))
        self.settings = config.load(str(collector.config), None, {})
        self.now = NOW
        with collector.store.write() as tx:
            secret = Secret("password-file", str(collector.secret))
            blank = Server("box", "imap", "127.0.0.1", self.fake.port, "bob", secret, "none")
            self.server = servers.add(tx, blank)

    def set(self, **changes: object) -> None:
        """Change the server's row."""
        with self.collector.store.write() as tx:
            self.server = servers.save(tx, self.server._replace(**changes))

    def run(self) -> RunResult:
        """Fetch once, an hour later."""
        self.now += 3600
        return fetch.run(self.collector.store, self.settings, self.server, clock=lambda: self.now)

    def failed(self) -> list[str]:
        """What could not be collected, and why."""
        with self.collector.store.read() as tx:
            return [f"{each.id}: {each.error}" for each in collected.failed(tx, self.server.number)]


@pytest.fixture
def box(collector: Collector) -> Iterator[Box]:
    found = Box(collector)
    yield found
    found.fake.close()


def test_the_fake_server_delivers_when_it_tells_the_truth(box: Box) -> None:
    assert box.run().tally.created == 5
    assert box.run().tally.fetched == 0


def test_a_listed_message_that_does_not_exist_stops_no_other(box: Box) -> None:
    box.fake.listed = lambda: [1, 2, 3, 4, 5, 77]
    result = box.run()
    assert (result.state, result.tally.created, result.tally.left) == ("ok", 5, 1)
    assert box.run().tally.left == 1
    assert box.run().tally == FetchTally(fetched=1, failed=1)
    assert box.failed() == ["77: could not be collected in 3 attempts: the server lists it, but does not give it"]
    assert box.run().tally == FetchTally()


def test_a_message_that_was_not_listed_is_collected_later(box: Box) -> None:
    box.fake.listed = lambda: [1, 3, 5]
    assert box.run().tally.created == 3
    box.fake.listed = lambda: [2]
    assert box.run().tally.created == 1
    box.fake.listed = lambda: [1, 2, 3, 4, 5]
    assert box.run().tally == FetchTally(fetched=4, created=1, ignored=3)
    assert len(box.collector.raws()) == 5


def test_a_message_expunged_during_collection_stops_no_other(box: Box) -> None:
    lists = iter([[1, 2, 3, 4, 5], [1, 2, 4, 5]])
    box.fake.listed = lambda: next(lists)
    del box.fake.mailbox[3]
    assert box.run() == RunResult(box.server, "ok", FetchTally(fetched=4, created=4))
    assert box.failed() == []


@pytest.mark.parametrize("nothing", [b"NIL", b'""', b"{0}\r\n"])
def test_an_empty_message_is_held(box: Box, nothing: bytes) -> None:
    body = box.fake.body
    box.fake.body = lambda uid: b"* 3 FETCH (UID 3 BODY[] %s)\r\n" % nothing if uid == 3 else body(uid)
    assert [box.run().tally[:2] for _ in range(4)] == [(4, 4), (0, 0), (1, 0), (0, 0)]
    assert box.collector.held() == ["failed"]
    assert b"Subject: Hello 3" in box.collector.raws()[-1], "its header is kept"
    assert box.failed() == ["3: could not be collected in 3 attempts: the server gives nothing of it; mailgate 0.1.0"]


def test_a_fetch_answer_without_a_body_stops_no_other_message(box: Box) -> None:
    body = box.fake.body
    box.fake.body = lambda uid: b"* 3 FETCH (UID 3 BODY[] {900}\r\n)\r\n" if uid == 3 else body(uid)
    mailbox_read = mailbox.READ_TIME
    mailbox.READ_TIME = 1.0
    try:
        tallies = [box.run().tally for _ in range(4)]
    finally:
        mailbox.READ_TIME = mailbox_read
    assert [each.created for each in tallies] == [4, 0, 0, 0]
    assert sum(each.failed for each in tallies) == 1
    assert box.collector.held() == ["failed"]


def test_a_nul_in_a_message_is_kept(box: Box) -> None:
    odd = mail(3, body="a\0b\n")
    box.fake.mailbox[3] = odd
    assert box.run().tally.created == 5
    assert odd in box.collector.raws()


def test_a_literal_beyond_all_bounds_is_not_read(box: Box) -> None:
    body = box.fake.body
    huge = b"* 3 FETCH (UID 3 BODY[] {2000000000}\r\n"
    box.fake.body = lambda uid: huge if uid == 3 else body(uid)
    tallies = [box.run().tally for _ in range(4)]
    assert [each.created for each in tallies] == [4, 0, 0, 0]
    assert sum(each.failed for each in tallies) == 1
    assert box.collector.held() == ["failed"]


@pytest.mark.parametrize("poison", [1, 3, 5])
def test_a_message_at_which_the_server_dies_stops_no_other(box: Box, poison: int) -> None:
    def body(uid: int) -> bytes:
        if uid == poison:
            raise Cut
        return literal(uid, "BODY[]", box.fake.mailbox[uid])

    box.fake.body = body
    box.set(done="move:Done", failed="move:Bad")
    results = [box.run() for _ in range(4)]
    assert [each.tally.created for each in results] == [4, 0, 0, 0]
    assert sum(each.tally.failed for each in results) == 1
    assert results[0].state == "ok"
    assert box.collector.held() == ["failed"]
    assert sorted(box.fake.moved) == [1, 2, 3, 4, 5]
    assert box.run().tally == FetchTally()


def test_a_message_that_the_server_refuses(box: Box) -> None:
    fetched = box.fake.do_fetch

    def refuse(arguments: str) -> bytes:
        uids = [int(each) for each in arguments.partition(" ")[0].split(",")]
        return b"NO it is broken" if 3 in uids and "BODY.PEEK[]" in arguments else fetched(arguments)

    box.fake.do_fetch = refuse
    assert [box.run().tally.created for _ in range(3)] == [4, 0, 0]
    assert box.collector.held() == ["failed"]
    box.fake.do_fetch = fetched
    with box.collector.store.write() as tx:
        assert collected.again(tx, box.server.number) == 1
    assert box.run().tally.created == 1


def test_a_server_that_breaks_at_every_message_blames_none(box: Box) -> None:
    def body(uid: int) -> bytes:
        raise Cut

    whole = box.fake.body
    box.fake.body = body
    for _ in range(6):
        result = box.run()
        assert (result.state, result.tally.fetched) == ("failed", 0)
        assert "the connection broke" in result.error
    box.fake.body = whole
    assert box.run().tally.created == 5
    assert box.collector.held() == []


def test_unsolicited_answers_do_no_harm(box: Box) -> None:
    body = box.fake.body
    chatter = b"* 2 FETCH (FLAGS (\\Seen))\r\n* 9 FETCH (UID 99 FLAGS ())\r\n* 4 EXPUNGE\r\n* OK still here\r\n"
    box.fake.body = lambda uid: chatter + body(uid) + chatter
    assert box.run().tally == FetchTally(fetched=5, created=5)


def test_an_answer_that_breaks_the_protocol_is_an_error_of_the_server(box: Box) -> None:
    box.fake.do_fetch = lambda arguments: b"* 1 FETCH (((\r\n"
    result = box.run()
    assert (result.state, result.tally.fetched) == ("failed", 0)
    assert "the connection broke" in result.error


def test_an_answer_of_lines_without_an_end_is_not_kept(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "LISTING", 1 << 20)
    search = box.fake.do_search
    box.fake.do_search = lambda arguments: b"* OK x\r\n" * 20_000
    assert "an answer without an end" in box.run().error
    box.fake.do_search = lambda arguments: b"* OK x\r\n" * 5_000 + search(arguments)
    assert box.run().tally.fetched == 5


@pytest.mark.parametrize(("lines", "fits"), [(1_000, True), (1_000_000, False)])
def test_a_list_of_a_pop_server_has_a_size(lines: int, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless UIDL occupied 435 MB: each of its short lines costs twenty times its octets."""
    monkeypatch.setattr(mailbox, "LISTING", 1 << 20)
    sent = [0]

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"+OK ready\r\n")
            self.rfile.readline()
            self.wfile.write(b"+OK\r\n")
            with contextlib.suppress(OSError):
                for number in range(0, lines, 1000):
                    self.wfile.write(b"".join(b"%d x\r\n" % (number + each) for each in range(1000)))
                    sent[0] = number
                self.wfile.write(b".\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        session = pop.Pop(pop._Bounded("127.0.0.1", server.server_address[1], timeout=20), 50 << 20)
        if fits:
            session.open("INBOX", change=False)
            assert len(session.listing()) == lines
        else:
            with pytest.raises(mailbox.ConnectionLost, match="longer than announced"):
                session.open("INBOX", change=False)
        session.client.close()
        server.shutdown()
    assert sent[0] < 500_000


def test_a_server_that_falls_silent_is_given_up(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(mailbox, "READ_TIME", 0.3)
    quiet = threading.Event()
    box.fake.do_search = lambda _: b"" * quiet.wait(20)
    assert "timed out" in box.run().error
    quiet.set()


def test_a_server_that_never_stops_sending_is_given_up(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "COMMAND_TIME", 0.5)
    monkeypatch.setattr(mailbox, "READ_TIME", 20.0)
    box.fake.drips = True
    assert "no end after" in box.run().error


def test_a_message_that_cannot_be_moved_is_moved_by_the_next_run(box: Box) -> None:
    box.fake.do_move = lambda _: b"NO [OVERQUOTA] full"
    box.set(done="move:Done")
    result = box.run()
    assert (result.state, result.tally.created) == ("ok", 5)
    assert result.warning.startswith("INBOX: collected, but not moved: ")
    assert sum("MOVE" in each for each in box.fake.commands) == 1, "one no is enough for one run"
    del box.fake.do_move
    assert box.run() == RunResult(box.server, "ok")
    assert sorted(box.fake.moved) == [1, 2, 3, 4, 5]


def test_a_process_whose_lease_ran_out_stops(box: Box) -> None:
    body = box.fake.body

    def late(uid: int) -> bytes:
        other = database.open_existing(box.collector.path)
        with other.write() as tx:
            tx.execute("UPDATE server SET holder = 'other 1 1', lease_until = 9e9")
        other.close()
        return body(uid)

    box.fake.body = late
    assert box.run().state == "busy"
    assert box.collector.raws() == []
    assert box.collector.rows("SELECT holder FROM server") == [("other 1 1",)]


def test_a_message_that_kills_the_program_is_given_up(box: Box) -> None:
    class Death(BaseException):
        pass

    def dying(server: Server, settings: config.Config, opened: database.Store) -> mailbox.Session:
        session = connection.connect(server, settings, opened)
        whole = session.messages

        def messages(ids: list[str], octets: int) -> dict[str, bytes]:
            if "2" in ids:
                raise Death
            return whole(ids, octets)

        session.messages = messages
        return session

    results = []
    for _ in range(6):
        box.now += 3600
        try:
            results.append(
                fetch.run(box.collector.store, box.settings, box.server, connect=dying, clock=lambda: box.now)
            )
        except Death:
            with box.collector.store.write() as tx:  # a process that died gives no lease back
                tx.execute("UPDATE server SET holder = 'elsewhere 1 1', lease_until = 0")
    assert [each.tally.failed for each in results if each.tally.failed] == [1]
    assert sorted(box.collector.subjects()) == ["Hello 1", "Hello 3", "Hello 4", "Hello 5"]
    assert box.collector.held() == ["failed"]


def test_a_person_may_read_and_expunge_during_collection(collector: Collector, account: Account) -> None:
    """On a real server: one message is read, one goes, between our listing and our fetching."""
    import imaplib

    from .dovecot import PASSWORD

    account.deliver(*(mail(number) for number in range(1, 6)))
    collector.add("box", "imap", account, "--done", "move:Done")
    with collector.store.read() as tx:
        server = servers.get(tx, "box")

    def connect(server: Server, settings: config.Config, opened: database.Store) -> mailbox.Session:
        session = connection.connect(server, settings, opened)
        sizes = session.sizes

        def person(ids: list[str]) -> dict[str, int]:
            found = sizes(ids)
            with imaplib.IMAP4("localhost", account.server.imap) as other:
                other.login(account.name, PASSWORD)
                other.select("INBOX")
                other.uid("STORE", "2", "+FLAGS", r"(\Seen)")
                other.uid("STORE", "3", "+FLAGS", r"(\Deleted)")
                other.expunge()
            return found

        session.sizes = person
        return session

    settings = config.load(str(collector.config), None, {})
    result = fetch.run(collector.store, settings, server, connect=connect)
    assert result == RunResult(server, "ok", FetchTally(fetched=4, created=4))
    assert list(account.files("Done").values()) == ["", "S", "", ""]
    assert account.files() == {}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_password_file_that_others_can_read_is_refused(box: Box, mode: int) -> None:
    box.collector.secret.chmod(mode)
    result = box.run()
    assert result.error == f"the password file {box.collector.secret} is open to others (mode {mode:o})"
    assert result.problem
    assert result.problem.hints == (f"chmod 600 {box.collector.secret}",)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("false", "`false` failed with exit status 1"),
        ("/nonexistent", "cannot run `/nonexistent`: No such file or directory"),
        ("true", "`true` has no secret: its first line is empty"),
        ("echo 'half", "`echo 'half` is not a command line"),
        ("echo $HOME; echo", "127.0.0.1:{port} does not let `bob` in"),  # no shell
    ],
)
def test_a_password_command_that_gives_no_password_is_an_error(
    box: Box, command: str, error: str, tmp_path: Path
) -> None:
    box.fake.do_login = lambda words: b"NO wrong" if "$HOME; echo" in words else b""
    box.set(secret=Secret("password-command", command))
    assert box.run().error.startswith(error.format(port=box.fake.port))


def test_a_process_that_holds_a_secret_leaves_no_core(box: Box) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    box.run()
    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    resource.setrlimit(resource.RLIMIT_CORE, before)


def test_a_password_command_that_does_not_end_is_killed(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailgate.oauth import secret

    monkeypatch.setattr(secret, "COMMAND_TIME", 0.2)
    box.set(secret=Secret("password-command", "sleep 60"))
    assert box.run().error == "`sleep 60` printed no secret within 0 s"


def test_a_fault_of_our_own_at_one_message_stops_no_other(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = receive.apply.apply

    def faulty(tx: object, judged: Judgement, *more: object) -> object:
        if judged.facts.message.subject == "Hello 3" and judged.decision.outcomes[0].action == "create":
            raise ZeroDivisionError("a mistake")
        return whole(tx, judged, *more)

    monkeypatch.setattr(receive.apply, "apply", faulty)
    tallies = [box.run().tally for _ in range(4)]
    assert [(each.created, each.failed, each.left) for each in tallies] == [(4, 0, 1), (0, 0, 1), (0, 1, 0), (0, 0, 0)]
    assert box.collector.held() == ["failed"]
    assert box.collector.raws()[-1] == mail(3), "as a whole"


def test_one_notice_for_each_change_of_state_and_growing_delays(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(log, "server", lambda name, text, good=False: said.append(f"{name} {text}"))
    delays = []

    def health() -> servers.Health:
        with box.collector.store.read() as tx:
            return servers.health(tx, box.server.number, box.now)

    box.run()
    box.fake.do_login = lambda _: b"NO go away"
    for _ in range(7):
        assert box.run().state == "failed"
        delays.append(health().due_at - box.now)
    assert delays == [60, 300, 900, 1800, 3600, 3600, 3600]
    (began,) = said
    assert began.startswith("box fails: 127.0.0.1:")
    box.now += 5 * 86_400
    for _ in range(3):
        box.run()
    assert len(said) == 2
    assert said[1].startswith("box paused after days of failure, until `mailgate server enable box`: ")
    assert (fetch.not_due(health(), box.now + 1e9), health().state) == ("paused", "paused")
    del box.fake.do_login
    assert box.run().state == "ok"
    assert said[2:] == ["box works again"]
    assert (fetch.not_due(health(), box.now), health().state) == ("", "ok")
