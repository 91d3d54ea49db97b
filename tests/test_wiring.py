"""What `setup` says to put into the mail server, and what it finds when it looks."""

from pathlib import Path

from mailgate import exim, postfix
from mailgate.maps import Maps
from mailgate.state import Domain
from mailgate.wiring import Plan

EXAMPLES = Path(__file__).parents[1] / "examples"
PLAN = Plan(Maps([Domain("example.com")], []), "/var/lib/mailgate-maps")


def test_the_examples_are_what_setup_says_for_example_com() -> None:
    ways = {
        "postfix/transport": postfix.setup(PLAN, {}),
        "postfix/alias": postfix.setup(PLAN._replace(alias=True), {}),
        "exim": exim.setup(PLAN, ""),
    }
    said = {
        f"{'guard' if each.name == 'mailgate-pipe' else folder}/{each.name}": each.text
        for folder, setup in ways.items()
        for each in setup.files
    }
    ours = (path for path in EXAMPLES.rglob("*") if path.is_file() and path.parent.name != "systemd")
    found = {str(path.relative_to(EXAMPLES)): path.read_text() for path in ours}
    assert found == said
