"""Settings and where they come from."""

import os
from pathlib import Path

import pytest

from mailgate.settings import config, origins


def test_everything_that_can_be_set_is_shown() -> None:
    assert set(origins.VALUES) == {(section, key) for section, keys in config.KNOWN.items() for key in keys}


def test_every_default_is_what_a_configuration_has_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "SYSTEM", "/nonexistent/mailgate.toml")
    found = {f"{each.section}.{each.key}": each for each in origins.settings(None, None, {"HOME": "/nowhere"})}
    assert {each.origin for each in found.values()} == {"default"}
    assert found["limits.max_size"].value == 52_428_800
    assert found["store.url"].value == "/nowhere/.local/share/mailgate/mailgate.db"


def test_each_value_of_a_file_is_the_one_that_applies(tmp_path: Path) -> None:
    """A value that is not a default, for every key: what is shown is what was written, with its line."""
    path = tmp_path / "mailgate.toml"
    written: dict[str, object] = {}
    lines = []
    for section, keys in config.KNOWN.items():
        lines.append(f"[{section}]")
        for key, wanted in keys.items():
            text = "90d" if section == "retention" else "/x/y"
            value = (
                wanted[-1] if isinstance(wanted, tuple) else {str: text, int: 77, bool: True, list: ["mx.a"]}[wanted]
            )
            shown = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
            lines.append(f"{key} = {shown}")
            written[f"{section}.{key}"] = (value, len(lines))
    path.write_text("\n".join(lines))
    found = origins.settings(str(path), None, {})
    assert {f"{each.section}.{each.key}": each.value for each in found} == {
        name: value for name, (value, _) in written.items()
    }
    assert {each.place for each in found} == {f"{path}:{line}" for _, line in written.values()}


def test_an_option_beats_the_environment_and_that_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mailgate.toml"
    path.write_text('[store]\nurl = "one.db"\n')

    def store(option: str | None, environ: dict[str, str]) -> tuple[object, str, str]:
        return next(each[2:] for each in origins.settings(str(path), option, environ) if each.key == "url")

    assert store(None, {}) == (os.path.join(tmp_path, "one.db"), "file", f"{path}:2")
    assert store(None, {"MAILGATE_DB": "/two.db"}) == ("/two.db", "environment", "MAILGATE_DB")
    assert store("/three.db", {"MAILGATE_DB": "/two.db"}) == ("/three.db", "option", "--db")
    assert origins.chosen(str(path), {}) == (str(path), "option -C")
    assert origins.chosen(None, {"MAILGATE_CONFIG": str(path)}) == (str(path), "environment MAILGATE_CONFIG")
