"""The chat on a clinic's own page: every way of embedding, under strict policies, two origins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.conversations.models import Conversation
from tests.browser.chat_page import ChatPage, until
from tests.browser.clinic_site import ClinicSite, Page, serving
from tests.browser.records import staff_says, stored
from tests.conftest import Product

pytestmark = [pytest.mark.browser, pytest.mark.stack]

CHAT_HOST = "chat.clinic.example"
STRICT = "default-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"


@pytest.fixture
def clinic(product: Product) -> Iterator[ClinicSite]:
    """Its pages are at www.clinic.example, the product at chat.clinic.example."""
    chat = f"http://{CHAT_HOST}:{product.port}"
    strict_two = (
        f"default-src 'self'; script-src {chat}; connect-src {chat}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    element = f'<clinic-chat clinic-name="Elk Grove" server="{chat}"><p>Call us</p></clinic-chat>'
    pages = {
        "/proxied": Page(
            '<script src="/widget/clinic-chat.js" type="module"></script>'
            '<clinic-chat clinic-name="Elk Grove"></clinic-chat>',
            STRICT,
        ),
        "/two-origins": Page(
            f'<script src="{chat}/widget/clinic-chat.js" type="module"></script>{element}',
            strict_two,
        ),
        "/classic": Page(
            f'{element}<script src="{chat}/widget/clinic-chat.js"></script>', strict_two
        ),
        "/data": Page(
            f'<script src="{chat}/widget/clinic-chat.js" type="module" data-clinic-chat '
            'data-clinic-name="Elk Grove" data-greeting="Welcome to Elk Grove." '
            'data-position="left"></script>',
            strict_two,
        ),
        "/spanish": Page(
            f'<script src="{chat}/widget/clinic-chat.js" defer data-clinic-chat></script>',
            lang="es-MX",
        ),
    }
    with serving(ClinicSite(product.clinic_port, product.url, pages)) as site:
        yield site


def visit(chat: ChatPage, url: str) -> ChatPage:
    chat.driver.get(url)
    until(lambda: chat.has_started(), "the chat to load")
    return chat


@pytest.mark.parametrize("path", ["/proxied", "/two-origins", "/classic", "/data"])
def test_the_chat_works_on_the_clinics_page_under_its_policy(
    chat: ChatPage, product: Product, clinic: ClinicSite, path: str
) -> None:
    """Ask, hear staff live, reload, delete: each needs the session cookie of the chat's host."""
    visit(chat, clinic.url() + path)
    assert chat.script("return root.host.shadowRoot === root && origin") == clinic.url()
    reply = chat.open().ask("does it hurt")
    assert stored(product, reply).answer_id == "does-it-hurt"
    conversation = stored(product, reply).conversation_id
    staff_says(product, conversation, "Hello from the clinic.")
    until(lambda: chat.said_by("staff"), "the words of staff", 5)

    visit(chat, clinic.url() + path).open()
    until(lambda: len(chat.messages()) == 4, "the same conversation after a reload")
    hosts = chat.driver.execute_script(
        "return [...new Set(performance.getEntriesByType('resource')"
        ".map((entry) => new URL(entry.name).host))]"
    )
    assert set(hosts) <= {f"www.clinic.example:{clinic.port}", f"{CHAT_HOST}:{product.port}"}
    chat.picture(f"embedded{path.replace('/', '-')}")

    chat.find("#menu-button").click()
    chat.find("#delete").click()
    chat.find("#confirm-delete").click()
    until(lambda: chat.visible(".restart"), "the deletion to be confirmed")
    with product.database.reading() as session:
        assert session.get_one(Conversation, conversation).erased_at is not None


def test_attributes_of_the_script_are_those_of_the_element(
    chat: ChatPage, clinic: ClinicSite
) -> None:
    visit(chat, clinic.url() + "/data").open()
    assert chat.find("#title").text == "Elk Grove"
    assert chat.said_by("assistant")[0].text == "Welcome to Elk Grove."
    assert chat.find("#launcher").rect["x"] < 100, "on the left"
    assert chat.find("#panel").rect["x"] < 100


def test_a_spanish_page_gets_a_spanish_chat(chat: ChatPage, clinic: ClinicSite) -> None:
    visit(chat, clinic.url() + "/spanish").open()
    assert chat.find("#launcher").text == "Haga una pregunta"
    assert "asistente automático" in chat.find(".notice").text
    assert "911" in chat.find(".notice").text
    assert [choice.text for choice in chat.all("#log .choice")] == ["Hablar con una persona"]
    chat.picture("spanish-open")


@pytest.mark.parametrize("path", ["/two-origins", "/classic"])
def test_a_page_of_another_site_cannot_embed_it(
    chat: ChatPage, clinic: ClinicSite, path: str
) -> None:
    """What the page put inside the element stays: a way to call."""
    chat.expected_errors += ["blocked", "ERR_"]
    chat.driver.get(clinic.url("www.evil.example") + path)
    assert not chat.has_started()
    assert chat.driver.find_element("css selector", "clinic-chat").text == "Call us"
