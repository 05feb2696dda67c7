"""What of reviews needs no database: agreement, honest intervals, cells of CSV."""

from __future__ import annotations

import csv
import io

import pytest

from bot.review.export import row
from bot.review.intents import intent_names
from bot.review.models import Review
from bot.review.store import Accuracy, settled


def said(*verdicts: str) -> list[Review]:
    return [Review(verdict=verdict) for verdict in verdicts]


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        (("right",), "right"),
        (("right", "wrong_intent"), None),
        (("right", "wrong_intent", "wrong_intent"), "wrong_intent"),
        (("right", "wrong_intent", "wrong_answer"), None),
    ],
)
def test_a_verdict_stands_when_more_than_half_gave_it(
    verdicts: tuple[str, ...], together: str | None
) -> None:
    assert settled(said(*verdicts)) == together


@pytest.mark.parametrize(
    ("right", "judged", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_the_interval_is_wilsons(right: int, judged: int, low: float, high: float) -> None:
    """Source of the first two and the third: Newcombe (1998), table I, method 3."""
    found = Accuracy(right, judged, judged).interval
    assert found is not None
    assert found == pytest.approx((low, high), abs=5e-5)


def test_without_a_judged_message_there_is_no_share() -> None:
    nothing = Accuracy(0, 0, 12)
    assert nothing.share is None
    assert nothing.interval is None


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "|x"])
def test_no_cell_is_a_formula(words: str) -> None:
    (cells,) = csv.reader(io.StringIO(row([words, 3, None, 'a "b", c\nd'])))
    assert cells[0].startswith("'")
    assert cells[0][1:] == words
    assert cells[1:] == ["3", "", 'a "b", c\nd']


def test_reviewers_choose_among_the_intents_of_the_domain() -> None:
    assert {"ask_pain", "report_emergency", "out_of_scope"} <= set(intent_names())
    assert "nlu_fallback" not in intent_names()
