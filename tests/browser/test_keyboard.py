"""The chat without a mouse: every step by Tab, Enter, Space and Escape."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.chat_page import ChatPage, until

pytestmark = [pytest.mark.browser, pytest.mark.stack]


def press(chat: ChatPage, *keys: str) -> None:
    ActionChains(chat.driver).send_keys(*keys).perform()


def back(chat: ChatPage) -> None:
    ActionChains(chat.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()


def travel(chat: ChatPage, selector: str, *, backwards: bool = False, most: int = 40) -> None:
    """Tab until something that matches has the focus; each stop on the way shows it."""
    for _ in range(most):
        if backwards:
            back(chat)
        else:
            press(chat, Keys.TAB)
        assert chat.driver.execute_script(
            "return getComputedStyle(arguments[0]).outlineStyle", chat.focused()
        ) not in ("none", ""), f"no visible focus on {chat.focused().get_attribute('outerHTML')}"
        if chat.driver.execute_script(
            "return arguments[0].matches(arguments[1])", chat.focused(), selector
        ):
            return
    raise AssertionError(f"{selector} was not reached in {most} steps")


def test_a_conversation_by_keyboard_alone(chat: ChatPage) -> None:
    travel(chat, "#launcher")
    press(chat, Keys.ENTER)
    chat.ready()
    assert chat.focused_id() == "input"

    press(chat, "does it hurt", Keys.ENTER)
    chat.reply(1)
    assert chat.focused_id() == "input", "the next question can be typed at once"
    travel(chat, ".thumb", backwards=True)
    press(chat, Keys.SPACE)
    assert chat.focused().get_attribute("aria-pressed") == "true"

    press(chat, Keys.ESCAPE)
    until(lambda: not chat.visible("#panel"), "the panel to close")
    assert chat.focused_id() == "launcher"
    assert chat.focused().get_attribute("aria-expanded") == "false"
    press(chat, Keys.SPACE)
    until(lambda: chat.visible("#panel"), "the panel to open again")
    assert chat.focused_id() == "input"


def test_a_choice_is_pressed_by_keyboard(chat: ChatPage) -> None:
    chat.open()
    travel(chat, ".choice", backwards=True)
    title = chat.focused().text
    press(chat, Keys.ENTER)
    chat.reply(1)
    assert chat.said_by("patient")[0].text == title
    assert chat.focused_id() or chat.focused().text == title, "the focus is not lost"


def test_a_person_is_reached_by_keyboard(chat: ChatPage) -> None:
    chat.open()
    travel(chat, "#person", backwards=True)
    press(chat, Keys.ENTER)
    assert "team" in chat.reply(1).text


def test_escape_closes_one_thing_at_a_time(chat: ChatPage) -> None:
    chat.open()
    travel(chat, "#menu-button", backwards=True)
    press(chat, Keys.ENTER)
    assert chat.focused_id() == "download"
    press(chat, Keys.ESCAPE)
    assert not chat.visible("#menu")
    assert chat.visible("#panel")
    assert chat.focused_id() == "menu-button"

    press(chat, Keys.ENTER, Keys.TAB, Keys.TAB)
    assert chat.focused_id() == "delete"
    press(chat, Keys.ENTER)
    assert chat.focused_id() == "confirm-keep", "Enter pressed twice must not delete"
    press(chat, Keys.ESCAPE)
    assert not chat.visible("#confirm")
    assert chat.focused_id() == "menu-button"
    press(chat, Keys.ESCAPE)
    until(lambda: not chat.visible("#panel"), "the panel to close")
    assert chat.focused_id() == "launcher"


def test_a_sheet_on_a_phone_keeps_the_focus_inside(chat: ChatPage) -> None:
    """What it covers cannot be seen, so Tab must not go there."""
    chat.screen(390, 844).open()
    inside = []
    for _ in range(14):
        press(chat, Keys.TAB)
        inside.append(
            chat.script("return !document.hasFocus() || root.activeElement !== null")
            or chat.driver.execute_script("return document.activeElement === document.body")
        )
    assert all(inside)
