"""The third net: what the action does with a report that the other nets let pass."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy import select

from actions import escalate
from actions.resources import Resources
from bot.conversations import transcript
from bot.conversations.models import Escalation, Message
from bot.db import Database
from bot.messages import Tier, Verdict
from bot.nlu.choice_weights import CHOICE_FILE, load_choice_weights
from bot.nlu.course import load_course
from bot.private_data import PrivateData
from bot.replies.spanish import load_spanish_replies
from bot.replies.texts import load_reply_texts
from bot.settings import ROOT
from bot.triage.screen import Screen
from bot.triage.urgent_replies import load_urgent_replies
from tests.builders import NOON, clinic, inbound


@pytest.fixture(autouse=True)
def shared(database: Database, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The action's resources, on the test's database."""
    data = ROOT / "data"
    resources = Resources(
        database=database,
        clinic=clinic(),
        texts=load_reply_texts(data / "replies.yml", clinic().placeholders()),
        urgent=load_urgent_replies(data / "triage" / "urgent_replies.yml", screen.rules),
        topic_intents={},
        answers_by_entity={},
        weights=load_choice_weights(ROOT / "bot" / "models" / CHOICE_FILE),
        course=load_course(data / "course.yml"),
        spanish=load_spanish_replies(data / "spanish.yml", clinic().placeholders()),
        private_data=PrivateData(("k" * 40,), "l" * 40),
    )
    monkeypatch.setattr(escalate, "resources", lambda: resources)


def report(
    database: Database, number: int = 1, *, intent: str = "report_symptom", **triage: Any
) -> dict[str, Any]:
    """A stored message that Rasa took for a report; what the action answered."""
    with database.transaction() as session:
        transcript.ensure_conversation(session, "c1", "web", NOON)
        sent = inbound(client_message_id=f"message-{number:04}")
        message = transcript.store_inbound(session, sent, "it feels odd", Verdict())
        assert message is not None
    latest = {
        "text": "it feels odd",
        "intent": {"name": intent, "confidence": 0.9},
        "metadata": {"message_id": message.id},
        "triage": {"tier": "none", "language": "en", "rule_ids": [], **triage},
    }
    tracker = Tracker("c1", {}, latest, [], False, None, {}, "action_listen")
    dispatcher = CollectingDispatcher()
    escalate.ActionEscalate().run(dispatcher, tracker, {})
    answered: dict[str, Any] = dispatcher.messages[0]["custom"]
    return answered


def first_message(database: Database) -> Message:
    with database.reading() as session:
        return session.scalars(select(Message).order_by(Message.id)).first()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("intent", "alarm", "tier"),
    [
        ("report_symptom", None, Tier.URGENT),
        ("report_emergency", None, Tier.EMERGENCY),
        ("report_emergency", 0.9, Tier.EMERGENCY),
        ("report_emergency", 0.01, Tier.ROUTINE),
    ],
)
def test_what_only_rasa_took_for_a_symptom_is_handed_over_and_kept_for_review(
    database: Database, intent: str, alarm: float | None, tier: Tier
) -> None:
    answered = report(database, intent=intent, alarm=alarm)
    assert answered["outcome"] == f"escalated_{tier.name.lower()}"
    assert first_message(database).review_reason == "nets_disagree"
    with database.reading() as session:
        found = session.scalars(select(Escalation)).one()
    assert found.tier == tier
    assert found.notify_at is not None, "staff have to be told"


def test_what_the_screen_inside_rasa_found_too_is_no_disagreement(database: Database) -> None:
    report(database, tier="urgent")
    assert first_message(database).review_reason is None


def test_it_says_the_wording_in_full_once_and_names_it(database: Database) -> None:
    first = report(database)["replies"][0]
    assert first["wording"] in ("urgent_open", "urgent_closed")
    with database.transaction() as session:
        message = session.get_one(Message, 1)
        from bot.dialogue.client import _reply

        transcript.store_replies(session, message, [_reply(first)], NOON)
    assert report(database, 2)["replies"][0]["wording"] == "urgent_repeat"
