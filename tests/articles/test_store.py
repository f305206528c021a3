"""The store: frozen passages come back, content is swapped whole, vectors are made once."""

from __future__ import annotations

import threading
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from bot.articles.load import load
from bot.articles.store import ArticleStore, Query, Topic, embed_missing
from bot.database.models import Embedding, PassageRevision
from bot.message import Review, SourceRef
from tests.articles.fakes import FakeEncoder, edit, write_content


@dataclass(frozen=True)
class Named:
    name: str
    classes: tuple[str, ...] = ()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_content(tmp_path / "data")


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def store(sqlite_database: sa.Engine, data: Path, encoder: FakeEncoder) -> ArticleStore:
    load(sqlite_database, data)
    return ArticleStore(sqlite_database, encoder)


def ask(store: ArticleStore, text: str, **values: object) -> list[str]:
    vector = FakeEncoder().encode([text])[0]
    return [hit.passage.id for hit in store.search(Query(text, vector, **values))]  # type: ignore[arg-type]


def test_a_passage_comes_back_whole_on_every_database(database: sa.Engine, data: Path, encoder: FakeEncoder) -> None:
    load(database, data)
    store = ArticleStore(database, encoder)
    passage = store.passage("bladder-problems")
    assert passage.lead == "Ketamine can hurt the bladder."
    assert passage.details == ("That was so in 5 of 10 people.", "Tell the clinic.")
    assert passage.sources == (SourceRef("The label", "The agency", 2020, "https://example.org/label"),)
    assert (passage.topic, passage.aspects, passage.facts, passage.general) == (
        "side_effects",
        ("bladder",),
        ("se-bladder",),
        False,
    )
    assert passage.review == Review("unreviewed")
    assert [source.title for source in store.passage("feeling-sick").sources] == ["The book", "The label"]
    assert ask(store, "will ketamine make me sick")[0] == "feeling-sick"
    with pytest.raises(FrozenInstanceError):
        passage.lead = "changed"  # type: ignore[misc]


def test_the_asked_drug_decides(store: ArticleStore) -> None:
    xanax = Named("alprazolam", ("benzodiazepine", "sedative"))
    assert ask(store, "my medicine is on the list", drugs=(xanax,))[0] == "benzodiazepines-and-ketamine"
    assert ask(store, "benzos and ketamine", drugs=(Named("lithium"),))[0] == "interaction-nothing-found"
    assert store.nothing_found().id == "interaction-nothing-found"


def test_a_review_is_due_once_its_day_has_come(store: ArticleStore) -> None:
    assert store.passage("benzodiazepines-and-ketamine").review == Review("due", "2026-01-02", "Dr Example")
    assert store.cards("interactions")[0].review.state == "reviewed"


def test_topics_and_cards(store: ArticleStore) -> None:
    assert store.topics()[0] == Topic("side_effects", "Side effects", {"bladder": "Bladder", "nausea": "Nausea"})
    assert [card.id for card in store.cards("side_effects")] == ["bladder-problems", "feeling-sick"]
    assert len(store.cards()) == 4
    ids, vectors = store.vectors()
    assert len(ids) == len(vectors) == 4
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_an_unknown_passage_is_a_key_error(store: ArticleStore) -> None:
    with pytest.raises(KeyError, match="gone"):
        store.passage("gone")


def test_texts_are_read_only_for_what_is_shown(store: ArticleStore, sqlite_database: sa.Engine) -> None:
    store.refresh()
    statements: list[str] = []
    sa.event.listen(
        sqlite_database, "before_cursor_execute", lambda c, cur, statement, *rest: statements.append(statement)
    )
    vector = FakeEncoder().encode(["will ketamine make me sick"])[0]
    query = Query("", vector)
    assert len(store.search(query, most=1)) == 1
    assert len(statements) == 2 and "passage_revisions.lead" in statements[0]
    assert set(store._current().shown) == {store.cards("side_effects")[1].revision}
    store.search(query, most=1)
    assert len(statements) == 2


