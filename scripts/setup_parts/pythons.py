"""Finds a Python that the locked packages are made for."""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, Mapping, NamedTuple

# Asked of each candidate; a build without these modules could not run the bot.
_PROBE = """
import bz2, ctypes, json, sqlite3, ssl, sys, zlib
print(json.dumps({
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "fits": sys.implementation.name == "cpython" and sys.maxsize > 2**32 and not hasattr(sys, "pypy_version_info"),
}))
"""


class Python(NamedTuple):
    """An interpreter that works."""

    #: Where it is: the interpreter itself, never one of a virtual environment.
    executable: Path
    #: Its whole version, such as 3.11.7.
    version: str

    @property
    def minor(self) -> str:
        """Its version without the last part, such as 3.11."""
        return self.version.rpartition(".")[0]


def supported(root: Path) -> list[str]:
    """The versions named in .python-versions, the preferred one first."""
    return (root / ".python-versions").read_text(encoding="ascii").split()


def probe(command: str) -> Python | None:
    """The interpreter that `command` starts; None when it does not start or could not run the bot."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    try:
        answer = subprocess.run(
            [command, "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            env=environment,
            check=True,
        )
        found = json.loads(answer.stdout.decode())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Python(Path(found["executable"]), found["version"]) if found["fits"] else None


def candidates(versions: list[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Commands that may be a Python, likeliest first: `python3`, then by version on PATH, pyenv, usual places."""
    folders = [folder for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    for name in ["python3", *(f"python{version}" for version in versions), "python"]:
        # Every folder, not only the first: a pyenv shim that does not work may hide a Python that does.
        for folder in folders:
            found = shutil.which(name, path=folder)
            if found:
                yield found
    home = Path(environment.get("HOME", "/nonexistent"))
    pyenv = Path(environment.get("PYENV_ROOT", home / ".pyenv"))
    for version in versions:
        for pattern in (
            pyenv / "versions" / f"{version}*" / "bin" / f"python{version}",
            home / ".local/share/uv/python" / f"cpython-{version}*" / "bin" / f"python{version}",
            home / ".local/bin" / f"python{version}",
            Path("/usr/local/bin") / f"python{version}",
            Path("/opt/homebrew/bin") / f"python{version}",
            Path("/usr/bin") / f"python{version}",
        ):
            yield from sorted(glob.glob(str(pattern)), reverse=True)


def find(versions: list[str], environment: Mapping[str, str], asked: str | None = None) -> Python | None:
    """A working Python of one of `versions`.

    Args:
        versions: minor versions that will do.
        environment: where PATH, HOME and PYENV_ROOT are read from.
        asked: a version (3.12), a command or a path that somebody insists on.
    """
    if asked and asked not in versions:
        found = probe(asked)
        return found if found and found.minor in versions else None
    wanted = [asked] if asked else versions
    tried = set()
    for command in candidates(wanted, environment):
        if command not in tried:
            tried.add(command)
            found = probe(command)
            if found and found.minor in wanted:
                return found
    return None
