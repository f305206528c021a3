"""Shows on standard error what is happening and about how long it takes; standard output stays clean."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping, Sequence, TextIO

#: Seconds between two signs of life where the output is not a terminal.
HEARTBEAT = 20.0


class Console:
    """Writes the steps of a set-up to `stream`: as one moving line on a terminal, as plain lines elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def say(self, text: str) -> None:
        """One line."""
        self._stream.write(f"evenkeel: {text}\n")
        self._stream.flush()

    def run(
        self,
        command: Sequence[str],
        *,
        doing: str,
        seconds: float,
        log: Path,
        environment: Mapping[str, str],
        folder: Path,
        keep_open: Sequence[int] = (),
    ) -> tuple[int, str]:
        """Runs `command` quietly in `folder` and shows the time that passes beside the `seconds` it usually takes.

        Args:
            keep_open: file descriptors that the command inherits.

        Returns:
            The exit code and all that the command printed; `log` keeps it too.
        """
        with log.open("a+b") as kept:
            kept.write(f"\n$ {' '.join(command)}\n".encode())
            kept.flush()
            start = kept.tell()
            began = shown = time.monotonic()
            self._begin(doing, seconds)
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=kept,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=str(folder),
                pass_fds=keep_open,
            )
            try:
                while True:
                    try:
                        code = process.wait(timeout=0.2)
                        break
                    except subprocess.TimeoutExpired:
                        now = time.monotonic()
                        if self._live or now - shown >= HEARTBEAT:
                            shown = now
                            self._tick(doing, now - began, seconds)
            except BaseException:
                process.terminate()
                process.wait()
                raise
            kept.seek(start)
            output = kept.read().decode("utf-8", "replace")
        self._end(doing, time.monotonic() - began, code == 0)
        return code, output

    def _begin(self, doing: str, seconds: float) -> None:
        if self._live:
            self._tick(doing, 0, seconds)
        else:
            self.say(f"{doing} ({_usually(seconds)}) ...")

    def _tick(self, doing: str, passed: float, seconds: float) -> None:
        if not self._live:
            self.say(f"{doing}: {passed:.0f} s so far")
            return
        width = 20
        done = min(width, int(width * passed / seconds)) if seconds else width
        bar = "#" * done + "." * (width - done)
        self._stream.write(f"\r\033[Kevenkeel: {doing} [{bar}] {passed:.0f} s, {_usually(seconds)}")
        self._stream.flush()

    def _end(self, doing: str, passed: float, good: bool) -> None:
        if self._live:
            self._stream.write("\r\033[K")
        if good:
            self.say(f"{doing}: done in {passed:.0f} s")


def _usually(seconds: float) -> str:
    """An honest range around what was measured on two cores with a near mirror: machines and networks differ."""
    if seconds < 10:
        return "a few seconds"
    return f"usually {_span(seconds / 2)} to {_span(seconds * 2)}"


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{round(seconds, -1):.0f} s"
    minutes = round(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
