"""Reading HINT3 data and judging guesses by its protocol."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.metrics import accuracy, cut, matthews

OUTSIDE = "NO_NODES_DETECTED"
"""The label of test messages that belong to no intent of the bot."""
PUBLISHED_STEPS = tuple(step / 10 for step in range(1, 10))
"""Thresholds that the paper tried on the test set for every system."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Messages with their intents."""

    texts: list[str]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Guesses:
    """What a system made of each test message, and how sure it was of it."""

    labels: list[str]
    scores: list[float]


def read(path: Path) -> Labelled:
    """Read a file with the columns `sentence` and `label`.

    Raises:
        ValueError: The columns are missing; names the file.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if not {"sentence", "label"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{path}: needs the columns sentence and label")
        rows = [(row["sentence"], row["label"]) for row in reader]
    return Labelled([text for text, _ in rows], [label for _, label in rows])


def find_bots(folder: Path) -> list[str]:
    """Bots of a folder: NAME_train.csv with NAME_test.csv; "" for plain train.csv, test.csv.

    Raises:
        FileNotFoundError: There is none.
    """
    names = [path.name.removesuffix("train.csv") for path in sorted(folder.glob("*train.csv"))]
    names = [name for name in names if (folder / f"{name}test.csv").is_file()]
    if not names:
        raise FileNotFoundError(f"no NAME_train.csv with NAME_test.csv in {folder}")
    return names


def judge(test: Labelled, guesses: Guesses, threshold: float | None) -> dict[str, Any]:
    """The figures of one system on one bot.

    Args:
        threshold: Fixed before the test set was looked at; None for systems that are
            only judged at the best of the published steps, chosen on the test set.
    """
    inside = [i for i, label in enumerate(test.labels) if label != OUTSIDE]
    found: dict[str, Any] = {
        "in_scope": len(inside),
        "out_of_scope": len(test.labels) - len(inside),
        "accuracy_without_threshold": round(
            accuracy([test.labels[i] for i in inside], [guesses.labels[i] for i in inside]), 4
        ),
    }
    steps = {
        step: round(matthews(test.labels, cut(guesses.labels, guesses.scores, step, OUTSIDE)), 4)
        for step in PUBLISHED_STEPS
    }
    best = max(steps, key=lambda step: steps[step])
    found["mcc_at_best_step_on_test"] = steps[best]
    found["best_step_on_test"] = best
    if threshold is not None:
        found |= {"threshold": round(threshold, 4)} | at_threshold(test, guesses, threshold)
    return found


def at_threshold(test: Labelled, guesses: Guesses, threshold: float) -> dict[str, float]:
    """MCC over all test messages, and both sides' shares that are right."""
    kept = cut(guesses.labels, guesses.scores, threshold, OUTSIDE)
    inside = [i for i, label in enumerate(test.labels) if label != OUTSIDE]
    outside = [i for i, label in enumerate(test.labels) if label == OUTSIDE]
    return {
        "mcc": round(matthews(test.labels, kept), 4),
        "in_scope_accuracy": round(share(test.labels, kept, inside), 4),
        "out_of_scope_recall": round(share(test.labels, kept, outside), 4),
    }


def share(truth: Sequence[str], guesses: Sequence[str], rows: Sequence[int]) -> float:
    """Accuracy on some of the rows."""
    return accuracy([truth[i] for i in rows], [guesses[i] for i in rows])
