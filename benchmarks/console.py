"""How long the console's pages take on many conversations: p50 and p95 of each page.

Through the whole web app, signed in, in one process and without a network. Fails when a
page's p95 is over the limit.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from fastapi.testclient import TestClient

from bot.app_state import AppState, open_app_state
from bot.console.access import cookie_name
from bot.content.files import load_answers
from bot.content.store import seed
from bot.db import utc_now
from bot.members import accounts, sessions
from bot.members.permissions import Role
from bot.migrate import migrate
from bot.review.commands import fill_demo
from bot.settings import ROOT, SECRETS, load_settings
from bot.triage.rules import load_rules
from bot.triage.screen import Screen
from bot.web import create_app

LIMIT_MS = 300
PAGES = {
    "queue": "queue",
    "queue, resolved": "queue?view=resolved",
    "list": "transcripts",
    **{
        f"list by {query}": f"transcripts?{query}"
        for query in (
            *("channel=sms", "since=2020-01-01", "until={old}", "outcome=no_answer"),
            *("outcome=refused", "tier=EMERGENCY", "tier=NONE", "topic=aftercare"),
            *("topic=candidacy_pregnancy", "intent=ask_pain", "intent=report_symptom"),
            *("answer=does-it-hurt", "below=0.05", "below=0.9", "feedback=any"),
            *("feedback=not_helpful", "reviewed=yes", "reviewed=no", "verdict=wrong_intent"),
            *("flagged=yes", "language=es", "language=en"),
            "outcome=no_answer&channel=sms&reviewed=no&below=0.2",
        )
    },
    "search, common word": "transcripts?words=how",
    "search, rare words": "transcripts?words=nervous+makeup",
    "search, no hit": "transcripts?words=xylophone",
    "search and filter": "transcripts?words=skin&channel=sms&outcome=answered",
    "list, far down": "transcripts?before={cursor}",
    "figures, 4 weeks": "figures",
    "figures, a year by week": "figures?since={year}&by=week",
    "review, teaching": "review",
    "review, sample": "review?which=sample",
    "review, second opinion": "review?which=second",
    "answers": "answers",
}


def main() -> int:
    """Fill, measure, report; the exit status says whether every page kept the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--database", default="", help="URL of an empty database")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-console-"))
        url = options.database or f"sqlite:///{folder}/clinic.db"
        environ = {
            **{name: f"bench-{name.lower()}-" + "x" * 40 for name in SECRETS},
            "DATABASE_URL": url,
            "RASA_DATABASE_URL": f"sqlite:///{folder}/rasa.db",
        }
        settings = replace(load_settings(environ), var_folder=Path(folder))
        migrate(url)
        state = open_app_state(settings, screen=Screen(load_rules(ROOT / "data" / "triage")))
        stack.callback(state.close)
        with state.database.transaction() as session:
            seed(session, load_answers(ROOT / "data" / "answers"), utc_now())
        seconds = fill_demo(state.database, options.conversations)
        print(f"{options.conversations} conversations filled in {seconds:.0f} s")
        return _measure(state, options.times)


def _measure(state: AppState, times: int) -> int:
    now = utc_now()
    with state.database.transaction() as session:
        member = accounts.add_member(session, "Bench", "bench@clinic.example", Role.ADMIN, now)
        token = sessions.begin(session, member.id, "full", now, "", "")
    days = {
        "old": f"{now.year - 1}-12-31",
        "year": f"{now.year - 1}-{now.month:02}-{min(now.day + 1, 28):02}",
        "cursor": f"{now.replace(year=now.year - 1, month=12, day=31).isoformat()}_1000000"
        .replace("+", "%2B"),
    }  # fmt: skip
    browser = TestClient(create_app(state), cookies={cookie_name(state): token})
    with browser as client:
        return _report(client, days, times)


def _report(client: TestClient, days: dict[str, str], times: int) -> int:
    slow = 0
    print(f"{'page':<62}{'p50 ms':>8}{'p95 ms':>8}")
    for name, path in PAGES.items():
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            answer = client.get("/console/" + path.format(**days))
            taken.append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{path}: status {answer.status_code}")
        taken.sort()
        middle, high = taken[len(taken) // 2], taken[math.ceil(len(taken) * 0.95) - 1]
        over = high > LIMIT_MS
        slow += over
        print(f"{name:<62}{middle:>8.0f}{high:>8.0f}{'  over' if over else ''}")
    print(f"{slow} of {len(PAGES)} pages over {LIMIT_MS} ms (p95 of {times})")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
