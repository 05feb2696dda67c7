from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.answers import calibration, confusions, draw, figures, pair_up, threshold_curve
from benchmarks.chart import Line, line_chart


def line(number: int, expected: str = "answer", *topics: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "text": "x",
        "expected": expected,
        "acceptable_topics": list(topics),
        "kind": "plain",
    }


def result(number: int, outcome: str, score: float, *topics: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "outcome": outcome,
        "topics": list(topics),
        "answer_ids": [],
        "intent": "ask",
        "confidence": score,
        "latency_ms": 10.0 * number,
    }


LINES = [
    line(1, "answer", "cost"),
    line(2, "answer", "cost"),
    line(3, "answer", "aftercare"),
    line(4, "out_of_scope"),
    line(5, "out_of_scope"),
    line(6, "answer", "aftercare"),
]
RESULTS = [
    result(1, "answered", 0.95, "cost"),
    result(2, "answered", 0.45, "aftercare"),
    result(3, "answered", 0.75, "aftercare"),
    result(4, "answered", 0.3, "cost"),
    result(5, "no_answer", 0.1),
    result(6, "no_answer", 0.2),
]


def test_results_of_another_file_are_refused() -> None:
    with pytest.raises(ValueError, match="another file"):
        pair_up(LINES, RESULTS[::-1])


def test_the_score_that_decided_is_taken_where_results_name_it() -> None:
    named = {**RESULTS[0], "score": 0.5}
    assert pair_up(LINES[:1], [named])[0].score == 0.5
    assert pair_up(LINES[:1], RESULTS[:1])[0].score == 0.95


def test_confusions_name_what_was_wanted_and_what_came() -> None:
    assert confusions(pair_up(LINES, RESULTS)) == [
        {"wanted": "aftercare", "given": "(no_answer)", "lines": 1},
        {"wanted": "cost", "given": "aftercare", "lines": 1},
    ]


def test_calibration_counts_an_answer_to_what_is_out_of_scope_as_wrong() -> None:
    found = calibration(pair_up(LINES, RESULTS))
    assert found["lines"] == 4
    assert found["expected_calibration_error"] == pytest.approx(
        (0.05 + 0.45 + 0.25 + 0.3) / 4, abs=1e-3
    )


def test_the_curve_trades_answers_for_silence() -> None:
    curve = {point["threshold"]: point for point in threshold_curve(pair_up(LINES, RESULTS))}
    assert curve[0.0]["right_of_answerable"] == 0.5
    assert curve[0.0]["out_of_scope_not_answered"] == 0.5
    assert curve[0.0]["answerable_held_back"] == 0.25
    assert curve[0.5]["right_of_answered"] == 1
    assert curve[0.5]["out_of_scope_not_answered"] == 1
    assert curve[0.5]["answerable_held_back"] == 0.5


def test_totals_agree_with_the_topics() -> None:
    found = figures(LINES, RESULTS)
    assert found["right"] == 0.5
    assert found["by_topic"]["cost"] == {"right": 1, "lines": 2}
    assert sum(t["lines"] for t in found["by_topic"].values()) == found["answerable"] == 4


def test_the_picture_holds_every_point_and_tells_lines_apart_without_colour() -> None:
    picture = ElementTree.fromstring(draw(threshold_curve(pair_up(LINES, RESULTS))))
    lines = picture.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 4
    assert len({element.get("stroke-dasharray") for element in lines}) == 4
    assert {element.get("stroke") for element in lines} == {"black"}
    assert all(len(str(element.get("points")).split()) == 20 for element in lines)


def test_more_lines_than_can_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 4"):
        line_chart("t", "x", "y", [Line("a", [])] * 5)
