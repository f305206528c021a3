"""A question and its reply: the passage whole, the medicine that was asked about in it, or an honest no."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from actions import deciding
from actions.answer import ActionAnswer
from actions.deciding import Limits
from actions.needs import Needs
from bot.articles.ranking import NOTHING_FOUND, Query
from bot.articles.store import Ranked
from tests.actions.conftest import Said
from tests.actions.test_deciding import PAST

Run = Callable[..., Awaitable[Said]]
MEDICINE = ({"ask_interactions": 0.95}, {("interactions", "specific"): 0.9})


async def test_an_answer_is_the_whole_passage(run: Run, needs: Needs) -> None:
    said = await run(ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9})
    passage = needs.store.passage("ketamine-bladder-healing")
    message = said.only
    assert (message.kind, message.category, message.topic, message.aspects) == (
        "answer",
        None,
        "side_effects",
        ("bladder",),
    )
    assert (message.lead, message.details, message.sources) == (passage.lead, passage.details, passage.sources)
    assert message.review == passage.review
    assert message.passages == (passage.id,)
    assert message.disclaimer == needs.words.text("disclaimer")
    assert message.at


async def test_an_answer_is_remembered(run: Run) -> None:
    said = await run(ActionAnswer(), "can i take xanax with ketamine", *MEDICINE, slots={"misses": 1, "shown": ["a"]})
    assert said.slots["last_topic"] == "interactions"
    assert said.slots["last_passage"] == "benzodiazepines-and-ketamine"
    assert said.slots["last_question"] == "can i take xanax with ketamine"
    assert said.slots["last_drugs"] == ["alprazolam"]
    assert said.slots["shown"] == ["a", "benzodiazepines-and-ketamine"]
    assert said.slots["misses"] == 0


async def test_a_follow_up_remembers_what_it_leaned_on(run: Run) -> None:
    said = await run(ActionAnswer(), "and how long?", {"follow_up": 0.8, "ask_safety": 0.1}, slots=PAST)
    assert said.slots["last_question"] == PAST["last_question"]
    said = await run(ActionAnswer(), "what about zoloft?", {"follow_up": 0.8, "ask_safety": 0.1}, slots=PAST)
    assert said.slots["last_question"] == "what about zoloft?"
    assert said.slots["last_drugs"] == ["sertraline"]


async def test_only_so_many_passages_are_remembered(run: Run) -> None:
    said = await run(
        ActionAnswer(), "can i take xanax with ketamine", *MEDICINE, slots={"shown": [str(n) for n in range(40)]}
    )
    assert len(said.slots["shown"]) == 30
    assert said.slots["shown"][-1] == "benzodiazepines-and-ketamine"


# -- medicines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "introduced"),
    [
        ("lexotan", "Lexotan is bromazepam, a benzodiazepine. "),
        ("bromazepam", "Bromazepam is a benzodiazepine. "),
        ("bromazepan", "Bromazepam is a benzodiazepine. "),
        ("xanax", ""),
        ("benzos", ""),
    ],
)
async def test_a_name_that_the_passage_lacks_is_explained(run: Run, needs: Needs, asked: str, introduced: str) -> None:
    said = await run(ActionAnswer(), f"can i take {asked} with ketamine", *MEDICINE)
    assert said.only.lead == introduced + needs.store.passage(said.only.passages[0]).lead
    assert "benzodiazepine" in said.only.drugs


async def test_of_two_medicines_both_are_in_the_answer(run: Run, needs: Needs) -> None:
    said = await run(ActionAnswer(), "can i take xanax and zoloft with ketamine", *MEDICINE)
    shown = " ".join([said.only.lead, *said.only.details]).lower()
    assert "sertraline" in shown or "zoloft" in shown
    assert "alprazolam" in shown or "benzodiazepine" in shown
    assert {"alprazolam", "sertraline"} <= set(said.only.drugs)
    expected = {
        s for name in ("benzodiazepines-and-ketamine", "ssris-and-ketamine") for s in needs.store.passage(name).sources
    }
    assert expected <= set(said.only.sources), "what is added brings its sources"
    assert len(said.only.drugs) <= 6


async def test_a_medicine_of_which_nothing_is_known_is_named(run: Run) -> None:
    said = await run(ActionAnswer(), "can i take metformin with ketamine", *MEDICINE)
    assert said.only.passages == (NOTHING_FOUND,)
    assert "metformin" in said.only.lead
    assert said.only.drugs[0] == "metformin"


@pytest.mark.parametrize(
    ("asked", "called"), [("glucophage", "Glucophage (metformin)"), ("metfromin", "About metformin:")]
)
async def test_it_is_named_as_it_was_asked_about(run: Run, asked: str, called: str) -> None:
    said = await run(ActionAnswer(), f"can i take {asked} with ketamine", *MEDICINE)
    assert called in said.only.lead


async def test_two_medicines_of_which_nothing_is_known_are_both_named(run: Run) -> None:
    said = await run(ActionAnswer(), "can i take metformin and levothyroxine with ketamine", *MEDICINE)
    assert said.only.passages == (NOTHING_FOUND,)
    assert "metformin" in said.only.lead and "levothyroxine" in said.only.lead
    assert {"metformin", "levothyroxine"} <= set(said.only.drugs)


async def test_a_known_and_an_unknown_medicine_are_both_named(run: Run) -> None:
    said = await run(ActionAnswer(), "can i take metformin and xanax with ketamine", *MEDICINE)
    assert said.only.passages == ("benzodiazepines-and-ketamine",)
    assert any("metformin" in line for line in said.only.details)
    assert {"alprazolam", "metformin"} <= set(said.only.drugs)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("i am on xanax, how long does a panic attack last", True),
        ("how long does a panic attack last, i take a low dose of xanax", True),
        ("how long does a panic attack last, xanax used to help", False),
        ("how long does a panic attack last after coming off xanax", False),
        ("how long does a panic attack last, i take metformin", False),
    ],
    ids=["on it", "takes it", "once had it", "has left it", "nothing is known of it"],
)
async def test_a_medicine_that_somebody_takes_gets_a_line_below_another_answer(
    run: Run, said: str, named: bool
) -> None:
    of_panic = {"ask_about_panic_attacks": 0.98}, {("about_panic_attacks", "duration"): 0.95}
    shown = (await run(ActionAnswer(), said, *of_panic)).only
    assert shown.topic == "about_panic_attacks"
    assert any(line.startswith("About Xanax (alprazolam): ") for line in shown.details) is named
    assert ("alprazolam" in shown.drugs) is named and "metformin" not in shown.drugs


# -- buttons -----------------------------------------------------------------------------------------------------


async def test_suggestions_continue_and_do_not_repeat(run: Run, needs: Needs) -> None:
    shown = ["ketamine-bladder-signs"]
    said = await run(
        ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9}, slots={"shown": shown}
    )
    offered = said.slots["offered"]
    assert 0 < len(said.only.suggestions) <= 3
    assert [(o["id"], o["title"]) for o in offered] == [(s.id, s.title) for s in said.only.suggestions]
    opened = [o["choice"]["passage"] for o in offered]
    assert not set(opened) & {*shown, "ketamine-bladder-healing", NOTHING_FOUND}
    assert len({s.title for s in said.only.suggestions}) == len(said.only.suggestions)
    assert all(needs.store.passage(name).title == o["title"] for name, o in zip(opened, offered, strict=True))


async def test_buttons_are_opaque_and_never_the_same(run: Run) -> None:
    first, again = [
        await run(ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9}) for _ in range(2)
    ]
    ids = [s.id for said in (first, again) for s in said.only.suggestions]
    assert len(set(ids)) == len(ids), "an id is good for one message of one conversation"
    assert all(len(name) == 12 and int(name, 16) >= 0 for name in ids), "and says nothing"


# -- no answer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("what is the capital of france", "outside what I know"),
        ("does metformin go with ibuprofen", "pharmacist"),
        ("is my rash contagious", "doctor or pharmacist"),
    ],
)
async def test_outside(run: Run, text: str, words: str) -> None:
    said = await run(ActionAnswer(), text, {"out_of_scope": 0.95})
    assert (said.only.kind, said.only.category, said.only.topic) == ("refusal", "out_of_scope", None)
    assert words in said.only.lead
    assert said.only.sources == ()


async def test_torn_between_two_it_asks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "Limits", lambda: Limits(fair_match=1.0))
    text = "is it how long panic attacks last or what ketamine does in the brain"
    said = await run(ActionAnswer(), text, {"ask_about_panic_attacks": 0.36, "ask_how_it_works": 0.35, "greet": 0.29})
    assert (said.only.kind, said.only.topic, said.only.category) == ("clarify", None, None)
    assert len(said.only.suggestions) == 2
    assert "last_topic" not in said.slots


async def test_not_understood_once_and_twice(run: Run) -> None:
    unclear = {"greet": 0.5, "thanks": 0.4, "ask_safety": 0.1}
    first = await run(ActionAnswer(), "flurb the wug", unclear)
    assert (first.only.kind, first.only.category) == ("fallback", None)
    again = await run(ActionAnswer(), "wug the flurb", unclear, slots=first.slots)
    assert (again.only.kind, again.only.category) == ("fallback", "out_of_scope")
    assert "topic" in again.only.lead
    assert again.only.suggestions


async def test_an_answer_between_two_misses_makes_them_first_ones(run: Run) -> None:
    unclear = {"greet": 0.5, "thanks": 0.4, "ask_safety": 0.1}
    first = await run(ActionAnswer(), "flurb the wug", unclear)
    answered = await run(
        ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9}, slots=first.slots
    )
    later = await run(ActionAnswer(), "flurb the wug", unclear, slots={"misses": answered.slots["misses"]})
    assert later.only.category is None


@pytest.mark.parametrize("slots", [{}, PAST], ids=["at the beginning", "after an answer"])
async def test_nothing_written_is_not_understood(run: Run, slots: dict) -> None:
    said = await run(ActionAnswer(), "", {"out_of_scope": 1.0}, slots=slots)
    assert (said.only.kind, said.only.category) == ("fallback", None)


async def test_too_long(run: Run) -> None:
    said = await run(ActionAnswer(), "will my bladder heal " * 99, {"out_of_scope": 1.0}, metadata={"too_long": True})
    assert (said.only.kind, said.only.category) == ("fallback", None)
    assert "short question" in said.only.lead


async def test_the_trace_holds_scores_and_no_words(run: Run) -> None:
    said = await run(ActionAnswer(), "zebrafish bladder heal after ketamine", {"ask_side_effects": 0.9})
    trace = said.slots["trace"]
    assert trace["passages"][0]["id"].startswith("ketamine-bladder")
    assert trace["passages"][0]["score"] == pytest.approx(sum(trace["passages"][0]["parts"].values()), abs=0.02)
    assert "zebrafish" not in str(trace)


async def test_an_answer_that_staff_switched_off_is_not_replaced_by_a_worse_one(
    run: Run, needs: Needs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(query: Query, most: int = 5) -> list[Ranked]:
        best, *others = search(query, most)
        return [replace(best, passage=replace(best.passage, withdrawn=True, lead="", details=())), *others]

    search = needs.store.search
    monkeypatch.setattr(needs.store, "search", off)
    said = await run(ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9})
    assert (said.only.kind, said.only.passages, said.only.topic) == ("fallback", (), None)
    assert said.only.lead == needs.words.wording("withdrawn", "whole").lead
    assert "last_passage" not in said.slots
