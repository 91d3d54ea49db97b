"""`mailgate help`: the rules, the exit statuses and the files, as the manual has them."""

import difflib
import textwrap

import click

from mailgate.cli.parts import Command
from mailgate.cli.program import program
from mailgate.cli.ui import console
from mailgate.values.problem import Problem

RULES = (
    ("size", "larger than max_size?", "refused too-large, 5.3.4; held when collected"),
    (
        "duplicate",
        "seen before, by the digest of what the sender wrote?",
        "noted; an effect that a copy had already is ignored",
    ),
    ("loop-mark", "one of our own messages, by its signed mark?", "ignored"),
    (
        "report",
        "a delivery report, or a bounce address?",
        "a failure recorded, a report noted, or held bounce-address, quietly",
    ),
    ("automatic", "person, automatic, list or report?", "no verdict, later rules use it"),
    ("sender", "blocked, marked as spam, an own address, forged?", "held blocked, spam or unverified"),
    ("reply", "does it answer a stored message, or carry a signed address?", "posted on that record"),
    ("catchall", "only catchall addresses meant?", "refused catchall, 5.2.1; held capture while somebody waits for it"),
    ("alias", "which aliases are addressed?", "one new record for each, or a post on the alias' record"),
    ("fallback", "was a fallback model given?", "a new record"),
    ("no-route", "nothing above", "refused no-route, 5.1.1; held unrouted when collected"),
    ("permission", "may this author write there?", "refused policy, 5.7.1; held automatic or outsider"),
    (
        "rate",
        "too many new records from this sender?",
        "refused rate-limit, 5.7.28; deferred 4.7.1 above a ceiling",
    ),
)
"""Rule, what it asks, what becomes of the message when it decides; in order."""
PIPE_EXITS = (
    ("0", "responsibility taken, committed (also duplicates, held mail, refusals by reply)"),
    ("65", "refused: too large"),
    ("67", "refused: no such address"),
    ("77", "refused by rule"),
    (
        "75",
        "try again later: a busy or missing store, a full disk, a broken configuration, a fault of ours, 30 seconds",
    ),
)
EXITS = (
    ("0", "done"),
    ("1", "failed, or something differs (test, config check)"),
    ("2", "usage"),
    ("3", "not found"),
    ("4", "doctor, setup --check: something is wrong"),
    ("75", "work, fetch: not set up"),
    ("130", "interrupted"),
)
FILES = (
    ("/etc/mailgate/mailgate.toml", "the configuration, root's, 644; init writes it"),
    ("~/.config/mailgate/mailgate.toml", "one of your own, which comes before it"),
    ("/var/lib/mailgate/mailgate.db", "the store, of the user mailgate, 600 in a folder 700"),
    ("mailgate.db.lock", "beside it: the writers' queue"),
    ("mailgate.db.work", "beside it: held by the one worker that sends"),
    ("/var/lib/mailgate-maps", "the mail server's tables, where they are kept"),
    ("/usr/local/sbin/mailgate-pipe", "the guard that the mail server runs"),
)
ENVIRONMENT = (
    ("MAILGATE_CONFIG", "the configuration, where -C does not name one"),
    ("MAILGATE_DB", "the store, where --db does not name one"),
    ("NO_COLOR", "no colours on a terminal"),
)
TOPICS = {
    "rules": "how a message is decided, in order",
    "exit-codes": "what deliver and the other commands exit with",
    "files": "where everything lies, and which variables are read",
}


@click.command(
    "help",
    cls=Command,
    examples="""
        mailgate help rules
        mailgate help exit-codes
        mailgate help alias
    """,
)
@click.argument("topic", nargs=-1, metavar="[TOPIC|COMMAND]")
@click.pass_context
def help_(context: click.Context, topic: tuple[str, ...]) -> None:
    """A topic of the manual (rules, exit-codes, files), or the help of a command."""
    if not topic:
        console.say(program.get_help(context.find_root()))
        console.say("\nTopics:")
        _pairs(tuple(TOPICS.items()))
    elif topic == ("rules",):
        console.say("Every rule is asked, in this order; `mailgate why N` shows what each one saw.\n")
        for rule, asks, decides in RULES:
            _pairs(((rule, asks), ("", f"-> {decides}")), 12)
    elif topic == ("exit-codes",):
        console.say("mailgate deliver, whatever happens:\n")
        _pairs(PIPE_EXITS)
        console.say("\nEvery other command:\n")
        _pairs(EXITS)
    elif topic == ("files",):
        _pairs(FILES)
        console.say("\nThe environment:\n")
        _pairs(ENVIRONMENT)
    else:
        console.say(_command_help(context, topic))


def _command_help(context: click.Context, words: tuple[str, ...]) -> str:
    """The help of a command, or of a verb of it. Raises Problem."""
    found: click.Command = program
    root = context.find_root()
    for word in words:
        below = found.get_command(root, word) if isinstance(found, click.Group) else None
        if below is None:
            near = difflib.get_close_matches(word, [*TOPICS, *program.list_commands(root)], 1)
            raise Problem(
                f"nothing is called `{' '.join(words)}`",
                f"did you mean `mailgate help {near[0]}`?" if near else "",
                f"topics are {', '.join(TOPICS)}",
            )
        root = click.Context(below, info_name=word, parent=root)
        found = below
    return found.get_help(root)


def _pairs(rows: tuple[tuple[str, str], ...], size: int = 0) -> None:
    size = size or max(len(name) for name, _ in rows)
    room = max(20, min(console.width(), 100) - size - 4)
    for name, text in rows:
        first, *more = textwrap.wrap(text, room) or [""]
        console.lines(
            [[(f"  {name:{size}}  ", "bold"), (first, "")], *([(" " * (size + 4) + each, "")] for each in more)]
        )
