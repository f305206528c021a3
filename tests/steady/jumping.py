"""A bot whose clock is set while it runs: `python -m tests.steady.jumping serve`, as `python -m bot serve`.

Each line on standard input says by how many seconds its clock goes on, or back. The clock that nobody can set
(`time.monotonic`) goes on as it does.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from threading import Thread

import time_machine

from bot.__main__ import main


def _listen(clock: time_machine.Traveller) -> None:
    for line in sys.stdin:
        clock.shift(float(line))


if __name__ == "__main__":
    with time_machine.travel(datetime.now(UTC), tick=True) as travelling:
        Thread(target=_listen, args=(travelling,), daemon=True).start()
        sys.exit(main(sys.argv[1:]))
