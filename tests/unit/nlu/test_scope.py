from __future__ import annotations

import pytest

from bot.nlu.answer_index import Candidate
from bot.nlu.choice_weights import ChoiceWeights, load_choice_weights
from bot.nlu.scope import in_scope, other_language, signs
from bot.settings import ROOT

WEIGHTS = ChoiceWeights(
    {}, 1.0, {"out_of_scope": -1, "ask": 1, "nearest": 2, "coverage": 1, "margin": 1}, 0.0
)
NEAR = [Candidate("a", "cost", score) for score in (6.0, 4.0, 3.0, 2.0)]


def test_a_near_question_is_in_scope_and_a_far_one_is_not() -> None:
    near = signs({"ask_cost": 0.9, "out_of_scope": 0.01}, NEAR, 0.9, 1.0)
    far = signs({"ask_cost": 0.05, "out_of_scope": 0.9}, NEAR[-1:], 0.3, 0.0)
    assert in_scope(near, WEIGHTS) > 0.9
    assert in_scope(far, WEIGHTS) < 0.1


def test_without_candidates_nothing_is_in_scope_by_margin() -> None:
    assert signs({}, [], 0.0, 0.5)["margin"] == 0.0


def test_the_fitted_weights_point_the_right_way() -> None:
    fitted = load_choice_weights(ROOT / "bot" / "models" / "choice.json")
    assert fitted.signs["out_of_scope"] < 0
    assert all(fitted.signs[name] >= 0 for name in ("nearest", "coverage"))
    assert all(weight >= 0 for weight in fitted.views.values())


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour, combien coûte une séance pour les rides, s'il vous plaît ? merci",
        "Guten Tag, wie viel kostet das bitte",
        "magkano po ang isang upo",
        "cho tôi hỏi giá một buổi",
        "一次多少钱",
        "сколько это стоит",
    ],
)
def test_other_languages_are_noticed(text: str) -> None:
    assert other_language(text)


@pytest.mark.parametrize(
    "text",
    [
        "how much is one session",
        "¿cuánto cuesta una sesión?",
        "me duele la cara, qué hago",
        "hw mch dos it cst",
        "is it ok for my résumé photo",
        "12345 !!",
        "nous",
    ],
)
def test_english_spanish_and_noise_are_not_taken_for_another_language(text: str) -> None:
    assert not other_language(text)
