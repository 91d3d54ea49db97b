"""The options of `add` and `set`, and what they change: out of the table of fields that the file has, too."""

from collections.abc import Callable, Mapping

import click

from mailgate.cli.ui.options import assignment
from mailgate.export.fields import Field, Kind
from mailgate.values.light import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_SWITCH = "on|off"
"""The metavar of a yes or no that is spelled so."""


def options(kind: Kind) -> Callable[[F], F]:
    """The options of `add`, and those that `set` shares with it."""
    return _all([_option(field) for field in kind.fields if field.help])


def removals(kind: Kind) -> Callable[[F], F]:
    """The options of `set` alone, which take something away."""
    clear = [
        click.option(f"--no-{field.name}", f"no_{field.name}", is_flag=True, help=field.without)
        for field in kind.fields
        if field.without
    ]
    tables = [field for field in kind.fields if field.help and field.form.wants is dict]
    unset = [
        click.option("--unset", metavar="K", multiple=True, help="Key of a value to remove; repeatable.")
        for _ in tables[:1]
    ]
    return _all([*unset, *clear])


def _all(decorators: list[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def _option(field: Field) -> Callable[[F], F]:
    wants, metavar = field.form.wants, field.form.metavar or None
    flag = field.name.replace("_", "-")
    names = (field.option or f"--{flag}", field.name)
    if metavar == _SWITCH:
        return click.option(*names, type=click.Choice(_SWITCH.split("|")), help=field.help)
    if wants is bool:
        names = (field.option or f"--{flag}/--no-{flag}", field.name)
        return click.option(*names, is_flag=True, default=None, help=field.help)
    if isinstance(wants, tuple):
        return click.option(*names, type=click.Choice(wants), help=field.help)
    if wants is int:
        return click.option(*names, type=click.IntRange(1), metavar=metavar, help=field.help)
    return click.option(*names, metavar=metavar, multiple=wants in (list, dict), help=field.help)


def changed(kind: Kind, old: Any, stated: Mapping[str, Any]) -> Any:
    """A thing with what the options say; `given` has them by the names of the fields. Raises Problem."""
    return old._replace(**attributes(kind, old, stated))


def attributes(kind: Kind, old: Any, stated: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that options state, and their new values. Raises Problem."""
    unset = stated.get("unset", ())
    changes: dict[str, Any] = {}
    for field in kind.stored:
        value = stated.get(field.name)
        if stated.get(f"no_{field.name}"):
            changes[field.attribute] = getattr(kind.blank, field.attribute)
        if field.form.wants is dict and field.help and (value or unset):
            kept = {key: text for key, text in getattr(old, field.attribute).items() if key not in unset}
            changes[field.attribute] = field.form.check({**kept, **dict(map(assignment, value or ()))})
        elif value is not None and value != ():
            changes[field.attribute] = field.form.check(value == "on" if field.form.metavar == _SWITCH else value)
    return changes
