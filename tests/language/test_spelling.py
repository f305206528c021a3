"""Misspelt names of drugs are mended; ordinary words never are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.language.lexicon import Lexicon
from bot.language.spelling import Speller, ordinary_words
from bot.settings import ROOT

ORDINARY = ordinary_words(ROOT / "data" / "vocabulary" / "bert-base-uncased.txt")
NAMES = {
    "xanax": ("drug", "alprazolam"),
    "ketamine": ("ketamine", "ketamine"),
    "lamictal": ("drug", "lamotrigine"),
    "mirtazapine": ("drug", "mirtazapine"),
    "paxil": ("drug", "paroxetine"),
    "prozac": ("drug", "fluoxetine"),
    "lunesta": ("drug", "eszopiclone"),
    "lunesto": ("drug", "another"),
    "coke": ("drug", "cocaine"),
}


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller(NAMES, ORDINARY)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("zanax", "alprazolam"),
        ("xanex", "alprazolam"),
        ("ketamin", "ketamine"),
        ("ketemine", "ketamine"),
        ("lamictol", "lamotrigine"),
        ("sprovato", "esketamine"),
        ("spravatto", "esketamine"),
        ("topomax", "topiramate"),
        ("mirtazipine", "mirtazapine"),
        ("seroquil", "quetiapine"),
        ("zolof", "sertraline"),
        ("prozak", "fluoxetine"),
        ("klonapin", "clonazepam"),
        ("adderal", "amphetamine"),
        ("effexer", "venlafaxine"),
        ("gabapentine", "gabapentin"),
        ("benadril", "diphenhydramine"),
        ("sertralin", "sertraline"),
        ("diazapam", "diazepam"),
    ],
)
def test_what_people_type(lexicon: Lexicon, typed: str, name: str) -> None:
    assert [m.name for m in lexicon.find(f"is {typed} ok with it") if m.kind in ("drug", "ketamine")] == [name]


@pytest.mark.parametrize("word", ["panic", "take", "infusion", "taken", "panicked", "breathe", "paxils", "cokes"])
def test_words_that_are_no_misspelling(lexicon: Lexicon, word: str) -> None:
    assert not [m for m in lexicon.find(word) if m.found == "spelling" and m.name not in ("paroxetine",)]


@pytest.mark.parametrize(
    ("word", "found", "why"),
    [
        ("zanax", "alprazolam", "x and z are swapped"),
        ("xnaax", "alprazolam", "a swap of neighbours is one edit"),
        ("xanaxs", "alprazolam", "a plural"),
        ("mirtazipnie", "mirtazapine", "two edits in a long name"),
        ("kxtxmine", "ketamine", "two edits in eight letters"),
        ("xenox", None, "two edits in a short name"),
        ("manax", None, "another first letter"),
        ("coka", None, "too short"),
        ("lunesti", None, "two names equally near"),
        ("panic", None, "an ordinary word, one edit from a name or not"),
        ("prozac1", None, "not letters alone"),
        ("", None, "nothing"),
    ],
)
def test_how_near_is_near_enough(speller: Speller, word: str, found: str | None, why: str) -> None:
    corrected = speller.correct(word)
    assert (corrected and corrected[1]) == found, why


def test_two_spellings_of_one_drug_are_no_tie() -> None:
    both = Speller({"lexapro": ("drug", "escitalopram"), "lexipro": ("drug", "escitalopram")}, ORDINARY)
    assert both.correct("lexopro") == ("drug", "escitalopram")


def test_an_ordinary_word_with_an_ending_is_ordinary(speller: Speller) -> None:
    for word in ("panics", "panicked", "infusions", "calmest", "anxieties", "dizziness", "tripping", "driving"):
        assert speller.is_ordinary(word) or speller.correct(word) is None


@given(st.sampled_from(sorted(ORDINARY)))
def test_an_ordinary_word_is_never_changed(word: str) -> None:
    everything = Speller(
        {**NAMES, **{name: ("drug", name) for name in ("takes", "panics", "calmer", "breath")}}, ORDINARY
    )
    assert everything.correct(word) is None


@given(st.sampled_from(sorted(name for name in NAMES if len(name) > 7)), st.data())
def test_one_wrong_letter_in_a_long_name_is_mended(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(name) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    typed = name[:place] + letter + name[place + 1 :]
    if typed not in ORDINARY:
        assert Speller(NAMES, ORDINARY).correct(typed) == NAMES[name]
