"""`mailgate setup`, and the mail server's tables that every command keeps."""

import os
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.installed import Installed

ROOT = os.geteuid() == 0
POSTMAP = """\
#!/bin/sh
# stands in for Postfix' own: the index is a copy
{0}
cp "$1" "$1.db"
"""


@pytest.fixture
def kept(installed: Installed) -> Installed:
    """A installed that keeps tables in the folder `maps`, with the programs of the folder `bin` in front of others."""
    (installed.folder / "maps").mkdir()
    (installed.folder / "bin").mkdir()
    with installed.config.open("a") as file:
        file.write('[maps]\nfolder = "maps"\n')
    postmap(installed)
    installed.ok("domain", "add", "example.com")
    return installed


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


def postmap(installed: Installed, first: str = ":") -> None:
    """A postmap that runs a line of shell first."""
    program = installed.folder / "bin" / "postmap"
    program.write_text(POSTMAP.format(first))
    program.chmod(0o755)


def table(installed: Installed, name: str = "addresses") -> set[str]:
    """The keys of a table; its index says the same."""
    text = (installed.folder / "maps" / name).read_text()
    assert (installed.folder / "maps" / f"{name}.db").read_text() == text
    return {line.split()[0] for line in text.splitlines() if not line.startswith("#")}


def files(installed: Installed) -> dict[str, int]:
    """Every file of the folder, with the number of its inode: another one after it was written."""
    return {path.name: path.stat().st_ino for path in (installed.folder / "maps").iterdir()}


def test_import_writes_the_tables_and_a_dry_run_does_not(kept: Installed) -> None:
    file = b'[alias."new@example.com"]\nmodel = "ticket"\n'
    kept.ok("import", "-", "--dry-run", stdin=file)
    assert "new@example.com" not in table(kept)
    kept.ok("import", "-", stdin=file)
    assert "new@example.com" in table(kept)


def test_an_address_that_no_table_can_hold_is_told(kept: Installed) -> None:
    added = kept("alias", "add", "#1@example.com", "--model", "ticket")
    assert (added.exit, "warning: #1@example.com is not in the tables" in added.err) == (0, True)


def test_every_command_that_changes_an_address_writes_the_tables(kept: Installed) -> None:
    names = {f"{each}@example.com" for each in ("abuse", "bounce", "catchall", "postmaster")}
    assert (table(kept), table(kept, "domains")) == (names, {"example.com"})
    kept.ok("alias", "add", "help", "--model", "ticket")
    assert table(kept) == names | {"help@example.com"}
    kept.ok("alias", "rename", "help", "support")
    assert table(kept) == names | {"help@example.com", "support@example.com"}
    kept.ok("domain", "set", "example.com", "--catchall", "answers")
    assert {"answers@example.com", "catchall@example.com"} <= table(kept)
    kept.ok("domain", "forget", "example.com", "catchall")
    assert "catchall@example.com" not in table(kept)
    kept.ok("domain", "add", "example.org", "--same-as", "example.com")
    assert {"support@example.org", "help@example.org", "answers@example.org"} <= table(kept)
    kept.ok("domain", "remove", "example.org", "--yes")
    assert table(kept, "domains") == {"example.com"}
    kept.ok("alias", "set", "support", "--local-part")
    kept.ok("domain", "add", "other.test")
    assert "support@other.test" in table(kept)
    kept.ok("alias", "remove", "support", "--yes")
    assert "support@example.com" not in table(kept)


def test_import_writes_the_tables_too(kept: Installed) -> None:
    kept.ok("alias", "add", "help", "--model", "ticket")
    (kept.folder / "kept.toml").write_text(kept.ok("export"))
    kept.ok("alias", "remove", "help", "--yes")
    assert "help@example.com" not in table(kept)
    kept.ok("import", "kept.toml")
    assert "help@example.com" in table(kept)


def test_what_is_as_it_should_be_is_not_written(kept: Installed) -> None:
    before = files(kept)
    kept.ok("contact", "add", "bob@client.org")
    assert kept.json("setup", "maps")["written"] == []
    assert files(kept) == before
    kept.ok("alias", "add", "help", "--model", "ticket")
    assert files(kept)["addresses"] != before["addresses"]
    assert files(kept)["domains"] == before["domains"]


@pytest.mark.parametrize("name", ["addresses", "addresses.db", "domains.db", "signed"])
def test_a_lost_file_is_made_anew(kept: Installed, name: str) -> None:
    (kept.folder / "maps" / name).unlink()
    assert kept.json("setup", "maps")["written"] == [name.removesuffix(".db")]
    assert "postmaster@example.com" in table(kept)


