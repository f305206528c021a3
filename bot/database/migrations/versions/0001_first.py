"""The first form of all tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chat_sessions",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("keep", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_sessions")),
    )
    op.create_index(op.f("ix_chat_sessions_last_seen"), "chat_sessions", ["last_seen"])
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "channel", "kind", "category", "topic", name=op.f("pk_daily_counts")),
    )
    op.create_table(
        "content_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("loaded_hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_content_version_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_version")),
    )
    op.create_table(
        "drug_classes",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_drug_classes")),
    )
    op.create_table(
        "drugs",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_drugs")),
    )
    _rasas_table()
    op.create_table(
        "sources",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("publisher", sa.String(length=300), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("url", sa.String(length=1000), nullable=True),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("official", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
    )
    op.create_table(
        "topics",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("aspects", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_topics")),
    )
    op.create_table(
        "articles",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("review_state", sa.String(length=20), nullable=False),
        sa.Column("review_on", sa.String(length=10), nullable=True),
        sa.Column("review_by", sa.String(length=200), nullable=True),
        sa.Column("review_due", sa.String(length=10), nullable=True),
        sa.Column("shipped_hash", sa.String(length=64), nullable=True),
        sa.Column("edited_by_staff", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["topic"], ["topics.name"], name=op.f("fk_articles_topic_topics")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
    )
    op.create_index(op.f("ix_articles_topic"), "articles", ["topic"])
    op.create_table(
        "chat_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=120), nullable=False),
        sa.Column("client_id", sa.String(length=120), nullable=True),
        sa.Column("answers", sa.String(length=120), nullable=True),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled", sa.Boolean(), nullable=False),
        sa.Column("keep", sa.Boolean(), nullable=False),
        sa.CheckConstraint("direction IN ('visitor', 'bot')", name=op.f("ck_chat_messages_direction")),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["chat_sessions.id"],
            name=op.f("fk_chat_messages_session_id_chat_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_messages")),
        sa.UniqueConstraint("session_id", "client_id", name=op.f("uq_chat_messages_session_id_client_id")),
    )
    op.create_index(op.f("ix_chat_messages_at"), "chat_messages", ["at"])
    op.create_index(op.f("ix_chat_messages_session_id"), "chat_messages", ["session_id"])
    op.create_table(
        "classes_in_classes",
        sa.Column("drug_class", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["drug_class"], ["drug_classes.name"], name=op.f("fk_classes_in_classes_drug_class_drug_classes")
        ),
        sa.ForeignKeyConstraint(
            ["parent"], ["drug_classes.name"], name=op.f("fk_classes_in_classes_parent_drug_classes")
        ),
        sa.PrimaryKeyConstraint("drug_class", "position", name=op.f("pk_classes_in_classes")),
    )
    op.create_index(op.f("ix_classes_in_classes_parent"), "classes_in_classes", ["parent"])
    op.create_table(
        "drugs_in_classes",
        sa.Column("drug", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("drug_class", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["drug"], ["drugs.name"], name=op.f("fk_drugs_in_classes_drug_drugs")),
        sa.ForeignKeyConstraint(
            ["drug_class"], ["drug_classes.name"], name=op.f("fk_drugs_in_classes_drug_class_drug_classes")
        ),
        sa.PrimaryKeyConstraint("drug", "position", name=op.f("pk_drugs_in_classes")),
    )
    op.create_index(op.f("ix_drugs_in_classes_drug_class"), "drugs_in_classes", ["drug_class"])
    op.create_table(
        "other_names",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("drug", sa.String(length=120), nullable=True),
        sa.Column("drug_class", sa.String(length=120), nullable=True),
        sa.CheckConstraint("(drug IS NULL) <> (drug_class IS NULL)", name=op.f("ck_other_names_drug_or_class")),
        sa.ForeignKeyConstraint(["drug"], ["drugs.name"], name=op.f("fk_other_names_drug_drugs")),
        sa.ForeignKeyConstraint(
            ["drug_class"], ["drug_classes.name"], name=op.f("fk_other_names_drug_class_drug_classes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_other_names")),
    )
    op.create_index(op.f("ix_other_names_name"), "other_names", ["name"])
    op.create_table(
        "passages",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("article_id", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_passages_article_id_articles")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passages")),
    )
    op.create_index(op.f("ix_passages_article_id"), "passages", ["article_id"])
    op.create_table(
        "passage_revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("passage_id", sa.String(length=120), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("aspects", sa.JSON(), nullable=False),
        sa.Column("drugs", sa.JSON(), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("general", sa.Boolean(), nullable=False),
        sa.Column("review_state", sa.String(length=20), nullable=True),
        sa.Column("review_on", sa.String(length=10), nullable=True),
        sa.Column("review_by", sa.String(length=200), nullable=True),
        sa.Column("review_due", sa.String(length=10), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipped_hash", sa.String(length=64), nullable=True),
        sa.Column("edited_by_staff", sa.Boolean(), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published', 'retired')", name=op.f("ck_passage_revisions_state")),
        sa.ForeignKeyConstraint(["passage_id"], ["passages.id"], name=op.f("fk_passage_revisions_passage_id_passages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage_revisions")),
        sa.UniqueConstraint("passage_id", "number", name=op.f("uq_passage_revisions_passage_id_number")),
    )
    op.create_index(
        "ix_passage_revisions_published",
        "passage_revisions",
        ["passage_id"],
        unique=True,
        sqlite_where=sa.text("state = 'published'"),
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "embeddings",
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("encoder", sa.String(length=120), nullable=False),
        sa.Column("dim", sa.Integer(), nullable=False),
        sa.Column("questions", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["passage_revisions.id"],
            name=op.f("fk_embeddings_revision_id_passage_revisions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("revision_id", "encoder", name=op.f("pk_embeddings")),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["passage_revisions.id"], name=op.f("fk_feedback_revision_id_passage_revisions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_at"), "feedback", ["at"])
    op.create_index(op.f("ix_feedback_message_id"), "feedback", ["message_id"])
    op.create_index(op.f("ix_feedback_revision_id"), "feedback", ["revision_id"])
    op.create_table(
        "passage_revision_sources",
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["passage_revisions.id"],
            name=op.f("fk_passage_revision_sources_revision_id_passage_revisions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_passage_revision_sources_source_id_sources")
        ),
        sa.PrimaryKeyConstraint("revision_id", "position", name=op.f("pk_passage_revision_sources")),
    )
    op.create_index(op.f("ix_passage_revision_sources_source_id"), "passage_revision_sources", ["source_id"])


def _rasas_table() -> None:
    if not sa.inspect(op.get_bind()).has_table("events"):  # Rasa makes it on its first start
        op.create_table(
            "events",
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("sender_id", sa.String(length=255), nullable=False),
            sa.Column("type_name", sa.String(length=255), nullable=False),
            sa.Column("timestamp", sa.Float(), nullable=True),
            sa.Column("intent_name", sa.String(length=255), nullable=True),
            sa.Column("action_name", sa.String(length=255), nullable=True),
            sa.Column("data", sa.Text(), nullable=True),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        )
        op.create_index(op.f("ix_events_sender_id"), "events", ["sender_id"])
    op.create_index(op.f("ix_events_timestamp"), "events", ["timestamp"])


def downgrade() -> None:
    for table in (
        "passage_revision_sources",
        "feedback",
        "embeddings",
        "passage_revisions",
        "passages",
        "other_names",
        "drugs_in_classes",
        "classes_in_classes",
        "chat_messages",
        "articles",
        "topics",
        "sources",
        "drugs",
        "drug_classes",
        "daily_counts",
        "content_version",
        "chat_sessions",
        "events",
    ):
        op.drop_table(table)
