"""Whose message goes first when many wait: the screen's quickest look, for the order alone.

What is answered is decided later, by the whole screen, for every message alike.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from bot.language.text import clean, fold
from bot.ops.logs import describe
from bot.screen.findings import DANGERS

_log = logging.getLogger(__name__)

#: Characters looked at.
_MOST = 2_000
_PLAIN = re.compile(
    r"\b(suicid\w*|kill (my|him|her|them)sel\w+|(want|going|ready) to die|end (it|my life)|overdos\w+|cant breathe|"
    r"(not|stopped) breathing|wont wake|unconscious|collapsed|seizure|chest pain|heart attack|self harm\w*|hurt myself|"
    r"emergency|ambulance|911|999|112|help me)\b"
)


@cache
def make_urgency(data: Path) -> Callable[[str], bool]:
    """A function that says whether a text speaks of danger; it takes about a millisecond and never raises.

    Made once in a process, when it is first asked for.

    Args:
        data: the folder of the shipped data, with screen/patterns.yml; without it a few plain words decide.
    """
    patterns, view = _patterns(data)

    def urgent(text: str) -> bool:
        try:
            plain = view(fold(clean(text[:_MOST])))
            if _PLAIN.search(plain):
                return True
            if patterns is None:
                return False
            return any(match.category in DANGERS for match in patterns.matches(patterns.concepts_in(plain)))
        except Exception as error:
            _log.error("A message's urgency could not be told: %s", describe(error))
            return True

    return urgent


def _patterns(data: Path) -> tuple[Any, Callable[[str], str]]:
    from bot.screen.views import plain_view

    try:
        from bot.screen.patterns import shared_patterns

        return shared_patterns(data), plain_view
    except Exception as error:
        _log.warning("Waiting messages are sorted by plain words alone: %s", describe(error))
        return None, plain_view
