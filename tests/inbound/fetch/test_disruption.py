"""Mail arrives once and completely when connections, servers or `fetch` break; `disruption.py` has the full figures."""

import pytest

from . import disruption
from .conftest import Collector
from .dovecot import Account, Dovecot

pytestmark = pytest.mark.timeout(600)
BOTH = pytest.mark.parametrize("speaks", ["imap", "pop"])


@BOTH
def test_without_disruption_everything_arrives_once(collector: Collector, account: Account, speaks: str) -> None:
    assert disruption.in_peace(collector, account, speaks, disruption.mixture("some", 150, 10, 2, 8, 10))


@BOTH
def test_mail_arrives_once_when_the_connection_breaks_at_every_command(
    collector: Collector, server: Dovecot, speaks: str
) -> None:
    said = disruption.through_cuts(collector, server, speaks, range(1, 41), 18, both=False)
    assert int(said.partition(" ")[0]) > 25


@BOTH
def test_mail_arrives_once_when_the_server_is_killed_repeatedly(
    collector: Collector, account: Account, speaks: str
) -> None:
    said = disruption.through_server_kills(collector, account, speaks, 4, 30, seed=1)
    assert int(said.partition(" ")[0]) > 0


@BOTH
def test_mail_arrives_once_when_fetch_is_killed_repeatedly(collector: Collector, account: Account, speaks: str) -> None:
    said = disruption.through_kills(collector, account, speaks, 2, 5, 60, seed=1)
    assert int(said.partition(" ")[0]) > 0
