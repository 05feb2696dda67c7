"""Tables of reviews. Written by staff in the console, kept as long as the message's row."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class Review(Base):
    """What one member of staff says of one patient message; a later word replaces an earlier.

    ``verdict`` is a key of `store.VERDICTS`. ``right_intent`` and ``right_answer`` say what
    it should have been, where the reviewer knows. ``note`` is the reviewer's own words and
    goes with an erasure. ``closed_at`` and ``closed_by`` matter for a missed escalation:
    when an admin has dealt with it, and ``tell_at`` when the contacts for misses are due to be
    told of it, None once the worker has written their notices.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("message_id", "reviewer_id"),
        Index("ix_reviews_tell", "tell_at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("staff_members.id"))
    reviewer: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    verdict: Mapped[str] = mapped_column(String(24), index=True)
    right_intent: Mapped[str | None] = mapped_column(String(64))
    right_answer: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(Text)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(Text)
    tell_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MessageFlag(Base):
    """That somebody marked a patient message to be talked about. Removed when done."""

    __tablename__ = "message_flags"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(Text)


class FigureDay(Base):
    """What was counted on a past day of the clinic in ``zone``, so that it is read, not counted.

    ``kind`` is a key of `figures.COUNTED`; ``counts`` is how many of each name. Written by
    `figures.keep_days`. A trigger deletes a day whose conversations or messages change: no
    row means that the day has to be counted.
    """

    __tablename__ = "figure_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))
    counts: Mapped[dict[str, int]] = mapped_column(JSON)


class SavedFilter(Base):
    """A filter of transcripts that one member keeps under a name, until they remove it.

    ``asked`` is the form's fields as `bot.console.transcripts` reads them. Words to search
    for may be among them, so nobody else sees it.
    """

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("member_id", "name"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("staff_members.id"))
    name: Mapped[str] = mapped_column(String(40))
    asked: Mapped[dict[str, str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
