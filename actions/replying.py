"""What every action here does: read the turn, put one reply together, send it."""

from __future__ import annotations

import abc
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.needs import needs
from actions.reply import Reply
from actions.turn import Turn


class ReplyingAction(Action, abc.ABC):
    """An action that says one reply. Abstract, or the SDK would take it for an action of its own."""

    @abc.abstractmethod
    def compose(self, turn: Turn, reply: Reply) -> None:
        """Put what `turn` gets into `reply`, and what is to be remembered."""

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Send the reply; returns the events that change the memory of the conversation."""
        turn = Turn.of(tracker)
        reply = Reply(needs(), turn)
        self.compose(turn, reply)
        return reply.send(dispatcher)
