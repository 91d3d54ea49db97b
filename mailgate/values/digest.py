"""SHA-256 without OpenSSL, whose import costs every delivery ten milliseconds.

A digest is stored and shown as 64 lower-case hexadecimal digits. `mail.digest` explains that of a message.
"""

import sys

from mailgate.values.light import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:  # the interpreter's own implementation, which the stdlib's `random` uses too
        sha256 = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256
    except ImportError:
        from hashlib import sha256

__all__ = ["Hash", "sha256"]


class Hash(Protocol):
    """A digest that is being computed."""

    def update(self, data: bytes | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...
