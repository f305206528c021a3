"""What the lexicon finds, as Rasa's entities."""

from __future__ import annotations

from collections.abc import Callable

from bot.nlu.entities import LexiconEntities
from tests.nlu.conftest import message


def test_entities(built: Callable) -> None:
    (asked,) = built(LexiconEntities).process([message("Zanax + KETAMINE?")])
    alprazolam, ketamine = asked.get("entities")
    assert ketamine == {
        "entity": "ketamine", "value": "ketamine", "start": 8, "end": 16, "classes": [], "found": "exact",
        "surface": "ketamine", "extractor": "LexiconEntities",
    }  # fmt: skip
    assert (alprazolam["entity"], alprazolam["value"], alprazolam["found"]) == ("drug", "alprazolam", "spelling")
    assert alprazolam["classes"][0] == "benzodiazepine"
    assert asked.as_dict(only_output_properties=True)["entities"], "they are part of what is said of the message"


def test_none_where_there_are_none(built: Callable) -> None:
    without, empty = built(LexiconEntities).process([message("hello there"), message("")])
    assert without.get("entities") == []
    assert empty.get("entities") == []


def test_they_are_plain_values(built: Callable) -> None:
    """Rasa writes them into its events as JSON."""
    import json

    (asked,) = built(LexiconEntities).process([message("took a percocet after my infusion, bipolar")])
    assert json.loads(json.dumps(asked.get("entities"))) == asked.get("entities")
    assert len(asked.get("entities")) >= 4
