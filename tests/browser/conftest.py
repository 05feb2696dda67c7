"""A headless Chromium for the whole run, and a fresh tab and patient for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser.chat_page import ChatPage
from tests.conftest import Product

CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,900",
    # The clinic's site and a foreign one, by names of their own: other origins, other sites.
    "--host-resolver-rules=MAP *.clinic.example 127.0.0.1, MAP *.evil.example 127.0.0.1",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """Debian's Chromium and driver, named by path so that Selenium looks for no other.

    Without them the tests are skipped with the reason, except in CI, where they fail.
    """
    missing = [path.name for path in (CHROMIUM, CHROMEDRIVER) if not path.exists()]
    if missing:
        reason = f"no {' and '.join(missing)}: apt-get install chromium chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    options = Options()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(CHROMEDRIVER)))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture
def chat(browser: WebDriver, product: Product) -> Iterator[ChatPage]:
    """A new patient in a tab of their own, with the page open.

    Whatever the test is about, at the end no error may have reached the console.
    """
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get_log("browser")  # what an earlier test left
    browser.delete_all_cookies()
    for origin in (product.url, f"http://www.clinic.example:{product.clinic_port}"):
        browser.execute_cdp_cmd(
            "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"}
        )
    page = ChatPage(browser, product.url)
    yield page.visit()
    errors = page.unexpected_errors()
    for handle in browser.window_handles:
        if handle != first:
            browser.switch_to.window(handle)
            browser.close()
    browser.switch_to.window(first)
    assert not errors, "\n".join(errors)
