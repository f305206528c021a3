"""What the screen finds in a message."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Category = Literal["crisis_selfharm", "medical_emergency", "urgent_care", "panic_now", "refuse_dosing"]
Layer = Literal["patterns", "classifier", "both"]
Person = Literal["self", "other"]

#: Every category, the gravest first. Where several apply to one message the first one decides the reply.
#: A suicidal act that has already happened is `crisis_selfharm` with aspect `acted`: its reply holds the
#: emergency number before the crisis line.
CATEGORIES: tuple[Category, ...] = ("medical_emergency", "crisis_selfharm", "urgent_care", "panic_now", "refuse_dosing")

#: Categories about somebody in danger; the rest is a request that must be declined.
DANGERS: frozenset[str] = frozenset(CATEGORIES[:4])

UNKNOWN_LANGUAGE = "unknown"


@dataclass(frozen=True)
class Finding:
    """One danger, or one request that must be declined, found in a message.

    Attributes:
        category: decides the kind of reply.
        confidence: 0 to 1; 1 for a pattern of plain wording.
        layer: which layer found it.
        rule: the pattern group that matched (data/screen/patterns.yml), None when only the classifier did.
        person: whom it is about.
        language: ISO 639-1 code the reply is written in, "unknown" when it could not be told.
        mixed: the message also asks something that an answer may follow.
        aspect: what kind within the category (the aspects of the training sentences), "" when unknown.
        certain_language: the language was told from four words or more, so the reply need not be in English too.
    """

    category: Category
    confidence: float
    layer: Layer
    rule: str | None = None
    person: Person | None = None
    language: str = "en"
    mixed: bool = False
    aspect: str = ""
    certain_language: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; holds no word of the message."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """The finding that `to_dict` made; unknown keys are an error (TypeError)."""
        return cls(**data)
