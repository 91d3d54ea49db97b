"""What to put into Postfix: lines for main.cf and master.cf, and the commands that put them there."""

from collections.abc import Mapping

from mailgate.mta import guard, maps, postfix_settings, units
from mailgate.mta.plan import MARK, ConfigFile, Plan, Setup, configuration, first_commands, written
from mailgate.values.problem import CommandLine, command

MAIN, MASTER = "/etc/postfix/main.cf", "/etc/postfix/master.cf"


def setup(plan: Plan, present: Mapping[str, str], source: str | None = None) -> Setup:
    """Everything for Postfix. `present` are the parameters that its main.cf sets, which keep what they say.

    `source`: the folder that the files are written to.
    """
    first = units.lmtp(plan, "postfix") if plan.lmtp else [guard.script(plan)]
    lines = configuration(plan, "postfix")
    files = [*first, *lines, _main(plan, present)]
    before, by_hand = first_commands(plan, first, lines, source)
    settings = written(source, "main.cf")
    commands = [*before, command("grep '^[a-z]' {DIR/main.cf} | xargs -d '\\n' postconf -e", settings)]
    if not plan.alias:
        files.append(master(plan))
        service = written(source, "master.cf")
        commands.append(
            command(
                "sed '/^ *#/d' {DIR/master.cf} | tr '\\n' ' ' | xargs -d '\\n' -I@ postconf -M mailgate/unix=@", service
            )
        )
    after = [command("postfix reload"), _check_again(plan)]
    return Setup(tuple(files), (*commands, *after), (*by_hand, *after), tuple(_notes(plan, present)))


def _check_again(plan: Plan) -> CommandLine:
    if plan.alias:
        return command("mailgate setup postfix --alias --check")
    if plan.lmtp:
        return command("mailgate setup postfix --lmtp --check")
    if plan.fallback:
        return command("mailgate setup postfix --fallback-model {MODEL} --check", plan.fallback)
    return command("mailgate setup postfix --check")


def _main(plan: Plan, present: Mapping[str, str]) -> ConfigFile:
    kind = "mailgate behind an alias file" if plan.alias else f"mailgate {'by LMTP' if plan.lmtp else 'as a transport'}"
    rows = [f"# Lines for {MAIN}, {MARK} postfix`: {kind}."]
    rows += ["# Each replaces your line of that name, and keeps what yours says.", ""]
    for setting in postfix_settings.settings(plan):
        value = postfix_settings.merged(plan, setting, present)
        if value is not None:
            rows += [*(f"# {line}" for line in setting.why.splitlines()), f"{setting.name} = {value}"]
    return ConfigFile("main.cf", MAIN, "\n".join(rows) + "\n", appended=True)


def master(plan: Plan) -> ConfigFile:
    """The lines for master.cf: the service that runs mailgate, or speaks LMTP to it."""
    if plan.lmtp:
        return ConfigFile("master.cf", MASTER, _LMTP, appended=True)
    fallback = f" --fallback-model {plan.fallback}" if plan.fallback else ""
    text = _MASTER.replace("@USER@", f"{plan.user}:{plan.group}").replace("@FALLBACK@", fallback)
    return ConfigFile("master.cf", MASTER, text, appended=True)


def _notes(plan: Plan, present: Mapping[str, str]) -> list[str]:
    if plan.alias:
        return []
    notes = [
        f"{domain} is in {name}, and Postfix hands no mail of such a domain to mailgate: name it in"
        " virtual_mailbox_domains instead first; its addresses in virtual_alias_maps go on working"
        for domain, name in plan.classes.items()
        if domain in plan.maps.shared and name == "virtual_alias_domains"
    ]
    for domain in plan.whole_domains:
        name = plan.classes.get(domain, "relay_domains")
        if name != "relay_domains":
            notes.append(
                f"{domain} is in {name} already, so its mail does not reach mailgate: remove it there, or name it"
                " under [maps] shared in the configuration first"
            )
    named = postfix_settings.relayed(present)
    own_table = f":{plan.folder}/{maps.DOMAINS}"
    relayed = postfix_settings.items(present.get("relay_domains", ""))
    unlisted = [item for item in relayed if item not in named and not item.endswith(own_table)]
    if unlisted and not present.get("relay_recipient_maps"):
        notes.append(
            f"this server relays for {', '.join(unlisted)} without a list of their addresses, and with"
            " relay_recipient_maps it refuses those that are not listed: add one for them"
        )
    return notes


_LMTP = """\
# Lines for /etc/postfix/master.cf, made by `mailgate setup postfix`: the LMTP client for mailgate. It is outside of the
# chroot that Debian's own client is in: mailgate's socket is in no folder of Postfix.
mailgate  unix  -  -  n  -  10  lmtp
"""
_MASTER = """\
# Lines for /etc/postfix/master.cf, made by `mailgate setup postfix`: the transport that the tables name. At most ten at
# a time.
mailgate  unix  -  n  n  -  10  pipe
  # R: put the reverse-path on top; X: this is the final delivery; q: quote odd local parts, as in a header.
  flags=RXq
  # The owner of the store.
  user=@USER@
  # An empty reverse-path stays empty; Postfix would write MAILER-DAEMON.
  null_sender=
  # No shell reads this line, and nothing in an address can become an option.
  argv=/usr/local/sbin/mailgate-pipe@FALLBACK@ -f ${sender} -- ${recipient}
"""
