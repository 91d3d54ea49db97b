"""Hatchling's hook: put the pages of man into every wheel, also into that of an editable installation.

They are made from the sources that are being packed, and installed below share/man of the environment. It needs click
and tomli-w, as the commands do (`build-system.requires`), and no network.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface[Any]):
    """The hook; hatchling calls `initialize` before it packs and `finalize` after."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write every page into a folder, and name it as a file to install. Raises CalledProcessError."""
        self.folder = tempfile.TemporaryDirectory()
        command = [sys.executable, "-m", "mailgate.cli.ui.reference", self.folder.name]
        subprocess.run(command, cwd=self.root, check=True)  # noqa: S603 # a process of its own: today's sources, not ours
        for path in Path(self.folder.name).glob("man*/*"):
            build_data["shared_data"][str(path)] = f"share/man/{path.parent.name}/{path.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the folder."""
        self.folder.cleanup()
