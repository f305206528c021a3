"""The pages of the console; each module registers its own when it is imported."""

from __future__ import annotations

import importlib

#: The modules in this package. Their order, and that of the pages in each, is the order of the navigation.
MODULES = (
    "dashboard",
    "conversations",
    "tester",
    "saved",
    "bench",
    "coverage",
    "queue",
    "passages",
    "proposals",
    "health",
    "people",
    "log",
    "account",
)


def register() -> None:
    """Import all of them."""
    for name in MODULES:
        importlib.import_module(f"{__name__}.{name}")
