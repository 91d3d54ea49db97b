"""Name a file in a message: what a person can tell it by, with a suffix that fits its type."""

import re
from typing import NamedTuple

from mailgate.mail.entity import file_name

_SUFFIXES = {
    "application/gzip": "gz",
    "application/ics": "ics",
    "application/json": "json",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/pgp-encrypted": "asc",
    "application/pgp-keys": "asc",
    "application/pgp-signature": "asc",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/postscript": "ps",
    "application/rtf": "rtf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-outlook": "msg",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.ms-tnef": "dat",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/x-gzip": "gz",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
    "application/x-tar": "tar",
    "application/x-zip-compressed": "zip",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/pjpeg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "image/x-png": "png",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/feedback-report": "txt",
    "message/global": "eml",
    "message/global-delivery-status": "txt",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/directory": "vcf",
    "text/html": "html",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
    "text/rtf": "rtf",
    "text/vcard": "vcf",
    "text/x-vcalendar": "vcs",
    "text/x-vcard": "vcf",
    "text/xml": "xml",
    "video/3gpp": "3gp",
    "video/mp4": "mp4",
    "video/mpeg": "mpg",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-msvideo": "avi",
}
_TYPES = {suffix: type_ for type_, suffix in reversed(_SUFFIXES.items())}
_TYPES |= {"txt": "text/plain", "ics": "text/calendar", "zip": "application/zip"}
_SUFFIX = re.compile(r"\.[A-Za-z0-9_~-]{1,10}$")
_UNSAID = ("text/plain",)
"""Types of files whose names need no suffix, such as README."""


class File(NamedTuple):
    """A file that is not a part of MIME: in winmail.dat, or written into text."""

    name: str
    type: str
    data: bytes
    content_id: str = ""


def named(given: str, type_: str, hints: tuple[str, ...]) -> str:
    """The name of a file: as given, else of the first of these hints that is one, always with a suffix.

    A name that is given keeps a suffix of any kind, and gets one where its type is known.
    """
    if given:
        return given if type_ in _UNSAID else _suffixed(given, type_)
    for hint in hints:
        name = file_name(hint)
        if name and name != "attachment":
            return _suffixed(name, type_) if type_ in _SUFFIXES or not _SUFFIX.search(name) else name
    return f"attachment.{_SUFFIXES.get(type_, 'bin')}"


def location(text: str) -> str:
    """What of a Content-Location or a Content-ID names a file: `image001.jpg@01D0.5` of Outlook is `image001.jpg`."""
    name = text.partition("?")[0].partition("@")[0].rstrip("/").rpartition("/")[2]
    return name if _SUFFIX.search(name) else ""


def type_of(name: str) -> str:
    """The type of a file by the suffix of its name."""
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def _suffixed(name: str, type_: str) -> str:
    suffix = _SUFFIXES.get(type_)
    if not suffix or (_SUFFIX.search(name) and (type_ not in ("message/rfc822", "message/global"))):
        return name
    return name if name.lower().endswith(f".{suffix}") else file_name(f"{name}.{suffix}")
