"""When one part fails, the others go on, and nothing is half done."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from bot import db
from bot.conversations.models import Erasure, Escalation, EscalationMessage
from bot.dialogue.client import DialogueClient, DialogueResult
from bot.messages import Tier, Verdict
from bot.triage.screen import Screen
from bot.worker import answer_leftovers, purge
from tests.fakes import FakeDialogue
from tests.integration.conftest import OpenSite
from tests.rasa_fake import fake_rasa
from tests.web_site import EMERGENCY, Patient, Site, assert_problem

MARK = "zanzibar"


class BrokenScreen(Screen):
    """A triage that fails, with patient words in the error."""

    def verdict(self, text: str, recent: Sequence[str] = ()) -> Verdict:
        raise RuntimeError(text)


class BrokenModel:
    """A learned net that fails, with patient words in the error."""

    def tier(self, text: str, recent: Sequence[str]) -> tuple[Tier, float]:
        raise RuntimeError(text)


class StumblingDialogue(FakeDialogue):
    """Fails in an unforeseen way on some words, and answers the rest."""

    def send(
        self, conversation_id: str, text: str, *, message_id: int, context: Mapping[str, Any]
    ) -> DialogueResult:
        if "stumble" in text:
            raise RuntimeError(text)
        return super().send(conversation_id, text, message_id=message_id, context=context)


def path_of(url: str) -> Path:
    return Path(str(sa.engine.make_url(url).database))


@contextmanager
def write_lock(url: str) -> Iterator[None]:
    """Another program writes to the database and does not finish."""
    connection = sqlite3.connect(path_of(url), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def break_inserts(url: str, table: str) -> None:
    """Let the database refuse every new row of a table."""
    connection = sqlite3.connect(path_of(url))
    connection.execute(
        f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END"
    )
    connection.close()


def mend_inserts(url: str) -> None:
    connection = sqlite3.connect(path_of(url))
    connection.execute("DROP TRIGGER broken")
    connection.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting five seconds for a lock proves no more than waiting a fifth of one."""
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 200)


