"""The figures for a clinic manager: counted by the database, put into the clinic's days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Float,
    case,
    cast,
    delete,
    extract,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import Session

from bot.content.models import Answer, AnswerVersion
from bot.conversations.models import Conversation, Escalation, Feedback, Message
from bot.conversations.redaction import snippet
from bot.db import Database, utc_now
from bot.messages import Tier
from bot.review.models import FigureDay
from bot.review.search import OTHER

MAX_DAYS: Final = 366
EXAMPLES: Final = 3
LOOKED_AT: Final = 400
"""Newest unanswered messages that examples are taken from."""
DUE_SOON: Final = timedelta(days=30)
SETTLED: Final = timedelta(days=3)
"""How long after its end a day is kept; a day more than the triggers leave changes alone."""


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

    def start_of(self, day: date) -> date:
        """The step that a day belongs to."""
        if self.step == 1:
            return day
        return max(self.first, day - timedelta(days=day.weekday()))

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

COUNTED: Final[Mapping[str, tuple[Any, Any, tuple[Any, ...]]]] = {
    "conversations": (Conversation.created_at, Conversation.channel, ()),
    "outcomes": (
        Message.at,
        Message.outcome,
        (
            text("sender IN ('patient', 'staff')"),
            Message.sender == "patient",
            Message.outcome.is_not(None),
        ),
    ),
    "answers": (
        Message.at,
        Message.answer_id,
        (Message.answer_id.is_not(None),),
    ),
}
"""What is counted by the day: its moment, its name, and which rows."""


def conversations(session: Session, span: Span) -> Series:
    """Begun conversations of each step, by channel."""
    return _by_step(_days(session, span, "conversations"), span)


def outcomes(session: Session, span: Span) -> Series:
    """Patient messages of each step, by outcome."""
    return _by_step(_days(session, span, "outcomes"), span)


def topics(session: Session, span: Span) -> list[tuple[str, int]]:
    """How often answers of each topic were given, most first."""
    topic_of: Mapping[str, str] = {
        row[0]: row[1] for row in session.execute(select(Answer.id, Answer.topic))
    }
    answers: Counter[str] = Counter()
    for counts in _days(session, span, "answers").values():
        answers.update(counts)
    found: Counter[str] = Counter()
    for answer_id, count in answers.items():
        found[topic_of.get(answer_id, OTHER)] += count
    return found.most_common()


def unanswered(session: Session, span: Span, most: int | None = None) -> list[Question]:
    """Messages without an answer that are not erased, by the answer they came nearest to.

    Examples are of the newest `LOOKED_AT` ones.

    Args:
        most: Only so many of the largest groups.
    """
    # As `ix_messages_unanswered` says it.
    of_span = (
        text("outcome = 'no_answer' AND sender = 'patient' AND language IS NOT NULL"),
        Message.at >= span.since,
        Message.at < span.until,
    )
    counts = session.execute(
        select(Message.nearest, func.count()).where(*of_span).group_by(Message.nearest)
    ).all()
    newest = session.execute(
        select(Message.nearest, Message.text)
        .where(*of_span)
        .order_by(Message.at.desc(), Message.id.desc())
        .limit(LOOKED_AT)
    )
    # Each once, in their order.
    said: dict[str | None, dict[str, None]] = {}
    for nearest, words in newest:
        said.setdefault(nearest, {})[words] = None
    ordered = sorted(counts, key=lambda row: (-row[1], row[0] or ""))
    return [
        Question(
            nearest or "",
            count,
            tuple(snippet(words, 100) for words in list(said.get(nearest, ()))[:EXAMPLES]),
        )
        for nearest, count in ordered[:most]
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
    # The database takes the differences: reading four moments of each row took five times as long.
    rows = session.execute(
        select(
            Escalation.tier,
            _seconds(session, Escalation.clock_from, Escalation.acknowledged_at),
            _seconds(session, Escalation.opened_at, Escalation.resolved_at),
        ).where(Escalation.opened_at >= span.since, Escalation.opened_at < span.until)
    ).all()
    found = []
    for tier in (Tier.EMERGENCY, Tier.URGENT, Tier.ROUTINE):
        mine = [(seen, done) for its, seen, done in rows if its == tier]
        found.append(
            Clock(
                tier,
                len(mine),
                mine.count((None, None)),
                _middle([seen for seen, _ in mine if seen is not None]),
                _middle([done for _, done in mine if done is not None]),
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


def keep_days(database: Database, zone: ZoneInfo, now: datetime) -> int:
    """Count the past days that are not kept yet, or no longer; say how many there were.

    The last days are left to be counted each time: much of theirs still changes.
    """
    with database.reading() as session:
        first = session.scalar(select(func.min(Conversation.created_at)))
        if first is None:
            return 0
        begun = first.astimezone(zone).date()
        # Both clocks, as the trigger that forgets days goes by the computer's.
        last = (min(now, utc_now()) - SETTLED).astimezone(zone).date() - timedelta(days=1)
        span = Span(begun, last, zone)
        kept = {kind: set(_kept(session, span, kind)) for kind in COUNTED}
    missing = [
        day for day in _each_day(begun, last) if any(day not in days for days in kept.values())
    ]
    for run in _runs(missing):
        with database.transaction() as session:
            if session.get_bind().dialect.name == "postgresql":
                # Whoever changes a past day has locked the table in order to forget it, or
                # waits here until what is counted now can be forgotten.
                session.execute(text("LOCK TABLE figure_days IN SHARE ROW EXCLUSIVE MODE"))
            session.execute(delete(FigureDay).where(FigureDay.day.between(run[0], run[-1])))
            span = Span(run[0], run[-1], zone)
            session.add_all(
                FigureDay(day=day, kind=kind, zone=zone.key, counts=dict(counts))
                for kind in COUNTED
                for day, counts in _count(session, span, kind).items()
            )
    return len(missing)


def _days(session: Session, span: Span, kind: str) -> Series:
    """The counts of each day: read where they are kept, else counted."""
    found = _kept(session, span, kind)
    for run in _runs([day for day in _each_day(span.first, span.last) if day not in found]):
        found |= _count(session, Span(run[0], run[-1], span.zone), kind)
    return found


def _kept(session: Session, span: Span, kind: str) -> Series:
    rows = session.execute(select(FigureDay.day, FigureDay.counts).where(*_are_kept(span, kind)))
    return {row.day: Counter(row.counts) for row in rows}


def _are_kept(span: Span, kind: str) -> tuple[ColumnElement[bool], ...]:
    return (
        FigureDay.day.between(span.first, span.last),
        FigureDay.kind == kind,
        FigureDay.zone == span.zone.key,
    )


def _count(session: Session, span: Span, kind: str) -> Series:
    """The counts of each day of a span, from the rows themselves."""
    at, name, among = COUNTED[kind]
    days = _each_day(span.first, span.last)
    ends = [(at < Span(day, day, span.zone).until, number) for number, day in enumerate(days)]
    rows = session.execute(
        select(case(*ends).label("day_number"), name, func.count())
        .where(at >= span.since, at < span.until, *among)
        .group_by(text("day_number"), name)
    )
    found: Series = {day: Counter() for day in days}
    for number, key, count in rows:
        found[days[number]][key] = count
    return found


def _each_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _runs(days: Sequence[date]) -> list[list[date]]:
    """Days in order, in pieces without gaps and of a month at most."""
    runs: list[list[date]] = []
    for day in days:
        if runs and len(runs[-1]) < 31 and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _by_step(days: Series, span: Span) -> Series:
    found: Series = {start: Counter() for start in span.starts}
    for day, counts in days.items():
        found[span.start_of(day)].update(counts)
    return found


def _seconds(session: Session, begun: Any, ended: Any) -> Any:
    """From one moment to another, None where there is no other."""
    if session.get_bind().dialect.name == "sqlite":
        return (func.julianday(ended) - func.julianday(begun)) * literal_column("86400.0")
    return cast(extract("epoch", ended - begun), Float)


def _middle(seconds: Sequence[float]) -> float | None:
    """In minutes, exact to the millisecond, as SQLite's days are no more."""
    return round(median(seconds), 3) / 60 if seconds else None
