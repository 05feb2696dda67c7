"""The way of one message, shared by every channel: one ordered list of steps.

    repeat? -> triage -> store, with its escalation -> staff? -> red flag? -> dialogue -> reply

A message is stored before it is answered. Whatever fails after that, the message is
kept and ends in a named outcome. A red flag that the database does not take is answered
all the same, and set aside until it is taken.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.clinic import Clinic
from bot.content.models import Answer
from bot.conversations import transcript
from bot.conversations.choices import question_of
from bot.conversations.context import LOOK_BACK, turn_before
from bot.conversations.escalations import (
    Standing,
    held,
    lock_message,
    open_or_add,
    standing_of,
    unresolved,
)
from bot.conversations.models import Conversation, Escalation, Message
from bot.conversations.set_aside import AsideMessage, Said, SetAside
from bot.db import Database
from bot.dialogue.client import DialogueResult
from bot.errors import DialogueUnavailable, InvalidInbound
from bot.messages import InboundMessage, Language, Outcome, Reply, Tier, Verdict
from bot.replies.texts import (
    ANSWER_PREFIX,
    LEAVE_DETAILS,
    SOMETHING_ELSE,
    TALK_TO_A_PERSON,
    ReplyTexts,
)
from bot.sms.consent import opted_out
from bot.sms.outbox import TurnKind, deliver
from bot.triage.screen import MODEL_NET, RULES_NET, Screen
from bot.triage.urgent_replies import UrgentReplies

logger = logging.getLogger(__name__)

RETRY_AFTER = timedelta(seconds=5)
"""First wait before the worker tries a queued message again.

Then it waits as long again as it has waited already, up to the limit: the tries that later
messages of the same patient cause do not count.
"""
RETRY_LIMIT = timedelta(minutes=5)
REPEAT_WAIT_S = 10.0
"""How long a repeated message waits for the first one's answer."""
RECENT_TURNS = 3
"""Earlier patient turns that triage looks at."""

_MEDIA_MATTERS_TO = frozenset(Outcome) - {
    *(Outcome.SMALLTALK, Outcome.OPTED_OUT, Outcome.REFUSED, Outcome.QUEUED, Outcome.STAFF_OWNED),
    *transcript.URGENT_OUTCOMES,
}
"""A photo beside "thanks" is a greeting; beside anything else a person looks after it."""

_LEADING_SLASHES = re.compile(r"\A[\s/]+")


class Dialogue(Protocol):
    """What intake needs of the dialogue client."""

    def send(
        self, conversation_id: str, text: str, *, message_id: int, context: Mapping[str, Any]
    ) -> DialogueResult:
        """See `DialogueClient.send`."""
        ...


@dataclass(frozen=True, slots=True)
class FixedReply:
    """What a channel itself says to a message, in place of the dialogue: HELP, MORE, STOP.

    A red flag in the same message goes before it, except for the one confirmation of an
    opt-out, which is then all that may be sent.
    """

    outcome: Outcome
    replies: tuple[Reply, ...]
    kind: TurnKind = "reply"


@dataclass(frozen=True, slots=True)
class _Question:
    """What the dialogue is given of a message."""

    words: str
    context: Mapping[str, Any]


