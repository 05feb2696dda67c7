"""Past days are kept, and what is kept never differs from what would be counted."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from bot.conversations import transcript
from bot.conversations.models import Conversation, Message
from bot.db import Database, utc_now
from bot.review import figures
from bot.review.figures import COUNTED, Span
from bot.review.models import FigureDay
from tests.builders import NOON
from tests.integration.test_transcript_search import say

ZONE = ZoneInfo("America/Los_Angeles")
DAY = 24 * 60
LONG_AGO = -900 * DAY
"""In minutes from noon: past by every clock."""
DAYS = 12
FIRST = (NOON + timedelta(minutes=LONG_AGO)).astimezone(ZONE).date()
MIDDLE = FIRST + timedelta(days=5)
SPAN = Span(FIRST - timedelta(days=2), FIRST + timedelta(days=DAYS + 2), ZONE)
OUTCOMES = ("answered", "no_answer", "queued", None)
ANSWERS = ("does-it-hurt", "cost-single", None)


def some(session: Session, rng: random.Random, name: str) -> None:
    """A conversation with an answered message, on any of the days at any hour."""
    minute = LONG_AGO + rng.randrange(DAYS * DAY)
    channel = rng.choice(("web", "sms"))
    asked = say(session, name, "x", minute=minute, channel=channel, outcome=rng.choice(OUTCOMES))
    say(
        *(session, name, "y"),
        minute=minute + rng.randrange(2 * DAY),
        sender="assistant",
        in_reply_to=asked.id,
        answer_id=rng.choice(ANSWERS),
    )


def shown_and_counted(database: Database, span: Span = SPAN) -> tuple[object, object]:
    with database.reading() as session:
        shown = {kind: figures._days(session, span, kind) for kind in COUNTED}
        return shown, {kind: figures._count(session, span, kind) for kind in COUNTED}


def kept(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(FigureDay)) or 0


@pytest.fixture
def filled(database: Database) -> Database:
    rng = random.Random(7)
    with database.transaction() as session:
        for number in range(40):
            some(session, rng, f"c{number}")
    figures.keep_days(database, ZONE, NOON)
    return database


def test_a_kept_day_is_read_and_not_counted(filled: Database) -> None:
    shown, counted = shown_and_counted(filled)
    assert shown == counted
    with filled.transaction() as session:
        session.execute(
            update(FigureDay)
            .where(FigureDay.day == MIDDLE, FigureDay.kind == "conversations")
            .values(counts={"web": 1000})
        )
    with filled.reading() as session:
        found = figures.conversations(session, Span(MIDDLE, MIDDLE, ZONE))
    assert found == {MIDDLE: Counter(web=1000)}


def test_whatever_changes_on_a_past_day_shows_at_once(filled: Database) -> None:
    rng = random.Random(11)
    for number in range(40):
        with filled.transaction() as session:
            messages = session.scalars(select(Message).order_by(Message.id)).all()
            replies = [m for m in messages if m.sender == "assistant"]
            match number % 6:
                case 0:
                    some(session, rng, f"late{number}")
                case 1:
                    asked = rng.choice([m for m in messages if m.sender == "patient"])
                    asked.outcome = rng.choice(OUTCOMES)
                case 2:
                    rng.choice(replies).answer_id = rng.choice(ANSWERS)
                case 3:
                    rng.choice(messages).at += timedelta(hours=rng.randrange(-60, 60))
                case 4:
                    session.execute(delete(Message).where(Message.id == rng.choice(replies).id))
                case 5:
                    one = session.scalars(select(Conversation).order_by(Conversation.id)).first()
                    assert one is not None
                    one.channel = "sms" if one.channel == "web" else "web"
                    one.created_at -= timedelta(hours=5)
        shown, counted = shown_and_counted(filled)
        assert shown == counted, number
        if number % 4 == 3:
            figures.keep_days(filled, ZONE, NOON)


def test_a_change_forgets_its_own_days_only_and_they_are_kept_again(filled: Database) -> None:
    before = kept(filled)
    with filled.transaction() as session:
        say(session, "late", "x", minute=LONG_AGO + 5 * DAY, outcome="answered")
    assert before - kept(filled) == 3 * len(COUNTED)
    assert figures.keep_days(filled, ZONE, NOON) == 3
    assert kept(filled) == before
    assert figures.keep_days(filled, ZONE, NOON) == 0


def test_erasure_leaves_the_counts_as_they_were(filled: Database) -> None:
    before = shown_and_counted(filled)
    with filled.transaction() as session:
        transcript.erase(session, "c3", "patient", NOON)
    assert shown_and_counted(filled) == before


def test_days_of_another_time_zone_are_counted_anew(filled: Database) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    span = Span(SPAN.first, SPAN.last, tokyo)
    shown, counted = shown_and_counted(filled, span)
    assert shown == counted
    assert shown != shown_and_counted(filled)[0]
    assert figures.keep_days(filled, tokyo, NOON) > 0
    assert shown_and_counted(filled, span) == (counted, counted)


def test_the_last_days_are_not_kept(database: Database) -> None:
    now = utc_now()
    ago = (now - NOON) // timedelta(minutes=1)
    with database.transaction() as session:
        for days in range(8):
            say(session, f"c{days}", "x", minute=ago - days * DAY, outcome="answered")
    figures.keep_days(database, ZONE, now)
    with database.reading() as session:
        days = set(session.scalars(select(FigureDay.day)))
    newest: date = now.astimezone(ZONE).date() - timedelta(days=4)
    assert max(days) == newest


def test_a_day_is_not_kept_while_a_change_to_it_is_under_way(filled: Database) -> None:
    with filled.transaction() as session:
        session.execute(text("DELETE FROM figure_days"))
    keeping = threading.Thread(target=figures.keep_days, args=(filled, ZONE, NOON))
    with filled.transaction() as session:
        say(session, "late", "x", minute=LONG_AGO + 5 * DAY, outcome="answered")
        keeping.start()
        keeping.join(0.3)
        assert keeping.is_alive()
    keeping.join(10)
    assert not keeping.is_alive()
    assert kept(filled) > 0
    shown, counted = shown_and_counted(filled)
    assert shown == counted
