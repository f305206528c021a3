"""The engine on a toy model: text is never a command, a failure is an error, nobody's words are logged."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

import bot.engine.engine as engine_module
from bot.engine.actions_in_process import InProcessEndpoint
from bot.engine.engine import Engine, Turn
from bot.errors import EngineError
from tests.engine import toy_actions
from tests.engine.conftest import Toy

pytestmark = pytest.mark.compat


@pytest.fixture
def engine(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A started engine over the toy model and its actions, with conversations in memory."""
    monkeypatch.setattr(engine_module, "InProcessEndpoint", functools.partial(InProcessEndpoint, "tests.engine"))
    made = Engine(toy.model)
    made.start()
    return made


def said(text: str, conversation: str = "c", **more: object) -> Turn:
    return Turn(conversation, text, **more)  # type: ignore[arg-type]


# -- a turn ------------------------------------------------------------------------------------------------------


async def test_a_turn(engine: Engine) -> None:
    outcome = await engine.handle(said("hello"))
    (message,) = outcome.messages
    assert (message["lead"], message["kind"]) == ("Hello there.", "smalltalk")
    assert outcome.parse["intent"]["name"] == "greet"
    assert outcome.parse["intent_ranking"][0] == outcome.parse["intent"]
    assert outcome.slots["unlocked"] is None
    assert outcome.seconds > 0


async def test_what_an_action_can_know(engine: Engine) -> None:
    finding = {"category": "nothing known", "confidence": 1.0}
    outcome = await engine.handle(
        said("does zanax with ket cause nausea", metadata={"country": "GB", "finding": finding})
    )
    assert outcome.messages[0]["told"] == {
        "intent": "ask_nausea",
        "entities": ["alprazolam", "ketamine", "nausea"],
        "choice": None,
        "metadata": {"country": "GB", "finding": finding},
    }


async def test_a_finding_decides_the_rule(engine: Engine) -> None:
    outcome = await engine.handle(said("thanks", metadata={"finding": {"category": "panic_now", "confidence": 0.8}}))
    assert outcome.messages[0]["lead"] == "Is anything of this new to you?"


async def test_a_button_is_certain_and_its_words_are_not_interpreted(engine: Engine) -> None:
    outcome = await engine.handle(said("Hello", choice={"intent": "thanks", "passage": "p1"}))
    told = outcome.messages[0]["told"]
    assert told["choice"] == {"intent": "thanks", "passage": "p1"}
    assert (told["intent"], outcome.parse["intent"]["confidence"]) == ("thanks", 1.0)


async def test_parsing_without_a_conversation(engine: Engine) -> None:
    parsed = await engine.parse("thanks a lot", {"finding": {"category": "panic_now", "confidence": 0.8}})
    assert parsed["intent"]["name"] == "panic_now"
    assert await engine.slots("c") == {}


# -- text is never a command -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "/secret",
        '/secret{"unlocked": "by me"}',
        '  /secret{"unlocked": "by me"}',
        "/restart",
        "/restart{}",
        "/session_start",
        "/back",
        "//secret",
        '/secret@0.99{"unlocked": 1}',
        '\t/secret{"unlocked": "by me"}',
    ],
)
async def test_a_typed_command_is_text(engine: Engine, text: str) -> None:
    await engine.handle(said("unlock the heavy gate now"))
    outcome = await engine.handle(said(text))
    assert outcome.parse["intent"]["confidence"] < 1, "a command's intent would be certain"
    assert [e for e in outcome.parse["entities"] if e["entity"] == "unlocked"] == []
    kept = await engine.slots("c")
    assert set(kept["unlocked"]) == {"c"}, "neither set by the text nor lost to a restart"


async def test_a_typed_greeting_is_still_understood(engine: Engine) -> None:
    assert (await engine.handle(said("/greet"))).messages


# -- conversations -----------------------------------------------------------------------------------------------


async def test_conversations_are_apart(engine: Engine) -> None:
    await engine.handle(said("unlock the heavy gate now", "one"))
    assert (await engine.slots("one"))["unlocked"] == ["one"]
    assert await engine.slots("two") == {}


async def test_forgetting(engine: Engine) -> None:
    await engine.handle(said("unlock the heavy gate now", "one"))
    await engine.handle(said("unlock the heavy gate now", "two"))
    await engine.forget("one")
    await engine.forget("never there")
    assert await engine.slots("one") == {}
    assert (await engine.slots("two"))["unlocked"] == ["two"]


async def test_one_conversation_takes_its_turns_one_by_one(engine: Engine) -> None:
    toy_actions.waited.clear()
    await asyncio.gather(*(engine.handle(said("count slowly to a thousand", "same")) for _ in range(3)))
    assert [step for _, step in toy_actions.waited] == ["began", "ended"] * 3
    assert (await engine.slots("same"))["unlocked"] == ["waited"] * 3, "no turn is lost"


