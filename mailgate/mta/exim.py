"""What to put into Exim as Debian sets it up: parts of its configuration, and the commands that put them there."""

import re
from collections.abc import Iterator

from mailgate.mta import guard, maps, units
from mailgate.mta.plan import MARK, ConfigFile, Plan, Setup, configuration, first_commands, written
from mailgate.values.problem import CommandLine, command

FOLDER = "/etc/exim4/conf.d"
DEBIAN = "/etc/exim4/update-exim4.conf.conf"
INCLUDED = "/etc/exim4/mailgate"
"""The folder of our parts where Debian's configuration is not split."""
TEMPLATE, MACROS = "/etc/exim4/exim4.conf.template", "/etc/exim4/exim4.conf.localmacros"
INCLUDING = {
    MACROS: {f".include {INCLUDED}/main": ""},
    TEMPLATE: {
        f".include {INCLUDED}/router": "begin routers",
        f".include {INCLUDED}/transport": "begin transports",
    },
}
"""File of an unsplit configuration -> the lines for it, and after which line each belongs; `""`: on top."""
LOCAL = "local_domains"
"""Exim's list of the domains that have mailboxes."""


def setup(plan: Plan, relayed: str, source: str | None = None, *, split: bool = True) -> Setup:
    """Everything for Exim. `relayed` are the domains that it relays for already.

    `source`: the folder that the files are written to; `split`: whether Debian's configuration is split.
    """
    first = units.lmtp(plan, plan.group) if plan.lmtp else [guard.script(plan)]
    lines, files = configuration(plan), parts(plan, relayed)
    if not split:
        files = [file._replace(path=f"{INCLUDED}/{file.name}") for file in files]
    before, by_hand = first_commands(plan, first, lines, source)
    copied = [
        command("install -D -m 644 {FILE} {PATH}", written(source, file.name) or f"DIR/{file.name}", file.path)
        for file in files
    ]
    after = [
        *(
            []
            if split
            else [_include(line, begin, path) for path in INCLUDING for line, begin in INCLUDING[path].items()]
        ),
        command("update-exim4.conf && systemctl reload exim4"),
        _check_again(plan),
    ]
    including = [] if split else [_including(path) for path in INCLUDING]
    every = (*first, *lines, *files, *including)
    return Setup(every, (*before, *copied, *after), (*by_hand, *after), tuple(_notes(plan)))


def _notes(plan: Plan) -> Iterator[str]:
    if kept := [domain for domain in plan.whole_domains if plan.classes.get(domain) == LOCAL]:
        yield (
            f"{', '.join(kept)} has mailboxes in this Exim (dc_other_hostnames), and they get no mail any more: remove"
            " it there, or name it under [maps] shared in the configuration first"
        )


def _check_again(plan: Plan) -> CommandLine:
    if plan.lmtp:
        return command("mailgate setup exim --lmtp --check")
    if plan.fallback:
        return command("mailgate setup exim --fallback-model {MODEL} --check", plan.fallback)
    return command("mailgate setup exim --check")


def _including(path: str) -> ConfigFile:
    rows = [f"# Lines for {path}, {MARK} exim`."]
    for line, begin in INCLUDING[path].items():
        rows += [f"# After the line `{begin}`:" if begin else "# On top:", line]
    return ConfigFile(path.rpartition("/")[2], path, "\n".join(rows) + "\n", appended=True)


def _include(line: str, begin: str, path: str) -> CommandLine:
    """The command that puts such a line where it belongs, once."""
    if not begin:
        return command("grep -qsxF {LINE} {FILE} || echo {LINE} >> {FILE}", line, path, line, path)
    return command("grep -qxF {LINE} {FILE} || sed -i {EDIT} {FILE}", line, path, f"/^{begin}/a {line}", path)


def parts(plan: Plan, relayed: str) -> list[ConfigFile]:
    """The parts of the configuration, named main, router and transport."""
    domains = [domain for domain in re.split(r"[\s:;]+", relayed) if domain and domain != "+mailgate_domains"]
    delimiters = "".join(f"\\{c}" for c in maps.delimiters(plan.maps.domains)) or "\\\\"
    values = {
        "@LMTP@": _socket(plan.lmtp),
        "@FOLDER@": plan.folder,
        "@OTHERS@": "".join(f" : {domain}" for domain in domains),
        "@DELIMITERS@": delimiters.replace("\\+", "+"),
        "@SIGNED@": maps.SIGNED_LOCAL,
        "@USER@": plan.user,
        "@GROUP@": plan.group,
        "@FALLBACK@": f" --fallback-model {plan.fallback}" if plan.fallback else "",
    }
    files = []
    for name, path, text in (
        ("main", f"{FOLDER}/main/00_mailgate", _MAIN),
        ("router", f"{FOLDER}/router/150_mailgate", _ROUTER),
        ("transport", f"{FOLDER}/transport/30_mailgate", _LMTP if plan.lmtp else _TRANSPORT),
    ):
        for key, value in values.items():
            text = text.replace(key, value)
        files.append(ConfigFile(name, path, text))
    return files


