"""The quick form of `python tests/torture/run.py`; each check has a control, a planted fault that it has to find."""

import os
import shutil

import pytest

from torture import checks, power


@pytest.fixture(autouse=True)
def _strace() -> None:
    """Without strace they are skipped, or fail where it is required."""
    if not shutil.which("strace"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("install strace")


@pytest.mark.parametrize(
    ("check", "most"),
    [(checks.kill, 24), (checks.faults, 24), (checks.served, 4), (checks.crowd, 20), (checks.lmtp, 40)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_answered_is_kept_once(check, most) -> None:  # type: ignore[no-untyped-def]
    figures = check(most)
    assert figures.violations == ()
    assert figures.tried == most
    assert figures.hit, "nothing was disturbed"


def test_every_state_of_a_disk_after_a_power_cut_is_whole() -> None:
    figures = power.power(300)
    assert figures.violations == ()
    assert figures.tried > 100


@pytest.mark.parametrize(
    ("check", "most", "control"),
    [
        (checks.kill, 30, "does not know copies"),
        (checks.faults, 30, "acknowledges what failed"),
        (power.power, 300, "no sync"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_fault_is_found(check, most, control) -> None:  # type: ignore[no-untyped-def]
    assert check(most, control).violations
