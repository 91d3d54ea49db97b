"""The name of a record."""

from mailgate.values.light import NamedTuple


class Ref(NamedTuple):
    """A record: `MODEL/ID`, ids count from 1 within a model."""

    model: str
    id: int

    def __str__(self) -> str:
        return f"{self.model}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Ref | None":
        """`crm.lead/7` -> Ref; None when the text is no such thing."""
        model, slash, number = text.rpartition("/")
        if not slash or not model or not number.isdecimal() or len(number) > 18 or not number.isascii():
            return None
        return cls(model, int(number)) if int(number) > 0 else None
