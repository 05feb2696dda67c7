from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.messages import Language
from bot.replies.hours import (
    LONGEST_OPENING,
    LONGEST_OPENING_SMS,
    opening_for_sms,
    opening_in_words,
)
from bot.replies.segments import is_gsm7

PACIFIC = ZoneInfo("America/Los_Angeles")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PACIFIC)


@pytest.mark.parametrize(
    ("now", "opening", "language", "words"),
    [
        ("2026-11-23 00:10", "2026-11-23 09:00", "en", "today at 9:00 am"),
        ("2026-11-23 18:00", "2026-11-24 09:00", "en", "tomorrow at 9:00 am"),
        ("2026-11-28 15:00", "2026-11-30 13:30", "en", "on Monday, November 30 at 1:30 pm"),
        ("2026-11-23 00:10", "2026-11-23 09:00", "es", "hoy a las 9:00 de la mañana"),
        ("2026-11-23 18:00", "2026-11-24 13:00", "es", "mañana a la 1:00 de la tarde"),
        (
            "2026-11-20 18:00",
            "2026-11-25 12:00",
            "es",
            "el miércoles 25 de noviembre a las 12:00 de la tarde",
        ),
        ("2026-12-31 18:00", "2027-01-01 09:00", "en", "tomorrow at 9:00 am"),
    ],
)
def test_the_next_opening_is_said_as_people_say_it(
    now: str, opening: str, language: Language, words: str
) -> None:
    assert opening_in_words(at(opening), at(now), language) == words


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Sat Nov 28, 9:00 am"), ("es", "sab 28 nov, 9:00 am")]
)
def test_for_sms_it_is_short_and_cheap(language: Language, words: str) -> None:
    assert opening_for_sms(at("2026-11-28 09:00"), language) == words


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_opening_of_a_year_is_longer_than_the_longest_or_costs_more(language: Language) -> None:
    now = at("2026-01-01 00:00")
    for day in range(2, 366):
        opening = now + timedelta(days=day, hours=10)
        assert len(opening_in_words(opening, now, language)) <= len(LONGEST_OPENING)
        short = opening_for_sms(opening, language)
        assert len(short) <= len(LONGEST_OPENING_SMS)
        assert is_gsm7(short)
