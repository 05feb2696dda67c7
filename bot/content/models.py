"""Tables of the answers patients read."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class Answer(Base):
    """One question the clinic answers.

    Written by seeding and by staff; kept for ever (retired, not deleted).
    ``published_version`` is what patients get now, None when nothing is live.
    """

    __tablename__ = "answers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    topic: Mapped[str] = mapped_column(String(64), index=True)
    published_version: Mapped[int | None] = mapped_column(Integer)


class AnswerVersion(Base):
    """One wording of an answer, exactly as it could be sent. Never changed once published.

    ``created_by`` is ``seed`` for wording that came from `data/answers/`, else the
    staff member; seeding leaves answers alone that staff have touched.
    """

    __tablename__ = "answer_versions"

    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    status: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    sms: Mapped[str] = mapped_column(Text)
    phrasings: Mapped[list[str]] = mapped_column(JSON)
    related: Mapped[list[str]] = mapped_column(JSON)
    referral: Mapped[str] = mapped_column(String(8))
    source: Mapped[list[str]] = mapped_column(JSON)
    owner: Mapped[str] = mapped_column(Text)
    approved_by: Mapped[str | None] = mapped_column(Text)
    approved_on: Mapped[date | None]
    review_due: Mapped[date]
    sample: Mapped[bool] = mapped_column(Boolean)
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ContentRevision(Base):
    """A counter in one row (id 1) that every content change raises.

    Readers that hold content in memory compare it to know when to read again.
    """

    __tablename__ = "content_revision"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
