"""Turns that lean on the answer before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from actions.conversation import ActionChoose, ActionNotWhatIMeant, ActionRepeatSimpler, ActionSource, ActionTellMore
from actions.needs import Needs
from actions.smalltalk import ActionSmalltalk
from tests.actions.conftest import Said

Run = Callable[..., Awaitable[Said]]
PAST = {
    "last_topic": "side_effects",
    "last_passage": "ketamine-bladder-healing",
    "last_question": "will my bladder heal",
    "shown": ["ketamine-bladder-healing"],
    "misses": 1,
}


# -- a pressed button ------------------------------------------------------------------------------------------------


async def test_a_button_opens_its_passage(run: Run, needs: Needs) -> None:
    choice = {"intent": "choose", "passage": "ssris-and-ketamine"}
    said = await run(ActionChoose(), "SSRIs", {"choose": 1.0}, choice=choice, slots=PAST)
    passage = needs.store.passage("ssris-and-ketamine")
    assert (said.only.kind, said.only.lead, said.only.details) == ("answer", passage.lead, passage.details)
    assert said.only.drugs
    assert said.slots["last_passage"] == passage.id
    assert said.slots["last_question"] == passage.title
    assert passage.id not in [o["choice"]["passage"] for o in said.slots["offered"]]
    assert said.slots["shown"] == ["ketamine-bladder-healing", "ssris-and-ketamine"]


@pytest.mark.parametrize("choice", [{}, {"intent": "choose"}, {"intent": "choose", "passage": "retired meanwhile"}])
async def test_a_passage_that_is_gone(run: Run, choice: dict) -> None:
    said = await run(ActionChoose(), "x", {"choose": 1.0}, choice=choice)
    assert said.only.kind == "fallback"


async def test_the_numbers_of_all_countries(run: Run) -> None:
    said = await run(ActionChoose(), "Not in the UK?", {"choose": 1.0}, choice={"intent": "choose", "numbers": "all"})
    countries = {contact.country for contact in said.only.contacts}
    assert len(countries) > 3
    assert said.only.kind == "safety"


# -- more ------------------------------------------------------------------------------------------------------------


async def test_more_is_another_passage_of_the_topic(run: Run, needs: Needs) -> None:
    said = await run(ActionTellMore(), "tell me more", {"tell_more": 0.9}, slots=PAST)
    assert said.only.topic == "side_effects"
    assert said.only.passages[0] not in PAST["shown"]
    again = await run(ActionTellMore(), "go on", {"tell_more": 0.9}, slots={**PAST, **said.slots})
    assert again.only.passages[0] not in {*PAST["shown"], *said.only.passages}


async def test_when_there_is_no_more_it_says_so(run: Run, needs: Needs) -> None:
    everything = [card.id for card in needs.store.cards("side_effects")]
    said = await run(ActionTellMore(), "tell me more", {"tell_more": 0.9}, slots={**PAST, "shown": everything})
    assert "all I have" in said.only.lead
    assert said.only.lead.endswith(needs.store.passage("ketamine-bladder-healing").lead)
    assert said.only.passages == ("ketamine-bladder-healing",)


# -- sources, in short -----------------------------------------------------------------------------------------------


async def test_sources_are_named(run: Run, needs: Needs) -> None:
    said = await run(ActionSource(), "says who", {"ask_source": 0.9}, slots=PAST)
    passage = needs.store.passage("ketamine-bladder-healing")
    assert all(source.title in said.only.lead and source.publisher in said.only.lead for source in passage.sources)
    assert said.only.sources == passage.sources
    assert said.only.topic == "side_effects"


async def test_in_short_is_the_lead_alone(run: Run, needs: Needs) -> None:
    said = await run(ActionRepeatSimpler(), "simpler please", {"repeat_simpler": 0.9}, slots=PAST)
    passage = needs.store.passage("ketamine-bladder-healing")
    assert said.only.lead == f"In short: {passage.lead}"
    assert not passage.general
    assert said.only.details == ()
    assert said.only.sources == passage.sources


async def test_in_short_keeps_what_says_that_something_is_unchecked(run: Run, needs: Needs) -> None:
    """A statement of general knowledge never stands without being called so."""
    (general, *_) = [card for card in needs.store.cards() if card.general]
    slots = {**PAST, "last_passage": general.id, "last_topic": general.topic}
    said = await run(ActionRepeatSimpler(), "simpler please", {"repeat_simpler": 0.9}, slots=slots)
    assert "general knowledge" in " ".join([said.only.lead, *said.only.details]).lower()


# -- not what was meant ----------------------------------------------------------------------------------------------


async def test_not_what_i_meant_offers_others(run: Run, needs: Needs) -> None:
    said = await run(ActionNotWhatIMeant(), "no that's not it", {"not_what_i_meant": 0.9}, slots=PAST)
    assert (said.only.kind, said.only.topic) == ("clarify", None)
    assert 2 <= len(said.only.suggestions) <= 3
    assert "ketamine-bladder-healing" not in [o["choice"]["passage"] for o in said.slots["offered"]]


async def test_a_correction_that_says_what_is_answered(run: Run) -> None:
    text = "no i meant how long panic attacks last"
    intents = {"not_what_i_meant": 0.5, "ask_about_panic_attacks": 0.45}
    said = await run(ActionNotWhatIMeant(), text, intents, slots=PAST)
    assert (said.only.kind, said.only.topic) == ("answer", "about_panic_attacks")


async def test_who_says_that_it_did_not_help_gets_something_else_about_it(run: Run, needs: Needs) -> None:
    said = await run(ActionTellMore(), "tried that, didnt work", {"not_helping": 0.84}, slots=PAST)
    assert (said.only.kind, said.only.topic) == ("answer", PAST["last_topic"])
    assert PAST["last_passage"] not in said.only.passages


async def test_what_does_not_help_before_any_answer_is_not_understood(run: Run) -> None:
    said = await run(ActionTellMore(), "its not helping", {"not_helping": 0.9})
    assert said.only.kind == "fallback"


async def test_what_hardly_seems_to_say_so_is_a_question(run: Run) -> None:
    intents = {"not_helping": 0.3, "ask_side_effects": 0.25, "ask_safety": 0.2}
    said = await run(ActionTellMore(), "mine is controlled now", intents, slots=PAST)
    assert said.only.kind == "answer"


async def test_what_hardly_seems_a_goodbye_is_a_question(run: Run) -> None:
    intents = {"goodbye": 0.6, "follow_up": 0.3, "ask_side_effects": 0.1}
    said = await run(ActionSmalltalk(), "it's been three nights now", intents, slots=PAST)
    assert said.only.kind == "answer"
    said = await run(ActionSmalltalk(), "bye now", intents, slots=PAST)
    assert said.only.kind == "smalltalk"


async def test_when_nothing_else_is_left_to_offer(run: Run, needs: Needs) -> None:
    slots = {**PAST, "shown": [card.id for card in needs.store.cards()], "misses": 0}
    said = await run(ActionNotWhatIMeant(), "no", {"not_what_i_meant": 0.9}, slots=slots)
    assert said.only.kind == "fallback", "a question without choices would help nobody"


# -- before any answer -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (ActionTellMore, "smalltalk"),
        (ActionSource, "smalltalk"),
        (ActionRepeatSimpler, "smalltalk"),
        (ActionNotWhatIMeant, "fallback"),
    ],
)
@pytest.mark.parametrize(
    "slots", [{}, {"last_topic": "safety", "last_passage": "retired meanwhile"}], ids=["none", "gone"]
)
async def test_without_an_answer_before(run: Run, action: type, kind: str, slots: dict) -> None:
    said = await run(action(), "and?", {"tell_more": 0.9}, slots=slots)
    assert said.only.kind == kind
    assert said.only.lead
