"""The staff's work on content: drafts and their approval, the queue of what went wrong, proposals, withdrawals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mending_themes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("named_by_staff", sa.Boolean(), nullable=False),
        sa.Column("centre", sa.LargeBinary(), nullable=True),
        sa.Column("encoder", sa.String(length=120), nullable=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mending_themes")),
        sa.UniqueConstraint("key", name=op.f("uq_mending_themes_key")),
    )
    op.create_index("ix_mending_themes_order", "mending_themes", ["waiting", "last"], unique=False)
    op.create_table(
        "passage_uses",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("passage_id", sa.String(length=120), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "passage_id", name=op.f("pk_passage_uses")),
    )
    op.create_index(op.f("ix_passage_uses_passage_id"), "passage_uses", ["passage_id"], unique=False)
    op.create_table(
        "withdrawals",
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pk_withdrawals")),
    )
    op.create_table(
        "mending_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=True),
        sa.Column("conversation", sa.String(length=120), nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("topic", sa.String(length=60), nullable=True),
        sa.Column("category", sa.String(length=40), nullable=True),
        sa.Column("passage_id", sa.String(length=120), nullable=True),
        sa.Column("theme_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("answered_by", sa.String(length=200), nullable=True),
        sa.Column("answered", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["theme_id"], ["mending_themes.id"], name=op.f("fk_mending_items_theme_id_mending_themes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mending_items")),
        sa.UniqueConstraint("kind", "message_id", name=op.f("uq_mending_items_kind_message_id")),
    )
    op.create_index("ix_mending_items_at", "mending_items", ["at"], unique=False)
    op.create_index(op.f("ix_mending_items_conversation"), "mending_items", ["conversation"], unique=False)
    op.create_index("ix_mending_items_list", "mending_items", ["answer", "at"], unique=False)
    op.create_index("ix_mending_items_theme", "mending_items", ["theme_id", "at"], unique=False)
    op.create_table(
        "source_checks",
        sa.Column("source_id", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", sa.String(length=20), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("moved_to", sa.String(length=1000), nullable=True),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name=op.f("fk_source_checks_source_id_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_source_checks")),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("intent", sa.String(length=120), nullable=True),
        sa.Column("aspect", sa.String(length=60), nullable=True),
        sa.Column("passage_id", sa.String(length=120), nullable=True),
        sa.Column("author", sa.Integer(), nullable=False),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("decided", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=True),
        sa.CheckConstraint("(intent IS NULL) <> (passage_id IS NULL)", name=op.f("ck_proposals_intent_or_passage")),
        sa.ForeignKeyConstraint(["passage_id"], ["passages.id"], name=op.f("fk_proposals_passage_id_passages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index("ix_proposals_list", "proposals", ["state", "id"], unique=False)
    op.create_table(
        "revision_work",
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=True),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(length=1000), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=1000), nullable=False),
        sa.Column("approver", sa.Integer(), nullable=True),
        sa.Column("approver_name", sa.String(length=200), nullable=True),
        sa.Column("approved", sa.DateTime(timezone=True), nullable=True),
        sa.Column("publisher_name", sa.String(length=200), nullable=True),
        sa.Column("published", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["passage_revisions.id"],
            name=op.f("fk_revision_work_revision_id_passage_revisions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("pk_revision_work")),
    )
    op.create_index(op.f("ix_revision_work_state"), "revision_work", ["state"], unique=False)


def downgrade() -> None:
    for table in (
        "source_checks",
        "passage_uses",
        "proposals",
        "revision_work",
        "mending_items",
        "mending_themes",
        "withdrawals",
    ):
        op.drop_table(table)
