"""The safety replies: fixed wording from data/screen/replies.yml, filled with the numbers of a person's country.

Needs its files, read at start, and nothing else: no model, no store, no action server.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from bot import quick_yaml
from bot.errors import ContentError
from bot.message import Contact, Message, Suggestion
from bot.screen.findings import Category, Finding
from bot.screen.helplines import INTERNATIONAL, MAIN, Helplines, Service
from bot.screen.places import Place, Places

#: Ids of the suggestions; the dialogue gives its buttons these meanings.
DANGER_YES, DANGER_NO, DANGER_UNSURE = "danger_yes", "danger_no", "danger_unsure"
SAFE, MISUNDERSTOOD, ELSEWHERE = "im_safe", "misunderstood", "elsewhere"

# Aspects of findings (data/nlu, data/screen/patterns.yml) that share a reply; all others take the general one.
_SITUATIONS: dict[str, dict[str, str]] = {
    "crisis_selfharm": {
        "third_party": "other",
        "other": "other",
        "self_harm": "self_harm",
        "acted": "acted",
        "recent_attempt": "acted",
        "method_asking": "method_asking",
        "conditional": "conditional",
    },
    "medical_emergency": {
        "unresponsive": "unresponsive",
        "fainting": "unresponsive",
        "breathing": "breathing",
        "choking": "breathing",
        "chest_pain": "chest_pain",
        "heart": "heart",
        "seizure": "seizure",
        "stroke": "stroke",
        "vision": "stroke",
        "headache": "stroke",
        "blood_pressure": "stroke",
        "confusion": "stroke",
        "allergy": "allergy",
        "overdose": "overdose",
        "combination": "overdose",
        "child": "child",
        "bleeding": "bleeding",
        "injury": "injury",
        "toxicity": "toxicity",
        "heat": "toxicity",
        "low_sugar": "low_sugar",
        "danger_now": "danger_now",
        "danger_from_person": "danger_from_person",
        "child_in_danger": "danger_from_person",
        "agitation": "danger_from_person",
    },
    "urgent_care": {
        "urinary": "urinary",
        "liver": "liver",
        "blood_pressure": "blood_pressure",
        "dissociation": "dissociation",
        "psychosis": "psychosis",
        "mood": "psychosis",
        "withdrawal": "withdrawal",
        "combination": "combination",
        "danger_from_person": "danger_from_person",
        "child_in_danger": "danger_from_person",
        "child_alone_using": "danger_from_person",
    },
    "refuse_dosing": {
        "redose": "redose",
        "illicit_supply": "supply",
        "supply_make": "supply",
        "diversion": "supply",
        "tamper": "tamper",
        "enhance": "tamper",
        "route_conversion": "tamper",
        "conceal": "conceal",
        "taper_own_medicine": "redose",
    },
}
_GENERAL = {
    "crisis_selfharm": "self",
    "medical_emergency": "general",
    "urgent_care": "general",
    "panic_now": "self",
    "refuse_dosing": "dose_number",
}
_MOST_SUGGESTIONS = 3


class Operator(Protocol):
    """What is used of `bot.settings.Settings`."""

    @property
    def operator_country(self) -> str: ...


@dataclass(frozen=True)
class Wording:
    """A reply before its gaps are filled."""

    lead: str
    details: tuple[str, ...] = ()


class Help:
    """Builds the safety replies. Thread-safe; made once, at start."""

    def __init__(self, data: Path, operator: Operator | None = None) -> None:
        """
        Args:
            data: the data folder; operator: the settings, for the operator's country.

        Raises:
            ContentError: one of the files is wrong; names it.
        """
        self._path = data / "screen" / "replies.yml"
        self.places = Places(data / "screen" / "countries.yml")
        self.helplines = Helplines(data / "helplines.yml")
        self._operator = operator.operator_country if operator else ""
        self._raw: dict[str, Any] = quick_yaml.load(self._path.read_text(encoding="utf-8"))
        self._check()

    # -- where ---------------------------------------------------------------------------------------------------

    def country(
        self, text: str = "", page: str | None = None, phone: str | None = None, time_zone: str | None = None
    ) -> Place:
        """Where a person is: what they said, the page's country, the operator's, the phone's prefix, the time zone."""
        return self.places.find(text, page, self._operator, phone, time_zone)

    # -- replies -------------------------------------------------------------------------------------------------

    def reply(self, finding: Finding, place: Place | str | None = None) -> Message:
        """The first reply to a finding."""
        place = _place(place)
        situation = self._situation(finding)
        return self._message(
            finding.category,
            place,
            finding.language,
            finding.certain_language,
            (finding.category, situation),
            self._suggestions(finding.category, finding.language, place),
            kind="refusal" if finding.category == "refuse_dosing" else "safety",
        )

    def emergency(self, place: Place | str | None = None, aspect: str = "", language: str = "en") -> Message:
        """The emergency reply without a finding: after "yes" or "not sure" to the check before an exercise."""
        return self.reply(Finding("medical_emergency", 1.0, "patterns", aspect=aspect, language=language), place)

    def misunderstood(self, place: Place | str | None = None, language: str = "en") -> Message:
        """The one gentle question more after "you misunderstood"; the number stays."""
        return self._crisis_turn("misunderstood", place, language, (SAFE, DANGER_YES))

    def still_here(self, place: Place | str | None = None, language: str = "en") -> Message:
        """After the person confirmed that they think of dying, or writes on in a crisis."""
        return self._crisis_turn("still_here", place, language, (SAFE,))

    def safe(self, place: Place | str | None = None, language: str = "en") -> Message:
        """After the person said that they are safe; the number is left once more."""
        return self._crisis_turn("safe", place, language, ())

    def numbers(self, language: str = "en") -> Message:
        """The numbers of all main countries: behind "Not in …?"."""
        return self._message("crisis_selfharm", Place(), language, True, ("numbers",), ())

    def remind(self, place: Place | str | None = None, language: str = "en") -> str:
        """The one line with a number that begins every reply while a crisis lasts."""
        code = language if self._full(language) else "en"
        return str(self._raw[code]["remind"]).format(crisis=self._crisis_phrase(code, _place(place)))

    def emergency_number(self, place: Place | str | None = None, language: str = "en") -> str:
        """ "999 (United Kingdom)", or the main countries' numbers, for the steps of an exercise: "call …"."""
        return self._emergency_phrase(language if language in self._raw else "en", _place(place))

    # -- wording -------------------------------------------------------------------------------------------------

    def _message(
        self,
        category: Category,
        place: Place,
        language: str,
        certain: bool,
        path: Sequence[str],
        suggestions: Iterable[Suggestion],
        kind: str = "safety",
    ) -> Message:
        known = language in self._raw
        code = language if known else "en"
        wording = self._wording(code, path) if known else self._wording("en", ("unknown_language",))
        if known and code != "en" and not certain:
            # Too few words to be sure of the language: English first, then the other.
            english = self._fill("en", self._wording("en", path), place)
            other = self._fill(code, wording, place)
            filled = Wording(english.lead, (other.lead, *english.details))
        elif not known or not self._full(code):
            filled = self._fill(code, wording, place)
            rest = self._fill("en", self._wording("en", path), place)
            filled = Wording(filled.lead, (*filled.details, *((rest.lead, *rest.details) if known else (rest.lead,))))
        else:
            filled = self._fill(code, wording, place)
        return Message(
            id=uuid.uuid4().hex,
            kind=kind,  # type: ignore[arg-type]
            lead=filled.lead,
            category=category,
            details=filled.details,
            suggestions=tuple(suggestions)[:_MOST_SUGGESTIONS],
            contacts=self._contacts(category, path, place),
            lang=code,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            disclaimer=self._disclaimer(category, code),
        )

    def _crisis_turn(self, name: str, place: Place | str | None, language: str, buttons: Iterable[str]) -> Message:
        code = language if self._full(language) else "en"
        words = self._raw[code]["buttons"]
        titles = {SAFE: words["safe"], DANGER_YES: words["yes"]}
        return self._message(
            "crisis_selfharm", _place(place), code, True, (name,), [Suggestion(b, titles[b]) for b in buttons]
        )

    def _situation(self, finding: Finding) -> str:
        situation = _SITUATIONS.get(finding.category, {}).get(finding.aspect, "")
        if finding.category == "crisis_selfharm" and finding.person == "other" and situation != "acted":
            return "other"
        if finding.category == "panic_now" and finding.person == "other":
            return "other"
        return situation or _GENERAL[finding.category]

    def _wording(self, code: str, path: Sequence[str]) -> Wording:
        """The wording at `path`; a situation that a language lacks takes its general one."""
        entry = self._raw[code].get(path[0])
        if isinstance(entry, dict) and len(path) > 1:
            entry = entry.get(path[1]) or entry[_GENERAL[path[0]]]
        if entry is None:  # a language with lines only, asked for a turn of a dialogue
            entry = self._raw["en"][path[0]]
        if isinstance(entry, str):
            return Wording(entry)
        return Wording(str(entry["lead"]), tuple(str(line) for line in entry.get("details", ())))

    def _fill(self, code: str, wording: Wording, place: Place) -> Wording:
        gaps = {
            "emergency": self._emergency_phrase(code, place),
            "crisis": self._crisis_phrase(code, place),
            "poison": self._poison_line(code, place),
            "stopping": str(self._raw["en"]["stopping"].get(place.country or "", "")),
        }
        details = [line.format(**gaps).strip() for line in wording.details]
        if place.country and self.helplines.entry(place.country) == INTERNATIONAL:
            # No number of this country is known here: those of others at least, each with its country.
            details.append(
                self._emergency_phrase(code, Place()).strip()[:1].upper()
                + self._emergency_phrase(code, Place()).strip()[1:]
                + "."
            )
        return Wording(wording.lead.format(**gaps), tuple(line for line in details if line))

    def _emergency_phrase(self, code: str, place: Place) -> str:
        words = self._raw[code]
        if place.country is None:
            return " ".join(str(words["everywhere_emergency"]).split())
        entry = self.helplines.entry(place.country)
        numbers = [s.number for s in self.helplines.of(entry, "emergency") if s.number]
        if not numbers:
            return str(words["local_emergency"]).format(country=self._name(code, place.country))
        joined = self._word(code, "or").join(numbers)
        what = self._word(code, "in_country").format(what=joined, country=self._name(code, place.country))
        return str(words.get("to_number", "{what}")).format(what=what)

    def _crisis_phrase(self, code: str, place: Place) -> str:
        if place.country is None:
            return " ".join(self._word(code, "everywhere_crisis").split())
        entry = self.helplines.entry(place.country)
        services = self.helplines.of(entry, "crisis")
        chosen = [s for s in services if s.first_choice][:2] or list(services[:2])
        name = self._name(code, place.country)
        if not any(s.number or s.text for s in chosen):
            chosen = list(self.helplines.of(INTERNATIONAL, "crisis"))
        parts = [self._service_phrase(code, service) for service in chosen]
        return self._word(code, "in_country").format(what="; ".join(parts), country=name)

    def _service_phrase(self, code: str, service: Service) -> str:
        text = service.text
        if service.number and text and text["number"] == service.number and not text["body"]:
            return self._word(code, "call_or_text").format(service=service.service, number=service.number)
        parts = []
        if service.number:
            parts.append(self._word(code, "call").format(service=service.service, number=service.number))
        if text and not parts:
            which = "text_body" if text["body"] else "text"
            parts.append(
                self._word(code, which).format(service=service.service, number=text["number"], body=text["body"])
            )
        if not parts:
            parts.append(self._word(code, "visit").format(service=service.service, url=service.url))
        return parts[0]

    def _poison_line(self, code: str, place: Place) -> str:
        if place.country is None:
            return ""
        services = [s for s in self.helplines.of(self.helplines.entry(place.country), "poison") if s.number]
        if not services:
            return ""
        said = dict.fromkeys(self._word(code, "call").format(service=s.service, number=s.number) for s in services)
        phrase = self._word(code, "in_country").format(what="; ".join(said), country=self._name(code, place.country))
        return self._word(code, "poison_line").format(poison=phrase)

    def _contacts(self, category: Category, path: Sequence[str], place: Place) -> tuple[Contact, ...]:
        entries = [self.helplines.entry(place.country)] if place.country else list(MAIN)
        kinds = ["crisis", "emergency"] if category == "crisis_selfharm" and path[-1] != "acted" else ["emergency"]
        if path[-1] == "acted":
            kinds = ["emergency", "crisis"]
        if path[-1] in ("child", "overdose", "toxicity", "combination"):
            kinds.append("poison")
        found = [s for kind in kinds for entry in entries for s in self.helplines.of(entry, kind)]
        if not place.country:
            found = [s for s in found if s.first_choice] + list(self.helplines.of(INTERNATIONAL, "crisis"))
        elif entries[0] in (INTERNATIONAL, "EU") and "crisis" in kinds:
            found += self.helplines.of(INTERNATIONAL, "crisis")
        contacts = [s.contact() for s in found if s.number or s.text or s.url]
        if place.country and entries[0] == "EU":
            name = self._name("en", place.country)
            contacts = [Contact(c.name, name, c.call, c.text, c.url, c.hours, c.languages) for c in contacts]
        return tuple({(c.name, c.country, c.call, c.url, str(c.text)): c for c in contacts}.values())

    def _suggestions(self, category: Category, language: str, place: Place) -> list[Suggestion]:
        code = language if self._full(language) else "en"
        words = self._raw[code]["buttons"]
        found = []
        if category == "panic_now":
            return [
                Suggestion(DANGER_YES, words["yes"]),
                Suggestion(DANGER_NO, words["no"]),
                Suggestion(DANGER_UNSURE, words["unsure"]),
            ]
        if category == "crisis_selfharm":
            found += [Suggestion(SAFE, words["safe"]), Suggestion(MISUNDERSTOOD, words["misunderstood"])]
        if place.inferred and place.country and category != "refuse_dosing":
            title = str(self._raw[code]["elsewhere"]).format(country=self._name(code, place.country))
            found.append(Suggestion(ELSEWHERE, title))
        return found

    def _disclaimer(self, category: Category, code: str) -> str:
        if category in ("medical_emergency", "crisis_selfharm"):
            return ""  # nothing may stand between a person and the number
        return " ".join(str(self._raw[code if self._full(code) else "en"]["disclaimer"]).split())

    def _word(self, code: str, name: str) -> str:
        return str(self._raw[code].get(name, self._raw["en"][name]))

    def _name(self, code: str, country: str) -> str:
        names: Mapping[str, str] = self._raw[code].get("countries") or {}
        return str(names.get(country) or self.helplines.names.get(country) or self.places.names.get(country, country))

    def _full(self, code: str) -> bool:
        return bool(self._raw.get(code, {}).get("full"))

    def _check(self) -> None:
        """Every wording of every language can be filled for every main country and for none."""
        for code in self._raw:
            for country in (None, *MAIN, "FR", "BR"):
                for category, general in _GENERAL.items():
                    for situation in {general, *_SITUATIONS.get(category, {}).values()}:
                        try:
                            self._fill(code, self._wording(code, (category, situation)), Place(country, "page"))
                        except (KeyError, ValueError, IndexError) as error:
                            raise ContentError(
                                self._path, None, f"{code}, {category}, {situation}: {error!r}"
                            ) from error


def _place(place: Place | str | None) -> Place:
    return place if isinstance(place, Place) else Place(place.upper(), "page") if place else Place()
