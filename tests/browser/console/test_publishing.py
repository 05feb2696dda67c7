"""A new wording on its way through two people to a patient, with the real product."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from bot.content import editing
from bot.db import utc_now
from bot.members.permissions import Role
from tests.browser.chat_page import ChatPage
from tests.browser.console.console_page import ConsolePage
from tests.conftest import Product
from tests.web_site import Site

pytestmark = [pytest.mark.browser, pytest.mark.stack]

ANSWER = "location-parking"
NEW = "The blue gate on the left is ours."
LIVE_WITHIN_S = 5.0


@pytest.fixture
def office(chat: ChatPage, product: Product) -> Iterator[ConsolePage]:
    """The console of the product, beside a patient's tab; the wording is put back at the end."""
    state = SimpleNamespace(database=product.database)
    site = Site(product.url, cast(Any, state), cast(Any, utc_now), cast(Any, None))
    driver: WebDriver = chat.driver
    driver.switch_to.new_window("tab")
    yield ConsolePage(driver, site)
    with product.database.transaction() as session:
        if editing.versions(session, ANSWER)[0].status == "published":
            editing.roll_back(session, ANSWER, 1, utc_now().date())
    driver.delete_cookie("clinic_console")


def test_two_people_publish_a_wording_and_the_patient_gets_it_within_five_seconds(
    chat: ChatPage, office: ConsolePage
) -> None:
    driver = chat.driver
    staff_tab = driver.current_window_handle
    (patient_tab,) = [h for h in driver.window_handles[1:] if h != staff_tab]
    driver.switch_to.window(patient_tab)
    chat.open()
    assert NEW not in chat.ask("where do i park").text

    driver.switch_to.window(staff_tab)
    office.sign_in(Role.REVIEWER, "Rita")
    office.visit(f"/console/answers/{ANSWER}/edit")
    body = office.find("#f-body").get_attribute("value")
    office.write("#f-body", f"{body}\n\n{NEW}")
    office.press("Preview and check")
    office.shows(NEW, ".assistant")
    office.press("Save as draft")
    assert NEW in office.text("ins")
    office.press("Submit for approval")
    office.shows("A clinician other than the author can approve it now.")
    assert "Approve and publish" not in office.text()

    driver.delete_cookie("clinic_console")
    office.sign_in(Role.CLINICIAN, "Noor")
    office.visit(f"/console/answers/{ANSWER}")
    office.press("Approve and publish")
    published_at = time.monotonic()
    office.shows("Patients get this wording within five seconds.")

    driver.switch_to.window(patient_tab)
    while True:
        asked_at = time.monotonic()
        if NEW in chat.ask("where do i park").text:
            break
        assert asked_at - published_at < LIVE_WITHIN_S, "the old wording is still sent"
        time.sleep(0.2)
