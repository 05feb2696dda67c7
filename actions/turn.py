"""What an action needs of the tracker, read once, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from bot.conversations.escalations import open_or_add
from bot.conversations.models import Escalation, Message
from bot.conversations.transcript import ensure_conversation, store_inbound
from bot.dialogue.client import reply_record
from bot.messages import Button, InboundMessage, Outcome, Reply, Tier, Verdict
from bot.nlu.choose import Understood
from bot.nlu.course import days_told
from bot.replies.texts import ReplyTexts


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as Rasa parsed it.

    Attributes:
        message_id: Our stored message, or None when it came by another way than intake
            (`rasa shell`).
        chosen_answer: The answer a button asked for, if one did.
        unknown_name: A medicine or condition that nothing here knows, if it names one.
        other_language: Whether it is in neither English nor Spanish.
        days: Days since the treatment, as far as the patient said.
        language: What triage took the message's language to be.
        tier: What triage made of it.
        channel: How the message came, as intake says; empty by another way.
        alarm: How likely an urgent or emergency message is, when the learned net was asked.
    """

    conversation_id: str
    message_id: int | None
    text: str
    understood: Understood
    chosen_answer: str | None
    unknown_name: str | None
    other_language: bool
    days: int | None
    language: str
    rule_ids: tuple[str, ...]
    tier: Tier
    alarm: float | None
    channel: str = ""


def read_turn(tracker: Tracker, answers_by_entity: Mapping[str, str]) -> Turn:
    """Take the latest message apart."""
    return turn_of(tracker.sender_id, tracker.latest_message, answers_by_entity)


def turn_of(
    conversation_id: str, parse: Mapping[str, Any], answers_by_entity: Mapping[str, str]
) -> Turn:
    """A parse of Rasa's as our actions see it."""
    metadata = parse.get("metadata") or {}
    entities = parse.get("entities") or []
    triage = parse.get("triage") or {}
    before = metadata.get("before") or {}
    chosen = [e["value"] for e in entities if e["entity"] == "answer_id"]
    text = parse.get("text") or ""
    today = metadata.get("today")
    return Turn(
        conversation_id=conversation_id,
        message_id=metadata.get("message_id"),
        text=text,
        understood=Understood.from_parse(parse, answers_by_entity),
        chosen_answer=chosen[0] if chosen else None,
        unknown_name=parse.get("unknown_name"),
        other_language=bool(parse.get("other_language")),
        days=days_told(
            [text, *([before["text"]] if before.get("text") else [])],
            date.fromisoformat(today) if today else None,
        ),
        # A button's command is not screened; intake knows the language of its title.
        language=triage.get("language") or metadata.get("language", "en"),
        rule_ids=tuple(triage.get("rule_ids", ())),
        tier=Tier[triage.get("tier", "none").upper()],
        alarm=triage.get("alarm"),
        channel=metadata.get("channel", ""),
    )


def say(
    dispatcher: CollectingDispatcher,
    turn: Turn,
    outcome: Outcome,
    replies: Sequence[Reply],
    tier: Tier = Tier.NONE,
) -> None:
    """Answer: text for any Rasa channel, and the whole result for ours."""
    understood = turn.understood
    dispatcher.utter_message(
        text="\n\n".join(reply.text for reply in replies),
        json_message={
            "outcome": outcome.value,
            "tier": tier.name.lower(),
            "replies": [reply_record(reply) for reply in replies],
            "understood": {
                "intent": understood.intent,
                "confidence": round(understood.confidence, 4),
                "ranking": [
                    [n, round(c, 4)] for n, c in list(understood.whole.ranking.items())[:5]
                ],
                "entities": list(understood.entities),
                "candidates": [[c.answer_id, c.score] for c in understood.whole.candidates[:5]],
            },
        },
    )


def details_offer(turn: Turn, texts: ReplyTexts, language: str) -> tuple[Button, ...]:
    """Buttons by which a web patient may leave contact details; SMS knows the number."""
    return texts.details_buttons(language) if turn.channel == "web" else ()


def hand_over(
    session: Session,
    turn: Turn,
    tier: Tier,
    reason: str,
    now: datetime,
    *,
    review_reason: str | None = None,
) -> Escalation:
    """Open the conversation's escalation for this message, or add to it.

    Args:
        review_reason: Why a reviewer should look at the message; None: no reason.
    """
    message_id = turn.message_id
    if message_id is None:
        message_id = _record_foreign_message(session, turn, tier, now)
    stored = session.get(Message, message_id)
    if stored is not None:
        stored.tier = max(stored.tier, int(tier))
        stored.review_reason = stored.review_reason or review_reason
    return open_or_add(
        session,
        conversation_id=turn.conversation_id,
        message_id=message_id,
        tier=tier,
        reason=reason,
        rule_ids=turn.rule_ids,
        now=now,
    )


def _record_foreign_message(session: Session, turn: Turn, tier: Tier, now: datetime) -> int:
    """Store a message that reached Rasa by another channel, so that staff can read it."""
    ensure_conversation(session, turn.conversation_id, "console", now)
    inbound = InboundMessage(
        channel="console",
        conversation_id=turn.conversation_id,
        client_message_id=f"rasa-{now.timestamp():.6f}",
        received_at=now,
        text=turn.text,
    )
    message = store_inbound(session, inbound, turn.text, Verdict(tier=tier, nets=("rasa",)))
    if message is None:
        raise RuntimeError("two messages of one conversation in the same microsecond")
    message.outcome = f"escalated_{tier.name.lower()}"
    return message.id
