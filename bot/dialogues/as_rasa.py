"""Conversations as Rasa's own test stories, for `python -m bot rasa test`.

A saved dialogue says what people should see. Rasa's end-to-end tests say which intent and which action a turn should
have; those are read from a conversation that was had.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

#: Slots that rules look at: only these belong in a story.
FEATURED = ("flow",)
_NOT_TOLD = ("action_listen", "action_session_start", None)


def story(name: str, events: Iterable[Mapping[str, Any]], *, words: bool = False) -> dict[str, Any]:
    """A test story of the events of a conversation (`tracker.events`, each `as_dict()`).

    Args:
        words: give what was said, so that Rasa classifies it anew; otherwise the intents alone are given.
    """
    steps: list[dict[str, Any]] = []
    for event in events:
        if event["event"] == "user":
            intent = event["parse_data"]["intent"]["name"]
            steps.append({"user": annotated(event), "intent": intent} if words else {"intent": intent})
        elif event["event"] == "action" and event["name"] not in _NOT_TOLD:
            steps.append({"action": event["name"]})
        elif event["event"] == "slot" and event["name"] in FEATURED:
            steps.append({"slot_was_set": [{event["name"]: event["value"]}]})
    return {"story": name, "steps": steps}


def stories_file(stories: Iterable[Mapping[str, Any]]) -> str:
    """The text of a file of test stories."""
    return yaml.safe_dump({"version": "3.1", "stories": list(stories)}, sort_keys=False, allow_unicode=True, width=1000)


def annotated(event: Mapping[str, Any]) -> str:
    """What was said, its entities marked in Rasa's way: [zanax]{"entity": "drug", "value": "alprazolam"}."""
    text = str(event["text"])
    parts, at = [], 0
    for entity in event["parse_data"].get("entities") or []:
        start, end = entity["start"], entity["end"]
        if start < at:
            continue
        mark = json.dumps({"entity": entity["entity"], "value": entity["value"]}, ensure_ascii=False)
        parts += [text[at:start], f"[{text[start:end]}]{mark}"]
        at = end
    return "".join([*parts, text[at:]])


def can_be_classified_anew(events: Iterable[Mapping[str, Any]]) -> bool:
    """Whether Rasa alone would read every turn as it was read: no finding of the screen, no button, no command."""
    for event in events:
        if event["event"] == "user":
            parsed = event["parse_data"]
            told = {"choose", "typed_command"}  # by the application, never by the words
            if (event.get("metadata") or {}).get("finding") or parsed.get("choice") or parsed["intent"]["name"] in told:
                return False
            if "aspects" not in parsed:  # not read by the pipeline
                return False
    return True
