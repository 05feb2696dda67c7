"""Web sessions: the cookie, going on, ending, and erasing."""

from __future__ import annotations

from dataclasses import replace
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import select

from bot.conversations.models import Conversation, Erasure, Escalation, Feedback
from bot.conversations.transcript import ERASED_TEXT
from tests.integration.conftest import OpenSite
from tests.web_site import EMERGENCY, Patient, Site, assert_problem


def cookie(response: httpx.Response) -> Morsel[str]:
    (name, morsel), *others = SimpleCookie(response.headers["set-cookie"]).items()
    assert not others
    assert name == morsel.key
    return morsel


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    found = cookie(site.browser().post("/api/chat/session"))
    assert found.key == "clinic_chat"
    assert found["httponly"]
    assert found["samesite"].lower() == "lax"
    assert found["path"] == "/"
    assert not found["domain"]
    assert not found["secure"], "on plain http a Secure cookie would be lost"
    assert int(found["max-age"]) == site.state.settings.session_hours * 3600
    assert len(found.value) >= 32


def test_on_https_the_cookie_is_secure_and_bound_to_its_host(open_site: OpenSite) -> None:
    site = open_site(public_url="https://chat.clinic.example")
    found = cookie(site.browser().post("/api/chat/session"))
    assert found.key.startswith("__Host-")
    assert found["secure"]
    assert found["path"] == "/"
    assert not found["domain"]


def test_on_https_ending_the_session_is_said_in_a_way_that_browsers_accept(
    open_site: OpenSite,
) -> None:
    site = open_site(public_url="https://chat.clinic.example")
    begun = cookie(site.browser().post("/api/chat/session"))
    headers = {"Cookie": f"{begun.key}={begun.value}"}
    ended = cookie(site.browser().delete("/api/chat/session", headers=headers))
    assert (ended.key, ended.value, ended["max-age"]) == (begun.key, "", "0")
    assert ended["secure"], "a __Host- cookie without Secure is ignored"


def test_the_opening_says_what_it_is_and_gives_first_choices(patient: Patient) -> None:
    assert set(patient.opening) == {"conversation_id", "notice", "greeting", "quick_replies"}
    assert "automated" in patient.opening["notice"]
    assert "911" in patient.opening["notice"]
    assert patient.opening["greeting"]
    assert len(patient.opening["quick_replies"]) >= 3
    for choice in patient.opening["quick_replies"]:
        assert set(choice) == {"id", "title"}
        assert all(choice.values())


def test_on_a_spanish_page_notice_and_greeting_are_spanish_and_no_choice_leads_to_english(
    site: Site,
) -> None:
    opening = site.patient(headers={"Accept-Language": "es-US"}).opening
    assert "asistente automático" in opening["notice"]
    assert "911" in opening["notice"]
    assert "inglés" in opening["greeting"], "it does not promise what it cannot do"
    titles = {choice["id"]: choice["title"] for choice in opening["quick_replies"]}
    assert titles == {"talk-to-a-person": "Hablar con una persona"}


@pytest.mark.parametrize("language", ["en-US", "fr", "", "en, es;q=0.5"])
def test_elsewhere_the_opening_is_english(lasting_site: Site, language: str) -> None:
    opening = lasting_site.patient(headers={"Accept-Language": language}).opening
    assert "automated assistant" in opening["notice"]


def test_starting_again_goes_on_with_the_same_conversation(patient: Patient) -> None:
    patient.say("does it hurt")
    again = patient.http.post("/api/chat/session")
    assert again.status_code == 201
    assert again.json() == patient.opening
    assert "set-cookie" not in again.headers
    assert len(patient.history()) == 2


def test_the_cookie_is_kept_only_as_a_hash_and_never_said(patient: Patient, site: Site) -> None:
    token = patient.http.cookies["clinic_chat"]
    assert token not in str(patient.opening)
    with site.state.database.reading() as session:
        kept = session.get_one(Conversation, patient.conversation_id)
        assert kept.session_hash
        assert token not in (kept.session_hash, kept.id)


FORGED = {
    "empty": "",
    "short": "x",
    "long": "A" * 6_000,
    "a path": "../../etc/passwd",
    "sql": "x' OR '1'='1",
    "json": '{"conversation_id":"1"}',
    "quoted": '"\\000\\377"',
    "not ascii": "ñandú",
}


@pytest.mark.parametrize("value", FORGED.values(), ids=FORGED)
def test_a_forged_cookie_opens_nothing_and_is_not_said_back(lasting_site: Site, value: str) -> None:
    known = lasting_site.patient().conversation_id
    headers = {"Cookie": f"clinic_chat={value}".encode()}
    stranger = lasting_site.browser(headers=headers)
    refused = stranger.get("/api/chat/messages")
    assert_problem(refused, 401)
    assert len(value) < 2 or value not in refused.text
    begun = stranger.post("/api/chat/session")
    assert begun.status_code == 201
    assert begun.json()["conversation_id"] != known
    assert cookie(begun).value != value


