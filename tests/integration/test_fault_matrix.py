"""Whatever part fails, a red flag is answered in time, and what is not stored is not lost.

Each fault is real: another program's lock, a file opened read-only, a database at its
greatest size, a file that is no database, a server that refuses connections.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import event, select

from bot import db
from bot.conversations.models import Escalation, EscalationMessage
from bot.conversations.set_aside_return import store_set_aside
from bot.dialogue.client import DialogueClient
from bot.messages import Tier
from bot.triage.learned import HEAD_FILE, load_tier_model
from bot.triage.screen import Screen, load_screen
from bot.worker import answer_leftovers
from tests import builders
from tests.conftest import POSTGRES
from tests.integration.conftest import OpenSite
from tests.rasa_fake import fake_rasa, nowhere
from tests.web_site import EMERGENCY, Patient, Site, assert_problem

MARK = "zanzibar"
RED_FLAG = f"{EMERGENCY} {MARK}"
URGENT = "there is yellow pus on my cheek since this morning"
LIMIT_S = 4.0
"""For the tests' short waits, with room for a busy machine; the real waits are 5 seconds."""

Fault = Callable[[Site], AbstractContextManager[None]]


def path_of(site: Site) -> Path:
    return Path(str(site.state.database.engine.url.database))


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Another program writes and does not finish."""
    connection = sqlite3.connect(path_of(site), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    """The file can be read and not be written."""
    engine, path = site.state.database.engine, path_of(site)

    def connect(*_: object) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)

    event.listen(engine, "do_connect", connect)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "do_connect", connect)
        engine.dispose()


@contextmanager
def full(site: Site) -> Iterator[None]:
    """The database may not grow by a single page, as on a full disk."""
    engine = site.state.database.engine

    def stop_growing(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")

    # What is free inside the file would let a few rows in.
    connection = sqlite3.connect(path_of(site), isolation_level=None)
    connection.execute("CREATE TABLE filler (x BLOB)")
    engine.dispose()
    event.listen(engine, "connect", stop_growing)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    for size in (4000, 400, 40, 4):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            while True:
                connection.execute("INSERT INTO filler VALUES (zeroblob(?))", (size,))
    # The tables' own last pages have room still; rows of the greatest length fill them.
    _fill(connection)
    try:
        yield
    finally:
        event.remove(engine, "connect", stop_growing)
        engine.dispose()
        connection.execute("PRAGMA max_page_count=1073741823")
        connection.execute("DROP TABLE filler")
        connection.close()


def _fill(connection: sqlite3.Connection) -> None:
    """Messages of nobody, until not even a short one fits."""
    connection.execute("PRAGMA foreign_keys=OFF")
    row = (
        "INSERT INTO messages (public_id, conversation_id, sender, text, at, tier, attempts) "
        "VALUES (?, 'nobody', 'system', ?, '2026-01-01 00:00:00', 0, 0)"
    )
    for size in (2000, 200, 20, 1):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            while True:
                connection.execute(row, (secrets.token_hex(12), "x" * size))


@contextmanager
def unreadable(site: Site) -> Iterator[None]:
    """The file is no database any more: not even the session can be looked up."""
    engine, path = site.state.database.engine, path_of(site)
    engine.dispose()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    kept = path.read_bytes()
    path.write_bytes(b"no database" * 1000)
    try:
        yield
    finally:
        engine.dispose()
        for leftover in path.parent.glob(f"{path.name}-*"):
            leftover.unlink()
        path.write_bytes(kept)


@contextmanager
def tables_locked(site: Site) -> Iterator[None]:
    """PostgreSQL: somebody holds the table that a red flag is written to."""
    engine = sa.create_engine(site.state.settings.database_url)
    with engine.connect() as connection:
        connection.execute(sa.text("LOCK TABLE escalations IN EXCLUSIVE MODE"))
        yield
    engine.dispose()


@contextmanager
def refusing(site: Site) -> Iterator[None]:
    """PostgreSQL: every connection ends, and no new one is let in."""
    name = sa.engine.make_url(site.state.settings.database_url).database
    admin = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"),
            {"n": name},
        )
        try:
            yield
        finally:
            connection.execute(sa.text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    admin.dispose()


STORAGE_FAULTS: dict[str, Fault] = {
    "locked": locked,
    "read-only": read_only,
    "full": full,
    "unreadable": unreadable,
    "tables locked": tables_locked,
    "refusing": refusing,
}
ON_POSTGRES = ("tables locked", "refusing")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting five seconds for a lock proves no more than waiting a fifth of one."""
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 200)


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.postgres if name in ON_POSTGRES else ())
        for name in STORAGE_FAULTS
    ]
)
def failing(request: pytest.FixtureRequest, open_site: OpenSite) -> tuple[Site, Fault]:
    """A site and one way in which its database fails."""
    fault = STORAGE_FAULTS[request.param]
    if request.param not in ON_POSTGRES:
        return open_site(), fault
    url = request.getfixturevalue("postgres_url")
    return open_site(seeded=False, database_url=url), fault


