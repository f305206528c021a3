"""The C library reads the shipped data as Python's own reader does."""

from __future__ import annotations

import pytest
import yaml

from bot import quick_yaml
from bot.settings import ROOT

FILES = ["data/lexicon/ambiguous.yml", "data/helplines.yml", "data/responses/general.yml"]


@pytest.mark.parametrize("file", FILES)
def test_the_same_is_read(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert quick_yaml.load(text) == yaml.safe_load(text)


def test_a_mistake_is_placed() -> None:
    with pytest.raises(yaml.YAMLError) as raised:
        quick_yaml.load("a: 1\nb: [")
    assert raised.value.problem_mark.line >= 1  # type: ignore[attr-defined]


def test_only_plain_types_are_made() -> None:
    with pytest.raises(yaml.YAMLError):
        quick_yaml.load("!!python/object/apply:os.getcwd []")
