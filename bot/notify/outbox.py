"""Sending the notices that are due: claimed, sent outside any transaction, recorded.

At least once: a crash between sending and recording sends a notice again when its claim
has run out. Never not at all: only a medium's final no, or too many tries, gives one up,
and that is logged, seen on `/readyz`, and brings the next step of the ladder forward.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.clinic import Clinic
from bot.conversations.escalation_log import ASSISTANT, record
from bot.conversations.models import Escalation, Notice
from bot.db import Database
from bot.errors import NotifyError
from bot.messages import Tier
from bot.notify.ladder import take_due_steps, take_misses
from bot.notify.notification import Notification, Sender, notification
from bot.review.models import Review
from bot.staff import Contact, StaffPlan

logger = logging.getLogger(__name__)

CLAIM = timedelta(minutes=3)
"""How long a claim holds; longer than any sender takes with its timeouts."""
RETRY_AFTER = timedelta(seconds=10)
"""Wait before the second try; it doubles up to the limit."""
RETRY_LIMIT = timedelta(minutes=5)
MAX_ATTEMPTS = 10
"""Tries of one notice, about half an hour in all, before it is given up."""
BATCH = 20
AT_ONCE = 4
"""Notices sent side by side, so that a slow server does not hold up another medium."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice this worker has taken."""

    notice_id: int
    medium: str
    notification: Notification


def due(session: Session, now: datetime) -> bool:
    """Whether a step of a ladder, a missed escalation or a notice is due."""
    step = select(Escalation.id).where(Escalation.notify_at <= now, Escalation.status == "open")
    miss = select(Review.id).where(Review.tell_at <= now)
    notice = select(Notice.id).where(Notice.status == "due", Notice.due_at <= now)
    return bool(session.scalar(select(or_(step.exists(), miss.exists(), notice.exists()))))


class Outbox:
    """Takes the steps that are due and sends what they ask for."""

    def __init__(
        self,
        database: Database,
        senders: Mapping[str, Sender],
        plan: StaffPlan,
        clinic: Clinic,
        public_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        """Nothing is opened.

        Args:
            senders: By medium; empty when none is set up.
            public_url: How staff's browsers reach the web app.
        """
        self._database = database
        self._senders = senders
        self._plan = plan
        self._clinic = clinic
        self._public_url = public_url
        self._clock = clock

    def work(self) -> int:
        """One round.

        Returns:
            How many notices were tried.
        """
        now = self._clock()
        with self._database.reading() as session:
            if not due(session, now):  # spares SQLite a write lock every second
                return 0
        with self._database.transaction() as session:
            take_due_steps(session, self._plan, self._clinic, self._senders, now)
            take_misses(session, self._plan, self._senders, now)
        claimed = self.claim()
        if claimed:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self.deliver, claimed))
        return len(claimed)

    def claim(self) -> list[Claimed]:
        """Take notices that are due, most urgent first; no other worker takes them now."""
        now = self._clock()
        with self._database.transaction() as session:
            notices = session.scalars(
                select(Notice)
                .join(Escalation, Escalation.id == Notice.escalation_id)
                .where(
                    Notice.status == "due",
                    Notice.due_at <= now,
                    Notice.medium.in_(sorted(self._senders)),
                    or_(Notice.claimed_until.is_(None), Notice.claimed_until <= now),
                )
                .order_by(Escalation.tier.desc(), Notice.due_at, Notice.id)
                .limit(BATCH)
                .with_for_update(skip_locked=True, of=Notice)
            ).all()
            for notice in notices:
                notice.claimed_until = now + CLAIM
                notice.attempts += 1
            return [self._prepare(session, notice) for notice in notices]

    def deliver(self, claimed: Claimed) -> None:
        """Send one claimed notice and record what came of it."""
        try:
            if claimed.notification.contact.id not in self._plan.contacts:
                raise NotifyError(claimed.medium, "no such contact any more", retryable=False)
            self._senders[claimed.medium].send(claimed.notification)
        except NotifyError as error:
            self._failed(claimed, error)
        except Exception as error:  # an unforeseen error is tried again like any other
            self._failed(claimed, NotifyError(claimed.medium, type(error).__name__, retryable=True))
        else:
            self._sent(claimed)

    def _prepare(self, session: Session, notice: Notice) -> Claimed:
        escalation = session.get_one(Escalation, notice.escalation_id)
        gone = Contact(notice.contact, notice.contact, "", webhook=False)
        return Claimed(
            notice.id,
            notice.medium,
            notification(
                key=f"notice-{notice.id}",
                contact=self._plan.contacts.get(notice.contact, gone),
                escalation_id=escalation.id,
                tier=Tier(escalation.tier),
                step=notice.step,
                since=escalation.clock_from,
                zone=self._clinic.time_zone,
                public_url=self._public_url,
                missed=notice.kind == "missed",
            ),
        )

    def _sent(self, claimed: Claimed) -> None:
        now = self._clock()
        with self._database.transaction() as session:
            notice, escalation = self._locked(session, claimed)
            notice.status = "sent"
            notice.sent_at = now
            notice.error = None
            words = f"{claimed.notification.contact.name} by {claimed.medium}"
            record(session, escalation, "notified", ASSISTANT, now, words=words)
        logger.info("notice %d sent by %s", claimed.notice_id, claimed.medium)

    def _failed(self, claimed: Claimed, error: NotifyError) -> None:
        now = self._clock()
        with self._database.transaction() as session:
            notice, escalation = self._locked(session, claimed)
            if notice.status != "due":  # acknowledged meanwhile: nobody needs it any more
                return
            if error.retryable and notice.attempts < MAX_ATTEMPTS:
                wait = min(RETRY_AFTER * 2 ** (notice.attempts - 1), RETRY_LIMIT)
                notice.claimed_until = now + wait
                notice.error = error.detail
                logger.warning("notice %d not sent yet: %s", notice.id, error)
                return
            self._give_up(notice, escalation, error.detail)

    def _locked(self, session: Session, claimed: Claimed) -> tuple[Notice, Escalation]:
        """Both rows, the escalation's first as everywhere: else acknowledging would deadlock."""
        notice = session.get_one(Notice, claimed.notice_id)
        escalation = session.get_one(Escalation, notice.escalation_id, with_for_update=True)
        session.refresh(notice, with_for_update=True)
        return notice, escalation

    def _give_up(self, notice: Notice, escalation: Escalation, detail: str) -> None:
        """Say loudly that somebody was not told, and tell the next ones at once."""
        notice.status = "failed"
        notice.error = detail
        if escalation.notify_at is not None:
            escalation.notify_at = min(escalation.notify_at, self._clock())
        logger.critical(
            "notice %d (escalation %d, %s by %s) was given up: %s",
            notice.id,
            notice.escalation_id,
            notice.contact,
            notice.medium,
            detail,
        )
