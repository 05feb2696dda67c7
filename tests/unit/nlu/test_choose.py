from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bot.nlu.answer_index import Candidate
from bot.nlu.choice_weights import ChoiceWeights
from bot.nlu.choose import Kind, Thresholds, Understood, choose
from bot.nlu.readings import CONTEXT, LINKED, PART, WHOLE, Reading

TOPICS = {
    "pain_numbing": ("ask_pain",),
    "cost": ("ask_cost",),
    "aftercare": ("ask_aftercare",),
    "candidacy_medication": ("ask_candidacy",),
}
WEIGHTS = ChoiceWeights(
    views={},
    intent=2.0,
    signs={"out_of_scope": -1.0, "ask": 1.0, "nearest": 2.0, "coverage": 1.0, "margin": 0.5},
    bias=0.0,
)
PAIN = Candidate("does-it-hurt", "pain_numbing", 8.0)
COST = Candidate("cost-overview", "cost", 6.0)
MAKEUP = Candidate("aftercare-makeup", "aftercare", 5.0)
ALL = (PAIN, COST, MAKEUP)


def reading(
    *candidates: Candidate, kind: str = WHOLE, ranking: Mapping[str, float] | None = None
) -> Reading:
    ordered = tuple(sorted(candidates, key=lambda c: -c.score))
    return Reading(kind, "words", ranking or {"ask_pain": 0.6, "ask_cost": 0.3}, ordered, 0.8, 1.0)


def understood(*readings: Reading, names: Sequence[str] = ()) -> Understood:
    ranking = readings[0].ranking
    intent = max(ranking, key=lambda name: ranking[name])
    return Understood(intent, ranking[intent], readings, names)


def chosen(parse: Understood) -> tuple[Kind, tuple[str, ...]]:
    choice = choose(parse, TOPICS, WEIGHTS)
    return choice.kind, choice.answer_ids


def test_the_likeliest_answer_is_given() -> None:
    assert chosen(understood(reading(*ALL))) == (Kind.ANSWER, ("does-it-hurt",))


def test_a_likely_intent_outweighs_a_slightly_nearer_phrasing() -> None:
    near = replace(COST, score=7.2)
    parse = understood(reading(PAIN, near, ranking={"ask_cost": 0.95, "ask_pain": 0.02}))
    assert chosen(parse)[1] == ("cost-overview",)


def test_what_is_out_of_scope_gets_no_answer_however_it_ranks() -> None:
    far = Reading(WHOLE, "x", {"out_of_scope": 0.95, "ask_pain": 0.02}, (PAIN, COST), 0.2, 0.0)
    assert chosen(understood(far)) == (Kind.NOTHING, ())


def test_without_candidates_there_is_no_answer() -> None:
    assert chosen(understood(reading())) == (Kind.NOTHING, ())
    assert choose(Understood("nlu_fallback", 0.0, ()), TOPICS, WEIGHTS).kind is Kind.NOTHING


def test_answers_as_likely_as_each_other_are_a_choice_of_at_most_three() -> None:
    near = [Candidate(f"a{i}", "aftercare", 8.0) for i in range(6)]
    kind, ids = chosen(understood(reading(*near, ranking={"ask_aftercare": 0.9})))
    assert kind is Kind.CHOICE
    assert ids == ("a0", "a1", "a2")


def test_two_questions_get_both_answers_in_order() -> None:
    parts = [
        reading(replace(COST, score=9.0), PAIN, kind=PART, ranking={"ask_cost": 0.9}),
        reading(PAIN, COST, kind=PART, ranking={"ask_pain": 0.9}),
    ]
    parse = understood(reading(*ALL), *parts)
    assert chosen(parse) == (Kind.ANSWER, ("cost-overview", "does-it-hurt"))


def test_parts_that_mean_the_same_answer_are_one_question() -> None:
    parts = [reading(PAIN, COST, kind=PART, ranking={"ask_pain": 0.9})] * 2
    assert chosen(understood(reading(*ALL), *parts))[1] == ("does-it-hurt",)


def test_a_part_that_is_no_question_of_ours_is_left_out() -> None:
    story = Reading(PART, "x", {"out_of_scope": 0.9}, (COST,), 0.1, 0.0)
    parts = [story, reading(PAIN, COST, kind=PART, ranking={"ask_pain": 0.9})]
    assert chosen(understood(reading(*ALL), *parts))[1] == ("does-it-hurt",)


