"""Files written as the user who asked."""

import os
import stat
import threading
from pathlib import Path

import pytest

from mailgate.process import writer as aside


def test_who_reads_meanwhile_sees_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    old, new = b"a" * 200_000, b"b" * 200_000
    path.write_bytes(old)
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    for turn in range(60):
        aside.write(str(path), new if turn % 2 == 0 else old)
    done.set()
    reader.join(60)
    assert seen <= {old, new}
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_a_link_is_followed_and_a_device_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    aside.write(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    aside.write("/dev/null", b"new")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("replace", [True, False])
def test_a_power_cut_afterwards_loses_neither_the_octets_nor_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    """`init` ended, and its configuration was gone: the folder was not synced."""
    done: list[str] = []

    def noted(name: str) -> None:
        real = getattr(os, name)

        def call(*given: object, **more: object) -> object:
            what = os.readlink(f"/proc/self/fd/{given[0]}") if name == "fsync" else tmp_path / str(given[1])
            done.append(f"{name} {os.path.relpath(str(what), tmp_path)}")
            return real(*given, **more)

        monkeypatch.setattr(os, name, call)

    for name in ("fsync", "replace", "link"):
        noted(name)
    aside.write(str(tmp_path / "file"), b"new", replace)
    assert done == [f"fsync file.{os.getpid()}.tmp", f"{'replace' if replace else 'link'} file", "fsync ."]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has links of another user here")
@pytest.mark.parametrize("planted", ["link", "folder/file", "link-to-link"])
def test_a_link_that_another_user_planted_is_not_followed(tmp_path: Path, planted: str) -> None:
    """`export /tmp/x` as root wrote through a link to any file of the system."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("precious/file")
    (tmp_path / "folder").symlink_to("precious")
    (tmp_path / "link-to-link").symlink_to("link")
    for link in ("link", "folder"):
        os.chown(tmp_path / link, 65_534, 65_534, follow_symlinks=False)
    with pytest.raises(OSError, match=r"symbolic links|a link of another user"):
        aside.write(str(tmp_path / planted), b"new")
    assert (tmp_path / "precious" / "file").read_bytes() == b"old"
    for link in ("link", "folder"):
        os.chown(tmp_path / link, 0, 0, follow_symlinks=False)
    aside.write(str(tmp_path / planted), b"new")
    assert (tmp_path / "precious" / "file").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path / "precious")) == ["file"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_private_file_is_readable_for_its_owner_alone(tmp_path: Path, replace: bool) -> None:
    with aside.writer() as write:
        write(str(tmp_path / "private"), b"x", replace, private=True)
        write(str(tmp_path / "public"), b"x", replace)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("private", "public")]
    assert modes == [0o600, 0o644 & ~_umask()]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        aside.write(str(tmp_path / "a"), b"new")


def test_a_link_with_an_absolute_target_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "sub" / ".." / "file")
    (tmp_path / "sub").mkdir()
    aside.write(str(tmp_path / "link"), b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_what_is_there_is_kept_when_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with aside.writer() as write, pytest.raises(FileExistsError) as caught:
        write(str(tmp_path / "file"), b"new", False)
    assert caught.value.filename == str(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_what_cannot_be_written_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with aside.writer() as write:
        with pytest.raises(OSError, match="No such file") as caught:
            write(str(tmp_path / "none" / "file"), b"x", True)
        assert caught.value.filename == str(tmp_path / "none" / "file")
        write(str(tmp_path / "file"), b"x", True)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_writes_what_it_named_after_it_became_somebody_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        said = b"failed"
        try:
            with aside.writer() as write:
                os.setgid(65_534)
                os.setuid(65_534)
                write(str(tmp_path / "file"), b"x" * 300_000, True)
                try:
                    (tmp_path / "mine").write_bytes(b"x")
                except PermissionError:
                    said = b"refused"
        finally:
            os.write(writer, said)
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"refused"
    assert (tmp_path / "file").read_bytes() == b"x" * 300_000
    assert os.stat(tmp_path / "file").st_uid == 0


class TestNewFile:
    """A file that must not be there yet: whole, or not there at all."""

    def test_it_is_made_once(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        aside.write(str(path), b"first", replace=False)
        with pytest.raises(FileExistsError):
            aside.write(str(path), b"second", replace=False)
        assert path.read_bytes() == b"first"
        assert os.listdir(tmp_path) == ["file"]

    def test_a_link_is_no_place_for_it(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("elsewhere")
        with pytest.raises(FileExistsError):
            aside.write(str(tmp_path / "link"), b"new", replace=False)
        assert not (tmp_path / "elsewhere").exists()

    @pytest.mark.parametrize("call", ["fsync", "link"])
    def test_it_is_whole_or_not_there_at_any_moment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        def killed(*_: object, **__: object) -> None:
            raise SystemExit

        monkeypatch.setattr(os, call, killed)
        with pytest.raises(SystemExit):
            aside.write(str(tmp_path / "file"), b"new", replace=False)
        assert not (tmp_path / "file").exists()

    def test_a_file_system_without_hard_links(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", fails)
        aside.write(str(tmp_path / "file"), b"new", replace=False)
        with pytest.raises(FileExistsError):
            aside.write(str(tmp_path / "file"), b"newer", replace=False)
        assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("file", b"new")]
