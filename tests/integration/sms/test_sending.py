"""The outbox: retries, refusals, crashes in the worst places, reports in any order."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bot.messages import Tier
from bot.sms import outbox
from bot.sms.consent import opted_out
from bot.sms.models import SmsOutbound, SmsSuppression
from bot.sms.provider import StatusReport
from tests.integration.sms.conftest import PHONE, Clinic
from tests.twilio_fake import Fault

OTHER = "+15305550111"


def faults(*each: Fault) -> Any:
    """The calls in turn meet these; all later ones are well."""
    left = iter(each)
    return lambda _to, _body: next(left, Fault.NONE)


def wait_and_settle(clinic: Clinic, **time: float) -> None:
    clinic.clock.advance(**(time or {"minutes": 10}))
    clinic.settle()


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.ERROR, Fault.SILENT, Fault.QUEUE_FULL])
def test_a_passing_fault_is_retried_and_the_patient_gets_one_message(
    clinic: Clinic, fault: Fault
) -> None:
    clinic.twilio.fault = faults(fault, fault)
    clinic.text("does it hurt")
    clinic.settle()
    assert clinic.read() == []
    for _ in range(5):
        wait_and_settle(clinic, seconds=30)
    assert len(clinic.read()) == 1
    assert clinic.statuses() == ["sent"]
    assert len(clinic.twilio.calls) == 3


@pytest.mark.parametrize("fault", [Fault.ERROR_THOUGH_TAKEN, Fault.SILENT_THOUGH_TAKEN])
def test_a_message_that_was_taken_though_the_call_failed_is_not_sent_again(
    clinic: Clinic, fault: Fault
) -> None:
    clinic.twilio.fault = faults(fault)
    clinic.text("does it hurt")
    clinic.settle()
    assert clinic.statuses() == ["sending"], "not known yet"
    wait_and_settle(clinic, seconds=30)
    assert len(clinic.twilio.calls) == len(clinic.read()) == 1
    assert clinic.statuses() == ["sent"]
    assert clinic.rows(SmsOutbound)[0].provider_id == clinic.twilio.taken[0]["sid"]


def test_waits_between_attempts_grow(clinic: Clinic) -> None:
    clinic.twilio.fault = lambda _to, _body: Fault.TOO_MANY
    clinic.text("does it hurt")
    clinic.settle()
    waits = []
    for _ in range(6):
        row = clinic.rows(SmsOutbound)[0]
        waits.append((row.not_before - clinic.clock()).total_seconds())
        clinic.clock.advance(seconds=waits[-1])
        clinic.settle()
    assert waits == [1, 2, 4, 8, 16, 32]


class _Killed(BaseException):
    """Stands for `kill -9`: no handler of ours sees it."""


@pytest.mark.parametrize("taken", [False, True])
def test_a_process_killed_in_mid_call_leaves_a_message_that_is_sent_exactly_once(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    provider = clinic.line.provider
    real = provider.send

    def killed(*args: Any) -> Any:
        if taken:
            real(*args)
        raise _Killed

    clinic.text("does it hurt")
    assert clinic.line.work_once(), "answered and queued"
    monkeypatch.setattr(provider, "send", killed)
    with pytest.raises(_Killed):
        clinic.settle()
    monkeypatch.undo()
    clinic.settle()
    assert len(clinic.read()) == int(taken), "its claim is still alive"
    wait_and_settle(clinic, seconds=60)
    assert len(clinic.read()) == 1
    assert clinic.statuses() == ["sent"]
    assert clinic.twilio.lists == 1, "asked before sending again"


def test_an_uncertain_message_waits_while_the_list_cannot_be_read(clinic: Clinic) -> None:
    clinic.twilio.fault = faults(Fault.SILENT_THOUGH_TAKEN)
    clinic.twilio.list_down = True
    clinic.text("does it hurt")
    clinic.settle()
    for _ in range(4):
        wait_and_settle(clinic)
    assert clinic.statuses() == ["sending"]
    clinic.twilio.list_down = False
    wait_and_settle(clinic)
    assert clinic.statuses() == ["sent"]
    assert len(clinic.twilio.calls) == 1


def test_the_same_words_sent_before_are_not_taken_for_the_uncertain_message(
    clinic: Clinic,
) -> None:
    clinic.ask("hello")
    clinic.ask("does it hurt")
    clinic.twilio.fault = faults(Fault.SILENT)
    clinic.text("does it hurt")
    clinic.settle()
    for _ in range(3):
        wait_and_settle(clinic, seconds=30)
    assert clinic.read()[1] == clinic.read()[2]
    assert clinic.statuses() == ["sent"] * 3


def test_a_sending_that_is_repeated_after_asking_is_written_to_the_log(
    clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    clinic.twilio.fault = faults(Fault.SILENT)
    clinic.text("does it hurt")
    clinic.settle()
    wait_and_settle(clinic)
    assert "sent again" in caplog.text


@pytest.mark.parametrize(("fault", "code"), [(Fault.NO_NUMBER, 21211), (Fault.UNKNOWN, 29999)])
def test_a_refusal_for_good_is_not_retried_and_logged_without_the_number(
    clinic: Clinic, fault: Fault, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    clinic.twilio.fault = faults(fault)
    clinic.text("does it hurt")
    clinic.settle()
    wait_and_settle(clinic)
    (row,) = clinic.rows(SmsOutbound)
    assert (row.status, row.error_code) == ("failed", code)
    assert len(clinic.twilio.calls) == 1
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert str(code) in errors[0].getMessage()
    assert ("unknown" in errors[0].getMessage()) == (fault is Fault.UNKNOWN)
    assert PHONE[2:] not in caplog.text


def test_a_wrong_token_loses_nothing(clinic: Clinic) -> None:
    clinic.twilio.fault = faults(Fault.BAD_TOKEN, Fault.BAD_TOKEN)
    clinic.text("does it hurt")
    clinic.settle()
    wait_and_settle(clinic)
    wait_and_settle(clinic)
    assert clinic.statuses() == ["sent"]


def test_an_opt_out_that_only_the_provider_knew_suppresses_the_number(clinic: Clinic) -> None:
    clinic.twilio.fault = faults(Fault.OPTED_OUT)
    clinic.text("does it hurt")
    clinic.text("and how long")
    clinic.settle()
    wait_and_settle(clinic)
    assert clinic.statuses() == ["suppressed"] * len(clinic.statuses())
    assert len(clinic.twilio.calls) == 1
    assert clinic.ledger()[-1] == ("opt_out", "provider", "")
    with clinic.state.database.reading() as session:
        assert opted_out(session, clinic.conversation_id())


def test_messages_to_one_number_keep_their_order_when_one_has_to_wait(clinic: Clinic) -> None:
    clinic.ask("hello")
    clinic.twilio.fault = faults(Fault.TOO_MANY)
    with clinic.state.database.transaction() as session:
        for body in ("one", "two", "three"):
            outbox.queue(session, clinic.conversation_id(), None, body, clinic.clock(),
                         kind="staff")  # fmt: skip
    clinic.settle()
    assert clinic.read()[1:] == []
    wait_and_settle(clinic)
    assert clinic.read()[1:] == ["one", "two", "three"]


def test_a_number_in_trouble_holds_up_nobody_else(clinic: Clinic) -> None:
    clinic.twilio.fault = lambda to, _body: Fault.TOO_MANY if to == PHONE else Fault.NONE
    clinic.text("does it hurt")
    clinic.text("does it hurt", OTHER)
    clinic.settle()
    assert (len(clinic.read()), len(clinic.read(OTHER))) == (0, 1)


def test_emergency_wording_goes_ahead_of_what_waits(clinic: Clinic) -> None:
    clinic.ask("hello")
    clinic.twilio.fault = faults(Fault.TOO_MANY)
    clinic.text("does it hurt")
    clinic.settle()
    clinic.text("my throat is closing and i cant breathe")
    clinic.settle()
    assert clinic.read()[1].startswith("CALL 911 NOW")
    assert clinic.escalations()[0][0] == Tier.EMERGENCY


def test_after_a_day_it_is_given_up_and_said_in_the_log(
    clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    clinic.twilio.fault = lambda _to, _body: Fault.TOO_MANY
    clinic.text("does it hurt")
    clinic.settle()
    wait_and_settle(clinic, hours=25)
    assert clinic.statuses() == ["failed"]
    assert "not sent within a day" in caplog.text


@pytest.fixture
def sent(clinic: Clinic) -> Iterator[tuple[Clinic, int, str]]:
    clinic.ask("does it hurt")
    row = clinic.rows(SmsOutbound)[0]
    yield clinic, row.id, row.provider_id


def report(clinic: Clinic, provider_id: str, status: str, row: int | None = None,
           code: int | None = None) -> bool:  # fmt: skip
    with clinic.state.database.transaction() as session:
        found = outbox.apply_report(
            session, StatusReport(provider_id, row, status, code), clinic.clock()
        )
        return found is not None


@pytest.mark.parametrize(
    ("reports", "end"),
    [
        (["sent", "delivered"], "delivered"),
        (["delivered", "sent"], "delivered"),
        (["", "", "sent"], "sent"),
        (["delivered", "", "sent", "delivered"], "delivered"),
        (["undelivered", "sent"], "undelivered"),
        (["failed", "delivered"], "failed"),
        (["delivered", "undelivered"], "delivered"),
    ],
)
def test_delivery_only_moves_forward(
    sent: tuple[Clinic, int, str], reports: list[str], end: str
) -> None:
    clinic, row, provider_id = sent
    for status in reports:
        assert report(clinic, provider_id, status, row)
    assert clinic.statuses() == [end]


def test_a_report_carries_the_reason(sent: tuple[Clinic, int, str]) -> None:
    clinic, row, provider_id = sent
    report(clinic, provider_id, "undelivered", row, 30003)
    assert clinic.rows(SmsOutbound)[0].error_code == 30003


def test_a_report_that_overtakes_our_own_record_settles_the_message(clinic: Clinic) -> None:
    clinic.twilio.fault = faults(Fault.SILENT_THOUGH_TAKEN)
    clinic.text("does it hurt")
    clinic.settle()
    sid = clinic.twilio.taken[0]["sid"]
    assert report(clinic, sid, "delivered", clinic.rows(SmsOutbound)[0].id)
    wait_and_settle(clinic)
    assert clinic.statuses() == ["delivered"]
    assert len(clinic.twilio.calls) == 1
    assert clinic.twilio.lists == 0, "nothing is uncertain any more"


def test_a_report_on_a_second_message_of_one_row_is_not_taken_for_the_first(
    sent: tuple[Clinic, int, str],
) -> None:
    clinic, row, _ = sent
    assert not report(clinic, "SM" + "e" * 32, "delivered", row)
    assert clinic.statuses() == ["sent"]


def test_a_report_on_a_message_that_is_not_ours_is_not_taken(clinic: Clinic) -> None:
    assert not report(clinic, "SM" + "e" * 32, "delivered", None)
    assert not report(clinic, "SM" + "e" * 32, "delivered", 4711)


def test_what_we_start_waits_for_the_morning_and_replies_do_not(clinic: Clinic) -> None:
    clinic.ask("hello")
    clinic.clock.advance(hours=9.5)  # half past nine in the evening
    with clinic.state.database.transaction() as session:
        outbox.queue(session, clinic.conversation_id(), None, "Reminder: tomorrow at ten.",
                     clinic.clock(), kind="proactive")  # fmt: skip
    clinic.settle()
    assert len(clinic.read()) == 1
    assert clinic.ask("does it hurt") == "It can sting a little.", "and it holds up no reply"
    clinic.clock.advance(hours=10)
    clinic.settle()
    assert "Reminder" not in clinic.read()[-1], "half past seven"
    clinic.clock.advance(minutes=45)
    clinic.settle()
    assert "Reminder" in clinic.read()[-1]


def test_who_opts_out_while_a_message_waits_does_not_get_it(clinic: Clinic) -> None:
    clinic.ask("hello")
    clinic.twilio.fault = faults(Fault.TOO_MANY)
    clinic.text("does it hurt")
    clinic.settle()
    clinic.line.opt_out(PHONE)
    wait_and_settle(clinic)
    assert len(clinic.read()) == 1
    assert clinic.statuses() == ["sent", "suppressed"]
    assert [row.source for row in clinic.rows(SmsSuppression)] == ["staff"]
