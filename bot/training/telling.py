"""Says on standard error what is being made, how long it may take and how long it has taken so far."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

#: Seconds between two signs of life: on a terminal, and where the output is kept or handed on.
TICK, HEARTBEAT = 1.0, 20.0

Say = Callable[[str], None]


def expected(last: float | None, usually: str) -> str:
    """How long something may take: as long as `last` time on this machine (seconds), or else what is usual."""
    return usually if last is None else f"{max(1, round(last))} s the last time"


@contextlib.contextmanager
def telling(what: str, how_long: str) -> Iterator[Say]:
    """Say that `what` begins and may take `how_long`, show the time that passes, and say how it ended.

    Yields a function that says one line in between.
    """
    stream, began = sys.stderr, time.monotonic()  # kept: training puts another in its place
    live = stream.isatty()
    ended, one_at_a_time = threading.Event(), threading.Lock()
    width = 0  # of what stands on the moving line

    def write(text: str, moves: bool = False) -> None:
        nonlocal width
        with one_at_a_time:
            stream.write(f"\r{text:{width}}" + ("" if moves else "\n") if live else f"{text}\n")
            stream.flush()
            width = len(text) if moves else 0

    def show_time() -> None:
        while not ended.wait(TICK if live else HEARTBEAT):
            passed = time.monotonic() - began
            write(f"  {what}: {passed:.0f} s ({how_long})" if live else f"  {what}: {passed:.0f} s so far", moves=True)

    write(f"  {what} ({how_long}) …", moves=True)
    clock = threading.Thread(target=show_time, daemon=True)
    clock.start()
    how = "failed"
    try:
        yield lambda text: write(f"    {text}")
        how = "done"
    finally:
        ended.set()
        clock.join()
        write(f"  {what}: {how} after {time.monotonic() - began:.0f} s")
