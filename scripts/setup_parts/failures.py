"""What can go wrong while setting up, each in one sentence that says what to do."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

AGAIN = "run the same command again"

#: Megabytes that an environment with its downloads takes, with room to spare.
ROOM_NEEDED = 1500


class Failure(Exception):
    """The set-up cannot go on; the text is what the person at the terminal is told."""


def no_python(versions: list[str], asked: str | None) -> Failure:
    """No interpreter of one of `versions` was found, or not the one that was `asked` for."""
    wanted = " or ".join(versions)
    if asked:
        return Failure(f"{asked!r} is not a Python {wanted} that works here. Name another one, or leave PYTHON= out.")
    return Failure(
        f"Python {wanted} is needed and was found neither on PATH nor under pyenv, and uv could not fetch one. "
        f"Install it (on Debian or Ubuntu: apt install python{versions[0]} python{versions[0]}-venv) and {AGAIN}."
    )


def no_installer(python: Path) -> Failure:
    """Neither uv nor pip can be had."""
    return Failure(
        f"{python} has no pip to install packages with. Install it (on Debian or Ubuntu: apt install python3-venv "
        f"python3-pip), or install uv, and {AGAIN}."
    )


def no_room(folder: Path, needed: int = ROOM_NEEDED) -> Failure:
    """The disk of `folder` is full, or will be."""
    free = shutil.disk_usage(folder).free // 1_000_000
    return Failure(
        f"The disk is full: {folder} has {free} MB left and about {needed} MB are needed. Make room and {AGAIN}."
    )


def of_os_error(error: OSError, folder: Path) -> Failure:
    """The sentence for an error of the operating system met while writing below `folder`."""
    where = error.filename or folder
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_room(folder)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Failure(
            f"No permission to write {where}. Give the folder {folder} to the user you are, for example with chown, "
            f"and {AGAIN}."
        )
    return Failure(f"The set-up could not go on: {error.strerror or error} ({where}). Mend that and {AGAIN}.")


_FULL = re.compile(r"No space left on device|os error 28\b|Disk quota exceeded|os error 122\b", re.IGNORECASE)
_FORBIDDEN = re.compile(r"Permission denied|os error 13\b|Read-only file system|os error 30\b", re.IGNORECASE)
_CHANGED = re.compile(r"Hash mismatch|DO NOT MATCH THE HASHES", re.IGNORECASE)
_NO_NETWORK = re.compile(
    r"error sending request|dns error|Failed to (fetch|download)|Connection (refused|reset|broken)|tcp connect error|"
    r"Network is unreachable|Name or service not known|Temporary failure in name resolution|timed? ?out|"
    r"NewConnectionError|ConnectTimeout|ProxyError|SSLError|certificate verify failed|Network connectivity is disabled|"
    r"needs to be downloaded|50[0234] Server Error|HTTP status server error",
    re.IGNORECASE,
)
_NO_WHEEL = re.compile(
    r"`?([\w.-]+)==\S+ has no (?:usable )?wheels|No matching distribution found for ([\w.-]+)==", re.IGNORECASE
)
_NO_VENV = re.compile(r"ensurepip is not available|No module named (ensurepip|venv)", re.IGNORECASE)


def of_output(output: str, doing: str, folder: Path, log: Path) -> Failure:
    """The sentence for a command that failed.

    Args:
        output: all that the command printed.
        doing: what was being done, as the beginning of a sentence ("Installing the packages").
        folder: where it was writing.
        log: the file that keeps the whole output.
    """
    if _FULL.search(output):
        return no_room(folder)
    if _FORBIDDEN.search(output):
        return Failure(
            f"{doing} failed: no permission to write. Give {folder} (and your cache folder) to the user you are "
            f"and {AGAIN}; {log} names the file."
        )
    if _CHANGED.search(output):
        return Failure(
            f"{doing} failed: a downloaded package is not the one that was locked, so it was not installed. "
            f"{log} names it; try another package mirror, and tell the maintainers if it stays."
        )
    if _NO_NETWORK.search(output):
        return Failure(
            f"{doing} failed: the package index cannot be reached. Check the network, or the proxy and index settings "
            f"of pip and uv, and {AGAIN}; what was downloaded is kept."
        )
    wheel = _NO_WHEEL.search(output)
    if wheel:
        return Failure(
            f"{doing} failed: {wheel.group(1) or wheel.group(2)} is not offered for this machine by the package index. "
            "Linux with glibc 2.28 or newer on x86-64 or ARM and macOS 14 or newer on Apple silicon are supported."
        )
    if _NO_VENV.search(output):
        return Failure(
            "This Python lacks its venv module. "
            f"Install it (on Debian or Ubuntu: apt install python3-venv) and {AGAIN}."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return Failure(f"{doing} failed: {lines[-1] if lines else 'it said nothing'} (the whole output is in {log}).")


def without_uv_it_may_work(output: str) -> bool:
    """Whether pip, which could not fetch uv and said `output`, may still be able to install the packages themselves."""
    return not any(pattern.search(output) for pattern in (_FULL, _FORBIDDEN, _CHANGED, _NO_NETWORK))
