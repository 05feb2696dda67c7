"""The chat on a page of another origin: allowed ones may use it, others may read nothing."""

from __future__ import annotations

import httpx
import pytest

from bot.errors import SettingsError
from bot.settings import load_settings
from tests import builders
from tests.integration.conftest import OpenSite
from tests.web_site import Patient, Site, assert_problem

WWW = "https://www.clinic.example"
PATHS = [
    ("POST", "/api/chat/session", 201),
    ("GET", "/api/chat/messages", 200),
    ("GET", "/widget/clinic-chat.js", 200),
    ("GET", "/widget/favicon.svg", 200),
]
ELSEWHERE = [
    "https://evil.example",
    "https://www.clinic.example.evil.example",
    "https://evilwww.clinic.example",
    "http://www.clinic.example",
    "https://www.clinic.example:8443",
    "null",
    "*",
]


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    return open_site(allowed_origins=(WWW,))


def cors(response: httpx.Response) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers.items()
        if name.startswith("access-control-")
    }


@pytest.mark.parametrize(("method", "path", "status"), PATHS)
def test_an_allowed_page_may_read_the_response(
    patient: Patient, method: str, path: str, status: int
) -> None:
    response = patient.http.request(method, path, headers={"Origin": WWW})
    assert response.status_code == status
    assert cors(response) == {
        "access-control-allow-origin": WWW,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "Retry-After",
    }


@pytest.mark.parametrize("origin", ELSEWHERE)
@pytest.mark.parametrize(("method", "path", "status"), PATHS)
def test_another_page_may_read_nothing(
    patient: Patient, method: str, path: str, status: int, origin: str
) -> None:
    response = patient.http.request(method, path, headers={"Origin": origin})
    assert response.status_code == (403 if method == "POST" else status)
    assert cors(response) == {}


@pytest.mark.parametrize("origin", [None, WWW, "https://evil.example"])
@pytest.mark.parametrize(("method", "path", "status"), PATHS)
def test_caches_keep_the_answers_to_different_origins_apart(
    patient: Patient, method: str, path: str, status: int, origin: str | None
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    response = patient.http.request(method, path, headers=headers)
    assert "origin" in [name.strip().lower() for name in response.headers["vary"].split(",")]


def ask_first(site: Site, origin: str, path: str, method: str = "POST") -> httpx.Response:
    """The question a browser sends before a request that a plain form could not make."""
    return site.browser().options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "content-type",
        },
    )


@pytest.mark.parametrize("path", ["session", "messages", "feedback"])
def test_an_allowed_page_is_told_what_it_may_send(site: Site, path: str) -> None:
    response = ask_first(site, WWW, f"/api/chat/{path}")
    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["access-control-allow-origin"] == WWW
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "content-type" in response.headers["access-control-allow-headers"].lower()
    assert {"GET", "POST", "DELETE"} == set(
        response.headers["access-control-allow-methods"].split(", ")
    )
    assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_another_page_is_told_no(site: Site, origin: str) -> None:
    response = ask_first(site, origin, "/api/chat/messages")
    assert_problem(response, 405)
    assert cors(response) == {}


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/openapi.json", "/nothing"])
def test_nothing_but_the_chat_is_open_to_other_origins(site: Site, path: str) -> None:
    response = site.browser().get(path, headers={"Origin": WWW})
    assert cors(response) == {}
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert ask_first(site, WWW, path).status_code in (404, 405)


def test_errors_can_be_read_by_an_allowed_page_too(site: Site) -> None:
    response = site.browser().get("/api/chat/messages", headers={"Origin": WWW})
    assert_problem(response, 401)
    assert response.headers["access-control-allow-origin"] == WWW


def test_an_event_stream_can_be_read_by_an_allowed_page(patient: Patient) -> None:
    with patient.http.stream("GET", "/api/chat/events", headers={"Origin": WWW}) as response:
        assert response.status_code == 200
        assert cors(response)["access-control-allow-origin"] == WWW
        assert cors(response)["access-control-allow-credentials"] == "true"


def test_by_default_no_other_origin_is_allowed(open_site: OpenSite) -> None:
    response = open_site().browser().get("/widget/clinic-chat.js", headers={"Origin": WWW})
    assert cors(response) == {}


@pytest.mark.parametrize(
    "listed",
    ["*", "https://*.clinic.example", "www.clinic.example", "https://a.example/path", "null"],
)
def test_what_is_no_origin_stops_the_start(listed: str) -> None:
    with pytest.raises(SettingsError, match="ALLOWED_ORIGINS"):
        load_settings({**builders.SECRET_SETTINGS, "ALLOWED_ORIGINS": f"{WWW},{listed}"})


def test_origins_are_read_as_browsers_send_them() -> None:
    raw = " https://WWW.Clinic.example/ ,http://127.0.0.1:8080"
    settings = load_settings({**builders.SECRET_SETTINGS, "ALLOWED_ORIGINS": raw})
    assert settings.allowed_origins == (WWW, "http://127.0.0.1:8080")
