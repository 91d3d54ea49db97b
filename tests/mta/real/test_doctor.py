"""The doctor on a machine with a real mail server: nothing to say of a healthy one, each planted fault by its name."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from . import lab
from .faults import STORE
from .polling import until
from .servers import Exim, Postfix, Server, Start

pytestmark = pytest.mark.mta

GUARD = "/usr/local/sbin/mailgate-pipe"
FOLDER = "/var/lib/mailgate-maps"


@pytest.fixture(params=[Postfix, Exim], ids=["postfix", "exim"])
def whole(request: pytest.FixtureRequest, shared: Start) -> Server:
    """A server that hands whole domains to mailgate."""
    return shared(request.param)


def looked_at(server: Server, *options: str) -> list[dict[str, Any]]:
    """What the doctor says, as root."""
    done = server.machine.run("mailgate", "doctor", "--json", *options, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)["checks"]
    assert done.returncode == (4 if any(each["verdict"] == "wrong" for each in found) else 0), done
    return found


def wrong(server: Server, *options: str) -> list[str]:
    return [f"{each['name']}: {each['text']}" for each in looked_at(server, *options) if each["verdict"] == "wrong"]


@contextmanager
def planted(server: Server, fault: str, cure: str) -> Iterator[None]:
    """Plant a fault by a command, and take it away again."""
    server.run(fault)
    try:
        yield
    finally:
        server.run(cure)


def test_a_healthy_machine_has_no_problems(whole: Server) -> None:
    found = looked_at(whole)
    assert [each["name"] for each in found if each["verdict"] != "ok"] == ["log"]  # which this machine has not
    names = {each["name"] for each in found}
    assert {"config", "store", "store files", "program", "disk", "domains", "aliases", "sending", "outbox"} <= names
    assert any(each.startswith(f"{whole.needs} ") for each in names)
    screen = whole.machine.run("mailgate", "doctor").stdout
    assert re.search(r"^\d+ checks: 0 failed, \d not possible$", screen, re.MULTILINE)


def test_an_alias_file_is_judged_by_itself(postfix_alias: Server) -> None:
    """Mail arrived, and five lines were wrong whose hints would have stopped it."""
    found = looked_at(postfix_alias)
    assert [each["name"] for each in found if each["verdict"] != "ok"] == ["log"]
    assert {"postfix alias_maps", "postfix mailbox_size_limit"} <= {each["name"] for each in found}


def test_a_missing_timer_is_a_fault(postfix: Server) -> None:
    with planted(postfix, "mv /etc/cron.d/mailgate /root/", "mv /root/mailgate /etc/cron.d/"):
        assert [each for each in wrong(postfix, "--only", "sending") if "no timer runs `mailgate work`" in each]
    assert wrong(postfix, "--only", "sending") == []


def test_a_dead_lmtp_server_is_a_fault(postfix: Server) -> None:
    maps = f"inline:{{ example.com=lmtp:unix:mailgate/lmtp.sock }}, hash:{FOLDER}/domains"
    there = f"postconf -e 'transport_maps = {maps}'; postfix reload"
    back = f"postconf -e 'transport_maps = hash:{FOLDER}/domains'; postfix reload"
    socket = "unix:/var/spool/postfix/mailgate/lmtp.sock"
    folder = "install -d -o mailgate -g postfix -m 2750 /var/spool/postfix/mailgate"
    with planted(postfix, f"{folder}; {there}", back):
        assert f"postfix lmtp: {socket} does not answer" in "".join(wrong(postfix, "--only", "postfix"))
        argv = postfix.machine.command("mailgate", "lmtp", "--listen", socket, user="mailgate")
        listener = subprocess.Popen(argv, env={"PATH": lab.PATH})
        try:
            until(lambda: not wrong(postfix, "--only", "postfix"), "mailgate to listen")
        finally:
            listener.terminate()
            listener.wait(20)


def test_a_users_own_gateway_is_not_measured_by_the_system(postfix: Server) -> None:
    """Hints that were given to a user would have broken the gateway of the system."""
    machine = postfix.machine
    home, user = "/var/home/olga", "olga"  # not in /home, which is that of the machine outside
    machine.run("mkdir", "-p", "/var/home")
    make = f"useradd -m -d {home} {user} 2>/dev/null; id {user} && mkdir -p {home}/.config {home}/.local/share"
    machine.run("sh", "-c", f"{make} && chown -R {user}: {home}")
    run = ["env", f"HOME={home}", "mailgate"]
    machine.run(*run, "init", "--domain", "olga.example.net", user=user)
    machine.run(*run, "alias", "add", "olga@olga.example.net", "--model", "note", user=user)

    def said() -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(machine.run(*run, "doctor", "--json", user=user, check=False).stdout)[
            "checks"
        ]
        return found

    assert [each["verdict"] for each in said() if each["name"] == "wiring"] == ["unknown"]
    forward = machine.path(f"{home}/.forward")
    forward.write_text('"|/usr/local/bin/mailgate deliver"\n')
    machine.run("chown", user, f"{home}/.forward")
    names = {each["name"]: each["verdict"] for each in said()}
    assert names["forward"] == "ok"
    assert not [name for name in names if name.startswith("postfix ")]
    forward.write_text('"|/no/such/program/mailgate deliver"\n')
    assert [each["verdict"] for each in said() if each["name"] == "forward"] == ["wrong"]


def test_a_probe_comes_back(whole: Server) -> None:
    before = whole.machine.json("message", "list")
    done = whole.machine.run("mailgate", "doctor", "--only", "config", "--probe", "--json", check=False)
    found = json.loads(done.stdout)
    probes = {each["name"]: each for each in found["checks"] if each["name"].startswith("probe")}
    assert {name: each["verdict"] for name, each in probes.items()} == {"probe": "ok", "probe details": "ok"}, probes
    assert found["probe"][-1].endswith("mailgate")
    assert whole.machine.json("message", "list") == before


def test_a_lost_probe_is_a_problem(postfix: Server) -> None:
    stop = "postconf -e defer_transports=mailgate && postfix reload"
    with planted(postfix, stop, "postsuper -d ALL && postconf -X defer_transports && postfix reload"):
        postfix._await_reload()
        (said,) = wrong(postfix, "--only", "config", "--probe", "--wait", "3")
    postfix._await_reload()
    assert said == "probe: support@example.com: did not arrive within 3 s"


POSTFIX = [
    (
        "postconf -X mailgate_destination_recipient_limit",
        "postconf -e mailgate_destination_recipient_limit=1",
        "postfix mailgate_destination_recipient_limit",
    ),
    ("postconf -e mailgate_time_limit=20s", "postconf -e mailgate_time_limit=120s", "postfix mailgate_time_limit"),
    ("postconf -e recipient_delimiter=", "postconf -e recipient_delimiter=+", "postfix recipient_delimiter"),
    (
        "postconf -P mailgate/unix/x=y; postconf -e message_size_limit=0",
        "postconf -e message_size_limit=51200000",
        "size",
    ),
    (f"chmod -x {GUARD}", f"chmod +x {GUARD}", "guard"),
    (f"mv {GUARD} {GUARD}.away", f"mv {GUARD}.away {GUARD}", "guard"),
    (f"sed -i 's/75/74/' {GUARD}", "install -m 755 /root/guard {GUARD}".replace("{GUARD}", GUARD), "guard"),
    (
        "sed -i 's/null_sender=/null_sender=x/' /etc/postfix/master.cf",
        "sed -i 's/null_sender=x/null_sender=/' /etc/postfix/master.cf",
        "null_sender",
    ),
    (
        "sed -i 's/user=mailgate:mailgate/user=nobody/' /etc/postfix/master.cf",
        "sed -i 's/user=nobody/user=mailgate:mailgate/' /etc/postfix/master.cf",
        "user",
    ),
    (
        "cp /var/lib/mailgate-maps/addresses /root/ && echo x >> /var/lib/mailgate-maps/addresses",
        "rm /var/lib/mailgate-maps/addresses && mailgate setup maps",
        "addresses",
    ),
]


@pytest.mark.parametrize(
    ("fault", "cure", "named"), POSTFIX, ids=[each[2] + str(at) for at, each in enumerate(POSTFIX)]
)
def test_a_fault_in_postfix_is_found(postfix: Server, fault: str, cure: str, named: str) -> None:
    postfix.run(f"cp {GUARD} /root/guard")
    with planted(postfix, fault, cure):
        assert [each for each in wrong(postfix, "--only", "postfix") if named in each]
    assert wrong(postfix, "--only", "postfix") == []


MACHINE = [
    ("chmod o-rx /opt", "chmod o+rx /opt", "program: mailgate cannot use /opt"),
    ("chmod 755 /var/lib/mailgate", "chmod 700 /var/lib/mailgate", "store folder: /var/lib/mailgate is open to others"),
    (f"chmod 644 {STORE}", f"chmod 600 {STORE}", "is open to others"),
    (f"chown root {STORE}.lock", f"chown mailgate {STORE}.lock", f"{STORE}.lock belongs to root, not to mailgate"),
    (f"mv {STORE} {STORE}.away", f"mv {STORE}.away {STORE}", "no store"),
    ("chmod 700 /var/lib", "chmod 755 /var/lib", "mailgate, the owner of /var/lib/mailgate, cannot enter /var/lib"),
    (
        "echo oops >> /etc/mailgate/mailgate.toml",
        "sed -i '$ d' /etc/mailgate/mailgate.toml",
        "config: /etc/mailgate/mailgate.toml",
    ),
    (
        "sed -i 's#^method.*#&\\nsendmail = \"/no/sendmail\"#' /etc/mailgate/mailgate.toml",
        "sed -i '/no.sendmail/d' /etc/mailgate/mailgate.toml",
        "sending: no program /no/sendmail",
    ),
]


@pytest.mark.parametrize(("fault", "cure", "named"), MACHINE, ids=[each[2].replace("/", "-") for each in MACHINE])
def test_a_fault_of_the_machine_is_found(postfix: Server, fault: str, cure: str, named: str) -> None:
    with planted(postfix, fault, cure):
        assert [each for each in wrong(postfix) if named in each], looked_at(postfix)
    assert wrong(postfix) == []


def test_what_another_user_cannot_look_at_is_no_fault(postfix: Server) -> None:
    done = postfix.machine.run("mailgate", "doctor", "--json", user="postfix", check=False)
    found = {each["name"]: each for each in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, done
    assert found["store"]["verdict"] == "unknown"
    assert "sudo -u mailgate" in found["store"]["fix"]
