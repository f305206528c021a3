"""What a question gets: an answer, a choice, or an honest no. Probabilities are given by hand; the store is real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.deciding import Decision, Limits, decide, leans, named_in
from actions.needs import Needs
from bot.articles.ranking import NOTHING_FOUND
from bot.language.lexicon import Lexicon
from tests.actions.conftest import turn_of

PAST = {
    "last_topic": "interactions",
    "last_passage": "benzodiazepines-and-ketamine",
    "last_question": "can i take xanax with ketamine",
    "last_drugs": ["alprazolam"],
    "shown": ["benzodiazepines-and-ketamine"],
}
SESSION = {"last_topic": "what_to_expect", "last_passage": "rest-of-the-day-after-a-session",
           "last_question": "what should i do after the session", "last_drugs": []}  # fmt: skip


@pytest.fixture
def decided(some_needs: Needs, lexicon: Lexicon) -> Callable[..., Decision]:
    def ask(text: str, intents: dict[str, float], aspects: Any = None, **more: Any) -> Decision:
        return decide(turn_of(lexicon, text, intents, aspects, **more), some_needs)

    return ask


def shown(decision: Decision) -> str:
    return decision.ranked[0].passage.id if decision.kind == "answer" else decision.kind


# -- alone -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "topic", "aspect", "passages"),
    [
        ("how long do panic attacks last", "about_panic_attacks", "duration", {"how-long-panic-attacks-last"}),
        ("will my bladder heal after ket", "side_effects", "bladder", {"ketamine-bladder-healing"}),
        ("how does ketamine work in the brain", "how_it_works", "mechanism", {"how-ketamine-works"}),
        ("can i take xanax with ketamine", "interactions", "specific", {"benzodiazepines-and-ketamine"}),
        ("is zoloft ok with ketamine", "interactions", "specific", {"ssris-and-ketamine"}),
        ("how do i prepare for my first infusion", "what_to_expect", "before", {"preparing-for-a-session"}),
    ],
)  # fmt: skip
def test_a_question_gets_its_passage(decided: Callable, text: str, topic: str, aspect: str, passages: set[str]) -> None:
    decision = decided(text, {f"ask_{topic}": 0.9}, {(topic, aspect): 0.8})
    assert shown(decision) in passages
    assert not decision.leaned


def test_the_intent_is_a_hint_and_no_wall(decided: Callable) -> None:
    """The wrong intent, not too sure of itself, does not keep the right passage away."""
    wrong = {"ask_safety": 0.5, "ask_about_panic_attacks": 0.3, "greet": 0.2}
    assert shown(decided("how long does a panic attack last", wrong)) == "how-long-panic-attacks-last"


@pytest.mark.parametrize(
    ("text", "intents", "kind", "why"),
    [
        ("what is the capital of france", {"out_of_scope": 0.9, "ask_safety": 0.05}, "outside", "out of scope"),
        ("flurb the wug", {"greet": 0.5, "thanks": 0.4, "ask_safety": 0.1}, "unclear", "no topic is likely"),
        ("flurb the wug", {"greet": 0.5, "out_of_scope": 0.4, "ask_safety": 0.1}, "outside", "and it may be outside"),
        ("ketamine bladder", {"out_of_scope": 0.9, "ask_side_effects": 0.1}, "outside", "near, and not near enough"),
        ("Will my bladder heal after ket?", {"out_of_scope": 0.9}, "answer", "a phrasing says just that"),
        (
            "what is ketamine bladder",
            {"greet": 0.9, "ask_side_effects": 0.1},
            "answer",
            "near enough to be no greeting",
        ),
        ("can i take prozac with lithium", {"ask_interactions": 0.9}, "outside", "two other medicines together"),
        ("does metformin go with ibuprofen", {"ask_interactions": 0.9}, "outside", "by whatever verb"),
    ],
)
def test_when_there_is_an_answer(decided: Callable, text: str, intents: dict[str, float], kind: str, why: str) -> None:
    assert decided(text, intents).kind == kind, why


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("can i take zoloft", "answer"),
        ("Is Xanax ok?", "answer"),
        ("can i still take my blood pressure pills as well", "answer"),
        ("zoloft?", "answer"),
        ("are benzos allowed", "answer"),
        ("should i take my vyvanse on weekends", "outside"),
        ("how long does naproxen take to shift a bad back", "outside"),
        ("can i take zoloft while pregnant", "outside"),
        ("im scared to start sertraline", "outside"),
    ],
)
def test_a_medicine_alone_means_with_ketamine(decided: Callable, text: str, kind: str) -> None:
    """Whoever asks here whether a medicine can be taken, and says no more, means with ketamine."""
    assert decided(text, {"out_of_scope": 0.9, "ask_interactions": 0.1}).kind == kind


def test_torn_between_two_topics_both_are_offered(some_needs: Needs, lexicon: Lexicon) -> None:
    text = "is it how long panic attacks last or what ketamine does in the brain"
    torn = turn_of(lexicon, text, {"ask_about_panic_attacks": 0.36, "ask_how_it_works": 0.35, "greet": 0.29})
    decision = decide(torn, some_needs, Limits(fair_match=1.0))
    assert decision.kind == "clarify"
    assert {r.passage.topic for r in decision.ranked[:2]} == {"about_panic_attacks", "how_it_works"}
    clear = turn_of(lexicon, text, {"ask_about_panic_attacks": 0.5, "ask_how_it_works": 0.2, "greet": 0.3})
    assert decide(clear, some_needs, Limits(fair_match=1.0)).kind == "answer"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("can i take prozac and lithium with ketamine", "ketamine is named"),
        ("prozac and lithium before my infusion", "the treatment is named"),
        ("is prozac ok", "one medicine, asked of a bot on ketamine"),
        ("i take zoloft every day, is zoloft a problem", "the same twice is one"),
        ("i am on sertraline, is zoloft ok", "two names of one"),
        ("are benzos like xanax ok", "a medicine and its class are one"),
        ("my antidepressant lexapro, is that ok", "in whatever order"),
        ("is percocet ok", "a product of two is one"),
    ],
)
def test_medicines_that_are_asked_about_with_ketamine(decided: Callable, text: str, why: str) -> None:
    assert decided(text, {"ask_interactions": 0.9}, {("interactions", "specific"): 0.8}).kind == "answer", why


# -- leaning on the turn before ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "follow_up", "past", "leaning", "why"),
    [
        ("what about zoloft?", 0.1, PAST, True, "a name alone"),
        ("what about zoloft?", 0.9, {}, False, "there is nothing to lean on"),
        ("and how long?", 0.6, PAST, True, "short, and likely a follow-up"),
        ("and how long?", 0.05, PAST, True, "short, and names nothing"),
        ("how long is an infusion", 0.05, PAST, False, "short, and no follow-up"),
        ("does yoga count", 0.05, PAST, True, "what it counts as was said before"),
        ("does that go away", 0.05, PAST, True, "it points back"),
        ("does that panic go away", 0.05, PAST, False, "it points, but names its subject"),
        ("is that one better than xanax or what do you think of it", 0.3, PAST, False, "long, names a drug"),
        ("how long does ketamine stay in the body", 0.5, PAST, False, "it names ketamine"),
        ("is it true that people who have had it for years come to need more each time", 0.7, PAST, True,
         "long, but surely a follow-up"),
    ],
)  # fmt: skip
def test_leaning(lexicon: Lexicon, text: str, follow_up: float, past: dict, leaning: bool, why: str) -> None:
    intents = {"follow_up": follow_up, "ask_side_effects": (1 - follow_up) * 0.8, "greet": (1 - follow_up) * 0.2}
    assert leans(turn_of(lexicon, text, intents, slots=past)) is leaning, why


@pytest.mark.parametrize(
    ("text", "past", "passage"),
    [
        ("what about zoloft?", PAST, "ssris-and-ketamine"),
        ("what about zoloft?", SESSION, "ssris-and-ketamine"),
        ("and phenelzine", PAST, "maois-and-ketamine"),
        ("a glass of wine?", PAST, "alcohol-and-ketamine"),
        ("what about metformin", PAST, NOTHING_FOUND),
    ],
)
def test_a_follow_up_is_about_what_was_said(decided: Callable, text: str, past: dict, passage: str) -> None:
    decision = decided(text, {"follow_up": 0.7, "ask_side_effects": 0.2, "greet": 0.1}, slots=past)
    assert decision.leaned
    assert shown(decision) == passage


def test_a_medicine_that_is_pointed_at_is_meant_with_ketamine(decided: Callable) -> None:
    """Alone, each of these would be about another medicine and outside; after an answer it goes on."""
    for text in ("does weed make that worse", "my husband is on lithium and wants it too"):
        unsure = {"out_of_scope": 0.8, "ask_ketamine_and_panic": 0.2}
        decision = decided(text, unsure, slots=SESSION)
        assert decision.leaned and decision.kind == "answer", text
        assert decision.ranked[0].passage.topic == "interactions", text
        assert decided(text, unsure).kind == "outside", text


def test_a_medicine_that_is_compared_or_past_is_not_asked_about_together(decided: Callable) -> None:
    for text in ("ive only tried one antidepressant", "and compared to alcohol?"):
        decision = decided(text, {"follow_up": 0.6, "ask_what_to_expect": 0.4}, slots=SESSION)
        assert decision.leaned and not decision.query.drugs, text
        assert decided("and with alcohol?", {"follow_up": 0.6}, slots=SESSION).query.drugs


def test_what_leans_need_not_name_the_subject_again(decided: Callable) -> None:
    intents = {"ask_what_to_expect": 0.65, "out_of_scope": 0.3, "greet": 0.05}
    text = "i work nights in a warehouse with lots and lots of forklifts and pallets"
    assert decided(text, intents, slots=SESSION).kind == "answer"
    assert decided(text, intents).kind == "outside"


def test_who_asks_on_reads_something_new_about_the_same(decided: Callable) -> None:
    for text in ("and how long?", "why is that"):
        best = decided(text, {"follow_up": 0.7, "ask_side_effects": 0.2, "greet": 0.1}, slots=PAST).ranked[0].passage
        assert best.id != PAST["last_passage"], text
        assert "benzodiazepine" in best.drugs, text


def test_a_follow_up_stays_with_its_topic(decided: Callable) -> None:
    for text in ("and how long?", "is that normal", "why"):
        decision = decided(text, {"follow_up": 0.7, "ask_side_effects": 0.2, "greet": 0.1}, slots=SESSION)
        assert decision.ranked[0].passage.topic == "what_to_expect", text


def test_a_correction_moves_on_within_the_topic(decided: Callable) -> None:
    decision = decided("no, before the session", {"follow_up": 0.6, "ask_what_to_expect": 0.4},
                       {("what_to_expect", "before"): 0.3}, slots=SESSION)  # fmt: skip
    assert "before" in decision.ranked[0].passage.aspects


def test_a_medicine_of_the_turn_before_is_still_meant(decided: Callable) -> None:
    decision = decided("and how long should i wait", {"follow_up": 0.8}, slots=PAST)
    assert [drug.name for drug in decision.query.drugs] == ["alprazolam"]
    assert "benzodiazepine" in decision.ranked[0].passage.drugs


# -- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "missing"),
    [
        pytest.param("can i take xanax with ketamine", ["alprazolam", "benzodiazepine"], [], id="by its class"),
        pytest.param("can i take benzos with ketamine", ["benzodiazepine"], [], id="the class itself"),
        pytest.param(
            "xanax and metformin with ketamine", ["alprazolam", "benzodiazepine"], ["metformin"], id="one of two"
        ),
        pytest.param("can i take metformin with ketamine", ["metformin"], [], id="nothing is known of it"),
    ],
)
def test_names_that_an_answer_is_about(
    decided: Callable, lexicon: Lexicon, text: str, names: list[str], missing: list[str]
) -> None:
    decision = decided(text, {"ask_interactions": 0.9}, {("interactions", "specific"): 0.9})
    about, left_out = named_in(decision.ranked[0], decision.query.drugs)
    assert about[: len(names)] == names
    assert [m.name for m in left_out] == missing
