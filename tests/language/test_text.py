"""What a person typed, cleaned and folded: nothing hidden stays, nothing readable is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.language.text import clean, fold, windows

#: Any text at all, halves of surrogates too.
ANY = st.text(alphabet=st.characters(exclude_categories=()), max_size=80)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        pytest.param("  what \t is\n\nketamine ", "what is ketamine", id="white space becomes single blanks"),
        pytest.param("ket\u200bam\u200cine\u200d", "ketamine", id="zero-width characters"),
        pytest.param("ket\u00adamine", "ketamine", id="a soft hyphen"),
        pytest.param("\u202eketamine\u202c \u2066x\u2069", "ketamine x", id="direction marks"),
        pytest.param("\ufeffketamine\x00\x07\x1b[31m", "ketamine[31m", id="byte order mark and controls"),
        pytest.param("ket\U000e0041\U000e007famine", "ketamine", id="tag characters"),
        pytest.param("ok\ufe0f", "ok", id="variation selectors"),
        pytest.param("half \ud83d of a pair", "half \ufffd of a pair", id="a lone surrogate"),
        pytest.param("ｋｅｔａｍｉｎｅ　５０", "ketamine 50", id="full-width letters, digits and blank"),
        pytest.param("𝓴𝓮𝓽𝓪𝓶𝓲𝓷𝓮 ⓚⓔⓣ", "ketamine ket", id="mathematical and circled letters"),
        pytest.param("e\u200b\u0301cole", "école", id="an accent parted from its letter by a hidden character"),
        pytest.param("Möchte ich Кетамин? 氯胺酮 🙂", "Möchte ich Кетамин? 氯胺酮 🙂", id="other scripts stay"),
        pytest.param("Don’t “shout”", "Don’t “shout”", id="typographic signs stay for people"),
        pytest.param("\u200b \x00 \ufeff", "", id="nothing but what cannot be seen"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_clean(typed: str, kept: str) -> None:
    assert clean(typed) == kept


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        pytest.param("KETAMINE", "ketamine", id="case"),
        pytest.param("Don’t `do` ´it´ “now” – or—then", "don't 'do' 'it' \"now\" - or-then", id="quotes and dashes"),
        pytest.param("naïve café señor", "naive cafe senor", id="accents"),
        pytest.param("kеtаmіne", "ketamine", id="Cyrillic letters within a Latin word"),
        pytest.param("ΚETAMINE xαnax", "ketamine xanax", id="Greek letters within a Latin word"),
        pytest.param("кетамин помогает", "кетамин помогает", id="Russian stays Russian"),
        pytest.param("сухо", "сухо", id="a Russian word that looks wholly Latin stays Russian"),
        pytest.param("हिन्दी", "हिन्दी", id="vowel signs of Hindi are no accents"),
        pytest.param("K\u0335e\u0336t", "ket", id="struck-through letters"),
        pytest.param("İstanbul", "istanbul", id="a capital whose small form is two characters"),
    ],
)
def test_fold(typed: str, folded: str) -> None:
    assert fold(typed) == folded


@given(ANY)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(ANY)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY)
def test_whatever_comes_can_be_stored_and_shown(text: str) -> None:
    for made in (clean(text), fold(text)):
        made.encode("utf-8")
        assert made == made.strip()
        assert not any(c in made for c in "\n\r\t\0\u200b\u202e")


def test_a_short_text_is_one_window() -> None:
    assert windows("one  two", words=2, overlap=1) == ["one  two"]
    assert windows("") == [""]


@given(st.integers(0, 500))
def test_windows_miss_nothing(length: int) -> None:
    """Every run of 20 words, long enough for a statement, stands whole in one window of at most 70."""
    words = [f"w{i}" for i in range(length)]
    pieces = [piece.split() for piece in windows(" ".join(words))]
    assert all(len(piece) <= 70 for piece in pieces)
    runs = [words[i : i + 20] for i in range(max(1, length - 19))]
    within = {tuple(piece[i : i + 20]) for piece in pieces for i in range(max(1, len(piece) - 19))}
    assert all(tuple(run) in within for run in runs)
