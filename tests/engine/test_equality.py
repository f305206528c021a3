"""Our processor, graph runner, rule policy, tracker and tracker store do what Rasa's own do, event by event.

Rasa as published is the measure: its agent, processor, Dask runner, rule policy and store in memory, on the same model
and the same actions.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from rasa.core.agent import Agent
from rasa.core.policies.rule_policy import RulePolicy as RasaRulePolicy
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.constants import ACTION_SESSION_START_NAME, DEFAULT_INTENTS
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

from bot.database.engine import make_engine
from bot.database.models import Base
from bot.dialogues.running import run
from bot.dialogues.saved import SavedDialogue, read_all
from bot.engine.engine import Engine, Outcome, Turn
from bot.engine.rules import RulePolicy
from bot.engine.runner import DirectGraphRunner
from bot.engine.tracker_store import DatabaseTrackerStore
from bot.service import Bot
from bot.settings import Settings

DIALOGUES = read_all()
SEQUENCES = 300
_ID = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{12})\b")
_LATELY = 1_500_000_000


class RasasEngine(Engine):
    """The engine with Rasa's own parts."""

    def start(self) -> None:
        self._agent = Agent.load(str(self._models), action_endpoint=self._endpoint, tracker_store=self._store)
        assert type(self._agent.processor) is MessageProcessor
        assert type(self._agent.processor.graph_runner) is DaskGraphRunner

    async def handle(self, turn: Turn) -> Outcome:
        """As ours; the slots are read afterwards, because Rasa's processor tells nobody."""
        outcome = await super().handle(turn)
        return dataclasses.replace(outcome, slots=await self.slots(turn.conversation))


@dataclasses.dataclass(frozen=True)
class Pair:
    """Both engines over the trained model, and a bot around each."""

    rasas: Engine
    ours: Engine
    bots: tuple[Bot, Bot]


@pytest.fixture(scope="module")
def pair(trained: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    database = make_engine(f"sqlite:///{tmp_path_factory.mktemp('equality') / 'ours.db'}")
    Base.metadata.create_all(database)
    model = trained.models / "dialogue.tar.gz"
    rasas = RasasEngine(model, tracker_store=InMemoryTrackerStore(Domain.empty()))
    ours = Engine(model, tracker_store=DatabaseTrackerStore(Domain.empty(), database))
    bots = Bot(trained, rasas), Bot(trained, ours)
    for bot in bots:
        bot.start()
    yield Pair(rasas, ours, bots)
    database.dispose()


# -- comparing ---------------------------------------------------------------------------------------------------


def comparable(value: Any, ids: dict[str, int]) -> Any:
    """`value` with random ids numbered in order of appearance and moments left out."""
    if isinstance(value, Mapping):
        return {k: comparable(v, ids) for k, v in value.items() if k not in ("timestamp", "at")}
    if isinstance(value, list | tuple):
        return [comparable(v, ids) for v in value]
    if isinstance(value, str):
        return _ID.sub(lambda match: f"id {ids.setdefault(match[0], len(ids))}", value)
    if isinstance(value, float) and value > _LATELY:
        return "a moment"
    return value


async def whole(engine: Engine, conversation: str) -> dict[str, Any]:
    """All that is kept of a conversation, from the beginning of its session: Rasa's store drops what stood before."""
    tracker = await engine.agent.tracker_store.retrieve_full_tracker(conversation)
    assert isinstance(tracker, DialogueStateTracker)
    ids: dict[str, int] = {}
    events = [event.as_dict() for event in tracker.events]
    began = next(i for i, event in enumerate(events) if event.get("name") == ACTION_SESSION_START_NAME)
    return {
        "events": comparable(events[began:], ids),
        "slots": comparable(tracker.current_slot_values(), ids),
        "latest action": tracker.latest_action_name,
        "followup": tracker.followup_action,
    }


def first_difference(ours: list[Any], rasas: list[Any]) -> str:
    for i, (one, other) in enumerate(zip(ours, rasas, strict=False)):
        if one != other:
            return f"event {i}: ours {one!r:.1500}\nRasa's {other!r:.1500}"
    return f"{len(ours)} events of ours, {len(rasas)} of Rasa's"


async def assert_equal(pair: Pair, conversation: str) -> None:
    ours, rasas = await whole(pair.ours, conversation), await whole(pair.rasas, conversation)
    assert ours["events"] == rasas["events"], first_difference(ours["events"], rasas["events"])
    assert ours == rasas


# -- what is compared --------------------------------------------------------------------------------------------


def test_ours_are_in_use(pair: Pair) -> None:
    runner = pair.ours.agent.processor.graph_runner  # type: ignore[union-attr]
    assert type(runner) is DirectGraphRunner
    policies = [n._component for n in runner._instantiated_nodes.values() if isinstance(n._component, RasaRulePolicy)]
    assert [type(policy) for policy in policies] == [RulePolicy]
    assert policies[0].depth, "the states that a prediction looks at are counted"


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.id)
async def test_saved_dialogues(pair: Pair, dialogue: SavedDialogue) -> None:
    replies = []
    for bot in pair.bots:
        had, _ = await run(dialogue, bot, dialogue.id)
        ids: dict[str, int] = {}
        replies.append([comparable([m.to_dict() for m in reply.messages], ids) for reply in had])
    for number, (rasas, ours) in enumerate(zip(*replies, strict=True), 1):
        for one, other in zip(rasas, ours, strict=True):
            assert {k: one[k] for k in one if one[k] != other[k]} == {}, f"turn {number}: {other}"
    await assert_equal(pair, dialogue.id)


def a_sequence(seed: int, intents: list[str], texts: list[str]) -> list[Turn]:
    """Turns at random: any intent after any other, most often those that guided conversations listen to.

    The first sequence is so long that our store reads its end only.
    """
    chance = random.Random(seed)
    guided = ["affirm", "deny", "unsure", "next_step", "panic_now", "crisis_selfharm", "stop_flow", "delete_my_data"]
    turns = []
    for number in range(40 if seed == 0 else chance.randint(3, 7)):
        intent = chance.choice(guided if chance.random() < 0.5 else intents)
        choice = {"intent": intent, **({"topic": "interactions"} if intent == "choose" else {})}
        metadata = {"country": chance.choice(["GB", None]), "channel": "web"}
        text = chance.choice(texts)
        turns.append(Turn(f"sequence-{seed}", text, metadata, choice, f"{seed}-{number}"))
    return turns


@pytest.mark.slow
async def test_turns_at_random(pair: Pair) -> None:
    domain = pair.ours.agent.domain
    assert domain is not None
    intents = [intent for intent in domain.intents if intent not in DEFAULT_INTENTS]
    texts = [turn.say for dialogue in DIALOGUES for turn in dialogue.turns if turn.say][:40]
    seen = set()
    for seed in range(SEQUENCES):
        for turn in a_sequence(seed, intents, texts):
            ours, rasas = await pair.ours.handle(turn), await pair.rasas.handle(turn)
            ids: tuple[dict[str, int], dict[str, int]] = ({}, {})
            assert comparable(ours.messages, ids[0]) == comparable(rasas.messages, ids[1])
            seen.add((turn.choice or {}).get("intent"))
        await assert_equal(pair, f"sequence-{seed}")
    assert seen >= set(intents), "every intent was met"
