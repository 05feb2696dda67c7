"""Many open event streams cost the database little, and each hears its own conversation."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from bot.channels import events as event_stream
from bot.channels import live
from bot.channels.live import LiveUpdates
from bot.conversations import transcript
from bot.conversations.handover import give_back, say, take_over
from bot.conversations.models import Conversation, Message
from bot.db import Database
from bot.worker import answer_leftovers
from tests import builders
from tests.web_site import Patient, Site, events

STREAMS = 200


@contextmanager
def counted_queries(database: Database) -> Iterator[list[str]]:
    """Every statement that runs meanwhile, but what begins and ends a transaction."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


def start(database: Database, name: str) -> str:
    with database.transaction() as session:
        conversation = transcript.start_conversation(
            session,
            "web",
            builders.NOON,
            session_token=name,
            lifetime=timedelta(hours=1),
            conversation_id=name,
        )
    return conversation.id


def staff_message(conversation_id: str, text: str) -> Message:
    return Message(
        public_id=transcript.new_public_id(),
        conversation_id=conversation_id,
        sender="staff",
        staff_name="Dana",
        text=text,
        at=builders.NOON,
    )


def write(database: Database, conversation_id: str, text: str = "hello") -> None:
    with database.transaction() as session:
        session.add(staff_message(conversation_id, text))


def test_two_hundred_open_streams_share_one_query_a_round_and_all_hear(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    patients = [site.patient() for _ in range(STREAMS)]
    with ExitStack() as opened:
        responses = [
            opened.enter_context(p.http.stream("GET", "/api/chat/events")) for p in patients
        ]
        assert {response.status_code for response in responses} == {200}
        time.sleep(4 * live.LOOK_EVERY_S)  # each has read what there was
        with counted_queries(site.state.database) as seen:
            time.sleep(6 * live.LOOK_EVERY_S)
        assert 1 <= len(seen) <= 8, f"{len(seen)} queries in 6 rounds of {STREAMS} quiet streams"

        started = time.monotonic()
        assert patients[0].say("does it hurt").json()["outcome"] == "answered"
        assert time.monotonic() - started < 5, "the streams leave room for messages"

        for patient in patients:
            write(site.state.database, patient.conversation_id, f"for {patient.conversation_id}")
        heard = [
            next(e.json["text"] for e in events(response) if e.json["sender"] == "staff")
            for response in responses
        ]
    assert heard == [f"for {patient.conversation_id}" for patient in patients]


def test_without_open_streams_nothing_is_asked(patient: Patient, site: Site) -> None:
    with patient.http.stream("GET", "/api/chat/events") as response:
        assert response.status_code == 200
        time.sleep(2 * live.LOOK_EVERY_S)
    deadline = time.monotonic() + 10
    while site.state.live._watchers and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not site.state.live._watchers, "a browser that left is forgotten"
    assert not site.state.live._marks
    time.sleep(2 * live.LOOK_EVERY_S)
    with counted_queries(site.state.database) as seen:
        time.sleep(3 * live.LOOK_EVERY_S)
    assert seen == []


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.02)


async def woken(changed: asyncio.Event, within_s: float = 5) -> None:
    await asyncio.wait_for(changed.wait(), within_s)
    changed.clear()


async def settled(*watched: asyncio.Event) -> None:
    """The first look wakes everybody, as nothing is known of them yet."""
    for changed in watched:
        await woken(changed)


