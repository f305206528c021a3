"""Emergency and crisis numbers of a country, for replies that no dialogue makes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bot.message import Contact
from bot.screen.helplines import Helplines


def numbers_for(data: Path, country: str | None) -> tuple[Contact, ...]:
    """The emergency number of `country` (ISO 3166) and its first line for a crisis; empty where none is known."""
    helplines = _helplines(data / "helplines.yml")
    entry = helplines.entry(country)
    emergency = helplines.of(entry, "emergency")[:1]
    crisis = [service for service in helplines.of(entry, "crisis") if service.first_choice][:1]
    return tuple(service.contact() for service in (*emergency, *crisis))


@lru_cache(maxsize=2)
def _helplines(path: Path) -> Helplines:
    return Helplines(path)
