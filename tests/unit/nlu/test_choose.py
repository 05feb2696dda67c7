from __future__ import annotations

from dataclasses import replace

from bot.nlu.answer_index import Candidate
from bot.nlu.choose import Kind, Thresholds, Understood, choose

TOPICS = {"pain_numbing": ("ask_pain",), "cost": ("ask_cost",), "aftercare": ("ask_aftercare",)}
LIMITS = Thresholds(
    intent_weight=0.3,
    answer=0.5,
    answer_unsure=0.8,
    tie=0.02,
    doubt=0.75,
    part=0.6,
    entity_bonus=0.2,
)
PAIN = Candidate("does-it-hurt", "pain_numbing", 0.6)
COST = Candidate("cost-overview", "cost", 0.55)
MAKEUP = Candidate("aftercare-makeup", "aftercare", 0.3)


def understood(**changes: object) -> Understood:
    base = Understood("ask_pain", 0.9, {"ask_pain": 0.9, "ask_cost": 0.05}, [PAIN, COST, MAKEUP])
    return replace(base, **changes)  # type: ignore[arg-type]


def test_the_nearest_answer_of_the_likely_intent_is_given() -> None:
    choice = choose(understood(), TOPICS, LIMITS)
    assert (choice.kind, choice.answer_ids) == (Kind.ANSWER, ("does-it-hurt",))


def test_a_likely_intent_outweighs_a_slightly_nearer_phrasing() -> None:
    parse = understood(intent="ask_cost", ranking={"ask_cost": 0.9, "ask_pain": 0.02})
    assert choose(parse, TOPICS, LIMITS).answer_ids == ("cost-overview",)


def test_nothing_near_is_no_answer() -> None:
    parse = understood(candidates=[MAKEUP], ranking={"ask_pain": 0.5})
    assert choose(parse, TOPICS, LIMITS).kind is Kind.NOTHING


def test_out_of_scope_needs_a_very_near_phrasing() -> None:
    parse = understood(intent="out_of_scope", ranking={"out_of_scope": 0.9})
    assert choose(parse, TOPICS, LIMITS).kind is Kind.NOTHING
    near = [replace(PAIN, score=0.9)]
    assert choose(replace(parse, candidates=near), TOPICS, LIMITS).kind is Kind.ANSWER


def test_answers_as_near_as_each_other_are_a_choice() -> None:
    close = [PAIN, replace(MAKEUP, score=0.6, topic="pain_numbing")]
    parse = understood(candidates=close, ranking={"ask_pain": 0.3})
    choice = choose(parse, TOPICS, LIMITS)
    assert choice.kind is Kind.CHOICE
    assert set(choice.answer_ids) == {"does-it-hurt", "aftercare-makeup"}


def test_two_questions_get_both_answers_in_order() -> None:
    parse = understood(parts=[[replace(COST, score=0.7)], [PAIN]])
    assert choose(parse, TOPICS, LIMITS).answer_ids == ("cost-overview", "does-it-hurt")


def test_parts_that_mean_the_same_answer_are_one_question() -> None:
    parse = understood(parts=[[PAIN], [PAIN]])
    assert choose(parse, TOPICS, LIMITS).answer_ids == ("does-it-hurt",)


def test_a_named_medicine_pulls_its_answer_up() -> None:
    parse = understood(
        candidates=[replace(PAIN, topic="x"), replace(COST, score=0.5, topic="x")],
        ranking={"ask_candidacy": 0.9},
        entity_answers=frozenset({"cost-overview"}),
    )
    assert choose(parse, TOPICS, LIMITS).answer_ids == ("cost-overview",)


def test_a_named_medicine_does_not_pull_when_something_else_is_asked() -> None:
    parse = understood(entity_answers=frozenset({"cost-overview"}))
    assert choose(parse, TOPICS, LIMITS).answer_ids == ("does-it-hurt",)


def test_an_answer_that_only_a_name_points_to_is_found() -> None:
    parse = understood(
        candidates=[MAKEUP],
        ranking={"ask_candidacy": 0.9},
        entity_answers=frozenset({"candidacy-lupus"}),
    )
    assert choose(parse, TOPICS, LIMITS).answer_ids == ("candidacy-lupus",)


def test_a_follow_up_is_read_with_the_turn_before() -> None:
    parse = understood(candidates=[MAKEUP], in_context=[PAIN])
    assert choose(parse, TOPICS, LIMITS).answer_ids == ("does-it-hurt",)
