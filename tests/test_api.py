"""The Python API: what it names exists and is described, its examples run, and importing it costs nothing."""

import doctest
import inspect
import re
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import get_type_hints

import pytest

import mailgate
from mailgate.manual import pages
from mailgate.manual.markdown import Code, Table
from mailgate.store import aliases, domains, schema
from mailgate.values.directory import Alias, Domain

PAGE = pages.page("api")
FUNCTIONS = ("load_config", "open_store", "preview", "receive")
MESSAGE = b"From: Bob Ray <bob@client.org>\nTo: support@example.com\nMessage-ID: <fire@client.org>\n\nPlease come.\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what the examples read: a configuration, its store, and a message."""
    monkeypatch.chdir(tmp_path)
    Path("mailgate.toml").write_text('[store]\nurl = "mailgate.db"\n[submit]\nmethod = "none"\n')
    Path("message.eml").write_bytes(MESSAGE)
    with closing(schema.open_or_create("mailgate.db")) as store, store.write() as tx:
        domains.add(tx, Domain("example.com"))
        aliases.add(tx, "support@example.com", Alias(0, "", "", "ticket", values={"team": "first"}))
    return tmp_path


def rows(head: str) -> dict[str, str]:
    """A table of the page, without marks: first column -> second."""
    tables = [block for block in PAGE.blocks if isinstance(block, Table) and block.head[0] == head]
    return {first.strip("`"): second.replace("`", "") for table in tables for first, second in table.rows}


class TestNames:
    """`__all__`, and what the page and the docstrings say of it."""

    def test_each_is_there_and_listed(self) -> None:
        assert sorted(mailgate.__all__) == mailgate.__all__
        assert set(mailgate.__all__) <= set(dir(mailgate))
        found: dict[str, object] = {}
        exec("from mailgate import *", found)
        assert set(mailgate.__all__) <= set(found)

    @pytest.mark.parametrize("name", [name for name in mailgate.__all__ if name != "__version__"])
    def test_each_has_a_docstring(self, name: str) -> None:
        value = getattr(mailgate, name)
        assert value.__name__ == name
        assert len(inspect.getdoc(value) or "") > 20

    def test_another_name_is_an_error_as_of_any_module(self) -> None:
        with pytest.raises(AttributeError, match="module 'mailgate' has no attribute 'nothing'"):
            getattr(mailgate, "nothing")  # noqa: B009 # mypy knows that there is none

    def test_all_functions_are_typed(self) -> None:
        for name in FUNCTIONS:
            function = getattr(mailgate, name)
            assert {*inspect.signature(function).parameters, "return"} == set(get_type_hints(function))

    def test_the_page_has_every_function_as_it_is_called(self) -> None:
        wanted = []
        for name in FUNCTIONS:
            parameters = inspect.signature(getattr(mailgate, name)).parameters.values()
            wanted.append(f"{name}({', '.join(map(_parameter, parameters))})")
        assert list(rows("function")) == wanted

    def test_the_fields_that_the_page_promises_exist(self) -> None:
        for name, promised in rows("value").items():
            fields = promised.split(", ")
            assert [field for field in fields if field not in getattr(mailgate, name)._fields] == [], name

    def test_the_page_names_everything(self) -> None:
        named = {*rows("value"), *(text.partition("(")[0] for text in rows("function"))}
        assert named | {"Problem", "Store", "__version__"} == set(mailgate.__all__)


def _parameter(parameter: inspect.Parameter) -> str:
    default = parameter.default
    return parameter.name if default is inspect.Parameter.empty else f"{parameter.name}={default}"


class TestExamples:
    """What people copy."""

    def test_the_example_of_the_package_runs(self) -> None:
        example = doctest.DocTestParser().get_doctest(mailgate.__doc__ or "", {}, "mailgate", "__init__.py", 0)
        result = doctest.DocTestRunner().run(example)
        assert (result.failed, result.attempted >= 8) == (0, True)

    def test_the_examples_of_the_page_run(self, capsys: pytest.CaptureFixture[str]) -> None:
        names: dict[str, object] = {}
        for block in PAGE.blocks:
            if isinstance(block, Code):
                assert block.language == "python"
                exec("\n".join(block.lines), names)
        said = capsys.readouterr().out.splitlines()
        assert said[-3:-1] == ["create ticket {'team': 'first'}", "mailgate why 1 ticket/1"]
        assert said[-1].startswith("error: cannot open the store nowhere.db")
        assert all(re.fullmatch(r"[a-z-]+ \| .* \| .*", line) for line in said[:-3])


class TestBehaviour:
    """The same gateway as that of the commands."""

    def test_a_preview_stores_nothing_and_says_the_same(self) -> None:
        config = mailgate.load_config("mailgate.toml")
        incoming = mailgate.Incoming(MESSAGE, "bob@client.org", ["support@example.com"])
        with closing(mailgate.open_store(config)) as store:
            before = mailgate.preview(store, config, incoming, 1e9)
            again = mailgate.preview(store, config, incoming, 1e9)
            after = mailgate.receive(store, config, incoming, 1e9)
            copy = mailgate.receive(store, config, incoming, 1e9)
        assert before == again
        assert (before.number, before.decision) == (None, after.decision)
        assert (after.decision.status.exit, after.decision.status.line) == (0, "")
        assert [(each.action, each.reason) for each in copy.decision.outcomes] == [("ignore", "duplicate")]

    def test_the_receipt_names_the_records(self) -> None:
        """One that is made has no name before; a second message is posted on it, and a copy is on none."""
        config = mailgate.load_config("mailgate.toml")
        answer = MESSAGE.replace(b"<fire@", b"<again@").replace(b"\n\n", b"\nIn-Reply-To: <fire@client.org>\n\n")
        with closing(mailgate.open_store(config)) as store:
            receipts = [
                mailgate.receive(store, config, mailgate.Incoming(raw, "bob@client.org", ["support@example.com"]))
                for raw in (MESSAGE, answer, answer)
            ]
        assert [[str(record) for record in receipt.records] for receipt in receipts] == [["ticket/1"], ["ticket/1"], []]

    def test_a_store_is_opened_by_what_db_takes_and_never_made(self, folder: Path) -> None:
        for where in ("mailgate.db", folder / "mailgate.db", f"sqlite:///{folder}/mailgate.db"):
            mailgate.open_store(where).close()
        with pytest.raises(mailgate.Problem):
            mailgate.open_store("other.db")
        assert not Path("other.db").exists()

    def test_a_configuration_is_found_as_commands_find_it(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MAILGATE_CONFIG", str(folder / "mailgate.toml"))
        assert mailgate.load_config().path == str(folder / "mailgate.toml")
        with pytest.raises(mailgate.Problem):
            mailgate.load_config(folder / "none.toml")

    @pytest.mark.parametrize("name", ["preview", "receive"])
    def test_outside_the_main_thread_nothing_is_held_by_mistake(self, name: str) -> None:
        """Python takes signals in the main thread only; the message would be held as `failed`."""
        config = mailgate.load_config("mailgate.toml")
        raised: list[str] = []

        def call() -> None:
            with closing(mailgate.open_store(config)) as store:
                try:
                    getattr(mailgate, name)(store, config, mailgate.Incoming(MESSAGE))
                except RuntimeError as error:
                    raised.append(str(error))

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        assert [text.partition(" ")[0] for text in raised] == [f"mailgate.{name}"]


def test_importing_costs_nothing() -> None:
    program = "import sys; before = set(sys.modules); import mailgate; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "mailgate\n"
