"""The unit that collects mail by a timer: what it starts does what a timer needs."""

from configparser import ConfigParser
from pathlib import Path

from .conftest import Collector

UNIT = Path(__file__).resolve().parents[3] / "examples" / "systemd" / "mailgate-fetch.service"


def test_what_is_started_works_and_says_nothing(collector: Collector) -> None:
    unit = ConfigParser(interpolation=None)
    unit.read_string(UNIT.read_text())
    program, *arguments = unit["Service"]["ExecStart"].split()
    assert program == "/opt/mailgate/bin/mailgate"
    screen = collector(*arguments)
    assert (screen.exit, screen.out, screen.err) == (0, "", "")
