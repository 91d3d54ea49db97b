"""The wiring that `mailgate setup` says: which addresses the servers take, at once, and what `--check` finds."""

import json
import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from .letters import send
from .polling import until
from .servers import (
    Exim,
    EximShared,
    Postfix,
    PostfixAlias,
    PostfixAliased,
    PostfixMailboxes,
    PostfixShared,
    Server,
    Start,
)
from .sink import Sink

pytestmark = pytest.mark.mta

FOLDER = "/var/lib/mailgate-maps"


@pytest.fixture(params=[Postfix, Exim], ids=["postfix", "exim"])
def whole(request: pytest.FixtureRequest, shared: Start) -> Server:
    """A server that hands whole domains to mailgate."""
    return shared(request.param)


def rcpts(server: Server, *recipients: str) -> list[int]:
    """What a stranger is told at each RCPT (from an address that no server relays for)."""
    options = [] if "".join(recipients).isascii() else ["SMTPUTF8"]
    with smtplib.SMTP("127.0.0.1", server.port, "client.example.org", source_address=("127.0.0.2", 0)) as smtp:
        smtp.ehlo()
        assert smtp.mail("stranger@client.example.net", options)[0] == 250
        return [smtp.rcpt(each)[0] for each in recipients]


def rcpt(server: Server, recipient: str) -> int:
    """The same for one."""
    (code,) = rcpts(server, recipient)
    return code


def becomes(server: Server, recipient: str, code: int) -> None:
    """The server answers so within seconds; the limit is for hangs."""
    until(lambda: rcpt(server, recipient) == code, f"{code} for {recipient}", 20)


def carries(server: Server, recipient: str) -> None:
    """A new domain is known in every place of the server: Postfix looks every 10 s, and puts mail off until then."""

    def arrives() -> bool:
        letter = send(server, recipient)
        until(lambda: server.outcomes(letter.queue_id), f"what became of {letter.queue_id}")
        return server.outcomes(letter.queue_id)[-1].kind == "sent"

    until(arrives, f"mail for {recipient} to arrive", 40)


def check(server: Server) -> dict[str, Any]:
    """What `setup --check` finds, by name; the worst verdict where there are several of a name."""
    done = server.machine.run("mailgate", *server.setup, "--check", "--json", check=False)
    found = json.loads(done.stdout)["checks"]
    wrong = {each["name"]: each for each in found if each["verdict"] == "wrong"}
    assert done.returncode == (4 if wrong else 0), done
    return {each["name"]: each for each in found} | wrong


def verdicts(server: Server, verdict: str) -> set[str]:
    return {name for name, each in check(server).items() if each["verdict"] == verdict}


def test_every_kind_of_own_address_arrives(whole: Server) -> None:
    run = whole.machine.mailgate
    run("domain", "add", "kinds.example.com")
    run("domain", "add", "kinds.example.org", "--same-as", "kinds.example.com")
    run("domain", "set", "kinds.example.com", "--catchall", "answers", "--bounce", "returns")
    run("alias", "add", "info@kinds.example.com", "--model", "lead")
    run("alias", "rename", "info@kinds.example.com", "office@kinds.example.com")
    locals_ = ("office", "info", "answers", "catchall", "returns", "bounce", "postmaster", "abuse")
    for host in ("kinds.example.com", "kinds.example.org"):
        becomes(whole, f"office@{host}", 250)
        carries(whole, f"office@{host}")
        recipients = [f"{each}{detail}@{host}" for each in locals_ for detail in ("", "+some.detail")]
        assert rcpts(whole, *recipients) == [250] * len(recipients)
        letter = send(whole, *recipients)
        whole.wait_gone(letter.queue_id)
        assert sorted((o.recipient, o.kind) for o in whole.outcomes(letter.queue_id)) == [
            (each, "sent") for each in sorted(recipients)
        ]
        assert len(whole.records(letter.subject)) == 1, "one alias, by whichever of its names"
        assert rcpt(whole, f"nobody@{host}") == 550
        assert rcpt(whole, f"nobody+some.detail@{host}") == 550


