"""The structured message that every answer is: what actions build and channels render.

The field names are those of the chat API (docs/architecture.md, "Message"): `to_dict` gives exactly that JSON.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["answer", "safety", "clarify", "fallback", "smalltalk", "refusal"]


@dataclass(frozen=True)
class SourceRef:
    """Where a statement was read: title and publisher always, year and https address where known."""

    title: str
    publisher: str
    year: int | None = None
    url: str | None = None


@dataclass(frozen=True)
class Review:
    """Who stands behind a passage: `state` is unreviewed, reviewed or due; `on` an ISO date; `by` a name."""

    state: str
    on: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Suggestion:
    """A button: an opaque id that is valid for this conversation, and the words on it."""

    id: str
    title: str


@dataclass(frozen=True)
class Contact:
    """Somebody to reach: `call` is a number as dialled, `text` {"number", "body"}, `url` https."""

    name: str
    country: str
    call: str | None = None
    text: dict[str, str | None] | None = None
    url: str | None = None
    hours: str | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flow:
    """A guided exercise: its name, the step shown and how many there are."""

    name: str
    step: int
    of: int


@dataclass(frozen=True)
class Message:
    """One message of the bot. `disclaimer` is its last line wherever it is rendered; empty on none but small talk."""

    id: str
    kind: Kind
    lead: str
    category: str | None = None
    topic: str | None = None
    aspects: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    sources: tuple[SourceRef, ...] = ()
    review: Review | None = None
    suggestions: tuple[Suggestion, ...] = ()
    contacts: tuple[Contact, ...] = ()
    flow: Flow | None = None
    lang: str = "en"
    at: str = ""
    disclaimer: str = ""
    #: Not part of the chat API: which passages were shown and the names that the answer is about.
    passages: tuple[str, ...] = field(default=())
    drugs: tuple[str, ...] = field(default=())
    #: Nor this: the revisions of those passages, so that what people thought of an answer is known by its words.
    revisions: tuple[int, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """The message as plain JSON types, every field present."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Message:
        """The message that `to_dict` made; unknown keys are an error (TypeError)."""
        known = dict(data)
        known["aspects"] = tuple(known.get("aspects") or ())
        known["details"] = tuple(known.get("details") or ())
        known["passages"] = tuple(known.get("passages") or ())
        known["drugs"] = tuple(known.get("drugs") or ())
        known["revisions"] = tuple(known.get("revisions") or ())
        known["sources"] = tuple(SourceRef(**s) for s in known.get("sources") or ())
        known["suggestions"] = tuple(Suggestion(**s) for s in known.get("suggestions") or ())
        known["contacts"] = tuple(
            Contact(**{**c, "languages": tuple(c.get("languages") or ())}) for c in known.get("contacts") or ()
        )
        known["review"] = Review(**known["review"]) if known.get("review") else None
        known["flow"] = Flow(**known["flow"]) if known.get("flow") else None
        return cls(**known)
