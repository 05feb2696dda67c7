"""Lists, exports and reviews over HTTP."""

from __future__ import annotations

import csv
import io
import json

import pytest
from sqlalchemy import select

from bot.audit.models import AuditEvent
from bot.conversations.models import Escalation, Message
from bot.members.permissions import Role
from bot.review import saved_filters
from bot.review.models import MessageFlag, Review
from bot.review.store import MISSED, accuracy, second, settled, teaching
from bot.sms.models import SmsOutbound
from tests.staff_browser import StaffBrowser, sign_in
from tests.web_site import Site


@pytest.fixture
def reviewer(site: Site) -> StaffBrowser:
    return sign_in(site, Role.REVIEWER, "Rita", "rita@clinic.example")


def told(site: Site, *texts: str) -> list[Message]:
    patient = site.patient()
    for text in texts:
        assert patient.say(text).status_code == 200
    return [m for m in site.stored(patient.conversation_id) if m.sender == "patient"]


def audited(site: Site, action: str) -> list[AuditEvent]:
    with site.state.database.reading() as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


def test_the_list_shows_what_fits_without_particulars(site: Site, reviewer: StaffBrowser) -> None:
    told(site, "does it hurt, my number is 916-555-0142")
    page = reviewer.get("/console/transcripts", params={"words": "hurt", "intent": "ask_pain"})
    assert "does it hurt, my number is [phone]" in page.text
    assert "916-555" not in page.text
    assert "No conversation fits" in reviewer.get("/console/transcripts?words=pregnant").text


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2026-13-01", "below=much", "below=7", "below=nan"]
)
def test_what_is_no_day_or_number_is_refused_plainly(
    site: Site, reviewer: StaffBrowser, query: str
) -> None:
    answer = reviewer.get(f"/console/transcripts?{query}")
    assert answer.status_code == 422
    assert "Give " in answer.text


def test_a_redacted_export_is_on_record_and_holds_no_particulars_and_no_formula(
    site: Site, reviewer: StaffBrowser
) -> None:
    told(site, "=HYPERLINK(1) call 916-555-0142 or me@home.example", "unrelated")
    told(site, "another conversation")
    sent = reviewer.post("/console/transcripts/export", {"words": "call", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(sent.text)))
    assert [row["sender"] for row in rows] == ["patient", "assistant"] * 2
    assert rows[0]["text"] == "'=HYPERLINK(1) call [phone] or [e-mail]"
    assert "attachment" in sent.headers["content-disposition"]
    (event,) = audited(site, "transcripts_exported")
    assert event.details == {"format": "csv", "redacted": True, "by": "words"}


def test_only_an_admin_takes_everything_out(site: Site, reviewer: StaffBrowser) -> None:
    told(site, "call 916-555-0142")
    path = "/console/transcripts/export-in-full"
    assert reviewer.post(path, {"format": "jsonl"}).status_code == 403
    admin = sign_in(site, Role.ADMIN)
    lines = admin.post(path, {"format": "jsonl"}).text.splitlines()
    assert json.loads(lines[0])["text"] == "call 916-555-0142"
    assert audited(site, "transcripts_exported")[0].details["redacted"] is False


