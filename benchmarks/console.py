"""How long the console's pages take on many conversations: p50 and p95 of each page.

    python -m benchmarks.console [--database URL]... [--rounds 20] [--limit-ms 300] [--write]

Through the whole web app, signed in as an admin, in one process and without a network. The
pages take turns, so that a busy moment of the machine hits all of them; the first line is a
page that asks the database nearly nothing, for comparison. Each database is filled with made-up
conversations first, unless it holds them already. Fails when a page's p95 is over the limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fastapi.testclient import TestClient
from sqlalchemy import func, select, text

from benchmarks.machine import describe, table, write_results
from benchmarks.metrics import percentile
from bot.app_state import AppState, open_app_state
from bot.console.access import cookie_name
from bot.content.files import load_answers
from bot.content.store import seed
from bot.conversations.models import Conversation, Message
from bot.db import utc_now
from bot.members import accounts, sessions
from bot.members.permissions import Role
from bot.messages import Outcome, Tier
from bot.migrate import migrate
from bot.review.commands import fill_demo
from bot.review.store import VERDICTS
from bot.settings import ROOT, SECRETS, load_settings
from bot.triage.rules import load_rules
from bot.triage.screen import Screen
from bot.web import create_app

LIMIT_MS: Final = 300.0
EMAIL: Final = "bench@clinic.example"
BASELINE: Final = "account (baseline)"
"""What the web app and a few look-ups by key cost by themselves."""

FILTERS: Final[Mapping[str, Sequence[str]]] = {
    "channel": ("web", "sms", "console", "evaluation"),
    "since": ("{week}", "2020-01-01"),
    "until": ("{year}", "{week}", "2020-01-01"),
    "outcome": tuple(outcome.value for outcome in Outcome),
    "tier": tuple(Tier.__members__),
    "topic": ("aftercare", "cost", "candidacy_pregnancy", "other"),
    "intent": ("ask_aftercare", "ask_pain", "out_of_scope", "thank", "report_symptom"),
    "answer": ("does-it-hurt", "aftercare-makeup", "no-such-answer"),
    "below": ("0", "0.05", "0.5", "0.9", "1"),
    "feedback": ("any", "helpful", "not_helpful"),
    "reviewed": ("yes", "no"),
    "verdict": tuple(VERDICTS),
    "flagged": ("yes",),
    "language": ("en", "es"),
    "words": ("how", "does it hurt", "nervous makeup", "xylophone", "s", "th", "a b c d e f g h"),
    "each": ("begun", "message", "reply", "thumb", "escalation"),
    "near": ("aftercare-makeup", "-"),
    "sample": ("drawn", "right", "wrong"),
    "waiting": ("yes",),
}
"""Each filter of the transcripts by itself, with values from common to none at all."""
TOGETHER: Final = (
    "outcome=no_answer&channel=sms&reviewed=no&below=0.2",
    "outcome=answered&language=es",
    "outcome=answered&below=0.5",
    "topic=cost&feedback=not_helpful&channel=sms",
    "tier=EMERGENCY&feedback=any",
    "channel=sms&language=en&reviewed=no&tier=NONE&below=0.01",
    "feedback=helpful&verdict=wrong_intent&flagged=yes",
    "since={year}&until={week}&intent=ask_pain",
    "words=skin&channel=sms&outcome=answered",
    "words=how&verdict=content_missing",
    "words=makeup&outcome=no_answer",
    "words=how&until={year}",
    "words=how&flagged=yes",
    "each=begun&channel=sms&since={year}",
    "each=message&outcome=answered&since={year}",
    "each=message&near=aftercare-makeup&since={year}",
    "each=reply&topic=aftercare&since={year}",
    "each=thumb&feedback=helpful&since={year}",
    "each=escalation&tier=EMERGENCY&since={year}",
)


def pages() -> dict[str, str]:
    """Path of each page by its name; ``{names}`` in a path are filled in by `_particulars`."""
    year = "since={year}&until={today}"
    return {
        BASELINE: "account",
        **{f"queue, {v}": f"queue?view={v}" for v in ("all", "mine", "free", "resolved")},
        "transcripts": "transcripts",
        "transcripts, far down": "transcripts?before={cursor}",
        "transcripts, no answer, far down": "transcripts?outcome=no_answer&before={cursor}",
        **{
            f"transcripts, {name}={value}": f"transcripts?{name}={value.replace(' ', '+')}"
            for name, values in FILTERS.items()
            for value in values
        },
        **{f"transcripts, {query.replace('&', ' ')}": f"transcripts?{query}" for query in TOGETHER},
        "one conversation": "conversations/{conversation}",
        **{
            f"review, {which}": f"review?which={which}"
            for which in ("teaching", "sample", "second", "flagged", "missed")
        },
        "review of one message": "review/{message}",
        "answers": "answers",
        "one answer": "answers/does-it-hurt",
        "figures": "figures",
        "figures, 4 weeks by week": "figures?by=week",
        "figures, a year by day": f"figures?{year}",
        "figures, a year by week": f"figures?{year}&by=week",
        **{
            f"figures as CSV, a year: {name}": f"figures/csv/{name}?{year}"
            for name in (
                *("conversations", "outcomes", "topics", "unanswered", "thumbs"),
                *("escalations", "accuracy", "content"),
            )
        },
        "red-flag rules": "rules",
        "staff": "staff",
        "switches": "switches",
        "audit": "audit",
        "audit, by action": "audit?action=staff_added",
        "audit, by person": "audit?who=1",
        "audit, about a conversation": "audit?about={conversation}",
    }


def main() -> int:
    """Fill, measure, report; the exit status says whether every page kept the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database", action="append", help="URL; SQLite in a temporary folder")
    parser.add_argument("--limit-ms", type=float, default=LIMIT_MS, help="0: never fail")
    parser.add_argument("--write", action="store_true", help="into benchmarks/results and docs")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": describe(), "limit_ms": options.limit_ms}
    results |= {"rounds": options.rounds, "databases": {}}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-console-")))
        for url in options.database or [f"sqlite:///{folder}/clinic.db"]:
            state = stack.enter_context(_opened(url, folder))
            found = _filled(state, options.conversations)
            results["databases"][state.database.engine.dialect.name] = found
            found["pages"] = _measured(state, options.rounds)
    if options.write:
        write_results("console", results, tables(results))
    else:
        print(tables(results))
    over = any(slow(found, options.limit_ms) for found in results["databases"].values())
    return 1 if options.limit_ms and over else 0


