"""Each of the ten benefits and side effects of the founding article, asked in two ways
that are in no training file, gets its own answer through the widget API."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from bot.app_state import AppState
from bot.web import create_app

CASES = [
    ("benefits-texture", "my cheeks are rough to the touch, would this even them out"),
    ("benefits-texture", "can needling leave me with smoother more even skin"),
    ("benefits-pigmentation", "would it lighten the patches of discoloration on my forehead"),
    ("benefits-pigmentation", "hyperpigmentation - is this treatment any use for that"),
    ("benefits-acne-scars", "i have pitted marks left from my teenage acne, what could it do"),
    ("benefits-acne-scars", "how well does it work on pitted scars from years of breakouts"),
    ("benefits-pores", "would the holes on my nose look tinier afterwards"),
    ("benefits-pores", "i hate how big my pores look, is needling worth trying for that"),
    ("benefits-product-absorption", "is it true that creams sink in deeper after the needles"),
    ("benefits-product-absorption", "will my serums get absorbed more once i had this done"),
    ("side-effects-redness", "how many days will my face stay red"),
    ("side-effects-redness", "how red does my face get afterwards"),
    ("side-effects-sensitivity-dryness", "does skin become dry and touchy from it"),
    ("side-effects-sensitivity-dryness", "should i expect irritated flaky skin that week"),
    ("side-effects-bruising", "do people get bruises from microneedling"),
    ("side-effects-bruising", "chances of black and blue marks after the session"),
    ("side-effects-infection", "how likely is it that the skin gets infected"),
    ("side-effects-infection", "what are the odds of germs getting in through the tiny holes"),
    ("side-effects-pih", "could the needles leave darker marks on brown skin"),
    ("side-effects-pih", "risk of post inflammatory hyperpigmentation?"),
]


@pytest.fixture(scope="module")
def patient(assistant: AppState) -> Iterator[TestClient]:
    # The widget API itself, over the same state: triage, Rasa and actions are real.
    with TestClient(create_app(assistant), base_url=assistant.settings.public_url) as client:
        yield client


@pytest.mark.parametrize(("answer_id", "text"), CASES)
def test_each_benefit_and_side_effect_gets_its_own_answer(
    patient: TestClient, answer_id: str, text: str
) -> None:
    patient.cookies.clear()
    assert patient.post("/api/chat/session").status_code == 201
    body = patient.post(
        "/api/chat/messages", json={"client_message_id": uuid.uuid4().hex, "text": text}
    ).json()
    given = [reply["answer"]["id"] for reply in body["replies"] if reply["answer"]]
    assert answer_id in given, f"{body['outcome']}: {given}"
