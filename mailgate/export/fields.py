"""What a field is: a key of the file and of JSON, an option of `add` and `set`, a line of `show`."""

from collections.abc import Callable, Mapping

from mailgate.values.light import Any, NamedTuple
from mailgate.values.record import Ref

Wants = type | tuple[str, ...]
"""The type of a value, or the words it may be; a list is one of texts, a dict one of texts to texts."""


class Form(NamedTuple):
    """How a value is written, in a file and on a command line.

    `check` turns what is written into the value, and raises Problem; `show` turns the value into what a file says;
    `metavar` stands for it in the help of an option.
    """

    wants: Wants
    metavar: str = ""
    check: Callable[[Any], Any] = lambda value: value
    show: Callable[[Any], Any] = lambda value: value


class Field(NamedTuple):
    """One field of a kind of thing; a new one is one line of the table, beside its rule and its column.

    `name` is its key in the file, and in JSON where `json` names no other; `attribute` is the field of the value, `""`
    where other rows hold it. `help` explains the option of `add` and `set`, `""` where there is none; `option` is its
    name where that is not `--NAME` (and `--no-NAME` for a flag). `without` explains the option `--no-NAME` of `set`,
    which takes the default again.
    """

    name: str
    attribute: str
    form: Form
    help: str = ""
    option: str = ""
    without: str = ""
    json: str = ""

    @property
    def label(self) -> str:
        """Its name on a screen."""
        return (self.json or self.name).replace("_", " ")


class Kind(NamedTuple):
    """A kind of thing: how its name is spelled in the store, its fields, one that has every default, what it needs."""

    name: str
    spell: Callable[[str], str]
    fields: tuple[Field, ...]
    blank: Any
    needs: tuple[str, ...] = ()

    @property
    def stored(self) -> list[Field]:
        """The fields that its own row has."""
        return [field for field in self.fields if field.attribute]

    def defaults(self) -> dict[str, Any]:
        """What every key says when it is left out."""
        return {
            field.name: field.form.show(getattr(self.blank, field.attribute) if field.attribute else ())
            for field in self.fields
        }


def to_json(kind: Kind, entity: Any) -> dict[str, Any]:
    """The fields of a thing as JSON."""
    return {field.json or field.name: _plain(getattr(entity, field.attribute)) for field in kind.stored}


def _plain(value: Any) -> Any:
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def as_text(value: Any) -> str:
    """A value in a line, `""` for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={text}" for key, text in value.items())
    if isinstance(value, tuple | list) and not isinstance(value, Ref):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def lines(kind: Kind, entity: Any, **texts: object) -> list[tuple[str, object]]:
    """Label and text of every field of a thing; `texts`: what a field says instead, by its name."""
    return [
        (field.label, texts[field.name] if field.name in texts else as_text(getattr(entity, field.attribute)))
        for field in kind.stored
    ]