def slow(found: Mapping[str, Any], limit_ms: float) -> list[str]:
    """Names of the pages whose p95 is over the limit."""
    return [name for name, took in found["pages"].items() if took["p95_ms"] > limit_ms]


def tables(results: Mapping[str, Any]) -> str:
    """Sizes first, then each page."""
    databases, limit = results["databases"], results["limit_ms"]
    head = ["database", "conversations", "messages", "filled in s", "pages", "over the limit"]
    sizes = [
        [
            *(f"{name} {found['version']}", found["conversations"], found["messages"]),
            "-" if found["fill_s"] is None else f"{found['fill_s']:.0f}",
            *(len(found["pages"]), len(slow(found, limit))),
        ]
        for name, found in databases.items()
    ]
    columns = [f"{name} {kind}" for name in databases for kind in ("p50 ms", "p95 ms")]
    rows = []
    for name in next(iter(databases.values()))["pages"]:
        took = [found["pages"][name] for found in databases.values()]
        over = any(times["p95_ms"] > limit for times in took)
        cells = [f"{times[kind]:.0f}" for times in took for kind in ("p50_ms", "p95_ms")]
        rows.append([name, *cells, "over" if over else ""])
    return table(head, sizes) + "\n\n" + table(["page", *columns, ""], rows)


@contextmanager
def _opened(url: str, folder: Path) -> Iterator[AppState]:
    environ = {
        **{name: f"bench-{name.lower()}-" + "x" * 40 for name in SECRETS},
        "DATABASE_URL": url,
        "RASA_DATABASE_URL": f"sqlite:///{folder}/rasa.db",
    }
    settings = replace(load_settings(environ), var_folder=folder)
    migrate(url)
    state = open_app_state(settings, screen=Screen(load_rules(ROOT / "data" / "triage")))
    try:
        yield state
    finally:
        state.close()


def _filled(state: AppState, wanted: int) -> dict[str, Any]:
    """Fill an empty database; one that holds enough is measured as it is."""
    sizes = _sizes(state)
    seconds = None
    if sizes["conversations"] < wanted:
        with state.database.transaction() as session:
            seed(session, load_answers(ROOT / "data" / "answers"), utc_now())
        seconds = fill_demo(state.database, wanted)
        sizes = _sizes(state)
    return {**sizes, "fill_s": seconds, "version": _version(state)}


def _sizes(state: AppState) -> dict[str, int]:
    with state.database.reading() as session:
        return {
            name: session.scalar(select(func.count()).select_from(model)) or 0
            for name, model in (("conversations", Conversation), ("messages", Message))
        }


def _version(state: AppState) -> str:
    sqlite = state.database.engine.dialect.name == "sqlite"
    with state.database.reading() as session:
        query = "SELECT sqlite_version()" if sqlite else "SHOW server_version"
        return str(session.scalar(text(query))).split()[0]


def _measured(state: AppState, rounds: int) -> dict[str, dict[str, float]]:
    now = utc_now()
    with state.database.transaction() as session:
        member = accounts.find_by_email(session, EMAIL) or accounts.add_member(
            session, "Bench", EMAIL, Role.ADMIN, now
        )
        token = sessions.begin(session, member.id, "full", now, "", "")
        particulars = _particulars(session)
    paths = {name: "/console/" + path.format(**particulars) for name, path in pages().items()}
    taken: dict[str, list[float]] = {name: [] for name in paths}
    with TestClient(create_app(state), cookies={cookie_name(state): token}) as client:
        for number in range(rounds + 1):
            for name, path in paths.items():
                began = time.perf_counter()
                answer = client.get(path, follow_redirects=False)
                seconds = time.perf_counter() - began
                if answer.status_code != 200:
                    raise SystemExit(f"{path}: status {answer.status_code}")
                if number:  # the first round only warms up: templates, rules, connections
                    taken[name].append(seconds * 1000)
            print(f"\rround {number} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {
        name: {
            "p50_ms": round(percentile(times, 0.5), 1),
            "p95_ms": round(percentile(times, 0.95), 1),
        }
        for name, times in taken.items()
    }


def _particulars(session: Any) -> dict[str, str]:
    now = utc_now()
    long_ago = now - timedelta(days=300)
    message = session.scalars(
        select(Message)
        .where(Message.sender == "patient", Message.at >= long_ago)
        .order_by(Message.at)
        .limit(1)
    ).one()
    return {
        "today": f"{now:%Y-%m-%d}",
        "week": f"{now - timedelta(days=7):%Y-%m-%d}",
        "year": f"{now - timedelta(days=364):%Y-%m-%d}",
        "cursor": f"{message.at.isoformat()}_{message.id}".replace("+", "%2B"),
        "conversation": message.conversation_id,
        "message": str(message.id),
    }


if __name__ == "__main__":
    sys.exit(main())
