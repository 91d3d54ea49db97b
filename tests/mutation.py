"""Mutation testing: change one place of a central module, run its tests, and print every change that no test notices.

    .venv/bin/python tests/mutation.py                      every mutant of every module in TARGETS; takes hours
    .venv/bin/python tests/mutation.py thread --sample 40   40 mutants of one module, always the same ones
    .venv/bin/python tests/mutation.py --sample 20 --seed 2 --most 15

Two workers each have a copy of the tree, and an environment that imports mailgate from that copy: programs that tests
start run the mutant as well. Exit status 1 when more mutants survive than `--most` says.
"""

import argparse
import ast
import compileall
import contextlib
import difflib
import os
import random
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
WORKERS = 2
MEMORY = 4 << 20
"""KiB of address space that the tests of one mutant may take."""

OPTIONS = "-q -x -n 0 --hypothesis-seed 0 -p no:cacheprovider"
"""What pytest gets: the same examples each time."""


class Target(NamedTuple):
    """A module to change, and the files and folders of its tests, the fastest first."""

    module: str
    tests: tuple[str, ...]


_ROUTING = ("tests/golden", "tests/routing", "tests/story/test_gateway.py", "tests/story/test_held.py")
_VALUES = ("tests/values", "tests/mail", "tests/fuzz/test_address.py", "tests/golden", "tests/routing/test_resolve.py")
TARGETS = {
    "decide": Target("mailgate/routing/decide.py", _ROUTING),
    "rules": Target("mailgate/routing/rules.py", _ROUTING),
    "thread": Target("mailgate/routing/thread.py", _ROUTING),
    "address": Target("mailgate/values/address.py", _VALUES),
    "mailboxes": Target("mailgate/values/mailboxes.py", _VALUES),
    "dsn": Target("mailgate/reports/dsn.py", ("tests/golden", "tests/reports", "tests/routing/test_bounce.py")),
}


class Mutant(NamedTuple):
    """One change: octets `start` to `end` of a module become `text`."""

    module: str
    line: int
    kind: str
    start: int
    end: int
    text: str

    def apply(self, source: bytes) -> bytes:
        """The module with the change."""
        return source[: self.start] + self.text.encode() + source[self.end :]


class Result(NamedTuple):
    """What became of a mutant: killed, survived, or stopped at the time limit, which counts as killed."""

    mutant: Mutant
    verdict: str
    seconds: float


# --- mutants ---------------------------------------------------------------------------------------------------------

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


