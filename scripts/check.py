"""Every check and test that needs no account anywhere: `make test`. Runs them all, even after one has failed.

The last step is pytest, so that its closing line is the last word.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Name of a step -> what the environment's Python is started with.
STEPS = {
    "lint": ["-m", "ruff", "check", "."],
    "types": ["-m", "mypy"],
    "data": ["-m", "bot", "rasa", "data", "validate"],
    "figures": ["-m", "bot", "evaluate"],
    "memory": ["-m", "bot", "memory"],
    "tests": ["-m", "pytest"],
}


def main(arguments: list[str] | None = None) -> int:
    """Runs the steps; returns 0 when all of them are content, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=[*STEPS], help="run this step alone (may be repeated)")
    asked, for_pytest = parser.parse_known_args(arguments)
    failed = []
    for name in asked.only or STEPS:
        command = [sys.executable, *STEPS[name], *(for_pytest if name == "tests" else [])]
        print(f"== {name}: {' '.join(STEPS[name][1:])}", flush=True)
        began = time.monotonic()
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, env=os.environ).returncode:
            failed.append(name)
        if name != "tests":
            print(
                f"== {name}: {'FAILED' if name in failed else 'fine'} after {time.monotonic() - began:.1f} s",
                flush=True,
            )
    if failed:
        print(f"Failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
