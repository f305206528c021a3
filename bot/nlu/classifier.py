"""Graph component: the intent of a message, and for a topic which aspect of it, as probabilities that mean something.

A logistic regression (scikit-learn) over the shared embedding learns the pair (intent, aspect) from `data/nlu`; an
intent's probability is the sum over its aspects. Its probabilities are sharpened or softened by one temperature,
fitted on voices that were held back (Guo et al. 2017, "On Calibration of Modern Neural Networks",
https://arxiv.org/abs/1706.04599); the one that `python -m bot evaluate` fits stands in config.yml.

Weights are kept as npz without pickle.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.language.networks import Floats, Layers, from_arrays, softmax, to_arrays

#: Key in a message's parse data: [{"topic intent", "aspect", "confidence"}, …], the likeliest first.
ASPECTS = "aspects"
_SEPARATOR = "/"
#: Weight of the sentences against small weights, and rounds of learning, that did best on held-back voices.
STRENGTH, ROUNDS = 20.0, 60


@dataclass(frozen=True)
class Model:
    """What was learned: classes ("intent/aspect"), the regression over them, the temperature."""

    classes: tuple[str, ...]
    network: Layers
    temperature: float

    def probabilities(self, x: Floats) -> Floats:
        """Probability of each class for rows of features, shape (n, classes)."""
        return softmax(self.network.log_odds(x) / np.float32(self.temperature))

    def intents(self, probabilities: Floats) -> tuple[list[str], Floats]:
        """Names of intents, and their probabilities: the sums over their aspects."""
        return self._names, probabilities @ self._member

    @cached_property
    def _names(self) -> list[str]:
        return sorted({c.split(_SEPARATOR)[0] for c in self.classes})

    @cached_property
    def _member(self) -> Floats:
        """1 where a class (row) belongs to an intent (column)."""
        member = np.zeros((len(self.classes), len(self._names)), dtype=np.float32)
        for i, c in enumerate(self.classes):
            member[i, self._names.index(c.split(_SEPARATOR)[0])] = 1
        return member


def learn(x: Floats, labels: Sequence[str], strength: float, rounds: int) -> Model:
    """A logistic regression with temperature 1; `strength` and `rounds` are C and max_iter of scikit-learn's."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # Stopped early on purpose: longer training only copies the sentences.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # scikit-learn hands SciPy options that SciPy is about to drop; nothing that we could change.
        warnings.simplefilter("ignore", DeprecationWarning)
        linear = LogisticRegression(C=strength, max_iter=rounds).fit(x, np.asarray(labels))
    layer = (linear.coef_.T.astype(np.float32), linear.intercept_.astype(np.float32))
    return Model(tuple(str(c) for c in linear.classes_), Layers((layer,)), 1.0)


def fit_temperature(model: Model, x: Floats, labels: Sequence[str]) -> float:
    """The temperature under which held-back `labels` are likeliest; labels that the model lacks are left out."""
    index = {c: i for i, c in enumerate(model.classes)}
    rows = [i for i, label in enumerate(labels) if label in index]
    if not rows:
        return 1.0
    odds = model.network.log_odds(x[rows])
    right = [index[labels[i]] for i in rows]

    def loss(temperature: float) -> float:
        q = softmax(odds / np.float32(temperature))
        return float(-np.log(np.maximum(q[np.arange(len(rows)), right], 1e-9)).mean())

    return float(min(np.linspace(0.6, 3.0, 49), key=loss))


def train(x: Floats, labels: Sequence[str], voices: Sequence[str], *, strength: float, rounds: int) -> Model:
    """Learn from all sentences, with a temperature fitted by a trial without a fifth of the voices.

    Args:
        x: features, a row a sentence.
        labels: "intent/aspect" of each; voices: who wrote it (`metadata: voice`), "" where unknown.
        strength, rounds: see `learn`.
    """
    names = sorted({voice for voice in voices if voice})
    held = set(names[::5])
    away = np.array([voice in held for voice in voices])
    temperature = 1.0
    if 0 < away.sum() < len(labels) / 2:
        trial = learn(x[~away], [label for label, out in zip(labels, away, strict=True) if not out], strength, rounds)
        temperature = fit_temperature(trial, x[away], [label for label, out in zip(labels, away, strict=True) if out])
    return replace(learn(x, labels, strength, rounds), temperature=temperature)


