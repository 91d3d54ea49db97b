"""`mailgate init`: create a configuration and a store."""

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
# The configuration of mailgate. Domains and aliases are in the store: see mailgate domain, mailgate alias.

[store]
# The database file. Its folder (mode 0700) belongs to the user that runs the pipe; root's commands become that user.
{url}
[submit]
# How mail is sent: by "sendmail" (the mail server's program), by "smtp" (host, port), or "none": it stays queued.
method = "sendmail"
# sendmail = "/usr/sbin/sendmail"
# host = "localhost"
# port = 25

[refusals]
# Refuse mail by a "reply" that explains the reason, or by "status": then the sender's server reports it.
by = "reply"
# Mail from senders on the block list: "hold" it, or refuse it by "status".
# blocked = "hold"
# Your own texts: FOLDER/DOMAIN/LANGUAGE/REASON.txt, FOLDER/DOMAIN/REASON.txt or FOLDER/LANGUAGE/REASON.txt
# templates = "/etc/mailgate/templates"

[limits]
# Size of the largest message that is accepted, in bytes; the limit of the mail server should not be larger.
max_size = 52428800
# New records per hour, by one alias and in all; further mail is deferred, so it waits in the mail server (0: no limit).
# records_per_alias = 500
# records_in_all = 2000

# Addresses outside the local domains that get a notice when something waits for a person, and when nothing does.
# [notify]
# to = ["admin@example.net"]

# Servers whose Authentication-Results are trusted; only if your border server removes forged ones.
# [authentication]
# trusted_authserv_ids = ["mx.example.com"]
# border_strips = true

{maps}
# The sockets of `mailgate serve`, a process that stays, and the group that may connect to them.
# [serve]
# lmtp = "unix:/run/mailgate/lmtp.sock"
# deliver = "/run/mailgate/deliver.sock"
# group = "postfix"

[held]
# Days to keep quiet held mail: bulk, blocked or misdirected.
keep_quiet = 30

# Ages after which mail is deleted, such as "90d" or "2y"; without them, nothing is. See mailgate help retention.
# [retention]
# messages = "5y"
# raw = "2y"
# log = "1y"
"""
_MAPS = """\
[maps]
# Folder of the tables in which the mail server looks up addresses; mailgate writes them. See `mailgate setup`.
folder = "@FOLDER@"
# Local domains that also have mailboxes on this server.
# shared = ["example.com"]
# Mail to unknown addresses: "refuse" it while it arrives, or "accept" it.
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
@click.option("--domain", metavar="D", help="Add this local domain.")
@click.option(
    "--user", default="mailgate", show_default=True, help="For root: user that owns the store and runs the pipe."
)
@json_option
@pass_app
def init(app: App, domain: str | None, user: str, as_json: bool) -> None:
    """Create a commented configuration and a store; existing ones are not changed.

    Run by root, it writes the configuration to /etc/mailgate and the store to /var/lib/mailgate, owned by --user.
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
    added = None
    opened = open_existing(database)
    if domain:
        with opened.write() as tx:
            if domains.name_of(domain) not in [listed.name for listed in domains.listing(tx)]:
                added = domains.add(tx, Domain(domain))
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
    console.say(f"{'kept' if before else 'created'} store {database}, schema {after}, owner {owner.name(uid)}")
    if added:
        console.say(f"added domain {added.name}, with {added.catchall}@{added.name} and {added.bounce}@{added.name}")
    name = default.name if default else "example.com"
    if not default:
        console.verbatim(f"next: {command('mailgate domain add {DOMAIN}', name)}")
    console.verbatim(f"next: {command('mailgate alias add {ADDRESS} --model ticket', f'support@{name}')}")


def _default_file(root: bool) -> str:
    path = config.SYSTEM if root else config.user_file(os.environ)
    if path is None:
        raise Problem("there is no home folder for the configuration", command("mailgate -C FILE init"))
    return path


def _account(user: str) -> tuple[int, int]:
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Problem(
            f"no user `{user}`, who would own the store and run the pipe",
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
            f"{folder} belongs to {owner.name(folder.stat().st_uid)}, not to {user}",
            command("chown {USER} {FOLDER} && chmod 700 {FOLDER}", user, folder, folder),
            command("mailgate init --user {USER}", owner.name(folder.stat().st_uid)),
        )
