"""What is published, for readers: articles by topic, and an article with its passages, sources and dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from bot.database.engine import read_transaction
from bot.database.mending import Withdrawal
from bot.database.models import (
    PUBLISHED,
    Article,
    Passage,
    PassageRevision,
    PassageRevisionSource,
    Source,
    Topic,
)
from bot.message import Review, SourceRef

#: What staff switched off is not shown here either; for queries with Passage and Article.
_SHOWN = (
    ~sa.exists().where(Withdrawal.scope == "passage", Withdrawal.name == Passage.id),
    ~sa.exists().where(Withdrawal.scope == "topic", Withdrawal.name == Article.topic),
)


@dataclass(frozen=True)
class Title:
    """An article in a list."""

    id: str
    title: str


@dataclass(frozen=True)
class Shelf:
    """The articles on a topic."""

    topic: str
    title: str
    articles: tuple[Title, ...]


@dataclass(frozen=True)
class Section:
    """A passage as a part of its article."""

    id: str
    title: str
    lead: str
    details: tuple[str, ...]
    sources: tuple[SourceRef, ...]
    review: Review


@dataclass(frozen=True)
class ArticlePage:
    """An article. `reviewed`: a clinician has read all of it; `updated`: the day of its newest words."""

    id: str
    title: str
    topic: str
    topic_title: str
    sections: tuple[Section, ...]
    reviewed: bool
    updated: date


class Library:
    """Reads the database; every method is one short transaction and belongs into a thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def shelves(self) -> tuple[Shelf, ...]:
        """Every topic that has something published, in the order of menus."""
        published = (
            sa.select(Topic.name, Topic.title.label("topic_title"), Article.id, Article.title)
            .join(Article, Article.topic == Topic.name)
            .where(
                sa.exists()
                .where(Passage.article_id == Article.id)
                .where(PassageRevision.passage_id == Passage.id)
                .where(PassageRevision.state == PUBLISHED, *_SHOWN)
            )
            .order_by(Topic.position, Article.title)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(published).all()
        shelves: dict[str, tuple[str, list[Title]]] = {}
        for row in rows:
            shelves.setdefault(row.name, (row.topic_title, []))[1].append(Title(row.id, row.title))
        return tuple(Shelf(topic, title, tuple(articles)) for topic, (title, articles) in shelves.items())

    def article(self, name: str) -> ArticlePage | None:
        """The article with the id `name`, as far as it is published; None where nothing of it is."""
        with read_transaction(self._engine) as connection:
            head = connection.execute(
                sa.select(Article.__table__, Topic.title.label("topic_title"))
                .join(Topic, Topic.name == Article.topic)
                .where(Article.id == name)
            ).one_or_none()
            if head is None:
                return None
            rows = connection.execute(
                sa.select(PassageRevision.__table__)
                .join(Passage, Passage.id == PassageRevision.passage_id)
                .join(Article, Article.id == Passage.article_id)
                .where(Passage.article_id == name, PassageRevision.state == PUBLISHED, *_SHOWN)
                .order_by(Passage.position, Passage.id)
            ).all()
            sources = _sources(connection, [row.id for row in rows])
        if not rows:
            return None
        today = datetime.now(UTC).date().isoformat()
        sections = tuple(
            Section(
                row.passage_id,
                row.title,
                row.lead,
                tuple(row.details),
                tuple(sources.get(row.id, ())),
                _review(row if row.review_state else head, today),
            )
            for row in rows
        )
        return ArticlePage(
            head.id,
            head.title,
            head.topic,
            head.topic_title,
            sections,
            reviewed=all(section.review.state != "unreviewed" for section in sections),
            updated=max(row.created for row in rows).date(),
        )


def _sources(connection: sa.Connection, revisions: Sequence[int]) -> dict[int, list[SourceRef]]:
    cited = (
        sa.select(PassageRevisionSource.revision_id, Source.title, Source.publisher, Source.year, Source.url)
        .join(Source, Source.id == PassageRevisionSource.source_id)
        .where(PassageRevisionSource.revision_id.in_(revisions))
        .order_by(PassageRevisionSource.revision_id, PassageRevisionSource.position)
    )
    found: dict[int, list[SourceRef]] = {}
    for row in connection.execute(cited):
        found.setdefault(row.revision_id, []).append(SourceRef(row.title, row.publisher, row.year, row.url))
    return found


def _review(row: Any, today: str) -> Review:
    due = row.review_state == "reviewed" and row.review_due and row.review_due <= today
    return Review("due" if due else row.review_state, row.review_on, row.review_by)
