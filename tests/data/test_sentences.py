"""The training sentences: enough, in many voices, each of one intent, and none of them an evaluation sentence."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache

import pytest
import yaml

from bot.language.text import fold
from bot.settings import ROOT
from bot.training.sentences import HELD_VOICES, Sentence, read_sentences

TOPICS = yaml.safe_load((ROOT / "data" / "topics.yml").read_text(encoding="utf-8"))
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))


@cache
def sentences() -> tuple[Sentence, ...]:
    return tuple(read_sentences(ROOT / "data" / "nlu"))


def normal(text: str) -> str:
    """What is left of a sentence when case, signs and blanks do not count."""
    return " ".join(re.findall(r"\w+", fold(text).replace("'", ""))) or text


def test_there_are_enough() -> None:
    assert len(sentences()) >= 3_000
    counts = Counter(s.intent for s in sentences())
    few = {intent: n for intent, n in counts.items() if n < 30}
    assert not few


def test_danger_and_its_near_misses_have_enough() -> None:
    dangers = {"crisis_selfharm", "medical_emergency", "urgent_care", "panic_now", "ask_dosing"}
    assert sum(s.intent in dangers and not s.near_miss for s in sentences()) >= 1_500
    assert sum(s.near_miss for s in sentences()) >= 1_500


def test_no_sentence_means_two_things() -> None:
    meant = defaultdict(set)
    for sentence in sentences():
        meant[normal(sentence.text)].add(sentence.intent)
    assert not {text: intents for text, intents in meant.items() if len(intents) > 1}


def test_no_sentence_of_a_topic_has_two_aspects() -> None:
    meant = defaultdict(set)
    for sentence in sentences():
        meant[sentence.intent, normal(sentence.text)].add(sentence.aspect)
    assert not {key: aspects for key, aspects in meant.items() if len(aspects) > 1}


@pytest.mark.parametrize("topic", TOPICS)
def test_every_aspect_of_a_topic_has_sentences_and_every_sentence_an_aspect(topic: str) -> None:
    counts = Counter(s.aspect for s in sentences() if s.intent == f"ask_{topic}")
    assert set(counts) == set(TOPICS[topic]["aspects"])
    assert min(counts.values()) >= 10


def test_every_sentence_says_who_speaks() -> None:
    assert not [s for s in sentences() if not s.voice or not s.aspect][:5]
    assert not [s for s in sentences() if not s.text][:5]


@pytest.mark.parametrize("intent", sorted({*DOMAIN["intents"]} - {"choose", "typed_command"}))
def test_every_intent_is_said_in_many_voices(intent: str) -> None:
    assert len({s.voice for s in sentences() if s.intent == intent}) >= 5


def test_a_fifth_can_be_held_back() -> None:
    """By voice, not by line: a sentence's near relatives would otherwise stand on both sides."""
    held = sum(s.voice in HELD_VOICES for s in sentences()) / len(sentences())
    assert 0.18 <= held <= 0.3
    assert {s.voice for s in sentences()} >= HELD_VOICES
    for intent in {s.intent for s in sentences()}:
        assert any(s.voice not in HELD_VOICES for s in sentences() if s.intent == intent), intent


def test_sentences_are_sentences_alone() -> None:
    """No entity annotations: the lexicon finds the names, and our reader would take the brackets for text."""
    assert not [s.text for s in sentences() if re.search(r"\]\s*[({]", s.text)][:5]


# -- what is measured with is not learned from -------------------------------------------------------------------


def evaluated() -> Iterator[tuple[str, frozenset[str]]]:
    """(id, words) of every evaluation text of 4 to 40 words."""
    for path in sorted((ROOT / "tests" / "evaluation").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.strip():
                row = json.loads(line)
                for text in [row.get("text"), *(turn["user"] for turn in row.get("turns", []))]:
                    words = re.sub(r"[^a-z0-9 ]+", " ", (text or "").lower()).split()
                    if 4 <= len(words) <= 40:
                        yield row["id"], frozenset(words)


def test_no_evaluation_sentence_stands_in_the_data() -> None:
    """In sentences, articles and every other data file: words shared, of all words, fewer than nine of ten.

    The id of a passage, which is read by nobody, may be made of the same words.
    """
    by_word: dict[str, list[tuple[str, frozenset[str]]]] = defaultdict(list)
    for name, words in evaluated():
        by_word[max(sorted(words), key=len)].append((name, words))
    assert len(by_word) > 100
    hits = []
    files = [p for kind in ("yml", "md", "yaml") for p in (ROOT / "data").rglob(f"*.{kind}")]
    for path in sorted(files):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if line.startswith("## "):
                continue
            words = frozenset(re.sub(r"[^a-z0-9 ]+", " ", line.lower()).split())
            for word in words & by_word.keys():
                for name, other in by_word[word]:
                    if len(words & other) / len(words | other) >= 0.9:
                        hits.append(f"{path.relative_to(ROOT)}:{number} is {name}")
    assert not hits, "a score on these means nothing"
