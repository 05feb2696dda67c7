"""The page of figures and its files."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import date, timedelta

import pytest

from bot.console.figures import draw
from bot.members.permissions import Role
from tests.staff_browser import StaffBrowser, sign_in
from tests.web_site import EMERGENCY, Site


@pytest.fixture
def agent(site: Site) -> StaffBrowser:
    for words in ("does it hurt", "how long", EMERGENCY):
        site.patient().say(words)
    return sign_in(site, Role.AGENT)


def test_each_number_leads_to_what_it_counts(site: Site, agent: StaffBrowser) -> None:
    page = agent.get("/console/figures").text
    found = re.search(r'href="(/console/transcripts\?[^"]*outcome=answered)">(\d+)<', page)
    assert found
    assert found.group(2) == "2"
    listed = agent.get(found.group(1).replace("&amp;", "&")).text
    assert listed.count('scope="row"') == 2
    assert "does it hurt" in listed


def test_a_picture_has_a_bar_for_each_day_with_something_and_no_style_of_its_own(
    site: Site, agent: StaffBrowser
) -> None:
    page = agent.get("/console/figures?since=2026-11-23&until=2026-11-23").text
    chart = page.split('class="chart"')[1].split("</svg>")[0]
    assert re.findall(r"v([0-9.]+)h", chart) == ["120.0"]
    assert "style=" not in page


@pytest.mark.parametrize("days", [1, 28, 366])
def test_every_bar_of_a_picture_can_be_seen(days: int) -> None:
    first = date(2026, 1, 1)
    series = {first + timedelta(days=n): Counter(web=n + 1, sms=1) for n in range(days)}
    picture = draw(series, ["web", "sms"])
    for _, bars in picture.parts:
        drawn = [float(width) for width in re.findall(r"h(-?[0-9.]+)v", bars)]
        assert len(drawn) == days
        assert min(drawn) > 1


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("conversations", ["from", "web"]),
        ("outcomes", ["from", "answered", "escalated_emergency"]),
        ("topics", ["topic", "answers"]),
        ("unanswered", ["nearest_answer", "messages", "examples"]),
        ("thumbs", ["helpful", "not_helpful"]),
        (
            "escalations",
            ["tier", "opened", "waiting", "median_minutes_to_acknowledge", "to_resolve"],
        ),
        ("accuracy", ["drawn", "judged", "right", "share", "low", "high"]),
        ("content", ["answer", "review_due"]),
    ],
)
def test_each_table_is_a_file(site: Site, agent: StaffBrowser, name: str, head: list[str]) -> None:
    sent = agent.get(f"/console/figures/csv/{name}?since=2026-11-23&until=2026-11-23")
    assert sent.status_code == 200
    rows = list(csv.reader(io.StringIO(sent.text)))
    assert rows[0] == head
    if name == "outcomes":
        assert rows[1:] == [["2026-11-23", "2", "1"]]


@pytest.mark.parametrize(
    "query",
    ["since=x", "since=2026-11-24&until=2026-11-23", "since=2020-01-01", "until=0001-01-01"],
)
def test_what_is_no_span_of_days_is_refused(site: Site, agent: StaffBrowser, query: str) -> None:
    assert agent.get(f"/console/figures?{query}").status_code == 422