def test_a_new_store_takes_no_address_out_of_the_tables(kept: Installed) -> None:
    """A lost mount, then `domain add`, as doctor says: the mail server would refuse mail that is only late."""
    kept.ok("alias", "add", "help", "--model", "ticket")
    before = files(kept)
    kept.path.unlink()
    screen = kept("domain", "add", "example.com")
    assert screen.exit == 0
    lost = f"the tables in {kept.folder}/maps list 1 more than the store {kept.path}, which is newer"
    assert f"warning: the mail server does not know about the change yet: {lost}\n" in screen.err
    assert "\nhint: mailgate setup maps --force\n" in screen.err
    assert files(kept) == before
    screen = kept("setup", "maps")
    assert (screen.exit, screen.out) == (1, "")
    assert screen.err.startswith(f"error: {lost}\nhint: mailgate setup maps --force\nhint: if this is not the store")
    kept.ok("setup", "maps", "--force")
    assert "help@example.com" not in table(kept)
    kept.ok("alias", "add", "help", "--model", "ticket")
    kept.ok("alias", "remove", "help", "--yes")
    assert "help@example.com" not in table(kept), "from now on the tables are those of this store"


def test_a_new_store_may_add_to_the_tables(kept: Installed) -> None:
    kept.path.unlink()
    kept.ok("domain", "add", "example.com")
    kept.ok("alias", "add", "help", "--model", "ticket")
    assert "help@example.com" in table(kept)


def test_everybody_may_read_the_tables(kept: Installed) -> None:
    for path in (kept.folder / "maps").iterdir():
        if path.suffix != ".lock":
            assert stat.S_IMODE(path.stat().st_mode) == 0o644, path


@pytest.mark.parametrize("fault", ["echo 'postmap: fatal: no space' >&2; exit 1", "kill -9 $$"])
def test_a_failure_undoes_nothing_and_says_what_to_do(kept: Installed, fault: str) -> None:
    before = table(kept)
    postmap(kept, fault)
    screen = kept("alias", "add", "help", "--model", "ticket", "--json")
    assert screen.exit == 0
    assert screen.err.startswith("warning: the mail server does not know about the change yet: ")
    assert screen.err.endswith("hint: mailgate setup maps\n")
    assert "help@example.com" in [each["address"] for each in kept.json("alias", "list")]
    assert table(kept) == before, "the old tables stay whole"
    assert not [name for name in files(kept) if ".new" in name]
    assert kept("setup", "maps").exit == 1
    postmap(kept)
    kept.ok("setup", "maps")
    assert "help@example.com" in table(kept)


def test_without_postfix_there_is_the_text_alone(kept: Installed) -> None:
    postmap(kept, "echo 'postmap: fatal: open /etc/postfix/main.cf: No such file or directory' >&2; exit 1")
    kept.ok("alias", "add", "help", "--model", "ticket")
    assert "help@example.com" in (kept.folder / "maps" / "addresses").read_text()


def test_a_missing_folder_is_a_warning_with_the_command(kept: Installed) -> None:
    (kept.folder / "maps").rename(kept.folder / "away")
    screen = kept("alias", "add", "help", "--model", "ticket")
    assert screen.exit == 0
    assert f"hint: install -d -m 755 -o mailgate -g mailgate {kept.folder}/maps" in screen.err


def test_commands_at_once_end_with_the_newest_state(kept: Installed) -> None:
    postmap(kept, "sleep 0.2")
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda n: kept.ok("alias", "add", f"crowd{n}", "--model", "ticket"), range(5)))
    assert {f"crowd{n}@example.com" for n in range(5)} <= table(kept)


@pytest.mark.parametrize("server", ["postfix", "exim"])
def test_setup_prints_everything_and_touches_nothing(kept: Installed, server: str) -> None:
    before = sorted(kept.folder.rglob("*"))
    out = kept.ok("setup", server)
    for each in kept.json("setup", server)["files"]:
        assert each["text"] in out
        assert each["place"] in each["text"]
        assert "made by `mailgate setup" in each["text"]
    assert f"mailgate setup {server} --check" in out
    assert [path for path in sorted(kept.folder.rglob("*")) if "__pycache__" not in str(path)] == before


@pytest.mark.parametrize("server", ["postfix", "exim"])
def test_write_writes_those_files_and_only_there(kept: Installed, server: str) -> None:
    said = kept.json("setup", server, "--write", "wiring of mine")
    folder = kept.folder / "wiring of mine"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        each["name"]: each["text"] for each in said["files"]
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    assert all("'wiring of mine/" in each for each in said["commands"] if "wiring" in each)
    (folder / said["files"][0]["name"]).write_text("# made by `mailgate setup` once\n")
    kept.ok("setup", server, "--write", "wiring of mine")
    assert (folder / said["files"][0]["name"]).read_text() == said["files"][0]["text"]


