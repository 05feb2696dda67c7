"""Whatever is sent, the answer is a plain problem or a safe reply, and nothing is executed."""

from __future__ import annotations

import json
import socket
import unicodedata
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select

from bot.conversations.models import Feedback
from tests.integration.conftest import OpenSite
from tests.web_site import Patient, Site, assert_problem

GOOD_ID = "message-0001"
MARK = "zanzibar"
"""Stands in what is sent; no error may say it back."""


@pytest.fixture
def site(lasting_site: Site) -> Site:
    """One web app for all of these, as each has a patient of its own."""
    lasting_site.dialogue.sent.clear()
    return lasting_site


def assert_nothing_happened(site: Site, patient: Patient) -> None:
    assert site.stored(patient.conversation_id) == []
    assert site.dialogue.sent == []


REFUSED: dict[str, Any] = {
    "empty text": {"client_message_id": GOOD_ID, "text": ""},
    "only spaces": {"client_message_id": GOOD_ID, "text": " \n\t \u00a0\u2003"},
    "only control characters": {"client_message_id": GOOD_ID, "text": "\u0000\u0001\u001b\u007f"},
    "only invisible characters": {"client_message_id": GOOD_ID, "text": "\u200b\u2060\ufeff"},
    "text is a number": {"client_message_id": GOOD_ID, "text": 12345678901},
    "text is a list": {"client_message_id": GOOD_ID, "text": [MARK]},
    "text is an object": {"client_message_id": GOOD_ID, "text": {MARK: MARK}},
    "text is true": {"client_message_id": GOOD_ID, "text": True},
    "both text and button": {"client_message_id": GOOD_ID, "text": MARK, "button_id": MARK},
    "neither text nor button": {"client_message_id": GOOD_ID},
    "both are null": {"client_message_id": GOOD_ID, "text": None, "button_id": None},
    "an unknown key": {"client_message_id": GOOD_ID, "text": MARK, f"{MARK}<b>": MARK},
    "Rasa's sender": {"client_message_id": GOOD_ID, "text": MARK, "sender": "other"},
    "no message id": {"text": MARK},
    "an empty message id": {"client_message_id": "", "text": MARK},
    "a short message id": {"client_message_id": "1234567", "text": MARK},
    "a long message id": {"client_message_id": "a" * 65, "text": MARK},
    "a message id with signs": {"client_message_id": f"{MARK}'; DROP TABLE", "text": MARK},
    "a message id with a line end": {"client_message_id": f"{GOOD_ID}\n", "text": MARK},
    "a message id that is a number": {"client_message_id": 12345678, "text": MARK},
    "a long button id": {"client_message_id": GOOD_ID, "button_id": MARK * 20},
    "a button id of half a character": {"client_message_id": GOOD_ID, "button_id": "\ud800"},
    "a list": [{"client_message_id": GOOD_ID, "text": MARK}],
    "text alone": MARK,
    "nothing": None,
    "a number": 7,
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_malformed_message_is_refused_plainly_and_not_said_back(
    patient: Patient, site: Site, body: Any
) -> None:
    # json.dumps, as httpx cannot send half characters.
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    refused = patient.http.post("/api/chat/messages", content=content, headers=headers)
    assert_problem(refused, 422)
    assert MARK not in refused.text
    assert_nothing_happened(site, patient)


NOT_JSON = {
    "half an object": b'{"client_message_id": "message-0001", "text": "zanzibar',
    "words": b"zanzibar",
    "not utf-8": b'{"client_message_id": "message-0001", "text": "\xff\xfezanzibar"}',
    "nested without end": b"[" * 60_000,
    "a number of many digits": b'{"client_message_id": ' + b"9" * 6_000 + b"}",
    "xml": b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused_plainly(patient: Patient, site: Site, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    refused = patient.http.post("/api/chat/messages", content=content, headers=headers)
    assert refused.status_code in (400, 422)
    assert_problem(refused, refused.status_code)
    assert MARK not in refused.text
    assert_nothing_happened(site, patient)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_json_that_a_foreign_form_could_send_is_refused(
    patient: Patient, site: Site, media_type: str
) -> None:
    content = json.dumps({"client_message_id": GOOD_ID, "text": MARK}).encode()
    headers = {"Content-Type": media_type}
    refused = patient.http.post("/api/chat/messages", content=content, headers=headers)
    assert_problem(refused, 422)
    assert_nothing_happened(site, patient)


@pytest.mark.parametrize(
    "body",
    [
        {"message_id": "0" * 24},
        {"helpful": True},
        {"message_id": "0" * 24, "helpful": "yes"},
        {"message_id": "0" * 24, "helpful": 1},
        {"message_id": 7, "helpful": True},
        {"message_id": MARK * 9, "helpful": True},
        {"message_id": "\ud800", "helpful": True},
        {"message_id": "0" * 24, "helpful": True, "comment": MARK * 100},
        {"message_id": "0" * 24, "helpful": True, "comment": "half \ud800"},
        {"message_id": "0" * 24, "helpful": True, MARK: 1},
    ],
)
def test_malformed_feedback_is_refused_plainly(patient: Patient, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    refused = patient.http.post(
        "/api/chat/feedback", content=json.dumps(body).encode(), headers=headers
    )
    assert_problem(refused, 422)
    assert MARK not in refused.text


def test_a_comment_is_cleaned_of_what_no_database_takes(patient: Patient, site: Site) -> None:
    reply = patient.say("does it hurt").json()["replies"][0]
    body = {"message_id": reply["id"], "helpful": True, "comment": "so\u0000 \u001bso\u2028"}
    assert patient.http.post("/api/chat/feedback", json=body).status_code == 204
    with site.state.database.reading() as session:
        kept = session.scalars(select(Feedback).order_by(Feedback.message_id.desc())).first()
        assert kept is not None
        assert kept.comment == "so so"


def test_the_longest_message_is_taken_and_one_character_more_is_not(
    patient: Patient, site: Site
) -> None:
    most = site.state.settings.max_message_chars
    assert patient.say("a" * most).status_code == 200
    refused = patient.say("a" * (most + 1))
    assert str(most) in assert_problem(refused, 413)
    assert len(site.dialogue.sent) == 1


def test_the_longest_message_may_be_in_any_script(open_site: OpenSite) -> None:
    site = open_site(max_message_chars=10_000)
    assert site.patient().say("𐍈" * 10_000).status_code == 200


@pytest.mark.parametrize("size", [70_000, 100_000, 5_000_000])
def test_a_huge_message_is_refused_before_it_is_read(
    patient: Patient, site: Site, size: int
) -> None:
    assert_problem(patient.say(MARK * (size // len(MARK))), 413)
    assert_nothing_happened(site, patient)


def test_a_body_of_unsaid_length_is_refused(patient: Patient, site: Site) -> None:
    content = json.dumps({"client_message_id": GOOD_ID, "text": MARK}).encode()
    refused = patient.http.post(
        "/api/chat/messages",
        content=iter([content]),
        headers={"Content-Type": "application/json"},
    )
    assert_problem(refused, 411)
    assert_nothing_happened(site, patient)


def test_a_short_stated_length_does_not_let_a_long_body_in(patient: Patient, site: Site) -> None:
    """Both a length and chunks: the classic way to smuggle a request past a proxy."""
    body = json.dumps({"client_message_id": GOOD_ID, "text": MARK})
    head = [
        "POST /api/chat/messages HTTP/1.1",
        "Host: clinic",
        f"Cookie: clinic_chat={patient.http.cookies['clinic_chat']}",
        "Content-Type: application/json",
        "Content-Length: 10",
        "Transfer-Encoding: chunked",
    ]
    request = "\r\n".join([*head, "", f"{len(body):x}", body, "0", "", ""])
    address = urlsplit(site.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 4")
    assert_nothing_happened(site, patient)


DISARMED = {
    "/restart": "restart",
    "  /restart": "restart",
    "\n\t/restart": "restart",
    "/ /restart": "restart",
    "//// // /request_human": "request_human",
    "\u00a0\u2003/restart": "restart",
    "\u200b/restart": "restart",
    "\ufeff/restart": "restart",
    "\u0000/restart": "restart",
    "\u001c/restart": "restart",
    '/ask_benefits{"x":1}': 'ask_benefits{"x":1}',
    '  /ask_benefits{"x":1}': 'ask_benefits{"x":1}',
    '/choose_answer{"answer_id": "cost-overview"}': 'choose_answer{"answer_id": "cost-overview"}',
    "/session_start": "session_start",
}


@pytest.mark.parametrize(("text", "sent"), DISARMED.items(), ids=map(repr, DISARMED))
def test_a_command_in_patient_words_reaches_rasa_as_mere_words(
    patient: Patient, site: Site, text: str, sent: str
) -> None:
    assert patient.say(text).status_code == 200
    assert [words for _, words, _, _ in site.dialogue.sent] == [sent]


@pytest.mark.parametrize("text", ["😀", "👍🏽👍🏽", "❤️‍🩹", "¿?!", "...", "/", "// /"])
def test_signs_without_words_are_asked_to_be_put_in_words(
    patient: Patient, site: Site, text: str
) -> None:
    body = patient.say(text).json()
    assert body["outcome"] == "clarifying"
    assert [b["id"] for b in body["replies"][0]["buttons"]] == ["talk-to-a-person"]
    assert site.dialogue.sent == []


HARMLESS_HERE = {
    "html": "<script>alert('x')</script><img src=x onerror=alert(1)> does it hurt",
    "sql": "'); DROP TABLE messages; -- does it hurt",
    "template": "{{7*7}} ${jndi:ldap://x} {phone} %s does it hurt",
    "markdown": "[click](javascript:alert(1)) does it hurt",
    "shell": "$(rm -rf /) `id` does it hurt",
    "right to left": "does it hurt שלום مرحبا",
}


@pytest.mark.parametrize("text", HARMLESS_HERE.values(), ids=HARMLESS_HERE)
def test_code_in_a_message_is_words_like_any_other(patient: Patient, site: Site, text: str) -> None:
    response = patient.say(text)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert site.dialogue.sent[0][1] == text
    assert patient.history()[0]["text"] == text


def test_control_characters_are_dropped_and_lines_kept(patient: Patient, site: Site) -> None:
    text = "does\u0000 it\u001b[31m\u0007\r\ntake\u001c\u0085so\tlong\u202e\ud800 😀"
    content = json.dumps({"client_message_id": GOOD_ID, "text": text}).encode()
    headers = {"Content-Type": "application/json"}
    sent = patient.http.post("/api/chat/messages", content=content, headers=headers)
    assert sent.status_code == 200
    kept = patient.history()[0]["text"]
    odd = [c for c in kept if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\n\t"]
    assert odd == []
    assert kept.split() == ["does", "it[31m", "take", "so", "long", "😀"]
    assert "\n" in kept
    assert site.dialogue.sent[0][1] == kept


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://", "zanzibar"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "session"), ("POST", "messages"), ("POST", "feedback"), ("DELETE", "session")],
)
def test_another_site_cannot_use_the_patients_session(
    patient: Patient, site: Site, method: str, path: str, origin: str
) -> None:
    body = {"client_message_id": GOOD_ID, "text": MARK}
    response = patient.http.request(
        method,
        f"/api/chat/{path}",
        content=json.dumps(body).encode(),
        headers={"Origin": origin, "Content-Type": "application/json"},
    )
    if path == "feedback":  # the body does not fit either; both are refusals
        assert response.status_code in (403, 422)
    else:
        assert_problem(response, 403)
    assert "access-control-allow-origin" not in response.headers
    assert_nothing_happened(site, patient)
    assert patient.history() == [], "the session still stands"


@pytest.mark.parametrize("origin", ["https://www.clinic.example", "https://chat.clinic.example"])
def test_the_clinics_own_sites_may_use_it(open_site: OpenSite, origin: str) -> None:
    site = open_site(
        public_url="https://chat.clinic.example", allowed_origins=("https://www.clinic.example",)
    )
    begun = site.browser().post("/api/chat/session", headers={"Origin": origin})
    assert begun.status_code == 201


def test_the_address_the_page_came_from_may_use_it(site: Site) -> None:
    begun = site.browser().post("/api/chat/session", headers={"Origin": site.url})
    assert begun.status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/chat/zanzibar", 404),
        ("GET", "/zanzibar/<b>", 404),
        ("GET", "/widget/zanzibar.js", 404),
        ("GET", "/widget/..%2fsettings.py", 404),
        ("GET", "/widget/../web.py", 404),
        ("GET", "/.env", 404),
        ("GET", "/docs", 404),
        ("GET", "/api/chat/session", 405),
        ("PATCH", "/api/chat/messages", 405),
        ("DELETE", "/api/chat/messages", 405),
        ("OPTIONS", "/api/chat/messages", 405),
        ("POST", "/healthz", 405),
        ("POST", "/webhooks/rest/webhook", 404),
    ],
)
def test_a_wrong_address_or_method_is_a_plain_problem(
    site: Site, method: str, path: str, status: int
) -> None:
    body = {"content": b"{}"} if method in ("POST", "PATCH") else {}
    response = site.browser().request(method, path, **body)  # type: ignore[arg-type]
    assert_problem(response, status)
    assert MARK not in response.text
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    "query", ["after=%00", "after=" + "a" * 33, "after=%27%20OR%201", "after="]
)
def test_an_odd_place_in_history_is_refused_or_means_the_start(
    patient: Patient, query: str
) -> None:
    patient.say("does it hurt")
    response: httpx.Response = patient.http.get(f"/api/chat/messages?{query}")
    if response.status_code == 200:
        assert len(response.json()["messages"]) == 2
    else:
        assert_problem(response, 422)
