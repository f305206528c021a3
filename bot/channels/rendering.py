"""A structured message as parts that a platform takes: within its limits, nothing lost, the last words always last.

A message that is too long for one part is split between paragraphs, else at sentence ends, else between words; each
part of an answer ends with the disclaimer, so that no part can ever arrive without it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.channels.plain import contact_line, review_line, source_line
from bot.message import Contact, Message, SourceRef, Suggestion

_GAP = "\n\n"
_SENTENCE = re.compile(r"(?<=[.!?…。！？।])[\"'”’)\]]*\s+")
#: A safety message with a longer lead than this shows its numbers even before it.
_LONG_LEAD = 400


def utf16(text: str) -> int:
    """The length in UTF-16 units, which no platform counts less than."""
    return len(text) + sum(character > "\uffff" for character in text)


def same(text: str) -> str:
    """`text` as it is."""
    return text


@dataclass(frozen=True)
class Style:
    """What a platform takes and how it wants it.

    Attributes:
        most: the longest text of one part, as `measure` counts.
        buttons: how many buttons a part may have (0: none); with_buttons: the longest text of a part that has some.
        label: the longest label of a button; key: the longest value that comes back when it is pressed, in bytes.
        escape, contact, source: how words, somebody's numbers and a source are written.
    """

    most: int
    buttons: int = 0
    with_buttons: int = 0
    label: int = 20
    key: int = 64
    measure: Callable[[str], int] = utf16
    escape: Callable[[str], str] = same
    contact: Callable[[Contact], str] = contact_line
    source: Callable[[SourceRef], str] = source_line
    #: Said below numbered choices.
    choose: str = "Reply with a number to choose."


@dataclass(frozen=True)
class Choice:
    """A button: its label, what comes back when it is pressed, and its title in full."""

    label: str
    key: str
    title: str


@dataclass(frozen=True)
class Part:
    """One message to the platform."""

    text: str
    choices: tuple[Choice, ...] = ()


def key_of(suggestion: str, most: int = 64) -> str:
    """What a button carries: the suggestion's id, or a hash of it where that is too long; `find_key` is its inverse."""
    if suggestion.isascii() and suggestion.isprintable() and len(suggestion) <= most and not suggestion.startswith("#"):
        return suggestion
    return "#" + hashlib.sha256(suggestion.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def find_key(key: str, offered: Sequence[Sequence[str]]) -> str:
    """The id of the suggestion whose button carried `key`."""
    return next((identity for identity, _ in offered if key_of(identity) == key), key)


def render(message: Message, style: Style) -> list[Part]:
    """The parts of `message`, at least one, each within the limits of `style`."""
    closing = _closing(message, style)
    blocks = _blocks(message, style)
    choices = _choices(message.suggestions, style)
    if choices and len(choices) <= style.buttons:
        short = all(choice.label == choice.title for choice in choices)
        texts = pack([*blocks] if short else [*blocks, numbered(message.suggestions, style, "")], closing, style)
        if style.measure(texts[-1]) <= style.with_buttons:
            return [*(Part(text) for text in texts[:-1]), Part(texts[-1], choices)]
    if choices:
        blocks.append(numbered(message.suggestions, style, style.choose))
    return [Part(text) for text in pack(blocks, closing, style)]


def numbered(suggestions: Sequence[Suggestion], style: Style, below: str) -> str:
    """The choices as lines with numbers."""
    lines = [f"{n}. {style.escape(one_line(s.title))}" for n, s in enumerate(suggestions, 1)]
    return "\n".join([*lines, below] if below else lines)


def one_line(text: str) -> str:
    """`text` without line breaks."""
    return " ".join(text.split())


def pack(blocks: Sequence[str], closing: str, style: Style) -> list[str]:
    """Paragraphs as few texts within `style.most`, each with `closing` as its end."""
    tail = f"{_GAP}{closing}" if closing else ""
    room = style.most - style.measure(tail)
    if room < style.most // 4:  # a closing this long can only stand alone
        return [*pack(blocks, "", style), *pack([closing], "", style)] if any(blocks) else pack([closing], "", style)
    texts, now = [], ""
    for block in blocks:
        for piece in _pieces(block, room, style):
            joined = f"{now}{_GAP}{piece}" if now else piece
            if now and style.measure(joined) > room:
                texts.append(now)
                joined = piece
            now = joined
    if now or not texts:
        texts.append(now)
    return [(text + tail).strip() or closing for text in texts]


def _pieces(block: str, room: int, style: Style) -> list[str]:
    """`block` in pieces of at most `room`: at line ends, sentence ends, words, or anywhere."""
    block = block.strip()
    if not block:
        return []
    if style.measure(block) <= room:
        return [block]
    for parts, glue in ((block.split("\n"), "\n"), (_SENTENCE.split(block), " "), (block.split(), " ")):
        parts = [part for part in parts if part.strip()]
        if len(parts) > 1:
            return _joined(parts, glue, room, style)
    cut = room
    while style.measure(block[:cut]) > room:
        cut -= max(1, (style.measure(block[:cut]) - room) // 2)
    cut = max(cut, 1)
    return [block[:cut], *_pieces(block[cut:], room, style)]


def _joined(parts: Sequence[str], glue: str, room: int, style: Style) -> list[str]:
    pieces, now = [], ""
    for part in parts:
        joined = f"{now}{glue}{part}" if now else part
        if style.measure(joined) <= room:
            now = joined
            continue
        if now:
            pieces.append(now)
        *whole, now = _pieces(part, room, style) or [""]
        pieces += whole
    return [*pieces, now] if now else pieces


def _blocks(message: Message, style: Style) -> list[str]:
    lead = style.escape(message.lead)
    details = [style.escape(detail) for detail in message.details]
    contacts = [style.contact(contact) for contact in message.contacts]
    numbers = ["\n".join(contacts)] if contacts else []
    blocks = [lead, *details, *numbers]
    if message.kind == "safety":
        blocks = [*numbers, lead, *details] if len(lead) > _LONG_LEAD else [lead, *numbers, *details]
    if message.sources:
        blocks.append("\n".join(["Sources:", *(f"- {style.source(s)}" for s in message.sources)]))
    if message.review:
        blocks.append(style.escape(review_line(message.review)))
    return [block for block in blocks if block.strip()]


def _closing(message: Message, style: Style) -> str:
    """What every part ends with: the disclaimer, or in danger without one whom to call."""
    if message.disclaimer:
        return style.escape(message.disclaimer)
    if message.kind != "safety" or not message.contacts:
        return ""
    more = message.details or message.suggestions or message.sources or message.review
    numbers_stand_last = not more and len(style.escape(message.lead)) <= _LONG_LEAD
    return "" if numbers_stand_last else style.contact(message.contacts[0])


def ends_with(message: Message, style: Style) -> str:
    """What the last part of `message` must end with; empty where nothing is asked of it."""
    if closing := _closing(message, style):
        return closing
    return style.contact(message.contacts[-1]) if message.kind == "safety" and message.contacts else ""


def _choices(suggestions: Sequence[Suggestion], style: Style) -> tuple[Choice, ...]:
    titles = [one_line(s.title) for s in suggestions]
    short = all(0 < utf16(title) <= style.label for title in titles) and len(set(titles)) == len(titles)
    return tuple(
        Choice(title if short else cut(f"{n}. {title}", style.label), key_of(s.id, style.key), title)
        for n, (s, title) in enumerate(zip(suggestions, titles, strict=True), 1)
    )


def cut(text: str, most: int) -> str:
    """`text` within `most` UTF-16 units, with an ellipsis where something is gone."""
    if utf16(text) <= most:
        return text
    while utf16(text) > most - 1:
        text = text[:-1]
    return text.rstrip() + "…"
