"""Judging messages: saving a review, the lists to work through, the honest accuracy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, TextClause, func, select, text
from sqlalchemy.orm import Session

from bot.conversations.escalations import open_or_add
from bot.conversations.models import Conversation, Feedback, Message
from bot.errors import InvalidInbound
from bot.messages import Outcome, Tier
from bot.review.models import MessageFlag, Review

RIGHT: Final = "right"
MISSED: Final = "should_escalate"
VERDICTS: Final = {
    RIGHT: "Right",
    "wrong_intent": "Wrong intent",
    "wrong_answer": "Wrong answer",
    MISSED: "Should have gone to staff",
    "should_not_escalate": "Should not have gone to staff",
    "content_missing": "Content is missing",
}
"""What a review may say, in the order of the form; its keys 1 to 6 on the keyboard."""

REASONS: Final = {
    "thumbs_down": "The patient said it did not help",
    "nets_disagree": "Only one of the safety nets saw a red flag",
    "marked": "Marked by the assistant",
    "no_answer": "No answer was found",
    "low_confidence": "Understood with little confidence",
    "picked": "The patient had to pick the answer",
    "escalated": "It went to staff",
    "sample": "Random sample",
}
"""Why a message is in the list, what teaches most first."""

SAMPLED_BELOW: Final = "0d"
"""Public ids are random hexadecimal: those below this are one message in twenty (13/256),
drawn before anybody knows how it went, and the same for everybody."""
_SAMPLED: Final = text(f"messages.public_id < '{SAMPLED_BELOW}' AND messages.sender = 'patient'")
"""Literal, here and in `_narrowed`: from a parameter SQLite cannot tell which index holds
these rows."""

LOW_CONFIDENCE: Final = 0.5
PER_REASON: Final = 25
MAX_NOTE: Final = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A patient message to look at; ``reason`` is a key of `REASONS`, or of the list."""

    message: Message
    reason: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many sampled messages were handled right, and how sure that is.

    ``low`` and ``high`` are the 95% Wilson interval; None while nothing was judged.
    """

    right: int
    judged: int
    drawn: int

    @property
    def share(self) -> float | None:
        return self.right / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Source: Wilson (1927), the score interval for a proportion, z = 1.96."""
        if not self.judged:
            return None
        n, p, z = self.judged, self.right / self.judged, 1.96
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)


def save(
    session: Session,
    message: Message,
    reviewer_id: int,
    reviewer: str,
    verdict: str,
    now: datetime,
    *,
    right_intent: str = "",
    right_answer: str = "",
    note: str = "",
) -> Review:
    """Keep what one person says of a patient message; it replaces their earlier word.

    A missed escalation is handed to staff at once, as urgent: the sign may still be there.
    The contacts for misses are told too, as the ladder is silent where staff know the
    escalation already.

    Raises:
        InvalidInbound: No such verdict, or a message that no patient wrote.
    """
    if verdict not in VERDICTS or message.sender != "patient":
        raise InvalidInbound("Choose one of the verdicts.", field="verdict")
    found = session.scalar(
        select(Review).where(Review.message_id == message.id, Review.reviewer_id == reviewer_id)
    )
    if found is None:
        found = Review(message_id=message.id, reviewer_id=reviewer_id, reviewer=reviewer)
        session.add(found)
    new_miss = verdict == MISSED and found.verdict != MISSED
    found.at, found.verdict = now, verdict
    found.right_intent, found.right_answer = right_intent or None, right_answer or None
    found.note = note.strip()[:MAX_NOTE] or None
    if new_miss:
        found.closed_at = found.closed_by = None
        conversation = session.get_one(Conversation, message.conversation_id)
        if conversation.erased_at is None:
            open_or_add(
                session,
                conversation_id=message.conversation_id,
                message_id=message.id,
                tier=Tier.URGENT,
                reason="missed_escalation",
                rule_ids=(),
                now=now,
            )
            found.tell_at = now
    session.flush()
    return found


def flag(session: Session, message: Message, by: str, on: bool, now: datetime) -> None:
    """Mark a message to be talked about, or take the mark off."""
    found = session.get(MessageFlag, message.id)
    if on and found is None:
        session.add(MessageFlag(message_id=message.id, at=now, by=by))
    elif not on and found is not None:
        session.delete(found)


def reviews_of(session: Session, message_ids: Sequence[int]) -> dict[int, list[Review]]:
    """What was said of each message, oldest first."""
    found: dict[int, list[Review]] = {}
    rows = session.scalars(
        select(Review).where(Review.message_id.in_(message_ids)).order_by(Review.at, Review.id)
    )
    for review in rows:
        found.setdefault(review.message_id, []).append(review)
    return found


def settled(reviews: Iterable[Review]) -> str | None:
    """The verdict that more than half of the reviewers gave; None while they disagree."""
    return most_said(Counter(review.verdict for review in reviews))


def most_said(verdicts: Counter[str]) -> str | None:
    """As `settled`, of verdicts that are counted already."""
    verdict, most = verdicts.most_common(1)[0]
    return verdict if most * 2 > verdicts.total() else None


def teaching(session: Session) -> list[Waiting]:
    """Messages that nobody has judged, what teaches most first, each once."""
    found: dict[int, Waiting] = {}
    for reason, messages in _because(session, REASONS).items():
        for message in messages:
            found.setdefault(message.id, Waiting(message, reason))
    return list(found.values())


def sample(session: Session) -> list[Waiting]:
    """The random sample that nobody has judged yet, newest first."""
    drawn = _because(session, ["sample"], 200)["sample"]
    return [Waiting(message, "sample") for message in drawn]


