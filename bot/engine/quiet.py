"""Keeps Rasa from logging what people write: its loggers stay at WARNING, and what carries words is dropped.

Warnings that Rasa and the libraries of its day give of their own age are not shown either; ours are.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.settings import ROOT

#: What a log line of Rasa's may keep; everything else may hold a message, a slot or an event.
_KEPT = ("event", "level", "timestamp", "logger")


def _drop_words(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: line[key] for key in _KEPT if key in line}


_show = warnings.showwarning


def _show_ours(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
    if filename.startswith((str(ROOT / "bot"), str(ROOT / "actions"))):
        _show(message, category, filename, lineno, file, line)


def configure() -> None:
    """Set Rasa's loggers up. Call again after anything of Rasa's that configures logging by itself."""
    # A filter would not do: several of these libraries put their own before it when they are imported.
    warnings.showwarning = _show_ours
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            _drop_words,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    for name in ("rasa", "rasa_sdk", "apscheduler", "matplotlib", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
