"""From reviews to examples, and made-up data, on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from sqlalchemy import func, select

from bot.content.files import load_answers, load_topics
from bot.content.store import seed
from bot.conversations.models import Conversation, Escalation, Message
from bot.db import Database
from bot.errors import InvalidInbound
from bot.members import accounts
from bot.members.permissions import Role
from bot.messages import Tier
from bot.review import demo, learning, store
from bot.review.commands import write_harvest
from bot.review.search import Filter, find
from bot.settings import ROOT
from tests.builders import NOON
from tests.integration.test_transcript_search import say

TOPICS = load_topics(ROOT / "data" / "topics.yml")
FLAGS = [(Tier.EMERGENCY, "E1-airway", "en", "i cant breathe"), (Tier.URGENT, "U1", "es", "pus")]


def reviewed(database: Database, *lines: tuple[str, str, str, str]) -> None:
    """Store messages (text, intent, verdict, right intent), each reviewed by one person."""
    with database.transaction() as session:
        member = accounts.add_member(session, "Rita", "rita@clinic.example", Role.REVIEWER, NOON)
        for number, (text, intent, verdict, right) in enumerate(lines):
            message = say(
                session, f"c{number}", text, minute=number, outcome="answered",
                triage={"language": "en"}, understood={"intent": intent, "confidence": 0.9},
            )  # fmt: skip
            store.save(session, message, member.id, "Rita", verdict, NOON, right_intent=right)


def harvested(database: Database, *known: str) -> learning.Harvest:
    with database.reading() as session:
        return learning.harvest(session, TOPICS, known)


def test_only_agreed_new_and_nameless_examples_leave_the_database(database: Database) -> None:
    reviewed(
        database,
        ("will it sting my cheeks much", "ask_pain", "right", ""),
        ("what do three rounds set me back", "ask_pain", "wrong_intent", "ask_cost"),
        ("some wrong thing nobody labelled", "ask_pain", "wrong_intent", ""),
        ("the answer was odd here", "ask_pain", "wrong_answer", ""),
        ("my name is Dana, does it burn", "ask_pain", "right", ""),
        ("hi this is Dana again, does it ache", "ask_pain", "right", ""),
        ("i'm nervous about the ache", "ask_pain", "right", ""),
        ("call me at 916-555-0142 about pain", "ask_pain", "right", ""),
        ("Will it sting my cheeks much??", "ask_pain", "right", ""),
        ("much will it sting my cheeks", "ask_pain", "right", ""),
        ("is it sore on day four", "report_symptom", "right", ""),
        ("text with [a](b) link", "ask_pain", "right", ""),
        ("known already somewhere else", "ask_pain", "right", ""),
    )
    found = harvested(database, "Known already, somewhere else!")
    told = {(e.text, e.intent) for e in (*found.train, *found.test)}
    assert told == {
        ("will it sting my cheeks much", "ask_pain"),
        ("what do three rounds set me back", "ask_cost"),
        ("i'm nervous about the ache", "ask_pain"),
    }
    assert (found.personal, found.known) == (3, 3)


def test_training_and_testing_never_share_a_line_and_a_second_export_adds_none(
    database: Database, tmp_path: Path
) -> None:
    words = ("needle", "serum", "cheek", "price", "scar", "pore", "glow", "booking", "numbing")
    texts = [f"{a} then {b} maybe {c}" for a in words for b in words for c in words if a < b < c]
    reviewed(database, *((text, "ask_cost", "right", "") for text in texts))
    found = harvested(database)
    assert 0.1 < len(found.test) / len(texts) < 0.45
    folder, test_set = tmp_path / "nlu" / "reviewed", tmp_path / "reviewed.jsonl"
    write_harvest(found, folder, test_set)
    trained = yaml.safe_load((folder / "reviewed_001.yml").read_text())["nlu"]
    assert [block["intent"] for block in trained] == ["ask_cost"]
    train = {line.removeprefix("- ") for line in trained[0]["examples"].splitlines()}
    lines = [json.loads(line) for line in test_set.read_text().splitlines()]
    assert train.isdisjoint(line["text"] for line in lines)
    assert len(train) + len(lines) == len(found.train) + len(found.test)
    assert lines[0]["expected"] == "answer"
    assert lines[0]["acceptable_topics"] == ["cost"]
    assert lines[0]["reviewed_by"] == "Rita"
    assert "# Reviewed by Rita, 2026-11-23" in (folder / "reviewed_001.yml").read_text()
    again = harvested(database, *learning.known_texts(folder.parent, tmp_path))
    assert again.train == again.test == []


def test_a_conversation_becomes_a_test_of_itself(database: Database) -> None:
    with database.transaction() as session:
        asked = say(session, "c", "does it hurt, 916-555-0142", minute=0, outcome="answered")
        say(
            session, "c", "It can.", minute=0, sender="assistant", in_reply_to=asked.id,
            answer_id="does-it-hurt",
        )  # fmt: skip
        say(session, "c", "Cost", minute=1, outcome="answered", button_id="answer:cost-overview")
    with database.reading() as session:
        (test,) = yaml.safe_load(learning.conversation_test(session, "c", "pain and cost"))
    assert test == {
        "name": "pain and cost",
        "turns": [
            {
                "patient": "does it hurt, [phone]",
                "outcome": "answered",
                "answers": "does-it-hurt",
            },
            {"button": "answer:cost-overview", "outcome": "answered"},
        ],
    }


def test_made_up_data_fills_every_list_and_leaves_room_for_patients(database: Database) -> None:
    with database.transaction() as session:
        seed(session, load_answers(ROOT / "data" / "answers"), NOON)
    assert list(demo.fill(database, 2500, NOON, TOPICS, FLAGS)) == [2000, 2500]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Conversation)) == 2500
        for wanted in (
            *(Filter(channel="sms"), Filter(tier=3), Filter(language="es"), Filter(below=0.3)),
            *(Filter(outcome="no_answer"), Filter(feedback="not_helpful"), Filter(words="how")),
            *(Filter(reviewed="yes"), Filter(topic="aftercare"), Filter(verdict="right")),
        ):
            assert find(session, wanted).found, wanted
        assert {w.reason for w in store.teaching(session)} >= {"no_answer", "sample", "picked"}
        assert store.missed_open(session) == 0
    with database.transaction() as session:
        say(session, "patient", "hello", minute=0)
        session.add(
            Escalation(
                conversation_id="patient", tier=2, reason="red_flag", rule_ids=[],
                opened_at=NOON, clock_from=NOON,
            )
        )  # fmt: skip
        session.flush()
        assert session.scalar(select(Message.text).order_by(Message.id.desc())) == "hello"
    with pytest.raises(InvalidInbound):
        list(demo.fill(database, 10, NOON, TOPICS, FLAGS))