def test_a_question_of_ours_beside_small_matters_is_answered() -> None:
    story = Reading(WHOLE, "x", {"out_of_scope": 0.95, "ask_pain": 0.02}, (COST,), 0.2, 0.0)
    parts = [replace(story, kind=PART), reading(PAIN, COST, kind=PART, ranking={"ask_pain": 0.9})]
    assert chosen(understood(story, *parts)) == (Kind.ANSWER, ("does-it-hurt",))
    assert chosen(understood(story, parts[0], parts[0])) == (Kind.NOTHING, ())


@pytest.mark.parametrize(("score", "count"), [(12.0, 2), (6.4, 1)])
def test_an_and_joins_two_questions_only_if_both_sides_are_clear(score: float, count: int) -> None:
    sides = [
        reading(PAIN, kind=LINKED, ranking={"ask_pain": 0.9}),
        reading(replace(COST, score=score), replace(MAKEUP, score=6.3), kind=LINKED,
                ranking={"ask_cost": 0.4, "ask_aftercare": 0.4}),
    ]  # fmt: skip
    assert len(chosen(understood(reading(*ALL), *sides))[1]) == count


def test_a_named_medicine_pulls_its_answer_up_when_treatment_is_asked_about() -> None:
    blood = Candidate("candidacy-blood-thinners", "candidacy_medication", 5.5)
    ranking = {"ask_candidacy": 0.9}
    parse = understood(reading(PAIN, blood, ranking=ranking), names=["candidacy-blood-thinners"])
    assert chosen(parse)[1] == ("candidacy-blood-thinners",)
    other = understood(reading(*ALL, blood), names=["candidacy-blood-thinners"])
    assert chosen(other)[1] == ("does-it-hurt",)


def test_an_answer_that_only_a_name_points_to_is_found() -> None:
    ranking = {"ask_candidacy": 0.95}
    parse = understood(reading(COST, MAKEUP, ranking=ranking), names=["candidacy-lupus"])
    assert chosen(parse)[1] == ("candidacy-lupus",)


def test_two_named_conditions_get_both_answers() -> None:
    parse = understood(
        reading(COST, MAKEUP, ranking={"ask_candidacy": 0.9}), names=["candidacy-a", "candidacy-b"]
    )
    assert chosen(parse)[1] == ("candidacy-a", "candidacy-b")


def test_a_follow_up_is_read_with_the_turn_before() -> None:
    own = reading(MAKEUP, COST, ranking={"ask_aftercare": 0.3, "ask_pain": 0.3})
    joined = reading(replace(PAIN, score=9.0), MAKEUP, kind=CONTEXT, ranking={"ask_pain": 0.9})
    assert chosen(understood(own, joined))[1] == ("does-it-hurt",)


def test_the_topic_of_the_answer_before_weighs_in() -> None:
    own = reading(replace(PAIN, score=6.2), COST, ranking={"ask_pain": 0.4, "ask_cost": 0.4})
    joined = replace(own, kind=CONTEXT)
    parse = replace(understood(own, joined), last_topic="cost")
    assert chosen(parse)[1][0] == "cost-overview"


def test_thresholds_can_be_changed_for_tuning() -> None:
    parse = understood(reading(*ALL))
    strict = choose(parse, TOPICS, WEIGHTS, Thresholds(scope=1.0))
    assert strict.kind is Kind.NOTHING


def test_what_is_plainly_out_of_scope_does_not_lean_on_the_turn_before() -> None:
    far = Reading(WHOLE, "x", {"out_of_scope": 0.95, "ask_pain": 0.02}, (PAIN, COST), 0.2, 0.0)
    joined = reading(*ALL, kind=CONTEXT, ranking={"ask_pain": 0.95})
    parse = replace(understood(far, joined), last_topic="pain_numbing")
    assert chosen(parse) == (Kind.NOTHING, ())


def test_a_name_of_the_turn_before_counts_by_what_this_message_asks() -> None:
    medicine = Candidate("candidacy-blood-thinners", "candidacy_medication", 4.0)
    hours = reading(COST, medicine, ranking={"ask_cost": 0.9, "ask_candidacy": 0.02})
    nearer = replace(medicine, score=6.0)
    joined = reading(COST, nearer, kind=CONTEXT, ranking={"ask_candidacy": 0.9, "ask_cost": 0.1})
    names = ("candidacy-blood-thinners",)
    asked = understood(hours, joined, names=names)
    assert chosen(asked)[1][0] == "candidacy-blood-thinners", "named in this message"
    assert chosen(replace(asked, named_before=True))[1][0] == "cost-overview"
