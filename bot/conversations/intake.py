"""The way of one message, shared by every channel: one ordered list of steps.

    repeat? -> triage -> store, with its escalation -> red flag? -> staff? -> dialogue -> reply

A message is stored before it is answered. Whatever fails after that, the message is
kept and ends in a named outcome.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bot.clinic import Clinic
from bot.content.models import Answer
from bot.conversations import transcript
from bot.conversations.escalations import open_or_add, told_before, unresolved
from bot.conversations.models import Conversation, Escalation, Message
from bot.db import Database
from bot.dialogue.client import DialogueResult
from bot.errors import DialogueUnavailable, InvalidInbound
from bot.messages import InboundMessage, Language, Outcome, Reply, Tier, Verdict
from bot.replies.texts import ANSWER_PREFIX, SOMETHING_ELSE, TALK_TO_A_PERSON, ReplyTexts
from bot.triage.screen import Screen
from bot.triage.urgent_replies import UrgentReplies

logger = logging.getLogger(__name__)

RETRY_AFTER = timedelta(seconds=5)
"""First wait before the worker tries a queued message again; it doubles up to the limit."""
RETRY_LIMIT = timedelta(minutes=5)
REPEAT_WAIT_S = 10.0
"""How long a repeated message waits for the first one's answer."""
RECENT_TURNS = 3
"""Earlier patient turns that triage and follow-up questions look at."""

_LEADING_SLASHES = re.compile(r"\A[\s/]+")


