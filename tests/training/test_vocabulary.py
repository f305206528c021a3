"""The list of usual words, into which misspelt ones may be mended."""

from __future__ import annotations

import pytest

from bot.settings import ROOT
from bot.training.sentences import Sentence
from bot.training.vocabulary import _is_careful, usual_words, write_usual_words

ORDINARY = {"bladder", "hurt", "rare", "does", "infusion"}
NAMES = {"esketamine": ("ketamine", "esketamine"), "xanax": ("drug", "alprazolam"), "hives": ("symptom", "hives")}


def words(*asked: str, written: tuple[str, ...] = ()) -> list[str]:
    return usual_words(asked, written, ORDINARY, NAMES)


def test_frequent_words_first() -> None:
    found = words(*["esketamine"] * 5, "does it hurt the Bladder", "bladder hurt", "bladder")
    assert found == ["esketamine", "bladder", "hurt"]


@pytest.mark.parametrize(
    ("asked", "written", "word", "kept"),
    [
        pytest.param(["hurt"] * 2, [], "hurt", True, id="an ordinary word from two on"),
        pytest.param(["rare"], [], "rare", False, id="once is not usual"),
        pytest.param(["troche"] * 3, [], "troche", False, id="an unknown word is no usual one from three"),
        pytest.param(["troche"] * 4, [], "troche", True, id="but from four"),
        pytest.param(["troche"], ["A troche."], "troche", True, id="what passages say is well spelt"),
        pytest.param(["infushion"] * 9 + ["infusion"] * 10, [], "infushion", False, id="misspelt, however frequent"),
        pytest.param(["infusions"] * 2 + ["infusion"] * 3, [], "infusions", True, id="a plural is not misspelt"),
        pytest.param(["doesnt"] * 2 + ["doesn't"] + ["does"] * 9, [], "doesnt", True, id="shortened, no apostrophe"),
        pytest.param(["hives"] * 2, [], "hives", True, id="the name of a symptom"),
        pytest.param(["xanax"] * 3, [], "xanax", False, id="the lexicon mends names of drugs"),
        pytest.param(["xanax"] * 4, [], "xanax", True, id="but frequent ones stay"),
    ],
)
def test_what_is_usual(asked: list[str], written: list[str], word: str, kept: bool) -> None:
    assert (word in words(*asked, written=tuple(written))) is kept


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param(Sentence("wat is it", "i", voice="misspelt"), id="misspelt on purpose"),
        pytest.param(Sentence("what is it", "i", voice="slang"), id="held back for measuring"),
        pytest.param(Sentence("was ist das", "i", voice="plain", lang="de"), id="another language"),
    ],
)
def test_sentences_that_teach_no_words(sentence: Sentence) -> None:
    assert not _is_careful(sentence)
    assert _is_careful(Sentence("what is it", "i", voice="plain"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The list made from our own sentences and articles."""
    data = tmp_path_factory.mktemp("data")
    for path in (ROOT / "data").iterdir():
        if path.name != "vocabulary":
            (data / path.name).symlink_to(path)
    (data / "vocabulary").mkdir()
    source = ROOT / "data" / "vocabulary" / "bert-base-uncased.txt"
    (data / "vocabulary" / source.name).symlink_to(source)
    count = write_usual_words(data)
    found = (data / "vocabulary" / "usual-words.txt").read_text(encoding="utf-8").split()
    assert len(found) == count
    return found


def test_ours_are_words_and_no_metadata(made: list[str]) -> None:
    assert len(made) == len(set(made)) > 2000
    assert {"bladder", "ketamine", "panic", "infusion", "dizzy"} <= set(made)
    assert not {"yaml", "selfharm", "misspelt", "algospeak", "metadata", "ketamin", "infushion", "atack"} & set(made)


def test_the_shipped_list_is_of_use() -> None:
    shipped = (ROOT / "data" / "vocabulary" / "usual-words.txt").read_text(encoding="utf-8").split()
    assert len(shipped) == len(set(shipped)) > 2000
    assert {"bladder", "ketamine", "panic", "infusion", "dizzy"} <= set(shipped)