def second(session: Session, reviewer_id: int) -> list[Waiting]:
    """What wants another pair of eyes: people disagree, or one alone found something wrong.

    Only messages that ``reviewer_id`` has not judged.
    """
    mine = select(Review.message_id).where(Review.reviewer_id == reviewer_id)
    ids = session.scalars(
        select(Review.message_id)
        .where(Review.message_id.not_in(mine))
        .group_by(Review.message_id)
        .having((func.count() > 1) | (func.max(Review.verdict) != RIGHT))
        .order_by(func.max(Review.at).desc())
        .limit(500)
    ).all()
    said = reviews_of(session, ids)
    wanted = [i for i in ids if len(said[i]) == 1 or settled(said[i]) is None]
    messages = {m.id: m for m in session.scalars(select(Message).where(Message.id.in_(wanted)))}
    return [Waiting(messages[i], "disagree" if len(said[i]) > 1 else "alone") for i in wanted]


def flagged(session: Session) -> list[Waiting]:
    """What was flagged, newest first."""
    rows = session.scalars(
        select(Message)
        .join(MessageFlag, MessageFlag.message_id == Message.id)
        .order_by(MessageFlag.at.desc())
        .limit(200)
    )
    return [Waiting(message, "flagged") for message in rows]


def missed(session: Session) -> list[tuple[Review, Message]]:
    """Missed escalations, those not dealt with first."""
    rows = session.execute(
        select(Review, Message)
        .join(Message, Message.id == Review.message_id)
        .where(Review.verdict == MISSED)
        .order_by(Review.closed_at.is_not(None), Review.at.desc())
        .limit(200)
    )
    return [(row[0], row[1]) for row in rows]


def missed_open(session: Session) -> int:
    """How many missed escalations nobody has dealt with."""
    query = select(func.count()).where(Review.verdict == MISSED, Review.closed_at.is_(None))
    return session.scalar(query) or 0


def close_missed(session: Session, review_id: int, by: str, now: datetime) -> None:
    """Note that a missed escalation was dealt with.

    Raises:
        InvalidInbound: There is no such missed escalation.
    """
    found = session.get(Review, review_id, with_for_update=True)
    if found is None or found.verdict != MISSED:
        raise InvalidInbound("There is no such missed escalation.")
    if found.closed_at is None:
        found.closed_at, found.closed_by = now, by


def accuracy(session: Session, since: datetime, until: datetime) -> Accuracy:
    """Of the random sample in a span of time; messages on which people disagree count as wrong."""
    of_sample = (_SAMPLED, Message.at >= since, Message.at < until)
    drawn = session.scalar(select(func.count()).where(*of_sample)) or 0
    said: dict[int, Counter[str]] = {}
    for message_id, verdict in session.execute(
        select(Review.message_id, Review.verdict)
        .join(Message, Message.id == Review.message_id)
        .where(*of_sample)
    ):
        said.setdefault(message_id, Counter())[verdict] += 1
    right = sum(most_said(verdicts) == RIGHT for verdicts in said.values())
    return Accuracy(right, len(said), drawn)


def _because(
    session: Session, reasons: Iterable[str], limit: int = PER_REASON
) -> dict[str, list[Message]]:
    """The newest messages of each reason that nobody has judged.

    Ids first, so that only indexes are walked, however few there are to find; then the rows
    of all reasons at once.
    """
    ids = {
        reason: session.scalars(
            select(Message.id)
            .where(
                *_narrowed(reason),
                Message.outcome.is_not(None),
                # Erased: there is nothing left to judge.
                Message.language.is_not(None),
                # A set, made once; see `search._among`.
                Message.id.in_(select(Review.message_id)).is_(False),
            )
            .order_by(Message.at.desc(), Message.id.desc())
            .limit(limit if reason != "nets_disagree" else 4 * limit)
        ).all()
        for reason in reasons
    }
    every = {number for found in ids.values() for number in found}
    rows = {m.id: m for m in session.scalars(select(Message).where(Message.id.in_(every)))}
    return {
        reason: [
            rows[number]
            for number in found
            # Not there: deleted between the two.
            if number in rows and (reason != "nets_disagree" or _seen_by_one(rows[number]))
        ][:limit]
        for reason, found in ids.items()
    }


def _narrowed(reason: str) -> list[ColumnElement[bool] | TextClause]:
    """What a message of a reason is like, in the words of the index that holds them."""
    people = (text("sender IN ('patient', 'staff')"), Message.sender == "patient")
    if reason == "thumbs_down":
        rated = (
            select(Message.in_reply_to)
            .join(Feedback, Feedback.message_id == Message.id)
            .where(Feedback.helpful.is_(False), Message.in_reply_to.is_not(None))
        )
        return [*people, Message.id.in_(rated).is_(True)]
    escalated = [o.value for o in Outcome if o.value.startswith("escalated_")]
    found: dict[str, list[ColumnElement[bool] | TextClause]] = {
        "nets_disagree": [text("tier >= 2 AND sender = 'patient'")],
        "marked": [text("review_reason IS NOT NULL AND sender = 'patient'")],
        "no_answer": [*people, Message.outcome == Outcome.NO_ANSWER.value],
        "low_confidence": [*people, Message.confidence < LOW_CONFIDENCE],
        "picked": [
            text("button_id IS NOT NULL AND sender = 'patient'"),
            Message.button_id.like("answer:%"),
        ],
        "escalated": [*people, Message.outcome.in_(escalated)],
        "sample": [_SAMPLED],
    }
    return found[reason]


def _seen_by_one(message: Message) -> bool:
    return len((message.triage or {}).get("nets", [])) <= 1
