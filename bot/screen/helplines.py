"""The services of `data/helplines.yml`, checked when they are read. A number never leaves here without its country."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot import quick_yaml
from bot.errors import ContentError
from bot.message import Contact

#: Countries whose numbers are listed when nobody knows where a person is.
MAIN = ("US", "CA", "GB", "IE", "AU", "NZ", "EU", "IN")
#: The entry for every other country; it holds no number.
INTERNATIONAL = "INTL"
_KINDS = ("emergency", "poison", "crisis")


@dataclass(frozen=True)
class Service:
    """One service to call, text or visit; `number` and `text` as dialled, `about` whom or what it is for."""

    service: str
    country: str
    country_name: str
    number: str | None
    text: dict[str, str | None] | None
    url: str | None
    hours: str | None
    languages: tuple[str, ...]
    region: str | None
    about: str
    verified: bool

    @property
    def first_choice(self) -> bool:
        """Whether it is for everybody in a crisis: the whole country, and more than information."""
        return self.region is None and not any(
            word in self.about for word in ("information", "referral", "TTY", "finding")
        )

    def contact(self) -> Contact:
        """For a channel to render."""
        name = f"{self.service}, {self.region}" if self.region else self.service
        return Contact(name, self.country_name, self.number, self.text, self.url, self.hours, self.languages)


class Helplines:
    """All services by country."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            ContentError: a service lacks what is needed to reach it, or a main country its emergency number.
        """
        try:
            table: dict[str, dict[str, Any]] = quick_yaml.load(path.read_text(encoding="utf-8"))["countries"]
            self._services = {
                (code, kind): tuple(_service(path, code, entry, raw) for raw in entry.get(kind) or ())
                for code, entry in table.items()
                for kind in _KINDS
            }
        except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise ContentError(path, None, f"not a table of services: {error}") from error
        self.names = {code: str(entry["name"]) for code, entry in table.items()}
        self._union = frozenset(table["EU"]["members"])
        for code in MAIN:
            if not any(service.number for service in self.of(code, "emergency")):
                raise ContentError(path, None, f"{code} has no emergency number that was verified")

    def entry(self, country: str | None) -> str:
        """The entry that serves a country: its own, the European Union's, or the international one."""
        if country and (country, "emergency") in self._services and country != INTERNATIONAL:
            return country
        return "EU" if country in self._union else INTERNATIONAL

    def of(self, entry: str, kind: str) -> tuple[Service, ...]:
        """Services of a kind ("emergency", "poison", "crisis"); numbers that nobody verified are left out."""
        return tuple(
            s for s in self._services.get((entry, kind), ()) if s.verified or (s.url and not s.number and not s.text)
        )


def _service(path: Path, code: str, entry: dict[str, Any], raw: dict[str, Any]) -> Service:
    if raw.get("url") and not str(raw["url"]).startswith(("https://", "http://")):
        raise ContentError(path, None, f"{code}: {raw['service']}: the address must begin with https://")
    text = raw.get("text")
    return Service(
        service=str(raw["service"]),
        country=code,
        country_name=str(entry["name"]),
        number=raw.get("number"),
        text={"number": str(text["number"]), "body": text.get("body")} if text else None,
        url=raw.get("url"),
        hours=raw.get("hours"),
        languages=tuple(raw.get("languages") or ()),
        region=raw.get("region"),
        about=str(raw.get("for") or ""),
        verified=bool(raw["verified"]),
    )