CHANGES = {
    "a new message": lambda row: row.add(staff_message("one", "hello")),
    "the end of the session": lambda row: setattr(
        row.get_one(Conversation, "one"), "session_expires_at", None
    ),
    "another owner": lambda row: setattr(row.get_one(Conversation, "one"), "owner", "staff"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_change_wakes_those_who_watch_it_and_nobody_else(
    database: Database, quick: None, change: Any
) -> None:
    async def story() -> None:
        updates = LiveUpdates(database)
        one, two = start(database, "one"), start(database, "two")
        with (
            updates.watching(one) as first_tab,
            updates.watching(one) as second_tab,
            updates.watching(two) as other,
        ):
            await settled(first_tab, second_tab, other)
            with database.transaction() as session:
                change(session)
            await woken(first_tab)
            await woken(second_tab)
            await asyncio.sleep(0.2)
            assert not other.is_set()

    asyncio.run(story())


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_a_message_that_becomes_visible_after_a_later_one_is_not_missed(
    database: Database, quick: None
) -> None:
    """PostgreSQL numbers rows when they are written, but shows them when they are committed.

    SQLite has one writer at a time.
    """

    class State:
        def __init__(self) -> None:
            self.database = database
            self.live = LiveUpdates(database)
            self.closing = threading.Event()

        @staticmethod
        def clock() -> Any:
            return builders.NOON

    async def story() -> list[str]:
        conversation = start(database, "one")
        said: list[str] = []
        with database.transaction() as slow:
            slow.add(staff_message(conversation, "first written"))
            slow.flush()
            write(database, conversation, "first visible")

            async def never() -> bool:
                return False

            stream = event_stream.stream(State(), conversation, None, never)  # type: ignore[arg-type]
            said.append(await anext(stream))
        said.append(await asyncio.wait_for(anext(stream), 5))
        await stream.aclose()
        return said

    first, second = asyncio.run(story())
    assert "first visible" in first
    assert "first written" in second


def test_the_database_may_be_away_for_a_while(
    database: Database, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = LiveUpdates._look, iter(range(3))

    def failing(self: LiveUpdates, ids: Any) -> Any:
        for _ in failures:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return real(self, ids)

    async def story() -> None:
        updates = LiveUpdates(database)
        one = start(database, "one")
        with updates.watching(one) as changed:
            await settled(changed)
            monkeypatch.setattr(LiveUpdates, "_look", failing)
            await asyncio.sleep(0.2)
            write(database, one)
            await woken(changed)

    asyncio.run(story())


def test_the_late_answer_to_a_queued_message_arrives_in_the_open_stream(
    patient: Patient, site: Site
) -> None:
    site.dialogue.down = True
    queued = patient.say("does it hurt").json()
    assert queued["outcome"] == "queued"
    last = queued["replies"][-1]["id"]
    with patient.http.stream("GET", "/api/chat/events", params={"after": last}) as response:
        stream = events(response)
        site.dialogue.down = False
        site.clock.advance(seconds=10)
        assert answer_leftovers(site.state) == 1
        answer = next(stream).json
    assert answer["sender"] == "assistant"
    assert answer["text"] == site.dialogue.result.replies[0].text


def test_more_history_than_one_reading_holds_arrives_whole(patient: Patient, site: Site) -> None:
    total = 620
    with site.state.database.transaction() as session:
        session.add_all(
            staff_message(patient.conversation_id, f"line {number}") for number in range(total)
        )
    with patient.http.stream("GET", "/api/chat/events") as response:
        stream = events(response)
        said = [next(stream).json["text"] for _ in range(total)]
    assert said == [f"line {number}" for number in range(total)]


def test_a_browser_hears_who_joins_answers_and_leaves(patient: Patient, site: Site) -> None:
    assert patient.http.get("/api/chat/messages").json()["answering"]["owner"] == "bot"
    with patient.http.stream("GET", "/api/chat/events") as response:
        stream = events(response)
        with site.state.database.transaction() as session:
            take_over(
                session, patient.conversation_id, "Dana", site.clock(), texts=site.state.texts
            )
        joined, who = next(stream), next(stream)
        assert joined.json["sender"] == "system"
        assert "Dana" in joined.json["text"]
        assert (who.name, who.id) == ("answering", "")
        assert who.json == {"owner": "staff", "staff_name": "Dana"}
        assert patient.http.get("/api/chat/messages").json()["answering"] == who.json

        with site.state.database.transaction() as session:
            say(session, patient.conversation_id, "Dana", "How is your skin?", site.clock())
        assert next(stream).json["text"] == "How is your skin?"

        with site.state.database.transaction() as session:
            give_back(
                session, patient.conversation_id, "Dana", site.clock(), texts=site.state.texts
            )
        left, who = next(stream), next(stream)
        assert "automated assistant" in left.json["text"]
        assert who.json == {"owner": "bot", "staff_name": None}


def test_every_tab_of_a_patient_hears_the_same(patient: Patient, site: Site) -> None:

    token = patient.http.cookies["clinic_chat"]
    with ExitStack() as opened:
        tabs = [site.browser(headers={"Cookie": f"clinic_chat={token}"}) for _ in range(3)]
        responses: list[httpx.Response] = [
            opened.enter_context(tab.stream("GET", "/api/chat/events")) for tab in tabs
        ]
        write(site.state.database, patient.conversation_id, "to every tab")
        assert {next(events(response)).json["text"] for response in responses} == {"to every tab"}
