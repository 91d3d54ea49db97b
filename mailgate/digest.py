"""SHA-256 without loading OpenSSL: every delivery needs a digest, and the library costs it ten milliseconds."""

from typing import Protocol

try:  # the interpreter's own implementation, as the stdlib's `random` uses it; its module has two names
    from _sha2 import sha256
except ImportError:
    try:
        from _sha256 import sha256
    except ImportError:
        from hashlib import sha256

__all__ = ["Hash", "sha256"]


class Hash(Protocol):
    """What a running digest can do."""

    def update(self, data: bytes | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...