def test_a_verdict_leads_to_the_next_message_and_is_kept(
    site: Site, reviewer: StaffBrowser
) -> None:
    told(site, "does it hurt", "how much is it")
    site.clock.advance(minutes=1)
    with site.state.database.transaction() as session:
        for message in session.scalars(select(Message).where(Message.sender == "patient")):
            message.outcome = "no_answer"
    with site.state.database.reading() as session:
        first, then = [item.message.id for item in teaching(session)]
    fields = {"verdict": "wrong_intent", "right_intent": "ask_cost", "note": "a price"}
    sent = reviewer.post(f"/console/review/{first}", fields)
    assert sent.headers["location"].startswith(f"/console/review/{then}?")
    assert reviewer.post(f"/console/review/{then}", {"verdict": "right"}).status_code == 303
    with site.state.database.reading() as session:
        kept = session.scalars(select(Review).where(Review.message_id == first)).one()
        assert (kept.reviewer, kept.verdict, kept.right_intent) == (
            *("Rita", "wrong_intent", "ask_cost"),
        )
        assert teaching(session) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "fine"},
        {},
        {"verdict": "wrong_intent", "right_intent": "ask_nothing"},
        {"verdict": "wrong_answer", "right_answer": "no-such-answer"},
    ],
    ids=str,
)
def test_what_does_not_exist_cannot_be_the_verdict(
    site: Site, reviewer: StaffBrowser, fields: dict[str, str]
) -> None:
    (message,) = told(site, "does it hurt")
    assert reviewer.post(f"/console/review/{message.id}", fields).status_code == 422
    with site.state.database.reading() as session:
        assert session.query(Review).count() == 0


def test_a_missed_escalation_goes_to_staff_at_once_and_onto_its_list(
    site: Site, reviewer: StaffBrowser
) -> None:
    (message,) = told(site, "it looks odd today")
    reviewer.post(f"/console/review/{message.id}", {"verdict": MISSED})
    with site.state.database.reading() as session:
        case = session.scalars(select(Escalation)).one()
        assert (case.tier, case.reason) == (2, "missed_escalation")
        assert case.notify_at is not None
        review = session.scalars(select(Review)).one()
    page = reviewer.get("/console/review?which=missed")
    assert "it looks odd today" in page.text
    assert "(1)" in page.text
    path = f"/console/review/missed/{review.id}/close"
    assert reviewer.post(path).status_code == 403
    assert sign_in(site, Role.ADMIN).post(path).status_code == 303
    assert "(1)" not in reviewer.get("/console/review?which=missed").text
    assert len(audited(site, "missed_closed")) == 1


def test_one_finding_wants_a_second_person_and_a_majority_settles_it(
    site: Site, reviewer: StaffBrowser
) -> None:
    (message,) = told(site, "does it hurt")
    path = f"/console/review/{message.id}"
    noor = sign_in(site, Role.CLINICIAN, "Noor", "noor@clinic.example")
    ada = sign_in(site, Role.ADMIN, "Ada", "ada@clinic.example")

    def waits(browser: StaffBrowser) -> bool:
        with site.state.database.reading() as session:
            return bool(second(session, browser.member_id))

    reviewer.post(path, {"verdict": "wrong_answer"})
    assert not waits(reviewer)
    assert waits(noor)
    noor.post(path, {"verdict": "right"})
    assert waits(ada)
    ada.post(path, {"verdict": "right"})
    assert not waits(ada)
    with site.state.database.reading() as session:
        said = session.scalars(select(Review)).all()
        assert settled(said) == "right"


def test_a_flag_goes_on_and_off(site: Site, reviewer: StaffBrowser) -> None:
    (message,) = told(site, "does it hurt")
    for to, count in (("on", 1), ("on", 1), ("off", 0)):
        reviewer.post(f"/console/review/{message.id}/flag", {"to": to})
        with site.state.database.reading() as session:
            assert session.query(MessageFlag).count() == count


def test_accuracy_counts_the_random_sample_only(site: Site, reviewer: StaffBrowser) -> None:
    messages = told(site, "one", "two", "three", "four")
    with site.state.database.transaction() as session:
        for message, start in zip(messages, ("00", "01", "02", "ff"), strict=True):
            session.get_one(Message, message.id).public_id = start + "x" * 22
    for message, verdict in zip(messages, ("right", "wrong_answer", "", "right"), strict=True):
        if verdict:
            reviewer.post(f"/console/review/{message.id}", {"verdict": verdict})
    day = site.clock().replace(hour=0)
    with site.state.database.reading() as session:
        found = accuracy(session, day, site.clock.now.replace(hour=23))
    assert (found.right, found.judged, found.drawn) == (1, 2, 3)


