"""What a draft looks like on each channel, within that channel's limits."""

from __future__ import annotations

from dataclasses import dataclass

from bot.articles.check import DETAIL_GRADE, LEAD_GRADE, MOST_DETAIL_WORDS, MOST_LEAD_WORDS
from bot.articles.source_files import Content, Section
from bot.channels.preview import SCREENS, shown
from bot.channels.rendering import Part
from bot.channels.sms import segments
from bot.message import Message, Review, SourceRef
from bot.staff.mending.checks import Looked


@dataclass(frozen=True)
class Sent:
    """One message as it would arrive: its text, the length of it and what the platform takes."""

    text: str
    length: int
    most: int


@dataclass(frozen=True)
class OnChannel:
    """A draft on one channel. `note` says what is worth knowing besides: how many text messages are paid for."""

    name: str
    title: str
    messages: tuple[Sent, ...]
    note: str


def message_of(section: Section, topic: str, review: Review, content: Content, disclaimer: str) -> Message:
    """The answer that the passage would be; a source that is not in the list is left out."""
    sources = [content.sources[name] for name in section.sources if name in content.sources]
    return Message(
        id="preview",
        kind="answer",
        lead=section.lead,
        topic=topic,
        aspects=section.aspects,
        details=section.details,
        sources=tuple(SourceRef(s.title, s.publisher, s.year, s.url) for s in sources),
        review=review,
        disclaimer=disclaimer,
        passages=(section.id,),
    )


def on_channels(message: Message) -> tuple[OnChannel, ...]:
    """The answer on every messenger, whether it is set up here or not."""
    found = []
    for screen in SCREENS:
        style = screen.platform.style(screen.address)
        parts = shown(message, screen)
        sent = tuple(Sent(part.text, style.measure(part.text), style.most) for part in parts)
        found.append(OnChannel(screen.name, screen.title, sent, _note(screen.name, parts)))
    return tuple(found)


def _note(channel: str, parts: list[Part]) -> str:
    if channel == "sms":
        return f"The first message is paid for as {segments(parts[0].text)} texts; MORE brings the rest."
    return f"Split into {len(parts)} messages." if len(parts) > 1 else ""


def limits(looked: Looked) -> tuple[tuple[str, str, bool], ...]:
    """Each figure of a draft with its limit: (name, "12 of 60", whether it is within)."""
    figures = (
        ("First paragraph, words", looked.lead_words, MOST_LEAD_WORDS),
        ("Further paragraphs, words", looked.details_words, MOST_DETAIL_WORDS),
        ("First paragraph, years of school", looked.lead_grade, LEAD_GRADE),
        ("Further paragraphs, years of school", looked.details_grade, DETAIL_GRADE),
    )
    return tuple((name, f"{value:g} of {most:g}", value <= most) for name, value, most in figures)
