"""Storing what was set aside, once the database takes it again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from bot.conversations import transcript
from bot.conversations.escalations import open_or_add
from bot.conversations.models import Conversation, Message
from bot.conversations.set_aside import UNKNOWN_CONVERSATION, AsideMessage, SetAside
from bot.db import Database
from bot.messages import ChannelName, InboundMessage, Outcome, Tier, Verdict
from bot.replies.texts import ReplyTexts

logger = logging.getLogger(__name__)

CHANNELS: tuple[ChannelName, ...] = ("web", "sms", "console", "evaluation")


def store_set_aside(
    database: Database, aside: SetAside, texts: ReplyTexts, clock: Callable[[], datetime]
) -> int:
    """Store every message that was set aside, with its escalation and what was said.

    A file goes only after its transaction; one that is stored already (the patient sent the
    message again, or we ended in between) stores nothing twice.

    Returns:
        How many files are done with.
    """
    done = 0
    for path, message in aside.kept():
        try:
            with database.transaction() as session:
                _store(session, message, texts, clock())
        except (OperationalError, InterfaceError) as error:
            logger.error("set-aside messages still wait: %s", type(error).__name__)
            break
        except Exception as error:  # one that cannot be stored must not hold up the others
            logger.critical("message %s not stored: %s", message.public_id, type(error).__name__)
            continue
        aside.forget(path)
        logger.warning("message %s, set aside before, is stored", message.public_id)
        done += 1
    return done


def _store(session: Session, aside: AsideMessage, texts: ReplyTexts, now: datetime) -> None:
    conversation = _conversation(session, aside, now)
    if conversation.erased_at is not None:
        return
    inbound = InboundMessage(
        channel=_channel(aside),
        conversation_id=conversation.id,
        client_message_id=aside.client_message_id,
        received_at=datetime.fromisoformat(aside.received_at),
        text=aside.text,
    )
    if transcript.find_repeat(session, inbound) is not None:
        return
    message = transcript.store_inbound(session, inbound, aside.text, Verdict(Tier(aside.tier)))
    if message is None:
        return
    session.refresh(conversation)
    message.public_id = aside.public_id
    message.triage = aside.triage
    transcript.finish(message, Outcome(aside.outcome), aside.latency_ms)
    # Now, not when it was received: staff's clocks start when staff can know of it. The
    # message keeps its own time, so the delay can be seen.
    open_or_add(
        session,
        conversation_id=conversation.id,
        message_id=message.id,
        tier=Tier(aside.tier),
        reason="red_flag",
        rule_ids=aside.triage.get("rule_ids", ()),
        now=now,
    )
    session.add(
        Message(
            public_id=aside.reply.public_id,
            conversation_id=conversation.id,
            sender="assistant",
            text=aside.reply.text,
            at=inbound.received_at,
            in_reply_to=message.id,
            triage={"wording": aside.reply.wording},
            buttons=[],
        )
    )
    session.flush()
    name = "staff_told_late_es" if aside.triage.get("language") == "es" else "staff_told_late"
    transcript.store_outbound(session, conversation, "system", texts[name], now)


def _conversation(session: Session, aside: AsideMessage, now: datetime) -> Conversation:
    """Whose message it is; a session that nobody knows gets a conversation all the same."""
    if not aside.conversation_id.startswith(UNKNOWN_CONVERSATION):
        return transcript.ensure_conversation(session, aside.conversation_id, _channel(aside), now)
    session_hash = aside.conversation_id.removeprefix(UNKNOWN_CONVERSATION)
    found = session.scalar(select(Conversation).where(Conversation.session_hash == session_hash))
    return found or transcript.start_conversation(session, _channel(aside), now)


def _channel(aside: AsideMessage) -> ChannelName:
    return next(name for name in CHANNELS if name == aside.channel)