def test_an_erased_message_can_neither_be_read_nor_judged(
    site: Site, reviewer: StaffBrowser
) -> None:
    (message,) = told(site, "does it hurt")
    reviewer.post(f"/console/review/{message.id}", {"verdict": "right", "note": "says hurt"})
    admin = sign_in(site, Role.ADMIN)
    admin.post(f"/console/conversations/{message.conversation_id}/erase", {"sure": "yes"})
    assert reviewer.get(f"/console/review/{message.id}").status_code == 404
    with site.state.database.reading() as session:
        assert session.scalars(select(Review)).one().note == "[erased]"


def test_an_erased_message_waits_for_no_review(site: Site, reviewer: StaffBrowser) -> None:
    (message,) = told(site, "does it hurt")
    with site.state.database.transaction() as session:
        session.get_one(Message, message.id).outcome = "no_answer"
    admin = sign_in(site, Role.ADMIN)
    with site.state.database.reading() as session:
        assert [item.message.id for item in teaching(session)] == [message.id]
    admin.post(f"/console/conversations/{message.conversation_id}/erase", {"sure": "yes"})
    with site.state.database.reading() as session:
        assert teaching(session) == []


def test_a_conversation_shows_how_a_text_message_fared(site: Site, reviewer: StaffBrowser) -> None:
    (message,) = told(site, "does it hurt")
    with site.state.database.transaction() as session:
        reply = session.scalars(select(Message).where(Message.in_reply_to == message.id)).one()
        session.add(
            SmsOutbound(
                conversation_id=message.conversation_id,
                message_id=reply.id,
                kind="reply",
                body="It can sting.",
                part_count=2,
                created_at=site.clock(),
                not_before=site.clock(),
                status="undelivered",
                error_code=30003,
                updated_at=site.clock(),
            )
        )
    page = reviewer.get(f"/console/conversations/{message.conversation_id}").text
    assert "Text message NOT delivered (code 30003)" in page
    assert "2 segments" in page


def test_a_filter_is_kept_under_a_name_for_oneself_and_removed(
    site: Site, reviewer: StaffBrowser
) -> None:
    path = "/console/transcripts/filters"
    asked = {"outcome": "no_answer", "below": "0.4", "flagged": "yes"}
    sent = reviewer.post(path, {**asked, "name": " Unsure  ones "})
    assert sent.status_code == 303
    assert "outcome=no_answer" in sent.headers["location"]
    reviewer.post(path, {"channel": "sms", "name": "Unsure ones"})
    reviewer.post(path, {**asked, "name": "Others"})
    page = reviewer.get("/console/transcripts").text
    assert '<a href="/console/transcripts?channel=sms">Unsure ones</a>' in page
    assert "outcome=no_answer&amp;below=0.4&amp;flagged=yes" in page
    noor = sign_in(site, Role.CLINICIAN, "Noor", "noor@clinic.example")
    assert "Unsure ones" not in noor.get("/console/transcripts").text
    with site.state.database.reading() as session:
        number = saved_filters.of(session, reviewer.member_id)[1].id
    assert noor.post(f"{path}/{number}/remove").status_code == 404
    assert reviewer.post(f"{path}/{number}/remove").status_code == 303
    assert "Unsure ones" not in reviewer.get("/console/transcripts").text


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "channel": "sms"},
        {"name": "x" * 41, "channel": "sms"},
        {"name": "all"},
        {"name": "days", "since": "yesterday"},
    ],
    ids=str,
)
def test_a_filter_without_name_or_sense_is_not_kept(
    site: Site, reviewer: StaffBrowser, fields: dict[str, str]
) -> None:
    assert reviewer.post("/console/transcripts/filters", fields).status_code == 422
    with site.state.database.reading() as session:
        assert saved_filters.of(session, reviewer.member_id) == []
