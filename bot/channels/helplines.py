"""Emergency and crisis numbers of a country, for replies that no dialogue makes (data/helplines.yml)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot.message import Contact


def numbers_for(data: Path, country: str | None) -> tuple[Contact, ...]:
    """The emergency number of `country` (ISO 3166) and its first line for a crisis; empty where it has none here."""
    countries = _countries(data / "helplines.yml")
    entry = countries.get(country or "")
    if entry is None and country:
        entry = next((group for group in countries.values() if country in (group.get("members") or ())), None)
    if entry is None:
        return ()
    found = []
    for group in ("emergency", "crisis"):
        services = [s for s in entry.get(group) or () if s.get("number") or s.get("text")]
        found += [_contact(service, entry["name"]) for service in services[:1]]
    return tuple(found)


def _contact(service: dict[str, Any], country: str) -> Contact:
    return Contact(
        name=service["service"],
        country=country,
        call=service.get("number"),
        text=service.get("text"),
        url=service.get("url"),
        hours=service.get("hours"),
        languages=tuple(service.get("languages") or ()),
    )


@lru_cache(maxsize=2)
def _countries(path: Path) -> dict[str, Any]:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    return dict(read["countries"])
