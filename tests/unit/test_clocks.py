from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.conversations.clocks import Clocks, clocks
from bot.conversations.models import Escalation
from bot.messages import Tier
from tests.builders import MIDNIGHT, NOON, clinic, staff


def read(
    now_min: float, *, tier: Tier = Tier.EMERGENCY, start: Any = NOON, **done: float
) -> Clocks:
    """The clocks ``now_min`` minutes after the start; ``done``: minutes until each was done."""
    times = {name: start + timedelta(minutes=value) for name, value in done.items()}
    escalation = Escalation(tier=int(tier), clock_from=start, **times)
    return clocks(escalation, staff(), clinic(), start + timedelta(minutes=now_min))


@pytest.mark.parametrize(
    ("now_min", "overdue"),
    [
        (1, ()),
        (2, ()),
        (3, ("acknowledge",)),
        (11, ("acknowledge", "reply")),
        (241, ("acknowledge", "reply", "resolve")),
    ],
)
def test_an_emergency_becomes_overdue_step_by_step(
    now_min: float, overdue: tuple[str, ...]
) -> None:
    assert read(now_min).overdue == overdue


def test_a_clock_stops_when_it_is_done() -> None:
    found = read(60, acknowledged_at=1, first_reply_at=9)
    assert found.acknowledge.wall == timedelta(minutes=1)
    assert found.reply.wall == timedelta(minutes=9)
    assert found.resolve.wall == timedelta(minutes=60)
    assert found.overdue == ()


def test_what_was_done_late_stays_late() -> None:
    assert read(60, acknowledged_at=5, first_reply_at=9).overdue == ("acknowledge",)


def test_resolving_stops_all_and_a_reply_that_was_not_needed_is_not_overdue() -> None:
    found = read(600, acknowledged_at=1, resolved_at=30)
    assert found.reply.wall == found.resolve.wall == timedelta(minutes=30)
    assert found.reply.stopped_at is None
    assert found.overdue == ()


def test_an_emergency_falls_due_by_the_wall_at_night() -> None:
    found = read(3, start=MIDNIGHT)
    assert found.acknowledge.due_at == MIDNIGHT + timedelta(minutes=2)
    assert found.acknowledge.overdue
    assert (found.acknowledge.wall, found.acknowledge.working) == (
        *(timedelta(minutes=3), timedelta()),
    )


def test_an_urgent_one_of_the_night_falls_due_after_the_opening() -> None:
    found = read(9 * 60 + 10, tier=Tier.URGENT, start=MIDNIGHT)
    assert found.acknowledge.due_at == MIDNIGHT + timedelta(hours=9, minutes=15)
    assert found.acknowledge.working == timedelta(minutes=10)
    assert not found.acknowledge.overdue
    assert read(9 * 60 + 16, tier=Tier.URGENT, start=MIDNIGHT).acknowledge.overdue


def test_a_clock_that_is_read_before_its_start_shows_nothing() -> None:
    found = read(-5)
    assert found.acknowledge.wall == found.acknowledge.working == timedelta()
