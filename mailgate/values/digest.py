"""SHA-256 without loading OpenSSL: every delivery needs a digest, and the library costs it ten milliseconds."""

import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:  # the interpreter's own implementation, as the stdlib's `random` uses it, under the name it has
        sha256 = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256
    except ImportError:
        from hashlib import sha256

__all__ = ["Hash", "sha256"]


class Hash(Protocol):
    """What a running digest can do."""

    def update(self, data: bytes | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...
