"""A clinic's own website on another origin, with pages that embed the chat in each way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class Page:
    """HTML of a body, and the policy it is served with."""

    body: str
    policy: str = ""
    lang: str = "en"


@dataclass(slots=True)
class ClinicSite:
    """Serves pages; what is under the chat's paths it passes on, as `docs/widget.md` shows."""

    port: int
    chat_url: str
    pages: dict[str, Page] = field(default_factory=dict)

    def url(self, host: str = "www.clinic.example") -> str:
        return f"http://{host}:{self.port}"


@contextmanager
def serving(site: ClinicSite) -> Iterator[ClinicSite]:
    """Answer on the site's port until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith(("/widget/", "/api/chat/")):
                self._pass_on()
            elif page := site.pages.get(self.path.partition("?")[0]):
                html = (
                    f'<!doctype html><html lang="{page.lang}"><head><meta charset="utf-8">'
                    '<meta name="viewport" content="width=device-width"><title>Clinic</title>'
                    f"</head><body><main><h1>Clinic</h1></main>{page.body}</body></html>"
                )
                headers = {"Content-Type": "text/html; charset=utf-8"}
                if page.policy:
                    headers["Content-Security-Policy"] = page.policy
                self._answer(200, headers, html.encode())
            else:
                self._answer(204 if "favicon" in self.path else 404, {}, b"")

        def do_POST(self) -> None:
            self._pass_on()

        def do_DELETE(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            with (
                httpx.Client(timeout=60) as client,
                client.stream(
                    self.command,
                    site.chat_url + self.path,
                    headers=dict(self.headers),
                    content=self.rfile.read(length),
                ) as response,
            ):
                kept = {k: v for k, v in response.headers.items() if k not in HOP}
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    self._answer(response.status_code, kept, response.read())
                    return
                self.close_connection = True
                self._begin(response.status_code, {**kept, "Connection": "close"})
                for part in response.iter_raw():
                    self.wfile.write(part)

        def _begin(self, status: int, headers: Mapping[str, str]) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            length = {} if status in (204, 304) else {"Content-Length": str(len(body))}
            self._begin(status, {**headers, **length})
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A browser that leaves in the middle of a stream is no error."""

    server = Server(("127.0.0.1", site.port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
