"""`mailgate init`: write a configuration and make the store."""

import os
from pathlib import Path

import click
import tomli_w

from mailgate.cli.ui import console
from mailgate.cli.ui.app import App, pass_app
from mailgate.cli.ui.options import Command, json_option
from mailgate.process import owner, writer
from mailgate.settings import config
from mailgate.store import domains, schema
from mailgate.store.database import open_existing
from mailgate.values.directory import Domain
from mailgate.values.problem import Problem, command

_TEMPLATE = """\
# mailgate: the settings that are not mail addresses. Those live in the store: mailgate domain, mailgate alias.

[store]
# One file. Its folder belongs to the one user that runs the pipe, mode 0700; root's commands become that user.
{url}
[submit]
# How refusals leave: by "sendmail" (the mail server's own program), by "smtp" (host, port), or "none": they wait.
method = "sendmail"
# sendmail = "/usr/sbin/sendmail"
# host = "localhost"
# port = 25

[refusals]
# Who may not write is told by a "reply" of ours, or by the mail server: "status".
by = "reply"
# Mail of senders on the block list: "hold" it, or refuse it with "status".
# blocked = "hold"
# Texts of your own: FOLDER/DOMAIN/LANGUAGE/REASON.txt, FOLDER/DOMAIN/REASON.txt or FOLDER/LANGUAGE/REASON.txt
# templates = "/etc/mailgate/templates"

[limits]
# Octets of the largest message that is taken; the mail server's own limit should not be larger.
max_size = 52428800
# New records within an hour, by one alias and in all; mail beyond that waits with the mail server (0: no limit).
# records_per_alias = 500
# records_in_all = 2000

# Who is told when something begins to wait for a person, and when nothing does any more: an address elsewhere.
# [notify]
# to = ["admin@example.net"]

# Whose Authentication-Results are believed. Only when the border server removes forged ones:
# [authentication]
# trusted_authserv_ids = ["mx.example.com"]
# border_strips = true

{maps}
[held]
# Days that quiet held mail (bulk, blocked, misdirected) is kept.
keep_quiet = 30
"""
_MAPS = """\
[maps]
# Where the mail server finds which addresses exist; mailgate writes these tables, and `mailgate setup` uses them.
folder = "@FOLDER@"
# Own domains that have mailboxes of their own on this server.
# shared = ["example.com"]
# Addresses that nobody knows: "refuse" them while they are being sent to, or "accept" them.
# unknown = "refuse"
"""
_NO_MAPS = _MAPS.replace("@FOLDER@", config.SYSTEM_MAPS).replace("[maps]", "# [maps]").replace("\nfolder", "\n# folder")


@click.command(
    "init",
    cls=Command,
    examples="""
        mailgate init --domain example.com
        mailgate -C ./mailgate.toml --db ./mailgate.db init --domain example.com
    """,
)
@click.option("--domain", metavar="D", help="Add this own domain at once.")
@click.option(
    "--user", default="mailgate", show_default=True, help="As root: the user that owns the store and runs the pipe."
)
@json_option
@pass_app
def init(app: App, domain: str | None, user: str, as_json: bool) -> None:
    """Write a commented configuration and make the store; what exists is left as it is.

    As root the configuration goes to /etc/mailgate and the store, in /var/lib/mailgate, belongs to --user.
    """
    root = os.geteuid() == 0
    path = Path(app.configuration or os.environ.get("MAILGATE_CONFIG") or _default_file(root)).absolute()
    existed = path.exists() and not _is_left_empty(path)
    if existed:
        database = os.path.abspath(app.config.store)
    else:
        named = app.database or os.environ.get("MAILGATE_DB")
        database = os.path.abspath(config.store_path(named) if named else config.default_store(str(path), os.environ))
    uid, gid = _account(user) if root else (os.geteuid(), os.getegid())
    if not existed:
        of_the_system = root and Path(database).parent == Path(config.SYSTEM_STORE).parent
        _write_config(path, database, config.SYSTEM_MAPS if of_the_system else None)
    _make_folder(Path(database).parent, uid, gid, user)
    maps = app.config.maps
    if maps and not os.path.isdir(maps):
        _make_folder(Path(maps), uid, gid, user)
        os.chmod(maps, 0o755)  # noqa: S103 the mail server reads there
    owner.become(database)
    before, after = schema.migrate(database)
    made = None
    opened = open_existing(database)
    if domain:
        with opened.write() as tx:
            if domains.name_of(domain) not in [each.name for each in domains.listing(tx)]:
                made = domains.add(tx, Domain(domain))
    app.keep_maps(opened)
    with opened.read() as tx:
        default = domains.default(tx)
    if as_json:
        console.data(
            {
                "config": str(path),
                "store": str(database),
                "schema": after,
                "user": owner.name(uid),
                "domain": default.name if default else None,
            }
        )
        return
    console.say(f"{'kept' if existed else 'wrote'} configuration {path}")
    console.say(f"{'kept' if before else 'made'} store {database}, schema {after}, owner {owner.name(uid)}")
    if made:
        console.say(f"added domain {made.name}, with {made.catchall}@{made.name} and {made.bounce}@{made.name}")
    name = default.name if default else "example.com"
    if not default:
        console.say(f"next: {command('mailgate domain add {DOMAIN}', name)}")
    console.say(f"next: {command('mailgate alias add {ADDRESS} --model ticket', f'support@{name}')}")


def _default_file(root: bool) -> str:
    found = config.SYSTEM if root else config.user_file(os.environ)
    if found is None:
        raise Problem("no home folder for the configuration", command("mailgate -C FILE init"))
    return found


def _account(user: str) -> tuple[int, int]:
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Problem(
            f"there is no user `{user}` to own the store and run the pipe",
            command(
                "adduser --system --group --no-create-home --home {FOLDER} {USER}",
                Path(config.SYSTEM_STORE).parent,
                user,
            ),
            command("mailgate init --user NAME"),
        ) from None
    return entry.pw_uid, entry.pw_gid


def _write_config(path: Path, database: str, maps: str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    url = tomli_w.dumps({"url": f"sqlite:///{database}"})
    text = _TEMPLATE.format(url=url, maps=_MAPS.replace("@FOLDER@", maps) if maps else _NO_MAPS)
    writer.write(str(path), text.encode("utf-8"), replace=_is_left_empty(path))


def _is_left_empty(path: Path) -> bool:
    """Whether a configuration was begun and never written: an `init` of an older version was killed."""
    return path.is_file() and not path.stat().st_size


def _make_folder(folder: Path, uid: int, gid: int, user: str) -> None:
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
        descriptor = os.open(folder.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        return
    if folder.stat().st_uid != uid:
        if folder == Path(config.SYSTEM_STORE).parent and not any(folder.iterdir()):
            os.chown(folder, uid, gid)
            folder.chmod(0o700)
            return
        raise Problem(
            f"the folder {folder} belongs to {owner.name(folder.stat().st_uid)}, not to {user}",
            command("chown {USER} {FOLDER} && chmod 700 {FOLDER}", user, folder, folder),
            command("mailgate init --user {USER}", owner.name(folder.stat().st_uid)),
        )
