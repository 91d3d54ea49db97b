"""The page `schema` of the manual, made from a new store: its comments, its checks, its foreign keys.

python tests/manual/schema.py > mailgate/manual/schema.md
"""

import re
import sqlite3
import tempfile
from pathlib import Path
from typing import NamedTuple

from mailgate.store import schema

HEAD = """\
# Database schema

The tables, columns and views of the store, to read it with other tools.

The store is one SQLite file, which `sqlite3`, sqlite-utils and Datasette can read. Give them a
copy: while a program keeps a read transaction open on the file itself, deliveries wait, and after
30 seconds mail is deferred. A copy holds the same secrets, so keep it as private.

```shell
mailgate backup copy.db
sqlite3 copy.db "SELECT * FROM messages LIMIT 5"
```

Never write to it. Names may change with a new version; what commands print with `--json` does not.

* Times are seconds since 1970 in UTC. Their columns end in `_at`, `_since` or `_until`. The views
  have them as text, as in `2026-11-30T10:00:00Z`.
* Flags are 0 or 1.
* A record is a `model` and an `id`, written `MODEL/ID`.
* Comments in the file say what this page says: `sqlite3 copy.db .schema`.
"""


class Column(NamedTuple):
    """A column: its name, its definition, and the comment beside or below it."""

    name: str
    sql: str
    comment: str


class Table(NamedTuple):
    """A table or view with the comment at its head; a view has no columns here."""

    name: str
    comment: str
    columns: tuple[Column, ...]


def read(path: Path) -> tuple[list[Table], list[Table]]:
    """The tables of a store in order of their creation, and its views."""
    with sqlite3.connect(path) as connection:
        query = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND sql IS NOT NULL"
        found = connection.execute(f"{query} AND name NOT LIKE 'sqlite%' ORDER BY name").fetchall()
    connection.close()
    tables = [_table(name, sql) for kind, name, sql in found if kind == "table"]
    return tables, [Table(name, _head(sql), ()) for kind, name, sql in found if kind == "view"]


def _head(sql: str) -> str:
    match = re.search(r"^\s+-- (.*)$", sql, re.MULTILINE)
    return match[1] if match else ""


def _table(name: str, sql: str) -> Table:
    columns: list[Column] = []
    for line in sql.splitlines()[1:]:
        text, _, comment = line.strip().partition("--")
        if re.match(r"[a-z_]+ [A-Z]", text):
            columns.append(Column(text.split()[0], text.strip().rstrip(","), comment.strip()))
        elif columns and not text and not columns[-1].comment:
            columns[-1] = columns[-1]._replace(comment=comment.strip())
        elif columns and text.startswith("CHECK"):
            columns[-1] = columns[-1]._replace(
                sql=f"{columns[-1].sql} {text.strip().rstrip(',')}", comment=comment.strip()
            )
    for names, other in re.findall(r"FOREIGN KEY \((.*?)\) REFERENCES (\w+)", sql):
        for at, column in enumerate(columns):
            if column.name in names.split(", "):
                columns[at] = column._replace(sql=f"{column.sql} REFERENCES {other}")
    return Table(name, _head(sql), tuple(columns))


def _meaning(column: Column) -> str:
    said = [column.comment]
    if words := re.search(r"IN \(('.*')\)", column.sql):
        said.append("one of " + ", ".join(f"`{word}`" for word in re.findall(r"'([\w-]+)'", words[1])))
    if refers := re.search(r"REFERENCES (\w+)", column.sql):
        said.append(f"refers to `{refers[1]}`")
    return "; ".join(said)


def page(path: Path) -> str:
    """The page for a store."""
    tables, views = read(path)
    lines = [HEAD, "## Views", "", "| view | what it shows |", "|---|---|"]
    lines += [f"| `{view.name}` | {view.comment} |" for view in views]
    for table in tables:
        lines += ["", f"## The table {table.name}", "", *_wrapped(table.comment), ""]
        lines += ["| column | what it holds |", "|---|---|"]
        lines += [f"| `{column.name}` | {_meaning(column)} |" for column in table.columns]
    return "\n".join(lines) + "\n"


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > 98:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def new_store(folder: Path) -> Path:
    """A store of today's schema."""
    schema.migrate(folder / "mailgate.db")
    return folder / "mailgate.db"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(page(new_store(Path(folder))), end="")
