"""The ladder: whom to tell next of an escalation that nobody has acknowledged."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.clinic import Clinic
from bot.conversations.models import Escalation, EscalationMessage, Notice
from bot.messages import Tier
from bot.notify import mail, webhook
from bot.review.models import Review
from bot.staff import Contact, StaffPlan, Step

logger = logging.getLogger(__name__)

BATCH = 50


def take_due_steps(
    session: Session, plan: StaffPlan, clinic: Clinic, media: Collection[str], now: datetime
) -> int:
    """Write the notices of every step that is due, and note when the next one is.

    That somebody has to be told was stored in the transaction that opened or raised the
    escalation (``notify_at``); contacts are chosen only now, by the hour it is now. After
    a standstill the missed steps are taken as one.

    Args:
        media: What can be sent by: ``email``, ``webhook``; empty: nothing is done, and
            the escalations wait until there is a medium.

    Returns:
        How many escalations had a step due.
    """
    if not media:
        return 0
    found = session.scalars(
        select(Escalation)
        .where(
            Escalation.notify_at <= now,
            Escalation.status == "open",
        )
        .order_by(Escalation.tier.desc(), Escalation.notify_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for escalation in found:
        _climb(session, escalation, plan, clinic, media, now)
    return len(found)


def take_misses(session: Session, plan: StaffPlan, media: Collection[str], now: datetime) -> int:
    """Write the notices of missed escalations that reviews found.

    Nobody's acknowledgement cancels them: they are about the assistant, not the patient.

    Args:
        media: As `take_due_steps`.

    Returns:
        How many misses were due.
    """
    if not media:
        return 0
    found = session.scalars(
        select(Review)
        .where(Review.tell_at <= now)
        .order_by(Review.tell_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for review in found:
        review.tell_at = None
        escalation_id = session.scalar(
            select(EscalationMessage.escalation_id)
            .where(EscalationMessage.message_id == review.message_id)
            .order_by(EscalationMessage.escalation_id.desc())
            .limit(1)
        )
        for contact_id in plan.missed if escalation_id is not None else ():
            for medium in media_for(plan.contacts[contact_id], media):
                session.add(
                    Notice(
                        escalation_id=escalation_id,
                        kind="missed",
                        step=0,
                        contact=contact_id,
                        medium=medium,
                        due_at=now,
                    )
                )
    # Claiming reads them back in this same round.
    session.flush()
    return len(found)


def media_for(contact: Contact, media: Collection[str]) -> list[str]:
    """By what a contact is told. Never nothing while there is a medium at all."""
    by_mail = mail.MEDIUM in media
    chosen = [mail.MEDIUM] if by_mail else []
    if webhook.MEDIUM in media and (contact.webhook or not by_mail):
        chosen.append(webhook.MEDIUM)
    return chosen


def _climb(
    session: Session,
    escalation: Escalation,
    plan: StaffPlan,
    clinic: Clinic,
    media: Collection[str],
    now: datetime,
) -> None:
    tier = plan.of(escalation.tier)
    open_now = clinic.is_open(now)
    told: dict[str, None] = {}
    number = escalation.notify_step
    step = tier.step(number)
    while step is not None:
        told.update(dict.fromkeys(_whom(step, open_now)))
        taken, number = number, number + 1
        step = tier.step(number)
        if step is None or tier.due(escalation.clock_from, step.after, clinic) > now:
            break
    if not told and not open_now and tier.step(escalation.notify_step) is not None:
        # Nobody is to be told at this hour; the step waits for people to come in.
        escalation.notify_at = clinic.next_opening(now)
        return
    for contact_id in told:
        for medium in media_for(plan.contacts[contact_id], media):
            session.add(
                Notice(
                    escalation_id=escalation.id,
                    step=taken,
                    contact=contact_id,
                    medium=medium,
                    due_at=now,
                )
            )
    escalation.notify_step = number
    escalation.notify_at = None
    if step is not None:
        escalation.notify_at = tier.due(escalation.clock_from, step.after, clinic)
    elif escalation.tier >= Tier.URGENT:
        logger.critical(
            "escalation %d: everybody on the ladder has been told, nobody acknowledged it yet",
            escalation.id,
        )


def _whom(step: Step, open_now: bool) -> tuple[str, ...]:
    return step.open if open_now else step.closed
