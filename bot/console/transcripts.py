"""Finding conversations, and taking them out as CSV or JSON lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import select

from bot.audit.log import Action
from bot.channels.web import printable
from bot.console.access import Allowed, Refused, Visit
from bot.content.files import load_topics
from bot.content.models import Answer
from bot.conversations.redaction import snippet
from bot.errors import InvalidInbound
from bot.members.permissions import May
from bot.messages import Language, Outcome, Tier
from bot.review import saved_filters
from bot.review.export import FORMATS, lines
from bot.review.intents import intent_names
from bot.review.search import EACH, SAMPLE, Cursor, Filter, count, find
from bot.review.store import VERDICTS
from bot.settings import ROOT

router = APIRouter(prefix="/transcripts")

Reader = Annotated[Visit, Depends(Allowed(May.SEE_TRANSCRIPTS))]
Exporter = Annotated[Visit, Depends(Allowed(May.EXPORT_REDACTED))]
FullExporter = Annotated[Visit, Depends(Allowed(May.EXPORT_IN_FULL))]

FIELDS = (
    *("channel", "since", "until", "outcome", "tier", "topic", "intent", "answer", "below"),
    *("feedback", "reviewed", "verdict", "flagged", "language", "words"),
    *("each", "near", "sample", "waiting"),
)
FIRST_FIELDS = frozenset({"words", "since", "until", "channel", "outcome", "tier"})
"""Always in sight; the others are under a fold."""
CHANNELS = ("web", "sms", "console", "evaluation")
EACH_NAMES = {
    "begun": ("conversation", "Conversations, by the day they began"),
    "message": ("message", "Messages, each that fits"),
    "reply": ("answer", "Answers given"),
    "thumb": ("rated reply", "Rated replies, by the day of the thumb"),
    "escalation": ("escalation", "Escalations, by the day they were opened"),
}
"""What one line of a list is, by `Filter.each`, and how the form says it."""
MAX_CHARS = 200


@router.get("")
def show(visit: Reader, request: Request) -> Response:
    """A page of conversations, newest first, each with the message that fits the filter."""
    asked = _asked(request.query_params)
    wanted = read_filter(visit, asked)
    with visit.state.database.reading() as session:
        before = _cursor(request.query_params.get("before", ""), wanted.each)
        page = find(session, wanted, before)
        # Not with words: to count all messages with a common one takes too long.
        counted = wanted.each and before is None and not wanted.words
        number = count(session, wanted) if counted else None
        answers = list(session.scalars(select(Answer.id).order_by(Answer.id)))
        saved = saved_filters.of(session, visit.member.member_id)
    older = ""
    if page.older is not None:
        mark = f"{page.older[0].isoformat()}_{page.older[1]}"
        older = urlencode({**asked, "before": mark})
    return visit.page(
        "transcripts.html",
        found=[(item, snippet(item.message.text) if item.message else "") for item in page.found],
        number=number,
        unit=EACH_NAMES.get(wanted.each, ("", ""))[0],
        each_names=EACH_NAMES,
        asked=asked,
        more=not FIRST_FIELDS.issuperset(asked),
        older=older,
        saved=[(kept, urlencode(kept.asked)) for kept in saved],
        choices={
            "channel": CHANNELS,
            "outcome": [outcome.value for outcome in Outcome],
            "tier": [tier.name for tier in sorted(Tier, reverse=True)],
            "topic": list(load_topics(ROOT / "data" / "topics.yml")),
            "feedback": ("any", "helpful", "not_helpful"),
            "reviewed": ("yes", "no"),
            "verdict": list(VERDICTS),
            "sample": SAMPLE,
            "language": Language.__args__,  # type: ignore[attr-defined]
        },
        intents=intent_names(),
        answers=answers,
    )


@router.post("/filters")
async def keep_filter(visit: Reader, request: Request) -> Response:
    """Keep what is asked for under a name; the same name again replaces it."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    asked = _asked(form)
    read_filter(visit, asked)
    try:
        name = printable(form.get("name", ""))
        with visit.state.database.transaction() as session:
            saved_filters.keep(session, visit.member.member_id, name, asked, visit.now)
    except (InvalidInbound, ValueError) as error:
        raise Refused(422, getattr(error, "detail", "") or "Give the filter a name.") from error
    return visit.go("/console/transcripts", said="filter-saved", **asked)


