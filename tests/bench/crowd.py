"""How long the tail is when processes deliver at once: p99 of `mailgate deliver` as a ratio to p50, in one run.

    python tests/bench/crowd.py [DELIVERIES [RUNS [PROCESSES ...]]]

2,000 deliveries, 5 runs, 4 and 16 processes where nothing else is said; prints the median of the runs.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from deliver import gateway, message

BOUNDS = {4: 8.0, 16: 12.0}


def main(deliveries: int, runs: int, processes: list[int]) -> None:
    program = Path(sys.executable).parent / "mailgate"
    for at_once in processes:
        ratios = []
        for run in range(runs):
            with tempfile.TemporaryDirectory() as name:
                config = gateway(Path(name), "crowd")
                command = [sys.executable, "-I", str(program), "deliver", "-C", str(config), "support@example.com"]

                def wall(turn: int, command: list[str] = command, run: int = run) -> float:
                    started = time.monotonic()
                    subprocess.run(command, input=message(turn, f"run {run}"), check=True)
                    return time.monotonic() - started

                with ThreadPoolExecutor(at_once) as pool:
                    spent = sorted(pool.map(wall, range(deliveries)))
                p50, p99 = spent[len(spent) // 2], spent[int(0.99 * (len(spent) - 1))]
                ratios.append(p99 / p50)
                print(f"{at_once:3} at once: p50 {1000 * p50:7.0f} ms, p99 {1000 * p99:7.0f} ms, {p99 / p50:5.1f}")
        print(f"{at_once:3} at once: median {statistics.median(ratios):.1f} (bound {BOUNDS.get(at_once, 12.0):.0f})")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers[:2] + [2000, 5][len(numbers[:2]) :]), numbers[2:] or [4, 16])
