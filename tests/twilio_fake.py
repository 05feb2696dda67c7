"""Twilio as its REST API behaves, faults included: behind httpx, or on a real port."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from twilio.request_validator import RequestValidator

from bot.sms.twilio import twilio_time

ACCOUNT = "AC" + "0" * 32
TOKEN = "token-of-the-account-0123456789ab"
OLD_TOKEN = "former-token-of-the-account-0123"
OURS = "+19165550100"


class Fault(Enum):
    """What goes wrong with one call. Status, Twilio's code, whether the message is taken."""

    NONE = (201, None, True)
    TOO_MANY = (429, 20429, False)
    ERROR = (500, 20500, False)
    ERROR_THOUGH_TAKEN = (503, 20503, True)
    SILENT = (0, None, False)
    SILENT_THOUGH_TAKEN = (0, None, True)
    OPTED_OUT = (400, 21610, False)
    NO_NUMBER = (400, 21211, False)
    UNKNOWN = (400, 29999, False)
    BAD_TOKEN = (401, 20003, False)
    QUEUE_FULL = (400, 21611, False)


@dataclass
class FakeTwilio:
    """Takes messages, remembers them, and fails as it is told."""

    fault: Callable[[str, str], Fault] = lambda _to, _body: Fault.NONE
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    taken: list[dict[str, str]] = field(default_factory=list)
    calls: list[tuple[str, str, Fault]] = field(default_factory=list)
    lists: int = 0
    list_down: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """As an `httpx.MockTransport` calls it; silence is a timeout."""
        status, body = self.answer(
            request.method, str(request.url), request.content, request.headers["authorization"]
        )
        if status == 0:
            raise httpx.ReadTimeout("no answer", request=request)
        return httpx.Response(status, json=body)

    def answer(
        self, method: str, url: str, content: bytes, authorization: str
    ) -> tuple[int, dict[str, object]]:
        expected = httpx.BasicAuth(ACCOUNT, TOKEN)._build_auth_header(ACCOUNT, TOKEN)
        if authorization != expected:
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        assert urlsplit(url).path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        if method == "GET":
            return self._list(parse_qs(urlsplit(url).query))
        return self._send(dict(parse_qsl(content.decode(), keep_blank_values=True)))

    def _send(self, sent: dict[str, str]) -> tuple[int, dict[str, object]]:
        assert {"To", "Body", "StatusCallback"} < set(sent)
        assert sent.get("From") == OURS
        with self.lock:
            fault = self.fault(sent["To"], sent["Body"])
            self.calls.append((sent["To"], sent["Body"], fault))
            status, code, taken = fault.value
            record = {
                "sid": f"SM{secrets.token_hex(16)}", "status": "queued", "to": sent["To"],
                "body": sent["Body"], "direction": "outbound-api",
                "date_created": twilio_time(self.clock()), "callback": sent["StatusCallback"],
            }  # fmt: skip
            if taken:
                self.taken.append(record)
        if status == 201:
            return 201, dict(record)
        return status, {"code": code, "message": "as the test wants it", "status": status}

    def _list(self, query: dict[str, list[str]]) -> tuple[int, dict[str, object]]:
        with self.lock:
            self.lists += 1
            if self.list_down:
                return 503, {"code": 20503}
            mine = [record for record in self.taken if record["to"] == query["To"][0]]
        return 200, {"messages": mine[::-1][: int(query["PageSize"][0])]}

    def bodies(self, to: str) -> list[str]:
        """What a number got, in order."""
        return [record["body"] for record in self.taken if record["to"] == to]

    @contextmanager
    def serve(self, silence_s: float) -> Iterator[str]:
        """On a port; a silent call is held for a while and then dropped."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                content = self.rfile.read(length)
                status, body = fake.answer(
                    self.command, self.path, content, self.headers["authorization"]
                )
                if status == 0:
                    time.sleep(silence_s)
                    self.close_connection = True
                    return
                payload = httpx.Response(status, json=body).content
                try:
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(payload)))
                    self.end_headers()
                    self.wfile.write(payload)
                except OSError:
                    return  # the caller was killed

            do_GET = do_POST = _serve

            def log_message(self, *_: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)


def signature(url: str, fields: dict[str, str], token: str = TOKEN) -> str:
    """As Twilio signs."""
    signed: str = RequestValidator(token).compute_signature(url, fields)
    return signed


def inbound_fields(number: str, body: str, sid: str | None = None, **more: str) -> dict[str, str]:
    """The fields of an inbound webhook, blank ones and some that Twilio added lately too."""
    sid = sid or f"SM{secrets.token_hex(16)}"
    return {
        "ToCountry": "US", "ToState": "", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "",
        "FromZip": "", "SmsSid": sid, "FromState": "CA", "SmsStatus": "received", "FromCity": "",
        "Body": body, "FromCountry": "US", "To": OURS, "ToZip": "", "NumSegments": "1",
        "MessageSid": sid, "AccountSid": ACCOUNT, "From": number, "ApiVersion": "2010-04-01",
        **more,
    }  # fmt: skip
