"""Server-sent events: what a browser with an open chat receives, and that streams end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from bot.channels import events as event_stream
from bot.channels import live
from bot.conversations.models import Message
from bot.conversations.transcript import new_public_id
from tests.web_site import Event, Patient, Site, assert_problem, events


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.05)


@contextmanager
def listening(
    patient: Patient, **kwargs: object
) -> Iterator[tuple[httpx.Response, Iterator[Event]]]:
    # A stream that says nothing for so long is a failure, not a wait.
    options: dict[str, Any] = {"timeout": 5, **kwargs}
    with patient.http.stream("GET", "/api/chat/events", **options) as response:
        assert response.status_code == 200
        yield response, events(response)


def staff_says(site: Site, patient: Patient, text: str) -> str:
    message = Message(
        public_id=new_public_id(),
        conversation_id=patient.conversation_id,
        sender="staff",
        staff_name="Dana",
        text=text,
        at=site.clock(),
    )
    with site.state.database.transaction() as session:
        session.add(message)
    return message.public_id


def test_a_stream_starts_with_what_was_said_in_the_form_of_history(patient: Patient) -> None:
    patient.say("does it hurt")
    history = patient.history()
    with listening(patient) as (response, stream):
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        found = [next(stream), next(stream)]
    assert [event.name for event in found] == ["message", "message"]
    assert [event.id for event in found] == [m["id"] for m in history]
    assert [event.json for event in found] == history


def test_what_staff_write_arrives_in_an_open_stream(patient: Patient, site: Site) -> None:
    with listening(patient) as (_, stream):
        written = staff_says(site, patient, "Hello, this is Dana.\nHow are you?")
        event = next(stream)
    assert (event.name, event.id) == ("message", written)
    assert event.json["text"] == "Hello, this is Dana.\nHow are you?"
    assert (event.json["sender"], event.json["staff_name"]) == ("staff", "Dana")


def test_a_reconnecting_browser_misses_nothing_and_gets_nothing_twice(
    patient: Patient, site: Site
) -> None:
    patient.say("does it hurt")
    with listening(patient) as (_, stream):
        seen = [next(stream).id, next(stream).id]
    missed = staff_says(site, patient, "While you were away.")
    with listening(patient, headers={"Last-Event-ID": seen[-1]}) as (_, stream):
        assert next(stream).id == missed
        later = staff_says(site, patient, "And now.")
        assert next(stream).id == later


def test_a_first_connection_can_start_after_a_message(patient: Patient) -> None:
    first, second = (patient.say(text).json() for text in ("does it hurt", "how long"))
    after = first["replies"][0]["id"]
    with listening(patient, params={"after": after}) as (_, stream):
        assert next(stream).id == second["message_id"]


def test_an_unknown_last_event_starts_from_the_beginning(patient: Patient) -> None:
    patient.say("does it hurt")
    with listening(patient, headers={"Last-Event-ID": "zanzibar'--"}) as (_, stream):
        assert next(stream).json["text"] == "does it hurt"


def test_erasing_the_chat_ends_its_streams(patient: Patient, site: Site) -> None:
    patient.say("does it hurt")
    token = patient.http.cookies["clinic_chat"]
    other_window = Patient(site.browser(headers={"Cookie": f"clinic_chat={token}"}))
    with listening(other_window) as (_, stream):
        next(stream), next(stream)
        assert patient.http.delete("/api/chat/session").status_code == 204
        assert next(stream).name == "ended"
        assert list(stream) == []


def test_a_stream_ends_with_its_session(patient: Patient, site: Site) -> None:
    with listening(patient) as (_, stream):
        site.clock.advance(hours=25)
        staff_says(site, patient, "Too late for this browser.")
        assert next(stream).name == "ended"
        assert list(stream) == []


def test_a_quiet_stream_is_kept_open_by_comments(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "PING_S", 0.1)
    with patient.http.stream("GET", "/api/chat/events") as response:
        assert next(response.iter_lines()).startswith(":")


def test_nobody_listens_to_a_chat_without_its_cookie(site: Site) -> None:
    with site.browser().stream("GET", "/api/chat/events") as response:
        response.read()
    assert_problem(response, 401)


def test_many_open_streams_leave_room_for_messages(patient: Patient, site: Site) -> None:
    token = patient.http.cookies["clinic_chat"]
    windows = [Patient(site.browser(headers={"Cookie": f"clinic_chat={token}"})) for _ in range(15)]
    opened = [window.http.stream("GET", "/api/chat/events") for window in windows]
    for stream in opened:
        assert stream.__enter__().status_code == 200
    assert patient.say("does it hurt").json()["outcome"] == "answered"
    for stream in opened:
        stream.__exit__(None, None, None)
