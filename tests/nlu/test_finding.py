"""What the screen found overrides whatever was classified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from bot.nlu.finding import INTENT_OF, FindingIntent, doubted
from bot.screen.findings import CATEGORIES, Finding
from bot.settings import ROOT
from tests.nlu.conftest import message

RANKING = [{"name": "thanks", "confidence": 0.8}, {"name": "ask_dosing", "confidence": 0.2}]


def told(built: Callable, finding: dict[str, Any] | None) -> Any:
    """A message that was classified as thanks, with a finding in its metadata, after the component."""
    said = message("anything")
    said.set("intent", dict(RANKING[0]))
    said.set("intent_ranking", [dict(r) for r in RANKING])
    said.set("metadata", {"country": "GB"} if finding is None else {"finding": finding})
    return built(FindingIntent).process([said])[0]


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_becomes_its_intent(built: Callable, category: Any) -> None:
    said = told(built, Finding(category, 0.7, "classifier").to_dict())
    assert said.get("intent") == {"name": INTENT_OF[category], "confidence": 0.7}
    assert said.get("intent_ranking")[0] == said.get("intent")
    assert [r["name"] for r in said.get("intent_ranking")].count(INTENT_OF[category]) == 1
    assert RANKING[0] in said.get("intent_ranking"), "the ranking keeps what the classifier thought"
    assert said.as_dict(only_output_properties=True)["intent"] == said.get("intent")


@pytest.mark.parametrize("finding", [None, {}, {"category": "something new", "confidence": 1.0}])
def test_without_a_finding_nothing_changes(built: Callable, finding: dict[str, Any] | None) -> None:
    said = told(built, finding)
    assert said.get("intent") == RANKING[0]
    assert said.get("intent_ranking") == RANKING


def test_a_message_that_nothing_classified(built: Callable) -> None:
    said = message("anything")
    said.set("metadata", {"finding": {"category": "panic_now"}})
    built(FindingIntent).process([said])
    assert said.get("intent") == {"name": "panic_now", "confidence": 1.0}


def test_every_intent_is_in_the_domain() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    assert set(INTENT_OF.values()) <= set(domain["intents"])


def test_it_stands_last_in_the_pipeline() -> None:
    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    assert config["pipeline"][-1]["name"] == "bot.nlu.finding.FindingIntent"


@pytest.mark.parametrize(
    ("category", "layer", "confidence", "ranking", "doubt"),
    [
        pytest.param("refuse_dosing", "patterns", 1.0, {"ask_dosing": 0.02}, True, id="one layer"),
        pytest.param("refuse_dosing", "both", 1.0, {"ask_dosing": 0.02}, False, id="both layers"),
        pytest.param("refuse_dosing", "classifier", 0.9, {"ask_dosing": 0.3}, False, id="likely enough"),
        pytest.param("urgent_care", "classifier", 0.6, {"ask_what_to_expect": 0.95}, True, id="a sure topic"),
        pytest.param("urgent_care", "classifier", 0.8, {"ask_what_to_expect": 0.95}, False, id="a sure screen"),
        pytest.param("urgent_care", "patterns", 1.0, {"ask_what_to_expect": 0.95}, False, id="plain words"),
        pytest.param("crisis_selfharm", "classifier", 0.6, {"ask_effectiveness": 0.99}, False, id="never a crisis"),
        pytest.param("medical_emergency", "classifier", 0.6, {"ask_side_effects": 0.99}, False, id="no emergency"),
        pytest.param("panic_now", "classifier", 0.6, {"ask_coping_with_panic": 0.99}, True, id="asked about panic"),
        pytest.param("panic_now", "classifier", 0.8, {"ask_coping_with_panic": 0.99}, False, id="surely in panic"),
        pytest.param("panic_now", "classifier", 0.6, {"ask_safety": 0.99}, False, id="another topic"),
    ],
)
def test_the_classifier_may_doubt_what_is_no_danger_to_life(
    category: str, layer: str, confidence: float, ranking: dict[str, float], doubt: bool
) -> None:
    listed = [{"name": name, "confidence": p} for name, p in ranking.items()]
    found = {"category": category, "layer": layer, "confidence": confidence}
    assert doubted(found, listed) is doubt
    assert not doubted({**found, "language": "de"}, listed), "the intent classifier reads English"
    assert category != "panic_now" or not doubted(found, listed, "panic_exercise")
