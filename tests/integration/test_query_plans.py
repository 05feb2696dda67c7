"""What is asked for each message and each second finds its rows, however many there are.

A query that reads a whole table is fast in every other test and slows the product down as
it fills: while the worker reads, nobody can store.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from bot.notify.outbox import Outbox
from bot.worker import answer_leftovers, beat
from tests.integration.conftest import OpenSite
from tests.web_site import EMERGENCY

TOO_MUCH = re.compile(
    # The index of unfinished messages holds nothing but those.
    r"SCAN (messages|conversations|escalations|escalation_\w+|notices)\b"
    r"(?! USING INDEX ix_messages_unfinished)"
    # Who spoke is true of half of all rows, and most cases are resolved ones.
    r"|ix_messages_sender \(sender=\?|conversation_id.*ix_escalations_resolved \(status=\?\)",
    re.DOTALL,
)


def test_no_query_of_a_message_or_of_the_workers_round_reads_a_whole_table(
    open_site: OpenSite,
) -> None:
    site = open_site()
    asked: dict[str, Any] = {}

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.setdefault(statement, values)

    engine = site.state.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    for text in ("how long is the downtime", EMERGENCY, "and now i am dizzy"):
        site.patient().say(text)
    grave = site.patient()
    for text in (EMERGENCY, "it is worse", EMERGENCY):
        grave.say(text)
    beat(site.state)
    site.clock.advance(minutes=10)
    answer_leftovers(site.state)
    state = site.state
    Outbox(state.database, {}, state.staff, state.clinic, "", state.clock).work()
    sa.event.remove(engine, "before_cursor_execute", note)

    plans = []
    with engine.connect() as connection:
        for statement, values in asked.items():
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                where = statement.partition("WHERE")[2] or statement
                plans.append(f"{where} -> {'; '.join(row[3] for row in rows)}")
    assert len(plans) > 15
    assert [plan for plan in plans if TOO_MUCH.search(plan)] == []
