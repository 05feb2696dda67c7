"""WCAG 2.2 AA in every state and look, and what is read out. Draws `var/screenshots/`."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.browser.chat_page import ChatPage, until
from tests.browser.records import staff_says, stored
from tests.conftest import Product

pytestmark = [pytest.mark.browser, pytest.mark.stack]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

LOOKS: dict[str, Callable[[ChatPage], ChatPage]] = {
    "desktop": lambda chat: chat,
    "dark": lambda chat: chat.prefers(color_scheme="dark"),
    "forced-colours": lambda chat: chat.prefers(forced_colors="active"),
    "phone": lambda chat: chat.screen(390, 844, phone=True),
    "phone-dark": lambda chat: chat.screen(390, 844, phone=True).prefers(color_scheme="dark"),
}

SPANISH = """
new MutationObserver(() => { document.documentElement.lang = "es"; })
  .observe(document, { childList: true });
"""
"""Makes the page a Spanish one before the chat looks at it."""


def spanish(chat: ChatPage) -> ChatPage:
    chat.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SPANISH})
    return chat


LOOKS["spanish"] = spanish


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, as a Python package ships it; nothing is loaded from the web."""
    package = importlib.util.find_spec("selenium_axe_python")
    if package is None or package.origin is None:
        reason = "selenium-axe-python, which ships axe-core, is not installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return (Path(package.origin).parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def states(chat: ChatPage, product: Product) -> Iterator[str]:
    """Lead the chat through everything it can show, and name each state."""
    yield "1-closed"
    chat.open()
    yield "2-open"
    reply = chat.ask("what does it cost")
    yield "3-answer"
    chat.node_of(reply).find_elements(By.CSS_SELECTOR, ".thumb")[1].click()
    chat.node_of(reply).find_element(By.CSS_SELECTOR, "summary").click()
    until(lambda: chat.visible("details li"), "the sources")
    yield "4-thumb-down-and-sources"
    chat.ask("face stuff")
    yield "5-choices"
    chat.ask("my throat is closing up and i cant breathe")
    yield "6-emergency"
    staff_says(product, conversation_of(chat, product), "Hello, this is Maya from the clinic.")
    until(lambda: chat.said_by("staff"), "the words of staff")
    yield "7-staff"
    chat.close()
    staff_says(product, conversation_of(chat, product), "Are you still there?")
    until(lambda: chat.visible("#badge"), "the badge")
    yield "8-unread"
    chat.open()
    chat.find("#menu-button").click()
    yield "9-menu"
    chat.find("#delete").click()
    yield "10-confirm"
    chat.find("#confirm-keep").click()
    fill(chat, "long " * 200 + "wind")
    yield "11-too-long"
    fill(chat, "")
    chat.offline()
    chat.type("is anyone there")
    until(lambda: chat.visible(".unsent"), "the mark")
    yield "12-not-sent"
    chat.offline(False)
    until(lambda: not chat.visible(".unsent"), "the message to be sent")
    chat.find("#menu-button").click()
    chat.find("#delete").click()
    chat.find("#confirm-delete").click()
    until(lambda: chat.visible(".restart"), "the chat to be deleted")
    yield "13-deleted"


def conversation_of(chat: ChatPage, product: Product) -> str:
    return stored(product, chat.said_by("patient")[0]).conversation_id


def fill(chat: ChatPage, text: str) -> None:
    """Put a text into the box at once, as pasting does."""
    chat.script(
        "const field = root.querySelector('#input'); field.value = arguments[0];"
        "field.dispatchEvent(new Event('input'));",
        text,
    )


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_any_state(
    chat: ChatPage, product: Product, axe: str, look: str
) -> None:
    chat.expected_errors.append("Failed to load resource: net::ERR_")
    # Only here: axe is not the page's own script, so the page's policy would refuse it.
    chat.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    LOOKS[look](chat).visit()
    chat.driver.execute_script(axe)
    found = []
    for state in states(chat, product):
        chat.picture(f"{look}-{state}")
        found += [f"{state}: {line}" for line in violations(chat)]
    assert not found, "\n".join(found)


def test_axe_sees_inside_the_chat(chat: ChatPage, axe: str) -> None:
    """Otherwise finding nothing would mean nothing."""
    chat.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    chat.visit().driver.execute_script(axe)
    chat.open()
    chat.script(
        "for (const name of ['aria-label', 'title'])"
        " root.querySelector('#send').removeAttribute(name);"
    )
    assert [line.split(":")[0] for line in violations(chat)] == ["button-name"]


def violations(chat: ChatPage) -> list[str]:
    """What axe objects to now, one line for each place."""
    chat.settle()
    result: dict[str, Any] = chat.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {runOnly: {type: 'tag', values: arguments[0]},"
        " resultTypes: ['violations']}).then(done, (error) => done({error: String(error)}));",
        RULES,
    )
    assert "error" not in result, result["error"]
    return [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]


def test_what_screen_readers_are_told(chat: ChatPage) -> None:
    launcher = chat.find("#launcher")
    assert launcher.accessible_name.startswith("Ask a question")
    assert launcher.get_attribute("aria-expanded") == "false"
    chat.open()
    assert launcher.get_attribute("aria-expanded") == "true"
    names = {
        selector: (chat.find(selector).aria_role, chat.find(selector).accessible_name)
        for selector in ("#panel", "#log", "#status", "#input", "#send", "#menu-button", "#close")
    }
    assert names == {
        "#panel": ("dialog", "Elk Grove Skin Clinic"),
        "#log": ("log", "Conversation"),
        "#status": ("status", ""),
        "#input": ("textbox", "Your message"),
        "#send": ("button", "Send"),
        "#menu-button": ("button", "Chat options"),
        "#close": ("button", "Close chat"),
    }
    reply = chat.ask("does it hurt")
    thumbs = chat.node_of(reply).find_elements(By.CSS_SELECTOR, ".thumb")
    helped, did_not = (thumb.accessible_name.split(": ") for thumb in thumbs)
    assert (helped[0], did_not[0]) == ("This helped", "This did not help")
    assert helped[1] == did_not[1] != "", "which answer it is about"


def test_restored_messages_are_not_read_out_again(chat: ChatPage) -> None:
    chat.open().ask("does it hurt")
    note_how_log_changes = """
      window.live = [];
      const attach = Element.prototype.attachShadow;
      Element.prototype.attachShadow = function (options) {
        const root = attach.call(this, options);
        new MutationObserver((changes) => changes.forEach(({ target, addedNodes }) => {
          if (target.id === "log" && addedNodes.length) live.push(target.ariaLive);
        })).observe(root, { childList: true, subtree: true });
        return root;
      };"""
    chat.driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": note_how_log_changes}
    )
    chat.visit().open()
    until(lambda: len(chat.messages()) == 3, "the conversation")
    assert set(chat.driver.execute_script("return window.live")) == {"off"}
    until(lambda: chat.find("#log").get_attribute("aria-live") == "polite", "the log to be live")
    assert not chat.visible("#badge")
