"""The helpline numbers that nobody has checked with their operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

_GROUPS = ("emergency", "poison", "crisis")
#: A number that was checked longer ago than this has to be checked again.
VALID_FOR = timedelta(days=365)


@dataclass(frozen=True)
class Unchecked:
    """A number, or address, that is shown to people without a check that still holds."""

    country: str
    group: str
    service: str
    number: str
    #: Read on a page of the operator at some time; pages that were stored can be years old.
    read_on_a_page: bool
    #: The day of a check that is too long ago; empty: never.
    checked: str


def unchecked(file: Path, today: date) -> tuple[list[Unchecked], int]:
    """The numbers in `file` that need a check, and how many there are in all."""
    countries: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["countries"]
    found, count = [], 0
    for code, country in countries.items():
        for group in _GROUPS:
            for service in country.get(group) or ():
                count += 1
                checked = service.get("checked")
                if checked and today - date.fromisoformat(str(checked)) <= VALID_FOR:
                    continue
                text = (service.get("text") or {}).get("number")
                shown = service.get("number") or (f"text {text}" if text else service.get("url") or "no number")
                found.append(
                    Unchecked(
                        code, group, service["service"], str(shown), bool(service.get("verified")), str(checked or "")
                    )
                )
    return found, count
