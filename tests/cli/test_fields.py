"""A field of the table is an option, a key of JSON, a line of `show` and a key of the file: all out of one line."""

import click
import pytest
from click.testing import CliRunner
from helpers.installed import Installed

from mailgate.cli.ui import fields
from mailgate.cli.ui.options import Command
from mailgate.cli.ui.program import program
from mailgate.export.fields import Field, Form, lines, to_json
from mailgate.export.schema import ALIAS, CONTACT, DOMAIN, KINDS, SERVER
from mailgate.values.directory import Alias


def parameters(noun: str, verb: str) -> dict[str, click.Parameter]:
    """The options of a command, by the name its function has them under."""
    context = click.Context(program)
    group = program.get_command(context, noun)
    assert isinstance(group, click.Group)
    command = group.get_command(context, verb)
    assert command
    return {str(parameter.name): parameter for parameter in command.params}


@pytest.mark.parametrize("kind", [DOMAIN, ALIAS, CONTACT, SERVER], ids=lambda kind: kind.name)
@pytest.mark.parametrize("verb", ["add", "set"])
def test_every_field_with_a_help_is_an_option(kind: fields.Kind, verb: str) -> None:
    found = parameters(kind.name, verb)
    explained = [field for field in kind.fields if field.help]
    assert explained
    for field in explained:
        option = found[field.name]
        assert isinstance(option, click.Option)
        assert option.help == field.help
    if verb == "set":
        assert {f"no_{field.name}" for field in kind.fields if field.without} <= found.keys()


def test_a_new_option_of_an_alias_is_one_line() -> None:
    """What this proves by a field that an alias has already holds for one that it gets."""
    kind = ALIAS._replace(fields=(Field("spam", "spam", Form(("hold", "quiet")), "What happens to spam."),))
    given: dict[str, object] = {}

    @click.command("set", cls=Command)
    @fields.options(kind)
    def command(**options: object) -> None:
        given.update(options)

    assert "--spam [hold|quiet]" in CliRunner().invoke(command, ["--help"]).output
    CliRunner().invoke(command, ["--spam", "quiet"])
    old = Alias(1, "info", "example.com", "lead")
    new = fields.changed(kind, old, given)
    assert new == old._replace(spam="quiet")
    assert (to_json(kind, new), lines(kind, new)) == ({"spam": "quiet"}, [("spam", "quiet")])
    assert fields.changed(kind, new, {"spam": None}) == new


def test_json_has_every_field_that_is_stored(office: Installed) -> None:
    secret = ("--password-file", "/etc/mailgate/secret")
    office.ok("server", "add", "inbox", "--type", "imap", "--host", "imap.example.com", "--user", "info", *secret)
    office.ok("contact", "add", "bob@client.org")
    for noun in ("domain", "alias", "contact", "server"):
        keys = {field.json or field.name for field in KINDS[noun].stored}
        for thing in office.json(noun, "list"):
            assert keys <= thing.keys()


def test_what_is_taken_away_has_its_default_again(office: Installed) -> None:
    office.ok("record", "create", "ticket")
    office.ok("alias", "set", "support", "--record", "ticket/1", "--notify", "ann@client.org", "--set", "a=b")
    changed = office.json("alias", "set", "support", "--no-record", "--no-notify", "--unset", "team")
    assert (changed["record"], changed["notify"], changed["values"]) == (None, [], {"a": "b"})
