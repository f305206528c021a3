"""Rasa's own message and storage objects for the graph components."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.features import SentenceFeatures

#: intent/aspect -> sentences; enough to learn a little from.
SENTENCES = {
    "greet/greet": ["hello", "hi there", "good morning", "hey", "hello bot", "good evening"],
    "thanks/thanks": ["thank you", "thanks a lot", "cheers", "many thanks", "ok thanks", "thx"],
    "ask_side_effects/nausea": [
        "will it make me sick", "does ketamine cause nausea", "am i going to throw up", "i get nausea, is it normal",
        "can i have something for the nausea", "vomiting after ketamine",
    ],
    "ask_side_effects/bladder": [
        "does it hurt the bladder", "bladder problems from ketamine", "it burns when i pee", "ket bladder",
        "how bad is it for my bladder", "is my bladder at risk",
    ],
    "ask_interactions/specific": [
        "can i take xanax with it", "is lexapro ok with ketamine", "what about lithium", "does valium interfere",
        "ketamine and lamotrigine together", "is adderall allowed",
    ],
    "crisis_selfharm/active": ["i want to end my life", "i am going to kill myself", "i want to die tonight"],
}  # fmt: skip
VOICES = ("american", "british", "formal", "short", "anxious", "chatty")


def message(text: str, intent: str = "", aspect: str = "", voice: str = "") -> Message:
    """A message as Rasa hands it to components; with an intent, a training example."""
    made = Message.build(text, intent or None)
    if intent:
        made.set("metadata", {"intent": {"aspect": aspect, "voice": voice}})
    return made


def examples() -> TrainingData:
    """The small training data, without features."""
    made = []
    for label, sentences in SENTENCES.items():
        intent, _, aspect = label.partition("/")
        made += [message(text, intent, aspect, VOICES[n % len(VOICES)]) for n, text in enumerate(sentences)]
    return TrainingData(made)


@pytest.fixture
def context() -> ExecutionContext:
    return ExecutionContext(GraphSchema({}), "tests")


@pytest.fixture
def storage(tmp_path: Path) -> ModelStorage:
    (tmp_path / "storage").mkdir()
    return LocalModelStorage.create(tmp_path / "storage")


@pytest.fixture
def resource() -> Resource:
    return Resource("component")


@pytest.fixture
def built(context: ExecutionContext, storage: ModelStorage, resource: Resource) -> Callable:
    """Builds a component as Rasa does: with its defaults, and what config.yml says of it."""

    def build(component: type, how: str = "create", **config: object) -> object:
        defaults = component.get_default_config() if hasattr(component, "get_default_config") else {}
        return getattr(component, how)({**defaults, **config}, storage, resource, context)

    return build


@pytest.fixture
def featurised(built: Callable) -> Callable[[str], Message]:
    """A message with the features that the pipeline gives it."""
    features = built(SentenceFeatures)

    def make(text: str) -> Message:
        return features.process([message(text)])[0]

    return make


def sentence_features(given: Message) -> SimpleNamespace:
    sequence, sentence = given.get_dense_features("text")
    return SimpleNamespace(sequence=sequence, sentence=sentence)
