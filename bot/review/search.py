"""Finding conversations: by what was understood and done, by words, page by page."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
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
from bot.conversations.models import Conversation, Escalation, Feedback, Message
from bot.messages import Outcome
from bot.review.models import MessageFlag, Review
from bot.review.store import RIGHT, SAMPLED_BELOW

PAGE = 50

_WORD = re.compile(r"\w+")
MAX_WORDS = 8
LOOKED_AT: Final = 1000
"""Messages whose words PostgreSQL looks at one by one before it makes the set of all that fit."""

_PATIENT: Final[ColumnElement[str]] = literal_column("'patient'")
_PEOPLE: Final[tuple[ColumnElement[str], ...]] = (_PATIENT, literal_column("'staff'"))
"""Literal: from a parameter SQLite cannot tell that `ix_messages_list` holds these rows."""

_NO_ANSWER: Final[ColumnElement[str]] = literal_column(f"'{Outcome.NO_ANSWER.value}'")
_BELOW: Final[ColumnElement[str]] = literal_column(f"'{SAMPLED_BELOW}'")

EACH: Final = ("begun", "message", "reply", "thumb", "escalation")
SAMPLE: Final = ("drawn", "right", "wrong")
NOTHING_NEAR: Final = "-"
OTHER: Final = "other"
"""The topic of what has none; see `figures.topics`."""

Cursor = tuple[datetime, int | str]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a listed conversation must have: one message of the patient that fits all of it.

    With ``words`` the message may also be one of staff. An empty field asks for nothing.

    Attributes:
        each: What is listed, and whose days count. Empty: conversations, each once, by their
            newest message that fits. ``begun``: conversations, by when they began.
            ``message``: every message that fits. ``reply``: every answer given, by when.
            ``thumb``: every rated reply, by when it was rated. ``escalation``: every
            escalation, by when it was opened; ``tier`` is then the escalation's.
        since: First moment; ``until``: first moment no longer wanted.
        tier: Exactly this tier, 0 to 3.
        near: Not answered, and nearest to this answer; `NOTHING_NEAR`: to none.
        sample: Of the random sample: all ``drawn``, or those that more than half of their
            reviewers call ``right``, or the other judged ones.
        waiting: An escalation neither acknowledged nor resolved.
        below: Confidence of the intent under this, 0 to 1.
        feedback: ``helpful``, ``not_helpful`` or ``any``, on a reply to the message.
        reviewed: ``yes`` or ``no``.
        words: Each must occur, as the beginning of a word, a single letter as a word of its
            own; accents and case do not matter on SQLite, case does not on PostgreSQL.
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
    each: str = ""
    near: str = ""
    sample: str = ""
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation with its newest message that fits, or the message or escalation listed.

    ``at`` is what the list is ordered by. A conversation in which the patient said nothing
    has no message.
    """

    conversation: Conversation
    message: Message | None
    at: datetime
    escalation: Escalation | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. ``older`` is where the next page begins, None at the end."""

    found: Sequence[Found]
    older: Cursor | None


def find(session: Session, wanted: Filter, before: Cursor | None = None, limit: int = PAGE) -> Page:
    """One page of what `Filter.each` says, newest first.

    Messages are walked through by `ix_messages_list` alone, until there are enough; then the
    rows of the page are fetched.
    """
    if wanted.each in ("begun", "thumb", "escalation"):
        return _find_things(session, wanted, before, limit)
    message = aliased(Message, name="m")
    seen: set[str] = set()
    ids: list[int] = []
    for rows in _walk(session, wanted, message, before, 4 * limit):
        if wanted.each:
            ids += [row.id for row in rows]
        else:
            if before is not None:
                fresh = {row.conversation_id for row in rows} - seen
                seen |= _on_earlier_pages(session, wanted, before, fresh)
            for row in rows:
                if row.conversation_id not in seen:
                    seen.add(row.conversation_id)
                    ids.append(row.id)
        if len(ids) > limit:
            break
    found = [
        Found(row[0], row[1], row[1].at)
        for row in session.execute(
            select(Conversation, Message)
            .join(Message, Message.conversation_id == Conversation.id)
            .where(Message.id.in_(ids[:limit]))
            .order_by(Message.at.desc(), Message.id.desc())
        )
    ]
    return Page(found, (found[-1].at, ids[limit - 1]) if len(ids) > limit else None)


def count(session: Session, wanted: Filter) -> int:
    """How many there are of what ``wanted.each`` says, which must say something."""
    thing, _, _, fitting = _things(session, wanted)
    return session.scalar(select(func.count()).select_from(thing).where(*fitting)) or 0


def _things(session: Session, wanted: Filter) -> tuple[Any, Any, Any, list[ColumnElement[bool]]]:
    """What is listed: its table, the moment and the number it is ordered by, and which rows."""
    if wanted.each == "begun":
        begun = Conversation.created_at
        fitting = _within(begun, wanted)
        if wanted.channel:
            fitting.append(Conversation.channel == wanted.channel)
        rest = replace(wanted, each="", since=None, until=None, channel="")
        fitting += _has_message(session, rest, Conversation.id)
        return Conversation, begun, Conversation.id, fitting
    if wanted.each == "thumb":
        fitting = _within(Feedback.at, wanted)
        if wanted.feedback in ("helpful", "not_helpful"):
            fitting.append(Feedback.helpful.is_(wanted.feedback == "helpful"))
        rest = replace(wanted, since=None, until=None, feedback="")
        if rest != Filter(each="thumb"):
            reply = aliased(Message, name="rated")
            rated = select(reply.id).where(*_replies(session, rest, reply))
            fitting.append(Feedback.message_id.in_(rated))
        return Feedback, Feedback.at, Feedback.message_id, fitting
    if wanted.each == "escalation":
        opened = Escalation.opened_at
        fitting = _within(opened, wanted)
        if wanted.tier is not None:
            fitting.append(Escalation.tier == wanted.tier)
        if wanted.waiting:
            fitting += _WAITING
        if wanted.channel:
            through = select(Conversation.id).where(Conversation.channel == wanted.channel)
            fitting.append(Escalation.conversation_id.in_(through))
        rest = replace(
            wanted, each="", since=None, until=None, channel="", tier=None, waiting=False
        )
        fitting += _has_message(session, rest, Escalation.conversation_id)
        return Escalation, opened, Escalation.id, fitting
    message = aliased(Message, name="m")
    return message, message.at, message.id, _fitting(session, wanted, message)


def _fitting(session: Session, wanted: Filter, message: Any) -> list[ColumnElement[bool]]:
    if wanted.each == "reply":
        return _replies(session, wanted, message)
    return conditions(session, wanted, message)


_WAITING: Final = (Escalation.acknowledged_at.is_(None), Escalation.resolved_at.is_(None))


def _find_things(session: Session, wanted: Filter, before: Cursor | None, limit: int) -> Page:
    """One page of conversations or escalations, with the newest words of their patients, or of
    rated replies.
    """
    thing, at, number, fitting = _things(session, wanted)
    rows = session.scalars(
        select(thing)
        .where(*fitting, *_older(at, number, before))
        .order_by(at.desc(), number.desc())
        .limit(limit + 1)
    ).all()
    shown: Sequence[Any] = rows[:limit]
    said: dict[Any, Message]
    if wanted.each == "thumb":
        ids = [row.message_id for row in shown]
        said = {m.id: m for m in session.scalars(select(Message).where(Message.id.in_(ids)))}
        keys: list[Any] = ids
        names = [said[key].conversation_id for key in keys]
    else:
        keys = names = [row.conversation_id if _is_case(row) else row.id for row in shown]
        newest = (
            select(func.max(Message.id))
            .where(Message.conversation_id.in_(names), Message.sender == "patient")
            .group_by(Message.conversation_id)
        )
        messages = session.scalars(select(Message).where(Message.id.in_(newest)))
        said = {message.conversation_id: message for message in messages}
    conversations = session.scalars(select(Conversation).where(Conversation.id.in_(names)))
    by_name = {conversation.id: conversation for conversation in conversations}
    found = [
        Found(by_name[name], said.get(key), getattr(row, at.key), row if _is_case(row) else None)
        for row, key, name in zip(shown, keys, names, strict=True)
    ]
    more = len(rows) > limit
    return Page(found, (found[-1].at, getattr(shown[-1], number.key)) if more else None)


def _is_case(row: Any) -> bool:
    return isinstance(row, Escalation)


def _walk(
    session: Session, wanted: Filter, message: Any, before: Cursor | None, size: int
) -> Iterator[Sequence[Any]]:
    """The messages that fit, newest first, in pieces: id, moment and conversation of each."""
    query = select(message.id, message.at, message.conversation_id).order_by(
        message.at.desc(), message.id.desc()
    )
    at, words = before, _match(wanted.words) if wanted.each != "reply" else []
    if words and session.get_bind().dialect.name == "postgresql":
        # Common words are found at once among the newest messages, and few messages that fit
        # the rest are looked at soon; the set would hold up to half of all messages.
        newest = (
            query.where(
                *conditions(session, wanted, message, words=False),
                *_older(message.at, message.id, at),
            )
            .limit(LOOKED_AT)
            .subquery()
        )
        said = aliased(Message, name="said")
        rows = session.execute(
            select(newest, _says(words, said))
            .join(said, said.id == newest.c.id)
            .order_by(newest.c.at.desc(), newest.c.id.desc())
        ).all()
        yield [row for row in rows if row[3]]
        if len(rows) < LOOKED_AT:
            return
        at = (rows[-1].at, rows[-1].id)
    query = query.where(*_fitting(session, wanted, message))
    while True:
        rows = session.execute(query.where(*_older(message.at, message.id, at)).limit(size)).all()
        yield rows
        if len(rows) < size:
            return
        at, size = (rows[-1].at, rows[-1].id), 2 * size


def _older(moment: Any, number: Any, at: Cursor | None) -> list[ColumnElement[bool]]:
    if at is None:
        return []
    return [moment <= at[0], or_(moment < at[0], and_(moment == at[0], number < at[1]))]


def _within(moment: Any, wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(moment >= wanted.since)
    if wanted.until is not None:
        found.append(moment < wanted.until)
    return found


def _has_message(session: Session, wanted: Filter, conversation_id: Any) -> list[Any]:
    """That a conversation has a message that fits."""
    if wanted == Filter():
        return []
    message = aliased(Message, name="m")
    fitting = conditions(session, wanted, message)
    return [conversation_id.in_(select(message.conversation_id).where(*fitting))]


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
                ~and_(*_older(newer.at, newer.id, before)),
            )
        )
    )


def conditions(
    session: Session, wanted: Filter, message: Any, whole: bool = True, words: bool = True
) -> list[ColumnElement[bool]]:
    """What a message must be like, for any alias of the table.

    Args:
        whole: Also what goes by sets of ids; False tests one message at a time instead,
            which is quicker where few messages are asked about.
        words: False leaves out that it must say the words.
    """
    query = _match(wanted.words)
    found: list[ColumnElement[bool]] = [message.sender.in_(_PEOPLE)]
    if not query:
        found.append(message.sender == _PATIENT)
    found += _within(message.at, wanted)
    for field, value in (
        (message.outcome, wanted.outcome),
        (message.intent, wanted.intent),
        (message.language, wanted.language),
    ):
        if value:
            found.append(field == value)
    if wanted.near:
        # As `ix_messages_unanswered` says it.
        found += [message.sender == _PATIENT, message.outcome == _NO_ANSWER]
        found.append(message.language.is_not(None))
        nearest = None if wanted.near == NOTHING_NEAR else wanted.near
        found.append(message.nearest == nearest)
    if wanted.tier is not None:
        found.append(message.tier == wanted.tier)
    if wanted.below is not None:
        found.append(message.confidence < wanted.below)
    # In this order SQLite asks: what few messages have before what many have.
    found += _by_review(wanted, message, whole)
    found += _by_replies(wanted, message, whole)
    if query and words:
        found.append(_has_words(session, query, message, whole))
    if wanted.channel:
        through = select(Conversation.id).where(Conversation.channel == wanted.channel)
        found.append(_among(through, Conversation.id, message.conversation_id, whole))
    if wanted.waiting:
        waits = select(Escalation.conversation_id).where(*_WAITING)
        found.append(_among(waits, Escalation.conversation_id, message.conversation_id, whole))
    return found


def _replies(session: Session, wanted: Filter, reply: Any) -> list[ColumnElement[bool]]:
    """What an answer given or a rated reply must be like."""
    found = _within(reply.at, wanted)
    if wanted.each == "reply":
        found.append(reply.answer_id.is_not(None))
    if wanted.feedback:
        rated = select(Feedback.message_id)
        if wanted.feedback != "any":
            rated = rated.where(Feedback.helpful.is_(wanted.feedback == "helpful"))
        found.append(reply.id.in_(rated))
    if wanted.answer:
        found.append(reply.answer_id == wanted.answer)
    if wanted.topic:
        found.append(_of_topic(reply, wanted.topic))
    if wanted.channel:
        through = select(Conversation.id).where(Conversation.channel == wanted.channel)
        found.append(_among(through, Conversation.id, reply.conversation_id, whole=True))
    rest = replace(wanted, each="", since=None, until=None, channel="")
    rest = replace(rest, topic="", answer="", feedback="")
    if rest != Filter():
        asked = aliased(Message, name="asked")
        fitting = select(asked.id).where(*conditions(session, rest, asked))
        found.append(_among(fitting, asked.id, reply.in_reply_to, whole=True))
    return found


def _of_topic(reply: Any, topic: str) -> ColumnElement[bool]:
    """That an answer was given of a topic; `OTHER` has all that no other topic has."""
    found: ColumnElement[bool]
    if topic == OTHER:
        known = select(Answer.id).where(Answer.topic != OTHER)
        found = and_(reply.answer_id.is_not(None), reply.answer_id.not_in(known))
    else:
        found = reply.answer_id.in_(select(Answer.id).where(Answer.topic == topic))
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
        given = replied.where(_of_topic(reply, wanted.topic))
        found.append(_among(given, reply.in_reply_to, message.id, whole))
    if wanted.answer:
        given = replied.where(reply.answer_id == wanted.answer)
        found.append(_among(given, reply.in_reply_to, message.id, whole))
    return found


def _by_review(wanted: Filter, message: Any, whole: bool) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    judged = select(Review.message_id)
    if wanted.sample:
        found += [message.sender == _PATIENT, message.public_id < _BELOW]
    if wanted.sample in ("right", "wrong"):
        is_right = 2 * func.count().filter(Review.verdict == RIGHT) > func.count()
        settled = judged.group_by(Review.message_id).having(
            is_right if wanted.sample == "right" else ~is_right
        )
        found.append(_among(settled, Review.message_id, message.id, whole))
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


def _is_beginning(word: str) -> bool:
    """Whether a word also finds longer ones: with one letter that would be half of all messages."""
    return len(word) > 1


def _has_words(
    session: Session, words: Sequence[str], message: Any, whole: bool
) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "sqlite":
        query = " ".join(f'"{word}"' + "*" * _is_beginning(word) for word in words)
        index = table("message_search", column("rowid"), column("message_search"))
        hits = select(index.c.rowid).where(index.c.message_search.op("MATCH")(query))
        return _among(hits, index.c.rowid, message.id, whole=True)
    if not whole:
        return _says(words, message)
    hit = aliased(Message, name="hit")
    hits = select(hit.id).where(hit.sender.in_(_PEOPLE), _says(words, hit))
    return _among(hits, hit.id, message.id, whole)


def _says(words: Sequence[str], message: Any) -> ColumnElement[bool]:
    """That a message has all words, in PostgreSQL's words, which `ix_message_search` knows."""
    query = " & ".join(f"'{word}'" + ":*" * _is_beginning(word) for word in words)
    simple = text("'simple'::regconfig")
    found: ColumnElement[bool] = func.to_tsvector(simple, message.text).op("@@")(
        func.to_tsquery(simple, query)
    )
    return found
