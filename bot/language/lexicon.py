"""Finds the names in a message: medicines, drugs and their classes, ketamine itself, symptoms, conditions …

spaCy's phrase matcher finds exact phrases of `data/lexicon/*.yml`; `spelling` finds misspelt names of drugs.
Words that are also ordinary English ("speed", "k") count only beside a word that makes them a drug.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import spacy
import yaml
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from bot import quick_yaml
from bot.errors import ContentError
from bot.language.spelling import Speller, ordinary_words
from bot.language.text import fold

#: Kinds of mention, in the order in which they win when one surface has several meanings.
KINDS = ("ketamine", "drug", "class", "combination", "condition", "symptom", "route", "phase", "treatment")
#: In `ambiguous.yml`: any drug or class found by a plain name.
_ANY_DRUG = "@drug"
_JOINING = {"and", "n", "&", "+", "with", "plus", "/"}
_PLAIN_KINDS = {"conditions": "condition", "symptoms": "symptom", "routes": "route", "phases": "phase"}


@dataclass(frozen=True)
class Mention:
    """One name found in a message.

    Attributes:
        kind: one of `KINDS` (a combination product is given as its drugs instead).
        name: the canonical name, lower case ("alprazolam", "benzodiazepine", "chest pain").
        classes: for a drug or class, every class it belongs to, the most specific first.
        surface: the words in the folded text; start, end: where they stand in it.
        found: "exact", "context" (an ambiguous word made plain by another) or "spelling".
    """

    kind: str
    name: str
    classes: tuple[str, ...]
    surface: str
    start: int
    end: int
    found: str = "exact"

    @property
    def names(self) -> tuple[str, ...]:
        """The name and its classes, the most specific first."""
        return (self.name, *self.classes)


@dataclass(frozen=True)
class _Ambiguous:
    """An ordinary word that sometimes names a drug: what must, and must not, stand in the same message."""

    kind: str
    name: str
    needs: re.Pattern[str]
    unless: re.Pattern[str]
    any_drug: bool

    def is_meant(self, folded: str, beside_a_drug: bool) -> bool:
        return not self.unless.search(folded) and bool((self.any_drug and beside_a_drug) or self.needs.search(folded))


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    words = "|".join(re.escape(fold(phrase)) for phrase in sorted(phrases, key=len, reverse=True))
    return re.compile(rf"\b(?:{words})\b" if words else r"(?!)")


class Lexicon:
    """All names of `data/lexicon/`, ready to be found in text. Built once; reading only afterwards."""

    def __init__(self, folder: Path, vocabulary: Path) -> None:
        """
        Args:
            folder: `data/lexicon/`.
            vocabulary: a list of ordinary words, one a line, in which misspellings are not looked for.

        Raises:
            ContentError: a file is missing or not as expected; names it.
        """
        self._surfaces: dict[str, tuple[str, str]] = {}
        self._classes = _class_closure(_entries(folder / "classes.yml"))
        self._drug_classes: dict[str, tuple[str, ...]] = {}
        self._combinations: dict[str, tuple[str, ...]] = {}
        self.display: dict[str, str] = {}
        self._read(folder)
        self._ambiguous = self._read_ambiguous(folder / "ambiguous.yml")
        self._tokens = spacy.blank("en").make_doc
        self._matcher, self._labels = self._make_matcher()
        correctable = {s: v for s, v in self._surfaces.items() if v[0] in ("drug", "ketamine") and " " not in s}
        known = {word for surface in self._surfaces for word in surface.split()}
        self._speller = Speller(correctable, ordinary_words(vocabulary) | known)
        self.find = lru_cache(maxsize=512)(self._find)

    # -- reading the files -------------------------------------------------------------------------------

    def _add(self, surface: str, kind: str, name: str) -> None:
        self._surfaces.setdefault(fold(str(surface)), (kind, name))

    def _read(self, folder: Path) -> None:
        ketamine = _load(folder / "ketamine.yml")
        for name in ("esketamine", "ketamine"):
            for surface in (name, *ketamine.get(name, [])):
                self._add(surface, "ketamine", name)
        for drug in _entries(folder / "drugs.yml"):
            name = drug["name"]
            unknown = [c for c in drug.get("classes", []) if c not in self._classes]
            if unknown:
                raise ContentError(folder / "drugs.yml", None, f"{name}: no class {', '.join(unknown)} in classes.yml")
            self._drug_classes[name] = _closure(drug.get("classes", []), self._classes)
            for surface in (name, *drug.get("brands", []), *drug.get("street", []), *drug.get("other", [])):
                self._add(surface, "drug", name)
            for surface in drug.get("brands", []):
                self.display[fold(str(surface))] = str(surface)
        for entry in _entries(folder / "classes.yml"):
            for surface in (entry["name"], entry["name"] + "s", *entry.get("other", [])):
                self._add(surface, "class", entry["name"])
        for product in _entries(folder / "combinations.yml"):
            self._combinations[product["name"]] = tuple(product["drugs"])
            for surface in (product["name"], *product.get("other", [])):
                self._add(surface, "combination", product["name"])
        for file, kind in _PLAIN_KINDS.items():
            for entry in _entries(folder / f"{file}.yml"):
                for surface in (entry["name"], *entry.get("other", [])):
                    self._add(surface, kind, entry["name"])
        for surface in ketamine.get("treatment_words", []):
            self._add(surface, "treatment", "session")

    def _read_ambiguous(self, path: Path) -> dict[str, _Ambiguous]:
        found = {}
        for entry in _load(path).get("words", []):
            surface, name = fold(str(entry["name"])), entry.get("drug") or entry["class"]
            kind = "class" if "class" in entry else "ketamine" if name in ("ketamine", "esketamine") else "drug"
            if kind == "drug" and name not in self._drug_classes:
                raise ContentError(path, None, f"{surface}: there is no drug {name} in drugs.yml")
            self._surfaces[surface] = ("ambiguous", surface)
            needs = {fold(str(word)) for word in entry["needs"]}
            found[surface] = _Ambiguous(
                kind,
                name,
                _any_of(needs - {_ANY_DRUG, surface}),
                _any_of(map(str, entry.get("unless", []))),
                _ANY_DRUG in needs,
            )
        return found

    def _make_matcher(self) -> tuple[PhraseMatcher, dict[str, tuple[str, str]]]:
        """A matcher of all surfaces, and what its labels stand for: (kind, name).

        Not spaCy's EntityRuler: it counts all its patterns at each call.
        """
        phrases: dict[tuple[str, str], list[Doc]] = {}
        for surface, meant in self._surfaces.items():
            phrases.setdefault(meant, []).append(self._tokens(surface))
        matcher = PhraseMatcher(next(iter(phrases.values()))[0].vocab, attr="LOWER")
        labels = {f"{kind}/{name}": (kind, name) for kind, name in phrases}
        for label, meant in labels.items():
            matcher.add(label, phrases[meant])
        return matcher, labels

    # -- what others ask ---------------------------------------------------------------------------------

    @property
    def drugs(self) -> Mapping[str, tuple[str, ...]]:
        """Generic names with all their classes."""
        return self._drug_classes

    @property
    def surfaces(self) -> Mapping[str, tuple[str, str]]:
        """Every written form with its kind and canonical name."""
        return self._surfaces

    def classes_of(self, name: str) -> tuple[str, ...]:
        """All classes of a drug or class, the most specific first; empty for an unknown name."""
        if name in self._drug_classes:
            return self._drug_classes[name]
        return self._classes.get(name, ())

    def is_member(self, name: str, group: str) -> bool:
        """Whether the drug or class `name` is `group` itself or belongs to it."""
        return name == group or group in self.classes_of(name)

    def _find(self, text: str) -> tuple[Mention, ...]:
        """The mentions in `text` (folded here), in order, none overlapping. `find` is this, remembered."""
        folded = fold(text)
        doc = self._tokens(folded)
        spans = filter_spans(self._matcher(doc, as_spans=True))
        found: list[Mention] = []
        unclear: list[Span] = []
        for span in spans:
            kind, name = self._labels[span.label_]
            if kind == "ambiguous":
                unclear.append(span)
            else:
                found += self._mentions(kind, name, span.text, span.start_char)
        beside = any(m.kind in ("drug", "class") for m in found)
        # Two unclear names joined together ("acid and k") make each other plain.
        joined = {
            span.start
            for one, other in pairwise(unclear)
            if one.end + 1 == other.start and doc[one.end].text in _JOINING
            for span in (one, other)
        }
        for span in unclear:
            entry = self._ambiguous[self._labels[span.label_][1]]
            if span.start in joined or entry.is_meant(folded, beside):
                found.append(self._mention(entry.kind, entry.name, span.text, span.start_char, "context"))
        taken = {i for span in spans for i in range(span.start_char, span.end_char)}
        for token in doc:
            corrected = None if token.idx in taken else self._speller.correct(token.text)
            if corrected:
                found.append(self._mention(*corrected, token.text, token.idx, "spelling"))
        return tuple(sorted(found, key=lambda m: m.start))

    def _mentions(self, kind: str, name: str, surface: str, start: int) -> Iterable[Mention]:
        if kind == "combination":
            return [self._mention("drug", drug, surface, start, "exact") for drug in self._combinations[name]]
        return [self._mention(kind, name, surface, start, "exact")]

    def _mention(self, kind: str, name: str, surface: str, start: int, found: str) -> Mention:
        classes = self.classes_of(name) if kind in ("drug", "class") else ()
        return Mention(kind, name, classes, surface, start, start + len(surface), found)


def delexicalise(text: str, mentions: Iterable[Mention]) -> str:
    """The folded text with each drug, class and word for ketamine replaced by a token for its kind.

    What remains is the way of asking, so that a classifier learns it from one drug for all of them.
    """
    tokens = {"drug": " xdrug ", "class": " xclass ", "ketamine": " xketamine "}
    folded, parts, at = fold(text), [], 0
    for mention in mentions:
        if mention.kind not in tokens or mention.start < at:
            continue
        parts += [folded[at : mention.start], tokens[mention.kind]]
        at = mention.end
    return re.sub(r"\s+", " ", "".join([*parts, folded[at:]])).strip()


def _load(path: Path) -> Any:
    try:
        return quick_yaml.load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise ContentError(path, None, "this file of the lexicon is missing") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ContentError(path, mark.line + 1 if mark else None, f"not valid YAML: {error}") from error


def _entries(path: Path) -> list[dict[str, Any]]:
    entries = _load(path)
    if not isinstance(entries, list) or not all(isinstance(e, dict) and "name" in e for e in entries):
        raise ContentError(path, None, "must be a list of entries that each have a name")
    return entries


def _class_closure(entries: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    parents = {entry["name"]: tuple(entry.get("parents") or ()) for entry in entries}
    return {name: _closure(parents[name], parents) for name in parents}


def _closure(names: Iterable[str], parents: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    ordered: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in ordered:
            ordered[name] = None
            waiting += parents.get(name, ())
    return tuple(ordered)
