"""Tables of conversations. A message is stored before it is worked on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from bot.db import Base, UtcDateTime


def _index(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Conversation(Base):
    """One patient on one channel. Kept until its retention ends or the patient erases it.

    A hold (``held_at``) stops retention and erasure; an erasure wished for meanwhile is
    kept in ``erase_wanted`` and done once the hold is released.

    ``id`` is random and says nothing about the patient; Rasa knows the conversation
    by it. ``owner`` is who answers: ``bot`` or ``staff``; while it is ``staff``,
    ``owned_by`` names the person (see `handover`). ``session_hash`` is the SHA-256
    of the web session's cookie, None on other channels or after erasure.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_created", "created_at", "channel"),
        Index("ix_conversations_channel", "channel", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_message_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    owner: Mapped[str] = mapped_column(String(8), default="bot")
    owned_by: Mapped[str | None] = mapped_column(Text)
    owned_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    session_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    session_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_by: Mapped[str | None] = mapped_column(Text)
    erase_wanted: Mapped[str | None] = mapped_column(String(24))


class Message(Base):
    """One thing said, by patient, assistant, staff or system.

    ``id`` orders messages; ``public_id`` is what clients see. A patient message has
    ``outcome`` None while it is worked on; ``intent``, ``confidence``, ``nearest`` (the first
    candidate) and ``language`` repeat what ``understood`` and ``triage`` say, for filters. A
    reply names its message in ``in_reply_to`` and, for an answer, the version that was shown;
    only such a reply has ``answer_id``. ``text`` is exactly what was read, placeholders
    filled. On SMS ``sms_text`` is its short form, where there is one, and `SmsOutbound.body`
    exactly what was sent. ``triage`` holds a patient message's verdict, and of a reply to a
    red flag the name of its approved wording.
    ``review_reason`` says why a person should look at how the message was understood;
    None: no reason.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "client_message_id"),
        Index("ix_messages_conversation", "conversation_id", "id"),
        _index("ix_messages_retry", "retry_at", where="retry_at IS NOT NULL"),
        # What lists filter and order by: they read this, then the rows of one page only.
        _index(
            "ix_messages_list",
            *("at", "id", "sender", "outcome", "tier", "intent", "confidence", "language"),
            "conversation_id",
            where="sender IN ('patient', 'staff')",
        ),
        _index(
            *("ix_messages_unanswered", "at", "id", "nearest"),
            where="outcome = 'no_answer' AND sender = 'patient' AND language IS NOT NULL",
        ),
        _index("ix_messages_unfinished", "id", where="outcome IS NULL AND sender = 'patient'"),
        _index("ix_messages_sample", "at", "id", where="public_id < '0d' AND sender = 'patient'"),
        _index("ix_messages_red_flag", "at", "id", where="tier >= 2 AND sender = 'patient'"),
        _index(
            *("ix_messages_marked", "at", "id"),
            where="review_reason IS NOT NULL AND sender = 'patient'",
        ),
        _index(
            *("ix_messages_button", "at", "id"),
            where="button_id IS NOT NULL AND sender = 'patient'",
        ),
        _index("ix_messages_answer", "answer_id", "in_reply_to", where="answer_id IS NOT NULL"),
        _index("ix_messages_answered", "at", "answer_id", where="answer_id IS NOT NULL"),
        _index(
            *("ix_messages_reply", "id", "in_reply_to", "answer_id"),
            where="in_reply_to IS NOT NULL",
        ),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    sender: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    sms_text: Mapped[str | None] = mapped_column(Text)
    media_count: Mapped[int] = mapped_column(Integer, default=0)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    client_message_id: Mapped[str | None] = mapped_column(String(64))
    button_id: Mapped[str | None] = mapped_column(String(80))
    outcome: Mapped[str | None] = mapped_column(String(24))
    tier: Mapped[int] = mapped_column(Integer, default=0)
    triage: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    understood: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    latency_ms: Mapped[float | None]
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    in_reply_to: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    buttons: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    answer_id: Mapped[str | None] = mapped_column(String(64))
    answer_version: Mapped[int | None] = mapped_column(Integer)
    answer_title: Mapped[str | None] = mapped_column(Text)
    answer_reviewed_on: Mapped[str | None] = mapped_column(String(10))
    staff_name: Mapped[str | None] = mapped_column(Text)
    review_reason: Mapped[str | None] = mapped_column(String(32))
    intent: Mapped[str | None] = mapped_column(String(64))
    confidence: Mapped[float | None]
    language: Mapped[str | None] = mapped_column(String(8))
    nearest: Mapped[str | None] = mapped_column(String(64))

    @validates("understood")
    def _repeat_understanding(
        self, _key: str, value: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        self.intent = (value or {}).get("intent")
        self.confidence = (value or {}).get("confidence")
        near = (value or {}).get("candidates")
        self.nearest = near[0][0] if near else None
        return value

    @validates("triage")
    def _repeat_language(self, _key: str, value: dict[str, Any] | None) -> dict[str, Any] | None:
        self.language = (value or {}).get("language")
        return value


class Escalation(Base):
    """One handing over to staff. At most one per conversation is not yet resolved.

    Opened by intake or by an action; worked by staff through `escalations`, which keeps
    ``version`` and the log; kept after an erasure, without staff's words.

    ``clock_from`` is when the present tier began to wait: the opening, or the last raise
    or reopening. ``acknowledged_at`` and ``first_reply_at`` count from there; the log
    keeps what was before. ``notify_at`` is when the next step of the notification ladder
    is due (``notify_step``, from 0), None when nobody more needs to be told.
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
        Index("ix_escalations_resolved", "status", "resolved_at"),
        Index("ix_escalations_conversation", "conversation_id", "status", "resolved_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    tier: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(16), default="open")
    reason: Mapped[str] = mapped_column(String(40))
    rule_ids: Mapped[list[str]] = mapped_column(JSON)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    clock_from: Mapped[datetime] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(Text)
    first_reply_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    assigned_to: Mapped[str | None] = mapped_column(Text)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_by: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(String(32))
    resolution: Mapped[str | None] = mapped_column(Text)
    notify_step: Mapped[int] = mapped_column(Integer, default=0)
    notify_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    version: Mapped[int] = mapped_column(Integer, default=1)


class EscalationEvent(Base):
    """One thing that happened to an escalation. Insert-only: a trigger refuses the rest.

    ``by`` is a person's name, or ``assistant``. ``words`` are staff's own: a note, a
    reason, who was assigned; an erasure, and nothing else, may replace them.
    """

    __tablename__ = "escalation_events"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    escalation_id: Mapped[int] = mapped_column(ForeignKey("escalations.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(16))
    from_status: Mapped[str | None] = mapped_column(String(16))
    to_status: Mapped[str] = mapped_column(String(16))
    from_tier: Mapped[int | None] = mapped_column(Integer)
    to_tier: Mapped[int] = mapped_column(Integer)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    words: Mapped[str | None] = mapped_column(Text)


class Notice(Base):
    """One notification of one contact by one medium. Written and sent by the worker.

    ``status`` is ``due``, ``sent``, ``failed`` (given up) or ``cancelled``. Until
    ``claimed_until`` no worker takes it: another one is sending it, or it waits for its
    next try. ``kind`` is ``escalation``, or ``missed`` for a missed one that a review
    found, which is told whoever has acknowledged it. ``error`` is a short technical word; a
    row holds no patient words.
    """

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_due", "status", "due_at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    escalation_id: Mapped[int] = mapped_column(ForeignKey("escalations.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16), default="escalation", server_default="escalation")
    step: Mapped[int] = mapped_column(Integer)
    contact: Mapped[str] = mapped_column(String(64))
    medium: Mapped[str] = mapped_column(String(16))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(String(16), default="due")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)


class Contact(Base):
    """How the patient of an escalation wants to be called back, as far as they said.

    Every value is a token of `PrivateData`. Written by the contact form; an erasure of the
    conversation deletes the row.
    """

    __tablename__ = "contacts"

    escalation_id: Mapped[int] = mapped_column(ForeignKey("escalations.id"), primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    best_time: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


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
    __table_args__ = (Index("ix_feedback_at", "at", "helpful"),)

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
