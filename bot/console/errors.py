"""What the console shows when something cannot be done."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from bot.console.access import Refused, SignInNeeded, anyone
from bot.console.pages import HEADERS
from bot.members.accounts import AccountError

Handler = Callable[[Request, Exception], Awaitable[Response]]

PREFIX = "/console"


def is_console(request: Request) -> bool:
    """Whether a request is for the console, whose errors are pages for people."""
    path = request.url.path
    return path == PREFIX or path.startswith(PREFIX + "/")


async def on_sign_in_needed(request: Request, _error: Exception) -> Response:
    """Lead a page's reader to the sign-in and back; refuse anything else."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query = "" if target.rstrip("/") == PREFIX else f"?next={_quoted(target)}"
        return RedirectResponse(f"{PREFIX}/sign-in{query}", status_code=303, headers=HEADERS)
    return error_page(
        request, 401, "You are not signed in, or your session has ended. Nothing was changed."
    )


async def on_refused(request: Request, error: Exception) -> Response:
    """A page with the plain reason."""
    assert isinstance(error, Refused)
    return error_page(request, error.status, error.detail)


async def on_account_error(request: Request, error: Exception) -> Response:
    """What was asked of an account cannot be done."""
    return error_page(request, 422, str(error))


def error_page(request: Request, status: int, detail: str) -> Response:
    """A page that says what is wrong and where to go on."""
    visit = anyone(request, request.app.state.clinic)
    return visit.page("error.html", status, detail=detail)


def as_page(handler: Handler) -> Handler:
    """The same error as a page where the console is asked, as JSON elsewhere."""

    async def handle(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        if not is_console(request):
            return response
        return error_page(request, response.status_code, _detail(response))

    return handle


def _detail(response: Response) -> str:
    detail: str = json.loads(bytes(response.body))["detail"]
    return detail


def _quoted(text: str) -> str:
    return quote(text, safe="/")


HANDLERS: dict[type[Exception], Handler] = {
    SignInNeeded: on_sign_in_needed,
    Refused: on_refused,
    AccountError: on_account_error,
}
