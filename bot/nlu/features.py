"""Graph component: reads each message once and gives its embedding and what the lexicon saw as features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import DENSE_FEATURIZABLE_ATTRIBUTES
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, INTENT, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.language.reader import Reading, shared_reader
from bot.settings import ROOT

#: Kinds of mention whose presence is a feature of its own.
_SIGNS = ("ketamine", "treatment", "symptom", "condition", "route", "phase")
#: Indicators are 0 or 1 and an embedding has length 1: this keeps them from drowning it.
_INDICATOR_WEIGHT = 0.3
_MANY_WORDS = 20


def indicators(reading: Reading) -> np.ndarray:
    """What the lexicon and the form of a question say of it, shape (10,), float32.

    In order: one sign for each of `_SIGNS`; how many medicines are named (0, ½, 1 for two or more) and whether
    any is; a question mark; the length in words as a share of 20.
    """
    kinds = [mention.kind for mention in reading.mentions]
    named = sum(kind in ("drug", "class") for kind in kinds)
    signs = [float(kind in kinds) for kind in _SIGNS]
    form = [
        min(2, named) / 2,
        float(named > 0),
        float("?" in reading.folded),
        min(len(reading.folded.split()), _MANY_WORDS) / _MANY_WORDS,
    ]
    return np.array([*signs, *form], dtype=np.float32)


def vector_of(reading: Reading) -> np.ndarray:
    """Embedding and indicators side by side, shape (Encoder.dim + 10,), float32: what classifiers are fed."""
    return np.concatenate([reading.vector, _INDICATOR_WEIGHT * indicators(reading)]).astype(np.float32)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceFeatures(GraphComponent):
    """Adds one dense sentence feature to a message's text."""

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
    ) -> SentenceFeatures:
        """A new component; the encoder itself is shared by the whole process and loaded on first use."""
        return cls(config)

    def __init__(self, config: dict[str, Any]) -> None:
        self._data = (ROOT / Path(config["data"])).resolve()
        self._name = str(config.get("alias") or type(self).__name__)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add features to every example that has an intent."""
        examples = [e for e in training_data.training_examples if e.get(TEXT) and e.get(INTENT)]
        readings = shared_reader(self._data).read_many([e.get(TEXT) for e in examples])
        for example, reading in zip(examples, readings, strict=True):
            self._add(example, reading)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add features to messages at run time."""
        for message in messages:
            if message.get(TEXT):
                self._add(message, shared_reader(self._data).read(message.get(TEXT)))
        return messages

    def _add(self, message: Message, reading: Reading) -> None:
        assert TEXT in DENSE_FEATURIZABLE_ATTRIBUTES
        message.add_features(Features(vector_of(reading)[None, :], FEATURE_TYPE_SENTENCE, TEXT, self._name))
