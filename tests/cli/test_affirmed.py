"""Nothing is affirmed that is not so: what would match nothing, or reach nobody, is refused or warned of."""

import pytest
from helpers.installed import Installed


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("alias", "add", "*@example.com", "--model", "ticket"), "`*@example.com` would match nothing"),
        (("alias", "add", "*", "--model", "ticket"), "`*` would match nothing"),
        (("contact", "add", "*@partner.org"), "`*@partner.org` would match nobody"),
        (("domain", "add", "foo_bar.org"), "`foo_bar.org` cannot be a mail domain"),
    ],
)
def test_what_would_match_nothing_is_refused(office: Installed, words: tuple[str, ...], text: str) -> None:
    screen = office(*words)
    assert (screen.exit, screen.out) == (1, "")
    assert screen.err.startswith(f"error: {text}")
    assert "\nhint: " in screen.err


def test_a_name_with_a_star_in_it_is_a_name(office: Installed) -> None:
    """The control: RFC 5322 allows it in an atom."""
    office.ok("alias", "add", "a*b@example.com", "--model", "ticket")
    assert office.deliver(office.mail("a*b@example.com"), "a*b@example.com").exit == 0
    assert office.json("record", "list")[-1]["alias"] == "a*b@example.com"


def test_a_domain_without_a_dot_is_warned_of(office: Installed) -> None:
    screen = office("domain", "add", "vm")
    assert (screen.exit, "vm has no dot" in screen.err) == (0, True)
    assert "dot" not in office("domain", "add", "vm.example.org").err
