"""Attachments on disk: names of the sender's that decide nothing."""

from pathlib import Path

import pytest

from mailgate.mail import mime
from mailgate.mail.content import content
from mailgate.process import unpack
from mailgate.values.problem import NotFound, Problem


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        pytest.param("report.pdf", "001-report.pdf", id="plain"),
        pytest.param("../../../etc/cron.d/x", "001-_.._.._etc_cron.d_x", id="traversal"),
        pytest.param("/etc/passwd", "001-_etc_passwd", id="absolute"),
        pytest.param("..", "001-attachment", id="dots"),
        pytest.param("-rf", "001--rf", id="option"),
        pytest.param("a\0b\n\x1b[31m.txt", "001-a_b_31m.txt", id="control"),
        pytest.param("x\u202efdp.exe", "001-x_fdp.exe", id="bidi"),
        pytest.param("Übersicht (2).ods", "001-Übersicht (2).ods", id="umlaut"),
        pytest.param("", "001-attachment", id="empty"),
        pytest.param("CON.", "001-CON", id="trailing-dot"),
    ],
)
def test_a_file_name_only_names(name: str, wanted: str) -> None:
    assert unpack.file_name(1, name) == wanted


def test_a_long_name_keeps_its_suffix() -> None:
    name = unpack.file_name(7, "ä" * 5000 + ".pdf")
    assert len(name.encode()) <= 150
    assert name.endswith("ä.pdf")


MESSAGE = b"""\
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; name="../../evil"
Content-Disposition: attachment; filename="../../evil"

one
--b
Content-Type: application/octet-stream; name="two.bin"
Content-Transfer-Encoding: base64

AAEC
--b--
"""


def test_every_attachment_is_written_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    saved = unpack.save(MESSAGE, content(MESSAGE).attachments, None, str(folder))
    assert sorted(path.name for path in folder.iterdir()) == ["001-evil", "002-two.bin"]
    assert (folder / "002-two.bin").read_bytes() == b"\0\1\2"
    assert [each.size for each in saved] == [path.stat().st_size for path in sorted(folder.iterdir())]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_one_attachment_is_chosen_by_its_name(tmp_path: Path) -> None:
    saved = unpack.save(MESSAGE, content(MESSAGE).attachments, "two.bin", str(tmp_path))
    assert [each.name for each in saved] == ["two.bin"]
    with pytest.raises(NotFound, match="no attachment `three`"):
        unpack.save(MESSAGE, content(MESSAGE).attachments, "three", str(tmp_path))
    with pytest.raises(NotFound, match="no attachment"):
        unpack.save(b"From: a@b\n\nx", (), None, str(tmp_path))


def test_nothing_is_overwritten_and_no_link_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "001-evil").symlink_to(outside)
    with pytest.raises(Problem, match="exists already"):
        unpack.save(MESSAGE, content(MESSAGE).attachments, None, str(tmp_path / "out"))
    assert not outside.exists()


def test_a_message_is_parsed_once_for_all_its_attachments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attachments = content(MESSAGE).attachments
    assert len(attachments) > 1
    parsed = []
    tree = mime.tree
    monkeypatch.setattr(mime, "tree", lambda raw: parsed.append(raw) or tree(raw))
    unpack.save(MESSAGE, attachments, None, str(tmp_path))
    assert len(parsed) == 1
