"""The worker: what is due. Queued and unfinished messages, retention, its heartbeat."""

from __future__ import annotations

import logging
import signal
import threading
import time
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from bot.app_state import AppState, open_app_state
from bot.conversations import transcript
from bot.conversations.models import Conversation, WorkerHeartbeat
from bot.settings import load_settings

logger = logging.getLogger(__name__)

ROUND_S = 1.0
"""Pause between rounds."""
UNFINISHED_AFTER = timedelta(seconds=45)
"""A message without outcome for this long lost its process; longer than any dialogue takes."""
RETENTION_EVERY_S = 3600.0


def main() -> None:
    """Go round until told to stop."""
    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s %(message)s")
    # The HTTP client logs every request; its addresses are of no interest here.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    state = open_app_state(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    next_retention = time.monotonic()
    while not stop.wait(ROUND_S):
        try:
            beat(state)
            answer_leftovers(state)
            if time.monotonic() >= next_retention:
                purge(state)
                next_retention = time.monotonic() + RETENTION_EVERY_S
        except SQLAlchemyError as error:
            logger.error("round failed: %s", type(error).__name__)
    state.close()


def beat(state: AppState) -> None:
    """Tell readiness that the worker lives."""
    with state.database.transaction() as session:
        session.merge(WorkerHeartbeat(id=1, at=state.clock()))


def answer_leftovers(state: AppState) -> int:
    """Take up queued messages whose time has come, and those a killed process left.

    Each is claimed by moving its next try into the future first, so that a second
    worker does not take it too.

    Returns:
        How many were taken up.
    """
    now = state.clock()
    with state.database.transaction() as session:
        due = transcript.due_for_retry(session, now)
        left = transcript.unfinished_since(session, now - UNFINISHED_AFTER)
        claimed = {message.id: message for message in (*due, *left)}
        for message in claimed.values():
            message.retry_at = now + UNFINISHED_AFTER
    for message in sorted(claimed.values(), key=lambda m: m.id):
        try:
            result = state.intake.answer(message, time.monotonic())
        except Exception as error:  # one message that cannot be handled must not stop the rest
            logger.error("message %s failed again: %s", message.public_id, type(error).__name__)
            continue
        logger.info("message %s taken up again: %s", message.public_id, result.outcome.value)
    return len(claimed)


def purge(state: AppState, dry_run: bool = False) -> int:
    """Erase the words of conversations past their retention.

    Returns:
        How many conversations were (or would be) erased.
    """
    before = state.clock() - timedelta(days=state.settings.retention_days)
    with state.database.reading() as session:
        old = session.scalars(
            select(Conversation.id).where(
                Conversation.last_message_at < before, Conversation.erased_at.is_(None)
            )
        ).all()
    if dry_run:
        return len(old)
    for conversation_id in old:
        # Rasa's events first: what fails here is found again in the next round.
        state.rasa_events.erase(conversation_id)
        with state.database.transaction() as session:
            transcript.erase(session, conversation_id, "retention", state.clock())
    if old:
        logger.info("retention: %d conversations erased", len(old))
    return len(old)


if __name__ == "__main__":
    main()
