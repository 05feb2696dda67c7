"""Which pages may use the widget API: our own, and the clinic's others by `ALLOWED_ORIGINS`.

A page of another origin needs the CORS headers; they are sent to the allowed origins alone,
and for the widget's paths alone. The session cookie is `SameSite=Lax`, so such a page must
belong to the same site: `www.clinic.example` and `chat.clinic.example`.
"""

from __future__ import annotations

from fastapi import Request, Response
from starlette.datastructures import MutableHeaders

from bot.settings import Settings

PATHS = ("/api/chat/", "/widget/")
"""Where pages of other origins may come."""

PREFLIGHT_S = 7200
"""How long a browser may remember what it was allowed; Chromium's own limit."""


def is_allowed(origin: str, request: Request, settings: Settings) -> bool:
    """Whether a browser may act for its user here on behalf of a page of this origin."""
    own = {settings.public_url, str(request.base_url).rstrip("/")}
    return origin.rstrip("/").lower() in {*own, *settings.allowed_origins}


def preflight(request: Request, settings: Settings) -> Response | None:
    """The answer to a browser that asks before it sends; None when there is nothing to allow."""
    origin = request.headers.get("origin")
    asked = request.method == "OPTIONS" and "access-control-request-method" in request.headers
    if not asked or not _for_others(request) or origin not in settings.allowed_origins:
        return None
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": "Content-Type, Last-Event-ID",
            "Access-Control-Max-Age": str(PREFLIGHT_S),
        },
    )


def add_headers(request: Request, headers: MutableHeaders, settings: Settings) -> None:
    """Let an allowed origin read this response. Caches keep the answers to origins apart."""
    if not _for_others(request):
        return
    headers["Vary"] = ", ".join(filter(None, (headers.get("Vary"), "Origin")))
    origin = request.headers.get("origin")
    if origin in settings.allowed_origins:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
        headers["Access-Control-Expose-Headers"] = "Retry-After"
    if request.url.path.startswith("/widget/"):
        # `same-origin`, the default, would keep the script from the clinic's own other pages.
        headers["Cross-Origin-Resource-Policy"] = "same-site"


def _for_others(request: Request) -> bool:
    return request.url.path.startswith(PATHS)
