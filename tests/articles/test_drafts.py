"""Drafts in the place of what is published, for whoever tests; what visitors are answered from stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.articles.load import load
from bot.articles.store import ArticleStore, Query
from bot.database.models import DRAFT, Embedding, Passage, PassageRevision, PassageRevisionSource
from tests.articles.fakes import FakeEncoder, write_content

LEAD = "Ketamine can hurt the bladder, more so at high doses."


@pytest.fixture
def published(sqlite_database: sa.Engine, tmp_path: Path) -> ArticleStore:
    load(sqlite_database, write_content(tmp_path / "data"))
    return ArticleStore(sqlite_database, FakeEncoder())


def draft(engine: sa.Engine, passage: str = "bladder-problems", number: int = 2, **values: object) -> int:
    """Write a draft; its id."""
    row = {
        "passage_id": passage, "number": number, "state": DRAFT, "title": "Bladder", "lead": LEAD, "details": [],
        "aspects": ["bladder"], "drugs": [], "questions": ["is my bladder at risk"], "facts": ["se-bladder"],
    }  # fmt: skip
    with engine.begin() as connection:
        made = connection.execute(sa.insert(PassageRevision).values(**{**row, **values})).inserted_primary_key
        assert made is not None
        source = {"revision_id": made[0], "position": 0, "source_id": "book"}
        connection.execute(sa.insert(PassageRevisionSource).values(**source))
    return int(made[0])


def found(store: ArticleStore, text: str) -> list[str]:
    vector = FakeEncoder().encode([text])[0]
    return [hit.passage.lead for hit in store.search(Query(text, vector))]


def test_the_newest_draft_is_shown_and_found_by_its_own_phrasings(
    published: ArticleStore, sqlite_database: sa.Engine
) -> None:
    draft(sqlite_database, lead="An older draft.")
    draft(sqlite_database, number=3)
    store = published.with_drafts()
    passage = store.passage("bladder-problems")
    assert (passage.title, passage.lead) == ("Bladder", LEAD)
    assert [source.title for source in passage.sources] == ["The book"]
    assert found(store, "is my bladder at risk")[0] == LEAD
    assert len(store.cards()) == len(published.cards()) == 4
    assert published.passage("bladder-problems").lead == "Ketamine can hurt the bladder."


def test_a_draft_older_than_what_is_published_is_left_out(published: ArticleStore, sqlite_database: sa.Engine) -> None:
    draft(sqlite_database, number=0)
    assert published.with_drafts().passage("bladder-problems").lead == "Ketamine can hurt the bladder."


def test_a_new_passage_without_a_phrasing_is_found_by_its_title(
    published: ArticleStore, sqlite_database: sa.Engine
) -> None:
    with sqlite_database.begin() as connection:
        connection.execute(sa.insert(Passage).values(id="sleep", article_id="side-effects", position=9))
    draft(sqlite_database, "sleep", 1, title="Sleep after ketamine", lead="Sleep may change.", questions=[])
    assert found(published.with_drafts(), "sleep after ketamine")[0] == "Sleep may change."
    with pytest.raises(KeyError):
        published.passage("sleep")


def test_a_changed_draft_is_read_again_and_its_vectors_are_not_kept(
    published: ArticleStore, sqlite_database: sa.Engine
) -> None:
    number = draft(sqlite_database)
    store = published.with_drafts()
    assert store.passage("bladder-problems").lead == LEAD
    assert store.refresh_if_changed() is False
    with sqlite_database.begin() as connection:
        changed = sa.update(PassageRevision).where(PassageRevision.id == number)
        connection.execute(changed.values(lead="Other words.", questions=["what about the bladder"]))
    assert store.refresh_if_changed() is True
    assert found(store, "what about the bladder")[0] == "Other words."
    with sqlite_database.connect() as connection:
        assert number not in set(connection.scalars(sa.select(Embedding.revision_id)))
