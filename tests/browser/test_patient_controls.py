"""What patients decide: whether an answer helped, deleting, keeping and printing their chat."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from sqlalchemy import select

from bot.conversations.models import Conversation, Feedback, Message
from tests.browser.chat_page import ChatPage, Shown, until
from tests.browser.records import stored
from tests.conftest import Product

pytestmark = [pytest.mark.browser, pytest.mark.stack]


def test_a_thumb_up_is_stored(chat: ChatPage, product: Product) -> None:
    reply = chat.open().ask("does it hurt")
    up, _ = chat.node_of(reply).find_elements(By.CSS_SELECTOR, ".thumb")
    up.click()
    assert up.get_attribute("aria-pressed") == "true"
    assert until(lambda: rating(product, reply), "the thumb to be stored").helpful


@pytest.mark.parametrize("helpful", [True, False])
def test_a_thumb_may_come_with_a_word(chat: ChatPage, product: Product, helpful: bool) -> None:
    reply = chat.open().ask("does it hurt")
    chat.node_of(reply).find_elements(By.CSS_SELECTOR, ".thumb")[0 if helpful else 1].click()
    chat.find(".comment textarea").send_keys("how long the cream takes")
    chat.find(".comment .choice").click()
    until(lambda: (kept := rating(product, reply)) and kept.comment, "the comment to be stored")
    kept = rating(product, reply)
    assert kept
    assert (kept.helpful, kept.comment) == (helpful, "how long the cream takes")
    assert not chat.visible(".comment textarea")


def rating(product: Product, reply: Shown) -> Feedback | None:
    with product.database.reading() as session:
        return session.scalars(
            select(Feedback).join(Message).where(Message.public_id == reply.id)
        ).one_or_none()


def test_delete_my_chat_erases_it(chat: ChatPage, product: Product) -> None:
    chat.open().ask("does it hurt if my name is Zelda")
    conversation = stored(product, chat.said_by("patient")[0]).conversation_id
    chat.find("#menu-button").click()
    chat.find("#delete").click()
    chat.find("#confirm-delete").click()
    until(lambda: chat.visible(".restart"), "the deletion to be confirmed")
    assert chat.messages() == []
    assert not chat.visible("#composer")
    with product.database.reading() as session:
        erased = session.get_one(Conversation, conversation)
        texts = session.scalars(
            select(Message.text).where(Message.conversation_id == conversation)
        ).all()
    assert erased.erased_at is not None
    assert set(texts) == {"[erased]"}

    chat.find(".restart button").click()
    chat.ready()
    assert [message.sender for message in chat.messages()] == ["assistant"], "only the greeting"
    chat.expected_errors.append("401")
    chat.visit().open()
    assert [message.sender for message in chat.messages()] == ["assistant"]


def test_a_deleted_chat_is_gone_from_the_other_tab_too(chat: ChatPage) -> None:
    chat.open().ask("does it hurt if my name is Zelda")
    first = chat.driver.current_window_handle
    chat.driver.switch_to.new_window("tab")
    second = chat.driver.current_window_handle
    chat.visit().open()
    until(lambda: "Zelda" in chat.find("#log").text, "the conversation in the second tab")
    chat.driver.switch_to.window(first)
    chat.find("#menu-button").click()
    chat.find("#delete").click()
    chat.find("#confirm-delete").click()
    until(lambda: chat.visible(".restart"), "the deletion to be confirmed")
    chat.find(".restart button").click()
    chat.ready()
    chat.driver.switch_to.window(second)
    until(lambda: "Zelda" not in chat.find("#log").text, "the second tab to forget it")
    until(lambda: chat.visible(".note"), "the reason")
    assert [message.sender for message in chat.messages()] == ["assistant"], "only the greeting"


def test_keeping_the_chat_keeps_it(chat: ChatPage) -> None:
    chat.open().ask("does it hurt")
    chat.find("#menu-button").click()
    chat.find("#delete").click()
    chat.find("#confirm-keep").click()
    assert not chat.visible("#confirm")
    assert len(chat.messages()) == 3


def test_the_conversation_can_be_downloaded(chat: ChatPage, tmp_path: Path) -> None:
    chat.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    reply = chat.open().ask("does it hurt")
    chat.find("#menu-button").click()
    chat.find("#download").click()
    until(lambda: list(tmp_path.glob("*.txt")), "the file")
    (file,) = tmp_path.glob("chat-*.txt")
    text = until(lambda: file.read_text(encoding="utf-8"), "its content")
    for part in ("automated assistant", "You", "does it hurt", reply.text, "Reviewed on"):
        assert part in text
    assert "undefined" not in text


def test_printing_takes_the_conversation_alone(chat: ChatPage) -> None:
    reply = chat.open().ask("does it hurt")
    chat.driver.execute_script("window.print = () => {}")
    chat.find("#menu-button").click()
    chat.find("#print").click()
    copy = 'document.querySelector("#clinic-chat-print")'
    paper = chat.driver.execute_script(f"return {copy}.shadowRoot.textContent")
    for part in ("Elk Grove Skin Clinic", "does it hurt", reply.text[:40], "Reviewed on"):
        assert part in paper
    controls = chat.driver.execute_script(f"return {copy}.shadowRoot.querySelectorAll('button')")
    assert controls == []
    chat.driver.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert chat.driver.execute_script(f"return {copy}") is None
