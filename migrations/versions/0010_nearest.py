"""Which answer a message came nearest to, for counting and listing what was not answered"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_UNANSWERED = "outcome = 'no_answer' AND sender = 'patient' AND language IS NOT NULL"


def upgrade() -> None:
    op.add_column("messages", sa.Column("nearest", sa.String(length=64), nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    first = (
        "json_extract(understood, '$.candidates[0][0]')"
        if sqlite
        else "understood -> 'candidates' -> 0 ->> 0"
    )
    # Of what was not answered only: nothing asks for the others, and on PostgreSQL each row
    # written slows the lists down until the next vacuum.
    op.execute(f"UPDATE messages SET nearest = {first} WHERE {_UNANSWERED}")  # noqa: S608
    op.create_index(
        "ix_messages_unanswered",
        "messages",
        ["at", "id", "nearest"],
        sqlite_where=sa.text(_UNANSWERED),
        postgresql_where=sa.text(_UNANSWERED),
    )


def downgrade() -> None:
    op.drop_index("ix_messages_unanswered", "messages")
    op.drop_column("messages", "nearest")
