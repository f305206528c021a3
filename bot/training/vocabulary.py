"""Makes `data/vocabulary/usual-words.txt`: the words that people use here, the most frequent first.

A misspelt word may be mended into one of them, so nothing misspelt may stand there. Run after larger changes of
sentences or articles: `python -m bot vocabulary`.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.articles.source_files import Content, read_content
from bot.language.lexicon import Lexicon
from bot.language.spelling import ordinary_words
from bot.language.text import fold
from bot.training.sentences import HELD_VOICES, Sentence, read_sentences

_WORD = re.compile(r"[a-z]{4,}")
_SHORTENED = re.compile(r"[a-z]+'[a-z]+")
_ENDINGS = ("s", "es", "d", "ed", "ing")
#: Voices whose sentences are misspelt on purpose.
_CARELESS = frozenset({"misspelt", "typos", "mixed"})
_DRUGS = frozenset({"drug", "class", "ketamine"})
_KNOWN_FROM, _OTHERS_FROM = 2, 4


def usual_words(
    asked: Iterable[str], written: Iterable[str], ordinary: Collection[str], names: Mapping[str, tuple[str, str]]
) -> list[str]:
    """The words of `asked` and `written`, the most frequent first.

    Ordinary words, the words of `written`, shortened ones ("don't", also without its apostrophe) and names count as
    well spelt, and stand here from two occurrences on. Any other word stands here from four, and only when no more
    frequent one is within the reach of mending. Names of drugs need four too: the lexicon mends them with more care.

    Args:
        asked: what people may write; written: what passages say, which is well spelt.
        ordinary: ordinary words, lower case.
        names: `Lexicon.surfaces`.
    """
    asked, written = [fold(text) for text in asked], [fold(text) for text in written]
    counts = collections.Counter(_WORD.findall("\n".join([*asked, *written])))
    shortened = (word.replace("'", "") for text in asked for word in _SHORTENED.findall(text))
    well_spelt = {*ordinary, *names, *_WORD.findall("\n".join(written)), *shortened}
    drugs = {name for name, (kind, _) in names.items() if kind in _DRUGS}
    known = {
        word
        for word, n in counts.items()
        if n >= (_OTHERS_FROM if word in drugs else _KNOWN_FROM) and _is_known(word, well_spelt)
    }
    candidates = {word: n for word, n in counts.items() if word in known or n >= _OTHERS_FROM}
    kept = [word for word, n in candidates.items() if word in known or not _looks_misspelt(word, n, candidates)]
    return sorted(kept, key=lambda word: (-counts[word], word))


def write_usual_words(data: Path) -> int:
    """Write the file from sentences and articles in `data`; returns how many words it holds."""
    content, vocabulary = read_content(data), data / "vocabulary" / "bert-base-uncased.txt"
    asked = [s.text for s in read_sentences(data / "nlu") if _is_careful(s)]
    asked += [question for _, passage in content.passages() for question in passage.questions]
    names = Lexicon(data / "lexicon", vocabulary).surfaces
    words = usual_words(asked, _written(content), ordinary_words(vocabulary), names)
    (data / "vocabulary" / "usual-words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return len(words)


def _is_careful(sentence: Sentence) -> bool:
    """English, spelt with care, and not held back for measuring."""
    return sentence.lang == "en" and sentence.voice not in HELD_VOICES | _CARELESS


def _written(content: Content) -> Iterable[str]:
    """What passages say; not the metadata above it."""
    for article in content.articles:
        yield article.title
        for passage in article.sections:
            yield from (passage.title, passage.lead, *passage.details)


def _is_known(word: str, well_spelt: set[str]) -> bool:
    """Whether `word` is well spelt, or differs from a well spelt word by a common ending."""
    return bool({word, word + "s"} & well_spelt) or any(
        word.endswith(ending) and len(word) - len(ending) > 3 and word.removesuffix(ending) in well_spelt
        for ending in _ENDINGS
    )


def _looks_misspelt(word: str, count: int, counts: Mapping[str, int]) -> bool:
    """Whether a more frequent word is as near as a mending reaches (`bot/language/reader.py`)."""
    reach = 1 if len(word) <= 7 else 2
    more_frequent = [other for other, n in counts.items() if n > count]
    return process.extractOne(word, more_frequent, scorer=OSA.distance, score_cutoff=reach) is not None