def test_vectors_are_made_once(
    store: ArticleStore, sqlite_database: sa.Engine, encoder: FakeEncoder, data: Path
) -> None:
    store.refresh()
    assert encoder.encoded == 6 + 2 * 4  # every phrasing, and lead and details of each passage
    ArticleStore(sqlite_database, encoder).refresh()
    assert encoder.encoded == 14
    edit(data / "articles/side-effects.md", "Ketamine can make you feel sick.", "Ketamine may make you feel sick.")
    load(sqlite_database, data)
    assert store.refresh_if_changed()
    assert encoder.encoded == 14 + 3
    with sqlite_database.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(Embedding)) == 4


def test_another_encoder_gets_vectors_of_its_own(store: ArticleStore, sqlite_database: sa.Engine) -> None:
    store.refresh()
    other = FakeEncoder(32, "fake-2")
    done: list[tuple[int, int]] = []
    assert embed_missing(sqlite_database, other, lambda at, of: done.append((at, of))) == 4
    assert done == [(4, 4)]
    assert embed_missing(sqlite_database, other) == 0
    assert ArticleStore(sqlite_database, other).vectors()[1].shape == (4, 32)


def test_a_change_is_noticed_and_swapped_in_whole(store: ArticleStore, sqlite_database: sa.Engine, data: Path) -> None:
    assert not (store.refresh() and store.refresh_if_changed())
    before = store._current()
    edit(data / "articles/side-effects.md", "Ketamine can make you feel sick.", "Ketamine may make you feel sick.")
    load(sqlite_database, data)
    assert store.passage("feeling-sick").lead == "Ketamine can make you feel sick."
    assert store.refresh_if_changed() and not store.refresh_if_changed()
    assert store.passage("feeling-sick").lead == "Ketamine may make you feel sick."
    assert store._current() is not before and store.version == 2
    assert before.index.matrix.flags.writeable is False


def test_a_refresh_that_fails_leaves_the_old_content(
    store: ArticleStore, sqlite_database: sa.Engine, data: Path, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.refresh()
    edit(data / "articles/side-effects.md", "Ketamine can make you feel sick.", "Ketamine may make you feel sick.")
    load(sqlite_database, data)

    def broken(texts: object) -> None:
        raise RuntimeError("no model")

    monkeypatch.setattr(encoder, "encode", broken)
    with pytest.raises(RuntimeError):
        store.refresh_if_changed()
    assert ask(store, "will ketamine make me sick")[0] == "feeling-sick"


def test_questions_are_answered_while_content_changes(database: sa.Engine, data: Path, encoder: FakeEncoder) -> None:
    load(database, data)
    store = ArticleStore(database, encoder)
    store.refresh()
    problems: list[BaseException] = []
    stop = threading.Event()

    def keep_asking() -> None:
        try:
            while not stop.is_set():
                passage = store.search(Query("", encoder.encode(["will ketamine make me sick"])[0]), most=1)[0].passage
                assert passage.lead.startswith("Ketamine") and passage.sources
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=keep_asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    path = data / "articles/side-effects.md"
    for i in range(5):
        path.write_text(path.read_text().replace("Ketamine can make you feel sick", "Ketamine can make you feel sick,"))
        load(database, data)
        assert store.refresh_if_changed(), i
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_retired_passage_is_gone_after_the_refresh(
    store: ArticleStore, sqlite_database: sa.Engine, data: Path
) -> None:
    store.refresh()
    path = data / "articles/side-effects.md"
    path.write_text(path.read_text()[: path.read_text().index("## feeling-sick")])
    load(sqlite_database, data)
    assert store.passage("feeling-sick").lead  # still shown from the snapshot, its revision is never deleted
    store.refresh_if_changed()
    with pytest.raises(KeyError):
        store.passage("feeling-sick")
    with sqlite_database.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(PassageRevision)) == 4


def test_an_empty_database_has_no_answers(sqlite_database: sa.Engine, encoder: FakeEncoder) -> None:
    store = ArticleStore(sqlite_database, encoder)
    assert ask(store, "anything") == [] and store.cards() == () and store.topics() == ()
