from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from benchmarks.metrics import (
    accuracy,
    best_threshold,
    calibration_error,
    cut,
    matthews,
    percentile,
)


@pytest.mark.parametrize(("share", "expected"), [(0, 1.0), (0.5, 2.5), (0.25, 1.75), (1, 4.0)])
def test_a_percentile_lies_between_its_neighbours(share: float, expected: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.95) == 7.0


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.1), ([1.0], -0.1)])
def test_a_percentile_of_nothing_or_beyond_the_ends_is_refused(
    values: list[float], share: float
) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_accuracy_is_the_share_that_is_right() -> None:
    assert accuracy(["a", "b", "c", "c"], ["a", "b", "b", "c"]) == 0.75
    assert accuracy([], []) == 0


def test_matthews_of_two_classes_is_the_textbook_formula() -> None:
    truth = ["y"] * 6 + ["n"] * 4
    guesses = ["y"] * 4 + ["n"] * 2 + ["n"] * 3 + ["y"]
    tp, fn, tn, fp = 4, 2, 3, 1
    expected = (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert matthews(truth, guesses) == pytest.approx(expected)


LABELS = st.lists(st.tuples(*[st.sampled_from("abcd")] * 2), min_size=2, max_size=40)


@given(LABELS)
def test_matthews_of_many_classes_is_what_scikit_learn_computes(
    pairs: list[tuple[str, str]],
) -> None:
    truth, guesses = [t for t, _ in pairs], [g for _, g in pairs]
    assert matthews(truth, guesses) == pytest.approx(matthews_corrcoef(truth, guesses), abs=1e-9)


@given(LABELS)
def test_a_weight_counts_a_line_so_often(pairs: list[tuple[str, str]]) -> None:
    weights = [1 + number % 3 for number in range(len(pairs))]
    repeated = [pair for pair, times in zip(pairs, weights, strict=True) for _ in range(times)]
    weighted = matthews([t for t, _ in pairs], [g for _, g in pairs], weights)
    assert weighted == pytest.approx(matthews(*map(list, zip(*repeated, strict=True))))


@pytest.mark.parametrize(
    ("truth", "guesses", "expected"),
    [("abab", "abab", 1.0), ("abab", "baba", -1.0), ("abab", "aaaa", 0.0)],
)
def test_matthews_at_its_ends_and_where_it_is_undefined(
    truth: str, guesses: str, expected: float
) -> None:
    assert matthews(list(truth), list(guesses)) == pytest.approx(expected)


def test_scores_that_say_the_truth_have_no_calibration_error() -> None:
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)


def test_calibration_error_weighs_bins_by_their_size() -> None:
    # Three at 0.9 of which none is right, one at 0.5 that is.
    error = calibration_error([0.9, 0.9, 0.9, 0.5], [False, False, False, True])
    assert error == pytest.approx((3 * 0.9 + 1 * 0.5) / 4)


def test_opposite_errors_in_different_bins_do_not_cancel_out() -> None:
    assert calibration_error([0.25, 0.75], [True, False]) == pytest.approx(0.75)


@pytest.mark.parametrize("score", [-0.01, 1.01])
def test_a_score_that_is_no_probability_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        calibration_error([score], [True])


def test_a_score_of_one_belongs_to_the_last_bin() -> None:
    assert calibration_error([1.0, 0.99], [True, True]) == pytest.approx(0.005)


def test_lower_scores_count_as_outside() -> None:
    assert cut(["a", "b", "c"], [0.2, 0.5, 0.7], 0.5, "out") == ["out", "b", "c"]


def test_the_best_threshold_parts_what_is_outside_from_what_is_in() -> None:
    truth, guesses = ["a", "b", "out", "out"], ["a", "b", "a", "b"]
    scores = [0.9, 0.8, 0.4, 0.3]
    assert best_threshold(truth, guesses, scores, "out", [0.1, 0.5, 0.6, 0.85]) == 0.5