def save(model: Model, folder: Path) -> None:
    """Write `weights.npz` and `classes.json` into `folder`."""
    np.savez(folder / "weights.npz", **to_arrays([model.network]))
    meta = {"classes": model.classes, "temperature": model.temperature}
    (folder / "classes.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")


def load(folder: Path) -> Model:
    """The model that `save` wrote."""
    meta = json.loads((folder / "classes.json").read_text(encoding="utf-8"))
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        (network,) = from_arrays(arrays, [1])
    return Model(tuple(meta["classes"]), network, float(meta["temperature"]))


def label_of(example: Message) -> str:
    """ "intent/aspect" of a training example; the aspect stands in the metadata of its group."""
    given = (example.get("metadata") or {}).get("intent") or {}
    return f"{example.get(INTENT)}{_SEPARATOR}{given.get('aspect', '')}"


def voice_of(example: Message) -> str:
    """Who wrote a training example, from the metadata of its group."""
    return str(((example.get("metadata") or {}).get("intent") or {}).get("voice", ""))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(IntentClassifier, GraphComponent):
    """Sets intent, intent ranking and the likeliest aspects of a message."""

    @classmethod
    def required_components(cls) -> list[type]:
        """Needs the features of `bot.nlu.features.SentenceFeatures`."""
        from bot.nlu.features import SentenceFeatures

        return [SentenceFeatures]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`strength`, `rounds`: see `learn`; `temperature`: the one to take, without which a trial fits it in as long
        again; `ranking`, `aspects`: how many are given out; `leave_out`: intents that are not learned here
        because something else recognises them."""
        return {
            "strength": STRENGTH, "rounds": ROUNDS, "temperature": None, "ranking": 20, "aspects": 24, "leave_out": [],
        }  # fmt: skip

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> TopicClassifier:
        """An untrained component."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> TopicClassifier:
        """The trained component that `train` persisted."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, load(folder))

    def __init__(
        self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, model: Model | None = None
    ) -> None:
        self._config, self._storage, self._resource, self._model = config, model_storage, resource, model

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from `training_data`, persist, and return where."""
        left_out = set(self._config["leave_out"])
        examples = [e for e in training_data.intent_examples if e.get(TEXT) and e.get(INTENT) not in left_out]
        if examples:
            x, labels = np.vstack([_features(e) for e in examples]), [label_of(e) for e in examples]
            strength, rounds = float(self._config["strength"]), int(self._config["rounds"])
            if given := self._config["temperature"]:
                self._model = replace(learn(x, labels, strength, rounds), temperature=float(given))
            else:
                voices = [voice_of(e) for e in examples]
                self._model = train(x, labels, voices, strength=strength, rounds=rounds)
            with self._storage.write_to(self._resource) as folder:
                save(self._model, folder)
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Training data stays as it is."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Classify messages in place."""
        for message in messages:
            if self._model is None or not message.get(TEXT):
                message.set(INTENT, {"name": None, "confidence": 0.0}, add_to_output=True)
                continue
            p = self._model.probabilities(_features(message))
            names, of_intents = self._model.intents(p)
            order = np.argsort(-of_intents[0])[: int(self._config["ranking"])]
            ranking = [{"name": names[i], "confidence": _brief(of_intents[0][i])} for i in order]
            likely = np.argsort(-p[0])[: int(self._config["aspects"])]
            aspects = [
                {"intent": intent, "aspect": aspect, "confidence": _brief(p[0][i])}
                for i in likely
                for intent, _, aspect in [self._model.classes[i].partition(_SEPARATOR)]
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
            message.set(ASPECTS, aspects, add_to_output=True)
        return messages


def _brief(probability: np.floating) -> float:
    """Four significant digits: small ones still count once the turns of a conversation are set aside."""
    return float(f"{float(probability):.4g}")


def _features(message: Message) -> Floats:
    _, sentence = message.get_dense_features(TEXT)
    if sentence is None or sentence.type != FEATURE_TYPE_SENTENCE:
        raise ValueError("TopicClassifier needs SentenceFeatures before it in config.yml")
    return np.asarray(sentence.features, dtype=np.float32)
