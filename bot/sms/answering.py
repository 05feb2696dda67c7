"""One text message from the inbox to its outcome: consent, MORE, a choice, or intake."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations import transcript
from bot.conversations.escalations import open_or_add
from bot.conversations.intake import FixedReply, Intake
from bot.conversations.models import Message
from bot.db import Database
from bot.messages import InboundMessage, Language, Outcome, Reply, Tier
from bot.private_data import PrivateData
from bot.replies.text_message import next_piece
from bot.replies.texts import ReplyTexts
from bot.sms import consent, inbox
from bot.sms.choices import chosen
from bot.sms.models import SmsInbound, SmsNumber
from bot.sms.opt_out_words import folded
from bot.triage.language import detect_language

logger = logging.getLogger(__name__)

MORE_WORDS: Final = frozenset({"more", "more please", "mas", "mas por favor"})
PHOTO_ALONE: Final = "\N{CAMERA}"
NO_WORDS: Final = "\N{HORIZONTAL ELLIPSIS}"
"""What stands in the transcript for a message without words, with a photo or file and without."""
URGENT_LEASE: Final = timedelta(seconds=5)
"""A red flag asks nobody else, so it takes milliseconds; a longer claim lost its process."""
RETRY_AFTER: Final = timedelta(seconds=2)
GIVE_UP_AFTER: Final = 6
"""Failed attempts until staff are asked to look at a message that cannot be handled."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A message as intake takes it: words or a choice, and what we say ourselves, if we do."""

    text: str | None
    button_id: str | None
    fixed: FixedReply | None