class Dialogue(Protocol):
    """What intake needs of the dialogue client."""

    def send(
        self, conversation_id: str, text: str, *, message_id: int, context: Mapping[str, Any]
    ) -> DialogueResult:
        """See `DialogueClient.send`."""
        ...


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of a message: its stored row and the stored replies."""

    message: Message
    replies: tuple[Message, ...]

    @property
    def outcome(self) -> Outcome:
        """The named outcome; a message still in work elsewhere counts as queued."""
        return Outcome(self.message.outcome or Outcome.QUEUED.value)


class Intake:
    """Takes messages from the channels. Safe to call from several threads."""

    def __init__(
        self,
        database: Database,
        screen: Screen,
        dialogue: Dialogue,
        clinic: Clinic,
        texts: ReplyTexts,
        urgent: UrgentReplies,
        topic_intents: Mapping[str, tuple[str, ...]],
        clock: Callable[[], datetime],
    ) -> None:
        """All that a message meets on its way; nothing is opened here."""
        self._database = database
        self._screen = screen
        self._dialogue = dialogue
        self._clinic = clinic
        self._texts = texts
        self._urgent = urgent
        self._topic_intents = topic_intents
        self._clock = clock

    def handle(self, inbound: InboundMessage) -> IntakeResult:
        """Take one message to its outcome.

        Raises:
            InvalidInbound: A button that was never offered; nothing is stored.
            sqlalchemy.exc.SQLAlchemyError: The message could not be stored.
        """
        started = time.monotonic()
        with self._database.reading() as session:
            first = transcript.find_repeat(session, inbound)
            text = self._words(session, inbound)
            recent = transcript.recent_patient_texts(
                session, inbound.conversation_id, None, RECENT_TURNS
            )
        if first is not None:
            return self._answer_again(first)
        message = self._store(inbound, text, self._screened(text, recent))
        if message is None:
            return self._lost_race(inbound)
        return self.answer(message, started)

    def answer(self, message: Message, started: float) -> IntakeResult:
        """The steps after storing; the worker starts here again for what was left over.

        Args:
            message: A stored patient message.
            started: `time.monotonic()` when the work on it began.
        """
        with self._database.reading() as session:
            conversation = session.get_one(Conversation, message.conversation_id)
            escalation = unresolved(session, message.conversation_id)
            context = self._context(session, message)
            command = self._command(session, message)
        held = escalation is not None and escalation.tier >= Tier.URGENT
        if message.tier >= Tier.URGENT or (held and conversation.owner == "bot"):
            return self._red_flag(message, started)
        if conversation.owner == "staff":
            return self._finish(message, Outcome.STAFF_OWNED, (), started)
        if message.button_id == SOMETHING_ELSE:
            reply = Reply(self._texts["no_answer"], buttons=(self._texts.person_button(),))
            return self._finish(message, Outcome.NO_ANSWER, (reply,), started)
        if not any(character.isalnum() for character in message.text):
            reply = Reply(self._texts["emoji_only"], buttons=(self._texts.person_button(),))
            return self._finish(message, Outcome.CLARIFYING, (reply,), started)
        try:
            result = self._dialogue.send(
                message.conversation_id,
                command or disarmed(message.text),
                message_id=message.id,
                context=context,
            )
        except DialogueUnavailable as error:
            logger.warning("message %s queued: %s", message.public_id, error.detail)
            return self._queue(message, started)
        return self._finish(message, result.outcome, result.replies, started, result)

    def _words(self, session: Session, inbound: InboundMessage) -> str:
        """The message as words: what was typed, or the title of the button pressed."""
        if inbound.text is not None:
            return inbound.text
        button_id = inbound.button_id or ""
        if button_id == TALK_TO_A_PERSON:
            return self._texts["talk_to_a_person"]
        for button in self._texts.quick_replies:
            if button.id == button_id:
                return button.title
        title = transcript.offered_button(session, inbound.conversation_id, button_id)
        if title is None:
            raise InvalidInbound("This choice is not on offer in this chat.", field="button_id")
        return title

    def _screened(self, text: str, recent: list[str]) -> Verdict:
        try:
            return self._screen.verdict(text, recent)
        except Exception as error:  # a broken net must not lose the message
            logger.critical("triage failed: %s", type(error).__name__)
            return Verdict()

    def _store(self, inbound: InboundMessage, text: str, verdict: Verdict) -> Message | None:
        """Store the message and, for a red flag, its escalation in the same transaction.

        Returns:
            The message, or None when the same message got in first.
        """
        with self._database.transaction() as session:
            message = transcript.store_inbound(session, inbound, text, verdict)
            if message is not None and verdict.tier >= Tier.URGENT:
                self._escalate(session, message, verdict.tier, verdict.rule_ids)
            return message

    def _red_flag(self, message: Message, started: float) -> IntakeResult:
        """Say the approved wording, once in full; no dialogue and no clinical answer.

        Also the way of every other message while staff have not resolved the escalation.
        """
        rule_ids = tuple((message.triage or {}).get("rule_ids", ()))
        with self._database.transaction() as session:
            escalation = self._escalate(session, message, Tier(message.tier), rule_ids)
            tier = Tier(escalation.tier)
            repeat = told_before(session, escalation, message.id)
        now = self._clock()
        reply = self._urgent.for_verdict(
            Verdict(tier=tier, rule_ids=rule_ids, language=_language(message)),
            self._clinic.placeholders(),
            open_now=self._clinic.is_open(now),
            repeat=repeat,
        )
        outcome = Outcome(f"escalated_{tier.name.lower()}")
        return self._finish(message, outcome, (reply,), started)

    def _escalate(
        self, session: Session, message: Message, tier: Tier, rule_ids: tuple[str, ...]
    ) -> Escalation:
        return open_or_add(
            session,
            conversation_id=message.conversation_id,
            message_id=message.id,
            tier=tier,
            reason="red_flag",
            rule_ids=rule_ids,
            now=self._clock(),
        )

    def _context(self, session: Session, message: Message) -> dict[str, Any]:
        recent = transcript.recent_patient_texts(
            session, message.conversation_id, message.id, RECENT_TURNS
        )
        last = transcript.last_answer_id(session, message.conversation_id)
        return {"recent": recent, "last_answer_id": last}

    def _command(self, session: Session, message: Message) -> str | None:
        """What Rasa is told for a pressed button; None for words.

        A chosen answer goes as the intent that asks for its topic, so that Rasa's own
        record of the conversation reads as if the patient had asked in words.
        """
        button_id = message.button_id or ""
        if button_id == TALK_TO_A_PERSON:
            return "/request_human"
        if not button_id.startswith(ANSWER_PREFIX):
            return None
        answer_id = button_id.removeprefix(ANSWER_PREFIX)
        answer = session.get(Answer, answer_id)
        topic = answer.topic if answer is not None else "other"
        entities = json.dumps({"answer_id": answer_id})
        return f"/{self._topic_intents[topic][0]}{entities}"

    def _finish(
        self,
        message: Message,
        outcome: Outcome,
        replies: tuple[Reply, ...],
        started: float,
        result: DialogueResult | None = None,
    ) -> IntakeResult:
        """Store the outcome and the replies, unless another process got there first."""
        with self._database.transaction() as session:
            row = session.get_one(Message, message.id, with_for_update=True)
            if row.outcome not in (None, Outcome.QUEUED.value):
                return IntakeResult(row, tuple(transcript.replies_to(session, row.id)))
            transcript.finish(row, outcome, (time.monotonic() - started) * 1000)
            if result is not None:
                row.understood = dict(result.understood)
                row.tier = max(row.tier, int(result.tier))
            stored = transcript.store_replies(session, row, replies, self._clock())
            return IntakeResult(row, tuple(stored))

    def _queue(self, message: Message, started: float) -> IntakeResult:
        """Keep the message for the worker; tell the patient once, honestly."""
        now = self._clock()
        with self._database.transaction() as session:
            row = session.get_one(Message, message.id, with_for_update=True)
            first_time = row.outcome is None
            row.outcome = Outcome.QUEUED.value
            row.latency_ms = (time.monotonic() - started) * 1000
            row.retry_at = now + min(RETRY_AFTER * 2**row.attempts, RETRY_LIMIT)
            row.attempts += 1
            replies: list[Message] = []
            if first_time:
                honest = Reply(self._texts["dialogue_down"], buttons=(self._texts.person_button(),))
                replies = transcript.store_replies(session, row, [honest], now)
            return IntakeResult(row, tuple(replies))

    def _lost_race(self, inbound: InboundMessage) -> IntakeResult:
        with self._database.reading() as session:
            first = transcript.find_repeat(session, inbound)
        if first is None:
            raise RuntimeError("a message was refused as a repeat of one that is not there")
        return self._answer_again(first)

    def _answer_again(self, first: Message) -> IntakeResult:
        """A repeat gets what the first got; if that is still in work, it waits a little."""
        deadline = time.monotonic() + REPEAT_WAIT_S
        while True:
            with self._database.reading() as session:
                row = session.get_one(Message, first.id)
                replies = tuple(transcript.replies_to(session, first.id))
            if row.outcome is not None or time.monotonic() > deadline:
                return IntakeResult(row, replies)
            time.sleep(0.1)


def disarmed(words: str) -> str:
    """Patient words without leading slashes.

    Rasa obeys text that begins with a slash, even after spaces of any kind, as an
    intent. Only intake may give such orders.
    """
    return _LEADING_SLASHES.sub("", words) or "?"


def _language(message: Message) -> Language:
    return "es" if (message.triage or {}).get("language") == "es" else "en"
