"""The commands as real processes, on a store of their own."""

from pathlib import Path

import pytest
from helpers.installed import Installed


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """The program, without a domain."""
    return Installed(tmp_path)


@pytest.fixture
def office(installed: Installed) -> Installed:
    """The program with a domain, an open alias and one for contacts."""
    installed.ok("domain", "add", "example.com", "--contact", "info@example.com")
    installed.ok("alias", "add", "support@example.com", "--model", "ticket", "--set", "team=1")
    installed.ok("alias", "add", "closed@example.com", "--model", "crm.lead", "--from", "contacts")
    return installed
