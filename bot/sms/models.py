"""Tables of the SMS line. A telephone number is only ever stored encrypted, or as a keyed hash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime

PRIVATE = {"private": True}
"""Marks a column of encrypted values; `bot rotate-keys` rewrites every column so marked."""


class SmsNumber(Base):
    """A patient's telephone number and the conversation it leads to.

    Written when a number first texts; deleted when its conversation is erased, so that the
    next text begins a new one. ``offer`` holds the choices last offered, ``rest`` what MORE
    sends next; ``noticed_at`` is when the number was first told what it is texting with.
    """

    __tablename__ = "sms_numbers"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    number_hash: Mapped[str] = mapped_column(String(64), unique=True)
    number: Mapped[str] = mapped_column(Text, info=PRIVATE)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    noticed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    offer: Mapped[list[dict[str, str]] | None] = mapped_column(JSON)
    rest: Mapped[str] = mapped_column(Text, default="")


class SmsInbound(Base):
    """One text message as the provider delivered it, stored before any work on it.

    ``provider_id`` is the provider's own id, by which repeats are known. ``urgent`` rows
    do not wait for earlier ones of their sender. ``text`` is emptied once the message is in
    the transcript. Rows stay for thirty days, longer than any provider repeats.
    """

    __tablename__ = "sms_inbound"
    __table_args__ = (
        UniqueConstraint("provider", "provider_id"),
        Index(
            "ix_sms_inbound_waiting",
            "conversation_id",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    provider: Mapped[str] = mapped_column(String(16))
    provider_id: Mapped[str] = mapped_column(String(60))
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    text: Mapped[str] = mapped_column(Text)
    media_count: Mapped[int] = mapped_column(Integer, default=0)
    opt_out_type: Mapped[str] = mapped_column(String(16), default="")
    urgent: Mapped[bool] = mapped_column(default=False)
    over_limit: Mapped[bool] = mapped_column(default=False)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SmsOutbound(Base):
    """One text message of ours, queued in the transaction that stored what it says.

    ``status`` is ``queued``, ``sending``, ``sent``, ``delivered``, ``undelivered``,
    ``failed``, ``suppressed`` (not sent, as the number has opted out) or ``cancelled``.
    ``started_at`` is set while a call to the provider may have been made whose outcome is
    not known. ``ahead`` rows, emergencies, do not wait for others. ``body`` is exactly what
    was sent; it is erased with the conversation.
    """

    __tablename__ = "sms_outbound"
    __table_args__ = (
        Index(
            "ix_sms_outbound_waiting",
            "conversation_id",
            "id",
            sqlite_where=text("status IN ('queued', 'sending')"),
            postgresql_where=text("status IN ('queued', 'sending')"),
        ),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    ahead: Mapped[bool] = mapped_column(default=False)
    body: Mapped[str] = mapped_column(Text)
    part_count: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provider_id: Mapped[str | None] = mapped_column(String(60), unique=True)
    error_code: Mapped[int | None] = mapped_column(Integer)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SmsSuppression(Base):
    """A number that has opted out, by its hash. Outlives the erasure of its conversation."""

    __tablename__ = "sms_suppressions"

    number_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(16))


class SmsConsent(Base):
    """The consent ledger: one row per change or question, never changed, kept five years.

    ``kind`` is ``first_text``, ``opt_out``, ``opt_in`` or ``help``; ``source`` says how it came:
    ``patient`` (a text of their own accord), ``gateway`` (the provider named it), ``keyword``,
    ``words``, ``staff`` or ``provider`` (refused as opted out). ``words`` is what was written,
    encrypted; ``source_id`` the provider and its id of that text.
    """

    __tablename__ = "sms_consent"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    number_hash: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(String(16))
    words: Mapped[str] = mapped_column(Text, info=PRIVATE)
    source_id: Mapped[str | None] = mapped_column(String(80), unique=True)
