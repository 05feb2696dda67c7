"""Who is asking and what they may do. Every console route passes through here.

A route names its permission by its first parameter:

    @router.get("/figures")
    def figures(visit: Annotated[Visit, Depends(Allowed(May.SEE_FIGURES))]) -> Response:

and a state-changing one is checked for its form token and Origin by `guard_changes`,
which the whole console depends on.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from bot.app_state import AppState
from bot.audit.log import Action, Actor
from bot.channels.web import State, address_of
from bot.console.pages import render
from bot.members import sessions
from bot.members.permissions import May
from bot.members.sessions import SignedIn

FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
FORM_TOKEN_HEADER = "X-Form-Token"  # noqa: S105 - the name of a header
BACKGROUND_HEADER = "X-Background"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
CHANGES = ("POST", "PUT", "PATCH", "DELETE")


class SignInNeeded(Exception):
    """Nobody is signed in. A page leads to the sign-in; a change is refused."""


class Refused(Exception):
    """The request is refused.

    Attributes:
        status: 4xx.
        detail: Plain words for the person.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(slots=True)
class Visit:
    """One request to the console, with what its page needs.

    ``staff`` is None before sign-in. ``token`` is the cookie's, or a new one where the
    browser had none; ``page`` then sets it.
    """

    request: Request
    state: AppState
    token: str
    staff: SignedIn | None
    now: datetime
    new_cookie: bool = field(default=False)

    @property
    def address(self) -> str:
        """Where the request comes from, as the proxy in front reports it."""
        return address_of(self.request)

    @property
    def background(self) -> bool:
        """Whether the page asks by itself, which does not count as the person being there."""
        return self.request.headers.get(BACKGROUND_HEADER) is not None

    @property
    def member(self) -> SignedIn:
        """Who is signed in; `Allowed` has made sure of it."""
        if self.staff is None:
            raise SignInNeeded
        return self.staff

    @property
    def actor(self) -> Actor:
        """Who to name in the audit log."""
        if self.staff is None:
            return Actor(None, "not signed in", self.address)
        return Actor(self.staff.member_id, self.staff.name, self.address)

    @property
    def form_token(self) -> str:
        """What every form of this browser's session carries."""
        return sessions.form_token(self.token)

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """Render a template with what the layout needs."""
        response = render(
            template,
            status,
            visit=self,
            staff=self.staff,
            form_token=self.form_token,
            clinic=self.state.clinic,
            now=self.now,
            said=self.request.query_params.get("said", ""),
            path=self.request.url.path,
            **context,
        )
        if self.new_cookie:
            self.set_cookie(response, self.token)
        return response

    def go(self, path: str, said: str = "", **query: str | int) -> Response:
        """Send the browser on after a change, so that reloading repeats nothing.

        Args:
            said: Key in `pages.NOTICES` of what to tell the person there.
        """
        parts = {**query, **({"said": said} if said else {})}
        return RedirectResponse(f"{path}?{urlencode(parts)}" if parts else path, status_code=303)

    def set_cookie(self, response: Response, token: str) -> None:
        """Give the browser a token. It lives until the browser closes or the session ends."""
        response.set_cookie(
            cookie_name(self.state),
            token,
            httponly=True,
            secure=self.state.settings.secure_cookies,
            # Lax: a link in a notification leads into the console. Changes are also
            # checked for form token and Origin.
            samesite="lax",
            path="/",
        )

    def record(
        self,
        session: Session,
        action: Action,
        object_kind: str = "",
        object_id: str | int = "",
        **details: str | int | bool | None,
    ) -> None:
        """Append to the audit log what this person does, in the caller's transaction."""
        known = {name: value for name, value in details.items() if value is not None}
        log = self.state.audit
        log.record(session, action, self.actor, self.now, object_kind, object_id, known)


def anyone(request: Request, state: State) -> Visit:
    """A visit of whoever it is, for the pages before sign-in."""
    token = request.cookies.get(cookie_name(state), "")
    now = state.clock()
    if not token:
        return Visit(request, state, secrets.token_urlsafe(32), None, now, new_cookie=True)
    with state.database.reading() as session:
        return Visit(request, state, token, sessions.find(session, token, now), now)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A dependency: lets in who is signed in and holds the permission.

    Attributes:
        permission: As in the table of `bot.members.permissions`.
        background: The page asks by itself (a stream, a look at the clock), which does not
            count as the person being there.
    """

    permission: May
    background: bool = False

    def __call__(self, visit: Annotated[Visit, Depends(anyone)]) -> Visit:
        """Check, and start the idle clock again.

        Raises:
            SignInNeeded: Nobody is signed in, or the sign-in is not finished.
            Refused: 403, when the role does not hold the permission.
        """
        if visit.staff is None or visit.staff.stage != "full":
            raise SignInNeeded
        if not visit.staff.may(self.permission):
            raise Refused(403, "Your role does not allow this. An admin can change your role.")
        by_itself = self.background or visit.background
        if not by_itself and visit.now - visit.staff.last_seen_at >= sessions.SEEN_EVERY:
            with visit.state.database.transaction() as session:
                sessions.seen(session, visit.staff.session_id, visit.now)
        return visit


def cookie_name(state: AppState) -> str:
    """`__Host-` binds the cookie to this very host; browsers ask for HTTPS with it."""
    return "__Host-clinic_console" if state.settings.secure_cookies else "clinic_console"


async def guard_changes(request: Request, state: State) -> None:
    """Refuse a change that another site may have caused.

    Both checks must hold: the browser says that the request comes from our own pages, and
    the form carries the token of this browser's session.

    Raises:
        Refused: 403.
    """
    if request.method not in CHANGES:
        return
    if request.headers.get("origin", "").rstrip("/") not in own_origins(request, state):
        raise Refused(403, "This was not sent by a page of the console, so it was refused.")
    sent: object = request.headers.get(FORM_TOKEN_HEADER)
    if sent is None:
        sent = (await request.form()).get(FORM_TOKEN)
    token = request.cookies.get(cookie_name(state), "")
    expected = sessions.form_token(token)
    if not token or not isinstance(sent, str) or not hmac.compare_digest(_ascii(sent), expected):
        raise Refused(403, "This page was out of date. Please go back, reload it and try again.")


def own_origins(request: Request, state: AppState) -> set[str]:
    """Where our own pages are. On a developer's machine any loopback name and port.

    `ALLOWED_ORIGINS` is for the chat and of no concern here.
    """
    settings = state.settings
    own = {settings.public_url}
    base = str(request.base_url).rstrip("/")
    if not settings.secure_cookies and urlsplit(base).hostname in LOOPBACK:
        own.add(base)
    return own


def safe_next(path: str) -> str:
    """A path to go on to after sign-in, if it is one of the console's; else its start."""
    inside = path.startswith("/console/") and not any(c in path for c in "\\\r\n\t")
    return path if inside and "//" not in path.partition("?")[0] else "/console/"


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()
