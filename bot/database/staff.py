"""The tables of the staff console: who may, what they did, and what is known of each conversation."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bot.database.models import Base, now

#: Rows of this table are written once: the database itself refuses to change or delete them.
WRITTEN_ONCE = "staff_audit"


class StaffAccount(Base):
    """Somebody who may sign in to the staff console. Accounts are switched off, never deleted: the log names them."""

    __tablename__ = "staff_accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What they sign in with, in lower case.
    login: Mapped[str] = mapped_column(sa.String(120), unique=True)
    #: How they are shown, also to visitors where they stand behind an answer.
    name: Mapped[str] = mapped_column(sa.String(120))
    #: As argon2 gives it, with its parameters.
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    roles: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(default=now)
    last_seen: Mapped[datetime | None]


class StaffSession(Base):
    """A browser in which somebody is signed in; known by a hash of its token."""

    __tablename__ = "staff_sessions"

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("staff_accounts.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    last_seen: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime] = mapped_column(index=True)
    #: Browser and system in two words, so that its owner knows it again.
    about: Mapped[str] = mapped_column(sa.String(60))


class StaffInvite(Base):
    """A link that works once: for a new account, or for a new password of the account that it names."""

    __tablename__ = "staff_invites"

    #: Hash of the token in the link.
    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    roles: Mapped[list[str]]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("staff_accounts.id", ondelete="CASCADE"), index=True)
    #: Who made it; null: the command line, or the first start.
    invited_by: Mapped[int | None] = mapped_column(sa.ForeignKey("staff_accounts.id", ondelete="CASCADE"))
    created: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime]


class StaffAudit(Base):
    """What was read or changed in the console, by whom and when. Holds no word of a conversation."""

    __tablename__ = WRITTEN_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("staff_accounts.id"))
    #: The name at that time.
    who: Mapped[str] = mapped_column(sa.String(120))
    verb: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(200))
    detail: Mapped[str | None] = mapped_column(sa.String(500))

    __table_args__ = (
        sa.Index("ix_staff_audit_account_id", "account_id", "id"),
        sa.Index("ix_staff_audit_verb", "verb", "id"),
    )


class Conversation(Base):
    """What the list of conversations shows and filters: one row for each, on the web and on messengers.

    Written where replies and ratings are stored (bot.ops.conversations) and deleted with what was said. Holds no text.
    """

    __tablename__ = "conversations"

    #: Key of the conversation, as everywhere.
    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    #: What the console calls it: random, so that an entry in the log means nothing once this row is gone.
    ref: Mapped[str] = mapped_column(sa.String(16), unique=True)
    channel: Mapped[str] = mapped_column(sa.String(20))
    #: ISO 639; empty where nothing is known.
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    started: Mapped[datetime] = mapped_column(default=now)
    last: Mapped[datetime] = mapped_column(default=now)
    #: Turns, and replies by what they were.
    turns: Mapped[int] = mapped_column(default=0)
    answers: Mapped[int] = mapped_column(default=0)
    clarifications: Mapped[int] = mapped_column(default=0)
    fallbacks: Mapped[int] = mapped_column(default=0)
    #: Category of the last danger that was seen; empty: none.
    safety: Mapped[str] = mapped_column(sa.String(40), default="")
    helpful: Mapped[int] = mapped_column(default=0)
    unhelpful: Mapped[int] = mapped_column(default=0)
    reviewed: Mapped[datetime | None]
    reviewed_by: Mapped[int | None] = mapped_column(sa.ForeignKey("staff_accounts.id"))

    __table_args__ = (
        sa.Index("ix_conversations_last", "last", "ref"),
        sa.Index("ix_conversations_channel", "channel", "last", "ref"),
        sa.Index("ix_conversations_language", "language", "last", "ref"),
        *(
            sa.Index(
                f"ix_conversations_{name}", "last", "ref", sqlite_where=sa.text(where), postgresql_where=sa.text(where)
            )
            for name, where in (
                ("fallbacks", "fallbacks > 0"),
                ("unhelpful", "unhelpful > 0"),
                ("safety", "safety <> ''"),
                ("clarifications", "clarifications > 0"),
                ("unreviewed", "reviewed IS NULL"),
            )
        ),
    )


class ConversationTag(Base):
    """A word that staff put on a conversation."""

    __tablename__ = "conversation_tags"

    conversation_id: Mapped[str] = mapped_column(
        sa.ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(sa.String(40), primary_key=True, index=True)


class ConversationNote(Base):
    """What somebody of staff wrote about a conversation; goes with it, since it may quote it."""

    __tablename__ = "conversation_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(sa.ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("staff_accounts.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    text: Mapped[str] = mapped_column(sa.Text)


class DailyFigure(Base):
    """Figures of a day that stay when the conversations go: how many, by channel and version of the content.

    `name` is conversations, a kind of reply, helpful, unhelpful, or seconds<=0.1 (turns that took at most that long).
    """

    __tablename__ = "daily_figures"

    #: UTC, as 2026-11-22.
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    content: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    number: Mapped[int]


def guard_statements(dialect: str) -> list[str]:
    """The SQL by which a database of this kind ("sqlite" or "postgresql") keeps the log from being changed."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {WRITTEN_ONCE}_no_{verb} BEFORE {verb} ON {WRITTEN_ONCE} "
            "BEGIN SELECT RAISE(ABORT, 'the log of the staff console is written once'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE OR REPLACE FUNCTION {WRITTEN_ONCE}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the log of the staff console is written once'; END $$",
        f"CREATE TRIGGER {WRITTEN_ONCE}_written_once BEFORE UPDATE OR DELETE ON {WRITTEN_ONCE} "
        f"FOR EACH ROW EXECUTE FUNCTION {WRITTEN_ONCE}_refuse()",
    ]


@sa.event.listens_for(StaffAudit.__table__, "after_create")
def _guard(_table: sa.Table, connection: sa.Connection, **_more: object) -> None:
    for statement in guard_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
