"""The grade follows the formula, and names do not make a text hard."""

from __future__ import annotations

import pytest

from bot.articles.readability import grade


def test_the_formula() -> None:
    # 6 words, 1 sentence, 6 syllables: 0.39*6 + 11.8*1 - 15.59
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    # 4 words, 2 sentences, 6 syllables
    assert grade("Doctor, wait. Doctor went.") == pytest.approx(0.39 * 2 + 11.8 * 6 / 4 - 15.59)


def test_a_name_counts_as_two_syllables_at_most() -> None:
    assert grade("Take benzodiazepines.", {"benzodiazepine"}) == pytest.approx(grade("Take doctors."))
    assert grade("Take weed.", {"weed"}) == grade("Take weed.")


def test_colons_and_semicolons_end_a_unit() -> None:
    assert grade("Tell them this: call now; wait here.") < grade("Tell them this call now wait here.")


def test_figures_and_marks_are_no_words() -> None:
    assert grade("") == grade("41% (9%) 1.5") == 0
    assert grade("“Wait.” He said so.") == grade("Wait. He said so.")


def test_hard_words_are_harder() -> None:
    easy = "The drug can make you sleepy for some hours. Tell the staff if you feel sick."
    hard = (
        "Administration of the medication occasionally precipitates considerable somnolence necessitating observation."
    )
    assert grade(easy) < 4 < 15 < grade(hard)
