"""`mailgate help`."""

import pytest

from .conftest import Gate


def test_topics(gate: Gate) -> None:
    assert "  rules       how a message is decided, in order\n" in gate.ok("help")
    rules = gate.ok("help", "rules")
    assert rules.index("  size ") < rules.index("  loop-mark ") < rules.index("  rate ")
    assert "  77  refused by rule\n" in gate.ok("help", "exit-codes")
    assert "/etc/mailgate/mailgate.toml" in gate.ok("help", "files")
    assert gate.ok("help", "alias", "add").startswith("Usage: mailgate alias add ")
    assert gate.ok("help", "route") == gate.ok("route", "--help")


@pytest.mark.parametrize("topic", ["rules", "exit-codes", "files"])
def test_a_topic_fits_eighty_columns(gate: Gate, topic: str) -> None:
    screen = gate("help", topic, environ={"COLUMNS": "80"})
    assert max(map(len, screen.out.splitlines())) <= 80


def test_what_there_is_not(gate: Gate) -> None:
    screen = gate("help", "ruls")
    assert (screen.exit, screen.out) == (1, "")
    assert "did you mean `mailgate help rules`?" in screen.err
