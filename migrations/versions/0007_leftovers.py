"""An index for the escalations of one conversation, which every message looks up"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_escalations_conversation", "escalations", ["conversation_id", "status", "resolved_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_escalations_conversation", "escalations")
