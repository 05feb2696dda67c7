"""How long an escalation has waited: three clocks, each by the wall and by working hours.

Pure. All three run from ``clock_from``: the opening, or the last raise or reopening, as a
worse sign asks for a new look and a new word to the patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clinic import Clinic
from bot.conversations.models import Escalation
from bot.staff import StaffPlan


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock.

    Attributes:
        stopped_at: When it was done; None while the clock runs, or when it never was.
        due_at: Until when it should be done, by the tier's targets.
        wall: Time passed until then, or until now.
        working: The part of it in which the clinic was open.
        overdue: It was done late, or is not done and late.
    """

    started_at: datetime
    stopped_at: datetime | None
    due_at: datetime
    wall: timedelta
    working: timedelta
    overdue: bool


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of one escalation."""

    acknowledge: Clock
    reply: Clock
    resolve: Clock

    @property
    def overdue(self) -> tuple[str, ...]:
        """Names of the clocks that are overdue."""
        named = {"acknowledge": self.acknowledge, "reply": self.reply, "resolve": self.resolve}
        return tuple(name for name, clock in named.items() if clock.overdue)


def clocks(escalation: Escalation, plan: StaffPlan, clinic: Clinic, now: datetime) -> Clocks:
    """Read the clocks of an escalation.

    Resolving stops them all. A reply that never came, because it was resolved otherwise
    (by phone, or as a false alarm), is then not overdue.
    """
    tier, start = plan.of(escalation.tier), escalation.clock_from
    end = escalation.resolved_at

    def clock(stopped_at: datetime | None, target: timedelta) -> Clock:
        due_at = tier.due(start, target, clinic)
        until = stopped_at or end or now
        return Clock(
            started_at=start,
            stopped_at=stopped_at,
            due_at=due_at,
            wall=max(until - start, timedelta()),
            working=clinic.working_time(start, until),
            overdue=until > due_at and (stopped_at is not None or end is None),
        )

    return Clocks(
        acknowledge=clock(escalation.acknowledged_at, tier.acknowledge),
        reply=clock(escalation.first_reply_at, tier.reply),
        resolve=clock(end, tier.resolve),
    )