def _socket(lmtp: str) -> str:
    """The options of a transport that speaks LMTP to `unix:PATH` or `HOST:PORT`."""
    if lmtp.startswith("unix:"):
        socket = lmtp.removeprefix("unix:")
        return f"driver = lmtp\n  socket = {socket}\n  batch_max = 100\n  user = @USER@\n  group = @GROUP@"
    host, _, port = lmtp.rpartition(":")
    return f"driver = smtp\n  protocol = lmtp\n  hosts = {host}\n  port = {port}\n  allow_localhost"


_MAIN = """\
# /etc/exim4/conf.d/main/00_mailgate on Debian, made by `mailgate setup exim`. Elsewhere: the main section of exim.conf.

# The domains that mailgate serves; it keeps this table, and Exim reads it each time.
domainlist mailgate_domains = lsearch;@FOLDER@/domains

# Exim accepts mail for them from the internet. Elsewhere: the relay domains of the recipient ACL.
MAIN_RELAY_TO_DOMAINS = +mailgate_domains@OTHERS@

# mailgate's worker may set the reverse-path of what it sends. Elsewhere: trusted_users = mailgate
MAIN_TRUSTED_USERS = uucp : @USER@

# For addresses in UTF-8:
# MAIN_SMTPUTF8_ADVERTISE_HOSTS = *
"""
_ROUTER = """\
# /etc/exim4/conf.d/router/150_mailgate on Debian, made by `mailgate setup exim`. Elsewhere: the first routers.

mailgate:
  driver = accept
  # The address, the address before a detail, every address of a domain that takes them all; the last one lets answers
  # to our signed addresses through, whatever their name. Not "condition": a table that cannot be read would make it
  # false, and known addresses unknown; here it makes mail wait.
  address_data = ${if or{\\
      {match{\\
        ${lookup{$local_part@$domain}lsearch{@FOLDER@/addresses}}\\
        ${lookup{${sg{$local_part}{\\N(?<=.)[@DELIMITERS@].*\\N}{}}@$domain}lsearch{@FOLDER@/addresses}}\\
        ${lookup{@$domain}lsearch{@FOLDER@/addresses}}\\
        }{mailgate:}}\\
      {and{{match_domain{$domain}{+mailgate_domains}}{match{$local_part}{\\N@SIGNED@$\\N}}}}}\\
      {mailgate}fail}
  transport = mailgate

# All others are unknown: they are refused before their mail is sent. mailgate keeps the table of addresses, and Exim
# reads it each time.
mailgate_unknown:
  driver = redirect
  domains = +mailgate_domains
  allow_fail
  data = :fail: no such address here
"""
_LMTP = """\
# /etc/exim4/conf.d/transport/30_mailgate on Debian, made by `mailgate setup exim`. Elsewhere: the transports section.

mailgate:
  # Where `mailgate serve` or `mailgate lmtp` listens.
  @LMTP@
"""
_TRANSPORT = """\
# /etc/exim4/conf.d/transport/30_mailgate on Debian, made by `mailgate setup exim`. Elsewhere: the transports section.

mailgate:
  driver = pipe
  # No address on the command line: Exim refuses to put it there ("tainted"), and bounces. mailgate reads it from
  # the environment (LOCAL_PART, LOCAL_PART_SUFFIX, DOMAIN, SENDER).
  command = /usr/local/sbin/mailgate-pipe@FALLBACK@
  # The owner of the store.
  user = @USER@
  group = @GROUP@
  umask = 077
  # The message alone: by default it gets a "From " line above it and a blank line below.
  message_prefix =
  message_suffix =
  # The envelope above the header.
  return_path_add
  envelope_to_add
  # What mailgate says goes to the author of refused mail, and to the log for refused and deferred mail. Never
  # return_output: with it any output makes a bounce, whatever the exit status.
  return_fail_output
  log_fail_output
  log_defer_output
  # 75 is mailgate's "later"; the others mean that the guard could not run.
  temp_errors = 1 : 2 : 75 : 126 : 127
  # Above the 50 s in which mailgate and its guard always answer, and no bounce if they do not.
  timeout = 2m
  timeout_defer
  # If the guard itself is killed the message is kept, frozen ("exim4 -Mt ID" thaws it), instead of bounced.
  freeze_signal
"""
