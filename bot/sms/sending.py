"""Sending one row of the outbox, so that a crash can neither lose it nor send it twice unseen."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.db import Database
from bot.errors import SmsSendError
from bot.private_data import PrivateData
from bot.sms import consent, outbox
from bot.sms.models import SmsNumber, SmsOutbound
from bot.sms.outbox import ALLOWED_WHEN_OPTED_OUT
from bot.sms.provider import Accepted, Provider
from bot.sms.quiet_hours import is_quiet

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
"""A row taken up for longer than this lost its process: longer than a call may take."""
LOOK_AFTER = timedelta(seconds=5)
"""After an uncertain call, how long until the provider's list is asked: a call that was cut
off may still be on its way."""
CLOCKS_APART = timedelta(seconds=60)
"""How far the provider's clock may be from ours."""
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=24)
"""An answer a day late helps nobody."""


class Sender:
    """Sends due rows through one provider. Safe to use from several threads and processes."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        private: PrivateData,
        clock: Callable[[], datetime],
        quiet_hours: tuple[time, time],
        zone: ZoneInfo,
        look_after: timedelta = LOOK_AFTER,
    ) -> None:
        """Nothing is opened here."""
        self._database = database
        self._provider = provider
        self._private = private
        self._clock = clock
        self._quiet_hours = quiet_hours
        self._zone = zone
        self._look_after = look_after

    def send_next(self) -> bool:
        """Send the next due row, if there is one."""
        now = self._clock()
        quiet = is_quiet(now, self._quiet_hours, self._zone)
        with self._database.reading() as session:
            if outbox.next_due(session, now, quiet=quiet, lock=False) is None:
                return False
        with self._database.transaction() as session:
            row = outbox.next_due(session, now, quiet=quiet)
            if row is None:
                return False  # another sender was faster
            to = self._to(session, row)
            if to is None:
                return True
            uncertain = row.started_at
            outbox.begin(row, now, LEASE)
            row_id, body = row.id, row.body
        if uncertain is not None:
            self._settle(row_id, to, body, uncertain)
        else:
            self._send(row_id, to, body)
        return True

    def _to(self, session: Session, row: SmsOutbound) -> str | None:
        """The number, or None when the row may not be sent any more; it then says why."""
        now = self._clock()
        number = session.scalar(
            select(SmsNumber).where(SmsNumber.conversation_id == row.conversation_id)
        )
        if number is None:
            outbox.give_up(row, "cancelled", None, now)
            return None
        # Between queueing and now the patient may have opted out. What may already have been
        # taken is settled first.
        if (
            row.started_at is None
            and row.kind not in ALLOWED_WHEN_OPTED_OUT
            and consent.is_suppressed(session, number.number_hash)
        ):
            outbox.give_up(row, "suppressed", None, now)
            return None
        if now - row.created_at > GIVE_UP_AFTER and row.started_at is None:
            logger.error("text message %d was not sent within a day", row.id)
            outbox.give_up(row, "failed", row.error_code, now)
            return None
        return self._private.decrypt(number.number)

    def _settle(self, row_id: int, to: str, body: str, started_at: datetime) -> None:
        """A call was begun and its outcome is not known: ask before sending again."""
        try:
            found = self._provider.find(to, body, started_at - CLOCKS_APART)
        except SmsSendError as error:
            self._not_sent(row_id, error, unknown=True)
            return
        with self._database.transaction() as session:
            taken = outbox.known_ids(session, [each.provider_id for each in found])
            mine = [each for each in found if each.provider_id not in taken]
            row = session.get(SmsOutbound, row_id, with_for_update=True)
            if row is None or row.status != "sending":
                return  # a delivery report settled it meanwhile
            if mine:
                logger.info("text message %d had been taken before the call was cut off", row_id)
                outbox.accepted(row, mine[-1].provider_id, mine[-1].status, self._clock())
                return
            outbox.put_back(row, self._clock(), unknown=False, code=row.error_code)
        logger.warning("text message %d will be sent again: the provider has it not", row_id)

    def _send(self, row_id: int, to: str, body: str) -> None:
        try:
            taken = self._provider.send(row_id, to, body)
        except SmsSendError as error:
            if error.retryable:
                self._not_sent(row_id, error, unknown=error.unknown)
            else:
                self._refused(row_id, error)
            return
        self._taken(row_id, taken)

    def _taken(self, row_id: int, taken: Accepted) -> None:
        now = self._clock()
        with self._database.transaction() as session:
            row = session.get_one(SmsOutbound, row_id, with_for_update=True)
            outbox.accepted(row, taken.provider_id, taken.status, now)

    def _not_sent(self, row_id: int, error: SmsSendError, *, unknown: bool) -> None:
        with self._database.transaction() as session:
            row = session.get_one(SmsOutbound, row_id, with_for_update=True)
            if row.status != "sending":
                return
            wait = min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
            if unknown:
                wait = max(wait, self._look_after)
            if error.retry_after_s is not None:
                wait = max(wait, min(timedelta(seconds=error.retry_after_s), LONGEST_WAIT))
            outbox.put_back(row, self._clock() + wait, unknown=unknown, code=error.status_code)
            attempts = row.attempts
        logger.warning(
            "text message %d not sent (%s, %s), attempt %d", row_id, error.detail,
            error.status_code, attempts,
        )  # fmt: skip

    def _refused(self, row_id: int, error: SmsSendError) -> None:
        """Refused for good. Code and row are logged, never the number."""
        now = self._clock()
        with self._database.transaction() as session:
            row = session.get_one(SmsOutbound, row_id, with_for_update=True)
            outbox.give_up(row, "suppressed" if error.opted_out else "failed",
                           error.status_code, now)  # fmt: skip
            if error.opted_out:
                consent.refused_by_provider(session, self._private, row.conversation_id, now)
        logger.error("text message %d: %s, code %s", row_id, error.detail, error.status_code)
