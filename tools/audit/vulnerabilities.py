"""Asks a vulnerability service about every locked package, through pip-audit, and compares with what was let stand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Seconds for the whole of it, and for one answer of the service.
_LONGEST, _PATIENCE = 600, 15


@dataclass(frozen=True)
class Vulnerability:
    """One advisory about one locked version, by all of its names."""

    package: str
    version: str
    names: tuple[str, ...]
    mended_in: tuple[str, ...]


class Unreachable(Exception):
    """No vulnerability service answered; says which and why."""


def look_up(lock: Path, service: str, run: Callable[[list[str]], tuple[str, str]] | None = None) -> list[Vulnerability]:
    """What `service` ("osv" or "pypi") knows against the packages in `lock`.

    Args:
        run: runs a command and returns what it printed on standard output and standard error.

    Raises:
        Unreachable: it could not be asked.
    """
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--no-deps", "--disable-pip",
        "--vulnerability-service", service, "--format", "json", "--progress-spinner", "off",
        "--timeout", str(_PATIENCE),
    ]  # fmt: skip
    output, said = (run or _run)(command)
    try:
        told: Mapping[str, Any] = json.loads(output)
    except ValueError:
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        raise Unreachable(f"{service}: {last[0][:200]}") from None
    left_out = [entry["name"] for entry in told["dependencies"] if "skip_reason" in entry]
    if left_out:
        raise Unreachable(f"{service}: it left out {', '.join(left_out)}")
    return [
        Vulnerability(entry["name"], entry["version"], (found["id"], *found["aliases"]), tuple(found["fix_versions"]))
        for entry in told["dependencies"]
        for found in entry["vulns"]
    ]


def _run(command: list[str]) -> tuple[str, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "", f"no answer within {_LONGEST} s"
    return done.stdout, done.stderr
