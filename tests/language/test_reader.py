"""A text is read once for everybody: folded, names found, put into plain words, embedded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.language.lexicon import Lexicon
from bot.language.reader import Reader
from bot.language.spelling import ordinary_words
from bot.language.text import fold
from bot.settings import ROOT
from tests.articles.fakes import FakeEncoder

VOCABULARY = ROOT / "data" / "vocabulary" / "bert-base-uncased.txt"
ORDINARY = ordinary_words(VOCABULARY)
USUAL = (ROOT / "data" / "vocabulary" / "usual-words.txt").read_text(encoding="utf-8").split()


class Counting(FakeEncoder):
    """Remembers nothing but how often each text was encoded; as the real one, a single text is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self._memory: dict[str, np.ndarray] = {}

    def encode(self, texts):  # type: ignore[no-untyped-def]
        self.asked += texts
        return super().encode(texts)

    def encode_one(self, text: str) -> np.ndarray:
        if text not in self._memory:
            self._memory[text] = self.encode([text])[0]
        return self._memory[text]

    def forget(self) -> None:
        self._memory.clear()


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def fresh(lexicon: Lexicon, counting: Counting) -> Reader:
    """A reader of its own with an encoder that counts."""
    return Reader(counting, lexicon, ORDINARY, USUAL)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("Can I take XANAX with it?", "can i take alprazolam with it?", id="a brand becomes its drug"),
        pytest.param("zanax and ketamin", "alprazolam and ketamine", id="misspelt names are mended"),
        pytest.param("is ket ok", "is ketamine ok", id="street names of ketamine"),
        pytest.param("my first spravato", "my first spravato", id="the spray keeps its own word"),
        pytest.param("is esketamine strong", "is esketamine strong", id="esketamine keeps its own"),
        pytest.param("are benzos ok", "are benzos ok", id="a class keeps the person's words"),
        pytest.param("my bladdder hurts", "my bladder hurts", id="a misspelt usual word"),
        pytest.param("dangerus vomitting", "dangerous vomiting", id="two of them"),
        pytest.param("my friend Bartholomew", "my friend bartholomew", id="a rare name stays"),
        pytest.param("¿Qué hago mañana?", "¿que hago manana?", id="another language stays"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_plain_words(fresh: Reader, text: str, plain: str) -> None:
    reading = fresh.read(text)
    assert reading.plain == plain
    assert (reading.text, reading.folded) == (text, fold(text))


@given(st.lists(st.sampled_from(sorted(ORDINARY)), max_size=8))
def test_ordinary_words_stay_as_they_are(lexicon: Lexicon, words: list[str]) -> None:
    text = " ".join(words)
    if not any(m.kind in ("drug", "ketamine") for m in lexicon.find(text)):
        assert Reader(Counting(), lexicon, ORDINARY, USUAL).read(text).plain == text  # type: ignore[arg-type]


def test_a_turn_is_encoded_once(fresh: Reader, counting: Counting) -> None:
    """Screen, classifier and search all read the text; so does whoever writes the same in another way."""
    first = fresh.read("can i take xanax")
    again = [fresh.read("can i take xanax"), fresh.read("Can I take Zanax"), fresh.read("can  i take\u200b xanax")]
    assert counting.asked == ["can i take alprazolam"]
    assert all(np.array_equal(first.vector, other.vector) for other in again)


def test_many_texts_are_read_as_one_is(fresh: Reader, counting: Counting) -> None:
    texts = ["is zanax ok", "what is a bladdder", ""]
    together = fresh.read_many(texts)
    assert counting.asked == [reading.plain for reading in together]
    for text, reading in zip(texts, together, strict=True):
        alone = fresh.read(text)
        assert (reading.text, reading.folded, reading.plain, reading.mentions) == (
            alone.text, alone.folded, alone.plain, alone.mentions,
        )  # fmt: skip
        assert np.array_equal(reading.vector, alone.vector)
    assert np.array_equal(fresh.encode(texts), np.array([reading.vector for reading in together]))
    assert fresh.read_many([]) == []


def test_what_was_read_is_forgotten(fresh: Reader, counting: Counting) -> None:
    fresh.read("can i take xanax")
    fresh.forget()
    fresh.read("can i take xanax")
    assert len(counting.asked) == 2


def test_the_name_tells_vectors_apart(lexicon: Lexicon, fresh: Reader) -> None:
    """Vectors of another encoder, or of texts mended with other words, do not compare."""
    other_words = Reader(Counting(), lexicon, ORDINARY, [*USUAL, "anotherword"])  # type: ignore[arg-type]
    other_encoder = Counting()
    other_encoder.name = "fake-2"
    names = {fresh.name, other_words.name, Reader(other_encoder, lexicon, ORDINARY, USUAL).name}  # type: ignore[arg-type]
    assert len(names) == 3