def test_signed_addresses_arrive_when_their_name_is_gone(whole: Server, sink: Sink) -> None:
    run = whole.machine.mailgate
    run("alias", "add", "passing@example.com", "--model", "lead")
    letter = send(whole, "passing@example.com")
    whole.wait(letter.queue_id, "sent")
    (record,) = whole.records(letter.subject)
    run("post", record, stdin="Good morning.\n")
    posted = sink.wait_for(letter.sender)
    assert posted.reverse_path.startswith("bounce+mg1b")
    reply = posted.message["Reply-To"]
    assert reply.startswith("passing+mg1r")
    run("alias", "remove", "passing@example.com", "--yes")
    becomes(whole, "passing@example.com", 550)
    for signed in (reply, posted.reverse_path):
        assert rcpt(whole, signed) == 250
    answer = send(whole, reply)
    whole.wait(answer.queue_id, "sent")
    assert whole.message(answer.subject)["record"] == record


def test_signed_addresses_of_others_are_sent_on(whole: Server, sink: Sink) -> None:
    """Who runs mailgate may write to somebody who runs it too."""
    theirs = f"support+mg1r{'a' * 22}@elsewhere.example.net"
    letter = send(whole, theirs)
    whole.wait(letter.queue_id, "sent")
    assert sink.wait_for(theirs).data


def test_an_address_works_while_its_alias_is_there(whole: Server) -> None:
    assert rcpt(whole, "new@example.com") == 550
    whole.machine.mailgate("alias", "add", "new@example.com", "--model", "ticket")
    becomes(whole, "new@example.com", 250)
    becomes(whole, "new+detail@example.com", 250)
    whole.machine.mailgate("alias", "remove", "new@example.com", "--yes")
    becomes(whole, "new@example.com", 550)


def test_a_domain_works_while_it_is_there(whole: Server) -> None:
    assert rcpt(whole, "catchall@new.example.org") != 250
    whole.machine.mailgate("domain", "add", "new.example.org")
    becomes(whole, "catchall@new.example.org", 250)
    becomes(whole, "nobody@new.example.org", 550)
    carries(whole, "postmaster@new.example.org")
    letter = send(whole, "postmaster@new.example.org")
    whole.wait(letter.queue_id, "sent")
    assert [each["reason"] for each in whole.held(letter.subject)] == ["postmaster"]
    whole.machine.mailgate("domain", "remove", "new.example.org", "--yes")
    until(lambda: rcpt(whole, "catchall@new.example.org") != 250, "the domain to be gone", 20)


@pytest.mark.parametrize("way", [PostfixMailboxes, PostfixAliased], ids=["mailboxes", "aliases"])
def test_a_shared_domain_may_be_a_virtual_one(shared: Start, way: type[Server]) -> None:
    """Every check was green, and every customer got 550."""
    server = shared(way)
    assert verdicts(server, "wrong") == set()
    signed = f"nobody+mg1r{'a' * 22}@example.com"
    for recipient in ("support@example.com", "support+detail@example.com", "catchall@example.com", signed):
        assert rcpt(server, recipient) == 250
    for recipient in ("support+detail@example.com", "bounce@example.com"):
        letter = send(server, recipient)
        server.wait(letter.queue_id, "sent")
        assert server.message(letter.subject)["recipients"] == [recipient]
    letter = send(server, "jane@example.com")
    server.wait_gone(letter.queue_id)
    assert [each.kind for each in server.outcomes(letter.queue_id)] == ["sent"]
    assert letter.subject not in [each["subject"] for each in server.machine.json("message", "list")]
    assert rcpt(server, "nobody9@example.com") == 550


