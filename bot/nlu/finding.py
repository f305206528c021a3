"""Graph component: what the safety screen found becomes the intent, so that rules and stories can follow it.

The screen runs before Rasa and its finding travels in the message's metadata; it overrides the classifier.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message

#: Key of the finding in a message's metadata: {"category", "confidence", …}.
FINDING = "finding"
#: Key of the flow that runs, if one does.
FLOW = "flow"
#: Which intent a category of the screen becomes.
INTENT_OF = {
    "crisis_selfharm": "crisis_selfharm",
    "medical_emergency": "medical_emergency",
    "urgent_care": "urgent_care",
    "panic_now": "panic_now",
    "refuse_dosing": "ask_dosing",
}


#: A request about doses that only one layer of the screen found counts from this probability of the classifier on …
_LEAST_DOSING = 0.12
#: … and care today, or panic, that the screen's classifier alone found and is itself not sure of (below the first
#: number), does not beside a topic this likely. A question about panic is full of the words of an attack.
_UNSURE, _SURE_TOPIC = 0.7, 0.85
_ABOUT_PANIC = ("ask_about_panic_attacks", "ask_coping_with_panic", "ask_ketamine_and_panic")


def doubted(finding: dict[str, Any], ranking: list[dict[str, Any]], flow: str | None = None) -> bool:
    """Whether the intent classifier contradicts a finding that is no danger to life.

    Only for requests about doses, for care today and for panic: a crisis and an emergency are never doubted, nor is
    anything in a language that the intent classifier cannot read, nor panic during the exercise for it.
    """
    likely = {r["name"]: float(r["confidence"]) for r in ranking}
    if not likely or finding.get("layer") == "both" or finding.get("language", "en") != "en":
        return False
    if finding["category"] == "refuse_dosing":
        return likely.get("ask_dosing", 0.0) < _LEAST_DOSING
    if finding.get("layer") != "classifier" or float(finding.get("confidence", 1.0)) >= _UNSURE:
        return False
    topics = {name: p for name, p in likely.items() if name.startswith("ask_")}
    if finding["category"] == "urgent_care":
        return max(topics.values(), default=0.0) > _SURE_TOPIC
    if finding["category"] == "panic_now" and not flow:
        return max((topics.get(name, 0.0) for name in _ABOUT_PANIC), default=0.0) > _SURE_TOPIC
    return False


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class FindingIntent(GraphComponent):
    """Puts the screen's finding in the place of the classified intent; must stand last in the pipeline."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> FindingIntent:
        """A new component; it has nothing to learn."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Override the intent of messages that carry a finding; the ranking keeps what the classifier thought."""
        for message in messages:
            metadata = message.get("metadata") or {}
            finding = metadata.get(FINDING)
            if (
                finding
                and finding.get("category") in INTENT_OF
                and not doubted(finding, message.get("intent_ranking") or [], metadata.get(FLOW))
            ):
                chosen = {"name": INTENT_OF[finding["category"]], "confidence": float(finding.get("confidence", 1.0))}
                ranking = [r for r in message.get("intent_ranking") or [] if r["name"] != chosen["name"]]
                message.set(INTENT, chosen, add_to_output=True)
                message.set("intent_ranking", [chosen, *ranking], add_to_output=True)
        return messages