def test_neither_the_conversation_id_nor_the_hash_is_a_cookie(patient: Patient, site: Site) -> None:
    with site.state.database.reading() as session:
        hashed = session.get_one(Conversation, patient.conversation_id).session_hash
    for value in (patient.conversation_id, hashed):
        headers = {"Cookie": f"clinic_chat={value}"}
        assert_problem(site.browser(headers=headers).get("/api/chat/messages"), 401)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "messages", {"client_message_id": "message-0001", "text": "hello"}),
        ("GET", "messages", None),
        ("GET", "events", None),
        ("POST", "feedback", {"message_id": "0" * 24, "helpful": True}),
        ("DELETE", "session", None),
    ],
)
def test_without_a_session_there_is_no_way_in(
    lasting_site: Site, method: str, path: str, body: object
) -> None:
    response = lasting_site.browser().request(method, f"/api/chat/{path}", json=body)
    assert "start a new one" in assert_problem(response, 401)


def test_a_session_ends_after_its_hours_and_a_new_one_is_a_new_conversation(
    patient: Patient, site: Site
) -> None:
    site.clock.advance(hours=23, minutes=59)
    assert patient.history() == []
    site.clock.advance(minutes=2)
    assert_problem(patient.http.get("/api/chat/messages"), 401)
    assert_problem(patient.say("hello"), 401)
    before = patient.conversation_id
    assert patient.begin().conversation_id != before


def test_a_patient_reads_nothing_of_another(patient: Patient, site: Site) -> None:
    reply = patient.say("does it hurt").json()["replies"][0]
    other = site.patient()
    assert other.history() == []
    assert other.history(after=reply["id"]) == []
    vote = {"message_id": reply["id"], "helpful": False}
    assert_problem(other.http.post("/api/chat/feedback", json=vote), 404)


def test_erasing_leaves_no_words_anywhere_but_a_record_and_the_counts(
    patient: Patient, site: Site
) -> None:
    words = "my name is Wilhelmina and my email is w@example.org"
    understood = {"intent": "ask_pain", "entities": [{"value": "wilhelmina"}]}
    site.dialogue.result = replace(site.dialogue.result, understood=understood)
    reply = patient.say(words).json()["replies"][0]
    comment = {"message_id": reply["id"], "helpful": True, "comment": "thanks from Wilhelmina"}
    assert patient.http.post("/api/chat/feedback", json=comment).status_code == 204
    patient.say(EMERGENCY)

    ended = patient.http.delete("/api/chat/session")
    assert ended.status_code == 204
    assert ended.content == b""
    assert cookie(ended)["max-age"] == "0"

    rows = site.stored(patient.conversation_id)
    assert {row.text for row in rows} == {ERASED_TEXT}
    assert [row.outcome for row in rows if row.sender == "patient"] == [
        "answered",
        "escalated_emergency",
    ]
    with site.state.database.reading() as session:
        erasure = session.scalars(select(Erasure)).one()
        assert (erasure.conversation_id, erasure.reason) == (patient.conversation_id, "patient")
        assert (erasure.message_count, erasure.erased_at) == (len(rows), site.clock())
        assert session.scalars(select(Feedback)).all() == []
        assert session.scalars(select(Escalation)).one().tier == 3
        for table in sa.inspect(site.state.database.engine).get_table_names():
            everything = session.execute(sa.text(f'SELECT * FROM "{table}"')).all()
            assert "wilhelmina" not in str(everything).lower(), table


def test_after_erasing_the_old_cookie_opens_nothing(patient: Patient) -> None:
    token = patient.http.cookies["clinic_chat"]
    assert patient.http.delete("/api/chat/session").status_code == 204
    assert "clinic_chat" not in patient.http.cookies
    headers = {"Cookie": f"clinic_chat={token}"}
    for method, path in (("GET", "messages"), ("GET", "events"), ("DELETE", "session")):
        assert_problem(patient.http.request(method, f"/api/chat/{path}", headers=headers), 401)


def test_erasing_one_conversation_leaves_the_others_and_reaches_rasas_events(
    patient: Patient, site: Site
) -> None:
    other = site.patient()
    other.say("does it hurt")
    rasa = sa.create_engine(site.state.settings.rasa_database_url)
    with rasa.begin() as connection:
        connection.execute(sa.text("CREATE TABLE events (sender_id TEXT, data TEXT)"))
        for sender in (patient.conversation_id, patient.conversation_id, other.conversation_id):
            connection.execute(sa.text("INSERT INTO events VALUES (:s, 'words')"), {"s": sender})
    assert patient.http.delete("/api/chat/session").status_code == 204
    with rasa.connect() as connection:
        left = connection.execute(sa.text("SELECT sender_id FROM events")).scalars().all()
    rasa.dispose()
    assert left == [other.conversation_id]
    assert other.history()[0]["text"] == "does it hurt"
