"""Our settings go into the texts of an administrator, and come out of them again."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.mta import edit, revert

MAIN = "# mine\nrelay_domains = a.example,\n  b.example\nmynetworks = 127.0.0.1/32"
OURS = (
    "# Lines for main.cf\n\n# Why.\nrelay_domains = a.example, b.example, hash:/t\n# Because.\nmessage_size_limit = 5\n"
)
MASTER = "smtp inet n - n - - smtpd\n  -o a=b\n# the end\n"
SERVICE = "# Lines\nmailgate  unix  -  n  n  -  10  pipe\n  # why\n  flags=R\n  argv=x\n"


def test_a_parameter_is_replaced_where_it_is_and_added_where_it_is_not() -> None:
    text = edit.main(MAIN, OURS)
    assert text == (
        "# mine\nrelay_domains = a.example, b.example, hash:/t\nmynetworks = 127.0.0.1/32\n"
        "# Made by `mailgate setup postfix --apply`; --remove takes it out again.\n# Because.\nmessage_size_limit = 5\n"
    )
    assert edit.main(text, OURS) == text


def test_a_list_that_has_everything_stays_as_it_is_written() -> None:
    assert edit.main(MAIN, "relay_domains = a.example, b.example\n") == MAIN


def test_a_service_is_added_once() -> None:
    text = edit.service(MASTER, SERVICE)
    assert text.startswith(MASTER)
    assert text.endswith("mailgate  unix  -  n  n  -  10  pipe\n  # why\n  flags=R\n  argv=x\n")
    assert edit.service(text, SERVICE) == text
    assert edit.service_of(text, "mailgate") == "mailgate unix - n n - 10 pipe flags=R argv=x"
    assert edit.service(text, SERVICE.replace("10", "20")) == text.replace("10", "20")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '\n[maps]\nfolder = "/t"\n'),
        ('[maps]\n# folder = "x"\nshared = []\n', '[maps]\nfolder = "/t"\nshared = []\n'),
        ('[maps]\nfolder = "x"\n[held]\n', '[maps]\nfolder = "/t"\n[held]\n'),
        ('[maps]\n[held]\n# folder = ""\n', '[maps]\nfolder = "/t"\n[held]\n# folder = ""\n'),
    ],
)
def test_a_key_goes_into_its_section(before: str, after: str) -> None:
    assert edit.toml(before, "maps", "folder", '"/t"') == after


def test_a_line_that_includes_a_file_is_put_in_once() -> None:
    text = edit.included("a\nbegin routers\nb\n", "begin routers", ".include /x")
    assert text == "a\nbegin routers\n.include /x\nb\n"
    assert edit.included(text, "begin routers", ".include /x") == text
    assert edit.included("a\n", "", ".include /x") == ".include /x\na\n"


@pytest.mark.parametrize(
    ("old", "edited", "left"),
    [
        (MAIN, lambda text: text, MAIN),
        (MAIN, lambda text: text + "new = 1\n", f"{MAIN}\nnew = 1\n"),
        (MAIN, lambda text: "top = 1\n" + text, f"top = 1\n{MAIN}"),
        (
            MAIN,
            lambda text: text.replace("hash:/t", "hash:/t, c.example"),
            "# mine\nrelay_domains = a.example, b.example, c.example\nmynetworks = 127.0.0.1/32",
        ),
        ("x = 1\n", lambda text: text.replace("hash:/t", "hash:/t, c.example"), "x = 1\nrelay_domains = c.example\n"),
        ("x = 1\n", lambda text: text.replace(", hash:/t", "").replace("a.example, b.example", "hash:/t"), "x = 1\n"),
        ("x = 1\n", lambda text: text.replace("message_size_limit = 5\n", ""), "x = 1\n"),
    ],
    ids=["nothing", "a line below", "a line above", "an item", "an item of ours alone", "fewer items", "fewer lines"],
)
def test_what_was_edited_since_is_kept(old: str, edited: Callable[[str], str], left: str) -> None:
    new = edit.main(old, OURS.replace("a.example, b.example, hash:/t", "hash:/t") if "x = 1" in old else OURS)
    assert revert.without(edited(new), old, new) == left


def test_a_service_that_was_edited_goes_too() -> None:
    new = edit.service(MASTER, SERVICE)
    assert revert.without(new.replace("10  pipe", "20  pipe") + "last unix\n", MASTER, new) == f"{MASTER}last unix\n"


TEXTS = st.lists(st.sampled_from(["a = 1", "relay_domains = x", "# c", "", "  y", "message_size_limit=7"])).map(
    "\n".join
)


@given(TEXTS)
def test_nothing_is_left_of_a_change(text: str) -> None:
    new = edit.main(text, OURS)
    assert revert.without(new, text, new) == text
    assert edit.main(new, OURS) == new
