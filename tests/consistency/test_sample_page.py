"""The sample page says what `data/clinic.yml` says, and that it is a sample."""

from __future__ import annotations

import html
import re

import pytest

from bot.app_state import DATA
from bot.clinic import load_clinic
from bot.settings import ROOT


@pytest.fixture(scope="module")
def page() -> str:
    raw = (ROOT / "bot" / "widget" / "index.html").read_text(encoding="utf-8")
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", raw)).split())


@pytest.mark.parametrize(
    "name",
    [
        *("clinic_name", "phone", "after_hours_phone", "email", "minimum_age"),
        *("cancellation_notice", "languages", "price_single"),
    ],
)
def test_a_particular_on_the_page_is_the_clinics(page: str, name: str) -> None:
    value = load_clinic(DATA / "clinic.yml").placeholders()[name]
    assert value in page


def test_the_page_says_that_it_is_a_sample(page: str) -> None:
    assert page.startswith("Elk Grove Skin Clinic (sample page)")
    assert "Sample page. The clinic, its address, prices and phone numbers are made up." in page
    assert "not medical advice" in page
