"""Errors of the web app as JSON problems (RFC 9457), with a plain message each."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"

_PLAIN = {
    400: "The request could not be read.",
    404: "There is nothing at this address.",
    405: "This address does not take requests of this kind.",
}
"""What the framework's own errors say, in plain words."""


class Problem(Exception):
    """An error to be told to the caller.

    Attributes:
        status: HTTP status, 4xx or 5xx.
        detail: Plain words for a person; nothing they sent is repeated.
        retry_after_s: When it makes sense to try again.
    """

    def __init__(self, status: int, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s


def problem_response(
    status: int, detail: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Make the response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return JSONResponse(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)


async def on_problem(_request: Request, error: Exception) -> JSONResponse:
    """Handler for `Problem`."""
    assert isinstance(error, Problem)
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else None
    return problem_response(error.status, error.detail, headers)


async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
    """Handler for bodies that do not fit: says which field, never what was in it."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem_response(400, "The request is not valid JSON.")
    if first["type"] == "extra_forbidden":
        # The unknown name is the caller's own words, so it is not said back.
        return problem_response(422, "The request has a field that is not known here.")
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
    reason = first["msg"].removeprefix("Value error, ")
    return problem_response(422, f"{field or 'The request'}: {reason}.")


async def on_http_error(_request: Request, error: Exception) -> JSONResponse:
    """Handler for errors that the framework raises, such as an unknown path."""
    assert isinstance(error, HTTPException)
    detail = _PLAIN.get(error.status_code, str(error.detail))
    return problem_response(error.status_code, detail, dict(error.headers or {}))