def mutants(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines. Types, docstrings and imports are left alone."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for place, kind, text in (change for node in _running(ast.parse(source)) for change in _changes(node)):
        begin = starts[place.lineno - 1] + place.col_offset
        end = starts[(place.end_lineno or 0) - 1] + (place.end_col_offset or 0)
        found.append(Mutant(module, place.lineno, kind, begin, end, text))
    return sorted(set(found))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """A node and those below it that do something when the module runs."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
        return
    yield node
    if isinstance(node, ast.JoinedStr):  # before Python 3.12 the positions inside are wrong
        return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _running(child)


_Change = tuple[ast.expr | ast.stmt, str, str]
"""The node that is replaced, the kind of the change, and the new text."""


def _changes(node: ast.AST) -> Iterator[_Change]:
    match node:
        case ast.Compare(ops=[operator, *more]):
            other = _COMPARISONS[type(operator)]()
            yield node, "comparison", _text(ast.Compare(node.left, [other, *more], node.comparators))
        case ast.BoolOp(op=operator, values=values):
            swapped = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield node, "boolean", _text(ast.BoolOp(swapped, values))
            for at in range(len(values)):
                yield node, "boolean", _text(ast.BoolOp(operator, values[:at] + values[at + 1 :]))
        case ast.UnaryOp(op=ast.Not()):
            yield node, "boolean", _text(node.operand)
        case ast.BinOp(op=ast.Add()):
            yield node, "arithmetic", _text(ast.BinOp(node.left, ast.Sub(), node.right))
        case ast.BinOp(op=ast.Sub()):
            yield node, "arithmetic", _text(ast.BinOp(node.left, ast.Add(), node.right))
        case ast.Constant(value=value):
            yield from ((node, "constant", repr(other)) for other in _other_constants(value))
        case ast.JoinedStr():
            yield node, "constant", "'mutant'"
        case ast.If() | ast.IfExp():
            yield from ((node.test, "condition", word) for word in ("True", "False"))
        case ast.comprehension(ifs=conditions):
            yield from ((condition, "condition", "True") for condition in conditions)
        case ast.While():
            yield node.test, "condition", "False"
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield node, "return", "return None"
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Break() | ast.Continue():
            yield node, "statement", "pass"


def _other_constants(value: object) -> Iterator[object]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case str():
            yield f"{value}mutant"
        case bytes():
            yield value + b"mutant"


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


# --- runs ------------------------------------------------------------------------------------------------------------


class Worker:
    """A copy of the tree with an environment of its own, in which mailgate is what the copy holds."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self.tree = folder / "tree"
        ignored = shutil.ignore_patterns(".*", "__pycache__", "results")
        shutil.copytree(root, self.tree, ignore=ignored)
        environment = folder / "environment"
        venv.create(environment, symlinks=True)
        self.python = environment / "bin" / "python"
        (packages,) = environment.glob("lib/python*/site-packages")
        packages.joinpath("mutation.pth").write_text(f"{self.tree}\n{sysconfig.get_path('purelib')}\n")
        compileall.compile_dir(self.tree, quiet=2)
        self._changes = 0

    def imports(self, module: str) -> Path:
        """The file that a program far from the copy imports for a module."""
        name = module.removesuffix(".py").replace("/", ".")
        code = f"import {name} as module; print(module.__file__)"
        said = subprocess.run([self.python, "-c", code], cwd="/", env={}, capture_output=True, text=True, check=True)
        return Path(said.stdout.strip())

    def run(self, tests: Sequence[str], seconds: float | None = None) -> bool | None:
        """Whether the tests pass, one file or folder after the other; None when the time is over."""
        script = 'ulimit -v "$LIMIT"; for path; do "$PYTHON" -m pytest $OPTIONS "$path" || exit 1; done'
        given = {"LIMIT": str(MEMORY), "PYTHON": str(self.python), "OPTIONS": OPTIONS}
        process = subprocess.Popen(
            ["sh", "-c", script, "sh", *tests],
            cwd=self.tree,
            env=os.environ | given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def write(self, module: str, octets: bytes) -> None:
        """Change a module in the copy; every change has a time of its own, so that no compiled file passes for it."""
        path = self.tree / module
        path.write_bytes(octets)
        self._changes += 1
        os.utime(path, (self._changes, self._changes))

    def judge(self, mutant: Mutant, source: bytes, tests: Sequence[str], seconds: float) -> Result:
        """Run the tests against one mutant of a module with this source."""
        started = time.monotonic()
        self.write(mutant.module, mutant.apply(source))
        passed = self.run(tests, seconds)
        self.write(mutant.module, source)
        verdict = "timed out" if passed is None else "survived" if passed else "killed"
        return Result(mutant, verdict, time.monotonic() - started)


class Broken(Exception):
    """The tests say nothing about mutants: they fail without one, or run another mailgate."""


def results(
    root: Path, targets: Sequence[Target], *, sample: int = 0, seed: int = 1, limit: float = 0
) -> Iterator[Result]:
    """The result of every mutant, or of `sample` of them, in the order of the source.

    `limit` seconds for a mutant, 0: three times what the tests of its module take without one. Raises Broken.
    """
    sources = {target.module: (root / target.module).read_bytes() for target in targets}
    tests = {target.module: target.tests for target in targets}
    chosen = [mutant for module, source in sources.items() for mutant in mutants(module, source.decode())]
    if sample and sample < len(chosen):
        chosen = sorted(random.Random(seed).sample(chosen, sample), key=chosen.index)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        workers: SimpleQueue[Worker] = SimpleQueue()
        for number in range(WORKERS):
            workers.put(made := Worker(root, Path(folder) / str(number)))
            for module in sources:
                if not made.imports(module).is_relative_to(made.tree):
                    raise Broken(f"{made.imports(module)} is imported, not the copy of {module}")

        @contextlib.contextmanager
        def worker() -> Iterator[Worker]:
            free = workers.get()
            try:
                yield free
            finally:
                workers.put(free)

        def baseline(suite: tuple[str, ...]) -> float:
            with worker() as its:
                started = time.monotonic()
                if not its.run(suite):
                    raise Broken(f"these tests fail without a mutant: {' '.join(suite)}")
                return time.monotonic() - started

        def judge(mutant: Mutant) -> Result:
            with worker() as its:
                suite = tests[mutant.module]
                return its.judge(mutant, sources[mutant.module], suite, limit or 3 * limits[suite] + 10)

        suites = set(tests.values())
        limits = dict(zip(suites, pool.map(baseline, suites), strict=True))
        yield from pool.map(judge, chosen)


def difference(mutant: Mutant, source: bytes) -> str:
    """A mutant as a patch of its module, without the lines around it."""
    before, after = source.decode().splitlines(), mutant.apply(source).decode().splitlines()
    lines = list(difflib.unified_diff(before, after, lineterm="", n=0))
    return "\n".join(f"    {line}" for line in lines if not line.startswith(("---", "+++", "@@")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TARGETS)}; all of them without one"
    )
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="only N mutants of all")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which N (default: 1)")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="survivors that are accepted (default: 0)")
    parser.add_argument("--limit", type=float, default=0, metavar="SECONDS", help="time for the tests of one mutant")
    options = parser.parse_args(arguments)
    if unknown := set(options.modules) - set(TARGETS):
        parser.error(f"unknown modules: {', '.join(sorted(unknown))}")
    targets = [TARGETS[name] for name in options.modules or TARGETS]
    sources = {target.module: (ROOT / target.module).read_bytes() for target in targets}
    counts: Counter[tuple[str, str]] = Counter()
    for result in results(ROOT, targets, sample=options.sample, seed=options.seed, limit=options.limit):
        mutant = result.mutant
        counts[mutant.module, result.verdict] += 1
        if result.verdict == "survived":
            print(
                f"{mutant.module}:{mutant.line}: {mutant.kind}\n{difference(mutant, sources[mutant.module])}",
                flush=True,
            )
    for target in targets:
        verdicts = (f"{counts[target.module, verdict]} {verdict}" for verdict in ("killed", "timed out", "survived"))
        print(f"{target.module}: {', '.join(verdicts)}")
    survived = sum(count for (_, verdict), count in counts.items() if verdict == "survived")
    return int(survived > options.most)


if __name__ == "__main__":
    sys.exit(main())
