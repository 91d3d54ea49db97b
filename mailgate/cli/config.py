"""`mailgate config`: the settings that apply, where they come from, and what is wrong with them."""

import os

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Group, json_option
from mailgate.settings import config, origins
from mailgate.settings.config import Config, Fault
from mailgate.values import address
from mailgate.values.problem import ConfigError, Problem, command


@click.group(
    "config",
    cls=Group,
    examples="""
        mailgate config show --origin
        mailgate config check
        mailgate -C ./new.toml config check && mv new.toml /etc/mailgate/mailgate.toml
    """,
)
def settings() -> None:
    """The settings that are no mail addresses: those live in the store (`mailgate export`)."""


@settings.command("show", examples="mailgate config show --origin")
@click.option("--origin", "with_origin", is_flag=True, help="Say where each value comes from.")
@json_option
@pass_app
def show(app: App, with_origin: bool, as_json: bool) -> None:
    """Every setting with the value that applies."""
    warnings = app.config.warnings  # told on the way
    found = origins.settings(app.configuration, app.database, os.environ)
    path, chosen = origins.chosen(app.configuration, os.environ)
    if as_json:
        console.data(
            {
                "file": path,
                "chosen": chosen,
                "settings": [
                    {
                        "setting": f"{each.section}.{each.key}",
                        "value": each.value,
                        "origin": each.origin,
                        "place": each.place,
                    }
                    for each in found
                ],
                "warnings": list(warnings),
            }
        )
        return
    rows = [(f"{each.section}.{each.key}", _said(each.value), *_origin(each, with_origin)) for each in found]
    console.table(("SETTING", "VALUE", *(("ORIGIN",) if with_origin else ())), rows, "")
    if with_origin:
        console.say(f"{path or 'no configuration file'} ({chosen})")


def _origin(found: origins.Setting, wanted: bool) -> tuple[str, ...]:
    if not wanted:
        return ()
    line = f"line {found.place.rpartition(':')[2]}"
    return (line if found.origin == "file" else f"{found.origin} {found.place}".strip(),)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


@settings.command("check", examples="mailgate -C ./new.toml config check")
@json_option
@pass_app
def check(app: App, as_json: bool) -> None:
    """Whether the configuration file can be used as it is; opens no store. Exits with 1 when something is wrong.

    What running mailgate only warns of, an unknown key, is wrong here.
    """
    path, _ = origins.chosen(app.configuration, os.environ)
    if path is None:
        raise Problem("no configuration found", command("mailgate init"))
    try:
        faults = config.check(path)
    except ConfigError as problem:
        faults = [Fault(str(problem), True)]
    if not any(each.fatal for each in faults):
        loaded = config.load(app.configuration, app.database, os.environ)
        faults += [Fault(f"{path}: {each}", False) for each in _missing(loaded)]
    if as_json:
        console.data({"file": path, "faults": [each.text for each in faults]})
    else:
        for each in faults:
            console.error(Problem(each.text))
        if not faults:
            console.say(f"{path}: nothing wrong")
    if faults:
        raise click.exceptions.Exit(1)


def _missing(found: Config) -> list[str]:
    """What the settings name and is not there, or is none."""
    said = []
    if found.submit.method == "sendmail" and not os.access(found.submit.sendmail, os.X_OK):
        said.append(f"submit.sendmail: {found.submit.sendmail} is no program that can be run")
    if found.templates and not os.path.isdir(found.templates):
        said.append(f"refusals.templates: there is no folder {found.templates}")
    said += [f"notify.to: `{each}` is not a mail address" for each in found.notify if address.parse(each) is None]
    return said
