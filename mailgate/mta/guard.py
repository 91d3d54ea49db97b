"""The script that the mail server runs in place of mailgate: its text, and whether it is installed."""

import os

from mailgate.mta.check import Check, FileState
from mailgate.mta.maps import GUARD
from mailgate.mta.plan import ConfigFile, Plan
from mailgate.values.problem import command, quoted

CLIENT = os.path.join(os.path.dirname(os.path.dirname(__file__)), "inbound", "client.py")
"""The file of the pipe's client."""


def script(plan: Plan) -> ConfigFile:
    """The script, which lets only mailgate's own answers through."""
    configuration = f" -C {quoted(plan.configuration)}" if plan.configuration else ""
    text = _GUARD.replace("@PYTHON@", quoted(plan.python))
    if plan.handover:
        first = _HANDOVER.replace("@CLIENT@", quoted(CLIENT)).replace("@SOCKET@", quoted(plan.handover))
        text = text.replace('-m mailgate deliver@CONFIGURATION@ "$@"', '"$@"').replace(
            "output=$(", f"{first}output=$(", 1
        )
    text = text.replace("@CONFIGURATION@", configuration)
    return ConfigFile("mailgate-pipe", GUARD, text)


def check(plan: Plan, file: FileState) -> Check:
    """Whether the script is installed as it is, and can be run."""
    install = command("mailgate setup postfix --write DIR && install -m 755 DIR/mailgate-pipe {FILE}", GUARD)
    if file.error:
        return Check("guard", "unknown", f"{GUARD}: {file.error}", command("ls -l {FILE}", GUARD))
    if file.text is None:
        return Check("guard", "wrong", f"there is no {GUARD}", install)
    if not file.executable:
        return Check("guard", "wrong", f"{GUARD} cannot be run by all users", command("chmod 755 {FILE}", GUARD))
    if _code(file.text) != _code(script(plan).text):
        return Check("guard", "wrong", f"{GUARD} differs from that of this version of mailgate", install)
    return Check("guard", "ok", f"{GUARD} runs mailgate")


def _code(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


_HANDOVER = """\
# The client hands the message over to "mailgate serve"; where nobody listens, it becomes "mailgate deliver".
client=@CLIENT@
if [ -r "$client" ]; then
    set -- -S "$client" @SOCKET@@CONFIGURATION@ "$@"
else
    set -- -m mailgate deliver@CONFIGURATION@ "$@"
fi
"""
_GUARD = """\
#!/bin/sh
# /usr/local/sbin/mailgate-pipe, owner root, mode 755, made by `mailgate setup`: what Postfix and Exim run in place of
# mailgate.
#
# Both servers return a message to its author for nearly every exit status but 75, and Postfix lets a status at the
# start of the output ("5.1.1 ...") win over the exit status. So a broken virtual environment, a crash, a kill or a
# hang would bounce good mail. Here only mailgate's own answers pass: 0 taken, 65 67 77 refused, 75 later.
# Everything else becomes 75, and its last line of output goes to the mail log.

# What the shell itself prints ("Killed") must not get into a bounce.
exec 2>/dev/null
# A shell that cannot continue (no process or no memory left) answers "later" too.
trap 'exit 75' EXIT
# A signal to the whole process group must not end this shell before mailgate has answered.
trap : HUP INT PIPE TERM

# mailgate gives up by itself after 30 s; "timeout" is for when it does not even start.
# -I: no PYTHON* variable and no current directory decides what is imported.
output=$(timeout --foreground -k 5 45 @PYTHON@ -I -m mailgate deliver@CONFIGURATION@ "$@" 2>&1)
status=$?

case $status:$output in
    0:*) output= ;;
    65:* | 67:* | 77:* | 75:4.*) ;;
    *)
        output="4.3.0 mailgate-pipe: mailgate ended with status $status: $(printf '%s\\n' "$output" | tail -n 1)"
        status=75
        ;;
esac
trap - EXIT
[ -z "$output" ] || printf '%.480s\\n' "$output"
exit "$status"
"""
