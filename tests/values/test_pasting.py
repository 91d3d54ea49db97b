"""Every command that the program can print, for every value that somebody may choose."""

from pathlib import Path

import pytest
from helpers import pasting
from helpers.pasting import NAMES, Printed
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailgate.values.problem import command

TEMPLATES = dict(pasting.templates())
FIELDS = {place: template.count("{") for place, template in TEMPLATES.items() if "{" in template}
HOSTILE = st.text(st.sampled_from("ab-'\"`$(){}[]*?!~#;&|<>\\= \n\t\x1b\u202eé日%^,@:"), max_size=12)


def test_the_program_prints_commands() -> None:
    assert len(FIELDS) > 100
    assert {template.split()[0] for template in TEMPLATES.values()} > {"mailgate", "chmod", "install", "postconf"}


MOST = max(FIELDS.values())


@given(st.lists(HOSTILE | st.text(max_size=8), min_size=MOST, max_size=MOST))
@settings(max_examples=60, deadline=None)
@example(["-x", "--", "-"])
@example(["{A}", "}", "{"])
@example(["", " ", "'"])
def test_a_value_is_one_word_of_every_template(values: list[str]) -> None:
    for place, number in FIELDS.items():
        chosen = tuple((values * number)[:number])
        pasting.check(Printed(TEMPLATES[place], chosen, command(TEMPLATES[place], *chosen)))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_shell_reads_every_template_with_a_hostile_name(name: str, tmp_path: Path) -> None:
    lines = [command(TEMPLATES[place], *[name] * number) for place, number in FIELDS.items()]
    pasting.shell(lines, tmp_path)
