"""Tables of conversations. A message is stored before it is worked on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class Conversation(Base):
    """One patient on one channel. Kept until its retention ends or the patient erases it.

    ``id`` is random and says nothing about the patient; Rasa knows the conversation
    by it. ``owner`` is who answers: ``bot`` or ``staff``. ``session_hash`` is the
    SHA-256 of the web session's cookie, None on other channels or after erasure.
    """

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_message_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    owner: Mapped[str] = mapped_column(String(8), default="bot")
    session_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    session_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Message(Base):
    """One thing said, by patient, assistant, staff or system.

    ``id`` orders messages; ``public_id`` is what clients see. A patient message has
    ``outcome`` None while it is worked on. A reply names its message in
    ``in_reply_to`` and, for an answer, the version that was shown; ``text`` is exactly
    what was read, placeholders filled.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "client_message_id"),
        Index("ix_messages_conversation", "conversation_id", "id"),
        Index("ix_messages_retry", "retry_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    sender: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    client_message_id: Mapped[str | None] = mapped_column(String(64))
    button_id: Mapped[str | None] = mapped_column(String(80))
    outcome: Mapped[str | None] = mapped_column(String(24), index=True)
    tier: Mapped[int] = mapped_column(Integer, default=0)
    triage: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    understood: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    latency_ms: Mapped[float | None]
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    in_reply_to: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    buttons: Mapped[list[dict[str, str]] | None] = mapped_column(JSON)
    answer_id: Mapped[str | None] = mapped_column(String(64), index=True)
    answer_version: Mapped[int | None] = mapped_column(Integer)
    answer_title: Mapped[str | None] = mapped_column(Text)
    answer_reviewed_on: Mapped[str | None] = mapped_column(String(10))
    staff_name: Mapped[str | None] = mapped_column(Text)


class Escalation(Base):
    """One handing over to staff. At most one per conversation is not yet resolved.

    Opened by intake or by an action; worked by staff; kept after an erasure, as it
    holds no patient words.
    """

    __tablename__ = "escalations"
    __table_args__ = (
        Index(
            "uq_escalations_open",
            "conversation_id",
            unique=True,
            sqlite_where=text("status != 'resolved'"),
            postgresql_where=text("status != 'resolved'"),
        ),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    tier: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(16), default="open")
    reason: Mapped[str] = mapped_column(String(40))
    rule_ids: Mapped[list[str]] = mapped_column(JSON)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(Text)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_by: Mapped[str | None] = mapped_column(Text)
    resolution: Mapped[str | None] = mapped_column(Text)


class EscalationMessage(Base):
    """Which messages belong to an escalation, each once."""

    __tablename__ = "escalation_messages"

    escalation_id: Mapped[int] = mapped_column(ForeignKey("escalations.id"), primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    tier: Mapped[int] = mapped_column(Integer)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Feedback(Base):
    """A patient's thumb on one reply; a second thumb replaces the first."""

    __tablename__ = "feedback"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    helpful: Mapped[bool]
    comment: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Erasure(Base):
    """That a transcript was erased: when, at whose wish, how many messages. No words."""

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = mapped_column(String(40), index=True)
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(24))
    message_count: Mapped[int] = mapped_column(Integer)


class WorkerHeartbeat(Base):
    """When the worker last went round, in one row (id 1); readiness reads it."""

    __tablename__ = "worker_heartbeat"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
