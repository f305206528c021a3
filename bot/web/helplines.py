"""What `data/` says for the pages: example questions, emergency numbers, and the services of each country."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import quick_yaml
from bot.message import Contact

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Service:
    """A helpline: how to reach it, the part of the country and the people it is for."""

    contact: Contact
    region: str | None
    whom: str | None


@dataclass(frozen=True)
class CountryHelp:
    """The services of a country, in the order of the file."""

    code: str
    name: str
    emergency: tuple[Service, ...]
    poison: tuple[Service, ...]
    crisis: tuple[Service, ...]


@dataclass(frozen=True)
class Example:
    """A question to begin with, and the topic that it is about in human words."""

    topic: str
    question: str


@dataclass(frozen=True)
class EmergencyNumber:
    """Whom to call when life is in danger: the numbers, and the names of the countries where they hold."""

    numbers: tuple[str, ...]
    countries: tuple[str, ...]


def read_examples(data: Path) -> tuple[Example, ...]:
    """The example questions, in the order of `topics.yml`: `example` there, or `examples.yml`; none without them."""
    topics, examples = _yaml(data / "topics.yml"), _yaml(data / "examples.yml")
    found = []
    for name, topic in topics.items():
        question = topic.get("example") or examples.get(name)
        if question:
            found.append(Example(str(topic.get("title", name)), str(question)))
    return tuple(found)


def read_emergency_numbers(path: Path) -> tuple[EmergencyNumber, ...]:
    """Emergency numbers of `helplines.yml` with their countries; none where there is no such file."""
    found: dict[tuple[str, ...], list[str]] = {}
    for country in _yaml(path).get("countries", {}).values():
        numbers = tuple(str(service["number"]) for service in country.get("emergency", ()) if service.get("number"))
        if numbers:
            found.setdefault(numbers, []).append(str(country["name"]))
    return tuple(EmergencyNumber(numbers, tuple(countries)) for numbers, countries in found.items())


def _yaml(path: Path) -> dict[str, Any]:
    try:
        return quick_yaml.load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        _log.warning("%s is missing: the page does without it.", path.name)
        return {}


def read_countries(path: Path) -> tuple[CountryHelp, ...]:
    """The countries of `helplines.yml` in its order; none where there is no such file."""
    return tuple(
        CountryHelp(
            str(code),
            str(country["name"]),
            *(
                tuple(_service(entry, str(country["name"])) for entry in country.get(kind) or ())
                for kind in ("emergency", "poison", "crisis")
            ),
        )
        for code, country in _yaml(path).get("countries", {}).items()
    )


def read_helplines(path: Path) -> dict[str, Any]:
    """The raw `countries` of `helplines.yml`."""
    return dict(_yaml(path).get("countries", {}))


def _service(entry: dict[str, Any], country: str) -> Service:
    contact = Contact(
        str(entry["service"]),
        country,
        entry.get("number"),
        entry.get("text"),
        entry.get("url"),
        entry.get("hours"),
        tuple(entry.get("languages") or ()),
    )
    whom = entry.get("for")
    return Service(contact, entry.get("region"), whom if whom != "everyone" else None)
