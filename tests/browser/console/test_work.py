"""A day at the console: signing in, an emergency, taking over, giving back, switching off."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.keys import Keys

from bot.members.permissions import Role
from bot.switches.store import MAX_AGE_S
from tests.browser.chat_page import ChatPage, until
from tests.browser.console.console_page import ConsolePage
from tests.staff_browser import sign_in
from tests.web_site import EMERGENCY, Site

pytestmark = pytest.mark.browser


def test_the_first_sign_in_sets_up_an_authenticator_and_shows_recovery_codes(
    console: ConsolePage,
) -> None:
    console.sign_in(Role.AGENT)
    assert len(console.all(".codes code")) == 10
    console.click(".button.primary")
    until(lambda: console.path == "/console/queue", "the queue")
    console.shows("Nobody waits.")


def test_an_emergency_appears_by_itself_and_the_patient_is_answered(
    console: ConsolePage, console_site: Site
) -> None:
    console.sign_in(Role.AGENT)
    console.visit("/console/queue")
    staff_tab = console.driver.current_window_handle
    console.shows("Nobody waits.")

    console.driver.switch_to.new_window("tab")
    chat = ChatPage(console.driver, console_site.url).visit().open()
    chat.ask(EMERGENCY)
    patient_tab = console.driver.current_window_handle

    console.driver.switch_to.window(staff_tab)
    console.shows("EMERGENCY", "#live")
    until(lambda: console.driver.title.startswith("(1) "), "the number in the title")
    until(
        lambda: "A new red flag waits." in console.find("#live-news").get_attribute("textContent"),
        "the news, read aloud",
    )
    console.press("Acknowledge", "#live")
    console.shows("acknowledged", "#live")
    until(lambda: not console.driver.title.startswith("("), "the number to go")

    console.click(".case-link")
    until(lambda: "/console/conversations/" in console.path, "the conversation")
    until(
        lambda: any("throat is closing" in mark.text for mark in console.all("mark")),
        "the sign, marked",
    )
    console.press("Take over")
    console.shows("you answer", "#holder")
    console.write("#reply", "Hello, this is Maya. Have you called 911?")
    console.find("#reply").send_keys(Keys.CONTROL, Keys.ENTER)
    console.shows("Have you called 911?", "#transcript")

    console.driver.switch_to.window(patient_tab)
    said = until(lambda: chat.said_by("staff"), "the words of staff")
    assert "Have you called 911?" in said[-1].text
    before = len(chat.messages())
    chat.type("yes they are coming")
    until(lambda: len(chat.messages()) > before, "the patient's words")

    console.driver.switch_to.window(staff_tab)
    console.shows("yes they are coming", "#transcript")
    console.press("Give back")
    console.shows("the assistant answers", "#holder")
    console.open("Resolve")
    console.choose("#outcome", "advised_911")
    console.press("Resolve", "#case")
    console.shows("Advised to call 911", "#case")

    console.driver.switch_to.window(patient_tab)
    assert "sting" in chat.ask("does it hurt").text


def test_what_is_typed_survives_what_happens_meanwhile_and_the_second_cannot_overwrite(
    console: ConsolePage, console_site: Site
) -> None:
    patient = console_site.patient()
    patient.say(EMERGENCY)
    console.sign_in(Role.CLINICIAN)
    console.visit(f"/console/conversations/{patient.conversation_id}")
    console.write("#note", "half a thought")
    other = sign_in(console_site, Role.AGENT, "Noor", "noor@clinic.example")
    path = f"/console/conversations/{patient.conversation_id}"
    assert other.post(f"{path}/take-over").status_code == 303
    console.shows("Noor answers", "#holder")
    assert console.find("#note").get_attribute("value") == "half a thought"
    # This page's forms are as they were before Noor came: they are refused, not obeyed.
    console.open("Change the tier")
    console.choose("#tier", "1")
    console.write("#tier-reason", "looks mild")
    console.expected_errors.append("409")
    console.press("Change tier")
    console.shows("Somebody changed this meanwhile")
    console.shows("Noor has it")
    assert "EMERGENCY" in console.text("#case")


def test_an_admin_switches_the_assistant_off_and_on(
    console: ConsolePage, console_site: Site
) -> None:
    console.sign_in(Role.ADMIN)
    console.visit("/console/switches")
    console.click("summary.danger")
    console.press("Yes, switch off")
    console.shows("Switched off.")
    staff_tab = console.driver.current_window_handle
    pause()
    console.driver.switch_to.new_window("tab")
    chat = ChatPage(console.driver, console_site.url).visit().open()
    patient_tab = console.driver.current_window_handle
    assert "switched off" in chat.ask("does it hurt").text
    assert console_site.patient().say(EMERGENCY).json()["outcome"] == "escalated_emergency"
    assert console_site.dialogue.sent == []

    console.driver.switch_to.window(staff_tab)
    console.press("Switch on")
    console.shows("Switched on.")
    console.visit("/console/queue")
    assert len(console.all(".case")) == 2, "what came meanwhile waits for staff"
    pause()
    console.driver.switch_to.window(patient_tab)
    assert "sting" in chat.ask("does it hurt").text


def test_a_prepared_reply_is_inserted_with_its_gap_chosen_and_not_sent_while_it_is_open(
    console: ConsolePage, console_site: Site
) -> None:
    patient = console_site.patient()
    patient.say(EMERGENCY)
    console.sign_in(Role.AGENT)
    console.visit(f"/console/conversations/{patient.conversation_id}")
    console.press("Take over")
    console.choose("#canned", "waiting")
    insert = next(b for b in console.all("#canned-form button"))
    insert.click()
    text = console.find("#reply").get_attribute("value")
    assert "[time]" in text
    assert console.driver.execute_script("return getSelection().toString()") == "[time]"
    console.expected_errors.append("422")
    console.press("Send")
    console.shows("Please fill in [time] first.")
    assert console.find("#reply").get_attribute("value") == text
    assert not [m for m in patient.history() if m["sender"] == "staff"]


def test_a_person_is_erased(console: ConsolePage, console_site: Site) -> None:
    patient = console_site.patient()
    patient.say("my name is Remarkable Patientname")
    console.sign_in(Role.ADMIN)
    console.visit(f"/console/conversations/{patient.conversation_id}")
    console.shows("Remarkable")
    console.open("Erase this person")
    console.click("[name=sure]")
    console.press("Erase", ".side")
    console.shows("Erased here")
    assert "Remarkable" not in console.driver.page_source
    assert [m.text for m in console_site.stored(patient.conversation_id)] == ["[erased]"] * 2


def test_before_an_idle_session_ends_the_page_warns_and_then_leaves(
    console: ConsolePage, console_site: Site
) -> None:
    console.sign_in(Role.AGENT)
    console.visit("/console/account")
    console_site.clock.advance(minutes=14)
    console.driver.execute_script("endsAt = Date.now(); look();")
    until(lambda: console.find("#idle").is_displayed(), "the warning")
    console.click("#idle-stay")
    until(lambda: not console.find("#idle").is_displayed(), "the warning to go")
    console_site.clock.advance(minutes=16)
    console.expected_errors.append("401")
    console.driver.execute_script("endsAt = Date.now(); look();")
    until(lambda: console.path == "/console/sign-in", "the sign-in")
    console.shows("You were signed out because nothing was done")


def pause() -> None:
    """Until a switch counts everywhere."""
    import time

    time.sleep(MAX_AGE_S + 0.1)
