"""Saved filters of transcripts, notices of missed escalations, no JSON null for nothing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["staff_members.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("member_id", "name"),
    )
    op.add_column("reviews", sa.Column("tell_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_reviews_tell", "reviews", ["tell_at"])
    op.add_column(
        "notices",
        sa.Column("kind", sa.String(length=16), nullable=False, server_default="escalation"),
    )
    # An erasure used to write the JSON word null, which is not SQL's NULL.
    for column in ("triage", "understood", "buttons"):
        op.execute(
            f"UPDATE messages SET {column} = NULL WHERE CAST({column} AS VARCHAR) = 'null'"  # noqa: S608
        )


def downgrade() -> None:
    op.drop_column("notices", "kind")
    op.drop_index("ix_reviews_tell", "reviews")
    op.drop_column("reviews", "tell_at")
    op.drop_table("saved_filters")
