"""Print lines, tables, pairs, JSON and errors, for a terminal, a pipe or a program."""

import contextlib
import io
import json
import os
import re
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from mailgate.values.charset import printable
from mailgate.values.light import TYPE_CHECKING
from mailgate.values.problem import CommandLine, Problem, command

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from mailgate.mta.check import Check
    from mailgate.store.waiting import Waiting

Span = tuple[str, str]
"""A piece of text and its style, `""` for none; colour never carries meaning alone.

Only red and magenta can be read on white and on black; yellow, green and cyan cannot.
"""
OUTCOMES = {"bounce": "magenta", "hold": "magenta", "refuse": "red", "ignore": "dim"}
"""Action of an outcome -> its style in a list."""
_SIGNS = {"ok": ("ok", ""), "wrong": ("WRONG", "bold red"), "unknown": ("?", "magenta")}


def width() -> int:
    """Columns of the terminal, or of $COLUMNS; 100 if neither is known."""
    import shutil  # with all of its kinds of archives

    return max(40, min(200, shutil.get_terminal_size((100, 24)).columns))


def lines(rows: Iterable[Sequence[Span]], *, hang: bool = False) -> None:
    """Print lines of styled spans, escaped; without a terminal, plain text.

    With `hang`, a line too wide for the terminal is folded between words and indented by the width of its first span.
    Without, the terminal folds it, and it can be copied: commands, files.
    """
    clean = ([(printable(text), style) for text, style in row] for row in rows)
    if not sys.stdout.isatty():
        for row in clean:
            _write("".join(text for text, _ in row).rstrip())
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for row in clean:
        text = Text.assemble(*row)
        if hang and row and text.cell_len > width():
            text = _hanging(console, row)
        console.print(text)


def _hanging(console: "Console", row: Sequence[Span]) -> "Text":
    """A row as several lines, indented by the width of the first span."""
    from rich.text import Text

    first, rest = Text.assemble(row[0]), Text.assemble(*row[1:])
    indent = " " * first.cell_len
    folded = rest.wrap(console, max(20, width() - len(indent)))
    for line in folded:
        line.rstrip()
    return Text.assemble(first, Text("\n" + indent).join(folded))


def say(text: str = "") -> None:
    """Print lines of text, folded to fit a terminal."""
    lines(([("", ""), (line, "")] for line in text.split("\n")), hang=True)


def verbatim(text: str) -> None:
    """Print lines that can be copied, such as a file, or what has a command in it; they are not folded."""
    lines([(line, "")] for line in text.split("\n"))


def data(value: object) -> None:
    """Print one JSON document; characters that a terminal would act on are escaped (RFC 8259 section 7)."""
    _write(_clean(json.dumps(value, indent=2, ensure_ascii=False)))


def _clean(text: str) -> str:
    return "\n".join(line if line.isprintable() else _FOREIGN.sub(_escaped, line) for line in text.split("\n"))


def array(values: Iterable[object]) -> None:
    """Print one JSON array, entry by entry as they come."""
    mark = "["
    for value in values:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        sys.stdout.write(mark + "\n")
        _write("\n".join(f"  {line}" for line in _clean(text).split("\n")), end="")
        mark = ","
    _write("[]" if mark == "[" else "\n]")


def row(value: object) -> None:
    """Print one JSON value on a line of its own."""
    _write(_FOREIGN.sub(_escaped, json.dumps(value, ensure_ascii=False)))


def tabbed(cells: Iterable[object]) -> None:
    """Print one line of cells, tab-separated."""
    _write("\t".join(printable(str(cell)) for cell in cells))


_FOREIGN = re.compile(r"[^\x20-\x7e]")


def _escaped(match: re.Match[str]) -> str:
    return match[0] if match[0].isprintable() else json.dumps(match[0])[1:-1]


def raw(octets: bytes) -> None:
    """Write the exact bytes of a message; on a terminal, its lines, escaped."""
    if sys.stdout.isatty():
        verbatim("\n".join(octets.decode("utf-8", "replace").splitlines()))
        return
    sys.stdout.buffer.write(octets)
    sys.stdout.buffer.flush()


