"""Saved dialogues as test stories that Rasa itself reads and runs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.dialogues import as_rasa
from bot.dialogues.saved import SavedDialogue
from bot.service import Bot
from tests.dialogues.conftest import Had
from tests.dialogues.test_dialogues import ALL

SAID = {
    "event": "user",
    "text": "is Zanax ok with ket",
    "metadata": {},
    "parse_data": {
        "intent": {"name": "ask_interactions"},
        "aspects": [],
        "entities": [
            {"entity": "drug", "value": "alprazolam", "start": 3, "end": 8},
            {"entity": "ketamine", "value": "ketamine", "start": 17, "end": 20},
        ],
    },
}
EVENTS = [
    {"event": "action", "name": "action_session_start"},
    {"event": "action", "name": "action_listen"},
    SAID,
    {"event": "action", "name": "action_answer"},
    {"event": "slot", "name": "last_topic", "value": "interactions"},
    {"event": "slot", "name": "flow", "value": None},
    {"event": "bot", "text": None},
    {"event": "action", "name": "action_listen"},
]


def test_a_story_of_intents() -> None:
    assert as_rasa.story("x", EVENTS)["steps"] == [
        {"intent": "ask_interactions"},
        {"action": "action_answer"},
        {"slot_was_set": [{"flow": None}]},
    ]


def test_a_story_of_words() -> None:
    first, *_ = as_rasa.story("x", EVENTS, words=True)["steps"]
    drug, ketamine = '{"entity": "drug", "value": "alprazolam"}', '{"entity": "ketamine", "value": "ketamine"}'
    assert first == {"user": f"is [Zanax]{drug} ok with [ket]{ketamine}", "intent": "ask_interactions"}
    assert (
        yaml.safe_load(as_rasa.stories_file([as_rasa.story("x", EVENTS, words=True)]))["stories"][0]["steps"][0]
        == first
    )


@pytest.mark.parametrize(
    ("change", "alone"),
    [
        ({}, True),
        ({"metadata": {"finding": {"category": "panic_now"}}}, False),
        ({"parse_data": {**SAID["parse_data"], "choice": {"intent": "choose"}}}, False),  # type: ignore[dict-item]
        ({"parse_data": {"intent": {"name": "typed_command"}}}, False),
    ],
)
def test_what_rasa_alone_would_read_alike(change: dict[str, Any], alone: bool) -> None:
    assert as_rasa.can_be_classified_anew([{**SAID, **change}]) is alone


Have = Callable[[SavedDialogue], Awaitable[Had]]


async def had(have: Have, bot: Bot) -> dict[str, list[dict[str, Any]]]:
    """The events of every dialogue that goes as it should, by the dialogue's id."""
    found = {}
    for dialogue in ALL:
        await have(dialogue)
        tracker = await bot._engine.agent.tracker_store.retrieve(dialogue.id)  # type: ignore[union-attr]
        assert tracker is not None
        found[dialogue.id] = [event.as_dict() for event in tracker.events]
    return found


async def run_by_rasa(stories: list[dict[str, Any]], folder: Path, bot: Bot, *, words: bool) -> dict[str, Any]:
    """Rasa's report on test stories."""
    from rasa.core.test import test

    path = folder / "test_stories.yml"
    path.write_text(as_rasa.stories_file(stories), encoding="utf-8")
    await test(str(path), bot._engine.agent, e2e=words, out_directory=str(folder), disable_plotting=True)  # type: ignore[union-attr]
    failed = (folder / "failed_test_stories.yml").read_text(encoding="utf-8")
    report = json.loads((folder / "story_report.json").read_text(encoding="utf-8"))
    return {**report["conversation_accuracy"], "failed": failed}


async def test_rasa_takes_the_same_actions(have: Have, trained_bot: Bot, tmp_path: Path) -> None:
    stories = [as_rasa.story(name, events) for name, events in (await had(have, trained_bot)).items()]
    report = await run_by_rasa(stories, tmp_path, trained_bot, words=False)
    assert report["accuracy"] == 1, report["failed"]
    assert report["total"] > len(stories) / 2, "those that take the same way count once"


async def test_rasa_reads_the_same_words_alike(have: Have, trained_bot: Bot, tmp_path: Path) -> None:
    alone = {name: e for name, e in (await had(have, trained_bot)).items() if as_rasa.can_be_classified_anew(e)}
    assert len(alone) >= 8
    stories = [as_rasa.story(name, events, words=True) for name, events in alone.items()]
    report = await run_by_rasa(stories, tmp_path, trained_bot, words=True)
    assert (report["accuracy"], report["total"]) == (1, len(stories)), report["failed"]
