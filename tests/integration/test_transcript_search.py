"""Finding conversations in a real database."""

from __future__ import annotations

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from bot.content.models import Answer
from bot.conversations import transcript
from bot.conversations.models import Conversation, Feedback, Message
from bot.db import Database
from bot.members import accounts
from bot.members.permissions import Role
from bot.review import figures, search, store
from bot.review.figures import Span
from bot.review.search import Filter, find
from tests.builders import NOON


def say(
    session: Session,
    conversation: str,
    text: str,
    *,
    minute: int,
    channel: str = "web",
    sender: str = "patient",
    **fields: object,
) -> Message:
    at = NOON + timedelta(minutes=minute)
    if session.get(Conversation, conversation) is None:
        session.add(
            Conversation(id=conversation, channel=channel, created_at=at, last_message_at=at)
        )
        session.flush()
    message = Message(
        public_id=transcript.new_public_id(),
        conversation_id=conversation,
        sender=sender,
        text=text,
        at=at,
        **fields,
    )
    session.add(message)
    session.flush()
    return message


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as session:
        session.add(Answer(id="does-it-hurt", topic="pain_numbing"))
        session.flush()
        pain = say(
            session,
            "pain",
            "Does it HURT a lot?",
            minute=1,
            outcome="answered",
            understood={"intent": "ask_pain", "confidence": 0.95},
            triage={"language": "en"},
        )
        reply = say(
            session,
            "pain",
            "It can sting. Swelling may follow.",
            minute=1,
            sender="assistant",
            in_reply_to=pain.id,
            answer_id="does-it-hurt",
        )
        session.add(Feedback(message_id=reply.id, helpful=False, at=NOON))
        say(
            session,
            "pain",
            "thanks",
            minute=2,
            outcome="smalltalk",
            understood={"intent": "thank", "confidence": 0.99},
        )
        say(
            session,
            "flag",
            "tengo la cara hinchada, swelling",
            minute=3,
            channel="sms",
            outcome="escalated_urgent",
            tier=2,
            triage={"language": "es", "nets": ["rules"]},
        )
        say(
            session,
            "flag",
            "Please come in. swollen-eye check",
            minute=4,
            sender="staff",
            staff_name="Noor",
        )
        say(
            session,
            "lost",
            "do you sell tickets",
            minute=5,
            outcome="no_answer",
            understood={"intent": "out_of_scope", "confidence": 0.3},
        )
        member = accounts.add_member(session, "Rita", "rita@clinic.example", Role.REVIEWER, NOON)
        store.save(session, pain, member.id, "Rita", "wrong_answer", NOON)
        store.flag(session, pain, "Rita", True, NOON)
    return database


def names(database: Database, **wanted: object) -> list[str]:
    with database.reading() as session:
        return [item.conversation.id for item in find(session, Filter(**wanted)).found]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["lost", "flag", "pain"]),
        ({"channel": "sms"}, ["flag"]),
        ({"since": NOON + timedelta(minutes=3)}, ["lost", "flag"]),
        ({"until": NOON + timedelta(minutes=3)}, ["pain"]),
        ({"outcome": "no_answer"}, ["lost"]),
        ({"tier": 2}, ["flag"]),
        ({"tier": 0}, ["lost", "pain"]),
        ({"topic": "pain_numbing"}, ["pain"]),
        ({"topic": "aftercare"}, []),
        ({"answer": "does-it-hurt"}, ["pain"]),
        ({"intent": "ask_pain"}, ["pain"]),
        ({"below": 0.5}, ["lost"]),
        ({"feedback": "any"}, ["pain"]),
        ({"feedback": "not_helpful"}, ["pain"]),
        ({"feedback": "helpful"}, []),
        ({"reviewed": "yes"}, ["pain"]),
        ({"reviewed": "no"}, ["lost", "flag", "pain"]),
        ({"reviewed": "no", "intent": "ask_pain"}, []),
        ({"verdict": "wrong_answer"}, ["pain"]),
        ({"verdict": "right"}, []),
        ({"flagged": True}, ["pain"]),
        ({"language": "es"}, ["flag"]),
        ({"words": "hurt"}, ["pain"]),
        ({"words": "HUR lot"}, ["pain"]),
        ({"words": "hurt tickets"}, []),
        ({"words": "swelling"}, ["flag"]),
        ({"words": "come in"}, ["flag"]),
        ({"words": "swelling", "channel": "web"}, []),
        ({"words": "a"}, ["pain"]),
        ({"words": "h"}, []),
        ({"words": "d y"}, []),
        ({"words": "do y"}, []),
        ({"words": "do yo"}, ["lost"]),
        ({"words": "does", "topic": "pain_numbing", "feedback": "any"}, ["pain"]),
    ],
    ids=str,
)
def test_a_filter_finds_what_it_says(
    filled: Database, wanted: dict[str, object], found: list[str]
) -> None:
    assert names(filled, **wanted) == found


@pytest.mark.parametrize(
    "words", ['"', "' OR 1=1 --", "NEAR(a b)", "a:b & !c", "*", "col:x", "\\", "(", "hurt' & '"]
)
def test_what_is_typed_never_reaches_the_search_language(filled: Database, words: str) -> None:
    names(filled, words=words)


