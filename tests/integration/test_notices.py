"""The ladder and its notices, with real receivers, on SQLite and PostgreSQL."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.app_state import open_app_state
from bot.conversations import escalations, handover, transcript
from bot.conversations.escalation_log import events
from bot.conversations.models import Conversation, Escalation, Message, Notice
from bot.db import Database
from bot.errors import NotifyError
from bot.members import accounts
from bot.members.permissions import Role
from bot.messages import Tier, Verdict
from bot.migrate import migrate
from bot.notify import state as notify_state
from bot.notify.ladder import take_due_steps
from bot.notify.mail import MailSender
from bot.notify.notification import Notification, Sender
from bot.notify.outbox import CLAIM, MAX_ATTEMPTS, Outbox
from bot.notify.webhook import WebhookSender
from bot.replies.texts import load_reply_texts
from bot.review import store as review
from bot.settings import ROOT
from bot.triage.screen import Screen
from bot.worker import notify_until
from tests import builders
from tests.builders import MIDNIGHT, NOON, clinic, inbound, staff
from tests.fakes import FakeClock, FakeDialogue
from tests.notice_receivers import Hook, MailServer, mail_server, webhook_address


class Remembering:
    """A medium that notes what it was given, and fails as told."""

    def __init__(self, medium: str = "email") -> None:
        self.medium = medium
        self.sent: list[Notification] = []
        self.errors: list[NotifyError | BaseException] = []

    def send(self, notification: Notification) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(notification)

    def told(self) -> list[str]:
        """Who was told since the last look."""
        names = [n.contact.id for n in self.sent]
        self.sent.clear()
        return names


def later(detail: str = "451") -> NotifyError:
    return NotifyError("email", detail, retryable=True)


def never(detail: str = "550") -> NotifyError:
    return NotifyError("email", detail, retryable=False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def mail() -> Remembering:
    return Remembering()


def make_outbox(database: Database, clock: FakeClock, *senders: Sender) -> Outbox:
    by_medium = {sender.medium: sender for sender in senders}
    return Outbox(database, by_medium, staff(), clinic(), "https://clinic.example", clock)


@pytest.fixture
def outbox(database: Database, clock: FakeClock, mail: Remembering) -> Outbox:
    return make_outbox(database, clock, mail)


def red_flag(
    database: Database, clock: FakeClock, tier: Tier = Tier.EMERGENCY, name: str = "c1"
) -> int:
    """One more message of a conversation that staff have to be told of."""
    with database.transaction() as session:
        if session.get(Conversation, name) is None:
            transcript.start_conversation(session, "web", clock(), conversation_id=name)
        sent = inbound(conversation_id=name, client_message_id=transcript.new_public_id())
        message = transcript.store_inbound(session, sent, "my own words", Verdict(tier))
        assert message is not None
        return escalations.open_or_add(
            session,
            conversation_id=name,
            message_id=message.id,
            tier=tier,
            reason="red_flag",
            rule_ids=(),
            now=clock(),
        ).id


def notices(database: Database) -> list[Notice]:
    with database.reading() as session:
        return list(session.scalars(select(Notice).order_by(Notice.id)))


def told_after(outbox: Outbox, mail: Remembering, clock: FakeClock, **parts: float) -> list[str]:
    clock.advance(**parts)
    outbox.work()
    return mail.told()


def test_an_emergency_is_told_at_once_reminded_and_passed_on(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock)
    assert told_after(outbox, mail, clock) == ["front-desk", "nurse"]
    assert told_after(outbox, mail, clock, seconds=119) == []
    assert told_after(outbox, mail, clock, seconds=1) == ["front-desk", "nurse"]
    assert told_after(outbox, mail, clock, minutes=2) == ["medical-lead", "on-call"]
    assert told_after(outbox, mail, clock, minutes=4.9) == []
    assert told_after(outbox, mail, clock, minutes=0.1) == ["medical-lead", "on-call"]


def test_a_reminder_says_that_it_is_one(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock)
    outbox.work()
    clock.advance(minutes=2)
    outbox.work()
    assert [n.step for n in mail.sent] == [0, 0, 1, 1]
    assert all(n.waiting_since == NOON for n in mail.sent)


def test_at_night_an_emergency_goes_to_who_is_on_call_without_a_pause(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    clock.now = MIDNIGHT
    red_flag(database, clock)
    assert told_after(outbox, mail, clock) == ["on-call"]
    assert told_after(outbox, mail, clock, minutes=2) == ["on-call"]
    assert told_after(outbox, mail, clock, minutes=2) == ["medical-lead", "on-call"]


def test_an_urgent_one_reminds_after_fifteen_minutes_of_working_hours(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    clock.now = NOON + timedelta(hours=5, minutes=20)  # 17:20; the clinic closes at 17:30
    red_flag(database, clock, Tier.URGENT)
    assert told_after(outbox, mail, clock) == ["front-desk"]
    assert told_after(outbox, mail, clock, minutes=30) == [], "closed"
    assert told_after(outbox, mail, clock, hours=15, minutes=14) == [], "9:04 next day"
    assert told_after(outbox, mail, clock, minutes=1) == ["front-desk", "nurse"]


def test_an_urgent_one_of_the_night_goes_to_who_is_on_call_and_at_the_opening_to_the_desk(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    clock.now = MIDNIGHT
    red_flag(database, clock, Tier.URGENT)
    assert told_after(outbox, mail, clock) == ["on-call"]
    assert told_after(outbox, mail, clock, hours=9, minutes=15) == ["front-desk", "nurse"]


def test_a_routine_one_of_the_night_waits_for_the_opening(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    clock.now = MIDNIGHT
    red_flag(database, clock, Tier.ROUTINE)
    assert told_after(outbox, mail, clock) == []
    assert told_after(outbox, mail, clock, hours=8.99) == []
    assert told_after(outbox, mail, clock, hours=0.01) == ["front-desk"]
    assert told_after(outbox, mail, clock, hours=8) == []


def test_the_ladder_ends_loudly(
    database: Database,
    outbox: Outbox,
    mail: Remembering,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    red_flag(database, clock)
    with caplog.at_level(logging.CRITICAL):
        for _ in range(80):
            told_after(outbox, mail, clock, minutes=1)
    assert "nobody acknowledged" in caplog.text
    assert len(notices(database)) == 2 * 15, "three steps and twelve repetitions"
    with database.reading() as session:
        assert notify_state.working(session, clock()).startswith("unanswered: 1")


def test_after_a_standstill_the_missed_steps_are_told_once(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock)
    clock.advance(minutes=4)
    with database.reading() as session:
        assert notify_state.working(session, clock()).startswith("late: 1")
    assert sorted(told_after(outbox, mail, clock)) == [
        *("front-desk", "medical-lead", "nurse", "on-call"),
    ]
    assert told_after(outbox, mail, clock, minutes=5) == ["medical-lead", "on-call"]


@pytest.mark.parametrize("how", ["acknowledge", "take over", "resolve"])
def test_once_somebody_has_seen_it_nobody_more_is_told(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock, how: str
) -> None:
    number = red_flag(database, clock)
    outbox.work()
    mail.told()
    texts = load_reply_texts(ROOT / "data" / "replies.yml", clinic().placeholders())
    with database.transaction() as session:
        if how == "acknowledge":
            escalations.acknowledge(session, number, "Maria", clock())
        elif how == "take over":
            handover.take_over(session, "c1", "Maria", clock(), texts=texts)
        else:
            escalations.resolve(session, number, "Maria", "false_alarm", "", clock())
    assert told_after(outbox, mail, clock, hours=3) == []


def test_what_is_waiting_to_be_tried_again_is_cancelled_by_an_acknowledgement(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    mail.errors = [later(), later()]
    number = red_flag(database, clock)
    outbox.work()
    with database.transaction() as session:
        escalations.acknowledge(session, number, "Maria", clock())
    assert told_after(outbox, mail, clock, hours=1) == []
    assert {n.status for n in notices(database)} == {"cancelled"}


def test_a_worse_sign_starts_the_ladder_anew(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    number = red_flag(database, clock, Tier.URGENT)
    outbox.work()
    with database.transaction() as session:
        escalations.acknowledge(session, number, "Maria", clock())
    mail.told()
    clock.advance(hours=1)
    assert red_flag(database, clock, Tier.EMERGENCY) == number
    outbox.work()
    assert {(n.contact.id, n.tier, n.step) for n in mail.sent} == {
        ("front-desk", Tier.EMERGENCY, 0),
        ("nurse", Tier.EMERGENCY, 0),
    }


def test_a_further_message_that_is_no_worse_tells_nobody_again(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock)
    outbox.work()
    mail.told()
    red_flag(database, clock)
    red_flag(database, clock, Tier.URGENT)
    assert told_after(outbox, mail, clock, seconds=30) == []


def test_a_further_sign_as_serious_tells_again_once_nobody_is_at_work_on_it(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    number = red_flag(database, clock)
    outbox.work()
    with database.transaction() as session:
        escalations.acknowledge(session, number, "Maria", clock())
    mail.told()
    clock.advance(minutes=9)
    red_flag(database, clock)
    assert told_after(outbox, mail, clock, seconds=30) == [], "Maria is at work on it"
    clock.advance(minutes=1)
    red_flag(database, clock, Tier.URGENT)
    assert told_after(outbox, mail, clock) == [], "a milder sign than the one she knows"
    assert red_flag(database, clock) == number
    assert told_after(outbox, mail, clock) == ["front-desk", "nurse"]
    with database.reading() as session:
        found = session.get_one(Escalation, number)
        assert (found.status, found.acknowledged_by) == ("open", None)
        happened = [event.kind for event in events(session, number)]
        assert happened[-4:] == ["added", "raised", "notified", "notified"]


def test_what_staff_wrote_to_the_patient_counts_as_looking(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    number = red_flag(database, clock)
    with database.transaction() as session:
        escalations.acknowledge(session, number, "Maria", clock())
    clock.advance(minutes=30)
    with database.transaction() as session:
        escalations.note(session, number, "Maria", "on the phone with her", clock())
    outbox.work()
    mail.told()
    clock.advance(minutes=5)
    red_flag(database, clock)
    assert told_after(outbox, mail, clock) == []


def test_that_somebody_must_be_told_is_stored_with_the_escalation_or_not_at_all(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        transcript.start_conversation(session, "web", clock(), conversation_id="c1")
        message = transcript.store_inbound(session, inbound(), "x", Verdict(Tier.URGENT))
        assert message is not None
        found = escalations.open_or_add(
            session,
            conversation_id="c1",
            message_id=message.id,
            tier=Tier.URGENT,
            reason="red_flag",
            rule_ids=(),
            now=clock(),
        )
        assert found.notify_at == clock()
        raise RuntimeError("the process dies before the commit")
    outbox.work()
    assert mail.told() == []
    red_flag(database, clock)
    assert told_after(outbox, mail, clock) == ["front-desk", "nurse"]


def test_a_notice_that_fails_for_now_is_tried_again_after_growing_waits(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock, Tier.ROUTINE)
    mail.errors = [later("451"), later("TimeoutError")]
    outbox.work()
    assert [(n.status, n.attempts, n.error) for n in notices(database)] == [("due", 1, "451")]
    assert told_after(outbox, mail, clock, seconds=9) == []
    assert told_after(outbox, mail, clock, seconds=1) == [], "second failure"
    assert told_after(outbox, mail, clock, seconds=19) == []
    assert told_after(outbox, mail, clock, seconds=1) == ["front-desk"]
    (notice,) = notices(database)
    assert (notice.status, notice.attempts, notice.error) == ("sent", 3, None)
    assert notice.sent_at == clock()


@pytest.mark.parametrize("error", [None, never()], ids=["too many tries", "a final no"])
def test_a_notice_is_given_up_loudly_and_the_next_are_told_at_once(
    database: Database,
    outbox: Outbox,
    mail: Remembering,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    error: NotifyError | None,
) -> None:
    red_flag(database, clock, Tier.URGENT)
    mail.errors = [error] if error else [later() for _ in range(MAX_ATTEMPTS)]
    with caplog.at_level(logging.CRITICAL):
        for _ in range(1 if error else MAX_ATTEMPTS):
            outbox.work()
            if mail.errors:
                # Only the first step's notice is at work: the ladder would go on meanwhile.
                with database.transaction() as session:
                    found = session.get_one(Notice, 1)
                    assert found.claimed_until is not None
                    wait = found.claimed_until - clock()
                    session.get_one(Escalation, 1).notify_at = clock() + timedelta(days=1)
                clock.advance(seconds=wait.total_seconds())
    assert notices(database)[0].status == "failed"
    assert "given up" in caplog.text
    assert "my own words" not in caplog.text
    with database.reading() as session:
        assert notify_state.working(session, clock()) == (
            "failing: 1 notices were given up; see the worker's log"
        )
    assert told_after(outbox, mail, clock) == ["front-desk", "nurse"]


def test_an_unforeseen_error_of_a_medium_is_tried_again(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock, Tier.ROUTINE)
    mail.errors = [ZeroDivisionError("inside")]
    outbox.work()
    assert notices(database)[0].error == "ZeroDivisionError"
    assert told_after(outbox, mail, clock, seconds=10) == ["front-desk"]


def test_a_crash_between_sending_and_recording_sends_twice_but_never_not_at_all(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    class Crash(BaseException):
        """What a killed process looks like from inside."""

    class Crashing(Outbox):
        def _sent(self, claimed: Any) -> None:
            raise Crash

    red_flag(database, clock, Tier.ROUTINE)
    doomed = Crashing(database, {"email": mail}, staff(), clinic(), "https://clinic.example", clock)
    with pytest.raises(Crash):
        doomed.work()
    assert mail.told() == ["front-desk"]
    assert told_after(outbox, mail, clock, seconds=CLAIM.total_seconds() - 1) == [], "claimed"
    assert told_after(outbox, mail, clock, seconds=1) == ["front-desk"]
    assert told_after(outbox, mail, clock, hours=1) == []


def test_a_crash_between_claiming_and_sending_loses_nothing(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock)
    with database.transaction() as session:
        take_due_steps(session, staff(), clinic(), ["email"], clock())
    assert len(outbox.claim()) == 2, "and then the process is gone"
    assert told_after(outbox, mail, clock, seconds=100) == []
    assert set(told_after(outbox, mail, clock, seconds=81)) == {"front-desk", "nurse"}


def test_two_workers_at_once_send_each_notice_once(
    database: Database, mail: Remembering, clock: FakeClock
) -> None:
    for number in range(6):
        red_flag(database, clock, name=f"c{number}")
    workers = [make_outbox(database, clock, mail) for _ in range(4)]
    ready = threading.Barrier(len(workers))

    def run(worker: Outbox) -> None:
        ready.wait()
        worker.work()

    threads = [threading.Thread(target=run, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    workers[0].work()  # rows that were locked at that moment are taken in the next round
    keys = [n.key for n in mail.sent]
    assert len(keys) == len(set(keys)) == 12
    assert {n.status for n in notices(database)} == {"sent"}


def test_the_most_urgent_goes_first(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock, Tier.ROUTINE, "c1")
    clock.advance(seconds=1)
    red_flag(database, clock, Tier.EMERGENCY, "c2")
    with database.transaction() as session:
        take_due_steps(session, staff(), clinic(), ["email"], clock())
    claimed = outbox.claim()
    assert [c.notification.tier for c in claimed] == [
        *(Tier.EMERGENCY, Tier.EMERGENCY, Tier.ROUTINE),
    ]


def test_without_a_medium_nothing_is_claimed_to_be_told_and_it_is_made_up_for_later(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    red_flag(database, clock)
    assert make_outbox(database, clock).work() == 0
    assert notices(database) == []
    clock.advance(hours=1)
    assert set(told_after(outbox, mail, clock)) >= {"front-desk", "nurse"}


def test_who_was_told_by_what_is_in_the_log(
    database: Database, outbox: Outbox, clock: FakeClock
) -> None:
    number = red_flag(database, clock, Tier.ROUTINE)
    outbox.work()
    with database.reading() as session:
        last = events(session, number)[-1]
    assert (last.kind, last.by, last.words) == ("notified", "assistant", "Front desk by email")


def test_a_contact_that_was_taken_out_of_the_file_is_given_up_loudly(
    database: Database, outbox: Outbox, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    red_flag(database, clock, Tier.ROUTINE)
    with database.transaction() as session:
        take_due_steps(session, staff(), clinic(), ["email"], clock())
        session.get_one(Notice, 1).contact = "who-left"
    with caplog.at_level(logging.CRITICAL):
        outbox.work()
    assert notices(database)[0].status == "failed"
    assert "given up" in caplog.text


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook_address() as running:
        yield running


def test_an_emergency_reaches_a_real_mail_server_and_a_real_webhook_without_patient_words(
    database: Database, clock: FakeClock, server: MailServer, hook: Hook
) -> None:
    senders = MailSender(server.url, "assistant@clinic.example"), WebhookSender(hook.url, "")
    outbox = make_outbox(database, clock, *senders)
    number = red_flag(database, clock)
    server.answers = ["451 later"]
    outbox.work()
    clock.advance(seconds=10)
    outbox.work()
    assert {str(m["To"]) for m in server.received} == {
        *("frontdesk@clinic.example", "nurse@clinic.example"),
    }
    assert len(server.received) == 2
    assert [body["escalation"] for body in hook.bodies] == [number]
    everything = str([m.as_string() for m in server.received]) + str(hook.posts)
    assert "my own words" not in everything
    assert {n.status for n in notices(database)} == {"sent"}


def test_readiness_says_what_is_set_up(tmp_path: Path) -> None:
    off = builders.settings(tmp_path)
    assert notify_state.configured(off, staff()) == notify_state.NOBODY
    mailing = builders.settings(tmp_path, smtp_url="smtp://mail.example")
    assert notify_state.configured(mailing, staff()).startswith("sample")
    hooked = builders.settings(tmp_path, webhook_url="https://hooks.example/x")
    assert notify_state.configured(hooked, staff()) == "ok"


def test_the_worker_tells_of_a_red_flag_within_seconds(
    tmp_path: Path, hook: Hook, screen: Screen
) -> None:
    settings = builders.settings(tmp_path, webhook_url=hook.url, webhook_secret="s" * 32)
    migrate(settings.database_url)
    state = open_app_state(settings, dialogue=FakeDialogue(), screen=screen)  # type: ignore[arg-type]
    stop = threading.Event()
    worker = threading.Thread(target=notify_until, args=(state, stop))
    worker.start()
    try:
        with state.database.transaction() as session:
            transcript.start_conversation(session, "web", state.clock(), conversation_id="c1")
        state.intake.handle(
            inbound("my throat is closing and i cant breathe", received_at=state.clock())
        )
        deadline = time.monotonic() + 15
        while not hook.posts and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        stop.set()
        worker.join()
        state.close()
    assert [body["tier"] for body in hook.bodies][:1] == ["emergency"]
    assert "throat" not in str(hook.posts)
    assert "X-Clinic-Signature" in hook.posts[0][0]


def test_acknowledging_while_a_notice_is_being_recorded_stops_neither(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    number = red_flag(database, clock, Tier.ROUTINE)
    with database.transaction() as session:
        take_due_steps(session, staff(), clinic(), ["email"], clock())
    (claimed,) = outbox.claim()
    failed: list[BaseException] = []

    def record() -> None:
        try:
            outbox.deliver(claimed)
        except Exception as error:
            failed.append(error)

    recording = threading.Thread(target=record)
    with database.transaction() as session:
        escalations.find(session, number, lock=True)
        recording.start()
        time.sleep(0.3)  # the recorder holds what it locks first, and waits for us
        escalations.acknowledge(session, number, "Maria", clock())
    recording.join()
    assert failed == []
    assert mail.told() == ["front-desk"]
    assert notices(database)[0].status == "sent"


def test_a_miss_that_a_review_found_is_told_even_where_staff_know_the_escalation(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    number = red_flag(database, clock)
    with database.transaction() as session:
        member = accounts.add_member(session, "Rita", "r@clinic.example", Role.REVIEWER, NOON)
        escalations.acknowledge(session, number, "Maya", NOON)
        message = session.scalars(select(Message)).one()
        review.save(session, message, member.id, "Rita", review.MISSED, NOON)
    assert told_after(outbox, mail, clock) == ["medical-lead"]
    assert told_after(outbox, mail, clock, hours=3) == []
    with database.transaction() as session:
        # The same word again is no new miss.
        review.save(session, message, member.id, "Rita", review.MISSED, clock())
    assert told_after(outbox, mail, clock) == []


def test_a_notice_of_a_miss_outlives_the_acknowledgement_and_leads_to_the_list(
    database: Database, outbox: Outbox, mail: Remembering, clock: FakeClock
) -> None:
    number = red_flag(database, clock, Tier.URGENT)
    with database.transaction() as session:
        member = accounts.add_member(session, "Rita", "r@clinic.example", Role.REVIEWER, NOON)
        message = session.scalars(select(Message)).one()
        review.save(session, message, member.id, "Rita", review.MISSED, NOON)
    mail.errors = [later(), later()]
    outbox.work()
    with database.transaction() as session:
        escalations.acknowledge(session, number, "Maya", clock())
    clock.advance(minutes=1)
    outbox.work()
    (sent,) = mail.sent
    assert (sent.contact.id, sent.missed) == ("medical-lead", True)
    assert sent.subject.startswith("MISSED: a review found a red flag")
    assert "https://clinic.example/console/review?which=missed" in sent.text
    assert "my own words" not in sent.text
