"""Finding conversations: by what was understood and done, by words, page by page."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session, aliased

from bot.content.models import Answer
from bot.conversations.models import Conversation, Feedback, Message
from bot.review.models import MessageFlag, Review

PAGE = 50

_WORD = re.compile(r"\w+")
MAX_WORDS = 8

_PEOPLE: Final[tuple[ColumnElement[str], ...]] = (
    literal_column("'patient'"),
    literal_column("'staff'"),
)
"""Literal: from a parameter SQLite cannot tell that `ix_messages_list` holds these rows."""

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
    """One page of conversations, each once, by its newest message that fits.

    Walks through messages that fit, reading `ix_messages_list` alone, until there are enough
    conversations; then fetches the rows of the page.
    """
    message = aliased(Message, name="m")
    query = select(message.id, message.at, message.conversation_id).where(
        *conditions(session, wanted, message)
    )
    seen: set[str] = set()
    ids: list[int] = []
    at, size = before, 4 * limit
    while True:
        rows = session.execute(
            query.where(*_older(message, at))
            .order_by(message.at.desc(), message.id.desc())
            .limit(size)
        ).all()
        if before is not None:
            fresh = {row.conversation_id for row in rows} - seen
            seen |= _on_earlier_pages(session, wanted, before, fresh)
        for row in rows:
            if row.conversation_id not in seen:
                seen.add(row.conversation_id)
                ids.append(row.id)
        if len(ids) > limit or len(rows) < size:
            break
        at, size = (rows[-1].at, rows[-1].id), 2 * size
    found = [
        Found(row[0], row[1])
        for row in session.execute(
            select(Conversation, Message)
            .join(Message, Message.conversation_id == Conversation.id)
            .where(Message.id.in_(ids[:limit]))
            .order_by(Message.at.desc(), Message.id.desc())
        )
    ]
    last = found[-1].message if len(ids) > limit else None
    return Page(found, (last.at, last.id) if last is not None else None)


def _older(message: Any, at: Cursor | None) -> list[ColumnElement[bool]]:
    if at is None:
        return []
    return [
        message.at <= at[0],
        or_(message.at < at[0], and_(message.at == at[0], message.id < at[1])),
    ]


def _on_earlier_pages(
    session: Session, wanted: Filter, before: Cursor, conversations: Collection[str]
) -> set[str]:
    """Which of these have a message that fits at the cursor or newer."""
    newer = aliased(Message, name="newer")
    return set(
        session.scalars(
            select(newer.conversation_id).where(
                newer.conversation_id.in_(conversations),
                *conditions(session, wanted, newer, whole=False),
                ~and_(*_older(newer, before)),
            )
        )
    )


def conditions(
    session: Session, wanted: Filter, message: Any, whole: bool = True
) -> list[ColumnElement[bool]]:
    """What a message must be like, for any alias of the table.

    Args:
        whole: Also what goes by sets of ids; False tests one message at a time instead,
            which is quicker where few messages are asked about.
    """
    query = _match(wanted.words)
    found: list[ColumnElement[bool]] = [message.sender.in_(_PEOPLE)]
    if not query:
        found.append(message.sender == "patient")
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
    # In this order SQLite asks: what few messages have before what many have.
    found += _by_review(wanted, message, whole)
    found += _by_replies(wanted, message, whole)
    if query:
        found.append(_has_words(session, query, message, whole))
    if wanted.channel:
        through = select(Conversation.id).where(Conversation.channel == wanted.channel)
        found.append(_among(through, Conversation.id, message.conversation_id, whole))
    return found


def _by_replies(wanted: Filter, message: Any, whole: bool) -> list[ColumnElement[bool]]:
    reply = aliased(Message, name="reply")
    replied = select(reply.in_reply_to).where(reply.in_reply_to.is_not(None))
    found: list[ColumnElement[bool]] = []
    if wanted.feedback:
        rated = replied.join(Feedback, Feedback.message_id == reply.id)
        if wanted.feedback != "any":
            rated = rated.where(Feedback.helpful.is_(wanted.feedback == "helpful"))
        found.append(_among(rated, reply.in_reply_to, message.id, whole))
    if wanted.topic:
        answers = select(Answer.id).where(Answer.topic == wanted.topic)
        given = replied.where(reply.answer_id.in_(answers))
        found.append(_among(given, reply.in_reply_to, message.id, whole))
    if wanted.answer:
        given = replied.where(reply.answer_id == wanted.answer)
        found.append(_among(given, reply.in_reply_to, message.id, whole))
    return found


def _by_review(wanted: Filter, message: Any, whole: bool) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    judged = select(Review.message_id)
    if wanted.flagged:
        marked = select(MessageFlag.message_id)
        found.append(_among(marked, MessageFlag.message_id, message.id, whole))
    if wanted.verdict:
        said = judged.where(Review.verdict == wanted.verdict)
        found.append(_among(said, Review.message_id, message.id, whole))
    if wanted.reviewed:
        reviewed = _among(judged, Review.message_id, message.id, whole)
        found.append(reviewed if wanted.reviewed == "yes" else ~reviewed)
    return found


def _among(query: Any, key: Any, value: Any, whole: bool) -> ColumnElement[bool]:
    """That ``value`` is one of the ``key``s that a query names."""
    if not whole:
        one: ColumnElement[bool] = query.where(key == value).exists()
        return one
    # IS true: the set is made once and each message looked up in it. Left the choice, a
    # database begins with the set, reads all its messages and sorts them.
    of_set: ColumnElement[bool] = value.in_(query).is_(True)
    return of_set


def _match(words: str) -> list[str]:
    """The words to look for. Nothing else of the query reaches either search language."""
    return [word.strip("_") for word in _WORD.findall(words) if word.strip("_")][:MAX_WORDS]


def _has_words(
    session: Session, words: Sequence[str], message: Any, whole: bool
) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "sqlite":
        query = " ".join(f'"{word}"*' for word in words)
        index = table("message_search", column("rowid"), column("message_search"))
        hits = select(index.c.rowid).where(index.c.message_search.op("MATCH")(query))
        return _among(hits, index.c.rowid, message.id, whole=True)
    query = " & ".join(f"'{word}':*" for word in words)
    hit = aliased(Message, name="hit")

    def has(said: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = func.to_tsvector(text("'simple'::regconfig"), said.text).op(
            "@@"
        )(func.to_tsquery(text("'simple'::regconfig"), query))
        return found

    if not whole:
        return has(message)
    hits = select(hit.id).where(hit.sender.in_(_PEOPLE), has(hit))
    return _among(hits, hit.id, message.id, whole)
