"""Graph component: the lexicon's mentions as Rasa entities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.language.reader import shared_reader
from bot.settings import ROOT


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class LexiconEntities(GraphComponent):
    """Gives each mention as an entity: its kind, canonical name, classes and how it was found."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`data`: the data folder, below the project's root or absolute."""
        return {"data": "data"}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LexiconEntities:
        """A new component; the lexicon is shared by the whole process and loaded on first use."""
        return cls(config)

    def __init__(self, config: dict[str, Any]) -> None:
        self._data = (ROOT / Path(config["data"])).resolve()

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the entities of each message; `start` and `end` count in the folded text."""
        for message in messages:
            mentions = shared_reader(self._data).lexicon.find(message.get(TEXT) or "")
            entities = [
                {
                    "entity": m.kind,
                    "value": m.name,
                    "start": m.start,
                    "end": m.end,
                    "classes": list(m.classes),
                    "found": m.found,
                    "surface": m.surface,
                    "extractor": "LexiconEntities",
                }
                for m in mentions
            ]
            message.set(ENTITIES, entities, add_to_output=True)
        return messages