def test_a_failing_triage_loses_no_message_and_is_shouted_about_without_words(
    open_site: OpenSite, rules_alone: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    site = open_site(screen=BrokenScreen(rules_alone.rules))
    patient = site.patient()
    assert patient.say(f"does it hurt {MARK}").json()["outcome"] == "answered"
    assert patient.history()[0]["text"] == f"does it hurt {MARK}"
    assert site.dialogue.sent[0][3]["triage"] is None, "Rasa's own screen is to look"
    shouted = [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]
    assert len(shouted) == 1
    assert "triage" in shouted[0]
    assert MARK not in caplog.text
    assert site.browser().get("/readyz").status_code == 503


def test_a_failing_learned_net_leaves_the_rules_at_work(
    open_site: OpenSite, rules_alone: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    site = open_site(screen=Screen(rules_alone.rules, BrokenModel()))
    patient = site.patient()
    assert patient.say(f"does it hurt {MARK}").json()["outcome"] == "answered"
    assert site.dialogue.sent[0][3]["triage"] is None, "Rasa's own screen is to look"
    assert patient.say(EMERGENCY).json()["outcome"] == "escalated_emergency"
    assert [r.levelno for r in caplog.records if "tier model" in r.message] == [50, 50]
    assert MARK not in caplog.text


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_is_a_plain_problem_and_the_message_can_be_sent_again(
    open_site: OpenSite,
) -> None:
    site = open_site()
    patient = site.patient()
    body = {"client_message_id": "message-0001", "text": "does it hurt"}
    with write_lock(site.state.settings.database_url):
        assert "911" in assert_problem(patient.post(body), 500)
        assert patient.history() == [], "reading goes on, and nothing is half stored"
        assert site.dialogue.sent == []
    assert patient.post(body).status_code == 200
    assert [m["sender"] for m in patient.history()] == ["patient", "assistant"]


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_opens_no_session(open_site: OpenSite) -> None:
    site = open_site()
    with write_lock(site.state.settings.database_url):
        refused = site.browser().post("/api/chat/session")
        assert_problem(refused, 500)
        assert "set-cookie" not in refused.headers


def test_a_writer_that_finishes_in_time_is_waited_for(site: Site, patient: Patient) -> None:
    released = threading.Event()

    def hold() -> None:
        with write_lock(site.state.settings.database_url):
            released.wait(0.5)

    thread = threading.Thread(target=hold)
    thread.start()
    assert patient.say("does it hurt").json()["outcome"] == "answered"
    released.set()
    thread.join()


@pytest.mark.parametrize("table", ["escalations", "escalation_messages"])
def test_a_red_flag_is_stored_with_its_escalation_or_not_at_all(
    site: Site, patient: Patient, table: str
) -> None:
    url = site.state.settings.database_url
    break_inserts(url, table)
    body = {"client_message_id": "message-0001", "text": EMERGENCY}
    told = patient.post(body).json()
    assert "911" in told["replies"][0]["text"]
    assert "NOT been told" in told["replies"][0]["text"], "the patient knows that staff do not"
    assert site.stored(patient.conversation_id) == []
    with site.state.database.reading() as session:
        assert session.scalars(select(Escalation)).all() == []
    mend_inserts(url)
    assert patient.post(body).json()["outcome"] == "escalated_emergency"
    with site.state.database.reading() as session:
        link = session.scalars(select(EscalationMessage)).one()
        assert link.message_id == site.stored(patient.conversation_id)[0].id


def test_an_ordinary_message_does_not_need_the_escalations_table(
    site: Site, patient: Patient
) -> None:
    break_inserts(site.state.settings.database_url, "escalations")
    assert patient.say("does it hurt").json()["outcome"] == "answered"


@pytest.mark.parametrize("kind", ["down", "stumbling"])
def test_a_red_flag_needs_no_dialogue(open_site: OpenSite, kind: str) -> None:
    site = open_site(dialogue=StumblingDialogue())
    site.dialogue.down = kind == "down"
    patient = site.patient()
    body = patient.say(f"{EMERGENCY}, i stumble").json()
    assert body["outcome"] == "escalated_emergency"
    assert "911" in body["replies"][0]["text"]
    assert site.dialogue.sent == []
    with site.state.database.reading() as session:
        escalation = session.scalars(select(Escalation)).one()
        link = session.scalars(select(EscalationMessage)).one()
    (stored, _) = site.stored(patient.conversation_id)
    assert (link.escalation_id, link.message_id) == (escalation.id, stored.id)


NO_ANSWERS = {
    "not json": "<html>Bad gateway</html>",
    "an object": '{"error": "x"}',
    "nothing": "null",
    "no tier": '[{"custom": {"outcome": "answered", "replies": [], "understood": {}}}]',
    "a strange outcome": '[{"custom": {"outcome": "cured", "tier": "none", "replies": []}}]',
    "a list of words": '["answered"]',
}


@pytest.mark.parametrize("said", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_when_rasa_talks_nonsense_the_message_is_kept_as_when_it_is_down(
    open_site: OpenSite, said: str
) -> None:
    with fake_rasa(said) as rasa:
        patient = open_site(dialogue=DialogueClient(rasa.url, "secret", 5.0)).patient()
        body = patient.say("does it hurt").json()
    assert len(rasa.seen) == 1
    assert body["outcome"] == "queued"
    assert "saved" in body["replies"][0]["text"]


def test_one_message_that_cannot_be_handled_does_not_hold_up_the_others(
    open_site: OpenSite,
) -> None:
    site = open_site(dialogue=StumblingDialogue())
    first, second = site.patient(), site.patient()
    assert_problem(first.say("stumble over this"), 500)
    site.dialogue.down = True
    assert second.say("does it hurt").json()["outcome"] == "queued"
    site.dialogue.down = False
    site.clock.advance(minutes=2)
    assert answer_leftovers(site.state) == 2
    assert second.history()[-1]["text"] == "It can sting a little."
    assert answer_leftovers(site.state) == 0, "it is not tried again at once"
    site.clock.advance(minutes=2)
    assert answer_leftovers(site.state) == 1, "but it is not forgotten"


def test_what_a_patient_sends_after_a_failure_is_answered(open_site: OpenSite) -> None:
    patient = open_site(dialogue=StumblingDialogue()).patient()
    assert_problem(patient.say("stumble over this"), 500)
    assert patient.say("does it hurt").json()["outcome"] == "answered"


def rasa_keeps(site: Site, patient: Patient) -> None:
    connection = sqlite3.connect(path_of(site.state.settings.rasa_database_url))
    connection.execute("CREATE TABLE events (sender_id TEXT, data TEXT)")
    connection.execute("INSERT INTO events VALUES (?, ?)", (patient.conversation_id, MARK))
    connection.commit()
    connection.close()


def kept_by_rasa(site: Site) -> list[tuple[str]]:
    connection = sqlite3.connect(path_of(site.state.settings.rasa_database_url))
    rows: list[tuple[str]] = connection.execute("SELECT data FROM events").fetchall()
    connection.close()
    return rows


@pytest.mark.usefixtures("impatient")
def test_an_erasure_that_rasas_database_refuses_is_not_taken_for_done(
    open_site: OpenSite,
) -> None:
    site = open_site()
    patient = site.patient()
    patient.say(MARK)
    rasa_keeps(site, patient)
    with write_lock(site.state.settings.rasa_database_url):
        assert_problem(patient.http.delete("/api/chat/session"), 500)
    with site.state.database.reading() as session:
        assert session.scalars(select(Erasure)).all() == []
    assert kept_by_rasa(site) == [(MARK,)]

    assert patient.http.delete("/api/chat/session").status_code == 204
    assert kept_by_rasa(site) == []
    assert MARK not in {row.text for row in site.stored(patient.conversation_id)}


@pytest.mark.usefixtures("impatient")
def test_retention_comes_back_to_what_rasas_database_refused(open_site: OpenSite) -> None:
    site = open_site()
    patient = site.patient()
    patient.say(MARK)
    rasa_keeps(site, patient)
    site.clock.advance(days=91)
    with (
        write_lock(site.state.settings.rasa_database_url),
        pytest.raises(sa.exc.OperationalError),
    ):
        purge(site.state)
    assert kept_by_rasa(site) == [(MARK,)]
    assert purge(site.state) == 1
    assert kept_by_rasa(site) == []
