"""What is published, as far as the pages about tests need it: read from the database, a page's worth at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.database.models import PUBLISHED, Article, ContentVersion, Passage, PassageRevision, Topic


@dataclass(frozen=True)
class Listed:
    """A published passage in a list. `example`: one way of asking for it."""

    id: str
    title: str
    topic: str
    example: str


def topics(engine: sa.Engine) -> dict[str, str]:
    """Name and title of every topic, in the order of menus."""
    with engine.connect() as connection:
        rows = connection.execute(sa.select(Topic.name, Topic.title).order_by(Topic.position)).all()
    return {row.name: row.title for row in rows}


def titles(engine: sa.Engine, passages: Iterable[str]) -> dict[str, str]:
    """The titles of these passages: of the newest revision, since a draft may be what is tried."""
    wanted = list(passages)
    if not wanted:
        return {}
    r = PassageRevision
    query = sa.select(r.passage_id, r.title).where(r.passage_id.in_(wanted)).order_by(r.number)
    with engine.connect() as connection:
        return {row.passage_id: row.title for row in connection.execute(query)}


def published(engine: sa.Engine) -> dict[str, str]:
    """Every published passage and its topic."""
    with engine.connect() as connection:
        rows = connection.execute(_published(PassageRevision.passage_id, Article.topic)).all()
    return {row.passage_id: row.topic for row in rows}


def listed(engine: sa.Engine, passages: Iterable[str]) -> list[Listed]:
    """These passages in the order of their ids, with a way of asking for each."""
    r = PassageRevision
    query = _published(r.passage_id, r.title, Article.topic, r.questions).where(r.passage_id.in_(list(passages)))
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(r.passage_id)).all()
    return [Listed(row.passage_id, row.title, row.topic, next(iter(row.questions), row.title)) for row in rows]


def version(engine: sa.Engine) -> int:
    """The version of the content."""
    with engine.connect() as connection:
        return connection.scalar(sa.select(ContentVersion.version)) or 0


def _published(*columns: Any) -> Any:
    return (
        sa.select(*columns)
        .join(Passage, Passage.id == PassageRevision.passage_id)
        .join(Article, Article.id == Passage.article_id)
        .where(PassageRevision.state == PUBLISHED)
    )