def test_a_conversation_is_listed_once_by_its_newest_message_that_fits(filled: Database) -> None:
    with filled.reading() as session:
        every = {f.conversation.id: f.message.text for f in find(session, Filter()).found}
        hurt = find(session, Filter(words="hurt")).found[0]
    assert every["pain"] == "thanks"
    assert hurt.message.text == "Does it HURT a lot?"


def test_erased_words_are_found_no_more(filled: Database) -> None:
    with filled.transaction() as session:
        transcript.erase(session, "pain", "staff", NOON)
    assert names(filled, words="hurt") == []
    assert names(filled, words="swelling") == ["flag"]
    with filled.transaction() as session:
        session.execute(delete(Message).where(Message.conversation_id == "lost"))
    assert names(filled, words="tickets") == []


def test_pages_follow_without_gap_or_repeat_even_at_the_same_moment(database: Database) -> None:
    with database.transaction() as session:
        for number in range(25):
            say(session, f"c{number:02}", "hello", minute=number // 10)
            say(session, f"c{number:02}", "again", minute=number // 10)
    seen: list[str] = []
    before = None
    with database.reading() as session:
        for _ in range(9):
            page = find(session, Filter(), before, 4)
            seen += [item.conversation.id for item in page.found]
            before = page.older
            if before is None:
                break
    assert seen == [f"c{number:02}" for number in reversed(range(25))]


def test_filters_count_what_was_there_before_the_columns(filled: Database) -> None:
    """The newest migration fills the columns from what was stored as JSON."""
    from alembic import command

    from bot.migrate import alembic_config, migrate

    expected = names(filled, intent="ask_pain"), names(filled, language="es")
    command.downgrade(alembic_config(filled.url), "0004")
    migrate(filled.url)
    assert (names(filled, intent="ask_pain"), names(filled, language="es")) == expected
    assert expected == (["pain"], ["flag"])
    assert names(filled, words="hurt") == ["pain"]
    assert names(filled, reviewed="yes") == []


def fits(message: Message, replies: list[Message], wanted: Filter) -> bool:
    """The filter again, said in Python of rows in memory."""
    if wanted.outcome and message.outcome != wanted.outcome:
        return False
    if wanted.language and message.language != wanted.language:
        return False
    if wanted.answer and wanted.answer not in [reply.answer_id for reply in replies]:
        return False
    if wanted.below is not None and not (message.confidence or 0) < wanted.below:
        return False
    if wanted.until is not None and message.at >= wanted.until:
        return False
    if wanted.words and wanted.words not in message.text:
        return False
    return message.sender == "patient" or bool(wanted.words)


FILTERS = (
    *({}, {"outcome": "answered"}, {"language": "es"}, {"answer": "does-it-hurt"}),
    *({"below": 0.5}, {"until": NOON + timedelta(minutes=9)}, {"words": "swelling"}),
    *({"channel": "sms"}, {"channel": "sms", "outcome": "answered", "answer": "does-it-hurt"}),
    {"channel": "web", "words": "swelling", "language": "en"},
)


@pytest.mark.parametrize("looked_at", [4, 1000])
def test_pages_together_are_what_fits_each_conversation_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", looked_at)
    rng = random.Random(5)
    told: list[tuple[Message, list[Message], str]] = []
    with database.transaction() as session:
        session.add(Answer(id="does-it-hurt", topic="pain_numbing"))
        for _ in range(150):
            name = rng.choice([f"c{number}" for number in range(25)] + ["busy"] * 30)
            channel = "sms" if name.endswith("1") else "web"
            said = say(
                session, name, rng.choice(("swelling", "cost")), minute=rng.randrange(20),
                channel=channel, sender=rng.choice(("patient", "patient", "staff")),
                outcome=rng.choice(("answered", "no_answer")),
                understood={"confidence": rng.random()},
                triage={"language": rng.choice(("en", "es"))},
            )  # fmt: skip
            replies = [
                say(
                    session, name, "swelling", minute=20, sender="assistant",
                    in_reply_to=said.id, answer_id="does-it-hurt",
                )
                for _ in range(rng.randrange(3))
            ]  # fmt: skip
            told.append((said, replies, channel))
    for fields in FILTERS:
        wanted = Filter(**fields)
        newest: dict[str, Message] = {}
        for said, replies, channel in sorted(told, key=lambda t: (t[0].at, t[0].id)):
            if wanted.channel in ("", channel) and fits(said, replies, wanted):
                newest[said.conversation_id] = said
        expected = sorted(newest.values(), key=lambda m: (m.at, m.id), reverse=True)
        found: list[int] = []
        cursor = None
        with database.reading() as session:
            while True:
                page = find(session, wanted, cursor, limit=3)
                found += [item.message.id for item in page.found]
                cursor = page.older
                if cursor is None:
                    break
        assert found == [message.id for message in expected], fields
        assert expected, fields


def test_what_was_erased_is_not_brought_for_review(database: Database) -> None:
    with database.transaction() as session:
        say(
            *(session, "gone", "do you sell tickets"),
            minute=1,
            outcome="no_answer",
            triage={"language": "en"},
        )
    with database.reading() as session:
        assert [w.reason for w in store.teaching(session)] == ["no_answer"]
    with database.transaction() as session:
        transcript.erase(session, "gone", "patient", NOON)
    with database.reading() as session:
        assert store.teaching(session) == []
        day = NOON.date()
        assert figures.unanswered(session, Span(day, day, ZoneInfo("America/Los_Angeles"))) == []
