"""`mailgate config`: the settings that apply, and what is wrong with them."""

import os

import click

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, as_owner, pass_app
from mailgate.cli.ui.options import Group, json_option
from mailgate.doctor import addresses
from mailgate.process import owner
from mailgate.settings import config, origins
from mailgate.settings.config import Config, Fault
from mailgate.store.database import open_existing
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
    """Show and check the configuration file. Domains and aliases are in the store (`mailgate export`)."""


@settings.command("show", examples="mailgate config show --origin")
@click.option("--origin", "with_origin", is_flag=True, help="Show where each value comes from.")
@json_option
@pass_app
def show(app: App, with_origin: bool, as_json: bool) -> None:
    """List every setting and its value."""
    warnings = app.config.warnings  # which prints them
    listed = origins.settings(app.configuration, app.database, os.environ)
    path, chosen = origins.chosen(app.configuration, os.environ)
    if as_json:
        console.data(
            {
                "file": path,
                "chosen": chosen,
                "settings": [
                    {
                        "setting": f"{setting.section}.{setting.key}",
                        "value": setting.value,
                        "origin": setting.origin,
                        "place": setting.place,
                    }
                    for setting in listed
                ],
                "warnings": list(warnings),
            }
        )
        return
    rows = [
        (f"{setting.section}.{setting.key}", _text(setting.value), *_origin(setting, with_origin)) for setting in listed
    ]
    console.table(("SETTING", "VALUE", *(("ORIGIN",) if with_origin else ())), rows, "")
    if with_origin:
        console.say(f"{path or 'no configuration file'} ({chosen})")


def _origin(setting: origins.Setting, wanted: bool) -> tuple[str, ...]:
    if not wanted:
        return ()
    line = f"line {setting.place.rpartition(':')[2]}"
    return (line if setting.origin == "file" else f"{setting.origin} {setting.place}".strip(),)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


@settings.command("check", examples="mailgate -C ./new.toml config check")
@json_option
@pass_app
def check(app: App, as_json: bool) -> None:
    """Check the configuration file; exit with 1 if there is an error.

    An unknown key is an error here; other commands only warn about it. A store is read where there is one: notices to
    its own addresses reach nobody.
    """
    path, _ = origins.chosen(app.configuration, os.environ)
    if path is None:
        raise Problem("no configuration found", command("mailgate init"))
    try:
        faults = config.check(path)
    except ConfigError as problem:
        faults = [Fault(str(problem), True)]
    if not any(fault.fatal for fault in faults):
        loaded = config.load(app.configuration, app.database, os.environ)
        faults += [Fault(f"{path}: {text}", False) for text in (*_unusable(loaded), *_unread(app, loaded))]
    if as_json:
        console.data({"file": path, "faults": [fault.text for fault in faults]})
    else:
        for fault in faults:
            console.error(Problem(fault.text))
        if not faults:
            console.say(f"{path}: no errors")
    if faults:
        raise click.exceptions.Exit(1)


def _unread(app: App, loaded: Config) -> list[str]:
    """The recipients of notices whom none reaches, as the store tells; none where it cannot be read."""
    if not loaded.notify or not os.path.exists(loaded.store):
        return []

    def look() -> list[str]:
        owner.become(loaded.store)
        with open_existing(loaded.store).read() as tx:
            return [f"notify.to: {text} {why}" for text, why in addresses.unnotified(tx, loaded).items()]

    try:
        found: list[str] = as_owner(app, look)
    except Problem:
        return []
    return found


def _unusable(loaded: Config) -> list[str]:
    """What the settings name that does not exist or cannot be used."""
    texts = []
    if loaded.submit.method == "sendmail" and not os.access(loaded.submit.sendmail, os.X_OK):
        texts.append(f"submit.sendmail: cannot run {loaded.submit.sendmail}")
    if loaded.templates and not os.path.isdir(loaded.templates):
        texts.append(f"refusals.templates: no folder {loaded.templates}")
    texts += [f"notify.to: `{text}` is not a mail address" for text in loaded.notify if address.parse(text) is None]
    return texts
