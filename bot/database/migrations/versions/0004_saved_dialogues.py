"""Saved dialogues, and what came of having them again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_dialogues",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_dialogues")),
        sa.UniqueConstraint("file", "name", name=op.f("uq_staff_dialogues_file_name")),
    )
    op.create_table(
        "dialogue_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("content_version", sa.Integer(), nullable=False),
        sa.Column("drafts", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialogue_runs")),
    )
    op.create_table(
        "dialogue_results",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("dialogue", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("turns", sa.JSON(), nullable=False),
        sa.Column("reached", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("milliseconds", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('passed', 'failed', 'known', 'mended', 'broken')", name=op.f("ck_dialogue_results_state")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["dialogue_runs.id"], name=op.f("fk_dialogue_results_run_id_dialogue_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "dialogue", name=op.f("pk_dialogue_results")),
    )
    op.create_index("ix_dialogue_results_dialogue", "dialogue_results", ["dialogue", "run_id"])


def downgrade() -> None:
    for table in ("dialogue_results", "dialogue_runs", "staff_dialogues"):
        op.drop_table(table)
