"""Made-up conversations in any number, for trying the console and measuring it.

Words come from the shipped answers' phrasings and the rules' own evidence, so that lists,
search and figures have something real to work on. No line is about anybody.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from bot.content.models import Answer, AnswerVersion
from bot.conversations.models import Conversation, Escalation, EscalationMessage, Feedback, Message
from bot.db import Base, Database
from bot.errors import InvalidInbound
from bot.members import accounts
from bot.members.models import StaffMember
from bot.members.permissions import Role
from bot.messages import Outcome, Tier
from bot.review.models import MessageFlag, Review
from bot.review.store import VERDICTS

PREFIX: Final = "demo-"
SPREAD: Final = timedelta(days=365)
BATCH: Final = 2000
REVIEWERS: Final = ("Demo Reviewer", "Demo Second")

_UNKNOWN: Final = (
    "do you sell gift cards", "can i bring my dog", "is there parking", "do you do nails",
    "what's the wifi password", "who won the game", "do you validate tickets",
)  # fmt: skip
_SMALL: Final = ("hi", "thanks", "ok thank you so much", "hello there", "bye")
_OPENINGS: Final = ("", "", "", "hi, ", "quick question: ", "hey ", "ok so ", "sorry to bother, ")
_ENDINGS: Final = ("", "", "", "?", " please", " thx", " i'm a bit nervous", " asking for my mom")
_NOTES: Final = (None, None, None, "unclear wording", "ask the clinician")


@dataclass(frozen=True, slots=True)
class Material:
    """What conversations are made of."""

    answers: Sequence[AnswerVersion]
    intents: Mapping[str, str]
    red_flags: Sequence[tuple[Tier, str, str, str]]
    reviewers: Sequence[StaffMember]


@dataclass(slots=True)
class _Rows:
    conversations: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)
    escalations: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)


def fill(
    database: Database,
    count: int,
    now: datetime,
    topic_intents: Mapping[str, Sequence[str]],
    red_flags: Sequence[tuple[Tier, str, str, str]],
    seed: int = 1,
) -> Iterator[int]:
    """Write ``count`` conversations of the past year; yields how many are done.

    Args:
        topic_intents: Which intents ask for each topic.
        red_flags: Tier, rule, language and a phrase that sets the rule off.

    Raises:
        InvalidInbound: The database holds conversations of patients, or no answers.
    """
    rng = random.Random(seed)  # noqa: S311 - made-up data, the same each time
    with database.transaction() as session:
        material = _material(session, topic_intents, red_flags, now)
        message_id = session.scalar(select(func.max(Message.id))) or 0
        escalation_id = session.scalar(select(func.max(Escalation.id))) or 0
    starts = sorted(now - SPREAD * rng.random() ** 1.3 for _ in range(count))
    writer = _Writer(rng, material, now, message_id, escalation_id)
    for at in range(0, count, BATCH):
        rows = _Rows()
        for number, start in enumerate(starts[at : at + BATCH], at):
            writer.conversation(rows, number, start)
        with database.transaction() as session:
            _give_room(session)
            for table, lines in (
                (Conversation, rows.conversations),
                (Message, rows.messages),
                (Feedback, rows.feedback),
                (Review, rows.reviews),
                (MessageFlag, rows.flags),
                (Escalation, rows.escalations),
                (EscalationMessage, rows.links),
            ):
                if lines:
                    # The table, not its class: that way rows with other empty columns
                    # still go into one statement.
                    session.execute(insert(Base.metadata.tables[table.__tablename__]), lines)
        yield min(at + BATCH, count)
    _settle(database)


def _material(
    session: Session,
    topic_intents: Mapping[str, Sequence[str]],
    red_flags: Sequence[tuple[Tier, str, str, str]],
    now: datetime,
) -> Material:
    """Everything conversations are made of; refuses to mix with real ones.

    Raises:
        InvalidInbound: See `fill`.
    """
    if session.scalar(select(Conversation.id).limit(1)):
        raise InvalidInbound("this database holds conversations; demo data needs one without")
    answers = session.scalars(
        select(AnswerVersion).join(
            Answer,
            (Answer.id == AnswerVersion.answer_id)
            & (Answer.published_version == AnswerVersion.version),
        )
    ).all()
    if not answers:
        raise InvalidInbound("there are no answers yet; run `bot seed` first")
    topics = {row[0]: row[1] for row in session.execute(select(Answer.id, Answer.topic))}
    reviewers = []
    for number, name in enumerate(REVIEWERS):
        email = f"demo{number}@clinic.example"
        found = accounts.find_by_email(session, email)
        member = found or accounts.add_member(session, name, email, Role.REVIEWER, now)
        member.disabled_at = member.disabled_at or now
        reviewers.append(member)
    intents = {a.answer_id: topic_intents[topics[a.answer_id]][0] for a in answers}
    return Material(answers, intents, red_flags, reviewers)


class _Writer:
    """Makes conversations up, with numbers that continue the tables'."""

    def __init__(
        self, rng: random.Random, material: Material, now: datetime, message: int, escalation: int
    ) -> None:
        self._rng, self._material, self._now = rng, material, now
        self._message, self._escalation = message, escalation
        self._weights = [1 / (rank + 4) for rank in range(len(material.answers))]

    def conversation(self, rows: _Rows, number: int, start: datetime) -> None:
        rng = self._rng
        at, name = start, f"{PREFIX}{rng.getrandbits(96):024x}"
        channel = "sms" if rng.random() < 0.35 else "web"
        if rng.random() < 0.04:
            at = self._red_flag(rows, name, at)
        else:
            for _ in range(1 + int(rng.random() ** 3 * 7)):
                at += timedelta(seconds=20 + rng.random() * 240)
                self._turn(rows, name, at)
        rows.conversations.append(
            {
                "id": name,
                "channel": channel,
                "created_at": start,
                "last_message_at": at,
                "owner": "bot",
            }
        )

    def _turn(self, rows: _Rows, name: str, at: datetime) -> None:
        rng, kind = self._rng, self._rng.random()
        candidates: list[list[Any]] = []
        answer = None
        if kind < 0.75:
            answer = rng.choices(self._material.answers, self._weights)[0]
            words = rng.choice(answer.phrasings)
            words = rng.choice(_OPENINGS) + words + rng.choice(_ENDINGS)
            intent, confidence = (
                self._material.intents[answer.answer_id],
                0.55 + rng.random() * 0.45,
            )
            candidates = [[answer.answer_id, round(0.4 + rng.random() * 0.5, 4)]]
            referred = answer.referral != "none"
            outcome = Outcome.ANSWERED_WITH_REFERRAL if referred else Outcome.ANSWERED
        elif kind < 0.87:
            words, intent, confidence = rng.choice(_SMALL), "thank", 0.9 + rng.random() * 0.1
            outcome = Outcome.SMALLTALK
        else:
            words, intent = rng.choice(_UNKNOWN), "out_of_scope"
            confidence = rng.random() * 0.8
            outcome = Outcome.NO_ANSWER if kind < 0.95 else Outcome.CLARIFYING
            near = rng.choice(self._material.answers).answer_id
            candidates = [[near, round(rng.random() * 0.3, 4)]]
        picked = answer is not None and rng.random() < 0.03
        message = self._said(rows, name, words, at, outcome, intent, confidence, candidates)
        message["button_id"] = f"answer:{answer.answer_id}" if picked and answer else None
        reply = self._reply(rows, name, message, at, answer)
        if rng.random() < 0.08:
            rows.feedback.append(
                {"message_id": reply, "helpful": rng.random() < 0.8, "comment": None, "at": at}
            )

    def _red_flag(self, rows: _Rows, name: str, at: datetime) -> datetime:
        rng = self._rng
        tier, rule, language, words = rng.choice(self._material.red_flags)
        outcome = Outcome(f"escalated_{tier.name.lower()}")
        nets = rng.choice((["rules"], ["rules", "tier_model"], ["rules", "tier_model"]))
        message = self._said(rows, name, words, at, outcome, None, None, [])
        message["tier"], message["language"] = int(tier), language
        message["triage"] = {
            **message["triage"], "tier": tier.name.lower(), "nets": nets, "rule_ids": [rule],
            "language": language,
        }  # fmt: skip
        self._reply(rows, name, message, at, None)
        self._escalation += 1
        waits = self._now - at < timedelta(hours=36) and rng.random() < 0.6
        seen = at + timedelta(minutes=1 + rng.random() ** 3 * 90)
        done = None if waits else min(self._now, seen + timedelta(minutes=10 + rng.random() * 400))
        rows.escalations.append(
            {
                "id": self._escalation,
                "conversation_id": name,
                "tier": int(tier),
                "status": "open" if waits else "resolved",
                "reason": "red_flag",
                "rule_ids": [rule],
                "opened_at": at,
                "clock_from": at,
                "acknowledged_at": None if waits else seen,
                "acknowledged_by": None if waits else REVIEWERS[0],
                "resolved_at": done,
                "resolved_by": REVIEWERS[0] if done else None,
                "outcome": "other" if done else None,
                "notify_at": None,
            }
        )
        rows.links.append(
            {
                "escalation_id": self._escalation,
                "message_id": message["id"],
                "tier": int(tier),
                "added_at": at,
            }
        )
        return at

    def _said(
        self,
        rows: _Rows,
        name: str,
        words: str,
        at: datetime,
        outcome: Outcome,
        intent: str | None,
        confidence: float | None,
        candidates: list[list[Any]],
    ) -> dict[str, Any]:
        rng = self._rng
        sure = None if confidence is None else round(confidence, 4)
        understood = None
        if intent is not None:
            understood = {
                "intent": intent, "confidence": sure, "ranking": [[intent, sure]],
                "entities": [], "candidates": candidates,
            }  # fmt: skip
        row = self._row(name, "patient", words, at)
        row |= {
            "client_message_id": f"demo-{self._message:08}",
            "outcome": outcome.value,
            "triage": {"tier": "none", "nets": [], "rule_ids": [], "spans": [], "language": "en"},
            "understood": understood,
            "intent": intent,
            "confidence": sure,
            "nearest": candidates[0][0] if candidates else None,
            "language": "en",
            "latency_ms": round(20 + rng.random() * 60, 1),
        }
        rows.messages.append(row)
        if rng.random() < 0.02:
            for member in self._material.reviewers[: 1 + (rng.random() < 0.3)]:
                # Never a missed escalation: these alert people.
                verdicts = [verdict for verdict in VERDICTS if verdict != "should_escalate"]
                verdict = "right" if rng.random() < 0.85 else rng.choice(verdicts)
                rows.reviews.append(
                    {
                        "message_id": row["id"],
                        "reviewer_id": member.id,
                        "reviewer": member.name,
                        "at": min(self._now, at + timedelta(days=2)),
                        "verdict": verdict,
                        "note": rng.choice(_NOTES),
                    }
                )
        if rng.random() < 0.001:
            rows.flags.append({"message_id": row["id"], "at": at, "by": REVIEWERS[0]})
        return row

    def _reply(
        self,
        rows: _Rows,
        name: str,
        message: dict[str, Any],
        at: datetime,
        answer: AnswerVersion | None,
    ) -> int:
        row = self._row(name, "assistant", "Please see below.", at + timedelta(milliseconds=80))
        row["in_reply_to"] = message["id"]
        if answer is not None:
            row |= {
                "text": answer.body,
                "answer_id": answer.answer_id,
                "answer_version": answer.version,
                "answer_title": answer.title,
            }
        rows.messages.append(row)
        number: int = row["id"]
        return number

    def _row(self, name: str, sender: str, words: str, at: datetime) -> dict[str, Any]:
        """Each row has each column: rows of one statement must be alike."""
        self._message += 1
        return {
            "id": self._message,
            "public_id": f"{self._rng.getrandbits(96):024x}",
            "conversation_id": name,
            "sender": sender,
            "text": words,
            "at": at,
            "client_message_id": None,
            "button_id": None,
            "outcome": None,
            "tier": 0,
            "triage": None,
            "understood": None,
            "intent": None,
            "confidence": None,
            "language": None,
            "nearest": None,
            "latency_ms": None,
            "in_reply_to": None,
            "answer_id": None,
            "answer_version": None,
            "answer_title": None,
        }


def _give_room(session: Session) -> None:
    """Let SQLite keep the indexes in memory: random keys would read each page again."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA cache_size = -400000"))


def _settle(database: Database) -> None:
    """Let the next row get the next number, and the planner know the new sizes."""
    if database.engine.dialect.name == "sqlite":
        with database.transaction() as session:
            session.execute(text("ANALYZE"))
        return
    with database.transaction() as session:
        for table in ("messages", "escalations"):
            session.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608
                    f"(SELECT coalesce(max(id), 1) FROM {table}))"
                )
            )
    # As the server would do by itself a minute later: until then indexes alone do not answer.
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) conversations, messages, feedback, reviews"))
        connection.execute(text("ANALYZE"))
