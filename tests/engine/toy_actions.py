"""The actions of the toy bot."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

#: Conversations whose `action_toy_wait` has begun, and has ended, in order.
waited: list[tuple[str, str]] = []


class ToyAnswer(Action):
    """Says back, in the structured form, what an action can know of its turn."""

    def name(self) -> str:
        return "action_toy_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        said = tracker.latest_message
        user = next(event for event in reversed(tracker.events) if event.get("event") == "user")
        told = {
            "intent": said["intent"]["name"],
            "entities": [entity["value"] for entity in said["entities"]],
            "choice": said.get("choice"),
            "metadata": {key: user["metadata"].get(key) for key in ("country", "finding")},
        }
        dispatcher.utter_message(json_message={"lead": "answered", "told": told})
        return []


class ToyUnlock(Action):
    def name(self) -> str:
        return "action_toy_unlock"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        dispatcher.utter_message(json_message={"lead": "unlocked"})
        return [SlotSet("unlocked", [*(tracker.get_slot("unlocked") or []), tracker.sender_id])]


class ToyFail(Action):
    def name(self) -> str:
        return "action_toy_fail"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        dispatcher.utter_message(json_message={"lead": "half of a reply"})
        raise KeyError(tracker.latest_message["text"])


class ToyWait(Action):
    def name(self) -> str:
        return "action_toy_wait"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        waited.append((tracker.sender_id, "began"))
        await asyncio.sleep(0.2)
        waited.append((tracker.sender_id, "ended"))
        dispatcher.utter_message(json_message={"lead": "waited"})
        return [SlotSet("unlocked", [*(tracker.get_slot("unlocked") or []), "waited"])]


class ToyNothing(Action):
    def name(self) -> str:
        return "action_toy_nothing"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        return []
