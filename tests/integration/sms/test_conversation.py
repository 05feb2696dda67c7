"""A patient texts: one answer each, in order, with what a new number must be told."""

from __future__ import annotations

import threading

import pytest

from bot.conversations import transcript
from bot.conversations.handover import say, take_over
from bot.conversations.models import Conversation, Message
from bot.dialogue.client import DialogueResult
from bot.messages import AnswerRef, Button, InboundMessage, Outcome, Reply, Tier
from bot.replies.segments import is_gsm7, part_count
from bot.sms import inbox
from bot.sms.models import SmsInbound, SmsNumber, SmsOutbound
from bot.worker import answer_leftovers
from tests.integration.sms.conftest import PHONE, Clinic

EMERGENCY = "my throat is closing and i cant breathe"
URGENT = "day 5 and there is pus coming out of my cheek"
OTHER = "+15305550111"


def answer(*replies: Reply, outcome: Outcome = Outcome.ANSWERED) -> DialogueResult:
    return DialogueResult(outcome, Tier.NONE, replies, {"intent": "x", "confidence": 1.0})


def published(sms: str, body: str) -> Reply:
    return Reply(body, sms=sms, answer=AnswerRef("aftercare-makeup", "Makeup", 1, "2026-11-02"))


def test_the_first_answer_says_what_one_is_texting_with_and_later_ones_do_not(
    clinic: Clinic,
) -> None:
    first, second = clinic.ask("does it hurt"), clinic.ask("and how long")
    assert first.startswith("Automated assistant of Elk Grove Skin Clinic.")
    assert "911" in first.splitlines()[0]
    assert "Reply STOP" in first.splitlines()[0]
    assert first.endswith("It can sting a little.")
    assert second == "It can sting a little."
    assert clinic.outcomes() == ["answered", "answered"]
    assert clinic.statuses() == ["sent", "sent"]


def test_each_number_is_a_conversation_of_its_own_without_the_number_in_its_id(
    clinic: Clinic,
) -> None:
    clinic.ask("hello")
    clinic.ask("hello", OTHER)
    ids = [row.id for row in clinic.rows(Conversation)]
    assert len(set(ids)) == 2
    assert not any(digits in row_id for row_id in ids for digits in ("555", "916"))
    assert {row.channel for row in clinic.rows(Conversation)} == {"sms"}
    assert clinic.read(OTHER)[0].startswith("Automated assistant")


def test_a_repeated_message_is_dropped(clinic: Clinic) -> None:
    sid = clinic.text("does it hurt")
    clinic.text("does it hurt", sid=sid)
    clinic.settle()
    clinic.text("does it hurt", sid=sid)
    clinic.settle()
    assert len(clinic.rows(SmsInbound)) == len(clinic.read()) == len(clinic.dialogue.sent) == 1


