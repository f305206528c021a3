"""Messengers: people, what arrived and what is to be delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_arrivals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("conversation", sa.String(length=120), nullable=True),
        sa.Column("sent", sa.Float(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.String(length=120), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'done', 'dead')", name=op.f("ck_channel_arrivals_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_arrivals")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_channel_arrivals_channel_key")),
    )
    op.create_index(op.f("ix_channel_arrivals_at"), "channel_arrivals", ["at"])
    op.create_index(op.f("ix_channel_arrivals_conversation"), "channel_arrivals", ["conversation"])
    op.create_table(
        "channel_deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("conversation", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("perhaps_sent", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.String(length=120), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'dead', 'dropped')", name=op.f("ck_channel_deliveries_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_deliveries")),
    )
    op.create_index(op.f("ix_channel_deliveries_at"), "channel_deliveries", ["at"])
    op.create_index(op.f("ix_channel_deliveries_conversation"), "channel_deliveries", ["conversation"])
    op.create_table(
        "channel_people",
        sa.Column("conversation", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("greeted", sa.Boolean(), nullable=False),
        sa.Column("keep", sa.Boolean(), nullable=False),
        sa.Column("forget", sa.Boolean(), nullable=False),
        sa.Column("opted_out", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered", sa.JSON(), nullable=False),
        sa.Column("more", sa.LargeBinary(), nullable=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_by", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("conversation", name=op.f("pk_channel_people")),
    )
    op.create_index(op.f("ix_channel_people_last_seen"), "channel_people", ["last_seen"])
    op.create_index("ix_channel_people_work", "channel_people", ["channel", "urgent", "due"])


def downgrade() -> None:
    for table in ("channel_people", "channel_deliveries", "channel_arrivals"):
        op.drop_table(table)
