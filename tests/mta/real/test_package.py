"""The package of Debian, installed, used and removed; and what a container starts."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from . import lab
from .letters import send
from .machine import Machine
from .servers import Start
from .test_apply import configuration, is_green, knows
from .test_stranger import PostfixBare

pytestmark = pytest.mark.mta


@pytest.fixture(scope="session")
def package(product: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, of $MAILGATE_DEB, or made from the program as the tests install it."""
    if made := os.environ.get("MAILGATE_DEB"):
        return Path(made)
    if reason := lab.missing("postfix"):
        (pytest.fail if lab.required() else pytest.skip)(reason)
    path = tmp_path_factory.mktemp("deb") / "mailgate.deb"
    subprocess.run([lab.EXAMPLES / "debian" / "build", path, product], check=True)
    return path


def test_a_package_is_installed_used_and_removed(start: Start, package: Path) -> None:
    server = start(PostfixBare)
    run = server.machine.run
    before = configuration(server.machine)
    server.machine.path("/root/mailgate.deb").write_bytes(package.read_bytes())
    run("dpkg", "-i", "/root/mailgate.deb")
    assert run("which", "mailgate").stdout == "/usr/bin/mailgate\n"
    for path in ("/usr/share/bash-completion/completions/mailgate", "/lib/systemd/system/mailgate-work.timer"):
        assert server.machine.path(path).stat().st_size
    run("mailgate", "init", "--domain", "example.com")
    run("mailgate", "alias", "add", "support@example.com", "--model", "ticket")
    run("mailgate", "setup", "postfix", "--apply", "--yes")
    knows(server)
    letter = send(server, "support@example.com")
    server.wait(letter.queue_id, "sent")
    assert server.records(letter.subject) == ["ticket/1"]
    is_green(server)
    run("dpkg", "-i", "/root/mailgate.deb")
    assert server.records(letter.subject) == ["ticket/1"], "an upgrade keeps everything"
    run("dpkg", "--remove", "mailgate")
    left = {path: text for path, text in configuration(server.machine).items() if not path.startswith("/etc/mailgate")}
    assert left == {path: text for path, text in before.items() if not path.startswith("/etc/mailgate")}
    assert not server.machine.path("/opt/mailgate").exists()
    assert server.machine.path("/var/lib/mailgate/mailgate.db").stat().st_size, "the mail stays"
    knows(server, anything=False)


def test_the_recipe_of_a_container_names_files_that_exist() -> None:
    text = (lab.EXAMPLES / "container" / "Dockerfile").read_text()
    joined = re.sub(r"\\\n\s*", " ", text)
    instructions = [line.split(None, 1)[0] for line in joined.splitlines() if line and not line.startswith("#")]
    assert set(instructions) <= {"FROM", "RUN", "COPY", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"}
    assert re.findall(r"^VOLUME (.*)$", joined, re.MULTILINE) == ["/data"]
    for source in re.findall(r"^COPY (?:--\S+ )?(\S+) ", joined, re.MULTILINE):
        assert (lab.EXAMPLES.parent / source).exists()
    for script in re.findall(r"^RUN (.*)$", joined, re.MULTILINE):
        assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0
        assert "mailgate[" not in script.replace("/usr/src/mailgate[", ""), "an index does not have it"


def test_a_container_takes_mail_and_keeps_it_in_its_volume(product: Path) -> None:
    if reason := lab.missing("postfix"):
        (pytest.fail if lab.required() else pytest.skip)(reason)
    machine = Machine(product)
    try:
        machine.path("/etc/postfix/main.cf").write_text("compatibility_level = 3.6\n")
        machine.path("/etc/postfix/master.cf").write_text(lab.POSTFIX_MASTER.read_text())
        machine.path("/usr/local/sbin/start").write_text((lab.EXAMPLES / "container" / "start").read_text())
        machine.run(
            "sh",
            "-c",
            "umount /var/lib/mailgate; rmdir /etc/mailgate; chmod 755 /usr/local/sbin/start; mkdir /opt/data",
        )
        machine.run("sh", "-c", "sed -i s,/data,/opt/data,g /usr/local/sbin/start")
        for times in (1, 2):
            machine.path("/etc/postfix/main.cf").write_text("compatibility_level = 3.6\n")
            machine.path("/etc/postfix/master.cf").write_text(lab.POSTFIX_MASTER.read_text())
            machine.run("unshare", "--net", "timeout", "50", "sh", "-xc", CONTAINER)
            assert len(machine.json("record", "list")) == times
    finally:
        machine.stop()


CONTAINER = """\
set -e
ip link set lo up
DOMAIN=example.com /usr/local/sbin/start </dev/null >/var/log/container 2>&1 &
for i in $(seq 100); do postfix status 2>/dev/null && break; sleep 0.2; done
postfix status 2>/dev/null || { cat /var/log/container >&2; exit 1; }
mailgate alias add support@example.com --model ticket 2>/dev/null || true
before=$(mailgate record list --json | grep -c '"record"' || true)
printf 'From: bob@client.org\\nSubject: Hello\\n\\nHello.\\n' | sendmail -f bob@client.org support@example.com
for i in $(seq 100); do
    [ "$(mailgate record list --json | grep -c '"record"' || true)" -gt "$before" ] && break
    sleep 0.2
done
postfix stop || { cat /var/log/container >&2; exit 1; }
"""
