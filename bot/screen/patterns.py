"""The first layer: plain wording, known disguises, and signs that stand together, from data/screen/patterns.yml.

A concept is a group of phrases ("cannot be woken"), a rule joins concepts ("somebody" + "cannot be woken") and
names the contexts in which it says nothing ("a question about facts", "long over"). Phrases are matched with RE2,
whose time grows with the length of the text alone (https://github.com/google/re2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import re2
import yaml

from bot.errors import ContentError
from bot.language.reader import Reading
from bot.language.text import windows
from bot.screen.findings import CATEGORIES, Category, Person
from bot.screen.views import plain_view

Stretches = list[frozenset[str]]

_NAME = re.compile(r"<(\w+)>")
_STAR = re.compile(r"(?<=\w)\*")
_GAP = re.compile(r"~(\d+) ")
_LITERAL = re.compile(r"[a-z]+")
_STOP = " . "
# A text without stops is read in pieces, so that a context at one end does not silence a danger at the other.
_WORDS, _OVERLAP = 40, 15
# Concepts that are looked for together first: most messages hold none of them, and every search costs more by being
# called than by what it reads.
_TOGETHER = 6
#: Who is meant and when: by itself never what a rule is about.
_WHO_AND_WHEN = frozenset({"i_me", "other_person", "now"})
#: Contexts that a question brings with it; they say nothing of a statement beside the question.
_OF_QUESTIONS = frozenset({"facts", "general_question", "asks_self", "eligibility"})


@dataclass(frozen=True)
class Match:
    """A rule that matched: its name, category, aspect, and whom it is about where it says."""

    rule: str
    category: Category
    aspect: str
    person: Person | None
    certain: bool
    elsewhere: bool


@dataclass(frozen=True)
class Rule:
    """One line of `rules`: every concept of `all`, one of each group of `any`, none of `unless`, close together."""

    name: str
    category: Category
    aspect: str
    person: Person | None
    all: frozenset[str]
    any: tuple[frozenset[str], ...]
    unless: frozenset[str]
    unless_anywhere: frozenset[str]
    flow: str | None
    certain: bool
    elsewhere: bool

    def holds(self, concepts: frozenset[str]) -> bool:
        """Whether the concepts of one stretch of text meet the rule."""
        return self.all <= concepts and not self.unless & concepts and all(group & concepts for group in self.any)


class Patterns:
    """The compiled file. Immutable and thread-safe."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            ContentError: the file names an unknown concept or macro, or a phrase does not compile; says which.
        """
        self._path = path
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        macros: dict[str, str] = {}
        for name, phrases in (raw.get("macros") or {}).items():
            macros[name] = "(?:" + "|".join(self._expand(str(p), macros, f"macro {name}") for p in phrases) + ")"
        self._neutral = [
            self._compile(group["any"], macros, f"neutral {name}") for name, group in raw["neutral"].items()
        ]
        self.concepts: tuple[str, ...] = tuple(raw["concepts"])
        self._regexes = {
            name: self._compile(group["any"], macros, f"concept {name}", whole=not group.get("inside_words", False))
            for name, group in raw["concepts"].items()
        }
        self.reasons = {name: str(group["reason"]) for name, group in {**raw["neutral"], **raw["concepts"]}.items()}
        self.rules = tuple(self._rule(entry) for entry in raw["rules"])
        self._groups = self._grouped()
        self._telling: dict[str, frozenset[str]] = {
            category: frozenset().union(*(r.all.union(*r.any) for r in self.rules if r.category == category))
            - _WHO_AND_WHEN
            for category in CATEGORIES
        }
        self._contexts = frozenset().union(*(rule.unless for rule in self.rules)) - _OF_QUESTIONS
        self._situations = {category: tuple(pairs.items()) for category, pairs in raw["situations"].items()}
        literal = (phrase for group in raw["concepts"].values() for phrase in group["any"])
        self.words = frozenset(_LITERAL.findall(_NAME.sub(" ", " ".join(map(str, (*literal, *macros.values()))))))

    def concepts_in(self, view: str) -> Stretches:
        """The concepts of each stretch of a view (`bot.screen.views`), after neutral phrases are taken out."""
        for neutral in self._neutral:
            if neutral.search(view):
                view = neutral.sub("_", view)
        read = view.encode()  # once, and not anew for every search
        there = [
            (name, regex)
            for together, members in self._groups
            if together.search(read)
            for name, regex in members
            if regex.search(read)
        ]
        stretches = [piece for sentence in view.split(_STOP) for piece in windows(sentence, _WORDS, _OVERLAP)]
        if len(stretches) == 1:
            return [frozenset(name for name, _ in there)]
        return [
            frozenset(name for name, regex in there if regex.search(encoded))
            for encoded in [stretch.encode() for stretch in stretches]
        ]

    def look(self, reading: Reading) -> tuple[str, Stretches]:
        """The view of a reading and the concepts of its stretches, as written and with misspelt words mended."""
        view, mended = plain_view(reading.folded), plain_view(reading.plain)
        stretches = self.concepts_in(view)
        if mended == view:
            return view, stretches
        others = self.concepts_in(mended)
        if len(others) != len(stretches):
            return view, stretches + others
        return view, [one | other for one, other in zip(stretches, others, strict=True)]

    def matches(self, stretches: Sequence[frozenset[str]], flow: str | None = None) -> list[Match]:
        """Rules that match, the gravest category first.

        Neighbouring stretches are also read together: people part one thought with stops ("he took ket. wont wake").
        """
        anywhere = frozenset[str]().union(*stretches)
        spans = {*stretches, *(a | b for a, b in pairwise(stretches))}
        running = (flow or "").split("_")[0]
        found = [
            rule
            for rule in self.rules
            if rule.all <= anywhere
            and rule.flow in (None, running)
            and not rule.unless_anywhere & anywhere
            and any(rule.holds(span) for span in spans)
        ]
        found.sort(key=lambda rule: CATEGORIES.index(rule.category))
        return [
            Match(rule.name, rule.category, rule.aspect, rule.person, rule.certain, rule.elsewhere) for rule in found
        ]

    def telling(self, stretches: Stretches, categories: Iterable[str] = CATEGORIES) -> bool:
        """Whether any concept is there that a rule of `categories` is about, and not only who and when."""
        return any(self._telling[category] & stretch for category in categories for stretch in stretches)

    def stated(self, part: str, whole: str) -> frozenset[str]:
        """The concepts of one statement, within the contexts of the sentence that it stands in.

        "It was years ago" holds for every part of a sentence, "can it cause" for the question alone.

        Args:
            part, whole: views of the statement and of its sentence.
        """
        there = frozenset[str]().union(*self.concepts_in(part))
        return there | (frozenset[str]().union(*self.concepts_in(whole)) & self._contexts)

    def situation(self, category: Category, concepts: frozenset[str]) -> str:
        """The aspect that the first of these concepts stands for (`situations` in the file), "" when none does."""
        return next((aspect for concept, aspect in self._situations.get(category, ()) if concept in concepts), "")

    def person(self, concepts: frozenset[str]) -> Person | None:
        """Whom a message is about, as far as its pronouns tell."""
        if "other_person" in concepts:
            return None if "i_me" in concepts else "other"
        return "self" if "i_me" in concepts else None

    @property
    def sign_names(self) -> tuple[str, ...]:
        """Names of what `signs` gives: the concepts, then the rules."""
        return (*self.concepts, *(f"rule {rule.name}" for rule in self.rules))

    def signs(self, stretches: Sequence[frozenset[str]], matches: Iterable[Match] | None = None) -> list[float]:
        """1 for each concept and each rule that is there, else 0: what the classifier reads beside the embedding.

        Args:
            matches: what `matches` gave for these stretches outside any flow, where it is known.
        """
        there = frozenset[str]().union(*stretches)
        rules = {match.rule for match in (self.matches(stretches) if matches is None else matches)}
        return [float(name in there) for name in self.concepts] + [float(rule.name in rules) for rule in self.rules]

    def _expand(self, phrase: str, macros: Mapping[str, str], where: str) -> str:
        def value(match: re.Match[str]) -> str:
            if match[1] not in macros:
                raise ContentError(
                    self._path, None, f"{where} uses <{match[1]}>, which is not among the macros above it."
                )
            return macros[match[1]]

        return _NAME.sub(value, _STAR.sub(r"\\w*", _GAP.sub(r"(?:\\w+ ){0,\1}", phrase)))

    def _grouped(self) -> list[tuple[Any, list[tuple[str, Any]]]]:
        """The concepts in groups, each with one expression that is found where any of its members is."""
        named = list(self._regexes.items())
        groups = [named[i : i + _TOGETHER] for i in range(0, len(named), _TOGETHER)]
        return [(_regex("|".join(f"(?:{r.pattern})" for _, r in group)), group) for group in groups]

    def _compile(self, phrases: Iterable[str], macros: Mapping[str, str], where: str, whole: bool = True) -> Any:
        joined = "|".join(self._expand(str(phrase).strip(), macros, where) for phrase in phrases)
        try:
            return _regex(rf"\b(?:{joined})(?:\b|$)" if whole else unicodedata.normalize("NFD", joined))
        except re2.error as error:
            raise ContentError(self._path, None, f"{where}: {error}") from error

    def _rule(self, entry: Mapping[str, Any]) -> Rule:
        groups = entry.get("any") or []
        if groups and isinstance(groups[0], str):
            groups = [groups]
        rule = Rule(
            name=entry["rule"],
            category=entry["category"],
            aspect=entry.get("aspect", ""),
            person=entry.get("person"),
            all=frozenset(entry.get("all") or ()),
            any=tuple(frozenset(group) for group in groups),
            unless=frozenset(entry.get("unless") or ()),
            unless_anywhere=frozenset(entry.get("unless_anywhere") or ()),
            flow=entry.get("flow"),
            certain=bool(entry.get("certain", False)),
            elsewhere=bool(entry.get("elsewhere", False)),
        )
        unknown = (rule.all.union(*rule.any) | rule.unless | rule.unless_anywhere) - set(self.concepts)
        if unknown or rule.category not in CATEGORIES:
            what = ", ".join(sorted(unknown)) or rule.category
            raise ContentError(self._path, None, f"rule {rule.name} names {what}, which does not exist.")
        return rule


def _regex(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = 64 << 20
    return re2.compile(pattern, options)


@lru_cache(maxsize=1)
def shared_patterns(data: Path) -> Patterns:
    """The patterns of the data folder `data`, compiled once in a process.

    Raises:
        ContentError: data/screen/patterns.yml is wrong.
    """
    return Patterns(data / "screen" / "patterns.yml")
