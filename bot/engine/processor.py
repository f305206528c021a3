"""Rasa's message processor with three changes: text is never a command, custom actions in process are
trusted, and an action's failure is an error for the caller instead of silence for the visitor.

It also leaves out what only debugging logs would show, which are never written here (`bot.engine.quiet`), and runs
the model's graph with `bot.engine.runner`.
"""

from __future__ import annotations

import copy
import os
import tarfile
from functools import cached_property
from pathlib import Path
from typing import Any

from rasa.core.actions.action import Action, RemoteAction
from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.engine.loader import load_predict_graph_runner
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.storage import ModelMetadata
from rasa.exceptions import ModelNotFound
from rasa.shared.core.constants import ACTION_VALIDATE_SLOT_MAPPINGS, MAPPING_TYPE, SlotMappingType
from rasa.shared.core.events import ActionExecutionRejected, Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.common import TempDirectoryPath, get_temp_dir_name

from bot.engine.actions_in_process import WatchedAction
from bot.engine.runner import DirectGraphRunner
from bot.errors import EngineError, HandledError
from bot.ops.steps import finish, stage

#: Actions of Rasa's own that say and do nothing.
NOT_TOLD = ("action_listen", "action_session_start")
# Rasa reads a text that begins with "/" as `/intent{entities}`; this slash only looks like it.
_HARMLESS_SLASH = "\N{DIVISION SLASH}"


class Processor(MessageProcessor):
    """What `Engine` handles messages with."""

    @staticmethod
    def _load_model(model_path: str | Path) -> tuple[str, ModelMetadata, GraphRunner]:
        with TempDirectoryPath(get_temp_dir_name()) as folder:
            try:
                metadata, runner = load_predict_graph_runner(
                    Path(folder), Path(model_path), LocalModelStorage, DirectGraphRunner
                )
            except tarfile.ReadError as error:
                raise ModelNotFound(f"Model {model_path} can not be loaded.") from error
        return os.path.basename(model_path), metadata, runner

    async def handle_message(self, message: UserMessage) -> list[dict[str, Any]] | None:
        """As Rasa's; the conversation is ours when this begins."""
        finish("lock wait")
        return await super().handle_message(message)

    async def parse_message(
        self, message: UserMessage, tracker: DialogueStateTracker | None = None, only_output_properties: bool = True
    ) -> dict[str, Any]:
        """As Rasa's, but a leading slash is text. Buttons arrive as `parse_data` and never come through here."""
        text = message.text or ""
        readable = message
        if text.lstrip().startswith("/"):
            readable = copy.copy(message)
            readable.text = text.replace("/", _HARMLESS_SLASH, 1)
        with stage("understand"):
            message.parse_data = await super().parse_message(readable, tracker, only_output_properties)
        return message.parse_data

    async def _handle_message_with_tracker(self, message: UserMessage, tracker: DialogueStateTracker) -> None:
        """As Rasa's, once for each message: the lock is held and the conversation is read.

        Raises:
            HandledError: another process, or an earlier try, was quicker.
        """
        if any(isinstance(event, UserUttered) and event.message_id == message.message_id for event in tracker.events):
            raise HandledError("This message has been handled before.")
        await super()._handle_message_with_tracker(message, tracker)

    @cached_property
    def _fills_slots(self) -> bool:
        """Whether the domain tells Rasa to fill any slot by itself; slots that only actions set need no search."""
        if ACTION_VALIDATE_SLOT_MAPPINGS in self.domain.user_actions:
            return True
        mappings = [mapping for slot in self.domain.slots for mapping in slot.mappings]
        return any(m.get(MAPPING_TYPE) != str(SlotMappingType.CUSTOM) or m.get("action") for m in mappings)

    async def run_action_extract_slots(
        self, output_channel: OutputChannel, tracker: DialogueStateTracker
    ) -> DialogueStateTracker:
        """As Rasa's; nothing to do where the domain has no slot that is filled from messages."""
        if not self._fills_slots:
            return tracker
        return await super().run_action_extract_slots(output_channel, tracker)

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: Any,
    ) -> bool:
        if type(action) is RemoteAction:
            action = WatchedAction(action.name(), action.action_endpoint)
        watched = hasattr(output_channel, "steps")
        if watched and not output_channel.steps and action.name() not in NOT_TOLD:
            output_channel.before = tracker.current_slot_values()
        with stage("action"):
            go_on = await super()._run_action(action, tracker, output_channel, nlg, prediction)
        if isinstance(action, WatchedAction) and action.failure:
            raise EngineError(f"The action {action.name()} failed: {type(action.failure).__name__}") from action.failure
        if watched:
            output_channel.slots = tracker.current_slot_values()
        if watched and action.name() not in NOT_TOLD:
            output_channel.steps.append(
                {
                    "action": action.name(),
                    "policy": getattr(prediction, "policy_name", None),
                    "confidence": getattr(prediction, "max_confidence", None),
                }
            )
        return go_on

    def _log_action_on_tracker(
        self,
        tracker: DialogueStateTracker,
        action: Action,
        events: list[Event] | None,
        prediction: PolicyPrediction,
    ) -> None:
        """As Rasa's, without deep copies of all events for its log."""
        events = events or []
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            tracker.update_with_events(prediction.events, self.domain)
            tracker.update(action.event_for_successful_execution(prediction))
        tracker.update_with_events(events, self.domain)

    @staticmethod
    def _log_slots(tracker: DialogueStateTracker) -> None:
        """Nothing: people's words are in the slots."""


class DirectAgent(Agent):
    """Rasa's agent with our processor."""

    def load_model(self, model_path: str | Path, fingerprint: str | None = None) -> None:
        """Load the model in the file `model_path`; Rasa raises what it finds wrong with it."""
        self.processor = Processor(
            model_path=model_path,
            tracker_store=self.tracker_store,
            lock_store=self.lock_store,
            action_endpoint=self.action_endpoint,
            generator=self.nlg,
            http_interpreter=self.http_interpreter,
        )
        self.domain = self.processor.domain
        self._set_fingerprint(fingerprint)
        self.tracker_store.domain = self.domain
        if isinstance(self.nlg, TemplatedNaturalLanguageGenerator):
            self.nlg.responses = self.domain.responses

    @property
    def states(self) -> int | None:
        """How many of a conversation's last states the policies of the loaded model look at; None: all."""
        runner = self.processor.graph_runner if self.processor else None
        return runner.states if isinstance(runner, DirectGraphRunner) else None
