"""All tables, Rasa's `events` among them so that migrations leave it alone.

Rows stay inside the stores; the rest of the program sees frozen dataclasses.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

#: The states of a passage's revision. At most one revision of a passage is published.
DRAFT, PUBLISHED, RETIRED = "draft", "published", "retired"


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment: aware and in UTC on the Python side on every database (SQLite keeps no time zone)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Of all tables. Constraints are named, so that migrations can name them on every database."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime,
        list[str]: sa.JSON,
        list[list[str]]: sa.JSON,
        dict[str, Any]: sa.JSON(none_as_null=True),
        dict[str, str]: sa.JSON,
    }


# -- content ---------------------------------------------------------------------------------------------------


class Topic(Base):
    """What a question can be about, in the order of `data/topics.yml`; `aspects` maps names to human titles."""

    __tablename__ = "topics"

    name: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    position: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(200))
    aspects: Mapped[dict[str, str]]


class Article(Base):
    """A file of `data/articles/`: some passages on one topic. `review_*` hold for passages without their own."""

    __tablename__ = "articles"

    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    topic: Mapped[str] = mapped_column(sa.ForeignKey("topics.name"), index=True)
    review_state: Mapped[str] = mapped_column(sa.String(20))
    review_on: Mapped[str | None] = mapped_column(sa.String(10))
    review_by: Mapped[str | None] = mapped_column(sa.String(200))
    review_due: Mapped[str | None] = mapped_column(sa.String(10))
    #: Hash of the front matter that this row was loaded from; null: made by staff.
    shipped_hash: Mapped[str | None] = mapped_column(sa.String(64))
    edited_by_staff: Mapped[bool] = mapped_column(default=False)

    passages: Mapped[list[Passage]] = relationship(back_populates="article", order_by="Passage.position")


class Passage(Base):
    """One answer, under a stable id; its words are in its revisions."""

    __tablename__ = "passages"

    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    article_id: Mapped[str] = mapped_column(sa.ForeignKey("articles.id"), index=True)
    position: Mapped[int]

    article: Mapped[Article] = relationship(back_populates="passages")
    revisions: Mapped[list[PassageRevision]] = relationship(back_populates="passage", order_by="PassageRevision.number")


class PassageRevision(Base):
    """The words of a passage at one time. Never changed once published, except for its state and its review.

    An edit by staff is a new row with `edited_by_staff` set and `shipped_hash` copied from the row it was made
    from: by that `articles load` knows what is the staff's, and whether the file has changed beneath it.
    """

    __tablename__ = "passage_revisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    passage_id: Mapped[str] = mapped_column(sa.ForeignKey("passages.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(20))
    title: Mapped[str] = mapped_column(sa.String(200))
    lead: Mapped[str] = mapped_column(sa.Text)
    details: Mapped[list[str]]
    aspects: Mapped[list[str]]
    drugs: Mapped[list[str]]
    questions: Mapped[list[str]]
    facts: Mapped[list[str]]
    #: Holds a statement of general knowledge that was not checked against a source.
    general: Mapped[bool] = mapped_column(default=False)
    #: unreviewed or reviewed; null: as the article says.
    review_state: Mapped[str | None] = mapped_column(sa.String(20))
    review_on: Mapped[str | None] = mapped_column(sa.String(10))
    review_by: Mapped[str | None] = mapped_column(sa.String(200))
    review_due: Mapped[str | None] = mapped_column(sa.String(10))
    created: Mapped[datetime] = mapped_column(default=now)
    #: Hash of the section of the file that this was loaded from, or was edited from; null: made by staff.
    shipped_hash: Mapped[str | None] = mapped_column(sa.String(64))
    edited_by_staff: Mapped[bool] = mapped_column(default=False)

    passage: Mapped[Passage] = relationship(back_populates="revisions")
    cited: Mapped[list[PassageRevisionSource]] = relationship(
        order_by="PassageRevisionSource.position", cascade="all, delete-orphan"
    )

    __table_args__ = (
        sa.UniqueConstraint("passage_id", "number"),
        sa.CheckConstraint(sa.column("state").in_([DRAFT, PUBLISHED, RETIRED]), name="state"),
        sa.Index(
            "ix_passage_revisions_published",
            "passage_id",
            unique=True,
            sqlite_where=sa.text("state = 'published'"),
            postgresql_where=sa.text("state = 'published'"),
        ),
    )


class Source(Base):
    """Where statements were read. Without `url` it is shown by title and publisher alone (a copy is never linked)."""

    __tablename__ = "sources"

    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(500))
    publisher: Mapped[str] = mapped_column(sa.String(300))
    year: Mapped[int | None]
    url: Mapped[str | None] = mapped_column(sa.String(1000))
    #: Where it was read, for whoever checks it again; never shown.
    seen: Mapped[list[str]]
    official: Mapped[bool] = mapped_column(default=False)
    why: Mapped[str | None] = mapped_column(sa.Text)


class PassageRevisionSource(Base):
    """The sources of a revision, in the order in which they are shown."""

    __tablename__ = "passage_revision_sources"

    revision_id: Mapped[int] = mapped_column(
        sa.ForeignKey("passage_revisions.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.ForeignKey("sources.id"), index=True)

    source: Mapped[Source] = relationship()


class Embedding(Base):
    """The vectors of a published revision by one encoder: float32, little-endian, rows of length 1."""

    __tablename__ = "embeddings"

    revision_id: Mapped[int] = mapped_column(
        sa.ForeignKey("passage_revisions.id", ondelete="CASCADE"), primary_key=True
    )
    encoder: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    dim: Mapped[int]
    #: One row for each phrasing, in the order of `questions`.
    questions: Mapped[bytes]
    #: One row: lead and details.
    text: Mapped[bytes]


class Drug(Base):
    """A medicine or other substance, by its generic name in lower case."""

    __tablename__ = "drugs"

    name: Mapped[str] = mapped_column(sa.String(120), primary_key=True)


class DrugClass(Base):
    """A class of drugs, by its singular name."""

    __tablename__ = "drug_classes"

    name: Mapped[str] = mapped_column(sa.String(120), primary_key=True)


class DrugInClass(Base):
    """The classes of a drug, the most specific first."""

    __tablename__ = "drugs_in_classes"

    drug: Mapped[str] = mapped_column(sa.ForeignKey("drugs.name"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    drug_class: Mapped[str] = mapped_column(sa.ForeignKey("drug_classes.name"), index=True)


class ClassInClass(Base):
    """The wider classes that a class belongs to."""

    __tablename__ = "classes_in_classes"

    drug_class: Mapped[str] = mapped_column(sa.ForeignKey("drug_classes.name"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    parent: Mapped[str] = mapped_column(sa.ForeignKey("drug_classes.name"), index=True)


class OtherName(Base):
    """What else people call a drug or a class; `kind` is brand, street or other."""

    __tablename__ = "other_names"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), index=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    drug: Mapped[str | None] = mapped_column(sa.ForeignKey("drugs.name"))
    drug_class: Mapped[str | None] = mapped_column(sa.ForeignKey("drug_classes.name"))

    __table_args__ = (sa.CheckConstraint("(drug IS NULL) <> (drug_class IS NULL)", name="drug_or_class"),)


class ContentVersion(Base):
    """One row: a counter that goes up with each change of content, so that processes know when to read it again."""

    __tablename__ = "content_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    #: Hash over the data files at the last load: a start with the same files has nothing to do.
    loaded_hash: Mapped[str | None] = mapped_column(sa.String(64))

    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)


# -- conversations ---------------------------------------------------------------------------------------------


class Feedback(Base):
    """What a visitor thought of an answer. Holds nothing that the visitor asked."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(sa.String(120), index=True)
    revision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("passage_revisions.id"), index=True)
    helpful: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class ChatSession(Base):
    """A conversation in the web chat."""

    __tablename__ = "chat_sessions"

    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    created: Mapped[datetime] = mapped_column(default=now)
    last_seen: Mapped[datetime] = mapped_column(default=now, index=True)
    expires: Mapped[datetime | None]
    locale: Mapped[str | None] = mapped_column(sa.String(35))
    country: Mapped[str | None] = mapped_column(sa.String(2))
    time_zone: Mapped[str | None] = mapped_column(sa.String(64))
    #: False after "don't keep this": gone when the session ends.
    keep: Mapped[bool] = mapped_column(default=True)

    messages: Mapped[list[ChatMessage]] = relationship(
        back_populates="session", order_by="ChatMessage.id", cascade="all, delete-orphan", passive_deletes=True
    )


