"""Which language a reply is in."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.language.spelling import ordinary_words
from bot.language.text import fold
from bot.screen.languages import NAMED, LanguageIdentifier
from bot.training.sentences import read_sentences

LANGUAGES = [
    ("i want to die", "en"),
    ("ok", "en"),
    ("😀", "en"),
    ("can i take xanax with spravato", "en"),
    ("quiero acabar con mi vida", "es"),
    ("je veux mourir", "fr"),
    ("ich will nicht mehr leben", "de"),
    ("não quero mais viver", "pt"),
    ("non voglio più vivere", "it"),
    ("nie chcę już żyć", "pl"),
    ("أريد أن أموت", "ar"),
    ("मैं मरना चाहता हूँ", "hi"),
    ("mujhe ab nahi jeena hai", "hi"),
    ("我不想活了", "zh"),
    ("ik wil niet meer leven", "unknown"),
    ("хочу умереть", "unknown"),
    ("死にたい", "unknown"),
]


@pytest.fixture(scope="module")
def identifier(data: Path) -> LanguageIdentifier:
    return LanguageIdentifier(ordinary_words(data / "vocabulary" / "bert-base-uncased.txt"))


@pytest.mark.parametrize(("text", "code"), LANGUAGES, ids=[text for text, _ in LANGUAGES])
def test_language(identifier: LanguageIdentifier, text: str, code: str) -> None:
    assert identifier.identify(fold(text)).code == code


def test_few_words_are_not_certain(identifier: LanguageIdentifier) -> None:
    assert not identifier.identify("quiero morir").certain
    assert identifier.identify("quiero acabar con mi vida").certain


def test_shares_on_the_training_sentences(identifier: LanguageIdentifier, data: Path) -> None:
    """English must hardly ever be taken for another language, and the other way round a little more often."""
    english = [s.text for s in read_sentences(data / "nlu")][::7]
    right = sum(identifier.identify(fold(text)).code == "en" for text in english)
    assert right / len(english) > 0.985
    for code in NAMED:
        texts = [s.text for s in read_sentences(data / "screen" / "languages") if s.lang == code]
        right = sum(identifier.identify(fold(text)).code == code for text in texts)
        assert right / len(texts) > 0.7, code


def test_code_and_key_mashing_are_not_readable(identifier: LanguageIdentifier) -> None:
    assert not identifier.identify("d2hhdcbpcyb").readable
    assert not identifier.identify("%s%n").readable
    assert identifier.identify("help").readable


def test_it_is_quick(identifier: LanguageIdentifier, data: Path) -> None:
    texts = [fold(s.text) for s in read_sentences(data / "screen" / "languages")][:500]
    identifier.identify(texts[0])
    began = time.thread_time()
    for text in texts[1:]:
        identifier.identify(text)
    assert (time.thread_time() - began) / len(texts) < 0.002
