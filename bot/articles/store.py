"""The store of reviewed passages: one call takes a question and returns ranked, frozen passages.

A process keeps a read-only snapshot of what is published, one float32 matrix and a few labels, and swaps it
whole when content changes. Texts are read from the database only for the passages that are shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.articles.drugs import class_closure, read_lexicon
from bot.articles.ranking import NOTHING_FOUND, Entry, Index, Query, Weights
from bot.database.engine import read_transaction, write_transaction
from bot.database.mending import Withdrawal
from bot.database.models import (
    PUBLISHED,
    Article,
    ContentVersion,
    Embedding,
    PassageRevision,
    PassageRevisionSource,
    Source,
)
from bot.database.models import Passage as PassageRow
from bot.database.models import Topic as TopicRow
from bot.errors import EvenkeelError
from bot.message import Review, SourceRef

__all__ = ["ArticleStore", "Card", "Passage", "Query", "Ranked", "TextEncoder", "Topic", "Weights", "embed_missing"]

_PASSAGES_AT_ONCE = 16
_TEXTS_KEPT = 512
_TRIES = 3


class TextEncoder(Protocol):
    """Makes vectors of length 1: shape (number of texts, dim), float32. `name` identifies the weights."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True)
class Passage:
    """One answer, as it is shown. `general`: holds a statement of general knowledge that no source was read for."""

    id: str
    title: str
    topic: str
    aspects: tuple[str, ...]
    drugs: tuple[str, ...]
    lead: str
    details: tuple[str, ...]
    sources: tuple[SourceRef, ...]
    review: Review
    facts: tuple[str, ...]
    revision: int
    general: bool
    #: Switched off by staff: it is found, so that nothing worse takes its place, but its words are not handed out.
    withdrawn: bool = False


@dataclass(frozen=True)
class Card:
    """A passage without its words: enough for a button or a list."""

    id: str
    title: str
    article: str
    topic: str
    aspects: tuple[str, ...]
    drugs: tuple[str, ...]
    facts: tuple[str, ...]
    review: Review
    review_due: str | None
    revision: int
    general: bool
    withdrawn: bool


@dataclass(frozen=True)
class Topic:
    """A topic with its title, and its aspects with theirs, in the order of menus."""

    name: str
    title: str
    aspects: Mapping[str, str]


@dataclass(frozen=True)
class Ranked:
    """A passage with its score and what that is made of: question, text, intent, aspect, context and drug."""

    passage: Passage
    score: float
    parts: Mapping[str, float]


@dataclass(frozen=True)
class Snapshot:
    """Everything that is served, read at one moment."""

    version: int
    cards: tuple[Card, ...]
    index: Index
    topics: tuple[Topic, ...]
    shown: dict[int, Passage] = field(default_factory=dict)  # a memory, by revision; the words of one never change