class _NotSaid(Exception):
    """The wording for a red flag could not be stored; its transaction is undone."""


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
        aside: SetAside,
        silenced: Callable[[Session, str], bool] = lambda session, channel: False,
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
        self._aside = aside
        self._silenced = silenced

    def handle(self, inbound: InboundMessage, fixed: FixedReply | None = None) -> IntakeResult:
        """Take one message to its outcome.

        Args:
            fixed: What the channel says to it in place of the dialogue.

        Raises:
            InvalidInbound: A button that was never offered; nothing is stored.
            sqlalchemy.exc.SQLAlchemyError: The message, no red flag, could not be stored,
                or not be worked on; in the second case the worker goes on with it.
        """
        started = time.monotonic()
        try:
            with self._database.reading() as session:
                first = transcript.find_repeat(session, inbound)
                text = self._words(session, inbound)
                recent = transcript.recent_patient_texts(
                    session, inbound.conversation_id, RECENT_TURNS
                )
        except SQLAlchemyError as error:
            result = self.without_database(inbound, type(error).__name__)
            if result is None:
                raise
            return result
        if first is not None and (first.outcome is not None or first.tier < Tier.URGENT):
            return self._answer_again(first)
        # A red flag without outcome may have lost its process: it is not left to wait.
        message = first
        if message is None:
            recent = [*recent, *inbound.earlier][-RECENT_TURNS:]
            verdict = self._screened(text, recent)
            try:
                message, result = self._store(inbound, text, verdict, started, fixed)
            except SQLAlchemyError as error:
                if verdict.tier < Tier.URGENT or inbound.channel != "web":
                    raise
                return self._set_aside(inbound, text, verdict, started, type(error).__name__)
            if message is None:
                return self._lost_race(inbound)
            if result is not None:
                return result
        if inbound.over_limit and fixed is None and message.tier < Tier.URGENT:
            return self._refuse(message, started)
        try:
            return self.answer(message, started, fixed)
        except SQLAlchemyError as error:
            if message.tier < Tier.URGENT or inbound.channel != "web":
                raise
            return self._say_unstored(message, type(error).__name__)

    def without_database(self, inbound: InboundMessage, trouble: str) -> IntakeResult | None:
        """Answer a red flag although nothing can be read, and set it aside.

        Only on the web, where the patient waits for the answer; a text message stays in
        its inbox until the database is back.

        Args:
            inbound: Its conversation may be `set_aside.UNKNOWN_CONVERSATION` and a hash.
            trouble: What ails the database, for the log.

        Returns:
            None when the message is no red flag, as far as its own words show.
        """
        started = time.monotonic()
        if inbound.text is None or inbound.channel != "web":
            return None
        verdict = self._screened(inbound.text, [])
        if verdict.tier < Tier.URGENT:
            return None
        return self._set_aside(inbound, inbound.text, verdict, started, trouble)

    def answer(
        self, message: Message, started: float, fixed: FixedReply | None = None
    ) -> IntakeResult:
        """The steps after storing; the worker starts here again for what was left over.

        Args:
            message: A stored patient message.
            started: `time.monotonic()` when the work on it began.
            fixed: As in `handle`.
        """
        with self._database.reading() as session:
            step = self._next_step(session, message, started, fixed)
        return step()

    def _next_step(
        self, session: Session, message: Message, started: float, fixed: FixedReply | None
    ) -> Callable[[], IntakeResult]:
        """Which way a stored message goes, with all that must be read for it.

        The step itself is taken after the session is closed: it may write, or wait.
        """
        standing = standing_of(session, message.conversation_id)
        red_flag = message.tier >= Tier.URGENT or standing.held
        if fixed is not None and not red_flag and _may_be_said(fixed, standing):
            return partial(
                self._finish, message, fixed.outcome, fixed.replies, started, kind=fixed.kind
            )
        if standing.owner == "staff":
            return partial(self._for_staff, message, started, fixed)
        if red_flag:
            return partial(self._red_flag, message, started, fixed)
        # Only now: whatever could fail below must not stand in the way of a red flag.
        if standing.channel == "sms" and opted_out(session, message.conversation_id):
            return partial(self._finish, message, Outcome.OPTED_OUT, (), started)
        if self._silenced(session, standing.channel):
            return partial(self._away, message, started)
        if message.button_id == SOMETHING_ELSE:
            reply = self._offer("no_answer", message)
            return partial(self._finish, message, Outcome.NO_ANSWER, (reply,), started)
        if not any(character.isalnum() for character in message.text):
            if message.media_count:
                return partial(self._finish, message, Outcome.ESCALATED_ROUTINE, (), started)
            reply = self._offer("emoji_only", message)
            return partial(self._finish, message, Outcome.CLARIFYING, (reply,), started)
        if queued := transcript.queued_before(session, message):
            return partial(self._answer_queued, queued, message, standing.channel, started)
        question = self._question(session, message, standing.channel)
        return partial(self._ask, question, message, started)

    def _answer_queued(
        self, queued: Sequence[Message], message: Message, channel: str, started: float
    ) -> IntakeResult:
        """What was asked first is answered first, also when the dialogue is just back."""
        for earlier in queued:
            if self.answer(earlier, time.monotonic()).outcome is Outcome.QUEUED:
                return self._queue(message, started)
        with self._database.reading() as session:
            question = self._question(session, message, channel)
        return self._ask(question, message, started)

    def _offer(self, name: str, message: Message) -> Reply:
        """A text in the language of the message, with the way to a person."""
        language = _language(message)
        return self._texts.reply(name, (self._texts.person_button(language),), language)

    def _question(self, session: Session, message: Message, channel: str) -> _Question:
        words = self._command(session, message) or disarmed(message.text)
        return _Question(words, self._context(session, message, channel))

    def _ask(self, question: _Question, message: Message, started: float) -> IntakeResult:
        try:
            result = self._dialogue.send(
                message.conversation_id,
                question.words,
                message_id=message.id,
                context=question.context,
            )
        except DialogueUnavailable as error:
            logger.warning("message %s queued: %s", message.public_id, error.detail)
            return self._queue(message, started)
        return self._finish_asked(message, started, result)

    def _refuse(self, message: Message, started: float) -> IntakeResult:
        """Too many messages: kept and screened, and said so once until one is taken again."""
        with self._database.reading() as session:
            before = transcript.outcome_before(session, message)
        again = before == Outcome.REFUSED.value
        said = self._texts.reply("too_many", language=_language(message))
        replies = () if again else (said,)
        return self._finish(message, Outcome.REFUSED, replies, started)

    def _words(self, session: Session, inbound: InboundMessage) -> str:
        """The message as words: what was typed, or the title of the button pressed."""
        if inbound.text is not None:
            return inbound.text
        button_id = inbound.button_id or ""
        # As offered first: its title is in the patient's language.
        title = transcript.offered_button(session, inbound.conversation_id, button_id)
        if title is not None:
            return title
        if button_id == TALK_TO_A_PERSON:
            return self._texts["talk_to_a_person"]
        for button in self._texts.quick_replies:
            if button.id == button_id:
                title = button.title
        if title is None:
            raise InvalidInbound("This choice is not on offer in this chat.", field="button_id")
        return title

    def _screened(self, text: str, recent: list[str]) -> Verdict:
        try:
            return self._screen.verdict(text, recent)
        except Exception as error:  # a broken net must not lose the message
            logger.critical("triage failed: %s", type(error).__name__)
            return Verdict()

    def _store(
        self,
        inbound: InboundMessage,
        text: str,
        verdict: Verdict,
        started: float,
        fixed: FixedReply | None,
    ) -> tuple[Message | None, IntakeResult | None]:
        """Store the message and, for a red flag, its escalation and reply in one transaction.

        Whatever ails the reply, the message and its escalation stay.

        Returns:
            The message, or None when the same message got in first; and what became of it,
            if that is settled.
        """
        try:
            with self._database.transaction() as session:
                message = transcript.store_inbound(session, inbound, text, verdict)
                if message is None or verdict.tier < Tier.URGENT:
                    return message, None
                conversation = session.get_one(Conversation, inbound.conversation_id)
                escalation = self._escalate(session, message, verdict.tier, verdict.rule_ids)
                if conversation.owner == "staff" and verdict.tier < Tier.EMERGENCY:
                    return message, None
                try:
                    return message, self._say_wording(
                        session, conversation, message, escalation, started, fixed
                    )
                except Exception as error:
                    raise _NotSaid from error
        except _NotSaid as trouble:
            logger.error(
                "a red flag is stored without its reply, which is tried again: %s",
                type(trouble.__cause__).__name__,
            )
        with self._database.transaction() as session:
            message = transcript.store_inbound(session, inbound, text, verdict)
            if message is not None:
                self._escalate(session, message, verdict.tier, verdict.rule_ids)
            return message, None

    def _red_flag(
        self, message: Message, started: float, fixed: FixedReply | None = None
    ) -> IntakeResult:
        """Say the approved wording, once in full; no dialogue and no clinical answer.

        Also the way of every other message while staff have not resolved the escalation.
        """
        with self._database.transaction() as session:
            tier, rule_ids = Tier(message.tier), _rule_ids(message)
            escalation = self._escalate(session, message, tier, rule_ids)
            row = session.get_one(Message, message.id, with_for_update=True)
            conversation = session.get_one(Conversation, row.conversation_id)
            return self._say_wording(session, conversation, row, escalation, started, fixed)

    def _say_wording(
        self,
        session: Session,
        conversation: Conversation,
        row: Message,
        escalation: Escalation,
        started: float,
        fixed: FixedReply | None,
    ) -> IntakeResult:
        tier, rule_ids = Tier(escalation.tier), _rule_ids(row)
        if row.tier < tier:
            # Said about the sign it is held for: a mild word after "I want to die"
            # must not be answered as if it were about breathing.
            rule_ids = tuple(escalation.rule_ids)
        outcome = _outcome_of(tier)
        if fixed is not None and fixed.outcome is Outcome.OPTED_OUT:
            return self._end(
                session, conversation, row, outcome, fixed.replies, started, kind=fixed.kind
            )
        verdict = Verdict(tier=tier, rule_ids=rule_ids, language=_language(row))
        told = transcript.wordings_said(session, escalation)
        reply = self._wording(verdict, told, escalation.rule_ids)
        return self._end(session, conversation, row, outcome, (reply,), started)

    def _wording(
        self, verdict: Verdict, told: Sequence[str] = (), earlier: Sequence[str] = ()
    ) -> Reply:
        now = self._clock()
        return self._urgent.for_verdict(
            verdict,
            self._clinic.placeholders_at(now, verdict.language),
            open_now=self._clinic.is_open(now),
            told=told,
            earlier=earlier,
        )

    def _set_aside(
        self,
        inbound: InboundMessage,
        text: str,
        verdict: Verdict,
        started: float,
        trouble: str,
    ) -> IntakeResult:
        """Say the approved wording, honest that staff do not know; keep the message in a file."""
        placeholders = self._clinic.placeholders_at(self._clock(), verdict.language)
        reply = self._urgent.unstored(verdict, placeholders)
        kept = self._aside.keep(
            AsideMessage(
                channel=inbound.channel,
                conversation_id=inbound.conversation_id,
                client_message_id=inbound.client_message_id,
                received_at=inbound.received_at.isoformat(),
                public_id=transcript.new_public_id(),
                text=text,
                tier=int(verdict.tier),
                triage=transcript.verdict_record(verdict),
                outcome=_outcome_of(verdict.tier).value,
                latency_ms=(time.monotonic() - started) * 1000,
                reply=Said(transcript.new_public_id(), reply.text, reply.wording),
            )
        )
        logger.critical(
            "message %s is answered but not stored, and staff are not told: %s",
            kept.public_id,
            trouble,
        )
        said = Message(public_id=kept.reply.public_id, text=kept.reply.text, sender="assistant")
        return IntakeResult(Message(public_id=kept.public_id, outcome=kept.outcome), (said,))

    def _say_unstored(self, message: Message, trouble: str) -> IntakeResult:
        """Say the wording of a red flag that is stored, where only its reply could not be.

        Staff are told by the worker, which also stores the reply, under the same id.
        """
        logger.critical("the reply to message %s is not stored: %s", message.public_id, trouble)
        tier = Tier(message.tier)
        verdict = Verdict(tier=tier, rule_ids=_rule_ids(message), language=_language(message))
        reply = self._wording(verdict)
        said = Message(
            public_id=transcript.wording_id(message, 0), text=reply.text, sender="assistant"
        )
        shown = Message(public_id=message.public_id, outcome=_outcome_of(tier).value)
        return IntakeResult(shown, (said,))

    def _for_staff(
        self, message: Message, started: float, fixed: FixedReply | None = None
    ) -> IntakeResult:
        """Leave the message to the person who owns the conversation; screened all the same.

        An emergency gets its 911 wording at once even so: the person may have turned to
        something else, and minutes count. An urgent sign only raises the escalation, so
        that staff are told again: a second voice with other advice would confuse.
        """
        tier = Tier(message.tier)
        if tier is Tier.EMERGENCY:
            return self._red_flag(message, started, fixed)
        with self._database.transaction() as session:
            open_or_add(
                session,
                conversation_id=message.conversation_id,
                message_id=message.id,
                tier=max(tier, Tier.ROUTINE),
                reason="red_flag" if tier is Tier.URGENT else "staff_owned",
                rule_ids=_rule_ids(message),
                now=self._clock(),
            )
        if fixed is not None and fixed.outcome is Outcome.OPTED_OUT:
            return self._finish(
                message, Outcome.STAFF_OWNED, fixed.replies, started, kind=fixed.kind
            )
        return self._finish(message, Outcome.STAFF_OWNED, (), started)

    def _away(self, message: Message, started: float) -> IntakeResult:
        """The assistant or this channel is switched off: staff get the message instead."""
        with self._database.transaction() as session:
            waits = unresolved(session, message.conversation_id) is not None
            open_or_add(
                session,
                conversation_id=message.conversation_id,
                message_id=message.id,
                tier=max(Tier(message.tier), Tier.ROUTINE),
                reason="switched_off",
                rule_ids=_rule_ids(message),
                now=self._clock(),
            )
        name = "away_again" if waits else "away"
        reply = self._texts.reply(name, language=_language(message))
        return self._finish(message, Outcome.ESCALATED_ROUTINE, (reply,), started)

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

    def _context(self, session: Session, message: Message, channel: str) -> dict[str, Any]:
        earlier = transcript.turns_before(session, message, max(RECENT_TURNS, LOOK_BACK))
        recent = [turn.text for turn in earlier[:RECENT_TURNS] if turn.since_resolved]
        return {
            "recent": recent[::-1],
            "channel": channel,
            "before": turn_before(session, message, earlier),
            "language": _language(message),
            "triage": _verdict_for_rasa(message),
            "today": self._clinic.local_date(message.at).isoformat(),
        }

    def _command(self, session: Session, message: Message) -> str | None:
        """What Rasa is told for a pressed button; None for words.

        A chosen answer goes as the intent that asks for its topic, so that Rasa's own
        record of the conversation reads as if the patient had asked in words.
        """
        button_id = message.button_id or ""
        if button_id == TALK_TO_A_PERSON:
            return "/request_human"
        if button_id == LEAVE_DETAILS:
            return "/leave_details"
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
        kind: TurnKind = "reply",
    ) -> IntakeResult:
        """Store the outcome and the replies, unless another process got there first.

        Replies for SMS are queued in the same transaction.
        """
        with self._database.transaction() as session:
            row = session.get_one(Message, message.id, with_for_update=True)
            conversation = session.get_one(Conversation, row.conversation_id)
            return self._end(session, conversation, row, outcome, replies, started, kind=kind)

    def _finish_asked(
        self, message: Message, started: float, result: DialogueResult
    ) -> IntakeResult:
        """As `_finish`, for what the dialogue said, unless that is overtaken by now.

        A red flag that came while the dialogue was at work goes before it. If a person took
        the conversation over meanwhile it is dropped, unless the dialogue found an emergency.
        """
        with self._database.transaction() as session:
            outcome, replies = result.outcome, result.replies
            if result.tier >= Tier.EMERGENCY:  # waits for nobody's lock
                conversation = session.get_one(Conversation, message.conversation_id)
            else:
                conversation = transcript.lock_conversation(session, message.conversation_id)
                if conversation.owner == "staff":
                    outcome, replies = Outcome.STAFF_OWNED, ()
            # Only now, to see what the last holder of that lock did.
            row, tier = lock_message(session, message.id)
            overtaken = result.outcome not in transcript.URGENT_OUTCOMES and held(
                conversation.owner, tier
            )
            if not overtaken:
                return self._end(session, conversation, row, outcome, replies, started, result)
        return self._red_flag(message, started)

    def _end(
        self,
        session: Session,
        conversation: Conversation,
        row: Message,
        outcome: Outcome,
        replies: tuple[Reply, ...],
        started: float,
        result: DialogueResult | None = None,
        kind: TurnKind = "reply",
    ) -> IntakeResult:
        """`_finish` under the lock of the message, or in the transaction that stores it."""
        if row.outcome not in (None, Outcome.QUEUED.value):
            return IntakeResult(row, tuple(transcript.replies_to(session, row.id)))
        if row.media_count and outcome in _MEDIA_MATTERS_TO:
            outcome, replies = self._media(session, row, outcome, replies)
        transcript.finish(row, outcome, (time.monotonic() - started) * 1000)
        if result is not None:
            row.understood = dict(result.understood)
            row.tier = max(row.tier, int(result.tier))
        if row.button_id:
            row.understood = {**(row.understood or {}), **question_of(session, row)}
        stored = transcript.store_replies(session, row, replies, self._clock())
        self._deliver(session, conversation, row, stored, kind, outcome)
        return IntakeResult(row, tuple(stored))

    def _media(
        self, session: Session, message: Message, outcome: Outcome, replies: tuple[Reply, ...]
    ) -> tuple[Outcome, tuple[Reply, ...]]:
        """Hand a message with a photo or file to staff: nobody here can see what it shows."""
        open_or_add(
            session,
            conversation_id=message.conversation_id,
            message_id=message.id,
            tier=Tier.ROUTINE,
            reason="media",
            rule_ids=(),
            now=self._clock(),
        )
        note = self._texts.reply("media", language=_language(message))
        if outcome is Outcome.ANSWERED:
            outcome = Outcome.ANSWERED_WITH_REFERRAL
        return outcome, (*replies, note)

    def _deliver(
        self,
        session: Session,
        conversation: Conversation,
        message: Message,
        stored: list[Message],
        kind: TurnKind,
        outcome: Outcome,
    ) -> None:
        if conversation.channel != "sms":
            return
        urgent = outcome in transcript.URGENT_OUTCOMES
        deliver(
            session, self._texts, message.conversation_id, stored, self._clock(),
            kind=kind, urgent=urgent, ahead=urgent and message.tier >= Tier.EMERGENCY,
            language=_language(message),
        )  # fmt: skip

    def _queue(self, message: Message, started: float) -> IntakeResult:
        """Keep the message for the worker; tell the patient once, honestly."""
        now = self._clock()
        with self._database.transaction() as session:
            conversation = transcript.lock_conversation(session, message.conversation_id)
            row = session.get_one(Message, message.id, with_for_update=True)
            first_time = row.outcome is None
            row.outcome = Outcome.QUEUED.value
            row.latency_ms = (time.monotonic() - started) * 1000
            row.retry_at = now + min(max(now - row.at, RETRY_AFTER), RETRY_LIMIT)
            row.attempts += 1
            replies: list[Message] = []
            if first_time and conversation.owner == "bot":
                honest = self._offer("dialogue_down", message)
                replies = transcript.store_replies(session, row, [honest], now)
                self._deliver(session, conversation, row, replies, "reply", Outcome.QUEUED)
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


def _may_be_said(fixed: FixedReply, standing: Standing) -> bool:
    """While staff own a conversation only what the law asks for is said by us."""
    return standing.owner == "bot" or fixed.kind in ("keyword", "confirmation")


def disarmed(words: str) -> str:
    """Patient words without leading slashes.

    Rasa obeys text that begins with a slash, even after spaces of any kind, as an
    intent. Only intake may give such orders.
    """
    return _LEADING_SLASHES.sub("", words) or "?"


def _outcome_of(tier: Tier) -> Outcome:
    return Outcome(f"escalated_{tier.name.lower()}")


def _verdict_for_rasa(message: Message) -> dict[str, Any] | None:
    """What the nets said, so that Rasa need not ask them again; None unless both could speak."""
    triage = message.triage or {}
    if set(triage.get("by_net", ())) != {RULES_NET, MODEL_NET}:
        return None
    return {name: triage[name] for name in ("tier", "rule_ids", "language")}


def _rule_ids(message: Message) -> tuple[str, ...]:
    return tuple((message.triage or {}).get("rule_ids", ()))


def _language(message: Message) -> Language:
    return "es" if (message.triage or {}).get("language") == "es" else "en"
