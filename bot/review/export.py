"""Transcripts as CSV or JSON lines, a piece at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from sqlalchemy import select

from bot.conversations.models import Conversation, Message
from bot.conversations.redaction import redact
from bot.db import Database
from bot.review.search import Cursor, Filter, find

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
COLUMNS = (
    *("conversation_id", "channel", "message_id", "at", "sender", "text", "outcome", "tier"),
    *("intent", "confidence", "language", "answer_id", "answer_version", "latency_ms"),
)
BATCH = 200

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def lines(database: Database, wanted: Filter, kind: str, redacted: bool) -> Iterator[str]:
    """The file, in pieces, so that neither memory nor a transaction holds all of it.

    Each piece is read on its own: what is erased meanwhile is left out or erased already.
    """
    if kind == "csv":
        yield row(COLUMNS)
    before: Cursor | None = None
    # Where messages or escalations are listed, a conversation may come again.
    written: set[str] = set()
    while True:
        with database.reading() as session:
            page = find(session, wanted, before, BATCH)
            conversations = {
                item.conversation.id: item.conversation
                for item in page.found
                if item.conversation.id not in written
            }
            written |= set(conversations)
            messages = session.scalars(
                select(Message)
                .where(Message.conversation_id.in_(list(conversations)))
                .order_by(Message.conversation_id, Message.id)
            ).all()
        yield "".join(_line(conversations[m.conversation_id], m, kind, redacted) for m in messages)
        before = page.older
        if before is None:
            return


def row(cells: Sequence[object]) -> str:
    """One line of CSV that no spreadsheet takes for a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    value = value.replace("\0", "")
    return "'" + value if value.lstrip(" ").startswith(_FORMULA) else value


def _line(conversation: Conversation, message: Message, kind: str, redacted: bool) -> str:
    text = redact(message.text) if redacted else message.text
    values = (
        *(conversation.id, conversation.channel, message.public_id),
        *(message.at.isoformat(timespec="seconds"), message.sender, text, message.outcome),
        *(message.tier, message.intent, message.confidence, message.language),
        *(message.answer_id, message.answer_version, message.latency_ms),
    )
    if kind == "csv":
        return row(values)
    return json.dumps(dict(zip(COLUMNS, values, strict=True)), ensure_ascii=False) + "\n"
