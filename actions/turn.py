"""What an action needs of the tracker, read once, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from bot.conversations.escalations import open_or_add
from bot.conversations.models import Message
from bot.conversations.transcript import ensure_conversation, store_inbound
from bot.dialogue.client import reply_record
from bot.messages import InboundMessage, Outcome, Reply, Tier, Verdict
from bot.nlu.answer_index import Candidate
from bot.nlu.choose import Understood


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as Rasa parsed it.

    Attributes:
        message_id: Our stored message, or None when it came by another way than intake
            (`rasa shell`).
        chosen_answer: The answer a button asked for, if one did.
        language: What triage took the message's language to be.
        tier: What triage made of it.
        alarm: How likely an urgent or emergency message is, when the learned net was asked.
    """

    conversation_id: str
    message_id: int | None
    text: str
    understood: Understood
    chosen_answer: str | None
    language: str
    rule_ids: tuple[str, ...]
    tier: Tier
    alarm: float | None


def read_turn(tracker: Tracker, answers_by_entity: Mapping[str, str]) -> Turn:
    """Take the latest message apart."""
    parse = tracker.latest_message
    metadata = parse.get("metadata") or {}
    intent = parse.get("intent") or {}
    entities = parse.get("entities") or []
    triage = parse.get("triage") or {}
    named = {e["value"] for e in entities if e["entity"] != "answer_id"}
    chosen = [e["value"] for e in entities if e["entity"] == "answer_id"]
    return Turn(
        conversation_id=tracker.sender_id,
        message_id=metadata.get("message_id"),
        text=parse.get("text") or "",
        understood=Understood(
            intent=intent.get("name") or "nlu_fallback",
            confidence=intent.get("confidence") or 0.0,
            ranking={r["name"]: r["confidence"] for r in parse.get("intent_ranking") or []},
            candidates=_candidates(parse.get("answer_candidates")),
            parts=[_candidates(p["candidates"]) for p in parse.get("answer_parts") or []],
            in_context=_candidates(parse.get("answer_candidates_in_context")),
            entity_answers=frozenset(answers_by_entity[n] for n in named if n in answers_by_entity),
            entities=[{k: e.get(k) for k in ("entity", "value", "start", "end")} for e in entities],
        ),
        chosen_answer=chosen[0] if chosen else None,
        language=triage.get("language", "en"),
        rule_ids=tuple(triage.get("rule_ids", ())),
        tier=Tier[triage.get("tier", "none").upper()],
        alarm=triage.get("alarm"),
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
                "ranking": [[n, round(c, 4)] for n, c in list(understood.ranking.items())[:5]],
                "entities": list(understood.entities),
                "candidates": [[c.answer_id, c.score] for c in understood.candidates[:5]],
            },
        },
    )


def hand_over(session: Session, turn: Turn, tier: Tier, reason: str, now: datetime) -> None:
    """Open the conversation's escalation for this message, or add to it."""
    message_id = turn.message_id
    if message_id is None:
        message_id = _record_foreign_message(session, turn, tier, now)
    else:
        stored = session.get(Message, message_id)
        if stored is not None:
            stored.tier = max(stored.tier, int(tier))
    open_or_add(
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


def _candidates(records: Sequence[Mapping[str, Any]] | None) -> list[Candidate]:
    return [Candidate(r["id"], r["topic"], r["score"]) for r in records or []]
