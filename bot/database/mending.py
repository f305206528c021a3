"""The tables of mending: work on revisions, what is switched off, the queue of what went wrong, proposals, checks."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.database.models import Base, now


class Withdrawal(Base):
    """A passage, or all passages of a topic, that staff switched off: not shown until somebody switches it on."""

    __tablename__ = "withdrawals"

    #: passage or topic.
    scope: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    by: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[datetime] = mapped_column(default=now)
    why: Mapped[str] = mapped_column(sa.String(500))


class RevisionWork(Base):
    """Who wrote a revision in the console, who approved it, and how far it is."""

    __tablename__ = "revision_work"

    revision_id: Mapped[int] = mapped_column(
        sa.ForeignKey("passage_revisions.id", ondelete="CASCADE"), primary_key=True
    )
    #: The revision that was published when the work began; null: a new passage.
    based_on: Mapped[int | None]
    #: Account ids of everybody who saved it, with their names: none of them may approve it.
    authors: Mapped[dict[str, str]]
    #: What was changed and why, for whoever approves.
    why: Mapped[str] = mapped_column(sa.String(1000), default="")
    #: writing, waiting (for approval), sent_back, approved or published.
    state: Mapped[str] = mapped_column(sa.String(10), default="writing", index=True)
    changed: Mapped[datetime] = mapped_column(default=now)
    #: Why it was sent back.
    answer: Mapped[str] = mapped_column(sa.String(1000), default="")
    approver: Mapped[int | None]
    approver_name: Mapped[str | None] = mapped_column(sa.String(200))
    approved: Mapped[datetime | None]
    publisher_name: Mapped[str | None] = mapped_column(sa.String(200))
    published: Mapped[datetime | None]


class MendingTheme(Base):
    """What several problems have in common. Its name and counts stay when the words behind it are deleted."""

    __tablename__ = "mending_themes"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: gap (questions alike), passage (the same answer) or safety (the same finding).
    kind: Mapped[str] = mapped_column(sa.String(10))
    #: What the problems share where it is no likeness: a passage or a category.
    key: Mapped[str | None] = mapped_column(sa.String(160), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    named_by_staff: Mapped[bool] = mapped_column(default=False)
    #: Sum of the vectors of the questions, by `encoder`; float32, little-endian.
    centre: Mapped[bytes | None]
    encoder: Mapped[str | None] = mapped_column(sa.String(120))
    items: Mapped[int] = mapped_column(default=0)
    #: How many of them nobody has answered yet.
    waiting: Mapped[int] = mapped_column(default=0)
    last: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (sa.Index("ix_mending_themes_order", "waiting", "last"),)


class MendingItem(Base):
    """Something that went wrong once. Words and conversation are null once the conversation has been deleted."""

    __tablename__ = "mending_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: fallback, not_helpful, clarify, refusal, safety or flag.
    kind: Mapped[str] = mapped_column(sa.String(20))
    #: Id of the bot's message that it is about.
    message_id: Mapped[str | None] = mapped_column(sa.String(120))
    conversation: Mapped[str | None] = mapped_column(sa.String(120), index=True)
    channel: Mapped[str] = mapped_column(sa.String(20))
    at: Mapped[datetime] = mapped_column(default=now)
    #: What the person wrote, masked; and what they or a colleague said about the answer.
    text: Mapped[str | None] = mapped_column(sa.Text)
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    topic: Mapped[str | None] = mapped_column(sa.String(60))
    category: Mapped[str | None] = mapped_column(sa.String(40))
    passage_id: Mapped[str | None] = mapped_column(sa.String(120))
    #: Null: not sorted yet.
    theme_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mending_themes.id"))
    #: Null: nobody has answered it; else linked, proposed, drafted or ignored.
    answer: Mapped[str | None] = mapped_column(sa.String(10))
    answered_by: Mapped[str | None] = mapped_column(sa.String(200))
    answered: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(sa.String(500))

    __table_args__ = (
        sa.UniqueConstraint("kind", "message_id"),
        sa.Index("ix_mending_items_list", "answer", "at"),
        sa.Index("ix_mending_items_theme", "theme_id", "at"),
        sa.Index("ix_mending_items_at", "at"),
    )


class Proposal(Base):
    """A sentence that somebody wants the bot to learn, until a second person has accepted it and it is in a file."""

    __tablename__ = "proposals"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(sa.String(500))
    #: A training sentence of this intent and aspect, or a phrasing of a passage.
    intent: Mapped[str | None] = mapped_column(sa.String(120))
    aspect: Mapped[str | None] = mapped_column(sa.String(60))
    passage_id: Mapped[str | None] = mapped_column(sa.ForeignKey("passages.id"))
    author: Mapped[int]
    author_name: Mapped[str] = mapped_column(sa.String(200))
    at: Mapped[datetime] = mapped_column(default=now)
    #: waiting, accepted, refused or exported.
    state: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    decided_by: Mapped[str | None] = mapped_column(sa.String(200))
    decided: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(sa.String(500))

    __table_args__ = (
        sa.CheckConstraint("(intent IS NULL) <> (passage_id IS NULL)", name="intent_or_passage"),
        sa.Index("ix_proposals_list", "state", "id"),
    )


class PassageUse(Base):
    """How often a passage was shown in a day; outlives the conversations."""

    __tablename__ = "passage_uses"

    #: UTC, as 2026-11-22.
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    passage_id: Mapped[str] = mapped_column(sa.String(120), primary_key=True, index=True)
    shown: Mapped[int]


class SourceCheck(Base):
    """What was found at a source's address when it was last visited."""

    __tablename__ = "source_checks"

    source_id: Mapped[str] = mapped_column(sa.ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    #: ok, moved, refused, gone or unreachable.
    found: Mapped[str] = mapped_column(sa.String(20))
    status: Mapped[int | None]
    moved_to: Mapped[str | None] = mapped_column(sa.String(1000))
    url: Mapped[str] = mapped_column(sa.String(1000))