def in_time(patient: Patient, body: dict[str, str]) -> httpx.Response:
    started = time.monotonic()
    response = patient.post(body)
    assert time.monotonic() - started < LIMIT_S
    return response


def escalated(site: Site, conversation_id: str) -> list[Escalation]:
    with site.state.database.reading() as session:
        query = select(Escalation).where(Escalation.conversation_id == conversation_id)
        return list(session.scalars(query))


def bring_back(site: Site) -> int:
    state = site.state
    return store_set_aside(state.database, state.aside, state.texts, state.clock)


def files(site: Site) -> list[Path]:
    return list((site.state.settings.var_folder / "set-aside").glob("*.message"))


@pytest.mark.parametrize("text", [RED_FLAG, URGENT], ids=["emergency", "urgent"])
def test_a_red_flag_is_answered_at_once_set_aside_and_stored_when_that_works_again(
    failing: tuple[Site, Fault], caplog: pytest.LogCaptureFixture, text: str
) -> None:
    site, fault = failing
    patient = site.patient()
    body = {"client_message_id": "message-0001", "text": text}
    outcome = "escalated_urgent" if text == URGENT else "escalated_emergency"
    with fault(site):
        response = in_time(patient, body)
        assert response.status_code == 200, response.text
        told = response.json()
        assert told["outcome"] == outcome
        (said,) = (reply["text"] for reply in told["replies"])
        assert "911" in said
        assert "NOT been told" in said
        assert "alerted" not in said
        assert site.state.clinic.phone in said
        shouted = [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]
        assert any(told["message_id"] in line for line in shouted)
        readiness = site.browser().get("/readyz")
        assert readiness.status_code == 503
        assert "1 red flags are not stored" in readiness.json()["parts"]["storing"]
        # The patient's browser may ask again: the same answer, and nothing twice.
        again = in_time(patient, body).json()
        assert [r["text"] for r in again["replies"]] == [said]
        assert again["message_id"] == told["message_id"]

    assert bring_back(site) == 1
    assert bring_back(site) == 0
    assert files(site) == []
    history = patient.history()
    assert [m["sender"] for m in history] == ["patient", "assistant", "system"]
    assert history[0]["text"] == text
    assert [m["id"] for m in history[:2]] == [told["message_id"], told["replies"][0]["id"]]
    (escalation,) = escalated(site, patient.conversation_id)
    assert Tier(escalation.tier).name.lower() == outcome.removeprefix("escalated_")
    assert escalation.notify_at is not None, "staff are told of it"
    (stored, *_) = site.stored(patient.conversation_id)
    with site.state.database.reading() as session:
        assert session.get(EscalationMessage, (escalation.id, stored.id)) is not None
    assert patient.post(body).json()["message_id"] == told["message_id"]
    assert len(patient.history()) == 3
    assert site.browser().get("/readyz").json()["parts"]["storing"] == "ok"
    assert MARK not in caplog.text


def test_an_ordinary_message_is_refused_only_if_it_cannot_be_stored_and_can_be_sent_again(
    failing: tuple[Site, Fault],
) -> None:
    site, fault = failing
    patient = site.patient()
    body = {"client_message_id": "message-0001", "text": "does it hurt"}
    with fault(site):
        response = in_time(patient, body)
        if fault is tables_locked:
            assert response.status_code == 200, "it does not need the table of escalations"
        else:
            assert "911" in assert_problem(response, 500)
    assert files(site) == []
    assert patient.post(body).json()["outcome"] == "answered"
    assert [m["sender"] for m in patient.history()] == ["patient", "assistant"]


def test_what_is_set_aside_is_ours_alone_to_read(open_site: OpenSite) -> None:
    site = open_site()
    patient = site.patient()
    with locked(site):
        patient.say(RED_FLAG)
    (file,) = files(site)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert MARK.encode() not in file.read_bytes()


