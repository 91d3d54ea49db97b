"""The light NamedTuple does what that of `typing` does."""

import pickle
from typing import NamedTuple as Heavy

import pytest

from mailgate.values.light import NamedTuple


class Point(NamedTuple):
    """A point."""

    x: int
    y: str = "a"
    z: tuple[int, ...] = ()

    @property
    def both(self) -> tuple[int, str]:
        return self.x, self.y


class Same(Heavy):
    """A point."""

    x: int
    y: str = "a"
    z: tuple[int, ...] = ()


class Named(NamedTuple):
    x: int


MANY = 30
"""Values of a kind: the first ones are made without a constructor of their own."""


def test_values_are_those_of_typing() -> None:
    for number in range(MANY):
        assert Point(number) == Same(number)
        assert Point(number, z=(1,), y="b") == Same(number, z=(1,), y="b") == (number, "b", (1,))
        assert Named(number) == (number,)
    point = Point(1, "b")
    assert (point.x, point.both, point.z) == (1, (1, "b"), ())
    assert (Point._fields, Point._field_defaults, Point.__doc__) == (Same._fields, Same._field_defaults, "A point.")
    assert repr(point).replace("Point", "Same") == repr(Same(1, "b"))
    assert point._replace(x=2) == (2, "b", ())
    assert point._asdict() == {"x": 1, "y": "b", "z": ()}
    assert Point._make([1, "b", ()]) == point
    assert pickle.loads(pickle.dumps(point)) == point
    assert not hasattr(point, "__dict__")
    match point:
        case Point(1, y):
            assert y == "b"


@pytest.mark.parametrize("many", [1, MANY])
@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1, 2, 3, 4), {}), ((1,), {"q": 2}), ((1,), {"x": 2}), ((), {"y": 2})]
)
def test_wrong_calls_fail_as_those_of_typing(many: int, values: tuple[int, ...], named: dict[str, int]) -> None:
    class Fresh(NamedTuple):
        x: int
        y: str = "a"
        z: tuple[int, ...] = ()

    for number in range(many):
        assert Fresh(number) == (number, "a", ())
    with pytest.raises(TypeError) as mine:
        Fresh(*values, **named)  # type: ignore[arg-type]
    with pytest.raises(TypeError) as theirs:
        Same(*values, **named)  # type: ignore[arg-type]
    assert str(mine.value).partition("()")[2] == str(theirs.value).partition("()")[2]


def test_wrong_changes_fail_as_those_of_typing() -> None:
    with pytest.raises(ValueError, match="unexpected field names"):
        Point(1)._replace(q=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Expected 3 arguments, got 1"):
        Point._make([1])


def test_wrong_classes_are_refused() -> None:
    with pytest.raises(TypeError, match="without a default"):

        class _Late(NamedTuple):
            x: int = 1
            y: int  # type: ignore[misc]

    with pytest.raises(ValueError, match="_x"):

        class _Private(NamedTuple):
            _x: int  # type: ignore[misc]