class ArticleStore:
    """What is published, searchable. Thread-safe; reads the database on first use, so that it costs nothing to make."""

    def __init__(self, engine: sa.Engine, encoder: TextEncoder, weights: Weights | None = None) -> None:
        self._engine, self._encoder = engine, encoder
        self.weights = weights or Weights()
        self._refreshing = threading.Lock()
        self._snapshot: Snapshot | None = None

    # -- asking -------------------------------------------------------------------------------------------------

    def search(self, query: Query, most: int = 5, weights: Weights | None = None) -> list[Ranked]:
        """The `most` passages that answer `query` best, best first; fewer only when there are fewer at all.

        One that staff switched off is among them, `withdrawn` and without its words.
        """
        now = self._current()
        scored = now.index.rank(query, weights or self.weights, most)
        passages = self._passages(now, [now.cards[hit.place] for hit in scored])
        return [Ranked(passage, hit.score, hit.parts) for passage, hit in zip(passages, scored, strict=True)]

    def passage(self, name: str) -> Passage:
        """The published passage with the id `name`.

        Raises:
            KeyError: there is none (it may have been retired or switched off since it was shown).
        """
        now = self._current()
        card = now.cards[now.index.place[name]]
        if card.withdrawn:
            raise KeyError(name)
        return self._passages(now, [card])[0]

    def nothing_found(self) -> Passage:
        """The passage that says that nothing reliable was found on a drug (KeyError when it is not published)."""
        return self.passage(NOTHING_FOUND)

    def cards(self, topic: str | None = None) -> tuple[Card, ...]:
        """Every passage (of `topic`) that can be shown, in the order of files, without its words."""
        return tuple(card for card in self._current().cards if topic in (None, card.topic) and not card.withdrawn)

    def topics(self) -> tuple[Topic, ...]:
        """All topics in the order of menus."""
        return self._current().topics

    @property
    def version(self) -> int:
        """The content version that is served."""
        return self._current().version

    def vectors(self) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
        """The ids of all passages and a read-only matrix of their text vectors, row by row."""
        index = self._current().index
        return index.ids, index.matrix[len(index.matrix) - len(index) :]

    def with_drafts(self) -> ArticleStore:
        """A store on the same content that shows the newest draft of each passage that has one: for whoever tests."""
        from bot.articles.drafts import DraftStore

        return DraftStore(self._engine, self._encoder, self.weights)

    # -- keeping up ---------------------------------------------------------------------------------------------

    def refresh_if_changed(self) -> bool:
        """Read the content again when another version is in the database; True when it was. Cheap when it was not."""
        current = self._snapshot
        if current is not None and self._stored_version() == current.version:
            return False
        return self.refresh()

    def refresh(self) -> bool:
        """Read the content, make the embeddings that are missing, and swap the snapshot; False when nothing was new.

        Questions that run meanwhile are answered from the snapshot before. If it fails, that one stays.
        """
        with self._refreshing:
            current = self._snapshot
            if current is not None and self._stored_version() == current.version:
                return False
            for _ in range(_TRIES):
                snapshot = self._read()
                if snapshot is not None:
                    if self._engine.dialect.name != "sqlite":  # a server may be slow, and actions run in the event loop
                        snapshot.shown.update(self._read_words(snapshot.cards))
                    self._snapshot = snapshot
                    return True
            raise EvenkeelError(
                "The content kept changing while it was read. Try again once nobody is loading articles."
            )

    def _read(self) -> Snapshot | None:
        """The content as it is now; None where it changed while it was read."""
        embed_missing(self._engine, self._encoder)
        return read_content(self._engine, self._encoder)

    def _current(self) -> Snapshot:
        if self._snapshot is None:
            self.refresh()
        assert self._snapshot is not None
        return self._snapshot

    def _stored_version(self) -> int:
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(ContentVersion.version)) or 0

    # -- words --------------------------------------------------------------------------------------------------

    def _passages(self, now: Snapshot, cards: Sequence[Card]) -> list[Passage]:
        known = {card.revision: now.shown.get(card.revision) for card in cards}
        missing = [card for card in cards if known[card.revision] is None]
        if missing:
            if len(now.shown) > max(_TEXTS_KEPT, len(now.cards)):
                now.shown.clear()
            read = self._read_words(missing)
            now.shown.update(read)
            known.update(read)
        today = datetime.now(UTC).date().isoformat()
        found = [(card, known[card.revision]) for card in cards]
        return [_reviewed_by(passage, card, today) for card, passage in found if passage is not None]

    def _read_words(self, cards: Sequence[Card]) -> dict[int, Passage]:
        wanted = [card.revision for card in cards]
        words = sa.select(PassageRevision.id, PassageRevision.lead, PassageRevision.details).where(
            PassageRevision.id.in_(wanted)
        )
        cited = (
            sa.select(PassageRevisionSource.revision_id, Source.title, Source.publisher, Source.year, Source.url)
            .join(Source, Source.id == PassageRevisionSource.source_id)
            .where(PassageRevisionSource.revision_id.in_(wanted))
            .order_by(PassageRevisionSource.revision_id, PassageRevisionSource.position)
        )
        sources: dict[int, list[SourceRef]] = {}
        with self._engine.connect() as connection:
            texts = {row.id: row for row in connection.execute(words)}
            for row in connection.execute(cited):
                sources.setdefault(row.revision_id, []).append(SourceRef(row.title, row.publisher, row.year, row.url))
        return {
            card.revision: Passage(
                card.id,
                card.title,
                card.topic,
                card.aspects,
                card.drugs,
                "" if card.withdrawn else texts[card.revision].lead,
                () if card.withdrawn else tuple(texts[card.revision].details),
                tuple(sources.get(card.revision, ())),
                card.review,
                card.facts,
                card.revision,
                card.general,
                card.withdrawn,
            )
            for card in cards
        }


def _reviewed_by(passage: Passage, card: Card, today: str) -> Passage:
    """The passage with its review said to be due once that day has come."""
    if card.review.state == "reviewed" and card.review_due and card.review_due <= today:
        return replace(passage, review=replace(card.review, state="due"))
    return passage


