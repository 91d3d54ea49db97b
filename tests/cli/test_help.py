"""`mailgate help`."""

import pytest
from helpers.installed import Installed

from mailgate.manual import pages


def test_help_lists_its_topics(installed: Installed) -> None:
    screen = installed.ok("help")
    assert "\nrules           How a message is decided: thirteen rules in a fixed order" in screen
    for topic in pages.TOPICS:
        assert f"\n{topic} " in screen


def test_help_rules_lists_every_rule(installed: Installed) -> None:
    screen = installed.ok("help", "rules")
    assert screen.index("\nsize ") < screen.index("\nloop-mark ") < screen.index("\nrate ")


def test_help_lists_every_exit_status(installed: Installed) -> None:
    assert "\n77    refused by rule " in installed.ok("help", "exit-codes")


def test_help_lists_the_files(installed: Installed) -> None:
    assert "\n/etc/mailgate/mailgate.toml " in installed.ok("help", "files")


def test_help_shows_the_help_of_a_command(installed: Installed) -> None:
    assert installed.ok("help", "alias", "add").startswith("Usage: mailgate alias add ")
    assert installed.ok("help", "route") == installed.ok("route", "--help")


@pytest.mark.parametrize("topic", [*pages.TOPICS, None])
def test_a_page_fits_eighty_columns(installed: Installed, topic: str | None) -> None:
    screen = installed("help", *([topic] if topic else []), environ={"COLUMNS": "80"})
    assert screen.exit == 0
    assert [line for line in screen.out.splitlines() if len(line) > 80] == []


def test_help_for_an_unknown_topic_is_an_error(installed: Installed) -> None:
    screen = installed("help", "ruls")
    assert (screen.exit, screen.out) == (1, "")
    assert "did you mean `rules`?" in screen.err
