"""The reader of plain configuration files never differs from the TOML parser: it gives the same, or it gives up."""

import random
import tomllib

import pytest

from mailgate.settings import plain

FILE = b"""\
# A comment
[store]
url = "sqlite:////var/lib/mailgate/mailgate.db"

[limits]
max_size = 52428800
records_per_alias = 0
[authentication]
trusted_authserv_ids = ["mx.example.com", "mx2.example.com"]
border_strips = true
[notify]
to = []
"""
PIECES = [
    *(
        "[a]",
        "[ a ]",
        "[a.b]",
        "[[a]]",
        "[a",
        "[]",
        '["a"]',
        "[a] # c",
        "a",
        "a = 1",
        "b=2",
        "a = 01",
        "a = 1_0",
        "a=-1",
    ),
    *('a = "x"', 'a = "x" # c', 'a = "x\\n"', "a = 'x'", 'a = """x"""', 'a = "x#y"', 'a = ["x", "y,z"]', 'a = ["x",]'),
    *(
        "a = []",
        'a = [ "x" ]',
        'a = ["x" "y"]',
        "a = [1]",
        "a = true",
        "a = True",
        "a = 1.5",
        "a = 1979-05-27",
        "a = {}",
    ),
    *("a.b = 1", '"a" = 1', "a-b = 1", "a_b = 1", "é = 1", "a = ", "= 1", "# c", "", "  ", "a = 0", "a = 00", "a = +1"),
    *("[b]", "[é]", "a = [[]]", 'a = "', 'a = ""', "a = inf", "a = 0x1", 'a = ["x"', 'a = "x"]', "\ta = 1", "a\t= 1"),
]


def agrees(octets: bytes) -> bool:
    """Whether a file was read; it must be as the parser reads it then."""
    quick = plain.read(octets)
    if quick is not None:
        assert quick == tomllib.loads(octets.decode()), octets
    return quick is not None


def test_plain_files_are_read() -> None:
    assert agrees(FILE)
    assert agrees(b"")


@pytest.mark.parametrize("first", PIECES)
def test_no_line_is_read_otherwise_than_the_parser_does(first: str) -> None:
    for second in PIECES:
        for between in ("\n", "\r\n", "\n\n"):
            agrees(between.join(("[c]", first, second)).encode())
            agrees(between.join((first, second)).encode())


def test_no_damaged_file_is_read_otherwise() -> None:
    dice = random.Random(1)
    read = 0
    for _ in range(20_000):
        octets = bytearray(FILE)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(octets))
            match dice.randrange(3):
                case 0:
                    octets[at : at + dice.randrange(1, 9)] = b""
                case 1:
                    octets.insert(at, dice.choice(b'"\\#[]=,.\n\r\t 0a_-\x00\xc3'))
                case 2:
                    start = dice.randrange(len(octets))
                    octets[at:at] = octets[start : start + dice.randrange(1, 40)]
        read += agrees(bytes(octets))
    assert read > 1000
