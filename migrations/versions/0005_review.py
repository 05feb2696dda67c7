"""Filters and full-text search of transcripts, reviews and flags"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What is searched is what people wrote. The assistant's own answers would be most hits.
_SQLITE = (
    """
    CREATE VIEW message_search_words AS
    SELECT id, text FROM messages WHERE sender IN ('patient', 'staff')
    """,
    """
    CREATE VIRTUAL TABLE message_search USING fts5(
      text, content='message_search_words', content_rowid='id',
      tokenize='unicode61 remove_diacritics 2', prefix='3'
    )
    """,
    "INSERT INTO message_search (message_search) VALUES ('rebuild')",
    """
    CREATE TRIGGER message_search_insert AFTER INSERT ON messages
    WHEN new.sender IN ('patient', 'staff') BEGIN
      INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER message_search_update AFTER UPDATE OF text ON messages
    WHEN old.sender IN ('patient', 'staff') BEGIN
      INSERT INTO message_search (message_search, rowid, text)
      VALUES ('delete', old.id, old.text);
      INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
    END
    """,
    """
    CREATE TRIGGER message_search_delete AFTER DELETE ON messages
    WHEN old.sender IN ('patient', 'staff') BEGIN
      INSERT INTO message_search (message_search, rowid, text)
      VALUES ('delete', old.id, old.text);
    END
    """,
)
_POSTGRES = """
CREATE INDEX ix_message_search ON messages USING gin (to_tsvector('simple', text))
WHERE sender IN ('patient', 'staff')
"""
_BACKFILL = {
    "sqlite": """
        UPDATE messages SET intent = json_extract(understood, '$.intent'),
          confidence = json_extract(understood, '$.confidence'),
          language = json_extract(triage, '$.language')
        """,
    "postgresql": """
        UPDATE messages SET intent = understood ->> 'intent',
          confidence = (understood ->> 'confidence')::float,
          language = triage ->> 'language'
        """,
}
_INDEXES = (
    ("ix_messages_sender", ["sender", "at", "outcome", "answer_id"]),
    ("ix_messages_outcome_at", ["outcome", "at"]),
    ("ix_messages_intent", ["intent", "at"]),
    ("ix_messages_language", ["language", "at"]),
    ("ix_messages_tier", ["tier", "at"]),
    ("ix_messages_confidence", ["confidence"]),
)


def upgrade() -> None:
    op.add_column("messages", sa.Column("intent", sa.String(length=64), nullable=True))
    op.add_column("messages", sa.Column("confidence", sa.Float(), nullable=True))
    op.add_column("messages", sa.Column("language", sa.String(length=8), nullable=True))
    dialect = op.get_bind().dialect.name
    op.execute(_BACKFILL[dialect])
    for name, columns in _INDEXES:
        op.create_index(name, "messages", columns)
    op.create_index("ix_escalations_resolved", "escalations", ["status", "resolved_at"])
    op.create_index("ix_conversations_created", "conversations", ["created_at", "channel"])
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=24), nullable=False),
        sa.Column("right_intent", sa.String(length=64), nullable=True),
        sa.Column("right_answer", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.ForeignKeyConstraint(["reviewer_id"], ["staff_members.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id", "reviewer_id"),
    )
    op.create_index("ix_reviews_at", "reviews", ["at"])
    op.create_index("ix_reviews_verdict", "reviews", ["verdict"])
    op.create_table(
        "message_flags",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.PrimaryKeyConstraint("message_id"),
    )
    for statement in _SQLITE if dialect == "sqlite" else (_POSTGRES,):
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER message_search_{name}")
        op.execute("DROP TABLE message_search")
        op.execute("DROP VIEW message_search_words")
    else:
        op.execute("DROP INDEX ix_message_search")
    op.drop_table("message_flags")
    op.drop_table("reviews")
    op.drop_index("ix_conversations_created", "conversations")
    op.drop_index("ix_escalations_resolved", "escalations")
    for name, _ in _INDEXES:
        op.drop_index(name, "messages")
    for column in ("language", "confidence", "intent"):
        op.drop_column("messages", column)