def test_a_shared_domain_of_aliases_must_move(shared: Start) -> None:
    """Postfix sends nothing of a domain in virtual_alias_domains to a transport, whatever transport_maps says."""
    server = shared(PostfixAliased)
    there = f"{SAVE_MAIN}; postconf -e virtual_alias_domains=example.com; postfix reload"
    with changed(server, there, f"{RESTORE_MAIN}; postfix reload"):
        found = check(server)
        assert found["virtual_alias_domains"]["verdict"] == "wrong"
        assert "name it in virtual_mailbox_domains instead" in found["virtual_alias_domains"]["fix"]
        assert found["rcpt example.com"]["verdict"] == "wrong"
        said = server.machine.run("mailgate", "setup", "postfix", "--write", "/root/said").stderr
        assert "warning: example.com is in virtual_alias_domains" in said


@pytest.mark.parametrize("way", [PostfixShared, EximShared], ids=["postfix", "exim"])
def test_a_domain_may_have_mailboxes_of_its_own(shared: Start, way: type[Server]) -> None:
    server = shared(way)
    assert verdicts(server, "wrong") == set()
    for recipient in ("support@example.com", "catchall+detail@example.com"):
        letter = send(server, recipient)
        server.wait(letter.queue_id, "sent")
        assert server.message(letter.subject)["number"]
    for recipient in ("postmaster@example.com", "root@example.com"):
        assert rcpt(server, recipient) == 250
        letter = send(server, recipient)
        server.wait_gone(letter.queue_id)
        assert letter.subject not in [each["subject"] for each in server.machine.json("message", "list")]
        assert [each.kind for each in server.outcomes(letter.queue_id)] == ["sent"]
    assert rcpt(server, "new@example.com") == 550
    server.machine.mailgate("alias", "add", "new@example.com", "--model", "ticket")
    becomes(server, "new@example.com", 250)
    server.machine.mailgate("domain", "add", "whole.example.com")
    becomes(server, "catchall@whole.example.com", 250)
    becomes(server, "root@whole.example.com", 550)


def test_an_alias_file_follows_too(postfix_alias: Server) -> None:
    postfix_alias.machine.mailgate("alias", "add", "new@example.com", "--model", "ticket")
    becomes(postfix_alias, "new@example.com", 250)
    letter = send(postfix_alias, "new+detail@example.com")
    postfix_alias.wait(letter.queue_id, "sent")
    assert len(postfix_alias.records(letter.subject)) == 1
    postfix_alias.machine.mailgate("alias", "remove", "new@example.com", "--yes")
    becomes(postfix_alias, "new@example.com", 550)


def test_a_unicode_domain_is_known_in_both_spellings(postfix: Server) -> None:
    postfix.machine.mailgate("domain", "add", "bücher.example")
    for name in ("xn--bcher-kva.example", "bücher.example"):
        becomes(postfix, f"catchall@{name}", 250)
    carries(postfix, "postmaster@bücher.example")
    letter = send(postfix, "postmaster@bücher.example")
    postfix.wait(letter.queue_id, "sent")
    assert len(postfix.held(letter.subject)) == 1


def test_many_commands_at_once_end_with_the_newest_state(postfix: Server) -> None:
    names = [f"crowd{n}@example.com" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: postfix.machine.mailgate("alias", "add", name, "--model", "ticket"), names))
    listed = postfix.machine.run("postmap", "-s", f"hash:{FOLDER}/addresses").stdout
    assert set(names) <= {line.split()[0] for line in listed.splitlines()}
    left = {path.name for path in postfix.machine.path(FOLDER).iterdir()}
    indexed = ("addresses", "domains", "aliases")
    assert left == {*indexed, *(f"{each}.db" for each in indexed), "signed", "maps.lock", "maps.state"}