def test_write_replaces_no_file_of_somebody_else(kept: Installed) -> None:
    (kept.folder / "wiring").mkdir()
    (kept.folder / "wiring" / "master.cf").write_text("smtp inet n - y - - smtpd\n")
    screen = kept("setup", "postfix", "--write", "wiring")
    assert screen.exit == 1
    assert "wiring/master.cf was not written by mailgate" in screen.err
    assert [path.name for path in (kept.folder / "wiring").iterdir()] == ["master.cf"]


def test_write_follows_no_link(kept: Installed) -> None:
    (kept.folder / "wiring").mkdir()
    precious = kept.folder / "precious"
    precious.write_text("# made by `mailgate setup` it says\n")
    (kept.folder / "wiring" / "main.cf").symlink_to(precious)
    assert kept("setup", "postfix", "--write", "wiring").exit == 1
    assert precious.read_text() == "# made by `mailgate setup` it says\n"


def test_without_a_domain_there_is_nothing_to_set_up(installed: Installed) -> None:
    screen = installed("setup", "postfix", "--write", "wiring")
    assert (screen.exit, screen.err.splitlines()[-1]) == (1, "hint: mailgate domain add example.com")
    assert not (installed.folder / "wiring").exists()


def test_a_configuration_without_tables_is_a_file_too(office: Installed) -> None:
    said = office.json("setup", "postfix", "--write", "wiring")
    assert '[maps]\nfolder = "/var/lib/mailgate-maps"' in (office.folder / "wiring" / "mailgate.toml").read_text()
    assert f"cat wiring/mailgate.toml >> {office.config}" in said["commands"]


def test_the_command_line_names_a_configuration_of_ones_own(kept: Installed) -> None:
    guard = next(each for each in kept.json("setup", "exim")["files"] if each["name"] == "mailgate-pipe")
    assert f"-m mailgate deliver -C {kept.config} " in guard["text"]


def test_check_on_a_machine_without_a_mail_server(kept: Installed) -> None:
    screen = kept("setup", "exim", "--check", "--json")
    assert screen.exit in (0, 4)
    found = kept("setup", "exim", "--check").out
    assert "could not" not in found
    assert "?     exim" in found


def test_an_alias_file_has_no_place_for_a_fallback(kept: Installed) -> None:
    assert kept("setup", "postfix", "--alias", "--fallback-model", "lead").exit == 1


def test_a_fallback_model_needs_tables_that_take_all(kept: Installed) -> None:
    found = kept("setup", "postfix", "--fallback-model", "lead", "--check").out
    assert "WRONG fallback" in found
    with kept.config.open("a") as file:
        file.write('unknown = "accept"\n')
    kept.ok("setup", "maps")
    assert "@example.com" in table(kept)
    assert "WRONG fallback" not in kept("setup", "postfix", "--fallback-model", "lead", "--check").out
    master = next(
        e for e in kept.json("setup", "postfix", "--fallback-model", "lead")["files"] if e["name"] == "master.cf"
    )
    assert "mailgate-pipe --fallback-model lead -f ${sender}" in master["text"]


@pytest.mark.skipif(not ROOT, reason="only root can become somebody else")
class TestAsRoot:
    """The tables belong to the store's owner; what root wants to have written is root's."""

    @pytest.fixture
    def open_gate(self) -> Iterator[Installed]:
        with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to everybody else
            os.chmod(name, 0o755)
            installed = Installed(Path(name))
            (installed.folder / "store").mkdir()
            (installed.folder / "maps").mkdir()
            for each in ("store", "maps"):
                os.chown(installed.folder / each, 65534, 65534)
            installed.config.write_text(f'[store]\nurl = "{name}/store/db"\n[maps]\nfolder = "{name}/maps"\n')
            yield installed

    def test_root_writes_where_only_root_may(self, open_gate: Installed) -> None:
        open_gate.ok("domain", "add", "example.com")
        closed = open_gate.folder / "closed"
        closed.mkdir(mode=0o700)
        open_gate.ok("setup", "postfix", "--write", str(closed / "wiring"))
        assert {path.stat().st_uid for path in (closed / "wiring").iterdir()} == {0}
        assert "user=nobody:nogroup" in (closed / "wiring" / "master.cf").read_text()
        assert {path.stat().st_uid for path in (open_gate.folder / "maps").iterdir()} == {65534}

    def test_what_goes_wrong_as_the_owner_is_told(self, open_gate: Installed) -> None:
        screen = open_gate("setup", "exim", "--write", "wiring")
        assert (screen.exit, screen.err.splitlines()[-1]) == (1, "hint: mailgate domain add example.com")
