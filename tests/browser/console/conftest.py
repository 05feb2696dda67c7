"""The console in a real browser, on a web app whose clock and dialogue the test controls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser.console.console_page import ConsolePage
from tests.integration.conftest import open_site, rules_alone, seeded_file  # noqa: F401
from tests.web_site import Site


@pytest.fixture
def console_site(open_site) -> Site:  # noqa: F811
    return open_site()


@pytest.fixture
def console(browser: WebDriver, console_site: Site) -> Iterator[ConsolePage]:
    """A tab of its own. At the end no error may have reached the browser's console."""
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get_log("browser")
    page = ConsolePage(browser, console_site)
    yield page
    errors = page.unexpected_errors()
    page.looks_like_a_desktop()
    browser.delete_all_cookies()
    for handle in browser.window_handles:
        if handle != first:
            browser.switch_to.window(handle)
            browser.close()
    browser.switch_to.window(first)
    assert not errors, "\n".join(errors)