def test_a_failure_leaves_the_change_and_the_old_tables(postfix: Server) -> None:
    machine = postfix.machine
    with changed(postfix, f"chown root: {FOLDER}", f"chown mailgate: {FOLDER}"):
        done = machine.run("mailgate", "alias", "add", "late@example.com", "--model", "ticket")
        assert "warning: the mail server does not know about the change yet" in done.stderr
        assert "hint: mailgate setup maps" in done.stderr
        assert rcpt(postfix, "support@example.com") == 250
        assert rcpt(postfix, "late@example.com") == 550
        assert "table addresses" in verdicts(postfix, "wrong")
    machine.mailgate("setup", "maps")
    becomes(postfix, "late@example.com", 250)
    assert verdicts(postfix, "wrong") == set()


@pytest.mark.parametrize("name", ["addresses", "domains"])
def test_a_missing_table_makes_mail_wait(whole: Server, name: str) -> None:
    aside = f"cd {FOLDER} && for f in {name}*; do mv $f $f.away; done"
    back = f"cd {FOLDER} && for f in *.away; do mv $f ${{f%.away}}; done; rm -f /var/log/exim4/paniclog"
    with changed(whole, aside, back):
        until(lambda: 400 <= rcpt(whole, "support@example.com") < 500, "a temporary answer", 20)
        if isinstance(whole, Exim) and name == "addresses":  # it takes mail from its own machine unseen
            letter = send(whole, "support@example.com")
            whole.wait(letter.queue_id, "deferred")
    if isinstance(whole, Exim) and name == "addresses":
        whole.deliver_deferred(letter.queue_id)
        assert len(whole.records(letter.subject)) == 1


@contextmanager
def changed(server: Server, there: str, back: str) -> Iterator[None]:
    """The machine after one command, until another one."""
    server.machine.run("sh", "-c", there)
    try:
        yield
    finally:
        server.machine.run("sh", "-c", back)
        if isinstance(server, Postfix):  # a process that could not open a table answers 451 as long as it lives
            server.run("postfix reload")


GUARD = "/usr/local/sbin/mailgate-pipe"
EVERYWHERE = {
    "guard missing": (f"mv {GUARD} {GUARD}.away", f"mv {GUARD}.away {GUARD}", "guard"),
    "guard not executable": (f"chmod 644 {GUARD}", f"chmod 755 {GUARD}", "guard"),
    "guard changed": (f"cp -p {GUARD} {GUARD}.away; sed -i s/45/1/ {GUARD}", f"mv {GUARD}.away {GUARD}", "guard"),
    "table edited": (f"echo x@example.com mailgate: >>{FOLDER}/addresses", "mailgate setup maps", "table addresses"),
    "table missing": (f"rm {FOLDER}/domains", "mailgate setup maps", "table domains"),
}
SAVE_MAIN, RESTORE_MAIN = "cp -p /etc/postfix/main.cf /etc/saved", "mv /etc/saved /etc/postfix/main.cf"
MASTER = "/etc/postfix/master.cf"
SAVE_MASTER, RESTORE_MASTER = f"cp -p {MASTER} /etc/saved", f"mv /etc/saved {MASTER}"
OF_POSTFIX = {
    "index missing": (f"rm {FOLDER}/addresses.db", "mailgate setup maps", "table addresses"),
    "index old": (
        f"cd {FOLDER} && cp addresses x && echo x@y z >>x && postmap x && mv x.db addresses.db && rm x",
        f"cd {FOLDER} && rm addresses.db && mailgate setup maps",
        "table addresses",
    ),
    "user": (f"{SAVE_MASTER}; sed -i s/user=mailgate:mailgate/user=nobody/ {MASTER}", RESTORE_MASTER, "master.cf"),
    "no service": (f"{SAVE_MASTER}; postconf -MX mailgate/unix", RESTORE_MASTER, "master.cf"),
    **{
        name: (f"{SAVE_MAIN}; postconf -e '{name} = {value}'", RESTORE_MAIN, name)
        for name, value in {
            "relay_domains": "",
            "transport_maps": "hash:/etc/postfix/transport",
            "relay_recipient_maps": "",
            "mailgate_destination_recipient_limit": "50",
            "mailgate_time_limit": "30s",
            "recipient_delimiter": "-",
            "message_size_limit": "0",
            "mydestination": "localhost, example.com",
        }.items()
    },
}  # fmt: skip
CONFIGURATION = "/var/lib/exim4/config.autogenerated"
FIRST = r"first:\n  driver = redirect\n  data = root@localhost\n\n"
OF_EXIM = {
    what: (f"cp -p {CONFIGURATION} /tmp/c; sed -i '{edit}' {CONFIGURATION}", f"mv /tmp/c {CONFIGURATION}", name)
    for what, edit, name in (
        ("not trusted", "s/^MAIN_TRUSTED_USERS = .*/MAIN_TRUSTED_USERS = uucp/", "trusted_users"),
        ("not relayed", "s/^MAIN_RELAY_TO_DOMAINS = .*/MAIN_RELAY_TO_DOMAINS = x.example/", "relay_to_domains"),
        ("user", "s/^  user = mailgate$/  user = nobody/", "transport mailgate"),
        ("condition", "s/mg1\\[rb\\]/mg1x/", "router mailgate"),
        ("no refusal", "s/^mailgate_unknown:/mailgate_other:/", "router mailgate_unknown"),
        ("bounce on any output", "s/^  return_fail_output/  return_output/", "transport mailgate"),
        ("another router first", f"s/^hubbed_hosts:/{FIRST}hubbed_hosts:/", "rcpt example.com"),
    )
}  # fmt: skip


