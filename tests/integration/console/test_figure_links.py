"""Each number of the figures leads to a list of just as many."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.app_state import open_app_state
from bot.console.access import cookie_name
from bot.content.files import load_answers, load_topics
from bot.content.store import seed
from bot.conversations import transcript
from bot.conversations.models import Conversation, Escalation, Feedback, Message
from bot.db import Database
from bot.members import accounts, sessions
from bot.members.permissions import Role
from bot.messages import Tier
from bot.review import demo
from bot.review.models import Review
from bot.settings import ROOT
from bot.triage.screen import Screen
from bot.web import create_app
from tests import builders
from tests.builders import NOON
from tests.fakes import FakeClock, FakeDialogue, WordEncoder

CONVERSATIONS = 700
SPAN = "since=2026-10-27&until=2026-11-23&by=week"
_LINK = re.compile(r'<a href="(/console/transcripts\?[^"]+)">(\d+)</a>')
_COUNT = re.compile(r"<p><strong>(\d+)</strong> [a-z ]+</p>")
_ROW = re.compile(r'<th scope="row"><a href="/console/conversations/')
_OLDER = re.compile(r'<a class="button" href="(/console/transcripts\?[^"]+)">Older</a>')

SECTIONS = {
    "Conversations begun": "each=begun",
    "What became of messages": "each=message",
    "Accuracy": "sample=",
    "Thumbs": "each=thumb",
    "Escalations": "each=escalation",
    "Topics answered": "each=reply",
    "Unanswered questions": "near=",
}
"""Heading of each part of the page that counts, and what its links ask for."""


@pytest.fixture
def client(database: Database, rules_alone: Screen, tmp_path: Path) -> Iterator[TestClient]:
    """An admin in front of made-up conversations and of what these leave out."""
    with database.transaction() as session:
        seed(session, load_answers(ROOT / "data" / "answers"), NOON)
        member = accounts.add_member(session, "Ada", "ada@clinic.example", Role.ADMIN, NOON)
        token = sessions.begin(session, member.id, "full", NOON, "", "")
    flags = [(tier, "x", "en", "help") for tier in (Tier.ROUTINE, Tier.URGENT, Tier.EMERGENCY)]
    topics = load_topics(ROOT / "data" / "topics.yml")
    for _ in demo.fill(database, CONVERSATIONS, NOON, topics, flags):
        pass
    _make_awkward(database, member.id)
    settings = replace(builders.settings(tmp_path), database_url=database.url)
    encoder = WordEncoder()
    state = open_app_state(settings, FakeClock(NOON), FakeDialogue(), rules_alone, encoder=encoder)
    with TestClient(create_app(state), cookies={cookie_name(state): token}) as client:
        yield client
    state.close()


def _make_awkward(database: Database, member_id: int) -> None:
    """What the span's own days do not say: things that belong to other days, twice, or to none."""
    rng = random.Random(3)
    with database.transaction() as session:
        since = NOON - timedelta(days=25)
        messages = session.scalars(
            select(Message).where(Message.at > since).order_by(Message.id)
        ).all()
        replies = [m for m in messages if m.sender == "assistant" and m.answer_id]
        asked = [m for m in messages if m.sender == "patient"]
        for message in rng.sample(asked, 30):
            # Another voice: the first may have said otherwise.
            session.merge(
                Review(
                    message_id=message.id, reviewer_id=member_id, reviewer="Ada", at=NOON,
                    verdict=rng.choice(("right", "wrong_answer")),
                )
            )  # fmt: skip
        for message in asked[:200]:
            message.public_id = f"0{rng.randrange(16):x}{message.public_id[2:]}"
        for reply in rng.sample(replies, 20):
            session.merge(Feedback(message_id=reply.id, helpful=False, at=NOON))
            again = Message(
                public_id=transcript.new_public_id(), conversation_id=reply.conversation_id,
                sender="assistant", text="x", at=reply.at, in_reply_to=reply.in_reply_to,
                answer_id=rng.choice((reply.answer_id, "long-gone")),
            )  # fmt: skip
            session.add(again)
            session.flush()
            session.add(Feedback(message_id=again.id, helpful=True, at=NOON))
        cases = session.scalars(select(Escalation).where(Escalation.status == "resolved")).all()
        for number, case in enumerate(rng.sample(cases, 8)):
            session.add(
                Escalation(
                    conversation_id=case.conversation_id, tier=int(Tier.URGENT), reason="x",
                    rule_ids=[], opened_at=since, clock_from=since,
                    acknowledged_at=NOON if number % 2 else None,
                )
            )  # fmt: skip
        session.add(Conversation(id="silent", channel="web", created_at=NOON, last_message_at=NOON))
        for old in session.scalars(select(Message).where(Message.at < since).limit(20)):
            old.at = NOON - timedelta(days=2)
        for message in [m for m in asked if m.outcome == "no_answer"][:3]:
            transcript.erase(session, message.conversation_id, "patient", NOON)


def listed(client: TestClient, link: str) -> tuple[int, int]:
    """What the first page of a list says of its length, and how many lines all pages have."""
    page = client.get(link).text
    (said,) = _COUNT.findall(page)
    rows = len(_ROW.findall(page))
    while older := _OLDER.search(page):
        page = client.get(html.unescape(older.group(1))).text
        rows += len(_ROW.findall(page))
    return int(said), rows


def test_each_number_leads_to_a_list_of_just_as_many(client: TestClient) -> None:
    page = client.get(f"/console/figures?{SPAN}").text
    found = [(html.unescape(link), int(number)) for link, number in _LINK.findall(page)]
    for heading, asked in SECTIONS.items():
        assert heading in page
        assert sum(asked in link for link, _ in found) > 1, heading
    expected = {link: (number, number) for link, number in found}
    assert {link: listed(client, link) for link in expected} == expected
