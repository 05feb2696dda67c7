"""The contact form through the trained model: asked, skipped, stopped, interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from bot.app_state import AppState
from bot.conversations import contacts, transcript
from bot.conversations.contacts import ContactDetails
from bot.conversations.escalations import resolve, unresolved
from bot.conversations.intake import IntakeResult
from bot.conversations.models import Contact
from bot.evaluate import private_product
from bot.messages import InboundMessage
from bot.private_data import PrivateData
from bot.replies.texts import LEAVE_DETAILS, NO_THANKS, SKIP, TALK_TO_A_PERSON
from bot.settings import load_settings
from tests import builders

pytestmark = pytest.mark.stack

EMERGENCY = "my throat is closing and i cant breathe"


@dataclass(slots=True)
class Chat:
    """One patient on the web."""

    state: AppState
    id: str
    number: int = 0

    def _send(self, **content: str) -> IntakeResult:
        self.number += 1
        return self.state.intake.handle(
            InboundMessage(
                channel="web",
                conversation_id=self.id,
                client_message_id=f"message-{self.number:04}",
                received_at=self.state.clock(),
                **content,  # type: ignore[arg-type]
            )
        )

    def say(self, text: str) -> IntakeResult:
        return self._send(text=text)

    def press(self, button_id: str) -> IntakeResult:
        return self._send(button_id=button_id)

    def begin(self) -> IntakeResult:
        """As far as the first question of the form."""
        self.press(TALK_TO_A_PERSON)
        asked = self.press(LEAVE_DETAILS)
        assert said(asked) == self.state.texts["contact_name"]
        return asked

    @property
    def left(self) -> ContactDetails | None:
        settings = self.state.settings
        private_data = PrivateData(settings.data_keys, settings.lookup_secret)
        with self.state.database.reading() as session:
            escalation = unresolved(session, self.id)
            assert escalation is not None
            return contacts.find(session, private_data, escalation.id)


def said(result: IntakeResult) -> str:
    (reply,) = result.replies
    return reply.text


def offered(result: IntakeResult) -> list[str]:
    return [button["id"] for reply in result.replies for button in reply.buttons or ()]


@pytest.fixture(scope="module")
def state() -> Iterator[AppState]:
    with private_product(load_settings(builders.SECRET_SETTINGS)) as state:
        yield state


@contextmanager
def _chat(state: AppState) -> Iterator[Chat]:
    with state.database.transaction() as session:
        chat = Chat(state, transcript.start_conversation(session, "web", state.clock()).id)
    yield chat


@pytest.fixture
def chat(state: AppState) -> Iterator[Chat]:
    with _chat(state) as chat:
        yield chat


def test_it_is_offered_with_a_handover_and_asks_for_three_things(chat: Chat) -> None:
    texts = chat.state.texts
    assert offered(chat.press(TALK_TO_A_PERSON)) == [LEAVE_DETAILS, NO_THANKS]
    asked = chat.press(LEAVE_DETAILS)
    assert "only used by the clinic's team" in said(asked)
    assert offered(asked) == [SKIP, NO_THANKS]
    assert said(chat.say("Maria López")) == texts["contact_reach"]
    assert said(chat.say("call 916 555 0123")) == texts["contact_time"]
    assert said(chat.say("weekdays after 5 pm")) == texts["contact_saved"]
    expected = ContactDetails("Maria López", "+19165550123", None, "weekdays after 5 pm")
    assert chat.left == expected
    after = chat.say("what is microneedling")
    assert after.outcome.value == "answered"


def test_a_wrong_number_is_asked_for_once_more_then_let_be(chat: Chat) -> None:
    texts = chat.state.texts
    chat.begin()
    chat.say("Sam")
    assert said(chat.say("555 12")) == texts["contact_reach_again"]
    assert said(chat.say("555 12")) == texts["contact_time"]
    assert said(chat.press(SKIP)) == texts["contact_saved"]
    assert chat.left == ContactDetails("Sam")


def test_every_question_can_be_skipped(chat: Chat) -> None:
    chat.begin()
    chat.press(SKIP)
    chat.say("skip")
    assert said(chat.say("I'd rather not say")) == chat.state.texts["contact_stopped"]
    assert chat.left is None


def test_it_speaks_the_language_it_was_begun_in(chat: Chat) -> None:
    texts = chat.state.texts
    assert said(chat.say("Quiero dejar mis datos, por favor")) == texts["contact_name_es"]
    assert said(chat.say("Sam")) == texts["contact_reach_es"]
    assert said(chat.say("916-555-0123")) == texts["contact_time_es"]
    assert said(chat.say("no gracias")) == texts["contact_saved_es"]
    assert chat.left == ContactDetails("Sam", "+19165550123")


@pytest.mark.parametrize("words", ["no thanks", "please stop asking me", "Stop", "no gracias"])
def test_it_stops_at_a_word(chat: Chat, words: str) -> None:
    chat.begin()
    chat.say("Sam")
    assert said(chat.say(words)) == chat.state.texts["contact_saved"]
    assert chat.left == ContactDetails("Sam"), "what was said before stays"
    assert chat.say("what is microneedling").outcome.value == "answered"


def test_another_question_is_answered_and_the_form_ends(chat: Chat) -> None:
    chat.begin()
    result = chat.say("how long do i have to wait before wearing makeup?")
    assert result.outcome.value == "answered"
    assert result.replies[0].answer_id == "aftercare-makeup"
    assert chat.say("what is microneedling").outcome.value == "answered"


def test_a_red_flag_ends_it_for_good(chat: Chat) -> None:
    chat.begin()
    flagged = chat.say(EMERGENCY)
    assert flagged.outcome.value == "escalated_emergency"
    with chat.state.database.transaction() as session:
        escalation = unresolved(session, chat.id)
        assert escalation is not None
        resolve(session, escalation.id, "Kim", "advised_911", "called", chat.state.clock())
    assert chat.say("what is microneedling").outcome.value == "answered"
    with chat.state.database.reading() as session:
        assert (
            session.scalars(select(Contact).where(Contact.escalation_id == escalation.id)).all()
            == []
        )


def test_a_symptom_that_only_rasa_understands_is_no_name(chat: Chat) -> None:
    chat.begin()
    result = chat.say("the dark marks from my session are getting darker")
    assert result.outcome.value.startswith("escalated_")
    assert chat.left is None
    assert chat.say("what is microneedling").outcome.value == "answered"


def test_it_can_be_filled_in_twice(chat: Chat) -> None:
    for name in ("Sam", "Alex"):
        chat.begin()
        chat.say(name)
        chat.say("sam@example.com")
        chat.press(SKIP)
    assert chat.left == ContactDetails("Alex", None, "sam@example.com")


def test_sms_knows_the_number_and_is_not_asked(state: AppState) -> None:
    with state.database.transaction() as session:
        chat = Chat(state, transcript.start_conversation(session, "sms", state.clock()).id)
    assert LEAVE_DETAILS not in offered(chat.press(TALK_TO_A_PERSON))
