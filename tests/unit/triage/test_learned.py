"""The learned net looks at a message from several sides, and the highest look counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bot.nlu.encoder import MAX_TOKENS
from bot.triage.learned import (
    MOST_PARTS,
    PART_WORDS,
    SENTENCE_WORDS,
    EncoderTierModel,
    parts_of,
)

CHATTER = "I loved how friendly everybody was at the front desk when I came in. "
SIGN = "My throat feels stuffed with cotton."


class Echo:
    """Stands for encoder and head: a look is alarming if it holds the sign and little else."""

    def __init__(self) -> None:
        self.looks: list[str] = []

    def encode(self, looks: Sequence[str]) -> np.ndarray:
        self.looks += looks
        return np.zeros((len(looks), 384), dtype=np.float32)

    def at_least(self, look: str, vector: np.ndarray) -> np.ndarray:
        chance = 0.0 if SIGN not in look else min(1.0, 28 / len(look.split()))
        return np.array([chance] * 3)


def judge(text: str, recent: Sequence[str] = ()) -> float:
    echo = Echo()
    return EncoderTierModel(echo, echo).alarm(text, recent)  # type: ignore[arg-type]


def looks_at(text: str, recent: Sequence[str]) -> list[str]:
    echo = Echo()
    EncoderTierModel(echo, echo).alarm(text, recent)  # type: ignore[arg-type]
    return echo.looks


def test_a_short_message_is_looked_at_with_and_without_its_earlier_turns() -> None:
    assert looks_at("and now?", ["a", "b", "c"]) == ["b [SEP] c [SEP] and now?", "and now?"]
    assert looks_at("and now?", []) == ["and now?"]


@pytest.mark.parametrize("recent", [[], ["thanks!"], [CHATTER * 2, CHATTER * 2]])
def test_earlier_turns_never_thin_a_sign_out(recent: list[str]) -> None:
    assert judge(SIGN, recent) == judge(SIGN) == 1.0


@pytest.mark.parametrize("before", [0, 1, 3, 8])
@pytest.mark.parametrize("after", [0, 1, 3, 8])
def test_a_sign_is_seen_wherever_in_a_long_message_it_stands(before: int, after: int) -> None:
    assert judge(CHATTER * before + SIGN + " " + CHATTER * after) >= 0.35


def test_a_message_without_stops_is_read_in_parts_too() -> None:
    words = [f"w{i}" for i in range(100)]
    parts = parts_of(" ".join(words))
    assert [part.split()[0] for part in parts] == ["w0", "w20", "w40", "w60"]
    assert all(len(part.split()) <= 2 * SENTENCE_WORDS for part in parts)
    assert {word for part in parts for word in part.split()} == set(words)


def test_a_short_message_has_no_parts_and_a_huge_one_not_too_many() -> None:
    assert parts_of(" ".join(["word"] * PART_WORDS)) == []
    assert len(parts_of("word " * 5000)) == MOST_PARTS


def test_long_earlier_turns_leave_room_for_the_message() -> None:
    first, *_ = looks_at(SIGN, ["long " * 200, "longer " * 200])
    assert first.endswith(SIGN)
    assert len(first.split()) < MAX_TOKENS
