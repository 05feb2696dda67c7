"""No message is lost or doubled: reload, second tab, no network, killed server, old session."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

import pytest
from selenium.webdriver.common.by import By
from sqlalchemy import func, select, update

from bot.conversations.models import Conversation, Message
from bot.db import utc_now
from tests.browser.chat_page import ChatPage, until
from tests.browser.records import staff_says, stored
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


def test_an_unsent_message_survives_a_closed_tab(chat: ChatPage, product: Product) -> None:
    """A new tab of the same browser goes on with the conversation and sends what waits."""
    chat.expected_errors.append(REFUSED)
    text = "does it hurt, asked before the tab was closed"
    chat.open().ask("what does it cost")
    chat.offline()
    chat.type(text)
    until(lambda: chat.visible(".unsent"), "the mark")
    # Now, as closing lets go of the emulated network: a try on the way may still get through.
    assert times_stored(product, text) == 0
    closed = chat.driver.current_window_handle
    chat.driver.switch_to.new_window("tab")
    opened = chat.driver.current_window_handle
    chat.driver.switch_to.window(closed)
    chat.driver.close()

    chat.driver.switch_to.window(opened)
    chat.visit().find("#launcher").click()
    until(lambda: len(chat.messages()) == 5, "the message to be sent and answered")
    assert [(m.text, m.unsent) for m in chat.said_by("patient")] == [
        ("what does it cost", False),
        (text, False),
    ]
    assert times_stored(product, text) == 1


def test_nobody_sends_what_another_person_left_unsent(chat: ChatPage, product: Product) -> None:
    """A shared computer: the conversation has ended before the message got through."""
    chat.expected_errors += [REFUSED, "401 (Unauthorized)"]
    text = "does it hurt, asked by somebody else"
    chat.open().ask("what does it cost")
    chat.offline()
    chat.type(text)
    until(lambda: chat.visible(".unsent"), "the mark")
    chat.driver.delete_all_cookies()
    chat.offline(False)
    chat.visit().open()
    until(lambda: chat.visible(".note"), "the reason")
    assert "A message that was not sent was removed" in chat.find(".note").text
    assert [message.sender for message in chat.messages()] == ["assistant"]
    assert text not in chat.driver.execute_script("return JSON.stringify(localStorage)")
    assert times_stored(product, text) == 0


def test_the_late_answer_to_a_queued_message_arrives_in_the_open_chat(
    chat: ChatPage, product: Product
) -> None:
    chat.open()
    (rasa,) = product.processes("rasa run")
    os.kill(rasa, signal.SIGSTOP)
    try:
        assert "saved" in chat.ask("does it hurt").text
    finally:
        os.kill(rasa, signal.SIGCONT)
    answer = until(lambda: chat.said_by("assistant")[2:], "the late answer", 90)[0]
    assert stored(product, answer).answer_id == "does-it-hurt"
    assert chat.in_view(chat.node_of(answer).find_element(By.CSS_SELECTOR, ".meta"))
    chat.picture("desktop-late-answer")


def test_without_events_staff_are_still_heard(chat: ChatPage, product: Product) -> None:
    """Some company networks hold event streams back."""
    chat.expected_errors.append("ERR_BLOCKED_BY_CLIENT")
    chat.block("*/api/chat/events*")
    chat.open().ask("does it hurt")
    conversation = stored(product, chat.said_by("patient")[0]).conversation_id
    staff_says(product, conversation, "Can you hear me?")
    until(lambda: chat.said_by("staff"), "the words of staff", 30)
    chat.block()


def test_what_staff_wrote_while_the_server_was_away_is_heard_once(
    chat: ChatPage, product: Product
) -> None:
    chat.expected_errors.append(REFUSED)
    chat.open().ask("does it hurt")
    conversation = stored(product, chat.said_by("patient")[0]).conversation_id
    staff_says(product, conversation, "before")
    until(lambda: len(chat.said_by("staff")) == 1, "the first words of staff")
    (web,) = product.processes("uvicorn")
    os.kill(web, signal.SIGKILL)
    staff_says(product, conversation, "meanwhile")
    until(lambda: len(chat.said_by("staff")) == 2, "what was said meanwhile", 60)
    staff_says(product, conversation, "after")
    until(lambda: len(chat.said_by("staff")) == 3, "what was said after that", 60)
    assert [m.text for m in chat.said_by("staff")] == ["before", "meanwhile", "after"]


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
