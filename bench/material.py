"""What both sides learn from, are asked, and are judged on: chosen in one way, written as files for both."""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.settings import ROOT
from bot.training.sentences import HELD_VOICES, Sentence, read_sentences

HERE = Path(__file__).parent
#: Folders of `data/` that our training reads besides sentences. Not the articles: their phrasings are among the
#: sentences, and our importer would add those that were left out of the sample.
_READ = ("encoder", "lexicon", "screen", "vocabulary", "stories")


@dataclass(frozen=True)
class Material:
    """Sentences to learn from, and sentences of other voices to be judged on."""

    learned: list[Sentence]
    held: list[Sentence]
    #: How many there were to choose `learned` from.
    of: int


def gather(data: Path, learn: int, judge: int) -> Material:
    """Choose from `data`: at most about `learn` sentences (0: all), and about `judge` of the held-back voices (0: all).

    Both choices are the same in every run, and keep the shares of intents (of intents and aspects where it is learned).
    """
    from bot.engine import compat

    compat.prepare()
    from bot.nlu.importer import phrasings

    own = read_sentences(data / "nlu")
    known = {s.text.lower() for s in own}
    pool = [s for s in own if s.voice not in HELD_VOICES]
    pool += [s for s in phrasings(data) if s.text.lower() not in known]
    held = [s for s in own if s.voice in HELD_VOICES]
    return Material(
        sample(pool, learn, lambda s: s.label) if learn else pool,
        sample(held, judge, lambda s: s.intent) if judge else held,
        len(pool),
    )


def sample(sentences: Sequence[Sentence], wanted: int, group: Callable[[Sentence], str]) -> list[Sentence]:
    """About `wanted` of `sentences`: of each `group` its share, and at least one; in the order they had.

    Which of a group are taken hangs on their words alone, so that a sentence that is added moves few others.
    """
    share = min(1.0, wanted / max(1, len(sentences)))
    groups: dict[str, list[int]] = defaultdict(list)
    for number, sentence in enumerate(sentences):
        groups[group(sentence)].append(number)
    chosen: list[int] = []
    for numbers in groups.values():
        numbers.sort(key=lambda n: hashlib.sha256(sentences[n].text.encode()).digest())
        chosen += numbers[: max(1, round(share * len(numbers)))]
    return [sentences[n] for n in sorted(chosen)]


def write_sentences(sentences: Iterable[Sentence], folder: Path) -> None:
    """Write `sentences` in Rasa's form, a file an intent, with the metadata that our importer reads."""
    groups: dict[str, dict[tuple[tuple[str, Any], ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for s in sentences:
        about: dict[str, Any] = {"aspect": s.aspect, "voice": s.voice, "family": s.family, "lang": s.lang}
        given = (*((key, value) for key, value in about.items() if value), ("near_miss", s.near_miss))
        groups[s.intent][given].append(s.text)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for intent, by_metadata in groups.items():
        entries = [
            {"intent": intent, "metadata": dict(given), "examples": "".join(f"- {text}\n" for text in texts)}
            for given, texts in by_metadata.items()
        ]
        text = yaml.safe_dump({"version": "3.1", "nlu": entries}, sort_keys=False, allow_unicode=True, width=1000)
        (folder / f"{intent}.yml").write_text(text, encoding="utf-8")


def write_for_us(material: Material, data: Path, folder: Path) -> None:
    """Make `folder` a data folder for our training: these sentences, and all else of `data` that it reads."""
    write_sentences(material.learned, folder / "nlu")
    for name in _READ:
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(data / name)


def write_for_peer(material: Material, data: Path, folder: Path, actions: str) -> None:
    """Make `folder` a project of stock Rasa's: these sentences, our domain and rules, its own defaults.

    Args:
        actions: address of the action server.
    """
    write_sentences(material.learned, folder / "data" / "nlu")
    stories = folder / "data" / "stories"
    shutil.rmtree(stories, ignore_errors=True)
    shutil.copytree(data / "stories", stories)
    shutil.copy(HERE / "stock" / "rules.yml", stories / "fallback.yml")
    shutil.copy(ROOT / "domain.yml", folder)
    shutil.copy(HERE / "stock" / "config.yml", folder)
    (folder / "credentials.yml").write_text("rest:\n", encoding="ascii")
    endpoints = {"action_endpoint": {"url": actions}}
    (folder / "endpoints.yml").write_text(yaml.safe_dump(endpoints), encoding="ascii")


def read_conversations(path: Path = HERE / "conversations.yml") -> list[list[str]]:
    """The conversations that are had: lists of what a person says, from the first word to the last.

    Raises:
        ValueError: one is empty or is not a list of texts.
    """
    given: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = given["conversations"]
    for number, turns in enumerate(found, 1):
        if not turns or not all(isinstance(turn, str) and turn.strip() for turn in turns):
            raise ValueError(f"{path.name}: conversation {number} must be a list of texts")
    return [list(turns) for turns in found]
