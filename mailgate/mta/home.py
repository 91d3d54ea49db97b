"""What a user without root puts into their home so that their mail goes into mailgate: three ways, one guard."""

import re
from collections.abc import Mapping

from mailgate.mta import guard, maps
from mailgate.mta.plan import MARK, ConfigFile, Plan
from mailgate.values.problem import Problem

FILES: Mapping[str, str] = {"forward": ".forward", "procmail": ".procmailrc", "maildrop": ".mailfilter"}
"""Way -> its file in the home."""


def setup(plan: Plan, way: str, home: str) -> list[ConfigFile]:
    """The guard, and the file of a way (one of FILES). Raises Problem.

    A program that is missing means "later" in each of them: the mail waits in the server's queue.
    """
    path = f"{home}/.local/bin/mailgate-pipe"
    if not re.fullmatch(r"[\w./+-]+", path):
        raise Problem(f"{path!a} cannot be a command in {FILES[way]}", advice="use a home without such characters")
    text = guard.script(plan).text.replace(f"# {maps.GUARD}, owner root, mode 755,", f"# {path}, mode 755,")
    lines = {"forward": _FORWARD, "procmail": _PROCMAIL, "maildrop": _MAILDROP}[way]
    program = f"test -x {path} || exit 75; exec {path}"
    return [
        ConfigFile("mailgate-pipe", path, text),
        ConfigFile(FILES[way], f"{home}/{FILES[way]}", lines.replace("@MARK@", MARK).replace("@PROGRAM@", program)),
    ]


_FORWARD = """\
# ~/.forward, @MARK@ forward`: Postfix and Exim run this for your mail.
"|/bin/sh -c '@PROGRAM@'"
"""
_PROCMAIL = """\
# ~/.procmailrc, @MARK@ procmail`: all mail goes into mailgate.
SHELL=/bin/sh
:0 w
| @PROGRAM@

# Only what mailgate did not take comes here: its status is procmail's, and this file ends.
EXITCODE=$?
HOST=stop
"""
_MAILDROP = """\
# ~/.mailfilter, @MARK@ maildrop`: all mail goes into mailgate.
exception {
  to "|/bin/sh -c '@PROGRAM@'"
}

# Only what mailgate did not take comes here: it is tried again later.
EXITCODE=75
exit
"""
