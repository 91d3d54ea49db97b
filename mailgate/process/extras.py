"""Libraries that only some features need, and the extra of the package that brings each."""

import sys
from importlib.util import find_spec

from mailgate.values.problem import Problem, command

EXTRAS = {"imapclient": "fetch", "oauthlib": "fetch", "nh3": "html"}
"""Library -> extra."""


_WHERE = "run that in a checkout of mailgate: no index of packages has it"


def missing(*libraries: str) -> Problem | None:
    """The problem with the first of these libraries that is not installed; None when all are."""
    for library in libraries:
        if find_spec(library) is None:
            extra = f"mailgate[{EXTRAS[library]}]"
            install = command("{PYTHON} -m pip install {EXTRA}", sys.executable, f".[{EXTRAS[library]}]")
            return Problem(f"{library} is not installed; the extra `{extra}` brings it", install, advice=_WHERE)
    return None


def require(*libraries: str) -> None:
    """Raise Problem when one of these libraries is not installed."""
    if problem := missing(*libraries):
        raise problem
