"""Who may import what. One way, no step looks upstream; Rasa, the database and the environment have their places."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from bot.settings import ROOT

#: Folder -> what nothing in it may import.
UPSTREAM = {
    "bot/language/": """rasa rasa_sdk sqlalchemy actions bot.nlu bot.engine bot.screen bot.articles bot.channels
                        bot.web bot.service""",
    "bot/screen/": """rasa rasa_sdk sqlalchemy actions bot.nlu bot.engine bot.articles bot.channels bot.web
                      bot.service""",
    "bot/articles/": "rasa rasa_sdk actions bot.nlu bot.engine bot.screen bot.channels bot.web bot.service",
    "bot/nlu/": "sqlalchemy actions bot.engine bot.channels bot.web bot.service",
    "bot/engine/": "actions bot.nlu bot.articles bot.screen bot.channels bot.web bot.service",
    "bot/channels/": "rasa rasa_sdk bot.nlu",
    "bot/web/": "rasa rasa_sdk bot.nlu actions",
    "actions/": "rasa sqlalchemy bot.nlu bot.engine bot.channels bot.web bot.service",
}


@cache
def trees() -> dict[str, ast.Module]:
    """Every Python file of ours but the tests, below the root, parsed."""
    files = sorted(path for folder in ("bot", "actions", "scripts") for path in (ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}


@cache
def imports() -> list[tuple[str, int, str]]:
    """(file, line, module) of everything that is imported, wherever in a file it stands."""
    found = []
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found += [(file, node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                found += [(file, node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def where(name: str, below: str = "", but: tuple[str, ...] = ()) -> list[str]:
    """The lines `below` a folder that import the module `name`, those in the places `but` left out."""
    found = {
        f"{file}:{line}"
        for file, line, module in imports()
        if f"{module}.".startswith(f"{name}.") and file.startswith(below) and not file.startswith(but)
    }
    return sorted(found)


def test_something_is_looked_at() -> None:
    assert len(trees()) > 60
    assert where("rasa", "bot/engine")
    assert where("sqlalchemy", "bot/database")
    assert where("bot.errors", "bot/nlu") or where("bot.errors", "bot/engine")


def test_rasa_stands_behind_the_engine() -> None:
    assert where("rasa", but=("bot/engine/", "bot/nlu/")) == []


def test_the_sdk_of_actions_stands_with_actions() -> None:
    assert where("rasa_sdk", but=("actions/", "bot/engine/")) == []


def test_sqlalchemy_stands_where_there_are_models_and_stores() -> None:
    stores = ("bot/database/", "bot/articles/", "bot/web/", "bot/ops/", "bot/channels/", "bot/staff/")
    assert where("sqlalchemy", but=(*stores, "bot/engine/tracker_store.py", "bot/app.py")) == []


def test_nothing_needs_the_staff_console() -> None:
    """It is put together in bot/app.py, and `serve` prints where it is; the rest works without it."""
    assert where("bot.staff", but=("bot/staff/", "bot/app.py", "bot/web/commands.py")) == []


@pytest.mark.parametrize(
    ("folder", "module"), [(folder, module) for folder, modules in UPSTREAM.items() for module in modules.split()]
)
def test_no_step_looks_upstream(folder: str, module: str) -> None:
    assert where(module, folder) == []


def test_the_environment_is_read_in_one_place() -> None:
    """scripts/ run before there is anything to read settings with."""
    found = []
    for file, tree in trees().items():
        if file.startswith("scripts/") or file in ("bot/settings.py", "bot/engine/compat.py"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv"):
                found.append(f"{file}:{node.lineno}")
            elif isinstance(node, ast.ImportFrom) and node.module == "os":
                found += [f"{file}:{node.lineno}" for alias in node.names if alias.name in ("environ", "getenv")]
    assert found == [], "ask bot.settings for it"
