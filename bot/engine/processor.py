"""Rasa's message processor with three changes: text is never a command, custom actions in process are
trusted, and an action's failure is an error for the caller instead of silence for the visitor.
"""

from __future__ import annotations

import copy
from typing import Any

from rasa.core.actions.action import Action, RemoteAction
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.processor import MessageProcessor
from rasa.shared.core.trackers import DialogueStateTracker

from bot.engine.actions_in_process import WatchedAction
from bot.errors import EngineError

# Rasa reads a text that begins with "/" as `/intent{entities}`; this slash only looks like it.
_NOT_TOLD = ("action_listen", "action_session_start")
_HARMLESS_SLASH = "\N{DIVISION SLASH}"


class Processor(MessageProcessor):
    """What `Engine` handles messages with."""

    async def parse_message(
        self, message: UserMessage, tracker: DialogueStateTracker | None = None, only_output_properties: bool = True
    ) -> dict[str, Any]:
        """As Rasa's, but a leading slash is text. Buttons arrive as `parse_data` and never come through here."""
        text = message.text or ""
        readable = message
        if text.lstrip().startswith("/"):
            readable = copy.copy(message)
            readable.text = text.replace("/", _HARMLESS_SLASH, 1)
        message.parse_data = await super().parse_message(readable, tracker, only_output_properties)
        return message.parse_data

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
        if watched and not output_channel.steps and action.name() not in _NOT_TOLD:
            output_channel.before = tracker.current_slot_values()
        go_on = await super()._run_action(action, tracker, output_channel, nlg, prediction)
        if isinstance(action, WatchedAction) and action.failure:
            raise EngineError(f"The action {action.name()} failed: {type(action.failure).__name__}") from action.failure
        if watched:
            output_channel.slots = tracker.current_slot_values()
        if watched and action.name() not in _NOT_TOLD:
            output_channel.steps.append(
                {
                    "action": action.name(),
                    "policy": getattr(prediction, "policy_name", None),
                    "confidence": getattr(prediction, "max_confidence", None),
                }
            )
        return go_on
