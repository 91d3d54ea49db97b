"""Regular expressions that are compiled when they are used first: most deliveries use a third of them."""

import re

from mailgate.values.light import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from re import compile as pattern
else:

    class pattern:  # noqa: N801 - called as re.compile is
        """What `re.compile` gives, later."""

        __slots__ = ("_asked", "findall", "finditer", "fullmatch", "match", "search", "split", "sub")

        def __init__(self, source: str | bytes, flags: int = 0) -> None:
            self._asked = source, flags

        def __getattr__(self, name: str) -> Any:
            compiled = re.compile(*self._asked)
            for slot in self.__slots__[1:]:
                setattr(self, slot, getattr(compiled, slot))
            return getattr(compiled, name)


__all__ = ["pattern"]
