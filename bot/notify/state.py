"""Whether staff can be told, and are: the line that readiness and `make run` show."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.conversations.models import Escalation, Notice
from bot.messages import Tier
from bot.settings import Settings
from bot.staff import StaffPlan

LATE = timedelta(minutes=1)
"""A step of a ladder that is due for so long is not being taken."""

NOBODY = "off: nobody is told by e-mail or webhook; set SMTP_URL or WEBHOOK_URL"


def configured(settings: Settings, plan: StaffPlan) -> str:
    """``ok``, or what keeps staff from being told as things are set up."""
    if not (settings.smtp_url or settings.webhook_url):
        return NOBODY
    if settings.smtp_url and plan.sample:
        return "sample: data/staff.yml still names the contacts shipped with it"
    return "ok"


def working(session: Session, now: datetime) -> str:
    """``ok``, or what staff were not told of among the escalations that are unresolved."""
    unresolved = Escalation.status != "resolved"
    late = session.scalar(
        select(func.count())
        .select_from(Escalation)
        .where(Escalation.status == "open", Escalation.notify_at < now - LATE)
    )
    if late:
        return f"late: {late} escalations wait for somebody to be told; is the worker up?"
    given_up = session.scalar(
        select(func.count())
        .select_from(Notice)
        .join(Escalation, Escalation.id == Notice.escalation_id)
        .where(Notice.status == "failed", unresolved)
    )
    if given_up:
        return f"failing: {given_up} notices were given up; see the worker's log"
    # The ladder has ended, and nobody has acknowledged it.
    alone = session.scalar(
        select(func.count())
        .select_from(Escalation)
        .where(
            Escalation.status == "open",
            Escalation.tier >= Tier.URGENT,
            Escalation.notify_at.is_(None),
        )
    )
    if alone:
        return f"unanswered: {alone} escalations, though everybody was told"
    return "ok"
