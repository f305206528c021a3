"""Published passages as the messages that show them, without loading anything that understands questions."""

from __future__ import annotations

import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.database.models import PUBLISHED, Article, Passage, PassageRevision, PassageRevisionSource, Source
from bot.message import Message, Review, SourceRef
from bot.settings import Settings


def answers(settings: Settings) -> dict[str, Message]:
    """Passage id -> the answer that shows it, from the database of `settings`."""
    engine = make_engine(settings.database_url)
    upgrade(engine)
    try:
        from actions.wording import responses

        return read_answers(engine, responses(settings.data / "responses").text("disclaimer"))
    finally:
        engine.dispose()


def read_answers(engine: sa.Engine, disclaimer: str) -> dict[str, Message]:
    """Passage id -> the answer that shows it."""
    revision = PassageRevision
    published = (
        sa.select(
            revision.id, revision.passage_id, revision.lead, revision.details, revision.aspects, Article.topic,
            sa.func.coalesce(revision.review_state, Article.review_state).label("state"),
            sa.case((revision.review_state.is_(None), Article.review_on), else_=revision.review_on).label("on"),
            sa.case((revision.review_state.is_(None), Article.review_by), else_=revision.review_by).label("by"),
        )
        .join(Passage, Passage.id == revision.passage_id)
        .join(Article, Article.id == Passage.article_id)
        .where(revision.state == PUBLISHED)
        .order_by(Article.id, Passage.position)
    )  # fmt: skip
    cited = (
        sa.select(PassageRevisionSource.revision_id, Source.title, Source.publisher, Source.year, Source.url)
        .join(Source, Source.id == PassageRevisionSource.source_id)
        .order_by(PassageRevisionSource.revision_id, PassageRevisionSource.position)
    )
    sources: dict[int, list[SourceRef]] = {}
    with engine.connect() as connection:
        for row in connection.execute(cited):
            sources.setdefault(row.revision_id, []).append(SourceRef(row.title, row.publisher, row.year, row.url))
        rows = connection.execute(published).all()
    return {
        row.passage_id: Message(
            id=f"preview-{row.passage_id}",
            kind="answer",
            lead=row.lead,
            details=tuple(row.details),
            topic=row.topic,
            aspects=tuple(row.aspects),
            sources=tuple(sources.get(row.id, ())),
            review=Review(row.state, row.on, row.by),
            disclaimer=disclaimer,
            passages=(row.passage_id,),
        )
        for row in rows
    }
