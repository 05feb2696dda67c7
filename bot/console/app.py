"""The console's routes, put together and added to the web app."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.responses import FileResponse

from bot.console import (
    account,
    answers,
    audit_page,
    conversation,
    figures,
    people,
    privacy,
    queue,
    review,
    sign_in,
    switch_page,
    transcripts,
    trial,
)
from bot.console.access import Refused, SignInNeeded, Visit, anyone, guard_changes
from bot.console.errors import HANDLERS, PREFIX
from bot.console.pages import FOLDER, NAVIGATION

ROUTERS = (
    sign_in.router,
    queue.router,
    conversation.router,
    transcripts.router,
    review.router,
    answers.router,
    trial.router,
    figures.router,
    account.router,
    people.router,
    privacy.router,
    switch_page.router,
    audit_page.router,
)
"""One per task. A new page adds its router here and, for the top bar, a line to NAVIGATION."""


def add_console(app: FastAPI) -> None:
    """Add every route under /console, behind the check of changes."""
    console = APIRouter(prefix=PREFIX, include_in_schema=False)
    for router in ROUTERS:
        console.include_router(router)
    console.add_api_route("/static/{name}", static_file, methods=["GET"])
    console.add_api_route("", home, methods=["GET"])
    console.add_api_route("/", home, methods=["GET"])
    app.include_router(console, dependencies=[Depends(guard_changes)])
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)


def home(visit: Annotated[Visit, Depends(anyone)]) -> Response:
    """Lead to the first page that the role may see."""
    if visit.staff is None or visit.staff.stage != "full":
        raise SignInNeeded
    for path, _, permission in NAVIGATION:
        if visit.staff.may(permission):
            return visit.go(path)
    return visit.go("/console/account")


def static_file(name: str) -> FileResponse:
    """Style and scripts. They hold nothing private, and the sign-in page needs them."""
    known = {path.name: path for path in (FOLDER / "static").iterdir()}
    if name not in known:
        raise Refused(404, "There is no such file.")
    return FileResponse(known[name], headers={"Cache-Control": "no-cache"})
