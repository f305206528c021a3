"""A structured message as plain text: for the terminal, and the base of channels without richer forms."""

from __future__ import annotations

from bot.message import Contact, Message, Review, SourceRef

_REVIEW = {
    "unreviewed": "Not yet reviewed by a clinician.",
    "reviewed": "Reviewed by {by} on {on}.",
    "due": "Reviewed by {by} on {on}; a new review is due.",
}


def as_text(message: Message, *, numbered: bool = False) -> str:
    """Lead, details, contacts (in danger before the details), sources, review, choices; the disclaimer always last.

    Args:
        numbered: number the choices, for a person who can answer with a number.
    """
    numbers = ["\n".join(contact_line(c) for c in message.contacts)] if message.contacts else []
    blocks = [message.lead, *message.details, *numbers]
    if message.kind == "safety":  # whom to call comes before what else there is to say
        blocks = [message.lead, *numbers, *message.details]
    if message.sources:
        blocks.append("Sources:\n" + "\n".join(f"- {source_line(s)}" for s in message.sources))
    if message.review:
        blocks.append(review_line(message.review))
    if message.suggestions:
        marks = [f"{n}." if numbered else "-" for n in range(1, len(message.suggestions) + 1)]
        blocks.append("\n".join(f"{mark} {s.title}" for mark, s in zip(marks, message.suggestions, strict=True)))
    if message.disclaimer:
        blocks.append(message.disclaimer)
    return "\n\n".join(block for block in blocks if block)


def source_line(source: SourceRef) -> str:
    """Title, publisher, year and address of a source in one line."""
    parts = [f"{source.title}. {source.publisher}"]
    if source.year:
        parts.append(f", {source.year}")
    if source.url:
        parts.append(f". {source.url}")
    return "".join(parts)


def contact_line(contact: Contact) -> str:
    """A contact in one line: whom, where, how."""
    ways = []
    if contact.call:
        ways.append(f"call {contact.call}")
    if contact.text and contact.text.get("number"):
        body = contact.text.get("body")
        ways.append(f"text {f'{body} to ' if body else ''}{contact.text['number']}")
    if contact.url:
        ways.append(contact.url)
    hours = f" ({contact.hours})" if contact.hours else ""
    return f"{contact.country}: {contact.name}: {' or '.join(ways)}{hours}"


def review_line(review: Review) -> str:
    """Who stands behind an answer, in a sentence."""
    return _REVIEW.get(review.state, _REVIEW["unreviewed"]).format(
        by=review.by or "a clinician", on=review.on or "an unknown date"
    )
