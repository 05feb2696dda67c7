"""The chat as a patient sees and uses it. Tests speak of notices and bubbles, not of selectors."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.shadowroot import ShadowRoot
from selenium.webdriver.remote.webelement import WebElement

from bot.settings import ROOT

PICTURES = ROOT / "var" / "screenshots"
"""Where each state is drawn, for people to look at."""

PATIENCE_S = 20.0
"""Longest wait for anything on the page; an answer takes well under a second."""

MEDIA_FEATURES = {
    "color_scheme": "prefers-color-scheme",
    "reduced_motion": "prefers-reduced-motion",
    "forced_colors": "forced-colors",
}

T = TypeVar("T")

_MESSAGES = """
return [...document.querySelector("clinic-chat").shadowRoot.querySelectorAll(".message")]
  .map((node) => ({
    sender: ["patient", "assistant", "staff"].find((name) => node.classList.contains(name)),
    text: node.querySelector(".bubble").innerText.trim(),
    id: node.dataset.id || null,
    urgent: node.classList.contains("urgent"),
    unsent: node.classList.contains("unsent"),
  }));
"""

_FOCUSED = """
let node = document.activeElement;
while (node && node.shadowRoot) node = node.shadowRoot.activeElement;
return node;
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as it stands on the page; ``id`` is None until the server has it."""

    sender: str
    text: str
    id: str | None
    urgent: bool
    unsent: bool


def until(check: Callable[[], T], what: str, seconds: float = PATIENCE_S) -> T:
    """Wait until ``check`` gives something true and return it.

    A page that redraws itself or gives way to the next one loses the part that is looked at.
    The driver has several errors for that, and not always the one meant for it ("stale element",
    but also "unhandled inspector error"), so any of its errors counts as: look again.

    Raises:
        AssertionError: It did not in time; ``what`` says what was awaited.
    """
    deadline = time.monotonic() + seconds
    while True:
        trouble: WebDriverException | None = None
        try:
            if result := check():
                return result
        except WebDriverException as error:
            trouble = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what}") from trouble
        time.sleep(0.05)


@dataclass(slots=True)
class ChatPage:
    """One tab with the page. ``expected_errors`` are parts of console lines a test provokes."""

    driver: WebDriver
    url: str
    expected_errors: list[str] = field(default_factory=list)

    # ---- looking

    @property
    def root(self) -> ShadowRoot:
        return self.driver.find_element(By.CSS_SELECTOR, "clinic-chat").shadow_root

    def find(self, selector: str) -> WebElement:
        return self.root.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.root.find_elements(By.CSS_SELECTOR, selector)

    def visible(self, selector: str) -> bool:
        return any(node.is_displayed() for node in self.all(selector))

    def script(self, body: str, *arguments: object) -> Any:
        """Run JavaScript with ``root`` standing for the inside of the chat."""
        opening = 'const root = document.querySelector("clinic-chat").shadowRoot;'
        return self.driver.execute_script(opening + body, *arguments)

    def messages(self) -> list[Shown]:
        return [Shown(**found) for found in self.driver.execute_script(_MESSAGES)]

    def said_by(self, sender: str) -> list[Shown]:
        return [message for message in self.messages() if message.sender == sender]

    def focused(self) -> WebElement:
        """What the keyboard acts on, also inside the chat."""
        node: WebElement = self.driver.execute_script(_FOCUSED)
        return node

    def focused_id(self) -> str:
        return self.focused().get_attribute("id") or ""

    def in_view(self, node: WebElement) -> bool:
        """Whether a part of the conversation is within the visible part of the log."""
        return bool(
            self.script(
                "const log = root.querySelector('#log').getBoundingClientRect();"
                "const box = arguments[0].getBoundingClientRect();"
                "return box.top >= log.top - 1 && box.bottom <= log.bottom + 1;",
                node,
            )
        )

    def settle(self) -> None:
        """End every movement that has an end: half faded text is neither seen nor measured."""
        self.script(
            "for (const move of root.getAnimations())"
            " if (isFinite(move.effect.getComputedTiming().endTime)) move.finish();"
        )

    def picture(self, name: str) -> None:
        """Keep a picture of what is on the screen now."""
        self.settle()
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(PICTURES / f"{name}.png"))

    def has_started(self) -> bool:
        """Whether the script ran and the element is drawn."""
        return bool(
            self.driver.execute_script(
                'return Boolean(document.querySelector("clinic-chat")?.shadowRoot)'
            )
        )

    # ---- doing

    def visit(self, path: str = "/") -> ChatPage:
        self.driver.get(self.url + path)
        until(lambda: self.visible("#launcher") or self.visible("#panel"), "the chat to load")
        return self

    def open(self) -> ChatPage:
        """Open the chat and wait for its first words."""
        self.find("#launcher").click()
        return self.ready()

    def ready(self) -> ChatPage:
        until(lambda: self.visible(".notice") and self.visible("#composer"), "the notice")
        return self

    def close(self) -> None:
        self.find("#close").click()
        until(lambda: not self.visible("#panel"), "the panel to close")

    def type(self, text: str) -> None:
        """Write a message and press Enter."""
        self.find("#input").send_keys(text, Keys.ENTER)

    def ask(self, text: str) -> Shown:
        """Write a message and wait for the reply to it."""
        before = len(self.said_by("assistant"))
        self.type(text)
        return self.reply(before)

    def press(self, title: str) -> Shown:
        """Press the newest choice of this title and wait for the reply to it."""
        before = len(self.said_by("assistant"))
        choices = [node for node in self.all(".choice") if node.text == title]
        assert choices, f"no choice {title!r}"
        choices[-1].click()
        return self.reply(before)

    def reply(self, before: int) -> Shown:
        """The assistant's first message after the first ``before`` ones."""
        return until(lambda: self.said_by("assistant")[before:], "a reply")[0]

    def node_of(self, message: Shown) -> WebElement:
        return self.find(f'.message[data-id="{message.id}"]')

    # ---- the world around the page

    def offline(self, off: bool = True) -> None:
        """Take the network away from this tab, or give it back."""
        self._network(offline=off, latency=0)

    def slow(self, latency_ms: int) -> None:
        """Let every request of this tab take at least so long; 0 ends it."""
        self._network(offline=False, latency=latency_ms)

    def _network(self, **conditions: object) -> None:
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {**conditions, "downloadThroughput": -1, "uploadThroughput": -1},
        )

    def block(self, *patterns: str) -> None:
        """Let requests to these addresses fail, as some proxies and filters do."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": list(patterns)})

    def screen(self, width: int, height: int, *, phone: bool = False) -> ChatPage:
        """A screen of this many CSS pixels; ``phone`` adds touch and no mouse."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": phone},
        )
        if phone:
            self.driver.execute_cdp_cmd(
                "Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5}
            )
        return self

    def prefers(self, **features: str) -> ChatPage:
        """Settings of the device: ``prefers(color_scheme="dark")``."""
        listed = [
            {"name": MEDIA_FEATURES[name], "value": value} for name, value in features.items()
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})
        return self

    def unexpected_errors(self) -> list[str]:
        """Console errors since the last look: also what the security policy refused."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE"
            and not any(part in entry["message"] for part in self.expected_errors)
        ]
