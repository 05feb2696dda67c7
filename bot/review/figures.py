"""The figures for a clinic manager: counted by the database, put into the clinic's days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from bot.content.models import Answer, AnswerVersion
from bot.conversations.models import Conversation, Escalation, Feedback, Message
from bot.conversations.redaction import snippet
from bot.db import UtcDateTime
from bot.messages import Outcome, Tier

MAX_DAYS: Final = 366
EXAMPLES: Final = 3
LOOKED_AT: Final = 400
"""Newest unanswered messages that are grouped."""
DUE_SOON: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days of the clinic, the last one included; ``step`` is 1 (days) or 7 (weeks)."""

    first: date
    last: date
    zone: ZoneInfo
    step: int = 1

    @property
    def since(self) -> datetime:
        return self._midnight(self.first)

    @property
    def until(self) -> datetime:
        return self._midnight(self.last + timedelta(days=1))

    @property
    def starts(self) -> list[date]:
        """First day of each step; weeks begin on Monday, the first may be cut short."""
        days = [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]
        return [day for day in days if self.step == 1 or day == self.first or day.weekday() == 0]

    def end_of(self, start: date) -> date:
        """Last day of the step that begins on ``start``."""
        more = 0 if self.step == 1 else 6 - start.weekday()
        return min(self.last, start + timedelta(days=more))

    def start_of(self, at: datetime) -> date:
        """The step that a moment belongs to."""
        day = at.astimezone(self.zone).date()
        if self.step == 7:
            day = max(self.first, day - timedelta(days=day.weekday()))
        return day

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """Unanswered messages that came nearest to the same answer."""

    nearest: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """How escalations of one tier were worked; minutes on the wall, None where none was."""

    tier: Tier
    opened: int
    waiting: int
    to_acknowledge: float | None
    to_resolve: float | None


Series = dict[date, Counter[str]]


def conversations(session: Session, span: Span) -> Series:
    """Begun conversations of each step, by channel."""
    hour = _hour(session, Conversation.created_at)
    rows = session.execute(
        select(hour, Conversation.channel, func.count())
        .where(Conversation.created_at >= span.since, Conversation.created_at < span.until)
        .group_by(hour, Conversation.channel)
    )
    return _by_step(rows, span)


def outcomes(session: Session, span: Span) -> Series:
    """Patient messages of each step, by outcome."""
    hour = _hour(session, Message.at)
    rows = session.execute(
        select(hour, Message.outcome, func.count())
        .where(*_said("patient", span), Message.outcome.is_not(None))
        .group_by(hour, Message.outcome)
    )
    return _by_step(rows, span)


def topics(session: Session, span: Span) -> list[tuple[str, int]]:
    """How often answers of each topic were given, most first."""
    rows = session.execute(
        select(Message.answer_id, func.count())
        .where(*_said("assistant", span), Message.answer_id.is_not(None))
        .group_by(Message.answer_id)
    ).all()
    topic_of: Mapping[str, str] = {
        row[0]: row[1] for row in session.execute(select(Answer.id, Answer.topic))
    }
    found: Counter[str] = Counter()
    for answer_id, count in rows:
        found[topic_of.get(answer_id, "other")] += count
    return found.most_common()


def unanswered(session: Session, span: Span) -> list[Question]:
    """The newest messages without an answer, by the answer they came nearest to."""
    rows = session.execute(
        select(Message.text, Message.understood)
        .where(
            Message.outcome == Outcome.NO_ANSWER.value,
            Message.at >= span.since,
            Message.at < span.until,
            Message.triage.is_not(None),
        )
        .order_by(Message.at.desc())
        .limit(LOOKED_AT)
    )
    groups: dict[str, list[str]] = {}
    for words, understood in rows:
        near = (understood or {}).get("candidates") or []
        groups.setdefault(near[0][0] if near else "", []).append(words)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [
        Question(
            name, len(texts), tuple(snippet(t, 100) for t in list(dict.fromkeys(texts))[:EXAMPLES])
        )
        for name, texts in ordered
    ]


def thumbs(session: Session, span: Span) -> tuple[int, int]:
    """How many replies were rated helpful and not."""
    rows = session.execute(
        select(Feedback.helpful, func.count())
        .where(Feedback.at >= span.since, Feedback.at < span.until)
        .group_by(Feedback.helpful)
    )
    found = {bool(row[0]): row[1] for row in rows}
    return found.get(True, 0), found.get(False, 0)


def clocks(session: Session, span: Span) -> list[Clock]:
    """Escalations opened in the span, most severe first."""
    rows = session.execute(
        select(
            Escalation.tier,
            Escalation.clock_from,
            Escalation.opened_at,
            Escalation.acknowledged_at,
            Escalation.resolved_at,
        ).where(Escalation.opened_at >= span.since, Escalation.opened_at < span.until)
    ).all()
    found = []
    for tier in (Tier.EMERGENCY, Tier.URGENT, Tier.ROUTINE):
        mine = [row for row in rows if row.tier == tier]
        seen = [_minutes(r.acknowledged_at - r.clock_from) for r in mine if r.acknowledged_at]
        done = [_minutes(r.resolved_at - r.opened_at) for r in mine if r.resolved_at]
        waiting = sum(1 for row in mine if row.acknowledged_at is None and row.resolved_at is None)
        found.append(
            Clock(
                tier,
                len(mine),
                waiting,
                median(seen) if seen else None,
                median(done) if done else None,
            )
        )
    return found


def content_due(session: Session, today: date) -> Sequence[AnswerVersion]:
    """Live answers whose review is overdue or due within a month, soonest first."""
    return session.scalars(
        select(AnswerVersion)
        .join(
            Answer,
            (Answer.id == AnswerVersion.answer_id)
            & (Answer.published_version == AnswerVersion.version),
        )
        .where(AnswerVersion.review_due <= today + DUE_SOON)
        .order_by(AnswerVersion.review_due, AnswerVersion.answer_id)
    ).all()


def _said(sender: str, span: Span) -> tuple[ColumnElement[bool], ...]:
    return (Message.sender == sender, Message.at >= span.since, Message.at < span.until)


def _hour(session: Session, column: Any) -> Any:
    """A moment cut to its hour: text in UTC on SQLite, an aware time on PostgreSQL.

    Our zone differs from UTC by whole hours.
    """
    if session.get_bind().dialect.name == "sqlite":
        return func.substr(column, 1, 13)
    return func.date_trunc(text("'hour'"), column, type_=UtcDateTime())


def _by_step(rows: Any, span: Span) -> Series:
    found: Series = {start: Counter() for start in span.starts}
    for hour, name, count in rows:
        at = hour
        if isinstance(hour, str):
            at = datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)
        found[span.start_of(at)][name] += count
    return found


def _minutes(time: timedelta) -> float:
    return time.total_seconds() / 60
