"""Working an escalation over HTTP: what is refused, what is recorded."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import yaml
from sqlalchemy import select

from bot.audit.models import AuditEvent
from bot.conversations import contacts
from bot.conversations.contacts import ContactDetails
from bot.conversations.models import Conversation, Escalation
from bot.members.permissions import Role
from bot.sms import consent
from bot.sms.models import SmsNumber, SmsOutbound
from tests.staff_browser import StaffBrowser, sign_in
from tests.web_site import EMERGENCY, Patient, Site


@dataclass(slots=True)
class Scene:
    site: Site
    patient: Patient

    @property
    def path(self) -> str:
        return f"/console/conversations/{self.patient.conversation_id}"

    def escalation(self) -> Escalation:
        with self.site.state.database.reading() as session:
            return session.scalars(select(Escalation).order_by(Escalation.id.desc())).first()

    def actions(self) -> list[str]:
        with self.site.state.database.reading() as session:
            return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.number)))

    def details(self) -> list[dict[str, object]]:
        with self.site.state.database.reading() as session:
            return list(session.scalars(select(AuditEvent.details)))


@pytest.fixture
def scene(site: Site) -> Scene:
    patient = site.patient()
    patient.say(EMERGENCY)
    return Scene(site, patient)


@pytest.fixture
def maya(scene: Scene) -> StaffBrowser:
    return sign_in(scene.site, Role.AGENT, "Maya", "maya@clinic.example")


@pytest.fixture
def noor(scene: Scene) -> StaffBrowser:
    return sign_in(scene.site, Role.CLINICIAN, "Noor", "noor@clinic.example")


def test_each_look_at_a_conversation_is_recorded(scene: Scene, maya: StaffBrowser) -> None:
    before = scene.actions().count("conversation_viewed")
    assert maya.get(scene.path).status_code == 200
    assert maya.get(scene.path).status_code == 200
    assert scene.actions().count("conversation_viewed") == before + 2


def test_a_look_that_calls_itself_a_refresh_is_recorded_too_unless_it_is_one(
    scene: Scene, maya: StaffBrowser
) -> None:
    by_itself = {"X-Background": "yes"}
    for _ in range(3):
        assert maya.get(scene.path, headers=by_itself).status_code == 200
    assert scene.actions().count("conversation_viewed") == 1


def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(
    scene: Scene, maya: StaffBrowser
) -> None:
    for _ in range(15):
        scene.site.clock.advance(minutes=1)
        maya.get("/console/queue", headers={"X-Background": "yes"})
    assert maya.get("/console/queue").status_code == 303


def test_the_second_of_two_sees_who_was_first_and_overwrites_nothing(
    scene: Scene, maya: StaffBrowser, noor: StaffBrowser
) -> None:
    seen = scene.escalation().version
    assert maya.post(f"{scene.path}/take-over").status_code == 303
    late = noor.post("/console/escalations/1/acknowledge", {"version": seen})
    assert late.status_code == 409
    assert "Maya has it" in late.text
    taken = noor.post(f"{scene.path}/take-over")
    assert taken.status_code == 409
    assert "Maya has this conversation" in taken.text
    words = "I will look at it"
    said = noor.post(f"{scene.path}/reply", {"text": words})
    assert said.status_code == 409
    assert not [m for m in scene.patient.history() if m["sender"] == "staff"]
    assert scene.escalation().assigned_to == "Maya"
    named = noor.post(f"{scene.path}/take-over", {"taking_from": "Maya"})
    assert named.status_code == 303, "openly, and by name, it can be taken"
    assert scene.escalation().assigned_to == "Noor"


def test_a_refused_reply_is_not_lost(scene: Scene, maya: StaffBrowser) -> None:
    answer = maya.post(f"{scene.path}/reply", {"text": "long and well thought words"})
    assert answer.status_code == 409
    assert "take it over first" in answer.text
    assert maya.post(f"{scene.path}/take-over").status_code == 303
    gap = maya.post(f"{scene.path}/reply", {"text": "come at [time] please"})
    assert gap.status_code == 422
    assert "come at [time] please</textarea>" in gap.text


def test_only_clinical_roles_lower_a_tier_and_everybody_may_raise_it(
    scene: Scene, maya: StaffBrowser, noor: StaffBrowser
) -> None:
    lower = {"tier": 1, "reason": "seen it"}
    assert maya.post("/console/escalations/1/tier", lower).status_code == 403
    assert scene.escalation().tier == 3
    assert noor.post("/console/escalations/1/tier", {**lower, "reason": " "}).status_code == 422
    assert noor.post("/console/escalations/1/tier", lower).status_code == 303
    assert scene.escalation().tier == 1
    raised = maya.post("/console/escalations/1/tier", {"tier": 2, "reason": "new photo"})
    assert raised.status_code == 303
    assert scene.escalation().tier == 2
    assert maya.post("/console/escalations/1/tier", {"tier": 0, "reason": "x"}).status_code == 422


def test_an_escalation_is_worked_to_its_end_and_every_step_is_recorded(
    scene: Scene, maya: StaffBrowser, noor: StaffBrowser
) -> None:
    number = scene.escalation().id
    steps = [
        (f"/console/escalations/{number}/acknowledge", {"version": scene.escalation().version}),
        (f"/console/escalations/{number}/assign", {"to": str(noor.member_id)}),
        (f"/console/escalations/{number}/assign", {"to": ""}),
        (f"{scene.path}/take-over", {}),
        (f"{scene.path}/reply", {"text": "Hello, this is Maya."}),
        (f"/console/escalations/{number}/note", {"text": "called 911 herself"}),
        (f"{scene.path}/give-back", {}),
        (f"/console/escalations/{number}/resolve", {"outcome": "advised_911", "text": "ok"}),
        (f"/console/escalations/{number}/reopen", {"reason": "wrote again"}),
    ]
    before = len(scene.actions())
    for path, data in steps:
        answer = maya.post(path, data)
        assert answer.status_code == 303, (path, answer.text)
    assert scene.actions()[before:] == [
        *("escalation_acknowledged", "escalation_assigned", "escalation_assigned"),
        *("conversation_taken", "reply_sent", "note_added", "conversation_given_back"),
        *("escalation_resolved", "escalation_reopened"),
    ]
    page = maya.get(scene.path).text
    assert "called 911 herself" in page
    with scene.site.state.database.reading() as session:
        assert scene.site.state.audit.verify(session).problem is None
        recorded = str([event.details for event in session.scalars(select(AuditEvent))])
    for private in ("called 911", "Hello", "wrote again", "throat"):
        assert private not in recorded


def test_while_staff_have_it_it_is_given_back_before_it_is_resolved(
    scene: Scene, maya: StaffBrowser
) -> None:
    maya.post(f"{scene.path}/take-over")
    answer = maya.post("/console/escalations/1/resolve", {"outcome": "false_alarm"})
    assert answer.status_code == 409
    assert "give it back first" in answer.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", {"parts": 1, "characters": 5, "alphabet": "GSM-7"}),
        ("x" * 161, {"parts": 2, "characters": 161, "alphabet": "GSM-7"}),
        ("", {"parts": 0, "characters": 0, "alphabet": "GSM-7"}),
        ("日" * 71, {"parts": 2, "characters": 71, "alphabet": "UCS-2"}),
    ],
)
def test_the_length_of_a_text_message_is_told(
    scene: Scene, maya: StaffBrowser, text: str, expected: dict[str, object]
) -> None:
    headers = {"Origin": maya.origin, "X-Form-Token": maya.form_token()}
    answer = maya.http.post("/console/reply-length", data={"text": text}, headers=headers)
    assert answer.json() == expected


def test_erasing_needs_the_tick_and_a_hold_stops_it(scene: Scene) -> None:
    ada = sign_in(scene.site, Role.ADMIN, "Ada", "ada@clinic.example")
    assert ada.post(f"{scene.path}/erase").status_code == 422
    assert ada.post(f"{scene.path}/hold").status_code == 303
    assert ada.post(f"{scene.path}/erase", {"sure": "yes"}).status_code == 409
    assert ada.post(f"{scene.path}/release").status_code == 303
    assert ada.post(f"{scene.path}/erase", {"sure": "yes"}).status_code == 303
    texts = {message.text for message in scene.site.stored(scene.patient.conversation_id)}
    assert texts == {"[erased]"}
    assert scene.actions()[-4:] == [
        *("conversation_held", "person_erased", "conversation_released", "person_erased")
    ]


def test_a_conversation_nobody_had_is_not_found(scene: Scene, maya: StaffBrowser) -> None:
    assert maya.get("/console/conversations/nowhere").status_code == 404
    assert maya.post("/console/conversations/nowhere/take-over").status_code == 404
    assert maya.post("/console/escalations/999/acknowledge").status_code == 404


def test_the_link_of_a_notification_leads_to_the_conversation(
    scene: Scene, maya: StaffBrowser
) -> None:
    sent = maya.get(f"/console/escalations/{scene.escalation().id}")
    assert sent.status_code == 303
    assert sent.headers["location"] == scene.path
    assert maya.get("/console/escalations/999").status_code == 404


def test_those_who_work_cases_see_how_the_patient_wants_to_be_called_back(
    scene: Scene, maya: StaffBrowser
) -> None:
    state = scene.site.state
    left = ContactDetails("Dana", "+19165550142", "dana@home.example", "after six")
    with state.database.transaction() as session:
        contacts.save(session, state.private, scene.escalation().id, left, scene.site.clock())
    page = maya.get(scene.path).text
    for value in (left.name, left.phone, left.email, left.best_time):
        assert value in page
    rita = sign_in(scene.site, Role.REVIEWER, "Rita", "rita@clinic.example")
    assert "+19165550142" not in rita.get(scene.path).text


def text_from(scene: Scene) -> str:
    """Let the patient of the scene be one who texts; gives the number's code."""
    state = scene.site.state
    number = state.private.lookup("+19165550142")
    with state.database.transaction() as session:
        session.get_one(Conversation, scene.patient.conversation_id).channel = "sms"
        session.add(
            SmsNumber(
                number_hash=number,
                number=state.private.encrypt("+19165550142"),
                conversation_id=scene.patient.conversation_id,
                created_at=scene.site.clock(),
            )
        )
    return number


