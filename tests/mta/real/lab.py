"""What these tests need from the machine they run on, and the program as it is installed on a mail server."""

import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
EXIM = Path(os.environ.get("MAILGATE_EXIM_ROOT", "/var/cache/mailgate-exim"))
POSTFIX_MASTER = Path("/usr/share/postfix/master.cf.dist")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

UNSHARE = [
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation",
    "private",
    "--",
]

_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3", *(f"/usr/bin/python3.{n}" for n in range(11, 20)))
_SCRIPT = """\
#!/opt/mailgate/bin/python
import sys
from mailgate.__main__ import main
sys.exit(main())
"""
_OVERLAY = (
    "mount -t tmpfs tmpfs /run && mkdir /run/u /run/w && "
    "mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/u,workdir=/run/w /etc"
)


def required() -> bool:
    """Whether a missing server fails the tests instead of skipping them."""
    return os.environ.get("CI") == "true" or os.environ.get("MAILGATE_REQUIRE_MTA") == "1"


@functools.cache
def missing(server: str) -> str | None:
    """Why the tests with `server` ("postfix" or "exim") cannot run here, or None when they can."""
    if os.geteuid() != 0:
        return "not root: a private mail server needs namespaces of its own"
    for tool in ("unshare", "nsenter", "setpriv"):
        if shutil.which(tool, path=PATH) is None:
            return f"no {tool} (util-linux)"
    probe = subprocess.run([*UNSHARE, "sh", "-c", _OVERLAY], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return f"no private overlay mounts here: {probe.stderr.strip()}"
    if interpreter() is None:
        return "no Python 3.11 or newer with venv that another user may run (apt-get install python3-venv)"
    if server == "postfix" and not POSTFIX_MASTER.exists():
        return "no Postfix (Debian's package postfix)"
    if server == "exim" and not (EXIM / "etc/exim4/conf.d").exists():
        return f"no unpacked Exim in {EXIM} (.ci/servers.sh puts it there)"
    return None


@functools.cache
def interpreter() -> str | None:
    """A Python that the user mailgate can run: every folder above it is open to everyone."""
    for candidate in _PYTHONS:
        real = Path(candidate).resolve()
        if not real.exists() or not all(p.stat().st_mode & 0o005 == 0o005 for p in (real, *real.parents)):
            continue
        asked = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
        if subprocess.run([candidate, "-I", "-c", asked], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def install(target: Path) -> None:
    """Make `target` what "python3 -m venv" and "pip install" make of /opt/mailgate, without a network."""
    python = interpreter()
    assert python is not None
    subprocess.run([python, "-m", "venv", "--without-pip", str(target)], check=True)
    (site,) = (target / "lib").glob("python3*/site-packages")
    spec = importlib.util.find_spec("mailgate")
    assert spec is not None
    assert spec.origin is not None
    # Tests beside this one import the package, and write and rename what they compile, while it is copied.
    shutil.copytree(Path(spec.origin).parent, site / "mailgate", ignore=shutil.ignore_patterns("__pycache__"))
    for name in sorted(_dependencies("mailgate")):
        for file in importlib.metadata.files(name) or ():
            if ".." not in file.parts and (source := Path(str(file.locate()))).exists():
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, site / file)
    script = target / "bin" / "mailgate"
    script.write_text(_SCRIPT)
    script.chmod(0o755)
    # The user mailgate cannot write there: what is not compiled now is compiled again by every process.
    subprocess.run([python, "-m", "compileall", "-q", "-x", "pygments", str(site)], check=True)
    subprocess.run(["chmod", "-R", "go=u-w", str(target)], check=True)


def _dependencies(name: str) -> set[str]:
    """The installed distributions that `name` needs, and those that they need."""
    found: set[str] = set()
    todo = [name]
    while todo:
        for requirement in importlib.metadata.requires(todo.pop()) or ():
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            assert match is not None
            if "extra ==" in requirement or match[0] in found:
                continue
            try:
                importlib.metadata.distribution(match[0])
            except importlib.metadata.PackageNotFoundError:
                continue  # its marker names another Python or system
            found.add(match[0])
            todo.append(match[0])
    return found
