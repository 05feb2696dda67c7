"""The figures, counted by a real database into the clinic's days."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.content.models import Answer
from bot.conversations.models import Escalation, Feedback
from bot.db import Database
from bot.messages import Tier
from bot.review import figures
from bot.review.figures import Span
from tests.builders import NOON
from tests.integration.test_transcript_search import say

ZONE = ZoneInfo("America/Los_Angeles")
MONDAY = date(2026, 11, 23)


def span(first: date = MONDAY, last: date = MONDAY, step: int = 1) -> Span:
    return Span(first, last, ZONE, step)


def minutes_from_noon(at: datetime) -> int:
    return int((at - NOON).total_seconds() // 60)


def test_a_day_is_the_clinics_not_utcs(database: Database) -> None:
    last_minute = datetime(2026, 11, 24, 7, 59, tzinfo=UTC)  # 23:59 in Elk Grove
    next_day = last_minute + timedelta(minutes=1)
    with database.transaction() as session:
        say(session, "a", "x", minute=minutes_from_noon(last_minute), outcome="answered")
        say(session, "b", "x", minute=minutes_from_noon(next_day), channel="sms", outcome="queued")
    with database.reading() as session:
        both = span(MONDAY, MONDAY + timedelta(days=1))
        assert figures.conversations(session, both) == {
            MONDAY: Counter(web=1),
            MONDAY + timedelta(days=1): Counter(sms=1),
        }
        assert figures.outcomes(session, span()) == {MONDAY: Counter(answered=1)}


def test_days_count_right_over_the_change_of_the_clock() -> None:
    autumn = Span(date(2026, 10, 31), date(2026, 11, 2), ZONE)
    assert autumn.until - autumn.since == timedelta(days=3, hours=1)


@pytest.mark.parametrize(
    ("first", "last", "starts"),
    [
        (date(2026, 11, 18), date(2026, 11, 30), [(18, 22), (23, 29), (30, 30)]),
        (date(2026, 11, 23), date(2026, 11, 29), [(23, 29)]),
    ],
)
def test_weeks_begin_on_monday_and_lose_no_day(
    first: date, last: date, starts: list[tuple[int, int]]
) -> None:
    weeks = Span(first, last, ZONE, 7)
    assert [(start.day, weeks.end_of(start).day) for start in weeks.starts] == starts
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        start = weeks.start_of(day)
        assert start <= day <= weeks.end_of(start)


def test_topics_thumbs_and_unanswered_are_counted(database: Database) -> None:
    with database.transaction() as session:
        session.add(Answer(id="does-it-hurt", topic="pain_numbing"))
        session.flush()
        asked = say(session, "a", "hurts?", minute=0, outcome="answered")
        for helpful in (True, False, True):
            reply = say(
                session, "a", "It can.", minute=0, sender="assistant",
                in_reply_to=asked.id, answer_id="does-it-hurt",
            )  # fmt: skip
            session.add(Feedback(message_id=reply.id, helpful=helpful, at=NOON))
        for text, near in (
            ("tickets", []),
            ("call 916-555-0142", [["cost", 0.2]]),
            ("tickets", []),
        ):
            say(
                session, "b", text, minute=1, outcome="no_answer", triage={"language": "en"},
                understood={"intent": "out_of_scope", "confidence": 0.4, "candidates": near},
            )  # fmt: skip
    with database.reading() as session:
        assert figures.topics(session, span()) == [("pain_numbing", 3)]
        assert figures.thumbs(session, span()) == (2, 1)
        found = [(q.nearest, q.count, q.examples) for q in figures.unanswered(session, span())]
        earlier = span(MONDAY - timedelta(days=2), MONDAY - timedelta(days=1))
        assert figures.topics(session, earlier) == figures.unanswered(session, earlier) == []
    assert found == [("", 2, ("tickets",)), ("cost", 1, ("call [phone]",))]


def test_clocks_show_the_middle_one_and_who_still_waits(database: Database) -> None:
    with database.transaction() as session:
        for number, seen in enumerate((2, 4, 60, None)):
            say(session, f"c{number}", "x", minute=0)
            session.add(
                Escalation(
                    conversation_id=f"c{number}",
                    tier=3,
                    reason="red_flag",
                    rule_ids=[],
                    opened_at=NOON,
                    clock_from=NOON,
                    acknowledged_at=None if seen is None else NOON + timedelta(minutes=seen),
                )
            )
    with database.reading() as session:
        emergency, urgent, routine = figures.clocks(session, span())
    assert (emergency.tier, emergency.opened, emergency.waiting) == (Tier.EMERGENCY, 4, 1)
    assert emergency.to_acknowledge == 4
    assert emergency.to_resolve is None
    assert (urgent.opened, routine.opened) == (0, 0)
