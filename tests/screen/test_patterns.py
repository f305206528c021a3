"""The first layer: data/screen/patterns.yml."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.errors import ContentError
from bot.language.text import fold
from bot.screen.patterns import Patterns
from bot.screen.screen import Screen
from bot.screen.views import plain_view

FOUND = [
    ("i want to kill myself", "crisis_selfharm", "an act, named"),
    (
        "my brother killed himself years ago but tonight i want to kill myself",
        "crisis_selfharm",
        "the past of another does not hide the present",
    ),
    ("i am not suicidal. i just wish i was dead", "crisis_selfharm", "a denial that still discloses"),
    ("she says she wants to die and has pills", "crisis_selfharm", "somebody else"),
    ("he took ket. won't wake up", "medical_emergency", "one thought in two sentences"),
    ("my wife is having a seizure", "medical_emergency", "somebody else, now"),
    ("overdose help", "medical_emergency", "a cry"),
    ("how much ketamine should i take for a first time", "refuse_dosing", "an amount"),
    ("i took 3 xanax with my ketamine", "urgent_care", "a sedative taken already"),
    ("just had two oxys and my lozenge, will i be ok", "urgent_care", "an opioid taken already, and a question"),
    ("drank half a bottle of vodka an hour after my ketamine lozenge", "urgent_care", "alcohol taken already"),
    ("he took methadone and ket together", "urgent_care", "somebody else mixed"),
    ("i snorted ket and i have drunk six beers, is that bad", "urgent_care", "the ketamine first"),
    (
        "took valium with my ketamine and now i keep nodding off and cant stay awake",
        "medical_emergency",
        "mixed, and drowsy",
    ),
    ("i feel like i am dying, heart is racing", "panic_now", "the fear of dying"),
    ("ich will mich umbringen", "crisis_selfharm", "German"),
    ("mon père ne se réveille pas", "medical_emergency", "French, with accents"),
    ("je n'arrive plus à respirer", "medical_emergency", "French, with an apostrophe"),
    ("quiero quitarme la vida", "crisis_selfharm", "Spanish"),
    ("我想死", "crisis_selfharm", "Chinese has no gaps between words"),
    ("मैं मरना चाहता हूँ", "crisis_selfharm", "Hindi, with vowel signs"),
    ("أريد أن أموت", "crisis_selfharm", "Arabic, with marks"),
]

NOT_FOUND = [
    ("i'm dying to know how it works", "an idiom"),
    ("this traffic is killing me", "an idiom"),
    ("i have no thoughts of self harm", "a denial"),
    ("my cousin killed himself ten years ago, is grief a cause of panic", "long past, somebody else"),
    ("can ketamine cause seizures", "a question about facts"),
    ("what are the signs of an overdose", "a question about facts"),
    ("can i take xanax with my ketamine", "a question about mixing"),
    ("i take lorazepam every night, is that ok with ketamine", "a medicine taken daily"),
    ("i had a glass of wine last night, can i go to my infusion tomorrow", "days apart"),
    ("what happens if someone took xanax with ketamine", "a question about facts"),
    ("my doctor gave me ativan and ketamine in the same session", "given by staff"),
    ("i have never taken oxycodone with ketamine", "a denial"),
    ("i took my zoloft with my ketamine this morning", "no sedative"),
    ("i already took my morning dose", "no attempt"),
    ("would therapy help me get over my ex", "help with something"),
    ("my battery is dead and my car won't start", "things die too"),
    ("how many sessions do i need", "how many, but no amount"),
    ("la kétamine est-elle efficace contre les crises de panique ?", "a French crise is no crisis"),
    ("氯胺酮对自杀念头有效吗", "a Chinese question about facts"),
]


@pytest.mark.parametrize(("text", "category", "why"), FOUND, ids=[why for *_, why in FOUND])
def test_plain_wording_is_found_by_patterns_alone(patterns_alone: Screen, text: str, category: str, why: str) -> None:
    finding = patterns_alone.look_text(text)
    assert finding is not None and finding.category == category, f"{text!r} ({why}): see data/screen/patterns.yml"
    assert finding.layer == "patterns" and finding.rule


@pytest.mark.parametrize(("text", "why"), NOT_FOUND, ids=[why for _, why in NOT_FOUND])
def test_frightening_words_without_danger_are_left_alone(patterns_alone: Screen, text: str, why: str) -> None:
    assert patterns_alone.look_text(text) is None, f"{text!r} ({why}): see data/screen/patterns.yml"


def test_every_group_says_what_it_is_for(patterns: Patterns) -> None:
    for name, reason in patterns.reasons.items():
        assert len(reason.split()) >= 4, f"data/screen/patterns.yml: {name} needs a reason that a clinician can judge"


def test_every_rule_has_a_category_and_concepts(patterns: Patterns) -> None:
    names = [rule.name for rule in patterns.rules]
    assert len(names) == len(set(names))
    for rule in patterns.rules:
        assert rule.all or rule.any, f"rule {rule.name} would match every message"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 50_000,
        "i want to " * 5_000,
        "k i l l " * 6_000,
        "my my my " * 6_000,
        "kill " * 10_000 + "myself",
        "(((" * 9_000,
        "1/2 " * 12_000,
        "ا" * 40_000,
        "想" * 40_000,
    ],
    ids=["one letter", "a beginning", "spaced", "pronouns", "nearly", "brackets", "fractions", "Arabic", "Chinese"],
)
def test_time_grows_with_length_alone(patterns: Patterns, text: str) -> None:
    """A regular expression that backtracks would take minutes here."""
    began = time.perf_counter()
    patterns.matches(patterns.concepts_in(plain_view(fold(text))))
    assert time.perf_counter() - began < 5


def test_no_group_is_slow_on_an_ordinary_message(patterns: Patterns) -> None:
    view = plain_view(
        fold("hello, i wonder how long the effects of an infusion last for people with panic attacks at night")
    )
    patterns.concepts_in(view)
    began = time.perf_counter()
    for _ in range(20):
        patterns.concepts_in(view)
    assert (time.perf_counter() - began) / 20 < 0.01


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[kill_self, i_me]", "[kill_selv, i_me]"), "kill_selv"),
        (("<oneself>", "<onself>"), "onself"),
        (("- (kill|kil|", "- ((kill|kil|"), "kill_self"),
    ],
    ids=["unknown concept", "unknown macro", "broken phrase"],
)
def test_a_mistake_in_the_file_is_refused_in_a_sentence(
    data: Path, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = (data / "screen" / "patterns.yml").read_text(encoding="utf-8")
    assert change[0] in text
    path = tmp_path / "patterns.yml"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(ContentError, match=said):
        Patterns(path)