def read_content(
    engine: sa.Engine, encoder: TextEncoder, drafts: Mapping[str, Mapping[str, Any]] | None = None
) -> Snapshot | None:
    """What is published, all at one moment; None when a passage has no embedding yet.

    Args:
        drafts: passage -> the row of `embeddings` of a revision that is shown instead of what is published.
    """
    drafts = drafts or {}
    made = {row["revision_id"]: row for row in drafts.values()}
    revision, article = PassageRevision, Article
    shown = sa.and_(revision.state == PUBLISHED, revision.passage_id.not_in(drafts))
    published = (
        sa.select(
            revision.id,
            revision.passage_id,
            revision.title,
            revision.aspects,
            revision.drugs,
            revision.facts,
            revision.general,
            revision.review_state,
            revision.review_on,
            revision.review_by,
            revision.review_due,
            article.id.label("article"),
            article.topic,
            article.review_state.label("all_state"),
            article.review_on.label("all_on"),
            article.review_by.label("all_by"),
            article.review_due.label("all_due"),
            Embedding.dim,
            Embedding.questions,
            Embedding.text,
        )
        .join(PassageRow, PassageRow.id == revision.passage_id)
        .join(article, article.id == PassageRow.article_id)
        .outerjoin(Embedding, sa.and_(Embedding.revision_id == revision.id, Embedding.encoder == encoder.name))
        .where(sa.or_(shown, revision.id.in_(made)) if drafts else shown)
        .order_by(article.id, PassageRow.position, PassageRow.id)
    )
    with read_transaction(engine) as connection:
        version = connection.scalar(sa.select(ContentVersion.version)) or 0
        rows = connection.execute(published).all()
        topics = connection.execute(
            sa.select(TopicRow.name, TopicRow.title, TopicRow.aspects).order_by(TopicRow.position)
        ).all()
        off = {(row.scope, row.name) for row in connection.execute(sa.select(Withdrawal.scope, Withdrawal.name))}
        with Session(connection) as session:
            classes = class_closure(read_lexicon(session))
    vectors = [made.get(row.id) or row._mapping for row in rows]
    if any(stored["dim"] is None for stored in vectors):
        return None
    cards = tuple(_card(row, withdrawn=bool(off & {("passage", row.passage_id), ("topic", row.topic)})) for row in rows)
    entries = [
        Entry(
            card.id,
            card.article,
            card.topic,
            card.aspects,
            card.drugs,
            np.frombuffer(stored["questions"], dtype="<f4").reshape(-1, stored["dim"]),
            np.frombuffer(stored["text"], dtype="<f4"),
        )
        for card, stored in zip(cards, vectors, strict=True)
    ]
    return Snapshot(version, cards, Index(entries, encoder.dim, classes), tuple(Topic(*row) for row in topics))


def _card(row: sa.Row, *, withdrawn: bool) -> Card:
    if row.review_state:
        review, due = Review(row.review_state, row.review_on, row.review_by), row.review_due
    else:
        review, due = Review(row.all_state, row.all_on, row.all_by), row.all_due
    return Card(
        row.passage_id,
        row.title,
        row.article,
        row.topic,
        tuple(row.aspects),
        tuple(row.drugs),
        tuple(row.facts),
        review,
        due,
        row.id,
        row.general,
        withdrawn,
    )


def embed_missing(engine: sa.Engine, encoder: TextEncoder, progress: Callable[[int, int], None] | None = None) -> int:
    """Make and store the vectors of published passages that have none by this encoder; the number made.

    Each batch is stored as it is done, so a run that is cut short goes on where it stopped. `progress` is called
    with how many passages are done and how many there are.
    """
    has_one = sa.exists().where(Embedding.revision_id == PassageRevision.id, Embedding.encoder == encoder.name)
    columns = (
        PassageRevision.id,
        PassageRevision.title,
        PassageRevision.lead,
        PassageRevision.details,
        PassageRevision.questions,
    )
    with engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).where(PassageRevision.state == PUBLISHED, ~has_one)).all()
    for at in range(0, len(rows), _PASSAGES_AT_ONCE):
        batch = rows[at : at + _PASSAGES_AT_ONCE]
        made = embed(batch, encoder)
        with write_transaction(engine) as connection:
            wanted = Embedding.revision_id.in_([row["revision_id"] for row in made])
            there = set(
                connection.scalars(sa.select(Embedding.revision_id).where(wanted, Embedding.encoder == encoder.name))
            )
            new = [row for row in made if row["revision_id"] not in there]
            if new:
                connection.execute(sa.insert(Embedding), new)
        if progress:
            progress(at + len(batch), len(rows))
    return len(rows)


def embed(rows: Sequence[Any], encoder: TextEncoder) -> list[dict[str, Any]]:
    """The rows of `embeddings` for revisions with id, title, lead, details and questions."""
    texts: list[str] = []
    for row in rows:
        texts += [*row.questions, f"{row.title}. {row.lead}", " ".join(row.details) or row.lead]
    vectors = np.ascontiguousarray(encoder.encode(texts), dtype="<f4")
    made: list[dict[str, Any]] = []
    at = 0
    for row in rows:
        count = len(row.questions)
        # An encoder reads the beginning of a long text only, so lead and details are read apart.
        text = vectors[at + count] + vectors[at + count + 1]
        text /= max(float(np.linalg.norm(text)), 1e-12)
        made.append(
            {
                "revision_id": row.id,
                "encoder": encoder.name,
                "dim": encoder.dim,
                "questions": vectors[at : at + count].tobytes(),
                "text": text.tobytes(),
            }
        )
        at += count + 2
    return made
