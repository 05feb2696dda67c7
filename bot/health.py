"""Is every part ready, and the log line for what should never happen."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from fastapi import Request
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.app_state import AppState
from bot.content.models import Answer
from bot.conversations.models import WorkerHeartbeat
from bot.messages import Tier
from bot.notify import state as notify_state
from bot.sms.models import SmsOutbound

logger = logging.getLogger(__name__)

WORKER_LATE = timedelta(seconds=30)
"""A worker that has not gone round for this long is down."""

SMS_LATE = timedelta(minutes=2)
"""A text message that waits longer than this has a provider in trouble before it."""

PROBE = "i can't breathe and my throat is closing"
"""A sentence that triage must flag; readiness tries it, so a broken net is seen."""


def readiness(state: AppState) -> dict[str, Any]:
    """Ask each part.

    Returns:
        ``ready`` (safe to take messages: the database takes them and triage works) and
        ``parts``, each ``ok`` or what is wrong. With Rasa or the worker down, or staff not
        told, messages are still stored and red flags answered, so those parts do not unset
        ``ready``.
    """
    parts = {
        "database": _database(state),
        "storing": _storing(state),
        "triage": _triage(state),
        "tier_model": "ok" if "tier_model" in state.screen.nets else "down: rules alone",
        "dialogue": "ok"
        if state.dialogue.ready()
        else "down: messages are kept and answered later",
        "worker": _worker(state),
        "notifications": _notifications(state),
    }
    if state.sms is not None:
        parts["sms"] = _sms(state)
    safe = ("database", "storing", "triage")
    return {"ready": all(parts[name] == "ok" for name in safe), "parts": parts}


def _database(state: AppState) -> str:
    try:
        with state.database.reading() as session:
            seeded = session.scalar(select(Answer.id).limit(1))
    except SQLAlchemyError as error:
        return f"down: {type(error).__name__}"
    return "ok" if seeded else "no answers: run `make seed`"


def _storing(state: AppState) -> str:
    waiting = state.aside.waiting()
    return f"failing: {waiting} red flags are not stored, staff are not told" if waiting else "ok"


def _triage(state: AppState) -> str:
    try:
        found = state.screen.verdict(PROBE)
    except Exception as error:
        return f"failing: {type(error).__name__}"
    if found.tier is not Tier.EMERGENCY:
        return "failing: a red flag was not seen"
    return "ok"


def _sms(state: AppState) -> str:
    try:
        with state.database.reading() as session:
            oldest = session.scalar(
                select(func.min(SmsOutbound.created_at)).where(
                    SmsOutbound.status.in_(("queued", "sending")), SmsOutbound.kind != "proactive"
                )
            )
    except SQLAlchemyError as error:
        return f"unknown: {type(error).__name__}"
    if oldest is not None and state.clock() - oldest > SMS_LATE:
        return "late: text messages wait to be sent"
    return "ok"


def _worker(state: AppState) -> str:
    try:
        with state.database.reading() as session:
            last = session.scalar(select(WorkerHeartbeat.at))
    except SQLAlchemyError as error:
        return f"unknown: {type(error).__name__}"
    if last is None or state.clock() - last > WORKER_LATE:
        return "down: queued messages wait"
    return "ok"


def _notifications(state: AppState) -> str:
    found = notify_state.configured(state.settings, state.staff)
    if found == notify_state.NOBODY:
        return found
    try:
        with state.database.reading() as session:
            trouble = notify_state.working(session, state.clock())
    except SQLAlchemyError as error:
        return f"unknown: {type(error).__name__}"
    return found if trouble == "ok" else trouble


def log_unexpected(request: Request, error: Exception) -> None:
    """Log where an unexpected error arose. Its text may quote a patient, so it is left out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown"
    logger.error(
        "unexpected %s at %s while handling %s", type(error).__name__, where, request.url.path
    )
