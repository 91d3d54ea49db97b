"""`mailgate help`."""

import pytest
from helpers.installed import Installed


def test_topics(installed: Installed) -> None:
    assert "  rules       how a message is decided, in order\n" in installed.ok("help")
    rules = installed.ok("help", "rules")
    assert rules.index("  size ") < rules.index("  loop-mark ") < rules.index("  rate ")
    assert "  77  refused by rule\n" in installed.ok("help", "exit-codes")
    assert "/etc/mailgate/mailgate.toml" in installed.ok("help", "files")
    assert installed.ok("help", "alias", "add").startswith("Usage: mailgate alias add ")
    assert installed.ok("help", "route") == installed.ok("route", "--help")


@pytest.mark.parametrize("topic", ["rules", "exit-codes", "files"])
def test_a_topic_fits_eighty_columns(installed: Installed, topic: str) -> None:
    screen = installed("help", topic, environ={"COLUMNS": "80"})
    assert max(map(len, screen.out.splitlines())) <= 80


def test_what_there_is_not(installed: Installed) -> None:
    screen = installed("help", "ruls")
    assert (screen.exit, screen.out) == (1, "")
    assert "did you mean `mailgate help rules`?" in screen.err
