"""Finding conversations: by what was understood and done, by words, page by page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, column, exists, func, or_, select, table, text
from sqlalchemy.orm import Session, aliased

from bot.content.models import Answer
from bot.conversations.models import Conversation, Feedback, Message
from bot.review.models import MessageFlag, Review

PAGE = 50

_WORD = re.compile(r"\w+")
MAX_WORDS = 8

Cursor = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a listed conversation must have: one message of the patient that fits all of it.

    With ``words`` the message may also be one of staff. An empty field asks for nothing.

    Attributes:
        since: First moment; ``until``: first moment no longer wanted.
        tier: Exactly this tier, 0 to 3.
        below: Confidence of the intent under this, 0 to 1.
        feedback: ``helpful``, ``not_helpful`` or ``any``, on a reply to the message.
        reviewed: ``yes`` or ``no``.
        words: Each must occur, as the beginning of a word; accents and case do not matter
            on SQLite, case does not on PostgreSQL.
    """

    channel: str = ""
    since: datetime | None = None
    until: datetime | None = None
    outcome: str = ""
    tier: int | None = None
    topic: str = ""
    intent: str = ""
    answer: str = ""
    below: float | None = None
    feedback: str = ""
    reviewed: str = ""
    verdict: str = ""
    flagged: bool = False
    language: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation with its newest message that fits."""

    conversation: Conversation
    message: Message


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. ``older`` is where the next page begins, None at the end."""

    found: Sequence[Found]
    older: Cursor | None


def find(session: Session, wanted: Filter, before: Cursor | None = None, limit: int = PAGE) -> Page:
    """One page of conversations, each once, by its newest message that fits."""
    message, newer = aliased(Message, name="m"), aliased(Message, name="newer")
    fits = conditions(session, wanted, message)
    later = exists().where(
        newer.conversation_id == message.conversation_id,
        newer.id > message.id,
        *conditions(session, wanted, newer, whole=False),
    )
    query = (
        select(Conversation, message)
        .join(message, message.conversation_id == Conversation.id)
        .where(*fits, ~later)
        .order_by(message.at.desc(), message.id.desc())
        .limit(limit + 1)
    )
    if wanted.channel:
        query = query.where(Conversation.channel == wanted.channel)
    if before is not None:
        at, number = before
        query = query.where(
            message.at <= at, or_(message.at < at, and_(message.at == at, message.id < number))
        )
    rows = [Found(row[0], row[1]) for row in session.execute(query)]
    older = None
    if len(rows) > limit:
        last = rows[limit - 1].message
        older = (last.at, last.id)
    return Page(rows[:limit], older)


def conditions(
    session: Session, wanted: Filter, message: Any, whole: bool = True
) -> list[ColumnElement[bool]]:
    """What a message must be like, for any alias of the table.

    Args:
        whole: Also what goes by sets of ids; False tests one message at a time instead,
            which is quicker where few messages are asked about.
    """
    query = _match(wanted.words)
    senders = ["patient", "staff"] if query else ["patient"]
    found: list[ColumnElement[bool]] = [message.sender.in_(senders)]
    if wanted.since is not None:
        found.append(message.at >= wanted.since)
    if wanted.until is not None:
        found.append(message.at < wanted.until)
    for field, value in (
        (message.outcome, wanted.outcome),
        (message.intent, wanted.intent),
        (message.language, wanted.language),
    ):
        if value:
            found.append(field == value)
    if wanted.tier is not None:
        found.append(message.tier == wanted.tier)
    if wanted.below is not None:
        found.append(message.confidence < wanted.below)
    if query:
        found.append(_has_words(session, query, message))
    found += _by_replies(wanted, message, whole)
    found += _by_review(wanted, message)
    return found


def _by_replies(wanted: Filter, message: Any, whole: bool) -> list[ColumnElement[bool]]:
    reply = aliased(Message, name=f"reply_to_{message.__mapper__.class_.__name__}{int(whole)}")
    found: list[ColumnElement[bool]] = []

    def among(query: Any) -> ColumnElement[bool]:
        fits: ColumnElement[bool]
        if whole:
            fits = message.id.in_(query.where(reply.in_reply_to.is_not(None)))
        else:
            fits = query.where(reply.in_reply_to == message.id).exists()
        return fits

    if wanted.topic:
        answers = select(Answer.id).where(Answer.topic == wanted.topic)
        found.append(among(select(reply.in_reply_to).where(reply.answer_id.in_(answers))))
    if wanted.answer:
        found.append(among(select(reply.in_reply_to).where(reply.answer_id == wanted.answer)))
    if wanted.feedback:
        rated = select(reply.in_reply_to).join(Feedback, Feedback.message_id == reply.id)
        if wanted.feedback != "any":
            rated = rated.where(Feedback.helpful.is_(wanted.feedback == "helpful"))
        found.append(among(rated))
    return found


def _by_review(wanted: Filter, message: Any) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    reviewed = message.id.in_(select(Review.message_id))
    if wanted.reviewed:
        found.append(reviewed if wanted.reviewed == "yes" else ~reviewed)
    if wanted.verdict:
        said = select(Review.message_id).where(Review.verdict == wanted.verdict)
        found.append(message.id.in_(said))
    if wanted.flagged:
        found.append(message.id.in_(select(MessageFlag.message_id)))
    return found


def _match(words: str) -> list[str]:
    """The words to look for. Nothing else of the query reaches either search language."""
    return [word.strip("_") for word in _WORD.findall(words) if word.strip("_")][:MAX_WORDS]


def _has_words(session: Session, words: Sequence[str], message: Any) -> ColumnElement[bool]:
    has: ColumnElement[bool]
    if session.get_bind().dialect.name == "sqlite":
        query = " ".join(f'"{word}"*' for word in words)
        index = table("message_search", column("rowid"), column("message_search"))
        hits = select(index.c.rowid).where(index.c.message_search.op("MATCH")(query))
        has = message.id.in_(hits)
    else:
        query = " & ".join(f"'{word}':*" for word in words)
        simple = text("'simple'::regconfig")
        has = func.to_tsvector(simple, message.text).op("@@")(func.to_tsquery(simple, query))
    return has
