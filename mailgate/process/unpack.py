"""Write the attachments of a message out: no path, name or byte of it decides where, or over what."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from mailgate.mail.content import Attachment, attachment_bytes
from mailgate.values.problem import NotFound, Problem

_NAME_LIMIT = 150
_UNSAFE = re.compile(r"[^\w.+@=, ()-]+")


class Saved(NamedTuple):
    """A file that was written: its path, the name its sender gave it, and its size in octets."""

    path: str
    name: str
    size: int


def file_name(position: int, name: str) -> str:
    """A name for a file: a number of ours in front, then what is harmless of the sender's, at most 150 octets."""
    harmless = _UNSAFE.sub("_", name).strip(" .") or "attachment"
    stem, dot, suffix = harmless.rpartition(".")
    suffix = dot + suffix[:20] if stem else ""
    stem = (stem or harmless).encode("utf-8")[: _NAME_LIMIT - len(suffix.encode()) - 4].decode("utf-8", "ignore")
    return f"{position:03}-{stem}{suffix}"


def save(raw: bytes, attachments: Sequence[Attachment], wanted: str | None, folder: str) -> list[Saved]:
    """Write every attachment, or those named `wanted`, into a folder that is made when there is none.

    Raises NotFound when nothing is so named, Problem when a file is there already; a link is never followed.
    """
    chosen = [(at, each) for at, each in enumerate(attachments) if wanted is None or each.name == wanted]
    if not chosen:
        raise NotFound(f"no attachment `{wanted}`" if wanted else "the message has no attachment")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    saved = []
    for at, each in chosen:
        path = os.path.join(folder, file_name(at + 1, each.name))
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            raise Problem(f"{path} is there already", "choose another folder") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(attachment_bytes(raw, at))
        saved.append(Saved(path, each.name, each.size))
    return saved
