"""The web app over HTTP, with a real database and a dialogue that the test controls."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.app_state import AppState, open_app_state
from bot.content.files import load_answers
from bot.content.store import seed
from bot.conversations import transcript
from bot.db import Database
from bot.migrate import migrate
from bot.settings import ROOT
from bot.triage.screen import Screen
from tests import builders
from tests.fakes import FakeClock, FakeDialogue, WordEncoder
from tests.web_site import Patient, Server, Site

OpenSite = Callable[..., Site]

ROOMY = {
    "messages_per_minute": 10_000,
    "messages_per_minute_per_address": 10_000,
    "sessions_per_hour_per_address": 10_000,
}
"""Limits that only the tests of limits should meet."""


@pytest.fixture(scope="session")
def rules_alone(screen: Screen) -> Screen:
    """The real rules without the learned net, whose judgement of odd input may change."""
    return Screen(screen.rules)


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with the shipped answers, to be copied."""
    folder = tmp_path_factory.mktemp("seeded")
    url = builders.settings(folder).database_url
    migrate(url)
    database = Database(url)
    with database.transaction() as session:
        seed(session, load_answers(ROOT / "data" / "answers"), builders.NOON)
    database.close()
    return folder / "clinic.db"


@contextmanager
def sites(parent: Path, seeded_file: Path, rules_alone: Screen) -> Iterator[OpenSite]:
    """Starts web apps with changed settings, each on a port of its own; stops them all."""
    opened: list[tuple[Site, Server]] = []

    def start(
        *, dialogue: Any = None, screen: Screen = rules_alone, seeded: bool = True, **changes: Any
    ) -> Site:
        folder = parent / f"site{len(opened)}"
        folder.mkdir()
        settings = builders.settings(folder, **{**ROOMY, **changes})
        if seeded:
            shutil.copy(seeded_file, folder / "clinic.db")
        else:
            migrate(settings.database_url)
        clock, fake = FakeClock(builders.NOON), dialogue or FakeDialogue()
        state = open_app_state(settings, clock, fake, screen, encoder=WordEncoder())
        server = Server(state, folder)
        site = Site(server.start(), state, clock, fake)
        opened.append((site, server))
        return site

    try:
        yield start
    finally:
        for site, server in opened:
            for browser in site.browsers:
                browser.close()
            server.stop()


@pytest.fixture
def open_site(tmp_path: Path, seeded_file: Path, rules_alone: Screen) -> Iterator[OpenSite]:
    """Web apps of one test."""
    with sites(tmp_path, seeded_file, rules_alone) as start:
        yield start


@pytest.fixture(scope="module")
def lasting_site(
    tmp_path_factory: pytest.TempPathFactory, seeded_file: Path, rules_alone: Screen
) -> Iterator[Site]:
    """One web app for a module whose tests only need a patient of their own."""
    with sites(tmp_path_factory.mktemp("lasting"), seeded_file, rules_alone) as start:
        yield start()


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    return open_site()


@pytest.fixture
def patient(site: Site) -> Patient:
    return site.patient()


@pytest.fixture
def dialogue() -> FakeDialogue:
    return FakeDialogue()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(builders.NOON)


@pytest.fixture
def state(
    database: Database, dialogue: FakeDialogue, clock: FakeClock, screen: Screen, tmp_path: Path
) -> Iterator[AppState]:
    """The app's parts on either database, with one conversation, "c1", and one answer."""
    settings = builders.settings(tmp_path, database_url=database.url)
    opened = open_app_state(settings, clock, dialogue, screen)  # type: ignore[arg-type]
    with opened.database.transaction() as session:
        transcript.start_conversation(session, "web", clock(), conversation_id="c1")
        cost = builders.draft("cost-overview", topic="cost", title="Cost", phrasings=("price",))
        seed(session, [cost], clock())
    yield opened
    opened.close()
