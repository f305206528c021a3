"""The shipped content fulfils every rule of `bot.articles.check`; one test a file, named like it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from bot.articles.check import Problem, check, read_tables
from bot.articles.do_not_say import everything_said
from bot.articles.source_files import read_content
from bot.settings import ROOT

DATA = ROOT / "data"
FILES = sorted((DATA / "articles").glob("*.md"))


@lru_cache(maxsize=1)
def problems() -> tuple[Problem, ...]:
    return tuple(check(DATA))


def about(path: Path) -> list[str]:
    return [str(problem) for problem in problems() if problem.where.startswith(str(path))]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_an_article_keeps_the_rules(path: Path) -> None:
    assert about(path) == []


def test_the_rest_keeps_the_rules() -> None:
    """Coverage, facts, lists of exceptions, responses, helplines."""
    assert [str(problem) for problem in problems() if not problem.where.startswith(str(DATA / "articles"))] == []


def test_everything_that_the_bot_can_say_is_looked_at() -> None:
    said = list(everything_said(read_content(DATA), DATA))
    files = {one.where.partition(":")[0] for one in said}
    assert {str(path) for path in FILES} <= files
    assert {str(path) for path in (DATA / "responses").rglob("*.yml")} <= files
    assert str(DATA / "helplines.yml") in files


RULES = read_tables(DATA / "content_rules").rules


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_rule_catches_what_it_is_for(rule) -> None:  # type: ignore[no-untyped-def]
    assert rule.catches and [text for text in rule.catches if not list(rule.broken_by(text))] == []


GOOD = [
    "Call 911 in the US, 999 in the UK or 112 in Europe or the EU.",
    "Please do not stop lamotrigine because of this.",
    "Never leave them to sleep it off.",
    "It is not approved for panic disorder.",
    "No good evidence was found, which is not the same as safe.",
    "Panic attacks are not dangerous in themselves, but only when the cause is known to be panic.",
    "Ketamine can be addictive.",
    "If you have panic disorder, tell the team.",
    "Your prescriber decides about any change of the dose.",
    "The band runs from more than 1 in 100 up to 1 in 10 people.",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_sentences_break_no_rule(text: str) -> None:
    assert [rule.id for rule in RULES if list(rule.broken_by(text))] == []
