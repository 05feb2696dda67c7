"""A mail server and a webhook address on this machine, as good or as bad as a test wants."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass(slots=True)
class MailServer:
    """What a mail server got, and what it says: ``answers`` are used up one by one.

    An answer is a line such as ``451 later``, ``drop`` (the line is cut before the
    answer) or ``stall`` (nothing is said for ``stall_s``). Without any: accepted.
    """

    url: str = ""
    answers: list[str] = field(default_factory=list)
    recipients: str = "250 OK"
    stall_s: float = 2.0
    received: list[Message] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipients.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipients

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == "stall":
            time.sleep(self.stall_s)
            return "250 OK"
        if answer in ("drop", "250 OK"):
            assert isinstance(envelope.content, bytes)
            self.received.append(message_from_bytes(envelope.content))
        if answer == "drop":
            assert server.transport is not None
            server.transport.abort()
        return answer

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _kind: Any, data: Any
    ) -> Any:
        self.logins.append(f"{data.login.decode()}:{data.password.decode()}")
        return AuthResult(success=data.password == b"right", handled=False)

    @property
    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.received]


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, *, from_the_first_byte: bool = False, login: bool = False
) -> Iterator[MailServer]:
    """A real SMTP server; with ``tls`` by STARTTLS or from the first byte."""
    handler = MailServer()
    options: dict[str, Any] = {}
    if tls and from_the_first_byte:
        options["ssl_context"] = tls
    elif tls:
        options |= {"tls_context": tls, "require_starttls": True}
    if login:
        options |= {
            "authenticator": handler.authenticate,
            "auth_required": True,
            "auth_require_tls": tls is not None,
        }
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    scheme = "smtps" if from_the_first_byte else "smtp"
    handler.url = f"{scheme}://127.0.0.1:{controller.port}"
    try:
        yield handler
    finally:
        controller.stop()


@dataclass(slots=True)
class Hook:
    """What a webhook address got, and what it answers: status codes, ``drop``, ``stall``."""

    url: str = ""
    answers: list[int | str] = field(default_factory=list)
    stall_s: float = 2.0
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posts]


@contextmanager
def webhook_address() -> Iterator[Hook]:
    """A real HTTP server that takes posts."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = hook.answers.pop(0) if hook.answers else 200
            if answer == "stall":
                time.sleep(hook.stall_s)
                answer = 200
            else:
                hook.posts.append((dict(self.headers), body))
            if answer == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(int(answer))
            if 300 <= int(answer) < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def closed_port() -> int:
    """A port on which nobody listens."""
    return free_port()
