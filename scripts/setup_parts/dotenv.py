"""Reads settings from the file .env, so that they need not be typed at every start."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from .failures import Failure

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def read(path: Path) -> dict[str, str]:
    """The settings in `path` (NAME=value lines, # comments, quotes as in a shell); none when there is no such file.

    Raises:
        Failure: a line is not of that form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    settings = {}
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        try:
            parts = shlex.split(match.group(2), comments=True) if match else []
        except ValueError:  # a quote that is not closed
            match = None
        if not match or len(parts) > 1:
            raise Failure(
                f"Line {number} of {path.name} is {line!r}, but it must look like NAME=value, "
                "with quotes round a value that has spaces."
            )
        settings[match.group(1)] = parts[0] if parts else ""
    return settings
