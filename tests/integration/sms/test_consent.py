"""STOP, START, HELP and plain words: no text too many, none too few, and a ledger."""

from __future__ import annotations

import pytest

from bot.conversations.models import Message
from bot.messages import Tier
from bot.replies.segments import part_count
from bot.sms.consent import opted_out
from bot.sms.models import SmsSuppression
from bot.sms.opt_out_words import STOP_WORDS
from tests.integration.sms.conftest import PHONE, Clinic

WE_ANSWER = pytest.mark.parametrize("clinic", [False], indirect=True)
EMERGENCY = "my throat is closing and i cant breathe"


def is_opted_out(clinic: Clinic) -> bool:
    with clinic.state.database.reading() as session:
        return opted_out(session, clinic.conversation_id())


@pytest.mark.parametrize("word", sorted(STOP_WORDS))
def test_a_stop_word_that_the_provider_answers_gets_no_second_answer(
    clinic: Clinic, word: str
) -> None:
    assert clinic.ask(word.upper()) == ""
    assert is_opted_out(clinic)
    assert clinic.outcomes() == ["opted_out"]
    assert clinic.ledger()[1:] == [("opt_out", "keyword", word.upper())]
    assert clinic.dialogue.sent == []


@pytest.mark.parametrize("kind", ["STOP", "START", "HELP"])
def test_what_the_provider_names_it_has_answered(clinic: Clinic, kind: str) -> None:
    assert clinic.ask("Whatever it is set to", opt_out_type=kind) == ""
    assert is_opted_out(clinic) == (kind == "STOP")
    assert clinic.ledger()[1][1:] == ("gateway", "Whatever it is set to")


@WE_ANSWER
def test_where_the_provider_is_silent_one_confirmation_is_sent_and_then_nothing(
    clinic: Clinic,
) -> None:
    confirmation = clinic.ask("Stop")
    assert "opted out" in confirmation
    assert "911" in confirmation
    assert part_count(confirmation) <= 2
    assert clinic.ask("STOP") == ""
    assert clinic.ask("does it hurt") == ""
    assert clinic.ask("MORE") == ""
    assert clinic.outcomes()[2] == "opted_out"
    assert clinic.dialogue.sent == []


@WE_ANSWER
def test_start_and_help_are_answered_by_us_and_start_lifts_the_opt_out(clinic: Clinic) -> None:
    clinic.ask("stop")
    assert "(916) 555-0142" in clinic.ask("help")
    assert is_opted_out(clinic), "help changes nothing"
    assert "text us again" in clinic.ask("START")
    assert not is_opted_out(clinic)
    assert clinic.ask("does it hurt").endswith("It can sting a little.")
    assert [kind for kind, _, _ in clinic.ledger()] == ["first_text", "opt_out", "help", "opt_in"]


@pytest.mark.parametrize("word", ["UNSTOP", "start", "Yes"])
def test_the_words_that_rejoin(clinic: Clinic, word: str) -> None:
    clinic.ask("STOP")
    clinic.ask(word)
    assert not is_opted_out(clinic)
    assert clinic.rows(SmsSuppression) == []


def test_yes_from_a_number_that_never_opted_out_is_a_word_like_any_other(clinic: Clinic) -> None:
    clinic.ask("yes")
    assert clinic.dialogue.sent[0][1] == "yes"
    assert [kind for kind, _, _ in clinic.ledger()] == ["first_text"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("please stop texting me", "you have opted out"), ("deja de escribirme", "ya no recibira")],
)
def test_plain_words_are_honoured_and_confirmed_once_though_the_provider_answers_keywords(
    clinic: Clinic, text: str, words: str
) -> None:
    clinic.ask("hello")
    assert words in clinic.ask(text)
    assert is_opted_out(clinic)
    assert clinic.ask(text) == ""
    assert clinic.ledger()[1] == ("opt_out", "words", text)


@pytest.mark.parametrize(
    "text", ["cancel my appointment", "how do I stop the itching", "cancelar mi cita"]
)
def test_other_stopping_is_an_ordinary_message(clinic: Clinic, text: str) -> None:
    clinic.ask(text)
    assert not is_opted_out(clinic)
    assert len(clinic.dialogue.sent) == 1


def test_a_red_flag_with_an_opt_out_goes_to_staff_and_gets_the_confirmation_alone(
    clinic: Clinic,
) -> None:
    clinic.ask("hello")
    text = clinic.ask(f"stop texting me, {EMERGENCY}")
    assert "you have opted out" in text
    assert clinic.escalations() == [(Tier.EMERGENCY, "red_flag")]
    assert clinic.outcomes()[-1] == "escalated_emergency"
    assert is_opted_out(clinic)


def test_a_red_flag_from_a_number_that_opted_out_goes_to_staff_and_is_not_answered(
    clinic: Clinic,
) -> None:
    clinic.ask("STOP")
    assert clinic.ask(EMERGENCY) == ""
    assert clinic.escalations() == [(Tier.EMERGENCY, "red_flag")]
    assert clinic.statuses() == ["suppressed"], "staff can see that it was not sent"


@WE_ANSWER
def test_help_and_start_are_answered_while_staff_own_the_conversation(clinic: Clinic) -> None:
    clinic.ask("hello")
    clinic.hand_to_staff()
    assert "automated assistant" in clinic.ask("HELP")


def test_an_opt_out_survives_the_erasure_of_the_conversation(clinic: Clinic) -> None:
    from bot.conversations.transcript import erase

    clinic.ask("STOP")
    with clinic.state.database.transaction() as session:
        erase(session, clinic.conversation_id(), "patient", clinic.clock())
    assert clinic.ask("does it hurt") == ""
    assert is_opted_out(clinic)


@WE_ANSWER
def test_stop_is_honoured_and_confirmed_beyond_the_limit_of_the_number(clinic: Clinic) -> None:
    clinic.ask("hello")
    assert "opted out" in clinic.ask("STOP", over_limit=True)
    assert is_opted_out(clinic)


def test_staff_can_opt_a_number_out_before_it_ever_texted(clinic: Clinic) -> None:
    clinic.line.opt_out(PHONE)
    assert clinic.ask("does it hurt") == ""
    assert ("opt_out", "staff", "") in clinic.ledger()


def test_the_words_of_the_ledger_are_encrypted(clinic: Clinic) -> None:
    clinic.ask("please stop texting me")
    from bot.sms.models import SmsConsent

    assert all("stop" not in row.words for row in clinic.rows(SmsConsent))


def test_a_keyword_taken_up_again_after_a_crash_is_recorded_and_confirmed_once(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the opt-out was recorded and before the confirmation was queued."""

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    clinic.ask("hello")
    clinic.text("please stop texting me")
    monkeypatch.setattr(clinic.state.intake, "handle", killed)
    with pytest.raises(Killed):
        clinic.settle()
    monkeypatch.undo()
    assert is_opted_out(clinic)
    clinic.clock.advance(minutes=1)
    clinic.settle()
    assert len(clinic.read()) == 2
    assert "opted out" in clinic.read()[1]
    assert [kind for kind, _, _ in clinic.ledger()] == ["first_text", "opt_out"]
    assert len([m for m in clinic.rows(Message) if m.sender == "patient"]) == 2
