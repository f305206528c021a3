"""The list of usual words, into which misspelt ones may be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import ROOT
from bot.training.vocabulary import usual_words, write_usual_words


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for folder in ("nlu", "articles", "vocabulary"):
        (tmp_path / folder).mkdir()
    (tmp_path / "vocabulary" / "bert-base-uncased.txt").write_text("bladder\nhurt\nrare\n##ing\n", encoding="utf-8")
    (tmp_path / "nlu" / "a.yml").write_text(
        "- does it hurt the Bladder\n- bladder hurt\n- bladder\n" + "- esketamine\n" * 5 + "- blader rare\n" * 1,
        encoding="utf-8",
    )
    return tmp_path


def test_frequent_words_first(data: Path) -> None:
    assert usual_words(data)[:3] == ["esketamine", "bladder", "hurt"]


def test_a_rare_word_is_no_usual_one(data: Path) -> None:
    """It may be a misspelling that the sentences hold on purpose."""
    assert not {"rare", "blader"} & set(usual_words(data))


def test_it_is_written(data: Path) -> None:
    count = write_usual_words(data)
    words = (data / "vocabulary" / "usual-words.txt").read_text(encoding="utf-8").split()
    assert len(words) == count
    assert words == usual_words(data)


def test_the_shipped_list_is_of_use() -> None:
    words = (ROOT / "data" / "vocabulary" / "usual-words.txt").read_text(encoding="utf-8").split()
    assert len(words) == len(set(words)) > 2000
    assert {"bladder", "ketamine", "panic", "infusion", "dizzy"} <= set(words)
