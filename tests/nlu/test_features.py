"""The features of a message: embedding and what the lexicon says, the same in training and in conversation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.language.reader import Reader
from bot.nlu.features import SentenceFeatures, indicators, vector_of
from tests.nlu.conftest import examples, message, sentence_features

NAMES = ("ketamine", "treatment", "symptom", "condition", "route", "phase", "medicines", "any medicine", "?", "length")


@pytest.mark.parametrize(
    ("text", "given"),
    [
        pytest.param("hello", {"length": 0.05}, id="nothing"),
        pytest.param("ketamine", {"ketamine": 1, "length": 0.05}, id="ketamine"),
        pytest.param("infusion?", {"treatment": 1, "?": 1, "length": 0.05}, id="treatment and question mark"),
        pytest.param("xanax", {"medicines": 0.5, "any medicine": 1, "length": 0.05}, id="one medicine"),
        pytest.param("xanax benzos", {"medicines": 1, "any medicine": 1, "length": 0.1}, id="a medicine and a class"),
        pytest.param("xanax prozac lithium", {"medicines": 1, "any medicine": 1, "length": 0.15}, id="three"),
        pytest.param("bipolar", {"condition": 1, "length": 0.05}, id="condition"),
        pytest.param("word " * 60, {"length": 1}, id="long"),
    ],
)
def test_indicators(reader: Reader, text: str, given: dict[str, float]) -> None:
    found = indicators(reader.read(text))
    assert found.dtype == np.float32
    assert {name: value for name, value in zip(NAMES, found.round(4), strict=True) if value} == pytest.approx(given)


def test_a_message_gets_one_sentence_feature(featurised: Callable[[str], Message], reader: Reader) -> None:
    features = sentence_features(featurised("can i take xanax"))
    assert features.sequence is None
    assert features.sentence.features.shape == (1, reader.dim + len(NAMES))
    assert np.array_equal(features.sentence.features[0], vector_of(reader.read("can i take xanax")))


def test_a_message_without_words_gets_none(featurised: Callable[[str], Message]) -> None:
    assert sentence_features(featurised("")).sentence is None


def test_training_and_conversation_see_the_same(built: Callable, featurised: Callable[[str], Message]) -> None:
    trained = built(SentenceFeatures).process_training_data(examples()).intent_examples
    assert len(trained) == len(examples().intent_examples)
    for example in trained:
        asked = sentence_features(featurised(example.get("text"))).sentence.features
        assert np.allclose(sentence_features(example).sentence.features, asked, atol=1e-5), example.get("text")


def test_examples_without_an_intent_cost_nothing(built: Callable) -> None:
    story_text = message("said in a story")
    built(SentenceFeatures).process_training_data(TrainingData([story_text]))
    assert sentence_features(story_text).sentence is None


def test_nothing_to_train_on(built: Callable) -> None:
    assert built(SentenceFeatures).process_training_data(TrainingData([])).intent_examples == []
