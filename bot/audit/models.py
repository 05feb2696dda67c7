"""The table of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class AuditEvent(Base):
    """One thing that was done. Written by `AuditLog.record` alone, never changed.

    Triggers refuse UPDATE and DELETE. ``number`` has no gaps. ``mac`` is an HMAC over
    this row and the ``mac`` before it, so that a changed, removed or moved row shows.
    Kept for six years or more; it holds no patient words.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_object", "object_id", "number"),)

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor_id: Mapped[int | None] = mapped_column(Integer, index=True)
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40), index=True)
    object_kind: Mapped[str] = mapped_column(String(24))
    object_id: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    mac: Mapped[str] = mapped_column(String(64))