def test_the_same_message_delivered_several_times_at_once_is_stored_once(clinic: Clinic) -> None:
    threads = [
        threading.Thread(target=lambda: clinic.text("does it hurt", sid="SM" + "7" * 32))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clinic.settle()
    assert len(clinic.rows(SmsInbound)) == len(clinic.rows(SmsNumber)) == 1
    assert len(clinic.rows(Conversation)) == 1
    assert len(clinic.read()) == 1


def test_messages_of_one_sender_are_answered_in_their_order(clinic: Clinic) -> None:
    for number in range(5):
        clinic.text(f"question {number}")
    clinic.settle()
    assert [sent[1] for sent in clinic.dialogue.sent] == [f"question {n}" for n in range(5)]


def test_a_claimed_message_holds_back_later_ones_of_its_sender_and_of_nobody_else(
    clinic: Clinic,
) -> None:
    clinic.text("one")
    clinic.text("two")
    clinic.text("three", OTHER)
    first, _, other = clinic.rows(SmsInbound)
    with clinic.state.database.transaction() as session:
        row_id = inbox.next_due(session, clinic.clock(), urgent=False)
        assert row_id == first.id
        assert inbox.claim(session, first.id, clinic.clock(), clinic.line._answering._lease)
        assert inbox.claim(session, first.id, clinic.clock(), clinic.line._answering._lease) is None
    with clinic.state.database.reading() as session:
        assert inbox.next_due(session, clinic.clock(), urgent=False) == other.id
    clinic.settle()
    assert [sent[1] for sent in clinic.dialogue.sent] == ["three"]
    clinic.clock.advance(seconds=60)
    clinic.settle()
    assert [sent[1] for sent in clinic.dialogue.sent] == ["three", "one", "two"], (
        "the claim of a killed process ends by itself"
    )


def test_several_threads_answer_each_message_once_and_in_order(clinic: Clinic) -> None:
    numbers = [f"+1916555{n:04}" for n in range(4)]
    for turn in range(5):
        for number in numbers:
            clinic.text(f"{number} turn {turn}", number)
    threads = [threading.Thread(target=clinic.settle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clinic.settle()
    assert len(clinic.dialogue.sent) == 20
    for number in numbers:
        asked = [sent[1] for sent in clinic.dialogue.sent if sent[1].startswith(number)]
        assert asked == [f"{number} turn {turn}" for turn in range(5)]
        assert len(clinic.read(number)) == 5


def test_a_message_whose_process_was_killed_before_the_answer_is_taken_up_again(
    clinic: Clinic,
) -> None:
    sid = clinic.text("does it hurt")
    row = clinic.rows(SmsInbound)[0]
    with clinic.state.database.transaction() as session:
        inbox.claim(session, row.id, clinic.clock(), clinic.line._answering._lease)
        transcript.store_inbound(
            session,
            # What intake had stored when the process was killed.
            InboundMessage(
                "sms", clinic.conversation_id(), f"sms-{sid}", clinic.clock(), text="does it hurt"
            ),
            "does it hurt",
            clinic.state.screen.verdict("does it hurt"),
        )
    clinic.clock.advance(seconds=60)
    clinic.settle()
    assert clinic.outcomes() == ["answered"]
    assert len(clinic.read()) == 1


def test_an_emergency_is_answered_while_the_dialogue_is_down_and_before_what_waits(
    clinic: Clinic,
) -> None:
    clinic.dialogue.down = True
    clinic.text("how much is it")
    clinic.text(EMERGENCY)
    clinic.settle()
    first, second = clinic.read()
    assert first.startswith("CALL 911 NOW.")
    assert "Reply STOP" in first, "also the first message of a new number"
    assert second != first
    assert clinic.escalations()[0][0] == Tier.EMERGENCY


def test_no_clinical_answer_follows_when_a_red_flag_overtakes_a_question(clinic: Clinic) -> None:
    asked = clinic.dialogue.send

    def slow(*args: object, **kwargs: object) -> DialogueResult:
        clinic.text(EMERGENCY)
        assert clinic.line._answering.work_next(urgent=True)
        return asked(*args, **kwargs)  # type: ignore[arg-type]

    clinic.dialogue.send = slow  # type: ignore[method-assign]
    clinic.text("does it hurt")
    clinic.settle()
    assert all("911" in body for body in clinic.read())
    assert not any("sting" in body for body in clinic.read())
    assert sorted(filter(None, clinic.outcomes())) == ["escalated_emergency"] * 2


def test_a_sign_that_shows_only_with_the_message_before_is_seen_across_the_queue(
    clinic: Clinic,
) -> None:
    clinic.text("my lips are swelling up")
    clinic.text("and now i cant breathe")
    clinic.settle()
    assert clinic.escalations()[0][0] == Tier.EMERGENCY


def test_while_the_dialogue_is_down_a_patient_is_told_and_answered_later(clinic: Clinic) -> None:
    clinic.dialogue.down = True
    assert "Your message is saved" in clinic.ask("does it hurt")
    clinic.dialogue.down = False
    clinic.clock.advance(minutes=1)
    answer_leftovers(clinic.state)
    clinic.settle()
    assert clinic.read()[1] == "It can sting a little."


def test_what_was_asked_first_is_answered_first_when_the_dialogue_is_back(
    clinic: Clinic,
) -> None:
    clinic.dialogue.down = True
    clinic.ask("question 1")
    clinic.ask("question 2")
    clinic.dialogue.down = False
    clinic.dialogue.sent.clear()
    clinic.text("question 3")
    clinic.settle()
    answer_leftovers(clinic.state)
    assert [sent[1] for sent in clinic.dialogue.sent] == ["question 1", "question 2", "question 3"]
    assert clinic.outcomes() == ["answered"] * 3
    clinic.clock.advance(minutes=10)
    assert answer_leftovers(clinic.state) == 0


def test_a_turn_of_several_replies_is_one_message_of_at_most_two_parts(clinic: Clinic) -> None:
    clinic.dialogue.result = answer(
        published("Wait a day. " * 20, "The whole of it. " * 40),
        Reply("A person will look at it.", sms="A person will look."),
        outcome=Outcome.ANSWERED_WITH_REFERRAL,
    )
    text = clinic.ask("can i wear makeup")
    assert part_count(text) <= 2
    assert is_gsm7(text)
    assert "A person will look." in text
    assert text.endswith("Reply MORE for the rest.")


def test_more_sends_the_rest_piece_by_piece_and_then_says_that_it_ends(clinic: Clinic) -> None:
    body = " ".join(f"This is sentence {n} about makeup." for n in range(20))
    clinic.dialogue.result = answer(published("Wait a day.", body))
    assert clinic.ask("can i wear makeup").endswith("Reply MORE for the rest.")
    pieces = []
    while "no more to that" not in (piece := clinic.ask("MORE")):
        assert part_count(piece) <= 2
        pieces.append(piece)
    told = " ".join(pieces).replace("\nReply MORE for the rest.", "")
    assert told == body
    assert len(clinic.dialogue.sent) == 1, "MORE never goes to the dialogue"


@pytest.mark.parametrize("text", ["2", "2.", "two", "the second one", "dos", "la segunda", "Cost"])
def test_a_choice_is_made_by_its_number(clinic: Clinic, text: str) -> None:
    clinic.dialogue.result = answer(
        Reply("Did you mean one of these?", buttons=(
            Button("talk-to-a-person", "A person"), Button("answer:cost-overview", "Cost"),
        )), outcome=Outcome.CLARIFYING,
    )  # fmt: skip
    offer = clinic.ask("how much")
    assert offer.endswith("1 A person\n2 Cost\nReply 1 to 2.")
    clinic.ask(text)
    assert clinic.dialogue.sent[1][1].endswith('{"answer_id": "cost-overview"}')
    said = [m for m in clinic.rows(Message) if m.sender == "patient"][1]
    assert (said.text, said.button_id) == ("Cost", "answer:cost-overview")


def test_a_number_means_the_last_offer_only_and_nothing_when_none_is_open(clinic: Clinic) -> None:
    offer = Reply("Which?", buttons=(Button("talk-to-a-person", "A person"),))
    clinic.dialogue.result = answer(offer, outcome=Outcome.CLARIFYING)
    clinic.ask("hm")
    clinic.dialogue.result = answer(published("Wait a day.", "Longer."))
    clinic.ask("can i wear makeup")
    clinic.ask("1")
    assert clinic.dialogue.sent[2][1] == "1", "words again, as the offer has passed"


def test_a_made_up_choice_cannot_be_reached(clinic: Clinic) -> None:
    clinic.ask("answer:cost-overview")
    assert clinic.dialogue.sent[0][1] == "answer:cost-overview"


def test_slashes_stay_words(clinic: Clinic) -> None:
    clinic.ask("/restart")
    assert clinic.dialogue.sent[0][1] == "restart"


def test_a_photo_alone_goes_to_staff_and_is_answered_clearly(clinic: Clinic) -> None:
    text = clinic.ask("", media_count=1)
    assert "can't open photos" in text
    assert clinic.escalations() == [(Tier.ROUTINE, "media")]
    assert clinic.outcomes() == ["escalated_routine"]
    assert clinic.dialogue.sent == []


def test_a_photo_with_a_question_is_answered_and_goes_to_staff(clinic: Clinic) -> None:
    text = clinic.ask("is this normal", media_count=2)
    assert "can't open photos" in text
    assert clinic.escalations() == [(Tier.ROUTINE, "media")]


def test_a_photo_with_thanks_is_left_at_that(clinic: Clinic) -> None:
    clinic.dialogue.result = answer(Reply("You're welcome."), outcome=Outcome.SMALLTALK)
    assert "photos" not in clinic.ask("thank you!", media_count=1)
    assert clinic.escalations() == []


def test_a_photo_with_a_red_flag_is_a_red_flag(clinic: Clinic) -> None:
    assert clinic.ask(URGENT, media_count=1).startswith("This needs a clinician today.")
    assert clinic.escalations()[0][0] == Tier.URGENT


def test_what_staff_own_is_kept_and_not_answered(clinic: Clinic) -> None:
    clinic.ask("hello")
    clinic.hand_to_staff()
    assert clinic.ask("when can i come") == ""
    assert clinic.outcomes()[-1] == "staff_owned"


def test_too_many_messages_are_kept_and_answered_with_one_word_only(clinic: Clinic) -> None:
    clinic.ask("hello")
    assert "Too many messages" in clinic.ask("hello 2", over_limit=True)
    assert clinic.ask("hello 3", over_limit=True) == ""
    assert clinic.ask(EMERGENCY, over_limit=True).startswith("CALL 911")
    assert clinic.outcomes() == ["answered", "refused", "refused", "escalated_emergency"]


def test_a_message_that_cannot_be_handled_is_tried_again_and_then_given_to_staff(
    clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> DialogueResult:
        raise RuntimeError("my throat")

    clinic.dialogue.send = broken  # type: ignore[method-assign]
    clinic.text("does it hurt")
    clinic.text("hello", OTHER)
    for _ in range(10):
        clinic.settle()
        clinic.clock.advance(seconds=60)
    assert clinic.escalations() == [(Tier.ROUTINE, "sms_failed")] * 2
    assert [row.done_at is not None for row in clinic.rows(SmsInbound)] == [True, True]
    assert "throat" not in caplog.text


def test_staffs_words_reach_the_patient_with_their_name_and_uncut(clinic: Clinic) -> None:
    clinic.ask("hello")
    words = "Come in tomorrow, we will look at it. " * 12
    with clinic.state.database.transaction() as session:
        take_over(session, clinic.conversation_id(), "Dana", clinic.clock(),
                  texts=clinic.state.texts)  # fmt: skip
        say(session, clinic.conversation_id(), "Dana", words, clinic.clock())
    clinic.settle()
    joined, said = clinic.read()[1:]
    assert joined.startswith("Dana from the clinic")
    assert said == f"Dana: {words.strip()}"


def test_long_words_of_staff_are_divided_as_no_provider_takes_them_whole(clinic: Clinic) -> None:
    clinic.ask("hello")
    words = "Come in tomorrow, we will look at it. " * 50
    with clinic.state.database.transaction() as session:
        take_over(session, clinic.conversation_id(), "Dana", clinic.clock(),
                  texts=clinic.state.texts)  # fmt: skip
        say(session, clinic.conversation_id(), "Dana", words, clinic.clock())
    clinic.settle()
    assert all(len(body) <= 1600 for body in clinic.read())
    assert " ".join(clinic.read()[2:]) == f"Dana: {words.strip()}"


def test_words_that_are_not_stored_are_not_sent(clinic: Clinic) -> None:
    """What is said and its outbox row are one transaction."""
    clinic.ask("hello")
    before = len(clinic.rows(SmsOutbound))
    with pytest.raises(RuntimeError), clinic.state.database.transaction() as session:
        take_over(session, clinic.conversation_id(), "Dana", clinic.clock(),
                  texts=clinic.state.texts)  # fmt: skip
        raise RuntimeError
    assert len(clinic.rows(SmsOutbound)) == before


def test_erasing_a_conversation_forgets_the_number_and_the_words_and_sends_nothing_more(
    clinic: Clinic,
) -> None:
    clinic.ask("does it hurt, this is marker")
    clinic.text("a marker that waits")
    old = clinic.conversation_id()
    with clinic.state.database.transaction() as session:
        transcript.erase(session, old, "patient", clinic.clock())
    assert clinic.rows(SmsNumber) == []
    assert [row.text for row in clinic.rows(SmsInbound)] == ["", ""]
    assert [row.body for row in clinic.rows(SmsOutbound)] == [""]
    clinic.settle()
    assert len(clinic.read()) == 1
    assert clinic.ask("hello again").startswith("Automated assistant"), "a new conversation"
    assert clinic.conversation_id() != old


def test_neither_numbers_nor_words_are_readable_in_the_database(clinic: Clinic) -> None:
    clinic.ask("does it hurt")
    clinic.ask("STOP")
    stored = "".join(
        str(value)
        for table in (SmsNumber, SmsInbound, SmsOutbound)
        for row in clinic.rows(table)
        for value in vars(row).values()
    )
    assert PHONE not in stored
    assert PHONE[2:] not in stored
    assert clinic.state.private.decrypt(clinic.rows(SmsNumber)[0].number) == PHONE
