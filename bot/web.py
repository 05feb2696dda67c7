"""The web app: the only public process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException

from bot import health
from bot.app_state import AppState, open_app_state
from bot.channels import web
from bot.channels.problems import (
    Problem,
    on_http_error,
    on_invalid,
    on_problem,
    problem_response,
)
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
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
    app.middleware("http")(_guard)
    _add_pages(app)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse oversized bodies before reading them, and set the headers of every response."""
    length = request.headers.get("content-length", "")
    if request.method in ("POST", "PUT", "PATCH") and not length.isdecimal():
        response: Response = problem_response(411, "The request must say how long it is.")
    elif length.isdecimal() and int(length) > MAX_BODY_BYTES:
        response = problem_response(413, "The message is too long.")
    else:
        try:
            response = await call_next(request)
        except Exception as error:  # the outer edge: nothing of the inside may show
            health.log_unexpected(request, error)
            response = problem_response(
                500,
                "Something went wrong on our side. Please try again, or call the clinic. "
                "In an emergency call 911.",
            )
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.path.startswith("/api/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _add_pages(app: FastAPI) -> None:
    """The demo page, the widget's files and the health checks."""

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return _file("index.html")

    @app.get("/widget/{name}", include_in_schema=False)
    def widget_file(name: str) -> FileResponse:
        if name not in ("clinic-chat.js", "demo.css", "demo.js", "favicon.svg"):
            raise Problem(404, "There is no such file.")
        return _file(name)

    @app.get("/healthz", tags=["health"])
    def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"])
    def readyz(request: Request) -> JSONResponse:
        """Which parts are ready. 503 while the product cannot take a message safely."""
        report: dict[str, Any] = health.readiness(request.app.state.clinic)
        return JSONResponse(report, status_code=200 if report["ready"] else 503)


def _file(name: str) -> FileResponse:
    path: Path = WIDGET / name
    if not path.is_file():
        raise Problem(404, "There is no such file.")
    return FileResponse(path, headers={"Cache-Control": "no-cache"})


app = create_app()
