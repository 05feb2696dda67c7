"""The web app as a whole: pages, health, the served contract, headers, and the last resort."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import pytest

from bot.dialogue.client import DialogueResult
from bot.messages import Tier, Verdict
from bot.triage.screen import Screen
from bot.web import SECURITY_HEADERS, Guard, create_app
from bot.worker import beat
from tests.fakes import FakeDialogue
from tests.integration.conftest import OpenSite
from tests.web_site import EMERGENCY, Patient, Site, assert_problem

MARK = "zanzibar"


class BrokenDialogue(FakeDialogue):
    """Fails in a way that nobody foresaw, with patient words in the error."""

    def send(
        self, conversation_id: str, text: str, *, message_id: int, context: Mapping[str, Any]
    ) -> DialogueResult:
        raise RuntimeError(f"could not make sense of {text}")


class QuietModel:
    """A learned net that works and finds nothing."""

    def tier(self, text: str, recent: Sequence[str]) -> tuple[Tier, float]:
        return Tier.NONE, 0.0


class DeafScreen(Screen):
    """A triage that sees nothing."""

    def verdict(self, text: str, recent: Sequence[str] = ()) -> Verdict:
        return Verdict()


class BrokenScreen(Screen):
    """A triage that fails."""

    def verdict(self, text: str, recent: Sequence[str] = ()) -> Verdict:
        raise RuntimeError(text)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/widget/clinic-chat.js", "text/javascript"),
        ("/widget/demo.css", "text/css"),
        ("/widget/favicon.svg", "image/svg+xml"),
    ],
)
def test_the_chat_page_and_its_files_are_served(lasting_site: Site, path: str, kind: str) -> None:
    response = lasting_site.browser().get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)
    assert response.content


def test_the_chat_page_needs_nothing_that_its_policy_forbids(lasting_site: Site) -> None:
    page = lasting_site.browser().get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=|<style|<iframe", page)
    loaded = re.findall(r'<(?:script|link|img)\b[^>]*\b(?:src|href)="([^"]+)"', page)
    assert "/widget/clinic-chat.js" in loaded
    for name in loaded:
        assert name.startswith("/widget/")
        assert lasting_site.browser().get(name).status_code == 200


def test_alive_is_one_thing_and_ready_another(open_site: OpenSite) -> None:
    site = open_site(seeded=False)
    assert site.browser().get("/healthz").json() == {"status": "ok"}
    response = site.browser().get("/readyz")
    assert response.status_code == 503
    report = response.json()
    assert report["ready"] is False
    assert "seed" in report["parts"]["database"]


def test_everything_ready_is_said_part_by_part(open_site: OpenSite, rules_alone: Screen) -> None:
    site = open_site(
        screen=Screen(rules_alone.rules, QuietModel()), webhook_url="http://127.0.0.1:9/hook"
    )
    beat(site.state)
    response = site.browser().get("/readyz")
    assert response.status_code == 200
    parts = ("database", "storing", "triage", "tier_model", "dialogue", "worker", "notifications")
    assert response.json() == {"ready": True, "parts": dict.fromkeys(parts, "ok")}


def test_with_the_rules_alone_it_is_ready_and_says_so(site: Site) -> None:
    response = site.browser().get("/readyz")
    assert response.status_code == 200
    assert "rules alone" in response.json()["parts"]["tier_model"]


def test_without_rasa_or_worker_messages_are_safe_so_it_is_ready_and_says_which(
    site: Site,
) -> None:
    site.dialogue.down = True
    report = site.browser().get("/readyz")
    assert report.status_code == 200
    parts = report.json()["parts"]
    assert parts["dialogue"].startswith("down")
    assert parts["worker"].startswith("down")
    assert parts["database"] == parts["triage"] == "ok"


def test_while_nobody_is_told_of_escalations_it_says_so_plainly(site: Site) -> None:
    report = site.browser().get("/readyz")
    assert report.status_code == 200
    assert report.json()["parts"]["notifications"].startswith("off: nobody is told")


def test_an_escalation_that_nobody_was_told_of_is_noticed(open_site: OpenSite) -> None:
    site = open_site(webhook_url="http://127.0.0.1:9/hook")
    assert site.patient().say(EMERGENCY).status_code == 200
    assert site.browser().get("/readyz").json()["parts"]["notifications"] == "ok"
    site.clock.advance(minutes=2)
    parts = site.browser().get("/readyz").json()["parts"]
    assert parts["notifications"].startswith("late: 1 escalations")


def test_a_worker_that_stopped_going_round_is_noticed(site: Site) -> None:
    beat(site.state)
    site.clock.advance(minutes=1)
    assert site.browser().get("/readyz").json()["parts"]["worker"].startswith("down")


@pytest.mark.parametrize("kind", [DeafScreen, BrokenScreen])
def test_without_a_working_triage_it_is_not_ready(
    open_site: OpenSite, rules_alone: Screen, kind: type[Screen]
) -> None:
    site = open_site(screen=kind(rules_alone.rules))
    response = site.browser().get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"]["triage"].startswith("failing")
    assert "breathe" not in response.text


def test_the_served_contract_lists_what_widget_and_gateway_use(lasting_site: Site) -> None:
    response = lasting_site.browser().get("/openapi.json")
    assert response.status_code == 200
    paths = response.json()["paths"]
    served = {(method, path) for path, methods in paths.items() for method in methods}
    assert served == {
        ("post", "/api/chat/session"),
        ("delete", "/api/chat/session"),
        ("post", "/sms/{provider}/inbound"),
        ("post", "/sms/{provider}/status"),
        ("post", "/api/chat/messages"),
        ("get", "/api/chat/messages"),
        ("get", "/api/chat/messages/{message_id}/sources"),
        ("get", "/api/chat/events"),
        ("post", "/api/chat/feedback"),
        ("get", "/healthz"),
        ("get", "/readyz"),
    }
    assert "201" in paths["/api/chat/session"]["post"]["responses"]


REQUESTS = {
    "page": ("GET", "/", {}, 200),
    "contract": ("GET", "/openapi.json", {}, 200),
    "health": ("GET", "/healthz", {}, 200),
    "session": ("POST", "/api/chat/session", {}, 201),
    "no session": ("GET", "/api/chat/messages", {}, 401),
    "foreign": ("POST", "/api/chat/session", {"headers": {"Origin": "https://x.example"}}, 403),
    "not found": ("GET", "/nothing", {}, 404),
    "method": ("PUT", "/healthz", {"content": b"x"}, 405),
    "no length": ("POST", "/api/chat/messages", {"content": iter([b"x"])}, 411),
    "too long": ("POST", "/api/chat/messages", {"content": b"x" * 70_000}, 413),
}


@pytest.mark.parametrize(
    ("method", "path", "kwargs", "status"), REQUESTS.values(), ids=list(REQUESTS)
)
def test_every_response_carries_the_security_headers(
    lasting_site: Site, method: str, path: str, kwargs: dict[str, Any], status: int
) -> None:
    response = lasting_site.browser().request(method, path, **kwargs)
    assert response.status_code == status
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "server" not in response.headers
    if path.startswith("/api/"):
        assert response.headers["cache-control"] == "no-store"


def test_the_widgets_script_may_be_loaded_by_the_clinics_other_pages(lasting_site: Site) -> None:
    headers = lasting_site.browser().get("/widget/clinic-chat.js").headers
    others = {**SECURITY_HEADERS, "Cross-Origin-Resource-Policy": "same-site"}
    assert {name: headers.get(name) for name in others} == others


def test_the_policy_forbids_foreign_and_inline_code_framing_and_plain_html_writing() -> None:
    policy = dict(
        part.strip().split(" ", 1)
        for part in SECURITY_HEADERS["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in str(policy)
    assert SECURITY_HEADERS["X-Content-Type-Options"] == "nosniff"
    assert SECURITY_HEADERS["Referrer-Policy"] == "no-referrer"


def test_an_unforeseen_error_is_a_plain_problem_with_headers_and_no_words_in_the_log(
    open_site: OpenSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site = open_site(dialogue=BrokenDialogue())
    patient = site.patient()
    response = patient.say(f"does it hurt {MARK}")
    assert "911" in assert_problem(response, 500)
    assert MARK not in response.text
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert patient.history()[0]["text"] == f"does it hurt {MARK}", "the message is kept"
    assert "RuntimeError" in caplog.text, "the error is noticed"
    assert MARK not in caplog.text


def test_an_error_in_the_middle_of_a_response_ends_it_and_starts_no_second_one(
    site: Site,
) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def breaks(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in the middle")

    async def nothing() -> MutableMapping[str, Any]:
        raise AssertionError("nobody reads the body")

    async def keep(event: MutableMapping[str, Any]) -> None:
        sent.append(event)

    app = create_app(site.state)
    app.state.clinic = site.state
    scope = {"type": "http", "method": "GET", "path": "/api/chat/events", "headers": [], "app": app}
    scope |= {"query_string": b"", "scheme": "http", "server": ("localhost", 80)}
    with pytest.raises(RuntimeError, match="in the middle"):
        asyncio.run(Guard(breaks)(scope, nothing, keep))
    (start,) = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_ordinary_work_logs_no_patient_words(
    patient: Patient, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "httpx")  # the browser of this test
    patient.say(f"does it hurt {MARK}")
    patient.say(f"{EMERGENCY} {MARK}")
    patient.press(f"answer:{MARK}")
    patient.post({"client_message_id": MARK, "text": [MARK]})
    site.dialogue.down = True
    site.patient().say(f"and afterwards {MARK}")
    patient.http.get(f"/{MARK}")
    patient.http.delete("/api/chat/session")
    assert "queued" in caplog.text, "the log is looked at"
    assert MARK not in caplog.text
