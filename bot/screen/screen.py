"""The safety screen: two layers over every message, before anything else looks at it.

Patterns need only their file. The classifier needs its weights and an embedding; when either fails the patterns
look alone, and that is logged once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from bot.errors import EvenkeelError
from bot.language.reader import Reading
from bot.language.spelling import ordinary_words
from bot.language.text import clean, fold, windows
from bot.screen.classifier import Classifier, Verdict
from bot.screen.findings import CATEGORIES, DANGERS, Category, Finding, Layer, Person
from bot.screen.languages import Language, LanguageIdentifier
from bot.screen.parts import is_code_alone, take_apart
from bot.screen.patterns import Match, Stretches, shared_patterns
from bot.screen.views import decoded, disguised_views, plain_view
from bot.screen.words import Segmenter

_log = logging.getLogger(__name__)

#: Characters that are looked at; a channel lets no longer message in.
MOST_CHARACTERS = 100_000
#: Windows of a long text that are embedded, at most.
MOST_WINDOWS = 40
_LONG = 70
_OF_THE_BODY: tuple[Category, ...] = ("medical_emergency", "urgent_care")
# Words up to which a rule needs more than a faint trace in the classifier's eyes: of a longer message a danger
# may be a small part.
_SHORT = 25
# A long text is full of stretches that the classifier has never seen the like of, and one wrong alarm spoils all of it.
# Pieces of so many words are looked at again, and where the patterns do not agree must reach a higher score: one where
# there is a sign of that danger, a near certainty where there is none.
_PIECE, _OVERLAP = 20, 7
_WITH_SIGN, _WITHOUT_SIGN = 0.8, 0.98
#: How sure of an emergency the classifier must be where the patterns see panic, whose first reply asks for the signs.
_PLAIN_EMERGENCY = 0.9
#: Letters in a row from which on a disguised text is taken for words without gaps.
_RUN = 9
_QUESTION = re.compile(
    r"\?|(?:^|[.,;!]\s*|\b(?:and|but|also|so|because|btw)\s+)(?:how|what|whats|why|when|where|which|"
    r"who|can|could|does|do|did|is|are|will|would|should|may|any (?:tips|advice|idea))\b"
)


class Reader(Protocol):
    """What the screen uses of `bot.language.reader.Reader`."""

    def read(self, text: str) -> Reading: ...

    def read_many(self, texts: Sequence[str]) -> list[Reading]: ...


class Screen:
    """Looks at messages. Thread-safe; made once."""

    def __init__(self, data: Path, weights: Path, reader: Reader | None = None) -> None:
        """
        Args:
            data: the data folder; weights: what `bot.screen.train` wrote; without it only patterns look.
            reader: embeds the windows of long texts and texts whose disguise was undone; None takes the shared one.

        Raises:
            ContentError: data/screen/patterns.yml is wrong.
        """
        self._patterns = shared_patterns(data)
        self._languages = LanguageIdentifier(ordinary_words(data / "vocabulary" / "bert-base-uncased.txt"))
        self._segmenter = Segmenter(self._patterns.words)
        self._data, self._reader = data, reader
        self._failed = False
        try:
            self._classifier: Classifier | None = Classifier.load(weights, self._patterns.sign_names)
        except (OSError, ValueError, KeyError, EvenkeelError) as error:
            _log.error("The screen's classifier could not be loaded (%s); its patterns look alone.", error)
            self._classifier = None

    @property
    def complete(self) -> bool:
        """Whether both layers are loaded."""
        return self._classifier is not None

    def look(self, reading: Reading, flow: str | None = None, original: str | None = None) -> Finding | None:
        """What is found in a message, the gravest thing first; None when nothing is.

        Args:
            reading: of the cleaned message.
            flow: name of the guided exercise that runs ("panic"), if one does.
            original: the message as it came in; directions and gaps of a disguise are lost by cleaning.
        """
        if len(reading.folded.split()) > _LONG:
            return self.look_text(original or reading.text, flow=flow)
        language = self._languages.identify(reading.folded)
        view, stretches = self._patterns.look(reading)
        found = self._judge(reading, view, stretches, language, flow)
        if found is None or found.category not in DANGERS:
            found = _graver(found, self._look_at_statements(reading.folded, stretches, language, flow))
        if found is None or found.category not in DANGERS:
            found = self._look_behind(original or reading.text, view, language, flow, found)
        return found

    def look_text(self, text: str, reader: Reader | None = None, flow: str | None = None) -> Finding | None:
        """As `look` for a text of any length, or when nothing could be embedded.

        Patterns look at all of it (up to 100,000 characters); of a long text at most 40 windows are embedded: those
        with signs in them and some spread evenly.
        """
        original = text[:MOST_CHARACTERS]
        text = clean(original)
        if not text:
            return None
        parts = windows(text, _LONG)
        folded = [fold(part) for part in parts]
        views = [plain_view(part) for part in folded]
        stretches = [self._patterns.concepts_in(view) for view in views]
        language = self._languages.identify(folded[0][:400])
        found: Finding | None = None
        for part in stretches:
            found = _graver(found, self._from_patterns(part, language, flow))
        chosen = _choose([sum(len(s) for s in part) for part in stretches])
        for i, reading in zip(chosen, self._read([parts[i] for i in chosen], reader), strict=False):
            within = self._languages.identify(reading.folded)
            if len(parts) == 1:
                found = _graver(found, self._judge(reading, views[i], stretches[i], within, flow))
                continue
            verdict = self._verdict(reading, views[i], stretches[i], within, flow)
            if verdict and (verdict.category or self._patterns.telling(stretches[i], DANGERS)):
                found = _graver(found, self._look_closely(reading, within, flow, reader))
        if len(parts) == 1 and (found is None or found.category not in DANGERS):
            found = _graver(found, self._look_at_statements(folded[0], stretches[0], language, flow))
        if found is None or found.category not in DANGERS:
            found = self._look_behind(original, " ".join(views), language, flow, found)
        return replace(found, mixed=found.mixed or len(parts) > 1) if found else None

    # -- steps ---------------------------------------------------------------------------------------------------

    def _judge(
        self, reading: Reading, view: str, stretches: Stretches, language: Language, flow: str | None
    ) -> Finding | None:
        """Both layers on one reading."""
        matches = self._matches(stretches, language, flow)
        verdict = self._verdict(reading, view, stretches, language, flow)
        said = verdict.category if verdict else None
        long = view.count(" ") >= _SHORT
        sure = [
            m
            for m in matches
            if verdict is None
            or verdict.trace(m.category, faint=long or m.certain)
            # Who asks how much it takes to die asks for an amount too: that the classifier hears this is no objection.
            or (said == "refuse_dosing" and m.category in DANGERS)
        ]
        if not sure and said is None:
            return None
        category = _first([*(match.category for match in sure[:1]), *([said] if said else [])])
        if sure and said and {sure[0].category, said} == {"crisis_selfharm", "medical_emergency"}:
            # The classifier can tell the two apart better; in another language a rule that names one alone can.
            named = {match.category for match in sure} & {"crisis_selfharm", "medical_emergency"}
            category = said if language.plainly_english or len(named) > 1 else sure[0].category
        if sure and sure[0].category == "panic_now" and said == "medical_emergency" and verdict:
            # Fear of dying in a panic: its first reply asks for the signs of an emergency and names the number.
            category = "panic_now" if verdict.probabilities[said] < _PLAIN_EMERGENCY else said
        rule = next((match for match in matches if match.category == category), sure[0] if sure else None)
        layer: Layer = "both" if sure and said else "patterns" if sure else "classifier"
        return self._finding(
            category,
            verdict.confidence if verdict and not sure else 1.0,
            layer,
            rule,
            stretches,
            language,
            reading.folded,
        )

    def _look_at_statements(
        self, folded: str, stretches: Stretches, language: Language, flow: str | None
    ) -> Finding | None:
        """A danger to the body that is stated beside a question about something else, which does not silence it.

        Both layers must see it in the statement alone; a rule that is certain needs the patterns only.
        """
        if not self._patterns.telling(stretches, _OF_THE_BODY):
            return None
        parts = take_apart(folded)
        if not parts.asked:
            return None
        found: Finding | None = None
        for part, sentence in parts.stated:
            view = plain_view(part)
            stated = [self._patterns.stated(view, plain_view(sentence))]
            matches = [m for m in self._matches(stated, language, flow) if m.category in _OF_THE_BODY]
            if not matches:
                continue
            seen = matches[0].certain or (
                matches[0].category == "medical_emergency"
                and parts.asks_of_something_else
                and self._sees(part, view, stated, language, flow)
            )
            if seen:
                first = matches[0]
                here = self._finding(first.category, 1.0, "patterns", first, stated, language, part)
                found = _graver(found, replace(here, mixed=True))
        return found

    def _sees(self, part: str, view: str, stated: Stretches, language: Language, flow: str | None) -> bool:
        """Whether the classifier takes `part` for an emergency too; nobody to ask counts as yes."""
        read = self._read([part], None)
        verdict = self._verdict(read[0], view, stated, language, flow) if read else None
        return verdict is None or verdict.category == "medical_emergency"

    def _look_closely(
        self, reading: Reading, language: Language, flow: str | None, reader: Reader | None
    ) -> Finding | None:
        """What the classifier finds in a window of a long text, when it reads it in small pieces."""
        found: Finding | None = None
        for piece in self._read(windows(reading.text, _PIECE, _OVERLAP), reader):
            view, stretches = self._patterns.look(piece)
            verdict = self._verdict(piece, view, stretches, language, flow)
            if verdict is None or verdict.category is None:
                continue
            category, matches = verdict.category, self._matches(stretches, language, flow)
            agreed = any(m.category == category for m in matches)
            if not agreed and category in DANGERS and matches and matches[0].category in DANGERS:
                # Both see a danger; which one it is a rule can tell better in so few words.
                agreed, category = True, matches[0].category
            signs = self._patterns.telling(stretches, [category])
            if agreed or verdict.confidence >= (_WITH_SIGN if signs else _WITHOUT_SIGN):
                here = self._finding(
                    category, verdict.confidence, "classifier", None, stretches, language, piece.folded
                )
                found = _graver(found, here)
        return found

    def _matches(self, stretches: Stretches, language: Language, flow: str | None) -> list[Match]:
        return [m for m in self._patterns.matches(stretches, flow) if not (m.elsewhere and language.plainly_english)]

    def _verdict(
        self, reading: Reading, view: str, stretches: Stretches, language: Language, flow: str | None
    ) -> Verdict | None:
        if self._classifier is None or not language.readable or is_code_alone(reading.text):
            return None
        signs = np.asarray([self._patterns.signs(stretches)], dtype=np.float32)
        english = language.plainly_english
        vector = np.asarray(reading.vector, dtype=np.float32)[None, :]
        p = self._classifier.probabilities(vector, signs, [view], english=english)[0]
        return self._classifier.verdict(p, english=english, caution=0.7 if flow else 1.0)

    def _from_patterns(self, stretches: Stretches, language: Language, flow: str | None) -> Finding | None:
        matches = self._matches(stretches, language, flow)
        return (
            self._finding(matches[0].category, 1.0, "patterns", matches[0], stretches, language, "")
            if matches
            else None
        )

    def _look_behind(
        self, original: str, view: str, language: Language, flow: str | None, found: Finding | None
    ) -> Finding | None:
        """`found`, or what is graver behind a disguise or an encoding, if there is one."""
        hidden = [v for v in disguised_views(original) if v != view]
        hidden += [self._segmenter.segment(v) for v in hidden if max(map(len, v.split()), default=0) >= _RUN]
        hidden += [plain_view(fold(inner)) for inner in decoded(original)]
        for other in list(dict.fromkeys(v for v in hidden if v and v != view))[:12]:
            stretches = self._patterns.concepts_in(other)
            if not self._patterns.telling(stretches):
                continue
            read = self._read([other], None) if len(other) < 2_000 else []
            if not read:
                found = _graver(found, self._from_patterns(stretches, language, flow))
                continue
            hidden_there = self._judge(read[0], other, stretches, language, flow)
            if hidden_there and (found is None or hidden_there.layer != "classifier"):
                found = _graver(found, hidden_there)
        return found

    def _read(self, texts: list[str], reader: Reader | None) -> list[Reading]:
        """Readings of `texts`, or none when nothing can be embedded now."""
        if self._classifier is None or not texts:
            return []
        try:
            if reader is None and self._reader is None:
                from bot.language.reader import shared_reader

                self._reader = shared_reader(self._data)
            reader = reader or self._reader
            assert reader is not None
            return [reader.read(texts[0])] if len(texts) == 1 else reader.read_many(texts)
        except Exception as error:  # the patterns have looked already
            if not self._failed:
                _log.error("The screen could not embed a text (%s); its patterns look alone.", type(error).__name__)
            self._failed = True
            return []

    def _finding(
        self,
        category: Category,
        confidence: float,
        layer: Layer,
        rule: Match | None,
        stretches: Stretches,
        language: Language,
        folded: str,
    ) -> Finding:
        there = frozenset[str]().union(*stretches)
        aspect = self._patterns.situation(category, there) or (rule.aspect if rule else "")
        person: Person | None = (rule.person if rule else None) or self._patterns.person(there)
        mixed = category in DANGERS and (
            bool(_QUESTION.search(folded) and {"on_ketamine", "medicine", "general_question"} & there)
            or take_apart(folded).asks_of_something_else
        )
        return Finding(
            category,
            round(confidence, 4),
            layer,
            rule.rule if rule else None,
            person,
            language.code,
            mixed,
            aspect,
            language.certain,
        )


def _first(categories: Iterable[Category]) -> Category:
    return min(categories, key=CATEGORIES.index)


def _graver(one: Finding | None, other: Finding | None) -> Finding | None:
    if one is None or other is None:
        return one or other
    return one if CATEGORIES.index(one.category) <= CATEGORIES.index(other.category) else other


def _choose(cues: Sequence[int]) -> list[int]:
    """Which windows to embed: the first and last, those with most signs, the rest spread evenly."""
    if len(cues) <= MOST_WINDOWS:
        return list(range(len(cues)))
    by_cues = sorted(range(len(cues)), key=lambda i: -cues[i])[: MOST_WINDOWS // 2]
    step = len(cues) / (MOST_WINDOWS // 2 - 2)
    spread = [int(i * step) for i in range(MOST_WINDOWS // 2 - 2)]
    return sorted({0, len(cues) - 1, *by_cues, *spread})
