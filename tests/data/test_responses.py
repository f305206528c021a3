"""The fixed wording: every key that code asks for is there, and every key that is there is asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.wording import Responses
from bot.errors import ContentError
from bot.settings import ROOT
from tests.data.test_domain import DOMAIN, rules, sources, steps, words_in

FOLDER = ROOT / "data" / "responses"
#: Stands for a part of a path that code puts together.
ANY = None
Path_ = tuple[str | None, ...]


def read() -> dict[str, dict[str, Any]]:
    return {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))}


def entries(found: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every piece of wording: a text, a list of texts, or a message with its buttons."""
    if isinstance(found, dict) and "lead" not in found:
        for name, inner in found.items():
            yield from entries(inner, (*path, name))
    else:
        yield path


@cache
def asked() -> set[Path_]:
    """The paths that actions ask for: of `text`, `list` and `wording` whole, of `fixed` behind the kind."""
    found: set[Path_] = set()
    for node in sources("actions", "bot/service.py"):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = node.args[1:] if node.func.attr == "fixed" else node.args
            if node.func.attr in ("text", "list", "wording", "fixed"):
                path = tuple(
                    a.value if isinstance(a, ast.Constant) else ANY for a in given if not isinstance(a, ast.Starred)
                )
                if path and isinstance(path[0], str):
                    found.add(path)
    return found


def matches(path: Path_, entry: tuple[str, ...]) -> bool:
    """Whether what is asked for is this entry, or a part of it."""
    return len(path) >= len(entry) and all(a in (ANY, b) for a, b in zip(path, entry, strict=False))


ALL = [path for content in read().values() for path in entries(content)]
OF_ACTIONS = [path for path in ALL if path[0] != "channels"]


def test_there_is_wording() -> None:
    assert ("smalltalk", "greet") in ALL
    assert ("disclaimer",) in asked()
    assert ("not_understood", "first") in asked()


@pytest.mark.parametrize("path", sorted(asked(), key=str), ids=lambda path: ".".join(part or "*" for part in path))
def test_what_is_asked_for_is_there(path: Path_) -> None:
    assert any(matches(path, entry) or matches(entry, path[: len(entry)]) for entry in ALL)


@pytest.mark.parametrize("entry", OF_ACTIONS, ids=".".join)
def test_what_is_there_is_asked_for(entry: tuple[str, ...]) -> None:
    exact = [path for path in asked() if matches(path, entry) and ANY not in path[: len(entry)]]
    put_together = [path for path in asked() if matches(path, entry)]
    known = set(words_in("actions")) | set(DOMAIN["intents"])
    assert exact or (put_together and entry[-1] in known), "nothing says this; take it out, or say it"


@pytest.mark.parametrize("entry", [path for path in ALL if path[0] == "channels"], ids=".".join)
def test_what_messengers_have_is_asked_for(entry: tuple[str, ...]) -> None:
    assert entry[-1] in words_in("bot/channels")


def test_every_intent_of_small_talk_has_its_line() -> None:
    talk = {step["intent"] for _, told in rules() for step in steps(told)
            if "intent" in step and told["steps"][-1].get("action") == "action_smalltalk"}  # fmt: skip
    assert talk
    assert talk <= {path[1] for path in ALL if path[0] == "smalltalk"}


def test_no_first_name_stands_in_two_files() -> None:
    """The later file would silently take the place of the earlier."""
    tops = [top for content in read().values() for top in content]
    assert sorted(set(tops)) == sorted(tops)


def test_suggestions_are_at_most_three_and_short() -> None:
    for content in read().values():
        for path in entries(content):
            found: Any = content
            for name in path:
                found = found[name]
            buttons = found.get("suggestions", []) if isinstance(found, dict) else []
            assert len(buttons) <= 3, path
            assert all(len(text) <= 40 for text in buttons), path


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "general.yml").write_text("a: [\n", encoding="utf-8")
    with pytest.raises(ContentError, match=r"general\.yml"):
        Responses(tmp_path)
