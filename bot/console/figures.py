"""The figures of the clinic, each with its table, its conversations and its CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy.orm import Session

from bot.console.access import Allowed, Refused, Visit
from bot.members.permissions import May
from bot.messages import Outcome
from bot.review import figures, store
from bot.review.export import row
from bot.review.figures import MAX_DAYS, Series, Span

router = APIRouter(prefix="/figures")

Reader = Annotated[Visit, Depends(Allowed(May.SEE_FIGURES))]
Day = Annotated[str, Query(max_length=10)]
Step = Annotated[str, Query(max_length=4)]

USUAL_DAYS = 28
SHOWN = 12
"""Topics and groups of questions on the page; the files have all."""
HEIGHT, WIDTH, BASE = 160, 720, 130


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn series: its parts, each a name and the outline of its bars; its top; its days."""

    parts: list[tuple[str, str]]
    top: int
    labels: list[tuple[float, str]]


@router.get("")
def show(visit: Reader, since: Day = "", until: Day = "", by: Step = "day") -> Response:
    """The page of figures for some weeks."""
    span = _span(visit, since, until, by)
    with visit.state.database.reading() as session:
        begun = figures.conversations(session, span)
        ended = figures.outcomes(session, span)
        context: dict[str, Any] = {
            "topics": figures.topics(session, span)[:SHOWN],
            "unanswered": figures.unanswered(session, span, SHOWN),
            "thumbs": figures.thumbs(session, span),
            "clocks": figures.clocks(session, span),
            "accuracy": store.accuracy(session, span.since, span.until),
            "due": figures.content_due(session, visit.state.clinic.local_date(visit.now)),
            "missed": store.missed_open(session),
        }
    channels = sorted({name for counts in begun.values() for name in counts})
    kinds = [o.value for o in Outcome if any(o.value in counts for counts in ended.values())]
    return visit.page(
        "figures.html",
        span=span,
        by=by if by == "week" else "day",
        begun=begun,
        channels=channels,
        ended=ended,
        kinds=kinds,
        totals={kind: sum(counts[kind] for counts in ended.values()) for kind in kinds},
        begun_picture=draw(begun, channels),
        ended_picture=draw(_grouped(ended), list(GROUPS)),
        today=visit.state.clinic.local_date(visit.now),
        **context,
    )


@router.get("/csv/{name}")
def as_csv(
    visit: Reader,
    name: Annotated[str, Path(max_length=20)],
    since: Day = "",
    until: Day = "",
    by: Step = "day",
) -> Response:
    """One of the tables as a file."""
    span = _span(visit, since, until, by)
    with visit.state.database.reading() as session:
        rows = _table(visit, session, name, span)
    return Response(
        "".join(row(cells) for cells in rows),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{span.first}-{span.last}.csv"',
            "Cache-Control": "no-store",
        },
    )


GROUPS = {
    "answered": ("answered", "answered_with_referral", "smalltalk"),
    "asked back": ("clarifying",),
    "no answer": ("no_answer", "refused", "queued"),
    "to staff": (
        *("staff_requested", "escalated_routine", "escalated_urgent", "escalated_emergency"),
        *("staff_owned", "opted_out"),
    ),
}
"""Outcomes as the picture shows them; the table has each."""


def draw(series: Series, parts: list[str]) -> Picture:
    """Stacked bars, one for each step, in the order of ``parts`` from the ground up.

    One path holds all bars of a part: a year by day has two thousand.
    """
    top = max((counts.total() for counts in series.values()), default=0) or 1
    pitch = WIDTH / max(1, len(series))
    gap = min(2.0, pitch / 4)
    bars: dict[str, list[str]] = {name: [] for name in parts}
    labels: list[tuple[float, str]] = []
    every = max(1, len(series) // 7)
    for number, (start, counts) in enumerate(series.items()):
        x, y = number * pitch, float(BASE)
        if number % every == 0:
            labels.append((round(x, 1), f"{start:%b} {start.day}"))
        for name in parts:
            if counts[name]:
                height = counts[name] / top * (BASE - 10)
                y -= height
                bars[name].append(
                    f"M{x + gap / 2:.2f} {y:.1f}h{pitch - gap:.2f}v{height:.1f}h-{pitch - gap:.2f}z"
                )
    return Picture([(name, "".join(drawn)) for name, drawn in bars.items()], top, labels)


def _grouped(series: Series) -> Series:
    return {
        start: type(counts)({g: sum(counts[o] for o in kinds) for g, kinds in GROUPS.items()})
        for start, counts in series.items()
    }


def _table(visit: Visit, session: Session, name: str, span: Span) -> list[list[Any]]:
    if name in ("conversations", "outcomes"):
        series = getattr(figures, name)(session, span)
        names = sorted({key for counts in series.values() for key in counts})
        body = [[start.isoformat(), *(c[n] for n in names)] for start, c in series.items()]
        return [["from", *names], *body]
    if name == "topics":
        return [["topic", "answers"], *([t, n] for t, n in figures.topics(session, span))]
    if name == "unanswered":
        found = figures.unanswered(session, span)
        return [
            ["nearest_answer", "messages", "examples"],
            *([q.nearest, q.count, " | ".join(q.examples)] for q in found),
        ]
    if name == "thumbs":
        return [["helpful", "not_helpful"], list(figures.thumbs(session, span))]
    if name == "escalations":
        return [
            ["tier", "opened", "waiting", "median_minutes_to_acknowledge", "to_resolve"],
            *(
                [c.tier.name, c.opened, c.waiting, c.to_acknowledge, c.to_resolve]
                for c in figures.clocks(session, span)
            ),
        ]
    if name == "accuracy":
        read = store.accuracy(session, span.since, span.until)
        return [
            ["drawn", "judged", "right", "share", "low", "high"],
            [read.drawn, read.judged, read.right, read.share, *(read.interval or (None, None))],
        ]
    if name == "content":
        today = visit.state.clinic.local_date(visit.now)
        due = figures.content_due(session, today)
        return [["answer", "review_due"], *([v.answer_id, str(v.review_due)] for v in due)]
    raise Refused(404, "There is no such table.")


def _span(visit: Visit, since: str, until: str, by: str) -> Span:
    clinic = visit.state.clinic
    try:
        last = date.fromisoformat(until) if until else clinic.local_date(visit.now)
        first = date.fromisoformat(since) if since else last - timedelta(days=USUAL_DAYS - 1)
    except (ValueError, OverflowError) as error:
        raise Refused(422, "Give days as year-month-day, such as 2026-11-23.") from error
    if not 0 <= (last - first).days < MAX_DAYS or not 2000 <= first.year <= 2200:
        raise Refused(422, f"Choose at most {MAX_DAYS} days, the first before the last.")
    return Span(first, last, clinic.time_zone, 7 if by == "week" else 1)
