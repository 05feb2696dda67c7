"""The worker: what is due. Messages left over or set aside, text messages, notices, retention."""

from __future__ import annotations

import logging
import signal
import threading
import time
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.app_state import DATA, AppState, open_app_state
from bot.audit import heads
from bot.conversations import erasure, transcript
from bot.conversations.models import Message, WorkerHeartbeat
from bot.conversations.set_aside_return import store_set_aside
from bot.errors import NotifyError
from bot.members import sessions
from bot.notify.mail import MailSender
from bot.notify.outbox import Outbox
from bot.notify.senders import senders_of
from bot.review import figures
from bot.settings import ROOT, load_settings
from bot.sms import inbox
from bot.triage.screen import load_screen

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
    # What is left over was screened when it was stored; only text messages are screened here.
    rules_alone = load_screen(DATA / "triage") if settings.sms_provider == "off" else None
    state = open_app_state(settings, screen=rules_alone)
    if state.sms is not None:
        state.sms.start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # A thread of its own: a notice never waits behind messages for a slow dialogue.
    notifying = threading.Thread(target=notify_until, args=(state, stop), name="notify")
    notifying.start()
    next_retention = time.monotonic()
    while not stop.wait(ROUND_S):
        try:
            beat(state)
            store_set_aside(state.database, state.aside, state.texts, state.clock)
            answer_leftovers(state)
            if time.monotonic() >= next_retention:
                purge(state)
                tidy(state)
                keep_audit_head(state)
                next_retention = time.monotonic() + RETENTION_EVERY_S
        except SQLAlchemyError as error:
            logger.error("round failed: %s", type(error).__name__)
    notifying.join()
    state.close()


def beat(state: AppState) -> None:
    """Tell readiness that the worker lives."""
    with state.database.transaction() as session:
        session.merge(WorkerHeartbeat(id=1, at=state.clock()))


def notify_until(state: AppState, stop: threading.Event) -> None:
    """Tell staff of escalations, round after round, until told to stop."""
    outbox = Outbox(
        state.database,
        senders_of(state.settings),
        state.staff,
        state.clinic,
        state.settings.public_url,
        state.clock,
    )
    while not stop.wait(ROUND_S):
        try:
            outbox.work()
        except Exception as error:  # whatever ails one round, the next one is tried
            logger.critical("notifying failed: %s", type(error).__name__)


def answer_leftovers(state: AppState) -> int:
    """Take up queued messages whose time has come, and those a killed process left.

    Each is claimed by moving its next try into the future first, so that a second
    worker does not take it too.

    Returns:
        How many were taken up.
    """
    now = state.clock()
    with state.database.reading() as session:
        if not _left_over(session, now):
            return 0  # nobody who writes has to wait for us
    with state.database.transaction() as session:
        claimed = {message.id: message for message in _left_over(session, now)}
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


def _left_over(session: Session, now: datetime) -> list[Message]:
    due = transcript.due_for_retry(session, now)
    return [*due, *transcript.unfinished_since(session, now - UNFINISHED_AFTER)]


def keep_audit_head(state: AppState) -> None:
    """Put the head of the audit log where the settings say, once a day of the clinic."""
    settings = state.settings
    mail = MailSender(settings.smtp_url, settings.mail_from) if settings.audit_head_mail else None
    path = ROOT / settings.audit_head_file if settings.audit_head_file else None
    try:
        heads.keep_daily(
            state.database,
            state.audit,
            state.clinic,
            state.clock(),
            path,
            mail,
            settings.audit_head_mail,
        )
    except (OSError, NotifyError) as error:
        logger.error("the head of the audit log was not kept: %s", type(error).__name__)


def purge(state: AppState, dry_run: bool = False) -> int:
    """Erase the words of conversations past their retention, unless they are on hold.

    Also those whose erasure was asked for while they were.

    Returns:
        How many conversations were (or would be) erased.
    """
    before = state.clock() - timedelta(days=state.settings.retention_days)
    with state.database.reading() as session:
        due = erasure.due(session, before)
    if dry_run:
        return len(due)
    for conversation_id, reason in due:
        erasure.erase_conversation(
            state.database, state.rasa_events, conversation_id, reason, state.clock()
        )
    if due:
        logger.info("retention: %d conversations erased", len(due))
    return len(due)


def tidy(state: AppState) -> None:
    """Delete rows of no more use, and keep what lists and figures need to be quick."""
    with state.database.transaction() as session:
        inbox.forget_old(session, state.clock())
        sessions.forget_old(session, state.clock())
    figures.keep_days(state.database, state.clinic.time_zone, state.clock())
    if state.database.engine.dialect.name == "sqlite":
        # PostgreSQL does this by itself: without an idea of sizes, indexes are picked badly.
        with state.database.transaction() as session:
            session.execute(text("PRAGMA analysis_limit = 1000"))
            session.execute(text("ANALYZE"))


if __name__ == "__main__":
    main()
