"""Which country a person is in, from what is known of them; never from a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from bot import quick_yaml
from bot.errors import ContentError
from bot.language.text import fold

#: How a country was told, the surest first. Everything but "said" is inferred and may be wrong.
Origin = Literal["said", "place", "page", "operator", "phone", "time_zone", "unknown"]

# "i'm in …", "we live near …", and the same in other languages; or the country stands alone.
_HERE = (
    r"(?:\b(?:i'?m|i am|we'?re|we are|i live|we live|living|live|based|located|staying|visiting|"
    r"calling from|writing from|here|currently|from|number (?:for|in)"
    r"|estoy|vivo|estamos|soy de|je suis|j'habite|nous sommes|ich bin|ich wohne|ich lebe|wir sind|"
    r"estou|moro|sono|abito|jestem|mieszkam)"
    r"(?: \w+){0,2}? (?:in|at|near|from|en|au|aux|a|em|no|na|nos|w|des|de|for) (?:the |los |les |"
    r"den |der |die )?|^(?:in |en |the |from )?|[.,;(] ?(?:in |en )?(?:the )?)"
)
_CODES = re.compile(r"\b(UK|U\.K\.|USA|U\.S\.A\.|U\.S\.|US|NZ|UAE|EU)(?![\w])")
_OF_CODE = {
    "UK": "GB",
    "U.K.": "GB",
    "USA": "US",
    "U.S.A.": "US",
    "U.S.": "US",
    "US": "US",
    "NZ": "NZ",
    "UAE": "AE",
    "EU": "EU",
}


@dataclass(frozen=True)
class Place:
    """A country (ISO 3166, two letters, or None) and how it was told."""

    country: str | None = None
    origin: Origin = "unknown"

    @property
    def inferred(self) -> bool:
        """Whether it was only inferred, so that the reply offers "Not in …?"."""
        return self.country is not None and self.origin != "said"


class Places:
    """The table of countries. Immutable and thread-safe."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            ContentError: the file cannot be read as a table of countries.
        """
        try:
            table: dict[str, dict[str, Any]] = quick_yaml.load(path.read_text(encoding="utf-8"))["countries"]
            self.names: Mapping[str, str] = {code: str(entry["name"]) for code, entry in table.items()}
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise ContentError(path, None, f"not a table of countries: {error}") from error
        self._zones = {zone: code for code, entry in table.items() for zone in entry.get("zones", ())}
        self._phones = {prefix: code for code, entry in table.items() for prefix in entry.get("phone", ())}
        self._said = _finder(
            {fold(name): code for code, entry in table.items() for name in (entry["name"], *entry.get("said", ()))}
        )
        self._at = _finder({fold(name): code for code, entry in table.items() for name in entry.get("places", ())})

    def find(
        self,
        text: str = "",
        page: str | None = None,
        operator: str | None = None,
        phone: str | None = None,
        time_zone: str | None = None,
    ) -> Place:
        """The country, from what the person said first, then page, operator, phone number and time zone."""
        known = {
            "page": self._known(page),
            "operator": self._known(operator),
            "phone": self.of_phone(phone),
            "time_zone": self._zones.get(time_zone or ""),
        }
        said = self.said(text) if text else Place()
        if said.country:
            return said
        for origin, country in known.items():
            if country:
                return Place(country, origin)  # type: ignore[arg-type]
        return Place()

    def said(self, text: str) -> Place:
        """The country that a person says they are in, else nothing."""
        if (code := _CODES.search(text)) and not text.isupper():
            return Place(_OF_CODE[code[1]], "said")
        folded = fold(text[:2_000])
        for (pattern, table), origin in ((self._said, "said"), (self._at, "place")):
            if match := pattern.search(folded):
                return Place(table[match["name"]], origin)  # type: ignore[arg-type]
        return Place()

    def of_phone(self, number: str | None) -> str | None:
        """The country of an international number ("+44…"), None when it has no known prefix."""
        digits = re.sub(r"\D", "", number or "")
        if not (number or "").strip().startswith(("+", "00")):
            return None
        digits = digits.removeprefix("00")
        return next((self._phones[digits[:n]] for n in (4, 3, 2, 1) if digits[:n] in self._phones), None)

    def _known(self, code: str | None) -> str | None:
        code = (code or "").strip().upper()
        code = "GB" if code == "UK" else code
        return code if code in self.names or code == "EU" else None


def _finder(table: dict[str, str]) -> tuple[re.Pattern[str], dict[str, str]]:
    names = "|".join(re.escape(name) for name in sorted(table, key=len, reverse=True))
    return re.compile(rf"{_HERE}(?P<name>{names})(?=$|[\s.,;:!?)])"), table
