"""Judging messages with the keyboard alone."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from sqlalchemy import select

from bot.members.permissions import Role
from bot.review.models import MessageFlag, Review
from tests.browser.chat_page import until
from tests.browser.console.console_page import ConsolePage
from tests.web_site import Site

pytestmark = pytest.mark.browser


def press(console: ConsolePage, key: str) -> None:
    """Press a key and wait for the page that follows."""
    console.driver.execute_script("window.old = true")
    ActionChains(console.driver).send_keys(key).perform()
    until(
        lambda: console.driver.execute_script(
            "return !window.old && document.readyState === 'complete'"
        ),
        f"the page after {key}",
    )


def test_ten_messages_are_reviewed_without_the_mouse(
    console: ConsolePage, console_site: Site
) -> None:
    dialogue = console_site.dialogue
    dialogue.result = type(dialogue.result)(
        outcome=type(dialogue.result.outcome)("no_answer"),
        tier=dialogue.result.tier,
        replies=dialogue.result.replies,
        understood={"intent": "out_of_scope", "confidence": 0.3},
    )
    patient = console_site.patient()
    for number in range(10):
        patient.say(f"question number {number}")
    console.sign_in(Role.REVIEWER)
    console.visit("/console/review")
    console.click(".button.primary")
    until(lambda: console.path != "/console/review", "the first message")
    first = console.path
    press(console, "j")
    assert console.path != first
    press(console, "k")
    assert console.path == first
    press(console, "f")
    console.shows("flagged by Maya")
    console.find("#right-intent").send_keys("ask_cost", Keys.ESCAPE)
    press(console, "2")
    for _ in range(8):
        console.shows("To judge")
        press(console, "1")
    press(console, "1")
    assert console.path == "/console/review"
    console.shows("That was the last one of the list.")
    with console_site.state.database.reading() as session:
        said = session.scalars(select(Review).order_by(Review.id)).all()
        assert session.query(MessageFlag).count() == 1
    assert [(r.verdict, r.right_intent) for r in said] == [
        ("wrong_intent", "ask_cost"),
        *[("right", None)] * 9,
    ]
