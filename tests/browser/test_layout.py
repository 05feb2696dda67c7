"""Phones, zoom, narrow screens, dark mode and reduced motion."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from tests.browser.chat_page import ChatPage, until

pytestmark = [pytest.mark.browser, pytest.mark.stack]


def test_a_phone_shows_a_sheet_with_the_title_in_focus(chat: ChatPage) -> None:
    chat.screen(390, 844, phone=True).visit().open()
    panel = chat.find("#panel").rect
    assert (panel["width"], panel["height"]) == (390, 844)
    assert not chat.visible("#launcher")
    assert chat.focused_id() == "title", "a keyboard that comes up would hide the notice"
    assert chat.in_view(chat.find(".notice"))
    size = chat.find("#input").value_of_css_property("font-size")
    assert float(size.removesuffix("px")) >= 16, "smaller text makes iPhones zoom in"
    chat.ask("does it hurt")
    chat.close()
    assert chat.visible("#launcher")


@pytest.mark.parametrize("phone", [False, True])
def test_targets_are_large_enough(chat: ChatPage, phone: bool) -> None:
    """24 px at least (WCAG 2.5.8), links within text excepted; 40 for what everybody uses."""
    chat.screen(390 if phone else 1280, 844, phone=phone).visit().open()
    reply = chat.ask("does it hurt")
    chat.node_of(reply).find_elements(By.CSS_SELECTOR, ".thumb")[1].click()
    sizes = {
        f"{node.get_attribute('id') or node.accessible_name}": min(
            node.size["width"], node.size["height"]
        )
        for node in chat.all("button, textarea")
        if node.is_displayed()
    }
    assert {name: size for name, size in sizes.items() if size < 24} == {}
    main = ("send", "close", "menu-button", "person", "input")
    assert {name: sizes[name] for name in main if sizes[name] < 40} == {}


@pytest.mark.parametrize(
    ("width", "height"), [(320, 568), (320, 256), (640, 400)], ids=["phone", "400%", "200%"]
)
def test_nothing_is_cut_off_on_narrow_and_zoomed_screens(
    chat: ChatPage, width: int, height: int
) -> None:
    chat.screen(width, height).visit()
    assert overflowing(chat) == []
    chat.open().ask("what does it cost")
    chat.ask("https://clinic.example/" + "a" * 120)
    assert overflowing(chat) == []
    for part in ("#input", "#send", "#close", "#person", "#emergency"):
        box = chat.find(part).rect
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width, part
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height, part
    assert chat.find("#log").rect["height"] >= 60
    chat.picture(f"narrow-{width}x{height}")


def overflowing(chat: ChatPage) -> list[str]:
    """What is wider than the place it has: it would have to be scrolled sideways."""
    found: list[str] = chat.script(
        "const parts = [document.documentElement, ...root.querySelectorAll("
        "'#panel, #header, #help, #log, .bubble, #composer')];"
        "return parts.filter((part) => part.scrollWidth > part.clientWidth + 1)"
        ".map((part) => part.id || part.className || part.localName);"
    )
    return found


def test_the_dark_look_follows_the_device(chat: ChatPage) -> None:
    chat.open()
    assert brightness(chat) > 200
    chat.prefers(color_scheme="dark")
    assert brightness(chat) < 60


def brightness(chat: ChatPage) -> float:
    """Mean of red, green and blue of the panel's background, 0 to 255."""
    colour = chat.find("#panel").value_of_css_property("background-color")
    parts = [float(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3]]
    return sum(parts) / 3


def test_the_keyboard_of_a_phone_covers_neither_input_nor_notice(chat: ChatPage) -> None:
    """A headless browser has no such keyboard, so the page is told of one of 380 pixels."""
    chat.screen(390, 844, phone=True).visit().open()
    chat.driver.execute_script(
        "Object.defineProperty(visualViewport, 'height', {get: () => 464, configurable: true});"
        "visualViewport.dispatchEvent(new Event('resize'));"
    )
    # The sheet may still be sliding in.
    until(
        lambda: (chat.find("#panel").rect["y"], chat.find("#panel").rect["height"]) == (0, 464),
        "the sheet to fill what the keyboard leaves",
    )
    box = chat.find("#input").rect
    assert box["y"] + box["height"] <= 464
    assert chat.find("#log").rect["height"] > 150
    chat.picture("phone-keyboard")
    chat.driver.execute_script(
        "delete visualViewport.height; visualViewport.dispatchEvent(new Event('resize'));"
    )
    assert chat.find("#panel").rect["height"] == 844


def test_the_keyboard_of_a_tablet_lifts_the_panel(chat: ChatPage) -> None:
    chat.screen(820, 1180, phone=True).visit().open()
    chat.driver.execute_script(
        "Object.defineProperty(visualViewport, 'height', {get: () => 780, configurable: true});"
        "visualViewport.dispatchEvent(new Event('resize'));"
    )
    box, panel = chat.find("#input").rect, chat.find("#panel").rect
    assert box["y"] + box["height"] <= 780
    assert panel["y"] >= 0


def test_forced_colours_keep_every_boundary(chat: ChatPage) -> None:
    chat.prefers(forced_colors="active").open()
    chat.ask("does it hurt")
    for part in (".patient .bubble", ".assistant .bubble", "#send", ".choice", "#launcher"):
        assert chat.find(part).value_of_css_property("border-top-style") == "solid", part
    chat.picture("forced-colours")


def test_the_theme_is_set_by_properties_and_place_by_an_attribute(chat: ChatPage) -> None:
    chat.script(
        "const sheet = new CSSStyleSheet();"
        "sheet.replaceSync('clinic-chat { --clinic-chat-accent: #7a3b52; --clinic-chat-radius: 2px;"
        " --clinic-chat-font: serif; --clinic-chat-offset-x: 40px;"
        " --clinic-chat-offset-y: 80px }');"
        "document.adoptedStyleSheets = [sheet]; root.host.setAttribute('position', 'left')"
    )
    chat.open()
    panel, launcher = chat.find("#panel"), chat.find("#launcher")
    assert "122, 59, 82" in chat.find("#header").value_of_css_property("background-color")
    assert panel.value_of_css_property("border-top-left-radius") == "2px"
    assert chat.find("#title").value_of_css_property("font-family") == "serif"
    assert (launcher.rect["x"], panel.rect["x"]) == (40, 40)
    bottom = chat.script(
        "return innerHeight - root.querySelector('#launcher').getBoundingClientRect().bottom"
    )
    assert bottom == 80
    assert panel.rect["y"] >= 0, "the header is still in reach"
    chat.picture("themed-left")


def test_nothing_moves_for_those_who_ask_for_it(chat: ChatPage) -> None:
    chat.prefers(reduced_motion="reduce")
    chat.open()
    assert (
        chat.script(
            "const status = root.querySelector('#status'); status.className = 'busy';"
            "return getComputedStyle(status, '::before').animationName"
        )
        == "none"
    )
    assert chat.script("return root.getAnimations().length") == 0
    assert chat.find("#panel").value_of_css_property("animation-name") == "none"
