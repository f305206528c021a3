"""What an action can know of its turn."""

from __future__ import annotations

import pytest
from rasa_sdk import Tracker

from actions.turn import Turn
from bot.language.lexicon import Lexicon
from bot.screen.findings import Finding
from tests.actions.conftest import tracker_of, turn_of


def test_everything_comes_through_the_tracker(lexicon: Lexicon) -> None:
    finding = Finding("panic_now", 0.8, "patterns", aspect="physical")
    given = turn_of(
        lexicon,
        "is Zanax ok with ket",
        {"ask_interactions": 0.7, "follow_up": 0.2, "greet": 0.1},
        {("interactions", "specific"): 0.6},
        metadata={"country": "GB", "finding": finding.to_dict()},
        choice={"intent": "choose", "passage": "p"},
        slots={"last_topic": "safety", "shown": ["a"]},
    )
    read = Turn.of(tracker_of(given))
    assert read == given
    assert read.finding == finding
    assert [m.name for m in read.drugs] == ["alprazolam"]
    assert read.drugs[0].classes[0] == "benzodiazepine"
    assert read.has_past


def test_only_the_newest_words_have_a_say() -> None:
    old = {"event": "user", "text": "a", "metadata": {"country": "US"}}
    new = {"event": "user", "text": "b", "metadata": {"country": "GB"}}
    tracker = Tracker("c", {}, {"text": "b"}, [old, new, {"event": "slot"}], False, None, {}, "x")
    assert Turn.of(tracker).metadata == {"country": "GB"}


@pytest.mark.parametrize("latest", [None, {}, {"text": None, "intent": None, "entities": None, "intent_ranking": None}])
def test_a_turn_of_which_nothing_is_known(latest: dict | None) -> None:
    turn = Turn.of(Tracker("c", {}, latest, [], False, None, {}, "x"))
    assert (turn.text, turn.intent, turn.confidence, turn.mentions, turn.finding) == ("", "", 0.0, (), None)
    assert not turn.has_past
    assert turn.alone() == {}


def test_each_medicine_counts_once(lexicon: Lexicon) -> None:
    turn = turn_of(lexicon, "xanax or alprazolam or benzos, with ketamine, for panic")
    assert [m.name for m in turn.drugs] == ["alprazolam", "benzodiazepine"]


def test_alone_turns_of_a_conversation_make_room(lexicon: Lexicon) -> None:
    turn = turn_of(lexicon, "", {"follow_up": 0.5, "tell_more": 0.1, "ask_safety": 0.3, "greet": 0.1})
    assert turn.alone() == pytest.approx({"ask_safety": 0.75, "greet": 0.25})
    assert turn_of(lexicon, "", {"follow_up": 1.0}).alone() == {}
