"""The widget API: turns browser requests into inbound messages for intake."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy.orm import Session

from bot.app_state import AppState
from bot.channels.problems import Problem
from bot.conversations import transcript
from bot.conversations.models import Conversation, Message
from bot.errors import InvalidInbound
from bot.messages import InboundMessage
from bot.replies.texts import ReplyTexts

router = APIRouter(prefix="/api/chat", tags=["chat"])

EVENTS_POLL_S = 1.0
"""How often an open event stream looks for new messages."""
EVENTS_PING_S = 15.0
"""A comment line this often keeps proxies from closing a quiet stream."""


class Incoming(BaseModel):
    """One patient turn: words, or the id of a button that was offered."""

    model_config = ConfigDict(extra="forbid", strict=True)

    client_message_id: str = Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    text: str | None = None
    button_id: str | None = Field(default=None, max_length=80)

    @field_validator("text")
    @classmethod
    def _printable(cls, text: str | None) -> str | None:
        """Control characters mean nothing in a chat; new lines and tabs do."""
        return None if text is None else printable(text)

    @model_validator(mode="after")
    def _one_of_both(self) -> Incoming:
        if (self.text is None) == (self.button_id is None):
            raise ValueError("send either text or button_id")
        if self.text == "":
            raise ValueError("the message is empty")
        return self


class Thumb(BaseModel):
    """A patient's word on one reply."""

    model_config = ConfigDict(extra="forbid", strict=True)

    message_id: str = Field(max_length=32, pattern=r"^[0-9a-f]+$")
    helpful: bool
    comment: str | None = Field(default=None, max_length=500)

    @field_validator("comment")
    @classmethod
    def _printable(cls, comment: str | None) -> str | None:
        """What the database refuses (NUL, half characters) is no use to a reader either."""
        return None if comment is None else printable(comment)


def printable(text: str) -> str:
    """Drop control characters, half characters and invisible marks; keep lines and spaces."""
    spaced = (" " if c.isspace() and c not in "\n\t" else c for c in text.replace("\r\n", "\n"))
    return "".join(c for c in spaced if c in "\n\t" or c.isprintable()).strip()


def app_state(request: Request) -> AppState:
    """What the app opened at start."""
    state: AppState = request.app.state.clinic
    return state


State = Annotated[AppState, Depends(app_state)]


