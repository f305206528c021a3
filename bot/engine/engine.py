"""Rasa behind one small class: start it with a model, hand it a message, get structured messages back."""

from __future__ import annotations

import asyncio
import copy
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.engine import compat
from bot.errors import EngineError, HandledError, OvertakenError

compat.prepare()

from bot.engine import quiet  # noqa: E402

quiet.configure()

from rasa.core.agent import Agent  # noqa: E402
from rasa.core.channels.channel import OutputChannel, UserMessage  # noqa: E402
from rasa.core.lock_store import LockStore  # noqa: E402
from rasa.core.tracker_store import InMemoryTrackerStore, TrackerStore  # noqa: E402
from rasa.model import get_latest_model  # noqa: E402
from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered  # noqa: E402
from rasa.utils.endpoints import EndpointConfig  # noqa: E402

from bot.engine.actions_in_process import InProcessEndpoint  # noqa: E402
from bot.engine.lock_store import LocalLockStore  # noqa: E402
from bot.engine.processor import NOT_TOLD, DirectAgent  # noqa: E402
from bot.engine.tracker_store import DatabaseTrackerStore  # noqa: E402
from bot.ops.steps import start  # noqa: E402

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """What the engine is handed: one message of one conversation.

    Attributes:
        conversation: the key of the conversation.
        text: what the person wrote, cleaned and masked.
        metadata: findings and facts about the turn that actions read (`tracker.latest_message["metadata"]`).
        choice: for a button, the intent it stands for and its data; then the text is not interpreted.
        message_id: the platform's or client's id of this message.
        channel: its name, as a record only.
    """

    conversation: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] | None = None
    message_id: str = ""
    channel: str = "web"


@dataclass(frozen=True)
class Outcome:
    """What came of a turn.

    Attributes:
        messages: as `bot.message.Message.to_dict`.
        parse: how it was read; slots: what is remembered after it; before: what was remembered before it.
        steps: the actions that were taken, each {"action", "policy", "confidence"}.
        seconds: how long it took.
    """

    messages: tuple[dict[str, Any], ...]
    parse: Mapping[str, Any]
    slots: Mapping[str, Any]
    seconds: float
    before: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()


