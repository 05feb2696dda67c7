"""No message is lost or doubled: reload, second tab, no network, killed server, old session."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.conversations.models import Conversation, Message
from bot.db import utc_now
from tests.browser.chat_page import ChatPage, until
from tests.conftest import Product

pytestmark = [pytest.mark.browser, pytest.mark.stack]

REFUSED = "Failed to load resource: net::ERR_"
"""What Chromium writes for each request without a connection."""


def times_stored(product: Product, text: str) -> int:
    with product.database.reading() as session:
        return session.scalar(select(func.count()).where(Message.text == text)) or 0


def test_a_reload_shows_the_same_conversation(chat: ChatPage) -> None:
    chat.open().ask("does it hurt")
    chat.ask("what does it cost")
    before = chat.messages()
    chat.visit().open()
    until(lambda: len(chat.messages()) == len(before), "the conversation")
    assert chat.messages() == before


def test_a_second_tab_shows_the_conversation_and_what_is_new(chat: ChatPage) -> None:
    chat.open().ask("does it hurt")
    first = chat.driver.current_window_handle
    chat.driver.switch_to.new_window("tab")
    chat.visit().open()
    until(lambda: len(chat.messages()) == 3, "the conversation in the second tab")
    second = chat.driver.current_window_handle

    chat.driver.switch_to.window(first)
    chat.ask("what does it cost")
    here = chat.messages()
    chat.driver.switch_to.window(second)
    until(lambda: len(chat.messages()) == 5, "the new messages in the second tab")
    assert chat.messages() == here


def test_a_message_without_network_is_marked_and_sent_once_later(
    chat: ChatPage, product: Product
) -> None:
    chat.expected_errors.append(REFUSED)
    text = "does it hurt on the train, offline"
    chat.open()
    chat.offline()
    chat.type(text)
    until(lambda: [m.unsent for m in chat.said_by("patient")] == [True], "the mark")
    state = chat.find(".unsent .state")
    assert "Not sent" in state.text
    assert "(916) 555-0142" in state.text
    assert "Try again" in state.text
    assert times_stored(product, text) == 0

    chat.offline(False)
    until(lambda: len(chat.messages()) == 3, "the reply")
    assert [(m.text, m.unsent) for m in chat.said_by("patient")] == [(text, False)]
    assert times_stored(product, text) == 1


def test_an_unsent_message_survives_a_reload(chat: ChatPage, product: Product) -> None:
    """A phone that lost its network in the middle of a visit: the tab is loaded anew."""
    chat.expected_errors.append(REFUSED)
    text = "does it hurt, asked before the reload"
    chat.open()
    chat.offline()
    chat.type(text)
    until(lambda: chat.visible(".unsent"), "the mark")
    chat.offline(False)
    chat.visit()
    until(lambda: times_stored(product, text) == 1, "the message to be sent after all")
    chat.find("#launcher").click()
    until(lambda: len(chat.messages()) == 3, "the reply")
    assert times_stored(product, text) == 1


def test_a_server_killed_in_mid_conversation_loses_and_doubles_nothing(
    chat: ChatPage, product: Product
) -> None:
    chat.expected_errors.append(REFUSED)
    text = "does it hurt while the server restarts"
    chat.open().ask("what does it cost")
    (web,) = product.processes("uvicorn")
    os.kill(web, signal.SIGKILL)
    chat.type(text)
    until(lambda: chat.visible(".unsent"), "the mark")
    until(lambda: len(chat.messages()) == 5, "the reply after the restart", 60)
    assert not chat.visible(".unsent")
    assert [m.text for m in chat.said_by("patient")] == ["what does it cost", text]
    assert times_stored(product, text) == 1


def test_a_server_killed_while_it_works_on_a_message_answers_it_once(
    chat: ChatPage, product: Product
) -> None:
    """The message is stored but unanswered when the process dies; the worker takes it up."""
    chat.expected_errors.append(REFUSED)
    text = "does it hurt, asked at the worst moment"
    chat.open()
    (rasa,) = product.processes("rasa run")
    (web,) = product.processes("uvicorn")
    os.kill(rasa, signal.SIGSTOP)
    try:
        chat.type(text)
        until(lambda: times_stored(product, text), "the message to be stored")
        os.kill(web, signal.SIGKILL)
    finally:
        os.kill(rasa, signal.SIGCONT)
    until(lambda: len(chat.messages()) == 3, "the reply", 120)
    assert not chat.visible(".unsent")
    assert times_stored(product, text) == 1
    time.sleep(3)  # a second reply would come now
    assert len(chat.messages()) == 3


def test_a_session_that_has_ended_is_explained_and_the_message_still_sent(
    chat: ChatPage, product: Product
) -> None:
    chat.expected_errors.append("401 (Unauthorized)")
    chat.open().ask("does it hurt")
    shown = chat.said_by("patient")[0]
    with product.database.transaction() as session:
        conversation = session.scalar(
            select(Message.conversation_id).where(Message.public_id == shown.id)
        )
        session.execute(
            update(Conversation)
            .where(Conversation.id == conversation)
            .values(session_expires_at=utc_now() - timedelta(minutes=1))
        )
    chat.type("what does it cost")
    until(lambda: len(chat.messages()) == 3, "a new chat with the reply")
    assert [m.text for m in chat.said_by("patient")] == ["what does it cost"]
    note = chat.find(".note")
    assert "to protect your privacy" in note.text
    assert chat.in_view(note), "the reason is not scrolled away"
    assert chat.visible(".notice")
    chat.picture("desktop-session-ended")
