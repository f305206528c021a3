"""What the documentation names is there: commands, make targets, settings, figures, files and headings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.__main__ import COMMANDS
from bot.channels.figures import Figures
from bot.ops.health import Metrics
from bot.settings import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
SETTINGS = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
#: Written in capitals with an underscore and no setting: constants of the code, and names that others gave.
NO_SETTINGS = re.compile(r"TEST_|OPENAPI_|FUZZ_|EVENKEEL_|HELD_|NOT_MET|SQL_|POSTGRES_|.*_API_BASE")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture(params=PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def page(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_commands_exist(page: Path) -> None:
    named = set(re.findall(r"python -m bot ([a-z]+)", text_of(page)))
    assert named <= set(COMMANDS), page


def test_make_targets_exist(page: Path) -> None:
    code = re.findall(r"`make (?:-s )?([a-z-]+)|^    make (?:-s )?([a-z-]+)", text_of(page), re.MULTILINE)
    assert {name for pair in code for name in pair if name} <= TARGETS, page


def test_settings_exist(page: Path) -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", text_of(page)))
    assert {name for name in named if not NO_SETTINGS.match(name)} <= SETTINGS, page


def test_figures_exist(page: Path) -> None:
    metrics = Metrics()
    Figures(metrics)
    served = {metric.name for metric in metrics.registry.collect()}
    assert set(re.findall(r"\bevenkeel_[a-z_]+?(?=_total|_count|_sum|_bucket|[^a-z_])", text_of(page))) <= served, page


def test_links_lead_somewhere(page: Path) -> None:
    for address in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", address):
            continue
        file, _, heading = address.partition("#")
        there = page.parent / file if file else page
        assert there.exists(), f"{page}: {address}"
        if heading and there.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", text_of(there), re.MULTILINE)
            slugs = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in headings}
            assert heading in slugs, f"{page}: {address}"


def test_pages_that_are_named_are_there(page: Path) -> None:
    for name in re.findall(r"\b(docs/[a-z/-]+\.md|deploy/[A-Za-z@./-]+[a-z])", text_of(page)):
        assert name == "deploy/evenkeel.env" or (ROOT / name).exists(), f"{page}: {name}"
