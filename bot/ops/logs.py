"""What may be said of an error in a log: where it happened and of which kind, never the words in it.

The text of an exception can hold what somebody wrote (a database error quotes its parameters).
"""

from __future__ import annotations

import traceback
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


def describe(error: BaseException, frames: int = 6) -> str:
    """The error's kind and the last `frames` places it came through, and those of what caused it."""
    described = type(error).__name__
    places = [
        f"{_short(frame.filename)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-frames:]
    ]
    if places:
        described += " at " + " > ".join(places)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return described if cause is None else f"{described}; after {type(cause).__name__}"


def _short(filename: str) -> str:
    path = Path(filename)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name
