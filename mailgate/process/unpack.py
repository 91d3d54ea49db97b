"""Save the attachments of a message to files; nothing in the message decides where, or what is overwritten."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.mail.content import Attachment, attachment_reader
from mailgate.values.problem import NotFound, Problem

_NAME_LIMIT = 150
_UNSAFE = re.compile(r"[^\w.+@=, ()-]+")


class Saved(NamedTuple):
    """A saved attachment: the path of the file, the name in the message, and the size in octets."""

    path: str
    name: str
    size: int


def file_name(position: int, name: str) -> str:
    """The name of a file: the position, then the harmless characters of the sender's name, at most 150 octets."""
    harmless = _UNSAFE.sub("_", name).strip(" .") or "attachment"
    stem, dot, suffix = harmless.rpartition(".")
    suffix = dot + suffix[:20] if stem else ""
    stem = (stem or harmless).encode("utf-8")[: _NAME_LIMIT - len(suffix.encode()) - 4].decode("utf-8", "ignore")
    return f"{position:03}-{stem}{suffix}"


def save(raw: bytes, attachments: Sequence[Attachment], name: str | None, folder: str) -> list[Saved]:
    """Write every attachment, or those called `name`, into a folder, which is created when it is missing.

    Raises NotFound when there is no such attachment, Problem when a file exists already. Links are never followed.
    """
    selected = [(at, file) for at, file in enumerate(attachments) if name is None or file.name == name]
    if not selected:
        raise NotFound(f"no attachment `{name}`" if name else "the message has no attachment")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    octets = attachment_reader(raw)
    saved = []
    for at, attachment in selected:
        path = os.path.join(folder, file_name(at + 1, attachment.name))
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            raise Problem(f"{path} exists already", advice="choose another folder") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets(at))
        saved.append(Saved(path, attachment.name, attachment.size))
    return saved