def _write(text: str, end: str = "\n") -> None:
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + end)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], empty: str, *, key: int = 0) -> None:
    """Print aligned columns that fit a terminal, in a pager if they are long; tab-separated everywhere else.

    A terminal that is too narrow gets fewer columns, then shorter ones; the column `key` is whole. `empty` is printed
    on a terminal if there are no rows. Rows are printed as they come: the first ones say how wide a column is.
    """
    cells = ([printable(str(cell)) for cell in row] for row in rows)
    if not sys.stdout.isatty():
        tabbed(header)
        for row in cells:
            tabbed(row)
        return
    first = list(islice(cells, _SAMPLE))
    if not first:
        lines([[(empty, "dim")]])
        return
    shown, widths = _columns([list(header), *first], key)
    with pager(len(first) + 2):
        for row, style in chain([(list(header), "bold")], ((row, "") for row in chain(first, cells))):
            lines([[(text, style) for text in _padded([row[at] for at in shown], widths)]])


_SAMPLE = 1_000
"""Rows that say how wide the columns of a table are."""
_LEAST = 8
"""Columns of the terminal that a column of a table needs at least, if its cells are longer."""


def _columns(rows: Sequence[Sequence[str]], key: int) -> tuple[list[int], list[int]]:
    """The columns of a table that fit the terminal, and their widths; the last ones are left out first."""
    from rich.cells import cell_len

    room = width()
    full = [max(cell_len(row[at]) for row in rows) for at in range(len(rows[0]))]
    least = [size if at == key else min(size, _LEAST) for at, size in enumerate(full)]
    shown = list(range(len(full)))
    while len(shown) > 2 and sum(least[at] for at in shown) + 2 * (len(shown) - 1) > room:
        shown.remove(max(at for at in shown if at != key))
    widths = [full[at] for at in shown]
    while sum(widths) + 2 * (len(widths) - 1) > room:
        free = [at for at, column in enumerate(shown) if column != key and widths[at] > 4]
        free = free or [at for at in range(len(shown)) if widths[at] > 4]  # a key that is wider than the terminal
        if not free:
            break
        widths[max(free, key=lambda at: widths[at])] -= 1
    return shown, widths


@contextlib.contextmanager
def pager(count: int) -> Iterator[None]:
    """Show what is printed in a pager, if it has more lines than the terminal, and somebody sits there."""
    import shlex
    import shutil

    words = shlex.split(os.environ.get("PAGER", "less"))
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    if (
        dumb
        or not words
        or not sys.stdin.isatty()
        or not sys.stdout.isatty()
        or count < shutil.get_terminal_size().lines
    ):
        yield
        return
    import subprocess

    environ = {"LESS": "FRX", **os.environ, "LESSSECURE": "1"}  # less runs no commands: it may be another user's
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environ)  # noqa: S603 - the person's own $PAGER
    except OSError:
        yield
        return
    screen = sys.stdout
    assert process.stdin
    sys.stdout = _Paged(process.stdin, encoding="utf-8", line_buffering=True)
    try:
        yield
        sys.stdout.close()
    except BrokenPipeError:  # the reader has seen enough
        with contextlib.suppress(OSError):
            sys.stdout.close()
    finally:
        sys.stdout = screen
        process.wait()


class _Paged(io.TextIOWrapper):
    """The way to a pager, which shows it on a terminal."""

    def isatty(self) -> bool:
        return True


def _padded(row: Sequence[str], widths: list[int]) -> Iterable[str]:
    for at, (text, size) in enumerate(zip(row, widths, strict=True)):
        cell = fitted(text, size)
        yield cell.rstrip() if at == len(widths) - 1 else cell + "  "


def fitted(text: str, size: int) -> str:
    """A cell of a table, cut or padded to `size` columns; a wide character takes two."""
    from rich.cells import set_cell_size

    return set_cell_size(cut(text, size), size)


