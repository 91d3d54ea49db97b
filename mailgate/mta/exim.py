"""What to put into Exim as Debian sets it up: parts of its configuration, and the commands that put them there."""

import re

from mailgate.mta import guard, maps
from mailgate.mta.plan import ConfigFile, Plan, Setup, configuration, first_commands, written
from mailgate.values.problem import command

FOLDER = "/etc/exim4/conf.d"
DEBIAN = "/etc/exim4/update-exim4.conf.conf"


def setup(plan: Plan, relayed: str, source: str | None = None) -> Setup:
    """Everything for Exim. `relayed` are the domains that it relays for already.

    `source`: the folder that the files are written to.
    """
    script, files = guard.script(plan), parts(plan, relayed)
    before, by_hand = first_commands(plan, script, source)
    copied = [
        command("install -m 644 {FILE} {PATH}", written(source, file.name) or f"DIR/{file.name}", file.path)
        for file in files
    ]
    after = [
        command("sed -i \"s/^dc_use_split_config=.*/dc_use_split_config='true'/\" {FILE}", DEBIAN),
        command("update-exim4.conf && systemctl reload exim4"),
        command("mailgate setup exim --fallback-model {MODEL} --check", plan.fallback)
        if plan.fallback
        else command("mailgate setup exim --check"),
    ]
    every = (script, *configuration(plan), *files)
    return Setup(every, (*before, *copied, *after), (*by_hand, *after))


def parts(plan: Plan, relayed: str) -> list[ConfigFile]:
    """The parts of the configuration, named main, router and transport."""
    domains = [domain for domain in re.split(r"[\s:;]+", relayed) if domain and domain != "+mailgate_domains"]
    delimiters = "".join(f"\\{c}" for c in maps.delimiters(plan.maps.domains)) or "\\\\"
    values = {
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
        ("transport", f"{FOLDER}/transport/30_mailgate", _TRANSPORT),
    ):
        for key, value in values.items():
            text = text.replace(key, value)
        files.append(ConfigFile(name, path, text))
    return files


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