class ChatMessage(Base):
    """One message of a web chat, in the order of `id`.

    A visitor's message has a `client_id`, unique in its session, by which a retry is known. The bot's messages
    name in `answers` the client id that they answer, so that a retry gets the same ones.
    """

    __tablename__ = "chat_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(sa.ForeignKey("chat_sessions.id", ondelete="CASCADE"), index=True)
    client_id: Mapped[str | None] = mapped_column(sa.String(120))
    answers: Mapped[str | None] = mapped_column(sa.String(120))
    #: visitor or bot.
    direction: Mapped[str] = mapped_column(sa.String(10))
    #: The message as the chat API gives it; null for a visitor's text.
    payload: Mapped[dict[str, Any] | None]
    #: What the visitor wrote, masked.
    text: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    #: A visitor's message is handled once the bot has taken it in: a retry must not run it again.
    handled: Mapped[bool] = mapped_column(default=False)
    keep: Mapped[bool] = mapped_column(default=True)

    session: Mapped[ChatSession] = relationship(back_populates="messages")

    __table_args__ = (
        sa.UniqueConstraint("session_id", "client_id"),
        sa.CheckConstraint(sa.column("direction").in_(["visitor", "bot"]), name="direction"),
    )


class Erasure(Base):
    """That somebody had a conversation deleted: a backup from before that loses it again when it is brought back."""

    __tablename__ = "erasures"

    #: SHA-256 of the conversation's key, which is itself a keyed hash: tells nothing about anybody.
    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class WaitingEvent(Base):
    """An event for other systems, until RabbitMQ has it (bot.ops.outbox). Holds no text."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    #: What RabbitMQ routes it by.
    key: Mapped[str] = mapped_column(sa.String(40))
    #: The conversation that `body` names; null where it names none.
    conversation: Mapped[str | None] = mapped_column(sa.String(120), index=True)
    #: The event as it is published; its `id` is not the row's.
    body: Mapped[dict[str, Any]] = mapped_column(sa.JSON)

    # An id never comes again: whoever was held up after publishing would delete another event by it.
    __table_args__ = {"sqlite_autoincrement": True}


class DailyCount(Base):
    """How many messages the bot sent in a day, by what they were. Holds no text; outlives the conversations."""

    __tablename__ = "daily_counts"

    #: UTC, as 2026-11-22.
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    #: Empty where the message has none.
    category: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    messages: Mapped[int]


# -- messengers ------------------------------------------------------------------------------------------------


class ChannelPerson(Base):
    """Somebody on a messenger: known by a keyed hash; what is needed to reply is encrypted (bot.channels.people).

    The row is also the lock on the conversation, and says when there is work to do in it.
    """

    __tablename__ = "channel_people"

    #: Channel and keyed hash of the platform's id: the key of the conversation everywhere.
    conversation: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(20))
    address: Mapped[bytes | None]
    first_seen: Mapped[datetime] = mapped_column(default=now)
    #: When they last wrote: some platforms let us write only within a day of it.
    last_seen: Mapped[datetime] = mapped_column(default=now, index=True)
    #: Has been told what the bot is.
    greeted: Mapped[bool] = mapped_column(default=False)
    keep: Mapped[bool] = mapped_column(default=True)
    #: Asked for everything to be deleted: the row goes once the last reply has been sent.
    forget: Mapped[bool] = mapped_column(default=False)
    #: When they opted out of messages; stays when the rest is deleted.
    opted_out: Mapped[datetime | None]
    #: The choices shown last, as [id, title]: "2" means the second.
    offered: Mapped[list[list[str]]]
    #: What MORE brings (SMS), encrypted.
    more: Mapped[bytes | None]
    #: When there is something to do; null: nothing.
    due: Mapped[datetime | None]
    urgent: Mapped[bool] = mapped_column(default=False)
    locked_until: Mapped[datetime | None]
    locked_by: Mapped[str | None] = mapped_column(sa.String(60))

    __table_args__ = (sa.Index("ix_channel_people_work", "channel", "urgent", "due"),)


class ChannelArrival(Base):
    """A message from a messenger, from its acknowledgement to its reply; after that only what knows it again."""

    __tablename__ = "channel_arrivals"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(20))
    #: Keyed hash of the platform's message id.
    key: Mapped[str] = mapped_column(sa.String(64))
    #: Null once the conversation has been deleted.
    conversation: Mapped[str | None] = mapped_column(sa.String(120), index=True)
    #: The platform's own order within the conversation.
    sent: Mapped[float | None] = mapped_column(sa.Float)
    urgent: Mapped[bool] = mapped_column(default=False)
    #: waiting, done or dead.
    state: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[datetime] = mapped_column(default=now)
    #: What was written, masked and encrypted; null once it has been handled.
    body: Mapped[bytes | None]
    error: Mapped[str | None] = mapped_column(sa.String(120))
    at: Mapped[datetime] = mapped_column(default=now, index=True)

    __table_args__ = (
        sa.UniqueConstraint("channel", "key"),
        sa.CheckConstraint(sa.column("state").in_(["waiting", "done", "dead"]), name="state"),
    )


class ChannelDelivery(Base):
    """One message to a messenger: waits, is being sent, was sent, or was given up (`dead`) for an operator to see."""

    __tablename__ = "channel_deliveries"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(20))
    conversation: Mapped[str] = mapped_column(sa.String(120), index=True)
    #: What kind of message it is: answer, safety, …
    kind: Mapped[str] = mapped_column(sa.String(20))
    urgent: Mapped[bool] = mapped_column(default=False)
    #: waiting, sending, sent, dead, or dropped (no longer wanted).
    state: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    #: We stopped, or the connection broke, while it was being sent: the platform may have had it, and got it again.
    perhaps_sent: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[datetime] = mapped_column(default=now)
    #: The request to the platform, encrypted; null once it was sent.
    request: Mapped[bytes | None]
    #: Why it failed, in the platform's code; never a word of it.
    error: Mapped[str | None] = mapped_column(sa.String(120))
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint(sa.column("state").in_(["waiting", "sending", "sent", "dead", "dropped"]), name="state"),
    )


class Event(Base):
    """The table of Rasa 3.6.21's SQLTrackerStore, column by column; written by Rasa alone."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    sender_id: Mapped[str] = mapped_column(sa.String(255))
    type_name: Mapped[str] = mapped_column(sa.String(255))
    timestamp: Mapped[float | None] = mapped_column(sa.Float, index=True)
    intent_name: Mapped[str | None] = mapped_column(sa.String(255))
    action_name: Mapped[str | None] = mapped_column(sa.String(255))
    data: Mapped[str | None] = mapped_column(sa.Text)

    __table_args__ = (
        # What the tracker store asks for on every turn; Rasa's own index was on the sender alone.
        sa.Index("ix_events_conversation", "sender_id", "id"),
        sa.Index("ix_events_last_of_kind", "sender_id", "type_name", "action_name", "id"),
    )
