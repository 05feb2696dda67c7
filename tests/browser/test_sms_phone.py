"""The phone page of the SMS simulator, in a real browser under the strict policy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browser.chat_page import until
from tests.browser.test_accessibility import RULES, axe
from tests.integration.conftest import OpenSite, open_site, rules_alone, seeded_file
from tests.web_site import Site

__all__ = ["axe", "open_site", "rules_alone", "seeded_file"]

pytestmark = pytest.mark.browser


@pytest.fixture
def site(open_site: OpenSite) -> Iterator[Site]:
    """The product with the simulator, its line at work."""
    opened = open_site(sms_provider="simulator")
    stop = threading.Event()

    def work() -> None:
        assert opened.state.sms is not None
        while not stop.is_set():
            if opened.state.sms.work_once():
                opened.clock.advance(seconds=1)
            time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    yield opened
    stop.set()
    thread.join(10)


def bubbles(browser: WebDriver, side: str) -> list[str]:
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, f"#thread .{side}")]


def test_a_patient_texts_and_reads_the_answer(browser: WebDriver, site: Site, axe: str) -> None:
    browser.get_log("browser")
    browser.get(f"{site.url}/sms/phone")
    field = browser.find_element(By.ID, "text")
    field.send_keys("does it <b>hurt</b>" + Keys.ENTER)
    until(lambda: bubbles(browser, "clinic"), "the answer")
    assert "does it <b>hurt</b>" in bubbles(browser, "patient")[0], "words, never markup"
    assert "It can sting a little." in bubbles(browser, "clinic")[0]
    assert field.get_property("value") == ""
    # Half-way through a fade any colour is too faint.
    browser.execute_script(
        "document.getAnimations()"
        ".filter((move) => isFinite(move.effect.getComputedTiming().endTime))"
        ".forEach((move) => move.finish())"
    )
    browser.execute_script(axe)
    found = browser.execute_async_script(
        "const [rules, done] = arguments;"
        "axe.run(document, {runOnly: {type: 'tag', values: rules}})"
        ".then(result => done(result.violations.map(each => each.id)));",
        RULES,
    )
    assert found == []
    errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert errors == []


def test_another_number_begins_with_an_empty_thread(browser: WebDriver, site: Site) -> None:
    browser.get(f"{site.url}/sms/phone")
    browser.find_element(By.ID, "text").send_keys("hello" + Keys.ENTER)
    until(lambda: bubbles(browser, "clinic"), "the answer")
    number = browser.find_element(By.ID, "number")
    number.clear()
    number.send_keys("+1 530 555 0111" + Keys.ENTER)
    until(lambda: not bubbles(browser, "patient"), "an empty thread")