def test_a_healthy_server_is_found_healthy(server: Server) -> None:
    until(lambda: not verdicts(server, "wrong"), "a server that was changed back to be all right", 20)
    found = check(server)
    assert {each["verdict"] for each in found.values()} == {"ok"}, found
    assert {"guard", "table addresses", "table domains"} <= set(found)


@pytest.mark.parametrize("what", [*EVERYWHERE, *OF_POSTFIX])
def test_check_finds_what_is_wrong_with_postfix(postfix: Server, what: str) -> None:
    there, back, name = (EVERYWHERE | OF_POSTFIX)[what]
    with changed(postfix, there, back):
        found = check(postfix)
        wrong = {each for each, of in found.items() if of["verdict"] == "wrong"}
        assert {each for each in wrong if not each.startswith("rcpt")} == {name}
        assert found[name]["fix"]
    until(lambda: verdicts(postfix, "wrong") == set(), "nothing to be wrong any more", 20)


@pytest.mark.parametrize("what", [*EVERYWHERE, *OF_EXIM])
def test_check_finds_what_is_wrong_with_exim(exim: Server, what: str) -> None:
    there, back, name = (EVERYWHERE | OF_EXIM)[what]
    with changed(exim, there, back):
        assert name in verdicts(exim, "wrong")
        assert check(exim)[name]["fix"]
    assert verdicts(exim, "wrong") == set()


def test_what_cannot_be_looked_at_is_not_called_wrong(postfix: Server) -> None:
    with changed(postfix, "mv /etc/postfix/main.cf /etc/postfix/away", "mv /etc/postfix/away /etc/postfix/main.cf"):
        assert verdicts(postfix, "wrong") == set()
        assert verdicts(postfix, "unknown") == {"main.cf", "master.cf"}


def test_the_commands_may_be_run_twice(server: Server) -> None:
    """What is in place stays as it is: nothing is added a second time."""
    again = server.machine.json(*server.setup, "--write", "/root/again")
    for command in again["commands"]:
        server.run(command)
    if isinstance(server, Postfix):
        main = server.machine.path("/etc/postfix/main.cf").read_text()
        key = "alias_maps =" if isinstance(server, PostfixAlias) else "relay_domains ="
        assert main.count(f"\n{key}") == 1
        assert main.count(f"{FOLDER}/{'aliases' if isinstance(server, PostfixAlias) else 'addresses'}") == 1
    assert verdicts(server, "wrong") == set()