def same_origin(request: Request, state: State) -> None:
    """Refuse a browser that another site sent here.

    Raises:
        Problem: 403, for a foreign Origin.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = {state.settings.public_url, str(request.base_url).rstrip("/")}
    if origin.rstrip("/") not in own | set(state.settings.allowed_origins):
        raise Problem(403, "This chat cannot be used from another site.")


def current_conversation(request: Request, state: State) -> Conversation:
    """The conversation of the session cookie.

    Raises:
        Problem: 401, when there is none or it has ended.
    """
    token = request.cookies.get(state.cookie_name, "")
    with state.database.reading() as session:
        found = transcript.conversation_of_session(session, token, state.clock())
    if found is None:
        raise Problem(401, "Your chat session has ended. Please start a new one.")
    return found


Current = Annotated[Conversation, Depends(current_conversation)]


@router.post("/session", status_code=201, dependencies=[Depends(same_origin)])
def start_session(request: Request, response: Response, state: State) -> dict[str, Any]:
    """Start a conversation, or go on with the one the cookie names."""
    token = request.cookies.get(state.cookie_name, "")
    now = state.clock()
    with state.database.reading() as session:
        known = transcript.conversation_of_session(session, token, now) if token else None
    if known is None:
        state.limits.session(address_of(request))
        token = secrets.token_urlsafe(32)
        lifetime = timedelta(hours=state.settings.session_hours)
        with state.database.transaction() as session:
            known = transcript.start_conversation(
                session, "web", now, session_token=token, lifetime=lifetime
            )
        response.set_cookie(
            state.cookie_name,
            token,
            max_age=int(lifetime.total_seconds()),
            httponly=True,
            secure=state.settings.secure_cookies,
            samesite="lax",
            path="/",
        )
    return {"conversation_id": known.id, **opening(state.texts)}


def opening(texts: ReplyTexts) -> dict[str, Any]:
    """What a patient reads before the first message."""
    return {
        "notice": texts["notice"],
        "greeting": texts["greeting"],
        "quick_replies": [{"id": b.id, "title": b.title} for b in texts.quick_replies],
    }


@router.post("/messages", dependencies=[Depends(same_origin)])
def send_message(
    request: Request, state: State, conversation: Current, incoming: Incoming
) -> dict[str, Any]:
    """Take one message to its answer. The same id again gives the same answer."""
    if incoming.text is not None and len(incoming.text) > state.settings.max_message_chars:
        limit = state.settings.max_message_chars
        raise Problem(413, f"The message is too long. Please keep it under {limit} characters.")
    state.limits.message(conversation.id, address_of(request))
    inbound = InboundMessage(
        channel="web",
        conversation_id=conversation.id,
        client_message_id=incoming.client_message_id,
        received_at=state.clock(),
        text=incoming.text,
        button_id=incoming.button_id,
    )
    try:
        result = state.intake.handle(inbound)
    except InvalidInbound as error:
        raise Problem(422, error.detail) from error
    return {
        "message_id": result.message.public_id,
        "outcome": result.outcome.value,
        "replies": [reply_json(reply) for reply in result.replies],
    }


@router.get("/messages")
def read_history(
    state: State, conversation: Current, after: Annotated[str | None, Query(max_length=32)] = None
) -> dict[str, Any]:
    """The conversation so far, or what came after one message."""
    with state.database.reading() as session:
        return {"messages": _history(session, conversation.id, after)}


@router.get("/events")
async def stream_events(
    request: Request,
    state: State,
    conversation: Current,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[str | None, Query(max_length=32)] = None,
) -> StreamingResponse:
    """New messages as server-sent events; a reconnecting browser misses none."""
    return StreamingResponse(
        _events(request, state, conversation.id, last_event_id or after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.post("/feedback", status_code=204, dependencies=[Depends(same_origin)])
def give_feedback(state: State, conversation: Current, thumb: Thumb) -> None:
    """Keep a thumb on one reply of this conversation."""
    with state.database.transaction() as session:
        message = transcript.find_message(session, conversation.id, thumb.message_id)
        if message is None or message.sender == "patient":
            raise Problem(404, "There is no such reply in this chat.")
        transcript.save_feedback(session, message, thumb.helpful, thumb.comment, state.clock())


@router.delete("/session", status_code=204, dependencies=[Depends(same_origin)])
def delete_session(response: Response, state: State, conversation: Current) -> None:
    """Erase this conversation's words everywhere and end the session.

    Rasa's events go first: if that fails, the session still stands and the patient can
    ask again.
    """
    state.rasa_events.erase(conversation.id)
    with state.database.transaction() as session:
        transcript.erase(session, conversation.id, "patient", state.clock())
    # Browsers take a `__Host-` cookie, and so its end, only with `Secure`.
    response.delete_cookie(
        state.cookie_name,
        path="/",
        secure=state.settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def address_of(request: Request) -> str:
    """The caller's address; the server in front has already judged X-Forwarded-For."""
    return request.client.host if request.client else "unknown"


async def _events(
    request: Request, state: AppState, conversation_id: str, after: str | None
) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    quiet_since = loop.time()

    def read() -> tuple[list[dict[str, Any]], bool]:
        with state.database.reading() as session:
            conversation = session.get(Conversation, conversation_id)
            until = conversation.session_expires_at if conversation else None
            ended = until is None or until <= state.clock()
            return ([] if ended else _history(session, conversation_id, after)), ended

    while not await request.is_disconnected() and not state.closing.is_set():
        messages, ended = await asyncio.to_thread(read)
        for message in messages:
            after = message["id"]
            yield f"id: {after}\nevent: message\ndata: {json.dumps(message)}\n\n"
        if ended:
            yield "event: ended\ndata: {}\n\n"
            return
        if messages:
            quiet_since = loop.time()
        elif loop.time() - quiet_since > EVENTS_PING_S:
            quiet_since = loop.time()
            yield ": still here\n\n"
        await asyncio.sleep(EVENTS_POLL_S)


def _history(session: Session, conversation_id: str, after: str | None) -> list[dict[str, Any]]:
    urgent = transcript.urgent_message_ids(session, conversation_id)
    return [
        {
            **reply_json(message),
            # The outcome is not in the history, but an emergency must stand out there too.
            "urgent": message.sender == "assistant" and message.in_reply_to in urgent,
            "sender": message.sender,
            "at": message.at.isoformat(),
            "staff_name": message.staff_name,
            "client_message_id": message.client_message_id,
        }
        for message in transcript.history(session, conversation_id, after)
    ]


def reply_json(message: Message) -> dict[str, Any]:
    """One stored message in the shape of the contract."""
    answer = None
    if message.answer_id is not None:
        answer = {
            "id": message.answer_id,
            "title": message.answer_title,
            "version": message.answer_version,
            "reviewed_on": message.answer_reviewed_on,
        }
    return {
        "id": message.public_id,
        "text": message.text,
        "buttons": message.buttons or [],
        "answer": answer,
    }