@router.post("/filters/{number}/remove")
def remove_filter(visit: Reader, number: Annotated[int, Path(ge=1, le=2**31 - 1)]) -> Response:
    """Forget one of one's own filters."""
    with visit.state.database.transaction() as session:
        if not saved_filters.remove(session, visit.member.member_id, number):
            raise Refused(404, "You have no such filter.")
    return visit.go("/console/transcripts", said="filter-removed")


@router.post("/export")
async def export(visit: Exporter, request: Request) -> Response:
    """Every message of the conversations that fit, personal particulars taken out."""
    return await _export(visit, request, redacted=True)


@router.post("/export-in-full")
async def export_in_full(visit: FullExporter, request: Request) -> Response:
    """Every message of the conversations that fit, as it was written."""
    return await _export(visit, request, redacted=False)


async def _export(visit: Visit, request: Request, *, redacted: bool) -> Response:
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    kind = form.get("format", "csv")
    if kind not in FORMATS:
        raise Refused(422, "Choose CSV or JSON lines.")
    wanted = read_filter(visit, _asked(form))
    used = ",".join(name for name in FIELDS if form.get(name))
    with visit.state.database.transaction() as session:
        # Before the first line leaves: an export that breaks off is on record too.
        visit.record(
            session, Action.TRANSCRIPTS_EXPORTED, format=kind, redacted=redacted, by=used[:120]
        )
    name = f"transcripts-{visit.now:%Y%m%d-%H%M}.{kind}"
    return StreamingResponse(
        lines(visit.state.database, wanted, kind, redacted),
        media_type=FORMATS[kind],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def read_filter(visit: Visit, asked: Mapping[str, str]) -> Filter:
    """The form's fields as a filter. Days are the clinic's, the last one included.

    Raises:
        Refused: 422, when a day or a number is none.
    """
    zone = visit.state.clinic.time_zone

    def day(name: str, more: int = 0) -> datetime | None:
        if not asked.get(name):
            return None
        try:
            wanted = date.fromisoformat(asked[name]) + timedelta(days=more)
            return datetime(wanted.year, wanted.month, wanted.day, tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Refused(422, "Give days as year-month-day, such as 2026-11-23.") from error

    below = None
    if asked.get("below"):
        try:
            below = float(asked["below"])
        except ValueError as error:
            raise Refused(422, "Give the confidence as a number from 0 to 1.") from error
        if not 0 <= below <= 1:
            raise Refused(422, "Give the confidence as a number from 0 to 1.")
    tier, each = asked.get("tier", ""), asked.get("each", "")
    return Filter(
        channel=asked.get("channel", ""),
        since=day("since"),
        until=day("until", 1),
        outcome=asked.get("outcome", ""),
        tier=int(Tier[tier]) if tier in Tier.__members__ else None,
        topic=asked.get("topic", ""),
        intent=asked.get("intent", ""),
        answer=asked.get("answer", ""),
        below=below,
        feedback=asked.get("feedback", ""),
        reviewed=asked.get("reviewed", ""),
        verdict=asked.get("verdict", ""),
        flagged=asked.get("flagged") == "yes",
        language=asked.get("language", ""),
        words=asked.get("words", ""),
        each=each if each in EACH else "",
        near=asked.get("near", ""),
        sample=asked.get("sample", ""),
        waiting=asked.get("waiting") == "yes",
    )


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    found = {name: given.get(name, "").replace("\0", "").strip()[:MAX_CHARS] for name in FIELDS}
    return {name: value for name, value in found.items() if value}


def _cursor(mark: str, each: str) -> Cursor | None:
    at, _, last = mark[:80].partition("_")
    try:
        read = datetime.fromisoformat(at)
        if read.tzinfo is None or not last:
            return None
        if each == "begun":
            return read, last
        return (read, int(last)) if 0 < int(last) < 2**31 else None
    except ValueError:
        return None
