"""Moving windows in memory."""

from __future__ import annotations

import threading

import pytest
from limits import RateLimitItemPerHour, RateLimitItemPerMinute

from bot.channels.windows import SWEEP_EVERY_S, MemoryWindows

THREE = RateLimitItemPerMinute(3)
AHEAD = 500_000.0
"""How far the wall clock of these tests is ahead of the other."""


class Moments:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Moments:
    return Moments()


@pytest.fixture
def windows(clock: Moments) -> MemoryWindows:
    return MemoryWindows(clock, wall=lambda: clock.now + AHEAD)


def test_a_full_window_takes_one_more_when_its_oldest_hit_has_left(
    windows: MemoryWindows, clock: Moments
) -> None:
    for _ in range(3):
        assert windows.hit(THREE, "session", "c1")
        clock.now += 10
    assert not windows.hit(THREE, "session", "c1")
    clock.now = 1_060
    assert not windows.hit(THREE, "session", "c1"), "a minute is not over at its last moment"
    clock.now = 1_060.1
    assert windows.hit(THREE, "session", "c1")
    assert not windows.hit(THREE, "session", "c1")


def test_what_is_refused_does_not_lengthen_the_wait(windows: MemoryWindows, clock: Moments) -> None:
    for _ in range(3):
        windows.hit(THREE, "session", "c1")
    for _ in range(5):
        clock.now += 5
        assert not windows.hit(THREE, "session", "c1")
        assert windows.get_window_stats(THREE, "session", "c1") == (AHEAD + 1_060.0, 0)


def test_each_key_and_each_limit_is_counted_apart(windows: MemoryWindows) -> None:
    hourly = RateLimitItemPerHour(1)
    for _ in range(3):
        assert windows.hit(THREE, "session", "c1")
    assert windows.hit(THREE, "session", "c2")
    assert windows.hit(THREE, "address", "c1")
    assert windows.hit(hourly, "session", "c1")
    assert not windows.hit(hourly, "session", "c1")
    assert windows.get_window_stats(THREE, "session", "nobody") == (AHEAD + 1_060.0, 3)


def test_who_sends_no_more_is_forgotten(windows: MemoryWindows, clock: Moments) -> None:
    for number in range(100):
        windows.hit(THREE, "session", f"c{number}")
    windows.hit(RateLimitItemPerHour(2), "sessions", "192.0.2.1")
    clock.now += SWEEP_EVERY_S + 1
    windows.hit(THREE, "session", "another")
    assert len(windows._hits) == len(windows._ends) == 2, "the hour is not over yet"


def test_threads_together_get_no_more_than_the_limit(windows: MemoryWindows) -> None:
    limit, taken = RateLimitItemPerMinute(500), []

    def many() -> None:
        taken.extend(windows.hit(limit, "address", "a") for _ in range(200))

    threads = [threading.Thread(target=many) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1_000
    assert taken.count(True) == 500


def test_a_clock_that_is_set_back_shuts_nobody_out() -> None:
    wall = Moments()
    windows = MemoryWindows(wall=wall)
    for _ in range(3):
        assert windows.hit(THREE, "session", "c1")
    wall.now -= 86_400
    reset_at, left = windows.get_window_stats(THREE, "session", "c1")
    assert left == 0
    assert 0 < reset_at - wall.now <= 60
