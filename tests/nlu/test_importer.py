"""Our quick reader of sentences reads what Rasa's own does."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message

from bot.errors import ContentError
from bot.nlu.importer import PHRASING, Example, Importer
from bot.settings import ROOT
from bot.training.sentences import read_sentences
from tests.articles.fakes import write_content

SMALL = """\
version: "3.1"

nlu:
  # a group with everything
  - intent: greet
    metadata: {aspect: greet, voice: british, family: polite, lang: en, near_miss: true}
    examples: |
      - hello: there
      - "quoted" and 'quoted'
      - what's #1?
      -   blanks around it  
      - - a dash
      - hello: there

  - intent: thanks
    examples: |
      - Danke schön 🙂
"""


def test_a_copy_of_an_example_is_its_own_and_reads_as_rasas() -> None:
    ours, theirs = (kind.build("hello there", "greet") for kind in (Example, Message))
    copied = copy.deepcopy(ours)
    assert copied == ours == theirs and copied.fingerprint() == theirs.fingerprint()
    copied.set("intent", "greet")
    assert copied == ours
    copied.set("intent", "thanks")
    copied.add_features(Features(np.ones((1, 2)), "sentence", "text", "test"))
    assert copied != ours == theirs
    assert (ours.get("intent"), ours.features) == ("greet", [])


def read(importer: type, paths: list[Path]) -> list[tuple[str, str, dict[str, Any]]]:
    """(text, intent, aspect and voice) of every example, in a fixed order."""
    data = importer(training_data_paths=[str(path) for path in paths]).get_nlu_data()
    found = []
    for example in data.intent_examples:
        given = (example.get("metadata") or {}).get("intent") or {}
        kept = {key: str(given.get(key) or "") for key in ("aspect", "voice", "family")}
        found.append((example.get("text"), example.get("intent"), kept))
    return sorted(found, key=str)


def test_a_small_file(tmp_path: Path) -> None:
    (tmp_path / "nlu").mkdir()
    (tmp_path / "nlu" / "greet.yml").write_text(SMALL, encoding="utf-8")
    ours = read(Importer, [tmp_path / "nlu"])
    assert ours == read(RasaFileImporter, [tmp_path / "nlu"])
    assert len({text for text, _, _ in ours}) == 6


@pytest.mark.parametrize("name", ["affirm", "ask_source"])
def test_real_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "nlu").mkdir()
    path = tmp_path / "nlu" / f"{name}.yml"
    path.write_bytes((ROOT / "data" / "nlu" / f"{name}.yml").read_bytes())
    ours = read(Importer, [tmp_path / "nlu"])
    assert ours == read(RasaFileImporter, [tmp_path / "nlu"])
    assert len(ours) > 40


def test_phrasings_of_articles_teach_their_topic(tmp_path: Path) -> None:
    data = write_content(tmp_path)
    (data / "nlu").mkdir()
    (data / "nlu" / "greet.yml").write_text(SMALL, encoding="utf-8")
    phrasings = [row for row in read(Importer, [data / "nlu"]) if row[2]["voice"] == PHRASING]
    assert ("will ketamine make me sick", "ask_side_effects", "nausea") in [
        (t, i, g["aspect"]) for t, i, g in phrasings
    ]
    assert {intent for _, intent, _ in phrasings} == {"ask_side_effects", "ask_interactions"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nlu:\n  - intent: greet\n", "intent and examples"),
        ("nlu:\n  - intent: greet\n    examples: |\n      hello\n", "must begin with"),
        ("nlu: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "greet.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match=says) as raised:
        read_sentences(tmp_path)
    assert "greet.yml" in str(raised.value)


def test_the_project_uses_it() -> None:
    import yaml

    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    assert config["importers"] == [{"name": "bot.nlu.importer.Importer"}]
