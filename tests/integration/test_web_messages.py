"""Messages over the widget API: answers, buttons, repeats, history, feedback, waiting."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bot.conversations.models import Escalation, Feedback, Message
from bot.dialogue.client import DialogueResult
from bot.messages import Button, Outcome, Reply
from bot.worker import answer_leftovers
from tests.fakes import FakeDialogue
from tests.integration.conftest import OpenSite
from tests.web_site import EMERGENCY, Patient, Site, assert_problem

OFFERED = (Button("answer:aftercare-makeup", "Makeup"), Button("something-else", "Something else"))


class SlowDialogue(FakeDialogue):
    """Takes its time, so that requests meet in the middle."""

    def send(
        self, conversation_id: str, text: str, *, message_id: int, context: Mapping[str, Any]
    ) -> DialogueResult:
        time.sleep(0.3)
        return super().send(conversation_id, text, message_id=message_id, context=context)


def test_an_answer_has_the_shape_of_the_contract(patient: Patient, site: Site) -> None:
    response = patient.say("does it hurt")
    assert response.status_code == 200
    body = response.json()
    (reply,) = body["replies"]
    assert set(body) == {"message_id", "outcome", "replies"}
    assert body["outcome"] == "answered"
    assert reply == {
        "id": reply["id"],
        "text": "It can sting a little.",
        "buttons": [],
        "answer": {
            "id": "does-it-hurt",
            "title": "Does it hurt?",
            "version": 1,
            "reviewed_on": "2026-11-02",
        },
    }
    question, answer = site.stored(patient.conversation_id)
    assert (body["message_id"], reply["id"]) == (question.public_id, answer.public_id)


def test_a_reply_that_is_no_answer_names_none(patient: Patient, site: Site) -> None:
    reply = Reply("Hello.", buttons=(Button("talk-to-a-person", "Talk to a person"),))
    site.dialogue.result = replace(
        site.dialogue.result, outcome=Outcome.SMALLTALK, replies=(reply,)
    )
    body = patient.say("hi").json()
    assert body["outcome"] == "smalltalk"
    assert body["replies"][0]["answer"] is None
    assert body["replies"][0]["buttons"] == [
        {"id": "talk-to-a-person", "title": "Talk to a person"}
    ]


def test_the_same_message_again_gets_the_same_answer_and_is_stored_once(
    patient: Patient, site: Site
) -> None:
    body = {"client_message_id": "message-0001", "text": "does it hurt"}
    first, again = patient.post(body), patient.post(body)
    assert again.json() == first.json()
    assert len(site.dialogue.sent) == 1
    assert [m["sender"] for m in patient.history()] == ["patient", "assistant"]


def test_two_patients_may_use_the_same_message_id(patient: Patient, site: Site) -> None:
    body = {"client_message_id": "message-0001", "text": "does it hurt"}
    other = site.patient()
    assert patient.post(body).json()["message_id"] != other.post(body).json()["message_id"]
    assert len(site.dialogue.sent) == 2


def test_one_message_sent_many_times_at_once_is_answered_once(open_site: OpenSite) -> None:
    site = open_site(dialogue=SlowDialogue())
    patient = site.patient()
    body = {"client_message_id": "message-0001", "text": "does it hurt"}
    responses: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: responses.append(patient.post(body))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.status_code for r in responses] == [200] * 8
    assert all(r.json() == responses[0].json() for r in responses)
    assert responses[0].json()["replies"][0]["answer"]["id"] == "does-it-hurt"
    assert len(site.dialogue.sent) == 1
    assert len(site.stored(patient.conversation_id)) == 2


def test_every_quick_reply_asks_for_its_answer(patient: Patient, site: Site) -> None:
    for choice in patient.opening["quick_replies"]:
        assert patient.press(choice["id"]).status_code == 200
        intent, _, entities = site.dialogue.sent[-1][1].partition("{")
        assert re.fullmatch(r"/[a-z_]+", intent)
        assert json.loads("{" + entities) == {"answer_id": choice["id"].removeprefix("answer:")}
        assert patient.history()[-2]["text"] == choice["title"]


def test_talking_to_a_person_can_be_pressed_at_any_time(patient: Patient, site: Site) -> None:
    assert patient.press("talk-to-a-person").status_code == 200
    assert site.dialogue.sent[-1][1] == "/request_human"


def test_an_offered_choice_can_be_pressed_once_it_was_offered(patient: Patient, site: Site) -> None:
    assert_problem(patient.press("answer:aftercare-makeup"), 422)
    site.dialogue.result = replace(
        site.dialogue.result, replies=(Reply("Which one?", buttons=OFFERED),)
    )
    patient.say("what about after")
    assert patient.press("answer:aftercare-makeup").status_code == 200
    assert site.dialogue.sent[-1][1].endswith('{"answer_id": "aftercare-makeup"}')


def test_something_else_is_an_honest_no_answer_with_a_way_to_a_person(
    patient: Patient, site: Site
) -> None:
    site.dialogue.result = replace(
        site.dialogue.result, replies=(Reply("Which one?", buttons=OFFERED),)
    )
    patient.say("what about after")
    asked = len(site.dialogue.sent)
    body = patient.press("something-else").json()
    assert body["outcome"] == "no_answer"
    assert "talk-to-a-person" in [b["id"] for b in body["replies"][0]["buttons"]]
    assert len(site.dialogue.sent) == asked


@pytest.mark.parametrize(
    "button_id",
    [
        "answer:made-up",
        "something-else",
        "/restart",
        'answer:x"}/restart{"',
        "<script>alert(1)</script>",
        "",
    ],
)
def test_a_made_up_button_is_refused_and_leaves_no_trace(
    patient: Patient, site: Site, button_id: str
) -> None:
    refused = patient.press(button_id)
    assert_problem(refused, 422)
    assert not button_id or button_id not in refused.text
    assert site.stored(patient.conversation_id) == []
    assert site.dialogue.sent == []


def test_a_choice_offered_to_one_patient_is_none_for_another(patient: Patient, site: Site) -> None:
    site.dialogue.result = replace(
        site.dialogue.result, replies=(Reply("Which one?", buttons=OFFERED),)
    )
    patient.say("what about after")
    assert_problem(site.patient().press("answer:aftercare-makeup"), 422)


def test_history_shows_both_sides_in_order_with_all_that_the_widget_needs(
    patient: Patient, site: Site
) -> None:
    said = [patient.say(text).json() for text in ("does it hurt", "and after a day")]
    found = patient.history()
    assert [(m["sender"], m["text"]) for m in found] == [
        ("patient", "does it hurt"),
        ("assistant", "It can sting a little."),
        ("patient", "and after a day"),
        ("assistant", "It can sting a little."),
    ]
    assert [m["id"] for m in found[::2]] == [body["message_id"] for body in said]
    assert found[0]["client_message_id"] == "message-0001"
    assert found[1]["at"] == site.clock().isoformat()
    for message, body in zip(found[1::2], said, strict=True):
        assert {key: message[key] for key in body["replies"][0]} == body["replies"][0]
    reply_fields = {"id", "text", "buttons", "answer", "urgent"}
    fields = reply_fields | {"sender", "at", "staff_name", "client_message_id"}
    assert all(set(message) == fields for message in found)
    assert not any(message["urgent"] for message in found)


def test_history_after_a_message_is_what_came_after_it(patient: Patient) -> None:
    first, second = (patient.say(text).json() for text in ("does it hurt", "how long"))
    after = patient.history(after=first["replies"][0]["id"])
    assert [m["id"] for m in after] == [second["message_id"], second["replies"][0]["id"]]
    assert patient.history(after=second["replies"][0]["id"]) == []
    assert len(patient.history(after="0" * 24)) == 4, "an unknown place means from the start"


def test_feedback_is_kept_and_the_last_word_counts(patient: Patient, site: Site) -> None:
    reply = patient.say("does it hurt").json()["replies"][0]
    for helpful, comment in ((True, "good"), (False, None)):
        vote = {"message_id": reply["id"], "helpful": helpful, "comment": comment}
        response = patient.http.post("/api/chat/feedback", json=vote)
        assert response.status_code == 204
        assert response.content == b""
    with site.state.database.reading() as session:
        kept = session.scalars(select(Feedback)).one()
        assert (kept.helpful, kept.comment) == (False, None)
        assert session.get_one(Message, kept.message_id).public_id == reply["id"]


def test_feedback_without_a_comment_is_enough(patient: Patient) -> None:
    reply = patient.say("does it hurt").json()["replies"][0]
    vote = {"message_id": reply["id"], "helpful": True}
    assert patient.http.post("/api/chat/feedback", json=vote).status_code == 204


def test_feedback_on_ones_own_words_or_on_nothing_is_refused(patient: Patient, site: Site) -> None:
    own = patient.say("does it hurt").json()["message_id"]
    for message_id in (own, "0" * 24):
        vote = {"message_id": message_id, "helpful": True}
        assert_problem(patient.http.post("/api/chat/feedback", json=vote), 404)
    with site.state.database.reading() as session:
        assert session.scalars(select(Feedback)).all() == []


def test_while_rasa_is_down_the_patient_is_told_honestly_and_answered_later(
    patient: Patient, site: Site
) -> None:
    site.dialogue.down = True
    body = {"client_message_id": "message-0001", "text": "does it hurt"}
    waiting = patient.post(body).json()
    assert waiting["outcome"] == "queued"
    (honest,) = waiting["replies"]
    assert "saved" in honest["text"]
    assert site.state.clinic.placeholders()["phone"] in honest["text"]
    assert [b["id"] for b in honest["buttons"]] == ["talk-to-a-person"]
    assert honest["answer"] is None
    assert patient.post(body).json() == waiting

    site.dialogue.down = False
    site.clock.advance(minutes=10)
    assert answer_leftovers(site.state) == 1
    later = patient.history(after=honest["id"])
    assert [(m["sender"], m["text"]) for m in later] == [("assistant", "It can sting a little.")]
    assert later[0]["answer"]["id"] == "does-it-hurt"
    assert patient.post(body).json()["outcome"] == "answered"
    assert len(patient.history()) == 3


def test_a_pressed_choice_waits_for_rasa_too(patient: Patient, site: Site) -> None:
    site.dialogue.down = True
    assert patient.press(patient.opening["quick_replies"][0]["id"]).json()["outcome"] == "queued"
    site.dialogue.down = False
    site.clock.advance(minutes=10)
    answer_leftovers(site.state)
    assert "answer_id" in site.dialogue.sent[-1][1]
    assert patient.history()[-1]["answer"]["id"] == "does-it-hurt"


def test_an_emergency_is_answered_with_911_and_escalated_without_rasa(
    patient: Patient, site: Site
) -> None:
    site.dialogue.down = True
    body = patient.say(EMERGENCY).json()
    assert body["outcome"] == "escalated_emergency"
    assert "911" in body["replies"][0]["text"]
    assert body["replies"][0]["answer"] is None
    assert site.dialogue.sent == []
    with site.state.database.reading() as session:
        found = session.scalars(select(Escalation)).one()
        assert (found.conversation_id, found.tier) == (patient.conversation_id, 3)


def test_only_the_reply_to_a_danger_sign_is_urgent_also_in_later_history(patient: Patient) -> None:
    patient.say("does it hurt")
    alarmed = patient.say(EMERGENCY).json()
    marks = [(m["sender"], m["urgent"]) for m in patient.history()]
    patients, calm_reply, urgent_reply = (
        ("patient", False),
        ("assistant", False),
        ("assistant", True),
    )
    assert marks == [patients, calm_reply, patients, urgent_reply]
    later = patient.history(after=alarmed["message_id"])
    assert [m["urgent"] for m in later] == [True], "also when its question is not in the page read"
