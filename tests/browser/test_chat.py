"""A patient and the assistant on the clinic's page, in a real browser on the real product."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from sqlalchemy import select

from bot.content.models import AnswerVersion
from bot.content.sources import load_sources
from bot.conversations.models import Escalation
from tests.browser.chat_page import ChatPage, until
from tests.browser.records import staff_joins, staff_leaves, staff_says, stored
from tests.conftest import Product

pytestmark = [pytest.mark.browser, pytest.mark.stack]

EMERGENCY = "my throat is closing up and i cant breathe"
EMERGENCY_ES = "se me cierra la garganta y no puedo respirar"


def words(text: str) -> str:
    """Without line breaks and list marks, which the page draws in its own way."""
    return " ".join(text.replace("\n- ", "\n").removeprefix("- ").split())


def test_the_notice_stands_before_the_first_message(chat: ChatPage) -> None:
    assert chat.driver.get_cookies() == [], "reading the page starts no session"
    chat.open()
    notice = chat.find("#log > :first-child")
    assert notice.get_attribute("class") == "notice"
    for part in ("automated assistant", "not for emergencies", "911"):
        assert part in notice.text
    assert "Automated assistant" in chat.find("#header").text
    assert not chat.said_by("patient")


def test_a_link_of_the_page_opens_the_chat(chat: ChatPage) -> None:
    chat.driver.find_element(By.CSS_SELECTOR, "main a[href='#clinic-chat']").click()
    chat.ready()
    assert chat.focused_id() == "input"


@pytest.mark.parametrize(
    ("question", "answer_id"),
    [
        ("when can I put makeup on after the treatment?", "aftercare-makeup"),
        ("does it hurt", "does-it-hurt"),
        ("what does it cost", "cost-overview"),
    ],
)
def test_a_question_gets_the_clinics_answer(
    chat: ChatPage, product: Product, question: str, answer_id: str
) -> None:
    reply = chat.open().ask(question)
    row = stored(product, reply)
    assert row.answer_id == answer_id
    assert words(reply.text) == words(row.text)
    assert "Reviewed on " in chat.node_of(reply).find_element(By.CSS_SELECTOR, ".about").text


def test_three_questions_stand_in_the_order_they_were_asked(chat: ChatPage) -> None:
    chat.open()
    for question in ("does it hurt", "how much is one session", "what is microneedling"):
        chat.ask(question)
    senders = [message.sender for message in chat.messages()]
    assert senders == ["assistant"] + ["patient", "assistant"] * 3


def test_a_quick_reply_is_said_and_answered(chat: ChatPage, product: Product) -> None:
    reply = chat.open().press("Aftercare")
    assert chat.said_by("patient")[0].text == "Aftercare"
    assert stored(product, reply).answer_id == "aftercare-overview"


def test_an_unclear_question_offers_choices_that_answer_it(
    chat: ChatPage, product: Product
) -> None:
    asked = chat.open().ask("face stuff")
    assert stored(product, chat.said_by("patient")[0]).outcome == "clarifying"
    choices = chat.node_of(asked).find_elements(By.CSS_SELECTOR, ".choice")
    assert 2 <= len(choices) <= 5
    title, button_id = choices[0].text, choices[0].get_attribute("data-button-id") or ""
    reply = chat.press(title)
    assert f"answer:{stored(product, reply).answer_id}" == button_id


@pytest.mark.parametrize(
    ("message", "language", "advice"),
    [(EMERGENCY, "en", "Call 911"), (EMERGENCY_ES, "es", "Llame al 911")],
)
def test_an_emergency_is_told_to_call_911_where_it_cannot_be_missed(
    chat: ChatPage, product: Product, message: str, language: str, advice: str
) -> None:
    reply = chat.open().ask(message)
    assert advice.lower() in reply.text.lower()
    assert until(lambda: chat.said_by("assistant")[-1].urgent, "the reply to stand out")
    bubble = chat.node_of(reply).find_element(By.CSS_SELECTOR, ".bubble")
    assert bubble.value_of_css_property("border-left-width") == "4px"
    first_line = bubble.find_element(By.CSS_SELECTOR, "p")
    assert first_line.value_of_css_property("font-weight") == "600"
    assert len(chat.said_by("assistant")) == 2, "the greeting and the advice, nothing else"
    call = bubble.find_element(By.CSS_SELECTOR, "a[href='tel:911']")
    assert call.is_displayed()
    with product.database.reading() as session:
        asked = stored(product, chat.said_by("patient")[0])
        opened = session.scalars(
            select(Escalation).where(Escalation.conversation_id == asked.conversation_id)
        ).one()
    assert (opened.tier, asked.outcome) == (3, "escalated_emergency")


def test_an_emergency_still_stands_out_after_a_reload(chat: ChatPage) -> None:
    chat.open().ask(EMERGENCY)
    chat.visit().open()
    until(lambda: len(chat.messages()) == 3, "the conversation")
    assert chat.messages()[-1].urgent


def test_talk_to_a_person_reaches_staff(chat: ChatPage, product: Product) -> None:
    chat.open()
    before = len(chat.said_by("assistant"))
    chat.find("#person").click()
    reply = chat.reply(before)
    assert "team" in reply.text
    asked = stored(product, chat.said_by("patient")[0])
    assert asked.outcome == "staff_requested"
    with product.database.reading() as session:
        waiting = session.scalars(
            select(Escalation).where(Escalation.conversation_id == asked.conversation_id)
        ).one()
    assert waiting.status == "open"


def test_staff_are_heard_at_once_by_name_and_counted_while_closed(
    chat: ChatPage, product: Product
) -> None:
    chat.open().ask("does it hurt")
    conversation = stored(product, chat.said_by("patient")[0]).conversation_id
    staff_says(product, conversation, "Hello, this is Maya. How is your skin today?")
    heard = until(lambda: chat.said_by("staff"), "the words of staff", 5)[0]
    assert heard.text == "Hello, this is Maya. How is your skin today?"
    assert "Maya" in chat.node_of(heard).text
    assert chat.find("#kind").text == "Maya · Clinic staff", "not automated any more"
    assert "Maya from the clinic has joined" in chat.find("#log").text
    chat.close()
    staff_says(product, conversation, "You can also call us.")
    until(lambda: chat.find("#badge").text == "1", "the unread badge", 5)
    assert "New messages: 1" in (chat.find("#launcher").get_attribute("aria-label") or "")
    chat.open()
    assert not chat.visible("#badge")


def test_while_staff_answer_the_assistant_is_silent_and_speaks_again_when_they_left(
    chat: ChatPage, product: Product
) -> None:
    chat.open().ask("does it hurt")
    conversation = stored(product, chat.said_by("patient")[0]).conversation_id
    staff_joins(product, conversation)
    until(lambda: "Maya" in chat.find("#kind").text, "the name of who answers", 10)
    chat.type("what does it cost")
    until(lambda: "Delivered to clinic staff" in chat.find("#log").text, "the delivery")
    assert len(chat.said_by("assistant")) == 2
    staff_leaves(product, conversation)
    until(lambda: chat.find("#kind").text == "Automated assistant", "the assistant's return", 10)
    assert "talking with the automated assistant again" in chat.find("#log").text
    chat.picture("desktop-staff-left")
    chat.visit().open()
    until(lambda: len(chat.messages()) == 4, "the conversation")
    assert chat.find(".note").text.startswith("Maya from the clinic has joined")


def test_the_source_of_an_answer_can_be_read(chat: ChatPage, product: Product) -> None:
    reply = chat.open().ask("does it hurt")
    source = chat.node_of(reply).find_element(By.CSS_SELECTOR, "details")
    source.find_element(By.CSS_SELECTOR, "summary").click()
    listed = until(lambda: source.find_elements(By.CSS_SELECTOR, "li"), "the sources")
    with product.database.reading() as session:
        row = stored(product, reply)
        keys = session.get_one(AnswerVersion, (row.answer_id, row.answer_version)).source
    assert [item.text for item in listed] == [load_sources()[key].citation for key in keys]
    assert chat.in_view(listed[-1])
    chat.picture("desktop-source")


def test_a_slow_answer_is_announced_by_the_assistant_typing(chat: ChatPage) -> None:
    chat.open()
    chat.slow(1500)
    chat.type("does it hurt")
    until(lambda: "typing" in chat.find("#status").text, "the typing indicator")
    asked = chat.find(".patient .bubble")
    assert chat.in_view(asked), "the line does not push the question out of sight"
    chat.picture("desktop-typing")
    chat.reply(1)
    until(lambda: chat.find("#status").text == "", "the indicator to go")
    chat.slow(0)


def test_markup_of_a_patient_is_shown_as_written_and_does_nothing(chat: ChatPage) -> None:
    typed = '<img src=x onerror="document.title=1"><b>bold</b><script>document.title=2</script>'
    title = chat.driver.title
    chat.open().ask(typed)
    assert chat.said_by("patient")[0].text == typed
    chat.visit().open()
    until(lambda: chat.said_by("patient"), "the conversation")
    assert chat.said_by("patient")[0].text == typed
    assert chat.script("return root.querySelectorAll('#log img, #log b, #log script').length") == 0
    assert chat.driver.title == title


def test_a_message_too_long_is_counted_and_not_sent(chat: ChatPage) -> None:
    chat.open()
    chat.script(
        "const field = root.querySelector('#input'); field.value = arguments[0];"
        "field.dispatchEvent(new Event('input'));",
        "long " * 200 + "wind",
    )
    assert chat.find("#counter").text == "Characters left: -4"
    chat.find("#send").click()
    assert not chat.said_by("patient")


def test_the_interface_speaks_spanish_on_a_spanish_page(chat: ChatPage) -> None:
    chat.driver.execute_script(
        "const spanish = document.createElement('clinic-chat');"
        "spanish.lang = 'es'; document.querySelector('clinic-chat').replaceWith(spanish);"
    )
    assert chat.find("#launcher").text == "Haga una pregunta"
    chat.open()
    assert chat.find("#person").text == "Hablar con una persona"
    assert "En una emergencia llame al 911" in chat.find("#help").text


def test_what_the_policy_refuses_is_noticed_by_these_tests(chat: ChatPage) -> None:
    chat.driver.execute_script("document.body.setAttribute('style', 'color: red')")
    assert "Content Security Policy" in "".join(chat.unexpected_errors())