def test_taking_over_says_whether_the_patient_was_told(scene: Scene, maya: StaffBrowser) -> None:
    state, number = scene.site.state, text_from(scene)
    assert "the patient is told" in maya.get(scene.path).text
    taken = maya.http.get(maya.post(f"{scene.path}/take-over").headers["location"]).text
    assert "The patient was told" in taken
    given = maya.http.get(maya.post(f"{scene.path}/give-back").headers["location"]).text
    assert "The assistant answers this patient again" in given
    with state.database.transaction() as session:
        consent.record(
            session, state.private, number, "opt_out", "keyword", "STOP", scene.site.clock()
        )
    assert "the patient is told" not in maya.get(scene.path).text
    taken = maya.http.get(maya.post(f"{scene.path}/take-over").headers["location"]).text
    assert "You have this conversation now" in taken
    assert "The patient was told" not in taken
    assert "the patient was not told" in taken


def test_a_number_that_opted_out_is_said_and_nothing_is_sent_to_it(
    scene: Scene, maya: StaffBrowser
) -> None:
    state, now = scene.site.state, scene.site.clock()
    number = text_from(scene)
    maya.post(f"{scene.path}/take-over")
    assert "opted out" not in maya.get(scene.path).text
    assert maya.post(f"{scene.path}/reply", {"text": "Hello."}).status_code == 303
    with state.database.transaction() as session:
        consent.record(session, state.private, number, "opt_out", "keyword", "STOP", now)
    page = maya.get(scene.path).text
    assert "This number has opted out of text messages" in page
    assert "Text message waits to be sent" in page
    refused = maya.post(f"{scene.path}/reply", {"text": "Are you there?"})
    assert refused.status_code == 422
    assert "Are you there?</textarea>" in refused.text
    with state.database.reading() as session:
        assert not [b for b in session.scalars(select(SmsOutbound.body)) if "Are you there" in b]


