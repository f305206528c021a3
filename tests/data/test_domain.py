"""What `rasa data validate` does not see: names that stand in one place and not in the other."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import actions
from bot.language.lexicon import KINDS
from bot.settings import ROOT

DOMAIN: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
STORIES = sorted((ROOT / "data" / "stories").glob("*.yml"))
#: Intents that nobody writes, so that there are no sentences for them.
WITHOUT_SENTENCES = {
    "choose": "a button that names a passage",
    "typed_command": "a text that looks like a command, told by its form (bot/service.py)",
}


def rules() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every rule and story with its file."""
    for path in STORIES:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for kind in ("rules", "stories"):
            yield from ((path, told) for told in content.get(kind, []))


def steps(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The steps of a rule or story, those of an `or` one by one."""
    for step in told["steps"]:
        yield from step.get("or", [step])


def sources(*folders: str) -> Iterator[ast.AST]:
    """Everything that stands in the Python files of `folders` (files or folders below the root)."""
    for name in folders:
        path = ROOT / name
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


@cache
def words_in(*folders: str) -> Counter[str]:
    """How often each string, and each name of a keyword argument, stands in the Python files of `folders`."""
    found: Counter[str] = Counter()
    for node in sources(*folders):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found[node.value] += 1
        elif isinstance(node, ast.keyword) and node.arg:
            found[node.arg] += 1
    return found


# -- intents -----------------------------------------------------------------------------------------------------


def test_every_intent_has_its_file_of_sentences() -> None:
    files = {path.stem for path in (ROOT / "data" / "nlu").glob("*")}
    assert files == set(DOMAIN["intents"]) - set(WITHOUT_SENTENCES)


@pytest.mark.parametrize("path", sorted((ROOT / "data" / "nlu").glob("*.yml")), ids=lambda path: path.stem)
def test_a_file_of_sentences_holds_the_intent_of_its_name(path: Path) -> None:
    """Read line by line, because YAML in Python takes long; tests/nlu reads some of them as Rasa does."""
    named = {line.partition("intent:")[2].strip() for line in path.read_text(encoding="utf-8").splitlines()
             if line.startswith("  - intent:")}  # fmt: skip
    assert named == {path.stem}


def test_every_intent_leads_somewhere() -> None:
    handled = {step["intent"] for _, told in rules() for step in steps(told) if "intent" in step}
    assert handled == set(DOMAIN["intents"])


def test_every_intent_leads_somewhere_outside_of_a_flow_too() -> None:
    """A rule with a condition alone would leave the intent to the fallback wherever the condition does not hold."""
    always = {
        step["intent"] for _, told in rules() if "condition" not in told for step in steps(told) if "intent" in step
    }
    assert set(DOMAIN["intents"]) - always == set()


def test_nothing_is_named_twice() -> None:
    for part in ("intents", "entities", "actions"):
        assert [name for name, n in Counter(DOMAIN[part]).items() if n > 1] == [], part
    titles = Counter(told.get("rule") or told["story"] for _, told in rules())
    assert [title for title, n in titles.items() if n > 1] == []


# -- actions -----------------------------------------------------------------------------------------------------


def classes() -> dict[str, str]:
    """Name of every action in actions/ -> its module."""
    from rasa_sdk import Action

    for module in pkgutil.iter_modules(actions.__path__):
        importlib.import_module(f"actions.{module.name}")
    waiting, found = [Action], {}
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child.__module__.startswith("actions.") and not inspect.isabstract(child):
                name = child().name()
                assert name not in found, f"{name} is there twice"
                found[name] = child.__module__
    return found


def test_every_action_of_the_domain_is_a_class_and_every_class_in_the_domain() -> None:
    assert set(classes()) == set(DOMAIN["actions"])


def test_every_action_is_reached_by_a_rule() -> None:
    reached = {step["action"] for _, told in rules() for step in steps(told) if "action" in step}
    assert reached == set(DOMAIN["actions"])


def test_the_fallback_is_an_action_of_the_domain() -> None:
    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    assert {policy["core_fallback_action_name"] for policy in config["policies"]} <= {
        *DOMAIN["actions"],
        "action_listen",
    }


# -- slots, entities, responses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", DOMAIN["slots"])
def test_a_slot_is_both_set_and_read(slot: str) -> None:
    assert words_in("actions", "bot/service.py")[slot] >= 2, f"{slot}: it should be set somewhere and read somewhere"


def test_every_flow_can_begin_and_is_looked_at() -> None:
    flows = set(DOMAIN["slots"]["flow"]["values"])
    asked = {flow["flow"] for _, told in rules() for c in told.get("condition", []) for flow in c["slot_was_set"]}
    assert asked == flows
    assert flows <= set(words_in("actions"))


def test_the_kinds_of_the_lexicon_are_the_entities() -> None:
    assert set(DOMAIN["entities"]) == set(KINDS) - {"combination"}, "a combination is given as its drugs"


def test_the_domain_holds_no_wording() -> None:
    assert "responses" not in DOMAIN, "fixed wording stands in data/responses"


# -- topics ------------------------------------------------------------------------------------------------------


def test_every_topic_has_an_intent_and_an_example() -> None:
    topics = yaml.safe_load((ROOT / "data" / "topics.yml").read_text(encoding="utf-8"))
    examples = yaml.safe_load((ROOT / "data" / "examples.yml").read_text(encoding="utf-8"))
    assert {f"ask_{topic}" for topic in topics} <= set(DOMAIN["intents"])
    assert list(examples) == list(topics), "in the same order"


# -- YAML --------------------------------------------------------------------------------------------------------


class OneOfEach(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML's own reader takes the last without a word."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = Counter(loader.construct_object(key) for key, _ in node.value)
    twice = [key for key, n in keys.items() if n > 1 and key != "<<"]
    if twice:
        raise yaml.constructor.ConstructorError(None, None, f"twice: {twice}", node.start_mark)
    loader.flatten_mapping(node)
    return {loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value}


OneOfEach.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
SMALL_FILES = [
    *(ROOT / name for name in ("domain.yml", "config.yml", "endpoints.yml", "data/topics.yml", "data/examples.yml")),
    *STORIES,
    *sorted((ROOT / "data" / "responses").glob("*.yml")),
    *sorted((ROOT / "data" / "lexicon").glob("*.yml")),
]


@pytest.mark.parametrize("path", SMALL_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_key_stands_twice(path: Path) -> None:
    yaml.load(path.read_text(encoding="utf-8"), Loader=OneOfEach)
