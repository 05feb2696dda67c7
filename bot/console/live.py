"""Server-sent events that tell a page of the console to look again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from bot.console.access import Visit
from bot.members import sessions

POLL_S = 1.0
PING_S = 15.0
"""A comment this often keeps proxies from closing a quiet stream; the session is looked at too."""

Look = Callable[[Session], tuple[str, dict[str, Any]]]
"""Gives what changes when the page should, and the data of the event."""


def stream(visit: Visit, look: Look) -> StreamingResponse:
    """Tell the page whenever ``look`` gives something new; end with the session.

    The first event comes at once, so that a page that was away catches up. The stream
    does not keep the session alive.
    """
    return StreamingResponse(
        _events(visit, look),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(visit: Visit, look: Look) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    state, last, next_ping = visit.state, "", loop.time() + PING_S

    def read() -> tuple[str, dict[str, Any]]:
        with state.database.reading() as session:
            return look(session)

    def signed_in() -> bool:
        with state.database.reading() as session:
            return sessions.find(session, visit.token, state.clock()) is not None

    while not await visit.request.is_disconnected() and not state.closing.is_set():
        mark, data = await asyncio.to_thread(read)
        if mark != last:
            last = mark
            yield f"event: changed\ndata: {json.dumps({'mark': mark, **data})}\n\n"
        if loop.time() >= next_ping:
            next_ping = loop.time() + PING_S
            if not await asyncio.to_thread(signed_in):
                yield "event: ended\ndata: {}\n\n"
                return
            yield ": still here\n\n"
        await asyncio.sleep(POLL_S)
