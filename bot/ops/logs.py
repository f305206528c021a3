"""Log lines: with the id of the request, as text or JSON, and never a word that somebody wrote.

The text of an exception can hold such words (a database error quotes its parameters), so of an exception only its kind
and the places it came through are written, whoever logs it.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from bot.ops.steps import request_id

_ROOT = Path(__file__).resolve().parent.parent.parent
#: Libraries that would write addresses or statements with their values at a lower level.
_QUIET = ("httpx", "httpcore", "urllib3", "sqlalchemy", "multipart", "asyncio", "opentelemetry")


def configure(style: str = "text", level: str = "warning", stream: TextIO | None = None) -> None:
    """Have everything that is logged written to `stream` (standard error when None).

    Args:
        style: "text" for people, "json" for programs: one object a line.
        level: of our own lines; libraries write from "warning" on.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_AsJson() if style == "json" else _AsText())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bot").setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _AsText(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = _told(record)
        known = [str(line.pop(name)) for name in ("at", "level", "logger")]
        request, event = line.pop("request", ""), line.pop("event")
        more = [f"{name}={value}" for name, value in line.items()]
        return " ".join([*known, *([f"[{request}]"] if request else []), event, *more])


class _AsJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_told(record), default=str)


def _told(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.getMessage(),
    }
    if request := request_id():
        line["request"] = request
    facts = getattr(record, "facts", None)
    if isinstance(facts, Mapping):
        line |= {name: round(value, 4) if isinstance(value, float) else value for name, value in facts.items()}
    if record.exc_info and record.exc_info[1] is not None:
        line["error"] = describe(record.exc_info[1])
    return line


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
