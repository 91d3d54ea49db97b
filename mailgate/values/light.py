"""Named tuples, and the words of annotations, without what `typing` and `collections.namedtuple` cost at every start.

A process is made for each message, defines a hundred kinds of values in it, and makes a few of each. `NamedTuple` here
is that of `typing` for a type checker and for its users; its constructor is compiled when it has been of use, and the
words of annotations are empty.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or sys.version_info >= (3, 14):  # there, annotations are not read when a class is defined
    from typing import Any as Any
    from typing import NamedTuple as NamedTuple
    from typing import NewType as NewType
    from typing import NoReturn as NoReturn
    from typing import Protocol as Protocol
    from typing import TypeVar as TypeVar
else:
    from _collections import _tuplegetter
    from keyword import iskeyword

    Any = NoReturn = object

    class Protocol:
        """What a value must be able to do, for type checkers."""

    def TypeVar(_name, **_options):  # noqa: N802 - the name that it has in typing
        """A type that is not known yet, for type checkers."""
        return object

    def NewType(_name, kind):  # noqa: N802 - the name that it has in typing
        """A kind of values that only type checkers know."""
        return kind

    _COMPILED = 12
    """Values of a kind from which on a constructor of its own pays off."""

    class _Value(tuple):
        """What all named tuples have in common."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012 - never changed
        _made = {}  # noqa: RUF012 - kind -> how many were made without a constructor of their own

        def __new__(cls, /, *values, **named):
            made = cls._made[cls] = cls._made.get(cls, 0) + 1
            if made <= _COMPILED:
                for field in cls._fields[len(values) :] if named or cls._field_defaults else ():
                    if field in named:
                        values += (named.pop(field),)
                    elif field in cls._field_defaults:
                        values += (cls._field_defaults[field],)
                    else:
                        break
                if not named and len(values) == len(cls._fields):
                    return tuple.__new__(cls, values)
            return _compile(cls)(cls, *values, **named)

        @classmethod
        def _make(cls, values):
            """A value out of all its fields."""
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, /, **changes):
            """The same value with other fields."""
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"Got unexpected field names: {list(changes)!r}")
            return made

        def _asdict(self):
            """The fields by their names."""
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in zip(self._fields, self, strict=True))})"

        def __getnewargs__(self):
            return tuple(self)

    def _compile(cls):
        """Give a kind of values the constructor that `collections.namedtuple` would make."""
        owner = next(each for each in cls.__mro__ if "_fields" in each.__dict__)
        names = "".join(f"{field}, " for field in owner._fields)
        space = {"new": tuple.__new__, "__builtins__": {}, "__name__": f"namedtuple_{owner.__name__}"}
        made = eval(f"lambda _cls, {names}: new(_cls, ({names}))", space)  # noqa: S307 - names of fields
        made.__name__ = "__new__"
        made.__defaults__ = tuple(owner._field_defaults.values())
        owner.__new__ = made
        return made

    class _Meta(type):
        """Makes a kind of values out of a class statement."""

        def __new__(cls, name, _bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = {field: namespace[field] for field in fields if field in namespace}
            if list(defaults) != list(fields[len(fields) - len(defaults) :]):
                raise TypeError(f"{name}: a field without a default comes after one with a default")
            if wrong := [field for field in fields if field.startswith("_") or iskeyword(field)]:
                raise ValueError(f"{name}: no names of fields: {wrong}")
            for at, field in enumerate(fields):
                namespace[field] = _tuplegetter(at, None)
            namespace |= {"_fields": fields, "_field_defaults": defaults, "__match_args__": fields, "__slots__": ()}
            return type(name, (_Value,), namespace)

    NamedTuple = type.__new__(_Meta, "NamedTuple", (), {"__doc__": "The base of a class of values."})
