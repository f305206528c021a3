"""The classifier: probabilities that add up, kept without pickle, the same after loading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.classifier import TopicClassifier, fit_temperature
from bot.nlu.features import SentenceFeatures
from tests.nlu.conftest import SENTENCES, examples, message

SMALL = {"ranking": 50, "aspects": 50, "leave_out": ["crisis_selfharm"]}


@pytest.fixture
def trained(built: Callable) -> TopicClassifier:
    classifier = built(TopicClassifier, **SMALL)
    classifier.train(built(SentenceFeatures).process_training_data(examples()))
    return classifier


@pytest.fixture
def ask(featurised: Callable[[str], Message]) -> Callable[[TopicClassifier, str], dict[str, Any]]:
    """What a classifier says of a text."""

    def asked(classifier: TopicClassifier, text: str) -> dict[str, Any]:
        return classifier.process([featurised(text)])[0].as_dict(only_output_properties=True)

    return asked


@pytest.mark.parametrize(
    ("text", "intent", "aspect"),
    [
        ("good morning to you", "greet", "greet"),
        ("thank you so much", "thanks", "thanks"),
        ("is it bad for the bladder", "ask_side_effects", "bladder"),
        ("does it make people vomit", "ask_side_effects", "nausea"),
        ("can i take prozac with it", "ask_interactions", "specific"),
    ],
)
def test_it_learns(trained: TopicClassifier, ask: Callable, text: str, intent: str, aspect: str) -> None:
    said = ask(trained, text)
    assert said["intent"]["name"] == intent
    assert (said["aspects"][0]["intent"], said["aspects"][0]["aspect"]) == (intent, aspect)


def test_probabilities_add_up(trained: TopicClassifier, ask: Callable) -> None:
    for text in ("it burns when i pee", "cheers", "🙂", "what is the capital of france"):
        said = ask(trained, text)
        ranking = {r["name"]: r["confidence"] for r in said["intent_ranking"]}
        assert sum(ranking.values()) == pytest.approx(1, abs=1e-3)
        assert all(0 <= p <= 1 for p in ranking.values())
        assert list(ranking.values()) == sorted(ranking.values(), reverse=True)
        assert said["intent"] == said["intent_ranking"][0]
        of_aspects: dict[str, float] = defaultdict(float)
        for aspect in said["aspects"]:
            of_aspects[aspect["intent"]] += aspect["confidence"]
        assert of_aspects == pytest.approx(ranking, abs=1e-3), "an intent is the sum of its aspects"


def test_what_is_left_out_is_not_learned(trained: TopicClassifier, ask: Callable) -> None:
    said = ask(trained, "i want to end my life")
    labels = {r["name"] for r in said["intent_ranking"]} | {a["intent"] for a in said["aspects"]}
    assert labels == {label.split("/")[0] for label in SENTENCES} - {"crisis_selfharm"}


def test_only_so_much_is_given_out(built: Callable, trained: TopicClassifier, ask: Callable) -> None:
    few = built(TopicClassifier, "load", **{**SMALL, "ranking": 2, "aspects": 1})
    said = ask(few, "hello")
    assert (len(said["intent_ranking"]), len(said["aspects"])) == (2, 1)


def test_it_is_the_same_after_loading(built: Callable, trained: TopicClassifier, ask: Callable) -> None:
    loaded = built(TopicClassifier, "load", **SMALL)
    for text in ("hello", "bladder", "is lithium ok"):
        assert ask(loaded, text) == ask(trained, text)


def test_what_is_kept_cannot_hold_code(trained: TopicClassifier, storage: ModelStorage, resource: Resource) -> None:
    with storage.read_from(resource) as folder:
        kept = sorted(path.suffix for path in Path(folder).rglob("*") if path.is_file())
        assert kept == [".json", ".npz"]
        for path in Path(folder).rglob("*.npz"):
            with np.load(path, allow_pickle=False) as arrays:
                assert arrays.files
                assert all(arrays[name].dtype == np.float32 for name in arrays.files)


def test_training_twice_gives_the_same(built: Callable, trained: TopicClassifier, ask: Callable) -> None:
    before = ask(trained, "it burns when i pee")
    again = built(TopicClassifier, **SMALL)
    again.train(built(SentenceFeatures).process_training_data(examples()))
    assert ask(again, "it burns when i pee") == before


def test_a_message_without_words_has_no_intent(trained: TopicClassifier) -> None:
    (said,) = trained.process([message("")])
    assert said.get("intent") == {"name": None, "confidence": 0.0}


def test_an_untrained_one_says_nothing(built: Callable, ask: Callable) -> None:
    assert ask(built(TopicClassifier), "hello")["intent"] == {"name": None, "confidence": 0.0}
    untrained = built(TopicClassifier)
    untrained.train(TrainingData([]))
    assert ask(untrained, "hello")["intent"]["name"] is None


def test_without_features_it_says_what_is_missing(trained: TopicClassifier) -> None:
    with pytest.raises(ValueError, match="SentenceFeatures"):
        trained.process([message("hello")])


# -- temperature -------------------------------------------------------------------------------------------------


class Boastful:
    """A network that is right in 7 of 10 cases and says 0.999 of every one."""

    classes = ("a/x", "b/x")
    temperature = 1.0

    class _Network:
        def log_odds(self, x: np.ndarray) -> np.ndarray:
            return np.where(x[:, :1] > 0, [[7.0, 0.0]], [[0.0, 7.0]])

    network = _Network()


def test_the_temperature_softens_what_says_too_much() -> None:
    x = np.array([[1.0]] * 10 + [[-1.0]] * 10)
    labels = ["a/x"] * 7 + ["b/x"] * 3 + ["b/x"] * 7 + ["a/x"] * 3
    temperature = fit_temperature(Boastful(), x, labels)  # type: ignore[arg-type]
    assert temperature > 2


def test_the_temperature_leaves_what_is_always_right() -> None:
    x = np.array([[1.0]] * 10 + [[-1.0]] * 10)
    assert fit_temperature(Boastful(), x, ["a/x"] * 10 + ["b/x"] * 10) <= 1  # type: ignore[arg-type]


def test_labels_that_were_not_learned_do_not_count() -> None:
    assert fit_temperature(Boastful(), np.array([[1.0]]), ["never/seen"]) == 1.0  # type: ignore[arg-type]
