"""The web app on a real port, and a patient's browser."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from bot.app_state import AppState
from bot.conversations.models import Message
from bot.stack import make_stack
from bot.web import create_app
from tests.fakes import FakeClock, FakeDialogue

SHARED_OPTIONS = (
    *("ws", "proxy_headers", "forwarded_allow_ips", "access_log", "server_header"),
    *("timeout_graceful_shutdown", "timeout_keep_alive"),
)
EMERGENCY = "my throat is closing and i cant breathe"


@dataclass(slots=True)
class Patient:
    """One browser: keeps its cookie, numbers its messages."""

    http: httpx.Client
    conversation_id: str = ""
    opening: dict[str, Any] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def begin(self) -> Patient:
        response = self.http.post("/api/chat/session")
        assert response.status_code == 201, response.text
        self.opening = response.json()
        self.conversation_id = self.opening["conversation_id"]
        return self

    def next_id(self) -> str:
        return f"message-{next(self._numbers):04}"

    def post(self, body: Any, **kwargs: Any) -> httpx.Response:
        """Send any JSON to the message endpoint."""
        return self.http.post("/api/chat/messages", json=body, **kwargs)

    def say(self, text: str, **kwargs: Any) -> httpx.Response:
        return self.post({"client_message_id": self.next_id(), "text": text}, **kwargs)

    def press(self, button_id: str) -> httpx.Response:
        return self.post({"client_message_id": self.next_id(), "button_id": button_id})

    def history(self, **params: str) -> list[dict[str, Any]]:
        response = self.http.get("/api/chat/messages", params=params)
        assert response.status_code == 200, response.text
        messages: list[dict[str, Any]] = response.json()["messages"]
        return messages


@dataclass(slots=True)
class Site:
    """A started web app with what it works on."""

    url: str
    state: AppState
    clock: FakeClock
    dialogue: FakeDialogue
    browsers: list[httpx.Client] = field(default_factory=list)

    def browser(self, **kwargs: Any) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=20, **kwargs)
        self.browsers.append(client)
        return client

    def patient(self, **kwargs: Any) -> Patient:
        """Somebody who has opened the chat."""
        return Patient(self.browser(**kwargs)).begin()

    def stored(self, conversation_id: str) -> list[Message]:
        with self.state.database.reading() as session:
            query = session.query(Message).filter_by(conversation_id=conversation_id)
            return query.order_by(Message.id).all()


class Server:
    """Uvicorn in a thread, with the options that the started product gives it."""

    def __init__(self, state: AppState, folder: Path) -> None:
        command = make_stack(state.settings, folder, ("web",)).part("web").command
        given = uvicorn.main.make_context("uvicorn", command[3:]).params
        options = {name: given[name] for name in SHARED_OPTIONS}
        config = uvicorn.Config(
            create_app(state), host="127.0.0.1", port=0, log_config=None, **options
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert self._thread.is_alive(), "the web app did not start"
            assert time.monotonic() < deadline, "the web app did not start in time"
            time.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive(), "the web app did not stop"


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event, or a comment line (``name`` is then empty)."""

    name: str
    id: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def events(response: httpx.Response) -> Iterator[Event]:
    """Read a stream as a browser does: fields until a blank line."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield Event(fields.get("event", ""), fields.get("id", ""), fields.get("data", ""))
            fields = {}


def assert_problem(response: httpx.Response, status: int) -> str:
    """A JSON problem with this status and plain words; returns the words."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail"}
    assert body["status"] == status
    detail: str = body["detail"]
    assert detail.endswith("."), detail
    for inside in ("Traceback", "Error", "Exception", "sqlite", "pydantic", "bot."):
        assert inside not in detail
    return detail
