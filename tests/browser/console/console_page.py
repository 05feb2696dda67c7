"""The console as staff see and use it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyotp
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from bot.members.permissions import Role
from bot.settings import ROOT
from tests.browser.chat_page import until
from tests.staff_browser import PASSWORD, new_member
from tests.web_site import Site

PICTURES = ROOT / "var" / "screenshots" / "console"


@dataclass(slots=True)
class ConsolePage:
    """One tab. ``expected_errors`` are parts of console lines that a test provokes."""

    driver: WebDriver
    site: Site
    expected_errors: list[str] = field(default_factory=list)

    # ---- looking

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "main") -> str:
        return self.find(selector).text

    @property
    def path(self) -> str:
        return str(self.driver.execute_script("return location.pathname"))

    def shows(self, words: str, selector: str = "main") -> None:
        """Wait until the page says something."""
        until(lambda: words in self.text(selector), f"{words!r} on {self.path}")

    def unexpected_errors(self) -> list[str]:
        lines = [entry["message"] for entry in self.driver.get_log("browser")]
        return [line for line in lines if not any(part in line for part in self.expected_errors)]

    # ---- doing

    def visit(self, path: str) -> ConsolePage:
        self.driver.get(self.site.url + path)
        return self

    def write(self, selector: str, text: str) -> None:
        node = self.find(selector)
        node.clear()
        node.send_keys(text)

    def choose(self, selector: str, value: str) -> None:
        Select(self.find(selector)).select_by_value(value)

    def click(self, selector: str) -> None:
        """Click one part, also where the page may redraw it at any moment."""

        def clicked() -> bool:
            self.find(selector).click()
            return True

        until(clicked, f"a click on {selector}")

    def press(self, label: str, within: str = "main") -> None:
        """Press the visible button of this label and wait for the next page."""
        before = self.find("html")

        def pressed() -> bool:
            if _gone(before):
                return True  # an earlier try counted, though the driver said that it failed
            for button in self.find(within).find_elements(By.TAG_NAME, "button"):
                if button.is_displayed() and button.text.strip().startswith(label):
                    button.click()
                    return True
            return False

        until(pressed, f"a button {label!r}")
        until(lambda: _gone(before), f"the page after {label!r}")
        until(
            lambda: self.driver.execute_script("return document.readyState") == "complete",
            "the page to load",
        )

    def open(self, summary: str) -> None:
        """Open a fold by its title."""
        for node in self.all("summary"):
            if node.text.strip() == summary:
                node.click()
                return
        raise AssertionError(f"no fold {summary!r}")

    def sign_in(self, role: Role, name: str = "Maya") -> str:
        """Come in as a new member: link, password, authenticator. Gives the TOTP secret."""
        _, key = new_member(self.site, role, name, f"{name.lower()}@clinic.example")
        self.visit(f"/console/welcome/{key}")
        self.write("#f-password", PASSWORD)
        self.write("#f-again", PASSWORD)
        self.press("Set password")
        secret = self.text("#totp-key").replace(" ", "")
        self.write("#f-code", pyotp.TOTP(secret).at(self.site.clock()))
        self.press("Finish")
        return secret

    # ---- the look

    def looks_like_a_phone(self) -> ConsolePage:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
        )
        return self

    def looks_like_a_desktop(self) -> ConsolePage:
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return self.prefers("light")

    def prefers(self, scheme: str) -> ConsolePage:
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        return self

    def picture(self, name: str) -> None:
        """The whole page, however long."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        import base64

        shot = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot",
            {
                "captureBeyondViewport": True,
                "clip": {
                    "x": 0,
                    "y": 0,
                    "width": size["width"],
                    "height": min(size["height"], 2400),
                    "scale": 1,
                },
            },
        )
        (PICTURES / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


def _gone(node: WebElement) -> bool:
    from selenium.common.exceptions import StaleElementReferenceException

    try:
        node.is_enabled()
    except StaleElementReferenceException:
        return True
    return False