class _Collector(OutputChannel):
    """Keeps the structured messages of one turn; a plain text becomes one with a lead alone."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        #: Slots as they were before the first and after the last action, and the actions (set by `Processor`).
        self.before: dict[str, Any] = {}
        self.slots: dict[str, Any] = {}
        self.steps: list[dict[str, Any]] = []

    @classmethod
    def name(cls) -> str:
        return "evenkeel"

    async def send_custom_json(self, recipient_id: str, json_message: dict[str, Any], **kwargs: Any) -> None:
        self.messages.append(json_message)

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        self.messages.append(_plain(text))


def _plain(text: str) -> dict[str, Any]:
    """A structured message with a lead alone."""
    return {"id": uuid.uuid4().hex, "kind": "smalltalk", "category": "smalltalk", "lead": text}


class Engine:
    """The dialogue engine. `start` once, then `handle` from any task; one conversation is handled at a time."""

    def __init__(
        self,
        models: Path,
        action_endpoint: str = "",
        tracker_store: TrackerStore | None = None,
        lock_store: LockStore | None = None,
        check: Callable[[Path], None] | None = None,
    ) -> None:
        """
        Args:
            models: a model file, or the folder whose newest model is taken.
            action_endpoint: URL of a remote action server; empty runs the actions in process.
            tracker_store: where conversations live; None keeps them in memory.
            lock_store: who handles a conversation; None where no other process does.
            check: raises ModelError for a file that must not be loaded; None trusts every file.
        """
        self._models = models
        self._endpoint: EndpointConfig = (
            EndpointConfig(action_endpoint, enable_selective_domain=True) if action_endpoint else InProcessEndpoint()
        )
        self._store = tracker_store or InMemoryTrackerStore(Domain.empty())
        self._locks = lock_store or LocalLockStore()
        self._check = check
        self._agent: Agent | None = None

    def start(self) -> None:
        """Load the model, or load it again: messages that are being handled end with the one before.

        Raises:
            EngineError: there is no model, it is not trusted, or it cannot be read. The one before stays.
        """
        newest = get_latest_model(str(self._models))
        if not newest:
            raise EngineError(f"There is no trained model under {self._models.name}/: run `make train`.")
        if self._check is not None:
            self._check(Path(newest))
        try:
            agent = DirectAgent(action_endpoint=self._endpoint, tracker_store=self._store, lock_store=self._locks)
            # Rasa wraps it in a store that keeps in memory what cannot be saved, where nobody finds or deletes it.
            agent.tracker_store = self._store
            agent.load_model(newest)
            if isinstance(self._store, DatabaseTrackerStore):
                self._store.states = agent.states
        except Exception as error:
            raise EngineError(f"The model {Path(newest).name} cannot be read: run `make train`.") from error
        self._agent = agent

    async def close(self) -> None:
        """Give back what other processes may wait for."""
        close = getattr(self._locks, "close", None)
        if close is not None:
            await close()

    @property
    def ready(self) -> bool:
        """Whether a model is loaded."""
        return self._agent is not None

    @property
    def agent(self) -> Agent:
        """Rasa's agent, for tools that test dialogues.

        Raises:
            EngineError: `start` has not succeeded.
        """
        if self._agent is None:
            raise EngineError("The engine has not been started.")
        return self._agent

    def aside(self) -> Engine:
        """A started engine with this one's model, which is not loaded again, and conversations of its own in memory.

        Raises:
            EngineError: `start` has not succeeded.
        """
        other, agent, processor = copy.copy(self), copy.copy(self.agent), copy.copy(self.agent.processor)
        assert processor is not None
        other._store = InMemoryTrackerStore(agent.domain)
        agent.tracker_store = processor.tracker_store = other._store
        agent.lock_store = processor.lock_store = LocalLockStore()
        agent.processor = processor
        other._agent = agent
        return other

    @property
    def model(self) -> str:
        """What the model is called, and when it was trained; empty without one."""
        processor = self._agent.processor if self._agent is not None else None
        if processor is None:
            return ""
        name = Path(processor.model_filename).name.removesuffix(".tar.gz")
        return f"{name}, {processor.model_metadata.trained_at:%Y-%m-%d %H:%M}"

    async def events(self, conversation: str) -> list[dict[str, Any]]:
        """The events of a conversation as plain types, oldest first; empty where there is none."""
        tracker = await self._store.retrieve_full_tracker(conversation)
        return [event.as_dict() for event in tracker.events] if tracker else []

    async def handle(self, turn: Turn) -> Outcome:
        """Run one turn of the dialogue.

        Raises:
            EngineError: a step failed; nothing of this turn was kept.
        """
        began = time.perf_counter()
        try:
            try:
                return await self._handle(turn)
            except OvertakenError:  # nothing of it was kept
                return await self._handle(turn)
        except HandledError:
            said, steps = await self.replay(turn.conversation, turn.message_id)
            if not said:
                raise
            return Outcome(tuple(said), {}, {}, time.perf_counter() - began, steps=tuple(steps))

    async def _handle(self, turn: Turn) -> Outcome:
        began = time.perf_counter()
        collector = _Collector()
        message = UserMessage(
            turn.text,
            collector,
            turn.conversation,
            parse_data=_chosen(turn.text, turn.choice) if turn.choice else None,
            input_channel=turn.channel,
            message_id=turn.message_id or None,
            metadata=dict(turn.metadata),
        )
        start("lock wait")
        try:
            await self.agent.handle_message(message)
        except EngineError:
            raise
        except Exception as error:
            raise EngineError(f"The dialogue failed: {type(error).__name__}") from error
        if not collector.messages:
            raise EngineError("The dialogue gave no reply.")
        return Outcome(
            tuple(collector.messages),
            message.parse_data or {},
            collector.slots,
            time.perf_counter() - began,
            collector.before,
            tuple(collector.steps),
        )

    async def parse(self, text: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Intent, entities and the rest that the NLU pipeline says of `text`, without a conversation."""
        processor = self.agent.processor
        assert processor is not None
        return await processor.parse_message(UserMessage(text, metadata=dict(metadata or {})))

    async def slots(self, conversation: str) -> dict[str, Any]:
        """The slot values of a conversation; empty where there is none."""
        tracker = await self._store.retrieve(conversation)
        return dict(tracker.current_slot_values()) if tracker else {}

    async def slot(self, conversation: str, name: str) -> Any:
        """The value of one slot of a conversation; None where it was never set."""
        last = getattr(self._store, "slot", None)
        if last is not None:
            return await last(conversation, name)
        return (await self.slots(conversation)).get(name)

    async def replay(self, conversation: str, message_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The messages that a turn of `conversation` gave and its steps (see `Outcome`); empty where it is unknown."""
        tracker = await self._store.retrieve_full_tracker(conversation)
        found: list[dict[str, Any]] = []
        steps: list[dict[str, Any]] = []
        inside = False
        for event in tracker.events if tracker else ():
            if isinstance(event, UserUttered):
                inside = event.message_id == message_id
            elif inside and isinstance(event, BotUttered) and (event.data.get("custom") or event.text):
                found.append(event.data.get("custom") or _plain(event.text))
            elif inside and isinstance(event, ActionExecuted) and event.action_name not in NOT_TOLD:
                steps.append({"action": event.action_name, "policy": event.policy, "confidence": event.confidence})
        return found, steps

    async def forget(self, conversation: str) -> None:
        """Remove a conversation from the tracker store."""
        forget = getattr(self._store, "forget", None)
        if forget is not None:
            await asyncio.to_thread(forget, conversation)
        elif isinstance(self._store, InMemoryTrackerStore):
            self._store.store.pop(conversation, None)


def _chosen(text: str, choice: Mapping[str, Any]) -> dict[str, Any]:
    """Parse data for a button: the intent that it stands for is certain."""
    intent = {"name": choice["intent"], "confidence": 1.0}
    return {"text": text, "intent": intent, "intent_ranking": [intent], "entities": [], "choice": dict(choice)}
