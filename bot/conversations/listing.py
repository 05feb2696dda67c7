"""Escalations as text for the terminal."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.clinic import Clinic
from bot.conversations.clocks import Clock, clocks
from bot.conversations.escalation_log import events, in_words
from bot.conversations.escalations import messages_of
from bot.conversations.models import Escalation
from bot.messages import Tier
from bot.staff import StaffPlan


def describe(
    session: Session,
    escalation: Escalation,
    clinic: Clinic,
    plan: StaffPlan,
    now: datetime,
    *,
    words: bool = False,
    contact: str = "",
    log: bool = False,
) -> str:
    """One escalation: tier, state, who has it, its clocks.

    Args:
        words: Also what the patient wrote.
        contact: How to reach the patient, if they said.
        log: Also what happened to it, staff's notes included.
    """
    zone = clinic.time_zone
    opened = escalation.opened_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    held_by = escalation.assigned_to or escalation.acknowledged_by
    lines = [
        f"#{escalation.id}  {Tier(escalation.tier).name:<9}  "
        f"{escalation.outcome or escalation.status:<12}  opened {opened}  "
        f"{'with ' + held_by if held_by else 'with nobody'}  {escalation.reason}  "
        f"{', '.join(escalation.rule_ids)}".rstrip(),
        f"      conversation {escalation.conversation_id}",
    ]
    if contact:
        lines.append(f"      call back: {contact}")
    read = clocks(escalation, plan, clinic, now)
    lines.append(
        "      "
        + "  ".join(
            _clock(name, clock, escalation.resolved_at is not None)
            for name, clock in (
                ("acknowledged", read.acknowledge),
                ("replied to", read.reply),
                ("resolved", read.resolve),
            )
        )
    )
    if words:
        for message in messages_of(session, escalation.id):
            at = message.at.astimezone(zone).strftime("%H:%M")
            lines.append(f"      {at}  {' '.join(message.text.split())}")
    if log:
        for event in events(session, escalation.id):
            at = event.at.astimezone(zone).strftime("%m-%d %H:%M")
            lines.append(f"      {at}  {' '.join(in_words(event).split())}")
    return "\n".join(lines)


def _clock(name: str, clock: Clock, over: bool) -> str:
    if clock.stopped_at is None and over:
        return f"not {name}"
    late = " OVERDUE" if clock.overdue else ""
    if clock.stopped_at is not None:
        return f"{name} after {_span(clock.wall)}{late}"
    return f"not {name} for {_span(clock.wall)} ({_span(clock.working)} in working hours){late}"


def _span(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
