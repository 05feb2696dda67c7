"""What the queue lists, in which order, and that a page learns of every change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from bot.clinic import load_clinic
from bot.conversations import escalations, handover, queue, transcript
from bot.db import Database
from bot.messages import Tier
from bot.replies.texts import load_reply_texts
from bot.settings import ROOT
from tests.builders import NOON, inbound

TEXTS = load_reply_texts(
    ROOT / "data" / "replies.yml", load_clinic(ROOT / "data" / "clinic.yml").placeholders()
)


def case(
    database: Database, name: str, tier: Tier, at: datetime = NOON, words: str = "hello"
) -> int:
    from bot.messages import Verdict

    with database.transaction() as session:
        transcript.start_conversation(session, "web", at, conversation_id=name)
        message = transcript.store_inbound(
            session, inbound(words, conversation_id=name, received_at=at), words, Verdict(tier)
        )
        assert message
        return escalations.open_or_add(
            session, conversation_id=name, message_id=message.id, tier=tier, reason="red_flag",
            rule_ids=(), now=at,
        ).id  # fmt: skip


def listed(database: Database, view: queue.View = "all", name: str = "Maya") -> list[str]:
    with database.reading() as session:
        return [found.conversation.id for found in queue.cases(session, view, name)]


def do(database: Database, change: Callable[[Session], object]) -> None:
    with database.transaction() as session:
        change(session)


def test_the_highest_tier_comes_first_and_then_who_waits_longest(database: Database) -> None:
    case(database, "routine", Tier.ROUTINE, NOON - timedelta(hours=5))
    case(database, "urgent-new", Tier.URGENT, NOON)
    case(database, "urgent-old", Tier.URGENT, NOON - timedelta(hours=1))
    case(database, "emergency", Tier.EMERGENCY, NOON)
    assert listed(database) == ["emergency", "urgent-old", "urgent-new", "routine"]


def test_views_show_mine_nobodys_and_resolved(database: Database) -> None:
    numbers = {name: case(database, name, Tier.URGENT) for name in ("a", "b", "c", "d")}
    do(database, lambda s: escalations.assign(s, numbers["a"], "Maya", "Noor", NOON))
    do(database, lambda s: handover.take_over(s, "b", "Noor", NOON, texts=TEXTS))
    do(database, lambda s: escalations.resolve(s, numbers["c"], "Maya", "false_alarm", "", NOON))
    assert listed(database, "mine") == ["a"]
    assert listed(database, "mine", "Noor") == ["b"]
    assert listed(database, "free") == ["d"]
    assert listed(database, "resolved") == ["c"]
    with database.reading() as session:
        assert queue.counts(session, "Maya") == {"all": 3, "mine": 1, "free": 1, "red_flags": 2}


def test_the_list_shows_the_newest_words_without_particulars(database: Database) -> None:
    case(database, "a", Tier.URGENT, words="call 916-555-0142")
    with database.reading() as session:
        (found,) = queue.cases(session, "all", "Maya")
    assert found.last_words == "call [phone]"


@pytest.mark.parametrize(
    "change",
    [
        lambda s: escalations.acknowledge(s, 1, "Maya", NOON),
        lambda s: escalations.assign(s, 1, "Noor", "Maya", NOON),
        lambda s: escalations.change_tier(s, 1, Tier.EMERGENCY, "Maya", "worse", NOON),
        lambda s: handover.take_over(s, "a", "Maya", NOON, texts=TEXTS),
        lambda s: escalations.resolve(s, 1, "Maya", "false_alarm", "", NOON),
    ],
    ids=["acknowledged", "assigned", "raised", "taken", "resolved"],
)
def test_every_change_reaches_the_open_pages(
    database: Database, change: Callable[[Session], object]
) -> None:
    case(database, "a", Tier.URGENT)

    def marks() -> tuple[str, str]:
        with database.reading() as session:
            return queue.fingerprint(session), queue.conversation_fingerprint(session, "a")

    before = marks()
    assert marks() == before
    do(database, change)
    after = marks()
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_a_red_flag_sounds_until_somebody_has_seen_it(database: Database) -> None:
    case(database, "routine", Tier.ROUTINE)
    number = case(database, "a", Tier.EMERGENCY)
    with database.reading() as session:
        assert queue.waiting_red_flags(session) == [number]
    do(database, lambda s: escalations.acknowledge(s, number, "Maya", NOON))
    with database.reading() as session:
        assert queue.waiting_red_flags(session) == []
