"""The one place where messages are made: whatever answers ends with the disclaimer; buttons; the line in a crisis."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import ActionAnswer
from actions.conversation import ActionChoose, ActionNotWhatIMeant, ActionRepeatSimpler, ActionSource, ActionTellMore
from actions.needs import Needs
from actions.panic import ActionPanicNotHelping, ActionPanicStep
from actions.reply import Button, Reply
from actions.safety import ActionCrisis, ActionEmergency
from actions.smalltalk import ActionDeleteMyData, ActionSmalltalk
from bot.channels.plain import as_text
from bot.language.lexicon import Lexicon
from bot.message import Message
from bot.screen.findings import Finding
from tests.actions.conftest import Said, turn_of
from tests.actions.test_conversation import PAST

Run = Callable[..., Awaitable[Said]]
MEDICINE = {"ask_interactions": 0.9}
ANSWERING: list[Any] = [
    pytest.param(ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9}, {}, id="a question"),
    pytest.param(ActionAnswer(), "can i take xanax and metformin with ketamine", MEDICINE, {}, id="two medicines"),
    pytest.param(ActionAnswer(), "can i take metformin with ketamine", MEDICINE, {}, id="nothing found"),
    pytest.param(ActionAnswer(), "and how long?", {"follow_up": 0.9}, {"slots": PAST}, id="a follow-up"),
    pytest.param(ActionAnswer(), "what about zoloft", {"follow_up": 0.9}, {"slots": PAST}, id="another medicine"),
    pytest.param(ActionTellMore(), "more", {"tell_more": 0.9}, {"slots": PAST}, id="more"),
    pytest.param(ActionSource(), "source?", {"ask_source": 0.9}, {"slots": PAST}, id="sources"),
    pytest.param(ActionRepeatSimpler(), "simpler", {"repeat_simpler": 0.9}, {"slots": PAST}, id="in short"),
    pytest.param(ActionChoose(), "x", {"choose": 1.0}, {"choice": {"passage": "ssris-and-ketamine"}}, id="a button"),
    pytest.param(
        ActionNotWhatIMeant(), "no i meant how long panic attacks last",
        {"not_what_i_meant": 0.5, "ask_about_panic_attacks": 0.45}, {"slots": PAST}, id="a correction",
    ),
    pytest.param(
        ActionSmalltalk(), "can it help then", {"ask_capabilities": 0.5, "follow_up": 0.4}, {"slots": PAST},
        id="small talk that is a question after all",
    ),
    pytest.param(
        ActionEmergency(), "i take xanax with ketamine and my chest hurts, is that bad", MEDICINE,
        {"metadata": {"finding": Finding("medical_emergency", 1.0, "patterns", mixed=True).to_dict()}},
        id="beside a danger",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("action", "text", "intents", "more"), ANSWERING)
async def test_every_answer_ends_with_the_disclaimer(
    run: Run, needs: Needs, action: Any, text: str, intents: dict[str, float], more: dict[str, Any]
) -> None:
    said = await run(action, text, intents, **more)
    answers = [message for message in said.messages if message.kind == "answer"]
    assert answers
    for message in answers:
        assert message.disclaimer == needs.words.text("disclaimer")
        assert as_text(message).endswith(message.disclaimer)
        assert as_text(message, numbered=True).endswith(message.disclaimer)
        assert message.topic and message.passages and message.sources and message.review


async def test_every_passage_shown_ends_with_the_disclaimer(run: Run, needs: Needs) -> None:
    for card in needs.store.cards():
        said = await run(ActionChoose(), card.title, {"choose": 1.0}, choice={"intent": "choose", "passage": card.id})
        assert as_text(said.only).endswith(needs.words.text("disclaimer")), card.id


# -- buttons -----------------------------------------------------------------------------------------------------


@pytest.fixture
def reply(needs: Needs, lexicon: Lexicon) -> Reply:
    return Reply(needs, turn_of(lexicon, "x"))


def sent(reply: Reply) -> tuple[list[Message], dict[str, Any]]:
    dispatcher = CollectingDispatcher()
    events = reply.send(dispatcher)
    return [Message.from_dict(m["custom"]) for m in dispatcher.messages], {e["name"]: e["value"] for e in events}


def test_at_most_three_buttons_each_title_once(reply: Reply) -> None:
    reply.say("smalltalk", "hi", buttons=[Button.saying(text) for text in ("a", "b", "a", "c", "d")])
    (message,), slots = sent(reply)
    assert [s.title for s in message.suggestions] == ["a", "b", "c"]
    assert [o["choice"] for o in slots["offered"]] == [{"say": "a"}, {"say": "b"}, {"say": "c"}]


def test_buttons_of_every_message_of_a_turn_can_be_pressed(reply: Reply) -> None:
    reply.say("safety", "one", buttons=[Button.saying("a")])
    reply.say("smalltalk", "two", buttons=[Button.opening("p", "b")])
    messages, slots = sent(reply)
    assert [o["id"] for o in slots["offered"]] == [s.id for m in messages for s in m.suggestions]


def test_a_message_without_buttons_takes_the_old_ones_away(reply: Reply) -> None:
    reply.say("smalltalk", "hi")
    assert sent(reply)[1]["offered"] == []


def test_a_gap_in_the_wording_is_filled(reply: Reply) -> None:
    reply.fixed("smalltalk", "people", "operator", category="smalltalk", name="Ann {x}", contact="{y}", hours="")
    (message,), _ = sent(reply)
    assert "Ann {x} at {y}" in message.lead


def test_what_is_sent_is_the_chat_api_s_message(reply: Reply) -> None:
    import json

    reply.say("smalltalk", "hi")
    dispatcher = CollectingDispatcher()
    reply.send(dispatcher)
    custom = dispatcher.messages[0]["custom"]
    assert json.loads(json.dumps(custom)) == json.loads(json.dumps(Message.from_dict(custom).to_dict()))


# -- while a crisis lasts ----------------------------------------------------------------------------------------


CRISIS = {"crisis_until": time.time() + 3600, "crisis_country": "GB"}


@pytest.mark.parametrize(
    ("action", "text", "intents"),
    [
        (ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9}),
        (ActionAnswer(), "flurb", {"greet": 0.9}),
        (ActionAnswer(), "capital of france", {"out_of_scope": 0.95}),
        (ActionSmalltalk(), "hello", {"greet": 0.9}),
        (ActionDeleteMyData(), "delete", {"delete_my_data": 0.9}),
        (ActionPanicStep(), "no", {"deny": 0.9}),
        (ActionPanicNotHelping(), "no", {"deny": 0.9}),
        (ActionEmergency(), "chest", {"medical_emergency": 0.9}),
    ],
)
async def test_the_number_begins_every_reply(run: Run, action: Any, text: str, intents: dict[str, float]) -> None:
    said = await run(action, text, intents, slots=CRISIS)
    assert "116 123" in said.messages[0].lead.split("\n")[0]
    calm = await run(action, text, intents, slots={"crisis_until": time.time() - 1, "crisis_country": "GB"})
    assert "116 123" not in calm.messages[0].lead, "the line ends with the crisis"


async def test_an_ordinary_question_is_answered_below_the_number(run: Run) -> None:
    said = await run(ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9}, slots=CRISIS)
    assert said.only.kind == "answer"
    assert said.only.topic == "side_effects"


async def test_the_crisis_reply_itself_says_it_once(run: Run) -> None:
    finding = Finding("crisis_selfharm", 1.0, "patterns").to_dict()
    said = await run(
        ActionCrisis(), "x", {"crisis_selfharm": 1.0}, metadata={"finding": finding, "country": "GB"}, slots=CRISIS
    )
    assert said.only.category == "crisis_selfharm"
    assert said.slots["crisis_until"] > time.time() + 23 * 3600
    assert said.slots["crisis_country"] == "GB"


# -- an offer to delete ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "text", "intents"),
    [
        (ActionAnswer(), "will my bladder heal after ketamine", {"ask_side_effects": 0.9}),
        (ActionSmalltalk(), "no", {"deny": 0.9}),
        (ActionTellMore(), "more", {"tell_more": 0.9}),
        (ActionEmergency(), "chest", {"medical_emergency": 0.9}),
    ],
)
async def test_an_offer_to_delete_holds_for_one_turn(
    run: Run, action: Any, text: str, intents: dict[str, float]
) -> None:
    said = await run(action, text, intents, slots={"flow": "delete_check"})
    assert said.slots["flow"] is None, "a yes to something else would delete everything"


async def test_other_flows_go_on_beside_a_question(run: Run) -> None:
    said = await run(
        ActionAnswer(),
        "will my bladder heal after ketamine",
        {"ask_side_effects": 0.9},
        slots={"flow": "panic_exercise"},
    )
    assert "flow" not in said.slots
