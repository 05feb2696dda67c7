"""Working hours across nights, holidays and clock changes.

The shipped hours: Monday to Wednesday and Friday 9:00–17:30, Thursday 10:00–19:00,
Saturday 9:00–14:00; closed on Sunday, 26 November and 25 December 2026.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import clinic

PACIFIC = ZoneInfo("America/Los_Angeles")


def local(text: str) -> datetime:
    """``2026-11-23 09:00`` on the clinic's wall clock, as the database holds it."""
    return datetime.fromisoformat(text).replace(tzinfo=PACIFIC).astimezone(UTC)


def minutes(time: timedelta) -> float:
    return time.total_seconds() / 60


@pytest.mark.parametrize(
    ("start", "end", "open_min"),
    [
        ("2026-11-23 10:00", "2026-11-23 11:30", 90),
        ("2026-11-23 08:00", "2026-11-23 09:10", 10),
        ("2026-11-23 17:20", "2026-11-23 23:00", 10),
        ("2026-11-23 17:30", "2026-11-24 09:00", 0),
        ("2026-11-23 17:00", "2026-11-24 09:30", 60),
        ("2026-11-21 13:00", "2026-11-23 10:00", 120),  # Saturday to Monday
        ("2026-11-25 17:00", "2026-11-27 09:15", 45),  # over Thanksgiving
        ("2026-11-23 11:00", "2026-11-23 10:00", 0),
        ("2026-11-23 11:00", "2026-11-23 11:00", 0),
        ("2026-11-16 00:00", "2026-11-23 00:00", 4 * 510 + 540 + 300),
    ],
)
def test_time_in_which_the_clinic_was_open(start: str, end: str, open_min: float) -> None:
    assert minutes(clinic().working_time(local(start), local(end))) == open_min


@pytest.mark.parametrize(
    ("start", "open_min", "end"),
    [
        ("2026-11-23 10:00", 15, "2026-11-23 10:15"),
        ("2026-11-23 17:20", 15, "2026-11-24 09:05"),
        ("2026-11-23 17:20", 10, "2026-11-23 17:30"),
        ("2026-11-23 22:00", 15, "2026-11-24 09:15"),
        ("2026-11-21 13:50", 15, "2026-11-23 09:05"),  # Saturday's last minutes
        ("2026-11-25 17:20", 15, "2026-11-27 09:05"),  # over Thanksgiving
        ("2026-11-23 09:00", 510 + 1, "2026-11-24 09:01"),
        ("2026-11-22 03:00", 0, "2026-11-22 03:00"),  # at once is at once
    ],
)
def test_when_the_clinic_has_been_open_for_so_long(start: str, open_min: int, end: str) -> None:
    found = clinic().after_working_time(local(start), timedelta(minutes=open_min))
    assert found == local(end)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("before", "after", "wall_min"),
    [
        # The clocks went back on 1 November 2026 and forward on 14 March 2027, at night.
        ("2026-10-31 13:59", "2026-11-02 09:01", 43 * 60 + 2 + 60),
        ("2027-03-13 13:59", "2027-03-15 09:01", 43 * 60 + 2 - 60),
    ],
    ids=["clocks back", "clocks forward"],
)
def test_a_clock_change_changes_the_wall_time_but_not_the_working_time(
    before: str, after: str, wall_min: int
) -> None:
    start, end = local(before), local(after)
    assert minutes(end - start) == wall_min
    assert minutes(clinic().working_time(start, end)) == 2
    assert clinic().after_working_time(start, timedelta(minutes=2)) == end


def test_times_of_any_zone_mean_the_same_moment() -> None:
    start, end = local("2026-11-23 10:00"), local("2026-11-23 11:00")
    tokyo = ZoneInfo("Asia/Tokyo")
    moved = clinic().working_time(start.astimezone(tokyo), end.astimezone(tokyo))
    assert moved == clinic().working_time(start, end)


def test_a_naive_time_is_refused() -> None:
    naive = datetime(2026, 11, 23, 10)
    with pytest.raises(ValueError, match="naive"):
        clinic().working_time(naive, local("2026-11-23 11:00"))
    with pytest.raises(ValueError, match="naive"):
        clinic().after_working_time(naive, timedelta(minutes=1))


SHOP = clinic()
MOMENTS = st.datetimes(datetime(2026, 10, 1), datetime(2027, 4, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


@settings(deadline=None)
@given(st.lists(MOMENTS, min_size=3, max_size=3))
def test_working_time_adds_up(moments: list[datetime]) -> None:
    a, b, c = sorted(moments)
    assert SHOP.working_time(a, b) + SHOP.working_time(b, c) == SHOP.working_time(a, c)
    assert timedelta() <= SHOP.working_time(a, b) <= b - a


@settings(deadline=None)
@given(MOMENTS, st.integers(1, 6000))
def test_when_and_how_long_agree(start: datetime, open_min: int) -> None:
    amount = timedelta(minutes=open_min)
    end = SHOP.after_working_time(start, amount)
    assert SHOP.working_time(start, end) == amount
    assert SHOP.working_time(start, end - timedelta(seconds=1)) < amount, "and not earlier"
