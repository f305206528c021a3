"""Programs that are measured: started in a group of their own, watched, and ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


class BenchError(Exception):
    """A measurement cannot be made; the text is a sentence for a person."""


@dataclass(frozen=True)
class Spent:
    """What a program that ran to its end took: seconds by the clock, and of processors."""

    clock: float
    processor: float


def _begin(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    out: IO[bytes],
    *,
    start_new_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a program that reads nothing and writes all it says to `out`."""
    return subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        start_new_session=start_new_session,
    )


class Program:
    """One program that serves, with everything that it starts. Its output goes to a file."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as out:
            self._process = _begin(command, folder, environment, out, start_new_session=True)

    @property
    def pid(self) -> int:
        """Id of the program itself."""
        return self._process.pid

    def check(self) -> None:
        """
        Raises:
            BenchError: the program has ended.
        """
        if self._process.poll() is not None:
            raise BenchError(f"A server ended with {self._process.returncode}: {self._log} says why.")

    def stop(self) -> None:
        """End it and everything that it started; after ten seconds without asking further."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def spend(command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> Spent:
    """Run `command` to its end.

    Raises:
        BenchError: it failed.
    """
    began = time.monotonic()
    with log.open("wb") as out:
        process = _begin(command, folder, environment, out)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"{' '.join(command[:4])} ended with {process.returncode}: {log} says why.")
    return Spent(time.monotonic() - began, usage.ru_utime + usage.ru_stime)


def resident(pids: Sequence[int]) -> float:
    """Megabytes that the programs `pids` and all that they started hold in memory now (Linux)."""
    return sum(_resident(pid) for pid in family(pids, parents()))


def family(pids: Sequence[int], parent_of: Mapping[int, int]) -> set[int]:
    """`pids` and all their descendants."""
    found = set(pids)
    while True:
        more = {child for child, parent in parent_of.items() if parent in found} - found
        if not more:
            return found
        found |= more


def parents() -> dict[int, int]:
    """The parent of every process of this machine."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            found[int(path.parent.name)] = int(path.read_text(encoding="utf-8").rpartition(") ")[2].split()[1])
    return found


def _resident(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def drop_from_memory(folders: Sequence[Path]) -> None:
    """Have the system forget what it keeps of the files below `folders`, so that the next start reads the disk.

    What another running program has mapped stays.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    for path in _files(folders):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def megabytes(paths: Sequence[Path]) -> float:
    """Size of all files below `paths`."""
    return sum(path.stat().st_size for path in _files(paths)) / 1e6


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in [folder] if folder.is_file() else folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
