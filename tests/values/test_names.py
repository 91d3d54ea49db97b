"""What aliases, own addresses and models may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.values import names
from mailgate.values.problem import Problem


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        pytest.param("support", "support", id="plain"),
        pytest.param("Support", "support", id="lower-case"),
        pytest.param("  jobs\t", "jobs", id="white-space-around"),
        pytest.param("bidule...inc.", "bidule.inc", id="dots-collapse-and-end"),
        pytest.param("..jobs..", "jobs", id="dots-around"),
        pytest.param(" . jobs . ", "jobs", id="dots-and-white-space-around"),
        pytest.param("hélène.prôvâïder", "helene.provaider", id="accents"),
        pytest.param("he\u0301le\u0300ne", "helene", id="accents-decomposed"),
        pytest.param("jobs@example.com", "jobs", id="domain-splits-off"),
        pytest.param("jobs@", "jobs", id="empty-domain-splits-off"),
        pytest.param("jobs.@example.com", "jobs", id="dot-before-the-domain"),
        pytest.param(
            "b4r+=*R3wl_#_-$€{}[]()~|\\/!?&%^'\"`~", "b4r+=*r3wl_#_-$-{}-~|-/!?&%^'-`~", id="every-atom-character"
        ),
        pytest.param("new  jobs, please", "new-jobs-please", id="runs-become-one-hyphen"),
        pytest.param("😊", "-", id="emoji-alone"),
        pytest.param("Déboulonneur 😊", "deboulonneur-", id="emoji-behind-a-blank"),
        pytest.param("a—b", "a-b", id="dash"),
        pytest.param("a\0b", "a-b", id="nul"),
        pytest.param("a,.b", "a-.b", id="dot-behind-a-run"),
        pytest.param("İstanbul", "istanbul", id="dotted-capital-i"),
        pytest.param("ÅNGSTRÖM", "angstrom", id="capital-accents"),
    ],
)
def test_a_typed_local_part_becomes_a_name(typed: str, name: str) -> None:
    assert names.local_part(typed) == name


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param("...", id="only-dots"),
        pytest.param("@example.com", id="only-a-domain"),
        pytest.param("\u0301", id="only-an-accent"),
        pytest.param("ß", id="sharp-s"),
        pytest.param("straße", id="sharp-s-inside"),
        pytest.param("łódź", id="stroke-is-no-accent"),
        pytest.param("ぁ", id="hiragana"),
        pytest.param("работа", id="cyrillic"),
        pytest.param("jobѕ", id="one-cyrillic-letter"),
        pytest.param("info٣", id="arabic-digit"),
        pytest.param("ﬁsh", id="ligature"),
        pytest.param("x" * 65, id="over-64"),
    ],
)
def test_an_impossible_local_part_is_refused(typed: str) -> None:
    with pytest.raises(Problem) as caught:
        names.local_part(typed)
    assert "?" not in str(caught.value)
    assert caught.value.hints


@given(st.text(max_size=30))
def test_a_name_is_a_fixed_point(typed: str) -> None:
    try:
        name = names.local_part(typed)
    except Problem:
        return
    assert name.isascii()
    assert name == names.local_part(name)
    assert not name.startswith(".")
    assert not name.endswith(".")
    assert ".." not in name


@pytest.mark.parametrize("name", ["crm.lead", "a", "Help_desk-2", "x" * 100])
def test_a_model_name_is_taken_as_it_is(name: str) -> None:
    assert names.model(name) == name


@pytest.mark.parametrize("name", ["", "crm lead", "crm/lead", "crm.lead\n", "löve", "x" * 101, "a@b"])
def test_an_impossible_model_name_is_refused(name: str) -> None:
    with pytest.raises(Problem):
        names.model(name)
