"""The SMS line of one process: takes messages in, works them and sends what is due.

Web app and worker both run one. The database says whose turn it is, so that either may be
killed at any moment and the other goes on; the web app is simply told sooner.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot.clinic import Clinic
from bot.conversations import transcript
from bot.conversations.intake import RECENT_TURNS, Intake
from bot.db import Database
from bot.errors import BotError
from bot.messages import Tier
from bot.private_data import PrivateData
from bot.replies.texts import ReplyTexts
from bot.settings import Settings
from bot.sms import consent, inbox
from bot.sms.answering import Answering
from bot.sms.provider import InboundText, Provider
from bot.sms.quiet_hours import read_quiet_hours
from bot.sms.sending import Sender
from bot.sms.simulator import Simulator
from bot.sms.twilio import Twilio
from bot.triage.screen import Screen

logger = logging.getLogger(__name__)

ANSWERERS = 6
"""Messages worked on at once per process; each waits for the dialogue most of its time."""
SENDERS = 3
POLL_S = 0.5
"""How often a process looks for work that another one left. Its own it knows at once."""
CLOSING_S = 3.0
"""What is not done by then is taken up by the next process, as after a crash."""
LEASE_MARGIN = timedelta(seconds=10)


class SmsLine:
    """Everything about text messages in one process."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        private: PrivateData,
        screen: Screen,
        answering: Answering,
        sender: Sender,
        clock: Callable[[], datetime],
    ) -> None:
        """Nothing is started here; `start` does."""
        self.provider = provider
        self.private = private
        self._database = database
        self._screen = screen
        self._answering = answering
        self._sender = sender
        self._clock = clock
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._bells = {name: threading.Event() for name in ("urgent", "answer", "send")}

    def receive(self, inbound: InboundText, *, over_limit: bool = False) -> bool:
        """Store a message; the work on it begins at once in another thread.

        Returns:
            False for a repeat, of which nothing is stored.
        """
        if self.is_repeat(inbound):
            return False
        now = self._clock()
        urgent = self._is_urgent(inbound)
        try:
            with self._database.transaction() as session:
                row = inbox.store(
                    session, self.private, self.provider.name, inbound, now,
                    urgent=urgent, over_limit=over_limit,
                )  # fmt: skip
                if row is None:
                    raise _Repeat
        except _Repeat:
            return False
        self._bells["urgent" if urgent else "answer"].set()
        return True

    def is_repeat(self, inbound: InboundText) -> bool:
        """Whether this very message came before."""
        with self._database.reading() as session:
            return inbox.is_repeat(session, self.provider.name, inbound.provider_id)

    def opt_out(self, number: str) -> None:
        """Staff were asked, by telephone perhaps, to send a number nothing more."""
        with self._database.transaction() as session:
            number_hash = self.private.lookup(number)
            consent.record(
                session, self.private, number_hash, "opt_out", "staff", "", self._clock()
            )

    def work_once(self) -> bool:
        """Answer one message or send one; whether there was anything to do."""
        return (
            self._answering.work_next(urgent=True)
            or self._sender.send_next()
            or self._answering.work_next(urgent=False)
        )

    def start(self) -> None:
        """Work in the background until `close`."""

        def answer() -> bool:
            worked = self._answering.work_next(urgent=False)
            if worked:
                self._bells["send"].set()
            return worked

        def answer_urgent() -> bool:
            worked = self._answering.work_next(urgent=True)
            if worked:
                self._bells["send"].set()
            return worked

        # Red flags have threads of their own: others may all be waiting for a slow dialogue.
        plan = [("urgent", answer_urgent)] * 2
        plan += [("answer", answer)] * ANSWERERS
        plan += [("send", self._sender.send_next)] * SENDERS
        for name, step in plan:
            thread = threading.Thread(
                target=self._loop, args=(step, self._bells[name]), name=f"sms-{name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Stop the threads and close connections; what was begun is finished if it is quick."""
        self._stopping.set()
        for bell in self._bells.values():
            bell.set()
        deadline = time.monotonic() + CLOSING_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.provider.close()

    def _loop(self, step: Callable[[], bool], bell: threading.Event) -> None:
        while not self._stopping.is_set():
            try:
                if step():
                    continue
            except (SQLAlchemyError, BotError) as error:
                logger.error("SMS round failed: %s", type(error).__name__)
            except Exception as error:  # a thread that ended would be missed by nobody
                logger.critical("SMS round failed unexpectedly: %s", type(error).__name__)
            bell.wait(POLL_S)
            bell.clear()

    def _is_urgent(self, inbound: InboundText) -> bool:
        """Whether it must not wait its turn. Intake screens again and decides."""
        try:
            with self._database.reading() as session:
                number = inbox.number_of(session, self.private, inbound.sender)
                recent: list[str] = []
                if number is not None:
                    recent = transcript.recent_patient_texts(
                        session, number.conversation_id, RECENT_TURNS
                    )
                    recent += inbox.earlier_waiting(session, number.conversation_id, None)
            return self._screen.verdict(inbound.text, recent[-RECENT_TURNS:]).tier >= Tier.URGENT
        except Exception as error:  # a broken net must not lose the message
            logger.critical("triage failed: %s", type(error).__name__)
            return False


class _Repeat(Exception):
    """Rolls a transaction back."""


def open_sms_line(
    settings: Settings,
    database: Database,
    private: PrivateData,
    screen: Screen,
    intake: Intake,
    clinic: Clinic,
    texts: ReplyTexts,
    clock: Callable[[], datetime],
    provider: Provider | None = None,
) -> SmsLine | None:
    """Put the line together as the settings say; None when it is off.

    Args:
        provider: For tests, one with another transport.
    """
    provider = provider or open_provider(settings)
    if provider is None:
        return None
    answering = Answering(
        database, intake, texts, private, clock,
        provider_answers_keywords=provider.answers_keywords,
        lease=timedelta(seconds=settings.dialogue_timeout_s) + LEASE_MARGIN,
    )  # fmt: skip
    quiet_hours = read_quiet_hours(settings.sms_quiet_hours)
    sender = Sender(database, provider, private, clock, quiet_hours, clinic.time_zone)
    return SmsLine(database, provider, private, screen, answering, sender, clock)


def open_provider(settings: Settings) -> Provider | None:
    """The provider that the settings name. A second one is one more line here."""
    if settings.sms_provider == "twilio":
        return Twilio(
            settings.twilio_account_sid,
            (settings.twilio_auth_token, settings.twilio_auth_token_old),
            sender=settings.sms_from,
            api_url=settings.twilio_api_url,
            public_url=settings.public_url,
            answers_keywords=settings.sms_stop_help_replies == "provider",
        )
    if settings.sms_provider == "simulator":
        return Simulator(settings.public_url)
    return None