def test_a_conversation_becomes_a_test_with_one_click_redacted_and_on_record(scene: Scene) -> None:
    scene.patient.say("does it hurt, my number is 916-555-0142")
    path = f"{scene.path}/test"
    agent = sign_in(scene.site, Role.AGENT)
    assert agent.post(path).status_code == 403
    noor = sign_in(scene.site, Role.CLINICIAN, "Noor", "noor@clinic.example")
    sent = noor.post(path, page=scene.path)
    assert "attachment" in sent.headers["content-disposition"]
    (test,) = yaml.safe_load(sent.text)
    assert test["turns"][0]["outcome"] == "escalated_emergency"
    assert test["turns"][1]["patient"] == "does it hurt, my number is [phone]"
    assert scene.actions()[-1] == "conversation_test_made"


def test_a_person_is_found_and_erased_by_telephone_number(scene: Scene) -> None:
    state = scene.site.state
    with state.database.transaction() as session:
        left = ContactDetails(phone="+19165550142")
        contacts.save(session, state.private, scene.escalation().id, left, scene.site.clock())
    ada = sign_in(scene.site, Role.ADMIN, "Ada", "ada@clinic.example")
    phone = {"phone": "(916) 555-0142"}
    assert "No conversation." in ada.post("/console/privacy/find", {"phone": "9165550143"}).text
    assert scene.path in ada.post("/console/privacy/find", phone).text
    assert ada.post("/console/privacy/find", {"phone": "call me"}).status_code == 422
    assert ada.post("/console/privacy/erase", phone).status_code == 422
    ada.post(f"{scene.path}/hold")
    held = ada.post("/console/privacy/erase", {**phone, "sure": "yes"})
    assert held.status_code == 409
    assert "on legal hold" in held.text
    ada.post(f"{scene.path}/release")
    assert ada.post("/console/privacy/erase", {**phone, "sure": "yes"}).status_code == 303
    texts = {message.text for message in scene.site.stored(scene.patient.conversation_id)}
    assert texts == {"[erased]"}
    assert "0142" not in str(scene.details())
    assert scene.actions()[-1] == "person_erased"