def cut(text: str, size: int) -> str:
    """Text of at most `size` columns, escaped."""
    escaped = printable(text)
    if escaped.isascii():
        return escaped if len(escaped) <= size else escaped[: size - 1] + "…"
    from rich.cells import cell_len, set_cell_size

    return escaped if cell_len(escaped) <= size else set_cell_size(escaped, size - 1).rstrip() + "…"


def pairs(rows: Sequence[tuple[str, object]]) -> None:
    """Print labels and values, one pair a line."""
    size = max(len(name) for name, _ in rows)
    lines([[(f"{name.ljust(size)}  ", "dim"), (printable(str(value)) or "-", "")] for name, value in rows], hang=True)


def error(problem: Problem) -> None:
    """Print a problem and its hints, on stderr."""
    _print("error: ", str(problem))
    hints(problem)


def _print(word: str, text: str) -> None:
    """Print a line on stderr, folded on a terminal."""
    line = word + printable(text)
    if sys.stderr.isatty():
        line = textwrap.fill(
            line, width(), subsequent_indent=" " * len(word), break_long_words=False, break_on_hyphens=False
        )
    sys.stderr.write(line + "\n")


def warning(text: str, *, has_command: bool = False) -> None:
    """Print a warning, on stderr; it is not folded when it ends in a command to copy."""
    if has_command:
        sys.stderr.write(f"warning: {printable(text)}\n")
    else:
        _print("warning: ", text)


def hint(text: CommandLine) -> None:
    """Print a command to copy, on stderr; it is never folded."""
    sys.stderr.write(f"hint: {printable(text)}\n")


def hints(problem: Problem) -> None:
    """Print the hints of a problem: commands to copy, and advice."""
    for line in problem.commands:
        hint(line)
    if problem.advice:
        _print("hint: ", problem.advice)


def waiting(counts: "Waiting") -> None:
    """Print the last line of a screen if something waits for a person; on stderr, so that stdout is only data."""
    if counts.held:
        sys.stderr.write(f"{counts.held} held: {command('mailgate held list')}\n")
    if counts.more:
        sys.stderr.write(f"{counts.more} more: {command('mailgate held list --quiet')}\n")
    if counts.failures:
        plural = "s" if counts.failures > 1 else ""
        sys.stderr.write(f"{counts.failures} failure{plural}: {command('mailgate bounce list')}\n")
    if counts.stuck:
        sys.stderr.write(f"{counts.stuck} not sent: {command('mailgate outbox list')}\n")


def when(moment: float) -> str:
    """A time as ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def ago(moment: float) -> str:
    """A time in a column: its age on a terminal, ISO 8601 everywhere else."""
    if not sys.stdout.isatty():
        return when(moment)
    past = max(0.0, time.time() - moment)
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if past >= seconds:
            return f"{past // seconds:.0f} {unit} ago"
    return "just now"


def size(octets: int) -> str:
    """A number of octets in bytes, KB or MB."""
    for unit, scale in (("MB", 1 << 20), ("KB", 1 << 10)):
        if octets >= scale:
            return f"{octets / scale:.1f} {unit}" if octets < 10 * scale else f"{octets // scale} {unit}"
    return f"{octets} bytes"


def assignments(values: object) -> str:
    """`K=V` pairs as one text."""
    return ", ".join(f"{key}={value}" for key, value in values.items()) if isinstance(values, dict) else ""


def checks(results: Sequence["Check"]) -> None:
    """Print checks, one a line, and below each that is not ok its fix."""
    size = max((len(check.name) for check in results), default=0)
    for check in results:
        sign, style = _SIGNS[check.verdict]
        lines([[(f"{sign:6}{check.name.ljust(size)}  ", style), (check.text, "")]], hang=True)
        if check.verdict != "ok":
            lines([(" " * 6 + "hint: ", "bold"), (text, "")] for text in (check.fix, check.advice) if text)


def counted(counts: dict[str, int]) -> str:
    """Counts in words, as `2 domains, 1 alias`; a count of 0 is left out."""
    plural = {"alias": "aliases"}
    named = [
        f"{count} {kind if count == 1 else plural.get(kind, kind + 's')}" for kind, count in counts.items() if count
    ]
    return ", ".join(named) or "nothing"
