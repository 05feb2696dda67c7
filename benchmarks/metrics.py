"""The figures that benchmarks report. Pure functions on plain sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of them lie, between neighbours by line.

    Raises:
        ValueError: There are no values, or the share lies outside 0 to 1.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError("a percentile needs values and a share from 0 to 1")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def accuracy(truth: Sequence[str], guesses: Sequence[str]) -> float:
    """Share of guesses that are right; 0 for none."""
    right = sum(t == g for t, g in zip(truth, guesses, strict=True))
    return right / len(truth) if truth else 0.0


def matthews(
    truth: Sequence[str], guesses: Sequence[str], weights: Sequence[float] | None = None
) -> float:
    """Matthews correlation over any number of classes (Gorodkin 2004), -1 to 1.

    0 where it is not defined: every guess, or every truth, is one class.

    Args:
        weights: How often each line counts; once each where not given.
    """
    counts = [1.0] * len(truth) if weights is None else weights
    total = right = 0.0
    by_truth: dict[str, float] = {}
    by_guess: dict[str, float] = {}
    for true, guess, weight in zip(truth, guesses, counts, strict=True):
        total += weight
        right += weight * (true == guess)
        by_truth[true] = by_truth.get(true, 0.0) + weight
        by_guess[guess] = by_guess.get(guess, 0.0) + weight
    both = sum(by_truth[name] * by_guess.get(name, 0.0) for name in by_truth)
    spread_of_guesses = total**2 - sum(n**2 for n in by_guess.values())
    spread_of_truth = total**2 - sum(n**2 for n in by_truth.values())
    if min(len(by_truth), len(by_guess)) < 2:
        return 0.0
    return (right * total - both) / math.sqrt(spread_of_guesses * spread_of_truth)


def calibration_error(scores: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error: how far scores (0 to 1) lie from the share that is right.

    Bins of equal width; each counts by how many scores it holds (Guo et al. 2017).
    """
    total = 0.0
    for members in _binned(scores, right, bins):
        if members:
            score = sum(s for s, _ in members) / len(members)
            share = sum(r for _, r in members) / len(members)
            total += abs(score - share) * len(members) / len(scores)
    return total


def _binned(
    scores: Sequence[float], right: Sequence[bool], bins: int
) -> list[list[tuple[float, bool]]]:
    held: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for score, was_right in zip(scores, right, strict=True):
        if not 0 <= score <= 1:
            raise ValueError(f"a score lies outside 0 to 1: {score}")
        held[min(bins - 1, int(score * bins))].append((score, was_right))
    return held


def best_threshold(
    truth: Sequence[str],
    guesses: Sequence[str],
    scores: Sequence[float],
    outside: str,
    steps: Sequence[float],
    weights: Sequence[float] | None = None,
) -> float:
    """The step with the highest Matthews correlation when lower scores count as ``outside``.

    The lowest of equals.
    """
    return max(
        steps,
        key=lambda step: (matthews(truth, cut(guesses, scores, step, outside), weights), -step),
    )


def cut(
    guesses: Sequence[str], scores: Sequence[float], threshold: float, outside: str
) -> list[str]:
    """Guesses, with ``outside`` in place of those whose score is below the threshold."""
    return [g if s >= threshold else outside for g, s in zip(guesses, scores, strict=True)]
