"""The widget API: turns browser requests into inbound messages for intake."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy.exc import SQLAlchemyError

from bot.app_state import AppState
from bot.channels import chat_json, events, origins
from bot.channels.problems import Problem
from bot.content.models import AnswerVersion
from bot.content.sources import load_sources
from bot.conversations import erasure, transcript
from bot.conversations.models import Conversation
from bot.conversations.set_aside import UNKNOWN_CONVERSATION
from bot.errors import InvalidInbound
from bot.messages import InboundMessage, Language

router = APIRouter(prefix="/api/chat", tags=["chat"])

known_sources = lru_cache(load_sources)
"""Read at the first question, then kept."""


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


MessageId = Annotated[str, Path(max_length=32, pattern=r"^[0-9a-f]+$")]


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


async def app_state(request: Request) -> AppState:
    """What the app opened at start. Asynchronous, as waiting for a thread takes longer."""
    state: AppState = request.app.state.clinic
    return state


State = Annotated[AppState, Depends(app_state)]


async def same_origin(request: Request, state: State) -> None:
    """Refuse a browser that another site sent here. Asynchronous as `app_state`.

    Raises:
        Problem: 403, for a foreign Origin.
    """
    origin = request.headers.get("origin")
    if origin is not None and not origins.is_allowed(origin, request, state.settings):
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


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose message it is; with ``trouble`` the database could not say."""

    conversation_id: str
    trouble: SQLAlchemyError | None = None


def speaker(request: Request, state: State) -> Speaker:
    """The conversation of the session cookie, or only the session while nothing can be read.

    Raises:
        Problem: 401, as `current_conversation`, also for want of a cookie.
    """
    try:
        return Speaker(current_conversation(request, state).id)
    except SQLAlchemyError as error:
        token = request.cookies.get(state.cookie_name, "")
        if not token:
            raise Problem(401, "Your chat session has ended. Please start a new one.") from error
        return Speaker(UNKNOWN_CONVERSATION + transcript.hash_token(token), error)


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
    opening = chat_json.opening(state.texts, language_of(request))
    return {"conversation_id": known.id, **opening}


@router.post("/messages", dependencies=[Depends(same_origin)])
def send_message(request: Request, state: State, incoming: Incoming) -> dict[str, Any]:
    """Take one message to its answer. The same id again gives the same answer."""
    # Not a dependency: that would be one more wait for a thread, which an emergency feels.
    sender = speaker(request, state)
    if incoming.text is not None and len(incoming.text) > state.settings.max_message_chars:
        limit = state.settings.max_message_chars
        raise Problem(413, f"The message is too long. Please keep it under {limit} characters.")
    state.limits.message(sender.conversation_id, address_of(request))
    inbound = InboundMessage(
        channel="web",
        conversation_id=sender.conversation_id,
        client_message_id=incoming.client_message_id,
        received_at=state.clock(),
        text=incoming.text,
        button_id=incoming.button_id,
    )
    try:
        if sender.trouble is None:
            result = state.intake.handle(inbound)
        elif found := state.intake.without_database(inbound, type(sender.trouble).__name__):
            result = found
        else:
            raise sender.trouble
    except InvalidInbound as error:
        raise Problem(422, error.detail) from error
    return {
        "message_id": result.message.public_id,
        "outcome": result.outcome.value,
        "replies": [chat_json.reply(reply) for reply in result.replies],
    }


@router.get("/messages")
def read_history(
    state: State, conversation: Current, after: Annotated[str | None, Query(max_length=32)] = None
) -> dict[str, Any]:
    """The conversation so far, or what came after one message."""
    with state.database.reading() as session:
        messages = chat_json.history(session, conversation.id, after)
    return {"messages": messages, "answering": chat_json.answering(conversation)}


@router.get("/messages/{message_id}/sources")
def read_sources(state: State, conversation: Current, message_id: MessageId) -> dict[str, Any]:
    """Where the answer in one reply of this conversation comes from, in the words of the list."""
    with state.database.reading() as session:
        message = transcript.find_message(session, conversation.id, message_id)
        key = (message.answer_id, message.answer_version) if message else (None, None)
        shown = session.get(AnswerVersion, key) if None not in key else None
        if shown is None:
            raise Problem(404, "There is no such answer in this chat.")
        known = known_sources()
        return {"sources": [known[name].citation for name in shown.source if name in known]}


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
        events.stream(state, conversation.id, last_event_id or after, request.is_disconnected),
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

    Under a legal hold the words stay, unreachable by this session, until it is released.
    """
    erasure.erase_conversation(
        state.database, state.rasa_events, conversation.id, "patient", state.clock()
    )
    # Browsers take a `__Host-` cookie, and so its end, only with `Secure`.
    response.delete_cookie(
        state.cookie_name,
        path="/",
        secure=state.settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def language_of(request: Request) -> Language:
    """The language of the widget around the chat; it names one only."""
    return "es" if request.headers.get("accept-language", "").lower().startswith("es") else "en"


def address_of(request: Request) -> str:
    """The caller's address; the server in front has already judged X-Forwarded-For."""
    return request.client.host if request.client else "unknown"
