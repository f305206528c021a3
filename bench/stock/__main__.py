"""`python -m bench.stock lock`: resolve the peer's packages anew; without it: install what is locked."""

from __future__ import annotations

import sys

from bench.processes import BenchError
from bench.stock import environment
from bot.settings import Settings

try:
    var = Settings.read().var / "bench"
    if sys.argv[1:] == ["lock"]:
        environment.lock(var)
    else:
        print(environment.ensure(var))
except BenchError as error:
    sys.exit(f"evenkeel: {error}")
