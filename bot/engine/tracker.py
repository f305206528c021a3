"""A conversation's tracker that is copied as it is, instead of by replaying all its events.

Rasa copies the tracker before every action, in case the action rejects to run.
"""

from __future__ import annotations

import copy

from rasa.shared.constants import DEFAULT_SENDER_ID
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, FollowupAction, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.engine.states import is_plain


class Tracker(DialogueStateTracker):
    """As Rasa's."""

    def copy(self) -> DialogueStateTracker:
        """A tracker with the same events in the same state; replayed where events were undone or a loop was opened."""
        if self._max_event_history is not None or not is_plain(self.events):
            return super().copy()
        made = Tracker(self.sender_id or DEFAULT_SENDER_ID, (), is_rule_tracker=self.is_rule_tracker)
        made.slots = {name: copy.copy(slot) for name, slot in self.slots.items()}
        made.events.extend(self.events)
        made.latest_action = self.latest_action
        made.latest_message = self.latest_message
        made.latest_bot_utterance = self.latest_bot_utterance
        made._paused = self._paused
        made.followup_action = self._asked_to_follow()
        return made

    def _asked_to_follow(self) -> str | None:
        """The action that the events ask for next; the processor forgets it in the tracker before the action runs."""
        for event in reversed(self.events):
            if isinstance(event, ActionExecuted | UserUttered):
                return None
            if isinstance(event, FollowupAction):
                return str(event.action_name)
            if isinstance(event, SessionStarted):
                break
        return str(ACTION_LISTEN_NAME)