class Answering:
    """Works the inbox. Safe to use from several threads and processes."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        texts: ReplyTexts,
        private: PrivateData,
        clock: Callable[[], datetime],
        *,
        provider_answers_keywords: bool,
        lease: timedelta,
    ) -> None:
        """Nothing is opened here.

        Args:
            lease: Longer than one message can take; a claim older than this lost its process.
        """
        self._database = database
        self._intake = intake
        self._texts = texts
        self._private = private
        self._clock = clock
        self._provider_answers_keywords = provider_answers_keywords
        self._lease = lease

    def work_next(self, *, urgent: bool) -> bool:
        """Take the next due message to its outcome, if there is one.

        Args:
            urgent: Red flags only; they do not wait for earlier messages of their sender.
        """
        now = self._clock()
        with self._database.reading() as session:
            row_id = inbox.next_due(session, now, urgent=urgent)
        if row_id is None:
            return False
        with self._database.transaction() as session:
            row = inbox.claim(session, row_id, now, URGENT_LEASE if urgent else self._lease)
        if row is None:
            return True  # somebody else has it; there may be more
        try:
            self._work(row)
        except Exception as error:  # one message that cannot be handled must not stop the rest
            logger.error("text message %d failed: %s", row.id, type(error).__name__)
            self._failed(row)
        return True

    def _work(self, row: SmsInbound) -> None:
        read = self._read(row)
        inbound = InboundMessage(
            channel="sms",
            conversation_id=row.conversation_id,
            client_message_id=client_message_id(row),
            received_at=row.received_at,
            text=read.text,
            button_id=read.button_id,
            media_count=row.media_count,
            over_limit=row.over_limit,
            earlier=self._earlier(row) if row.urgent else (),
        )
        with self._database.reading() as session:
            before = transcript.find_repeat(session, inbound)
        if before is not None and before.outcome is None:
            # A process was killed between storing and answering; the claim makes it ours.
            self._intake.answer(before, time.monotonic(), read.fixed)
        else:
            self._intake.handle(inbound, read.fixed)
        with self._database.transaction() as session:
            inbox.done(session, row.id, self._clock())

    def _read(self, row: SmsInbound) -> _Read:
        """What the message is. What it asks in the matter of consent is recorded here."""
        with self._database.transaction() as session:
            number = session.scalar(
                select(SmsNumber).where(SmsNumber.conversation_id == row.conversation_id)
            )
            if number is None:
                raise LookupError("the conversation was erased")
            suppressed = consent.is_suppressed(session, number.number_hash)
            request = consent.asked(row.text, row.opt_out_type, suppressed)
            words = row.text.strip() or (PHOTO_ALONE if row.media_count else NO_WORDS)
            if request is not None:
                fixed = self._consent(session, number, row, request)
                return _Read(words, None, fixed)
            if folded(row.text) in MORE_WORDS:
                return _Read(words, None, self._more(session, number, row))
            offer = number.offer or []
            index = None if row.media_count else chosen(row.text, [b["title"] for b in offer])
            if index is not None:
                return _Read(None, offer[index]["id"], None)
            return _Read(words, None, None)

    def _consent(
        self, session: Session, number: SmsNumber, row: SmsInbound, request: consent.ConsentRequest
    ) -> FixedReply:
        confirmed = request.kind == "opt_out" and consent.opted_out_by_another(
            session, number.number_hash, _source_id(row)
        )
        consent.record(
            session, self._private, number.number_hash, request.kind, request.source, row.text,
            self._clock(), source_id=_source_id(row),
        )  # fmt: skip
        name, outcome, kind = {
            "opt_out": ("sms_opted_out", Outcome.OPTED_OUT, "confirmation"),
            "opt_in": ("sms_opted_in", Outcome.SMALLTALK, "keyword"),
            "help": ("sms_help", Outcome.SMALLTALK, "keyword"),
        }[request.kind]
        by_provider = request.source == "gateway" or (
            request.source == "keyword" and self._provider_answers_keywords
        )
        language = self._language(session, row)
        replies = (
            () if by_provider or confirmed else (Reply(self._texts.in_language(name, language)),)
        )
        return FixedReply(outcome, replies, kind)  # type: ignore[arg-type]

    def _more(self, session: Session, number: SmsNumber, row: SmsInbound) -> FixedReply:
        language = self._language(session, row)
        if not number.rest:
            nothing = Reply(self._texts.in_language("sms_nothing_more", language))
            return FixedReply(Outcome.SMALLTALK, (nothing,))
        piece = next_piece(number.rest, self._texts.in_language("sms_more", language))
        return FixedReply(Outcome.ANSWERED, (Reply(piece.body),), "more")

    def _language(self, session: Session, row: SmsInbound) -> Language:
        recent = transcript.recent_patient_texts(session, row.conversation_id, 3)
        return detect_language(row.text, recent)

    def _earlier(self, row: SmsInbound) -> tuple[str, ...]:
        with self._database.reading() as session:
            return tuple(inbox.earlier_waiting(session, row.conversation_id, row.id))

    def _failed(self, row: SmsInbound) -> None:
        """Try again a little later; after several times ask staff to look at it."""
        now = self._clock()
        with self._database.transaction() as session:
            if row.attempts < GIVE_UP_AFTER:
                inbox.try_again(session, row.id, now + RETRY_AFTER * row.attempts)
                return
            message = session.scalar(
                select(Message).where(
                    Message.conversation_id == row.conversation_id,
                    Message.client_message_id == client_message_id(row),
                )
            )
            if message is not None:
                open_or_add(
                    session, conversation_id=row.conversation_id, message_id=message.id,
                    tier=Tier.ROUTINE, reason="sms_failed", rule_ids=(), now=now,
                )  # fmt: skip
                inbox.done(session, row.id, now)
                return
            # It could not even be stored: the database itself must be at fault, so it stays.
            inbox.try_again(session, row.id, now + RETRY_AFTER * GIVE_UP_AFTER)
        logger.critical("text message %d cannot be put into the transcript", row.id)


def client_message_id(row: SmsInbound) -> str:
    """The id under which intake knows the message; the same for every repeat of it."""
    return f"sms-{row.provider_id}"


def _source_id(row: SmsInbound) -> str:
    """How the consent ledger names the text; rows of the inbox are deleted before it."""
    return f"{row.provider}:{row.provider_id}"
