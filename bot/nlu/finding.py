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
#: Which intent a category of the screen becomes.
INTENT_OF = {
    "crisis_selfharm": "crisis_selfharm",
    "medical_emergency": "medical_emergency",
    "urgent_care": "urgent_care",
    "panic_now": "panic_now",
    "refuse_dosing": "ask_dosing",
}


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
            finding = (message.get("metadata") or {}).get(FINDING)
            if finding and finding.get("category") in INTENT_OF:
                chosen = {"name": INTENT_OF[finding["category"]], "confidence": float(finding.get("confidence", 1.0))}
                ranking = [r for r in message.get("intent_ranking") or [] if r["name"] != chosen["name"]]
                message.set(INTENT, chosen, add_to_output=True)
                message.set("intent_ranking", [chosen, *ranking], add_to_output=True)
        return messages
