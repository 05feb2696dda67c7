"""Where an answer comes from: shown to the patient who read it, for the version that was read."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from bot.content.models import AnswerVersion
from bot.content.sources import load_sources
from tests.web_site import Patient, Site, assert_problem


def path(message_id: str) -> str:
    return f"/api/chat/messages/{message_id}/sources"


def answered(patient: Patient) -> str:
    reply = patient.say("does it hurt").json()["replies"][0]
    assert reply["answer"]["id"] == "does-it-hurt"
    message_id: str = reply["id"]
    return message_id


def test_the_sources_of_an_answer_are_told_in_words(patient: Patient, site: Site) -> None:
    response = patient.http.get(path(answered(patient)))
    assert response.status_code == 200
    with site.state.database.reading() as session:
        keys = session.get_one(AnswerVersion, ("does-it-hurt", 1)).source
    assert keys
    assert response.json() == {"sources": [load_sources()[key].citation for key in keys]}


def test_a_source_that_is_no_longer_listed_is_left_out(patient: Patient, site: Site) -> None:
    with site.state.database.transaction() as session:
        session.execute(
            update(AnswerVersion)
            .where(AnswerVersion.answer_id == "does-it-hurt")
            .values(source=["CLINIC", "GONE"])
        )
    found = patient.http.get(path(answered(patient))).json()["sources"]
    assert found == [load_sources()["CLINIC"].citation]


def test_another_patients_answer_tells_nothing(patient: Patient, site: Site) -> None:
    message_id = answered(patient)
    assert_problem(site.patient().http.get(path(message_id)), 404)
    assert_problem(site.browser().get(path(message_id)), 401)


def test_what_is_no_answer_has_no_sources(patient: Patient) -> None:
    answered(patient)
    assert_problem(patient.http.get(path(patient.history()[0]["id"])), 404)


@pytest.mark.parametrize(
    ("message_id", "status"), [("0" * 24, 404), ("zanzibar", 422), ("a" * 33, 422)]
)
def test_an_odd_id_is_refused(patient: Patient, message_id: str, status: int) -> None:
    assert_problem(patient.http.get(path(message_id)), status)
