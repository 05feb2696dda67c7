"""A server in Rasa's place, on a real port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bot.stack import free_port


@dataclass(slots=True)
class FakeRasa:
    """What it answers to everything, and what it was asked.

    Attributes:
        hangs: While set, it takes what it is asked and says nothing.
    """

    body: bytes = b"[]"
    status: int = 200
    hangs: bool = False
    url: str = ""
    seen: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    connections: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def fake_rasa(said: Any = (), *, hangs: bool = False) -> Iterator[FakeRasa]:
    """Start one.

    Args:
        said: Text as it is, or what becomes JSON.
    """
    body = said if isinstance(said, str) else json.dumps(said)
    rasa = FakeRasa(body.encode(), hangs=hangs)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            rasa.connections += 1

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            rasa.seen.append((self.path, dict(self.headers), json.loads(asked)))
            self._say()

        def do_GET(self) -> None:
            rasa.seen.append((self.path, dict(self.headers), None))
            self._say()

        def _say(self) -> None:
            if rasa.hangs:
                rasa.ended.wait()
                self.close_connection = True
                return
            self.send_response(rasa.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(rasa.body)))
            self.end_headers()
            self.wfile.write(rasa.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    rasa.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield rasa
    finally:
        rasa.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def nowhere() -> str:
    """An address where nothing listens."""
    return f"http://127.0.0.1:{free_port()}"
