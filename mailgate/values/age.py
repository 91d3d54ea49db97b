"""Ages as people write them: `30s`, `2h`, `7d`, `6w`, `2y`."""

UNITS = {"s": 1.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_557_600.0}
"""Unit -> its seconds; a year has 365.25 days."""


def seconds(text: str) -> float | None:
    """The seconds of an age, None for other text."""
    number, unit = text[:-1].strip(), text[-1:]
    if unit not in UNITS or not number.isascii() or not number.isdecimal() or len(number) > 6:
        return None
    return int(number) * UNITS[unit]
