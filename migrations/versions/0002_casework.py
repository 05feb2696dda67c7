"""Escalations as a state machine: log, clocks, ownership, notices, review reasons"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The log is insert-only. An erasure may replace the words, and nothing else.
KEPT = (
    "id", "escalation_id", "at", "by", "kind",
    "from_status", "to_status", "from_tier", "to_tier", "message_id",
)  # fmt: skip
ERASED = "[erased]"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("owned_by", sa.Text(), nullable=True))
    op.add_column(
        "conversations", sa.Column("owned_since", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("messages", sa.Column("review_reason", sa.String(length=32), nullable=True))
    op.create_index("ix_messages_review_reason", "messages", ["review_reason"])
    _change_escalations()
    op.create_table(
        "escalation_events",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("escalation_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("from_status", sa.String(length=16), nullable=True),
        sa.Column("to_status", sa.String(length=16), nullable=False),
        sa.Column("from_tier", sa.Integer(), nullable=True),
        sa.Column("to_tier", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["escalation_id"], ["escalations.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_escalation_events_escalation_id", "escalation_events", ["escalation_id"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("escalation_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("contact", sa.String(length=64), nullable=False),
        sa.Column("medium", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["escalation_id"], ["escalations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notices_escalation_id", "notices", ["escalation_id"])
    op.create_index("ix_notices_due", "notices", ["status", "due_at"])
    _guard_log()


def _change_escalations() -> None:
    # Defaults instead of a batch: on SQLite a batch makes the table anew, which foreign
    # keys of existing rows forbid.
    for column in (
        sa.Column(
            "clock_from",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default="1970-01-01 00:00:00",
        ),
        sa.Column("first_reply_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("notify_step", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("notify_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
    ):
        op.add_column("escalations", column)
    # Nobody was told of what is still open from before: the worker does it now.
    op.execute("UPDATE escalations SET clock_from = opened_at")
    op.execute("UPDATE escalations SET notify_at = opened_at WHERE status = 'open'")
    op.execute("UPDATE escalations SET outcome = 'other' WHERE status = 'resolved'")
    op.create_index("ix_escalations_notify_at", "escalations", ["notify_at"])


def _guard_log() -> None:
    if op.get_bind().dialect.name == "postgresql":
        kept = " OR ".join(f'NEW."{name}" IS DISTINCT FROM OLD."{name}"' for name in KEPT)
        op.execute(
            f"""
            CREATE FUNCTION keep_escalation_events() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    IF NEW.words = '{ERASED}' AND NOT ({kept}) THEN RETURN NEW; END IF;
                END IF;
                RAISE EXCEPTION 'escalation_events is insert-only';
            END $$
            """
        )
        op.execute(
            "CREATE TRIGGER escalation_events_insert_only BEFORE UPDATE OR DELETE "
            "ON escalation_events FOR EACH ROW EXECUTE FUNCTION keep_escalation_events()"
        )
        return
    kept = " OR ".join(f'NEW."{name}" IS NOT OLD."{name}"' for name in KEPT)
    op.execute(
        "CREATE TRIGGER escalation_events_no_update BEFORE UPDATE ON escalation_events "
        f"WHEN NEW.words IS NOT '{ERASED}' OR {kept} "
        "BEGIN SELECT RAISE(ABORT, 'escalation_events is insert-only'); END"
    )
    op.execute(
        "CREATE TRIGGER escalation_events_no_delete BEFORE DELETE ON escalation_events "
        "BEGIN SELECT RAISE(ABORT, 'escalation_events is insert-only'); END"
    )


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("escalation_events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION keep_escalation_events()")
    op.drop_index("ix_escalations_notify_at", "escalations")
    for name in (
        *("clock_from", "first_reply_at", "assigned_to", "outcome"),
        *("notify_step", "notify_at", "version"),
    ):
        op.drop_column("escalations", name)
    op.drop_index("ix_messages_review_reason", "messages")
    op.drop_column("messages", "review_reason")
    op.drop_column("conversations", "owned_since")
    op.drop_column("conversations", "owned_by")