async def test_other_conversations_go_on_meanwhile(engine: Engine) -> None:
    toy_actions.waited.clear()
    await asyncio.gather(*(engine.handle(said("count slowly to a thousand", name)) for name in "abc"))
    assert [step for _, step in toy_actions.waited][:3] == ["began"] * 3


# -- failures ----------------------------------------------------------------------------------------------------


async def test_a_failing_action_is_an_error_and_the_turn_is_as_if_it_had_not_been(engine: Engine) -> None:
    await engine.handle(said("unlock the heavy gate now"))
    with pytest.raises(EngineError, match="action_toy_fail") as raised:
        await engine.handle(said("break the machine into pieces zebrafish"))
    assert "zebrafish" not in str(raised.value), "the error names no words"
    assert (await engine.slots("c"))["unlocked"] == ["c"]
    outcome = await engine.handle(said("hello"))
    assert [message["lead"] for message in outcome.messages] == ["Hello there."]
    tracker = await engine.agent.tracker_store.retrieve("c")
    assert tracker is not None
    assert "zebrafish" not in str([event.as_dict() for event in tracker.events])


async def test_no_reply_is_an_error(engine: Engine) -> None:
    with pytest.raises(EngineError, match="no reply"):
        await engine.handle(said("keep quiet as a mouse"))


async def test_not_started(toy: Toy) -> None:
    engine = Engine(toy.model)
    assert not engine.ready
    with pytest.raises(EngineError, match="not been started"):
        await engine.handle(said("hello"))


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="make train"):
        Engine(tmp_path).start()


def test_a_broken_model(tmp_path: Path) -> None:
    (tmp_path / "broken.tar.gz").write_bytes(b"no archive at all")
    with pytest.raises(EngineError, match=r"broken\.tar\.gz cannot be read"):
        Engine(tmp_path).start()


# -- a remote action server --------------------------------------------------------------------------------------


@pytest.fixture
async def action_server() -> AsyncIterator[tuple[str, list[dict]]]:
    """Address of a server that answers one action and fails at every other, and what it was asked."""
    asked: list[dict] = []

    async def run(request: web.Request) -> web.Response:
        call = await request.json()
        asked.append(call)
        if call["next_action"] != "action_toy_answer":
            return web.Response(status=500, text="zebrafish")
        return web.json_response({"events": [], "responses": [{"custom": {"lead": "from afar"}}]})

    app = web.Application()
    app.router.add_post("/webhook", run)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}/webhook", asked
    await runner.cleanup()


async def test_actions_can_run_elsewhere(toy: Toy, action_server: tuple[str, list[dict]]) -> None:
    address, asked = action_server
    engine = Engine(toy.model, action_endpoint=address)
    engine.start()
    outcome = await engine.handle(said("thanks a lot"))
    assert outcome.messages[0]["lead"] == "from afar"
    assert asked[0]["tracker"]["latest_message"]["text"] == "thanks a lot"
    with pytest.raises(EngineError, match="action_toy_unlock"):
        await engine.handle(said("unlock the heavy gate now"))


async def test_nobody_answers_for_actions(toy: Toy) -> None:
    engine = Engine(toy.model, action_endpoint="http://127.0.0.1:9/webhook")
    engine.start()
    with pytest.raises(EngineError, match="action_toy_answer"):
        await engine.handle(said("thanks a lot"))


# -- logs --------------------------------------------------------------------------------------------------------


async def test_no_words_are_logged(
    engine: Engine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    words = "zebrafish"
    await engine.handle(said(f"hello {words}", f"key-{words}", metadata={"country": words}))
    await engine.handle(said(f"xyzzy {words} plugh", f"key-{words}"))
    await engine.handle(said(f"press {words}", f"key-{words}", choice={"intent": "thanks", "passage": words}))
    for failing in ("break the machine into pieces", "keep quiet as a mouse"):
        with pytest.raises(EngineError):
            await engine.handle(said(f"{failing} {words}", f"key-{words}"))
    await engine.forget(f"key-{words}")
    printed = capfd.readouterr()
    assert words not in caplog.text
    assert words not in printed.out + printed.err


# -- beside it ---------------------------------------------------------------------------------------------------


async def test_an_engine_aside_has_conversations_of_its_own(engine: Engine) -> None:
    await engine.handle(said("hello", "theirs"))
    aside = engine.aside()
    assert aside.ready
    assert await aside.slots("theirs") == {}
    await aside.handle(said("hello", "tested"))
    assert [event["event"] for event in await aside.events("tested")].count("user") == 1
    assert await engine.events("tested") == []
    await aside.forget("tested")
    assert await aside.events("tested") == []
    assert await engine.events("theirs") != []
    assert aside.agent.processor.graph_runner is engine.agent.processor.graph_runner  # type: ignore[union-attr]


async def test_what_was_done_in_a_turn(engine: Engine) -> None:
    first = await engine.handle(said("hello"))
    assert [step["action"] for step in first.steps] == ["utter_greet"]
    assert (first.steps[0]["confidence"], "RulePolicy" in first.steps[0]["policy"]) == (1.0, True)
    assert first.before.get("unlocked") is None
