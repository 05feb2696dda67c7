"""Indexes that hold what lists filter by, and counts of past days"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PEOPLE = "sender IN ('patient', 'staff')"
_OLD = (
    ("ix_messages_sender", ["sender", "at", "outcome", "answer_id"]),
    ("ix_messages_outcome", ["outcome"]),
    ("ix_messages_outcome_at", ["outcome", "at"]),
    ("ix_messages_intent", ["intent", "at"]),
    ("ix_messages_language", ["language", "at"]),
    ("ix_messages_tier", ["tier", "at"]),
    ("ix_messages_confidence", ["confidence"]),
    ("ix_messages_review_reason", ["review_reason"]),
    ("ix_messages_answer_id", ["answer_id"]),
    ("ix_messages_retry", ["retry_at"]),
)
_NEW = (
    (
        "ix_messages_list",
        [
            *("at", "id", "sender", "outcome", "tier", "intent", "confidence", "language"),
            "conversation_id",
        ],
        _PEOPLE,
    ),
    ("ix_messages_unfinished", ["id"], "outcome IS NULL AND sender = 'patient'"),
    ("ix_messages_retry", ["retry_at"], "retry_at IS NOT NULL"),
    ("ix_messages_sample", ["at", "id"], "public_id < '0d' AND sender = 'patient'"),
    ("ix_messages_red_flag", ["at", "id"], "tier >= 2 AND sender = 'patient'"),
    ("ix_messages_marked", ["at", "id"], "review_reason IS NOT NULL AND sender = 'patient'"),
    ("ix_messages_button", ["at", "id"], "button_id IS NOT NULL AND sender = 'patient'"),
    ("ix_messages_answer", ["answer_id", "in_reply_to"], "answer_id IS NOT NULL"),
    ("ix_messages_answered", ["at", "answer_id"], "answer_id IS NOT NULL"),
    ("ix_messages_reply", ["id", "in_reply_to", "answer_id"], "in_reply_to IS NOT NULL"),
)
_TABLES = {
    "messages": "at, outcome, answer_id, sender",
    "conversations": "created_at, channel",
}
_WHEN = {"messages": "at", "conversations": "created_at"}

# Only for what is older than the youngest day that is kept, so that storing a new message
# neither writes nor locks anything more.
_SQLITE = """
CREATE TRIGGER {table}_counted_{verb} AFTER {event} ON {table}
WHEN {old} < datetime('now', '-2 days') OR {new} < datetime('now', '-2 days') BEGIN
  DELETE FROM figure_days WHERE day BETWEEN date({old}, '-1 day') AND date({old}, '+1 day');
  DELETE FROM figure_days WHERE day BETWEEN date({new}, '-1 day') AND date({new}, '+1 day');
END
"""
_POSTGRES = """
CREATE FUNCTION {table}_counted_{verb}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM figure_days
  WHERE day BETWEEN ({old} AT TIME ZONE 'UTC')::date - 1 AND ({old} AT TIME ZONE 'UTC')::date + 1
    OR day BETWEEN ({new} AT TIME ZONE 'UTC')::date - 1 AND ({new} AT TIME ZONE 'UTC')::date + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER {table}_counted_{verb} AFTER {event} ON {table} FOR EACH ROW
WHEN ({old} < now() - interval '2 days' OR {new} < now() - interval '2 days')
EXECUTE FUNCTION {table}_counted_{verb}();
"""


def upgrade() -> None:
    for name, _ in _OLD:
        op.drop_index(name, "messages")
    for name, columns, where in _NEW:
        op.create_index(
            name,
            "messages",
            columns,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_index("ix_conversations_channel", "conversations", ["channel", "id"])
    op.create_index("ix_feedback_at", "feedback", ["at", "helpful"])
    op.drop_index("ix_audit_object", "audit_events")
    op.create_index("ix_audit_object", "audit_events", ["object_id", "number"])
    op.create_table(
        "figure_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind"),
    )
    template = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES
    for table, columns in _TABLES.items():
        at = _WHEN[table]
        for verb, event, old, new in (
            ("insert", "INSERT", "new", "new"),
            ("update", f"UPDATE OF {columns}", "old", "new"),
            ("delete", "DELETE", "old", "old"),
        ):
            op.execute(
                template.format(
                    table=table, verb=verb, event=event, old=f"{old}.{at}", new=f"{new}.{at}"
                )
            )


def downgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        for verb in ("insert", "update", "delete"):
            on = f" ON {table}" if postgres else ""
            op.execute(f"DROP TRIGGER {table}_counted_{verb}{on}")
            if postgres:
                op.execute(f"DROP FUNCTION {table}_counted_{verb}()")
    op.drop_table("figure_days")
    op.drop_index("ix_audit_object", "audit_events")
    op.create_index("ix_audit_object", "audit_events", ["object_kind", "object_id"])
    op.drop_index("ix_feedback_at", "feedback")
    op.drop_index("ix_conversations_channel", "conversations")
    for name, _, _ in _NEW:
        op.drop_index(name, "messages")
    for name, columns in _OLD:
        op.create_index(name, "messages", columns)
