"""Patients at a server: closed-loop clients, each waiting for its answer before it writes again."""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from benchmarks.metrics import percentile

TIMEOUT_S = 120.0

T = TypeVar("T")


class Chat(Protocol):
    """One client's line to a server, kept open."""

    def begin(self) -> None:
        """A new patient."""

    def say(self, text: str) -> str:
        """Send a message, wait for the answer; the outcome's name."""
        ...


class Connection:
    """A kept-alive HTTP connection: the client side must cost little on a shared machine."""

    def __init__(self, url: str) -> None:
        """Connect at first use."""
        parts = urlsplit(url)
        self._http = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT_S
        )

    def call(
        self, method: str, path: str, body: object = None, cookie: str = ""
    ) -> tuple[int, Any, str]:
        """Status, JSON answer and the cookie that was set."""
        headers = {"Content-Type": "application/json", **({"Cookie": cookie} if cookie else {})}
        self._http.request(method, path, json.dumps(body).encode(), headers)
        response = self._http.getresponse()
        content = response.read()
        given = (response.getheader("Set-Cookie") or "").partition(";")[0]
        return response.status, json.loads(content or b"null"), given


class ProductChat:
    """The product's own way: session, then messages, as the widget does."""

    def __init__(self, url: str) -> None:
        """A client of the web app."""
        self._line = Connection(url)
        self.cookie = ""

    def begin(self) -> None:
        """Open a session."""
        status, _, self.cookie = self._line.call("POST", "/api/chat/session")
        if status != 201:
            raise RuntimeError(f"no session: {status}")

    def say(self, text: str) -> str:
        """Send one message."""
        body = {"client_message_id": secrets.token_hex(8), "text": text}
        status, answer, _ = self._line.call("POST", "/api/chat/messages", body, self.cookie)
        if status != 200 or not answer["replies"]:
            raise RuntimeError(f"no answer: {status}")
        return str(answer["outcome"])


class RasaChat:
    """Rasa's REST channel."""

    def __init__(self, url: str) -> None:
        """A client of a Rasa server."""
        self._line = Connection(url)
        self.sender = ""

    def begin(self) -> None:
        """A sender that Rasa has not seen."""
        self.sender = secrets.token_hex(12)

    def say(self, text: str) -> str:
        """Send one message."""
        body = {"sender": self.sender, "message": text}
        status, answer, _ = self._line.call("POST", "/webhooks/rest/webhook", body)
        if status != 200 or not answer:
            raise RuntimeError(f"no answer: {status}")
        return "answered"

    def fill(self, events: Sequence[dict[str, Any]]) -> None:
        """Replace the conversation's events, by Rasa's own API."""
        path = f"/conversations/{self.sender}/tracker/events"
        status, answer, _ = self._line.call("PUT", path, list(events))
        if status != 200 or len(answer["events"]) < len(events):
            raise RuntimeError(f"the conversation was not filled: {status}")

    def events(self) -> list[dict[str, Any]]:
        """What Rasa has stored of the conversation."""
        path = f"/conversations/{self.sender}/tracker?include_events=ALL"
        events: list[dict[str, Any]] = self._line.call("GET", path)[1]["events"]
        return events


@dataclass(slots=True)
class Measured:
    """Latencies of one run, milliseconds, and what the messages ended in."""

    seconds: float
    latencies_ms: list[float]
    outcomes: dict[str, int] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """As reported."""
        return {
            "messages": len(self.latencies_ms),
            "p50_ms": round(percentile(self.latencies_ms, 0.5), 2),
            "p95_ms": round(percentile(self.latencies_ms, 0.95), 2),
            "per_second": round(len(self.latencies_ms) / self.seconds, 2),
            "outcomes": dict(sorted(self.outcomes.items())),
        }


def merge(parts: Sequence[Measured]) -> Measured:
    """Several rounds as one; the rate is over the sum of their times."""
    outcomes: dict[str, int] = {}
    for part in parts:
        for name, number in part.outcomes.items():
            outcomes[name] = outcomes.get(name, 0) + number
    latencies = [value for part in parts for value in part.latencies_ms]
    return Measured(sum(part.seconds for part in parts), latencies, outcomes)


def run_clients(chats: Sequence[Chat], visits: Sequence[Sequence[str]], messages: int) -> Measured:
    """Let all clients write at once until about ``messages`` are answered.

    Args:
        visits: What one patient after the other writes; begun again when all have come.

    Raises:
        RuntimeError: A server failed to answer one of them.
    """
    drawn, lock = cycle(visits), threading.Lock()
    latencies: list[float] = []
    outcomes: dict[str, int] = {}
    failures: list[BaseException] = []
    left = messages

    def client(chat: Chat) -> None:
        nonlocal left
        try:
            while not failures:
                with lock:
                    if left <= 0:
                        return
                    texts = next(drawn)
                    left -= len(texts)
                chat.begin()
                for text in texts:
                    started = time.perf_counter()
                    outcome = chat.say(text)
                    spent_ms = (time.perf_counter() - started) * 1000
                    with lock:
                        latencies.append(spent_ms)
                        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            failures.append(error)

    threads = [threading.Thread(target=client, args=(chat,)) for chat in chats]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"a message was not answered: {failures[0]!r}")
    return Measured(time.perf_counter() - started, latencies, outcomes)


def cycle(items: Sequence[T]) -> Iterator[T]:
    """The items over and over."""
    for number in count():
        yield items[number % len(items)]
