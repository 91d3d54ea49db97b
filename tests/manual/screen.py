"""The screen that the README shows: what its commands lead to. `python tests/manual/screen.py` puts today's into it."""

import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from manual.example import ROOT, Example, Servers, scripts

COMMAND = "mailgate why 2"
README = ROOT / "README.md"


def screen(folder: Path) -> str:
    """Type all of the README, from a machine where nothing is but the examples; what the last command shows then."""
    (folder / "examples").symlink_to(ROOT / "examples")
    newcomer, servers = Example(folder), Servers()
    for script in scripts(README.read_text("utf-8"), "sh"):
        newcomer.script(script, servers)
    servers.close()
    return f"$ {COMMAND}\n" + newcomer(*COMMAND.split()[1:], environ={"COLUMNS": "80"}).out.rstrip()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        text = README.read_text("utf-8")
        README.write_text(text.replace(scripts(text, "text")[0], screen(Path(name)), 1))