def test_a_message_stored_meanwhile_is_not_stored_again(open_site: OpenSite) -> None:
    site = open_site()
    patient = site.patient()
    body = {"client_message_id": "message-0001", "text": RED_FLAG}
    with locked(site):
        patient.post(body)
    assert patient.post(body).json()["outcome"] == "escalated_emergency"
    assert bring_back(site) == 1
    assert [m["sender"] for m in patient.history()] == ["patient", "assistant"]
    assert len(escalated(site, patient.conversation_id)) == 1


def test_what_is_set_aside_waits_while_the_database_still_fails(open_site: OpenSite) -> None:
    site = open_site()
    patient = site.patient()
    with locked(site):
        patient.say(RED_FLAG)
        assert bring_back(site) == 0
    assert len(files(site)) == 1
    assert bring_back(site) == 1


def test_a_file_that_cannot_be_read_is_reported_kept_and_holds_up_no_other(
    open_site: OpenSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = open_site()
    patient = site.patient()
    with locked(site):
        patient.say(RED_FLAG)
    strange = files(site)[0].with_name("0000.message")
    strange.write_text("not ours")
    assert bring_back(site) == 1
    assert files(site) == [strange]
    assert any(r.levelno == logging.CRITICAL and strange.name in r.message for r in caplog.records)
    assert site.browser().get("/readyz").status_code == 503


def test_two_red_flags_of_one_patient_become_one_escalation(open_site: OpenSite) -> None:
    site = open_site()
    patient = site.patient()
    with locked(site):
        patient.say(URGENT)
        site.clock.advance(seconds=20)
        patient.say(RED_FLAG)
    assert bring_back(site) == 2
    (escalation,) = escalated(site, patient.conversation_id)
    assert escalation.tier == Tier.EMERGENCY
    said = [m["text"] for m in patient.history() if m["sender"] == "patient"]
    assert said == [URGENT, RED_FLAG]


def test_words_that_the_patient_erased_meanwhile_are_not_stored(open_site: OpenSite) -> None:
    site = open_site()
    patient = site.patient()
    with locked(site):
        patient.say(RED_FLAG)
    assert patient.http.delete("/api/chat/session").status_code == 204
    assert bring_back(site) == 1
    assert site.stored(patient.conversation_id) == []


def test_without_a_cookie_nothing_is_answered_or_set_aside(open_site: OpenSite) -> None:
    site = open_site()
    with unreadable(site):
        body = {"client_message_id": "message-0001", "text": RED_FLAG}
        assert_problem(site.browser().post("/api/chat/messages", json=body), 401)
    assert files(site) == []


def test_a_session_that_nobody_knows_still_reaches_staff(open_site: OpenSite) -> None:
    site = open_site()
    stranger = Patient(site.browser(cookies={site.state.cookie_name: "x" * 43}))
    with unreadable(site):
        assert "911" in stranger.say(RED_FLAG).json()["replies"][0]["text"]
    assert bring_back(site) == 1
    with site.state.database.reading() as session:
        assert session.scalars(select(Escalation)).one().tier == Tier.EMERGENCY


def test_with_no_file_either_the_message_is_held_and_written_when_it_can_be(
    open_site: OpenSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = open_site()
    patient = site.patient()
    folder = site.state.settings.var_folder / "set-aside"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    with locked(site):
        told = patient.say(RED_FLAG).json()
    assert "911" in told["replies"][0]["text"]
    assert any("only in memory" in r.message for r in caplog.records)
    assert site.browser().get("/readyz").status_code == 503
    folder.unlink()
    assert site.browser().get("/readyz").status_code == 503
    assert len(files(site)) == 1, "readiness tried again"
    assert bring_back(site) == 1
    assert patient.history()[0]["text"] == RED_FLAG


def test_on_a_full_disk_the_reserve_makes_room(
    open_site: OpenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site()
    patient = site.patient()
    reserve = site.state.settings.var_folder / "set-aside" / "reserve"
    assert reserve.stat().st_blocks * 512 >= 262_144
    really = os.fsync

    def fsync(descriptor: int) -> None:
        if reserve.exists():
            raise OSError(28, "No space left on device")
        really(descriptor)

    with monkeypatch.context() as patched, locked(site):
        patched.setattr(os, "fsync", fsync)
        patient.say(RED_FLAG)
    assert len(files(site)) == 1
    assert bring_back(site) == 1
    assert reserve.exists(), "and is laid by anew"


def test_a_stored_red_flag_whose_reply_cannot_be_stored_is_answered_once_and_not_alarmingly(
    site: Site, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database fails between the message and its reply: staff do know of it."""
    answer = site.state.intake._say_wording

    def fails(*_: Any) -> Any:
        raise sa.exc.OperationalError("", {}, RuntimeError("database is locked"))

    monkeypatch.setattr(site.state.intake, "_say_wording", fails)
    told = patient.say(RED_FLAG).json()
    assert told["outcome"] == "escalated_emergency"
    (wording,) = told["replies"]
    assert "911" in wording["text"]
    assert len(escalated(site, patient.conversation_id)) == 1
    monkeypatch.setattr(site.state.intake, "_say_wording", answer)
    site.clock.advance(minutes=1)
    assert answer_leftovers(site.state) == 1
    assert [m["id"] for m in patient.history()] == [told["message_id"], wording["id"]]


def test_a_red_flag_whose_process_was_killed_is_answered_when_it_is_sent_again(
    site: Site, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after the ten seconds that a repeat waits, nor the worker's forty-five."""
    answer = site.state.intake._say_wording

    def killed(*_: Any) -> Any:
        raise RuntimeError("as if killed")

    body = {"client_message_id": "message-0001", "text": RED_FLAG}
    monkeypatch.setattr(site.state.intake, "_say_wording", killed)
    assert_problem(patient.post(body), 500)
    monkeypatch.setattr(site.state.intake, "_say_wording", answer)
    assert "911" in in_time(patient, body).json()["replies"][0]["text"]
    assert [m["sender"] for m in patient.history()] == ["patient", "assistant"]
    assert len(escalated(site, patient.conversation_id)) == 1


@pytest.fixture(params=["nobody listens", "without actions", "hangs"])
def ailing_rasa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Its address. Without its action server, Rasa's REST channel says an empty list."""
    if request.param == "nobody listens":
        yield nowhere()
        return
    with fake_rasa([], hangs=request.param == "hangs") as rasa:
        yield rasa.url


def test_without_rasa_or_its_actions_a_red_flag_is_answered_and_the_rest_is_kept(
    open_site: OpenSite, ailing_rasa: str
) -> None:
    site = open_site(dialogue=DialogueClient(ailing_rasa, "secret", 0.5))
    patient = site.patient()
    assert patient.say("does it hurt").json()["outcome"] == "queued"
    body = {"client_message_id": "message-0009", "text": RED_FLAG}
    told = in_time(patient, body).json()
    assert told["outcome"] == "escalated_emergency"
    assert "911" in told["replies"][0]["text"]
    assert len(escalated(site, patient.conversation_id)) == 1


@pytest.fixture(params=["missing", "corrupt", "empty", "no head"])
def broken_encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "encoder.onnx"
    if request.param != "missing":
        path.write_bytes(b"" if request.param == "empty" else b"not a model" * 100)
    if request.param != "no head":
        (folder / HEAD_FILE).write_bytes((builders.ROOT / "bot/models" / HEAD_FILE).read_bytes())
    return path


def test_without_the_encoder_the_rules_stand_alone_and_it_is_said(
    open_site: OpenSite, broken_encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    screen: Screen = load_screen(builders.ROOT / "data" / "triage", load_tier_model(broken_encoder))
    site = open_site(screen=screen)
    patient = site.patient()
    told = patient.say(RED_FLAG).json()
    assert told["outcome"] == "escalated_emergency"
    assert any(r.levelno == logging.CRITICAL and "rules alone" in r.message for r in caplog.records)
    assert "rules alone" in site.browser().get("/readyz").json()["parts"]["tier_model"]


@pytest.mark.parametrize("hours", [-48, -1, 1, 23])
def test_when_the_clock_jumps_red_flags_are_answered_and_join_one_escalation(
    site: Site, patient: Patient, hours: float
) -> None:
    assert patient.say("does it hurt").json()["outcome"] == "answered"
    assert patient.say(URGENT).json()["outcome"] == "escalated_urgent"
    site.clock.advance(hours=hours)
    told = patient.say(RED_FLAG).json()
    assert told["outcome"] == "escalated_emergency"
    assert "911" in told["replies"][0]["text"]
    (escalation,) = escalated(site, patient.conversation_id)
    assert escalation.tier == Tier.EMERGENCY
    assert escalation.notify_at is not None
    assert escalation.notify_at <= site.clock(), "staff are told now, not after the jump"
    said = [m["text"] for m in patient.history() if m["sender"] == "patient"]
    assert said == ["does it hurt", URGENT, RED_FLAG]
