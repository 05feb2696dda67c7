"""The web app: the only public process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from bot import health
from bot.app_state import AppState, open_app_state
from bot.channels import origins, sms, sms_phone, web
from bot.channels.assets import file_response
from bot.channels.problems import (
    Problem,
    on_http_error,
    on_invalid,
    on_problem,
    problem_response,
)
from bot.console.app import add_console
from bot.console.errors import as_page, is_console
from bot.console.pages import bare_page
from bot.settings import ROOT, load_settings

WIDGET = ROOT / "bot" / "widget"

MAX_BODY_BYTES = 65_536
"""Largest request body; a message of the greatest length in four-byte signs fits easily."""

THREADS = 64
"""Messages worked on at once; each waits for the dialogue most of its time."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(state: AppState | None = None) -> FastAPI:
    """Build the ASGI application.

    Args:
        state: For tests, what was opened already; otherwise the app opens it at start
            from the environment.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.clinic = state or open_app_state(load_settings())
        if app.state.clinic.sms is not None and state is None:
            app.state.clinic.sms.start()
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield
        app.state.clinic.closing.set()
        if state is None:  # what we were given, its owner closes
            app.state.clinic.close()

    app = FastAPI(
        title="Clinic assistant",
        version="1.0",
        description="The API of the chat widget. Every error is a JSON problem.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(web.router)
    app.include_router(sms_phone.router)
    app.include_router(sms.router)
    add_console(app)
    app.add_exception_handler(Problem, as_page(on_problem))
    app.add_exception_handler(RequestValidationError, as_page(on_invalid))
    app.add_exception_handler(HTTPException, as_page(on_http_error))
    app.add_middleware(Guard)
    _add_pages(app)
    return app


class Guard:
    """Refuses oversized bodies before they are read, and sets the headers of every response.

    Plain ASGI: Starlette's own middleware of functions runs each request in a task group of
    its own, which costs a message more than its routing.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stand before ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request to its response, also one that fails inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        started = False

        async def send_guarded(event: ASGIMessage) -> None:
            nonlocal started
            if event["type"] == "http.response.start":
                started = True
                _add_headers(request, MutableHeaders(scope=event))
            await send(event)

        answer: ASGIApp = _refused(request) or self._app
        try:
            await answer(scope, receive, send_guarded)
        except Exception as error:  # the outer edge: nothing of the inside may show
            if started:
                raise
            health.log_unexpected(request, error)
            failed = _refusal(request)(
                500,
                "Something went wrong on our side. Please try again, or call the clinic. "
                "In an emergency call 911.",
            )
            await failed(scope, receive, send_guarded)


def _refused(request: Request) -> Response | None:
    """What is answered at the door; None for a request that may come in."""
    length = request.headers.get("content-length", "")
    if allowed := origins.preflight(request, request.app.state.clinic.settings):
        return allowed
    if request.method in ("POST", "PUT", "PATCH") and not length.isdecimal():
        return _refusal(request)(411, "The request must say how long it is.")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        return _refusal(request)(413, "The message is too long.")
    return None


def _refusal(request: Request) -> Callable[[int, str], Response]:
    return bare_page if is_console(request) else problem_response


def _add_headers(request: Request, headers: MutableHeaders) -> None:
    origins.add_headers(request, headers, request.app.state.clinic.settings)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    if request.url.path.startswith("/api/"):
        headers["Cache-Control"] = "no-store"
    elif is_console(request):
        headers.setdefault("Cache-Control", "no-store")


def _add_pages(app: FastAPI) -> None:
    """The demo page, the widget's files and the health checks."""

    @app.get("/", include_in_schema=False)
    def index(request: Request) -> Response:
        return _file(request, "index.html")

    @app.get("/widget/{name}", include_in_schema=False)
    def widget_file(request: Request, name: str) -> Response:
        if name not in ("clinic-chat.js", "demo.css", "favicon.svg"):
            raise Problem(404, "There is no such file.")
        return _file(request, name)

    @app.get("/healthz", tags=["health"])
    def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"])
    def readyz(request: Request) -> JSONResponse:
        """Which parts are ready. 503 while the product cannot take a message safely."""
        report: dict[str, Any] = health.readiness(request.app.state.clinic)
        return JSONResponse(report, status_code=200 if report["ready"] else 503)


def _file(request: Request, name: str) -> Response:
    try:
        return file_response(request, WIDGET / name)
    except OSError as error:
        raise Problem(404, "There is no such file.") from error


app = create_app()
