"""Every saved dialogue, had with the trained bot. A new one in a file here is a new test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import yaml

from bot.dialogues.saved import SavedDialogue, read_all
from bot.service import Bot, Turn
from bot.settings import ROOT
from tests.dialogues.conftest import Had

ALL = read_all()


@pytest.mark.parametrize("dialogue", ALL, ids=lambda dialogue: dialogue.id)
async def test_dialogue(dialogue: SavedDialogue, have: Callable[[SavedDialogue], Awaitable[Had]]) -> None:
    _, differences = await have(dialogue)
    if dialogue.fails:
        assert differences, f"it no longer fails: take “fails” out of tests/dialogues/{dialogue.file}.yml"
        return
    assert not differences, "\n".join([f"tests/dialogues/{dialogue.file}.yml", *map(str, differences)])


def test_there_are_enough_and_few_are_known_to_fail() -> None:
    assert len(ALL) >= 25
    assert sum(bool(dialogue.fails) for dialogue in ALL) <= len(ALL) // 10


def suggestions(wording: Any) -> Iterator[str]:
    """The words on all buttons of fixed wording that are asked as if they had been written."""
    if isinstance(wording, dict):
        if isinstance(wording.get("suggestions"), list):
            yield from wording["suggestions"]
        for inner in wording.values():
            yield from suggestions(inner)


WORDING = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "data" / "responses").glob("*.yml")]
#: The buttons below "shall I delete it?" have a meaning of their own.
SUGGESTED = sorted({text for wording in WORDING for text in suggestions(wording)} - {"Yes, delete it", "No, keep it"})


@pytest.mark.parametrize("text", SUGGESTED)
async def test_what_is_suggested_is_understood(trained_bot: Bot, text: str) -> None:
    """The words on a button are asked as if they had been written: what the bot proposes it must be able to do."""
    messages, reasons = await trained_bot.explain(Turn(f"suggested {text}", text))
    assert messages[0].kind in ("answer", "smalltalk")
    if "person" in text.lower():
        assert reasons.parse["intent"]["name"] == "talk_to_person"


async def test_a_button_belongs_to_its_conversation(trained_bot: Bot) -> None:
    """An id that was offered in one conversation does nothing in another, nor later in its own."""
    (greeting,) = await trained_bot.handle(Turn("buttons-one", "hello"))
    button = greeting.suggestions[0].id
    (elsewhere,) = await trained_bot.handle(Turn("buttons-two", button=button))
    assert elsewhere.kind == "fallback"
    await trained_bot.handle(Turn("buttons-one", "thanks"))
    (late,) = await trained_bot.handle(Turn("buttons-one", button=button))
    assert late.kind == "fallback"


async def test_a_lone_question_is_encoded_once(trained_bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Screen, classifier and search share one embedding."""
    reader = trained_bot._reader
    assert reader is not None
    reader.forget()
    encoded: list[str] = []
    encode = reader.encoder.encode
    monkeypatch.setattr(reader.encoder, "encode", lambda texts: encoded.extend(texts) or encode(texts))
    (message,) = await trained_bot.handle(Turn("encoded-once", "will my bladder get better after ket"))
    assert message.kind == "answer"
    assert encoded == ["will my bladder get better after ketamine"]


async def test_a_forgotten_conversation_leaves_nothing(trained_bot: Bot) -> None:
    await trained_bot.handle(Turn("forgotten", "i want to kill myself", country="GB"))
    await trained_bot.forget("forgotten")
    (message,) = await trained_bot.handle(Turn("forgotten", "hello", country="GB"))
    assert "116 123" not in message.lead
