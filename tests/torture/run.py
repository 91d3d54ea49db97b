"""The long form: every check and every control, their figures as JSON, and 1 where one is not as it must be.

    python tests/torture/run.py [CHECK ...] [--points N]

Needs strace and Linux. Stores lie in /dev/shm where there is one. It takes hours on two processors; `--points` takes
at most so many of each check.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from torture import checks, power

CHECKS = {
    "kill": (checks.kill, 3_000),
    "faults": (checks.faults, 2_500),
    "power": (power.power, 15_000),
    "served": (checks.served, 200),
    "crowd": (checks.crowd, 5_000),
    "lmtp": (checks.lmtp, 3_000),
}
CONTROLS = {
    "kill": ("does not know copies", 60),
    "faults": ("acknowledges what failed", 120),
    "power": ("no sync", 600),
}


def main(names: list[str], points: int | None) -> int:
    """Run checks; the exit status."""
    good = True
    for name in names or CHECKS:
        check, most = CHECKS[name]
        begun = time.monotonic()
        figures = check(min(most, points or most))
        line = {**figures.as_data(), "seconds": round(time.monotonic() - begun, 1), "ok": not figures.violations}
        print(json.dumps(line), flush=True)
        good = good and not figures.violations
        if name in CONTROLS:
            control, most = CONTROLS[name]
            found = check(most, control).violations
            print(json.dumps({"control": control, "check": name, "found": len(found), "ok": bool(found)}), flush=True)
            good = good and bool(found)
    return 0 if good else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", choices=[*CHECKS, []], metavar="CHECK")
    parser.add_argument("--points", type=int, metavar="N")
    asked = parser.parse_args()
    sys.exit(main(asked.checks, asked.points))
