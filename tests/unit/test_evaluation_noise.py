from __future__ import annotations

import pytest

from bot.evaluation_noise import noisy

TEXT = "how long does the redness last after 2 sessions?" * 10


def test_the_same_key_gives_the_same_slips() -> None:
    assert noisy(TEXT, 0.2, "a") == noisy(TEXT, 0.2, "a")
    assert noisy(TEXT, 0.2, "a") != noisy(TEXT, 0.2, "b")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2])
def test_about_the_asked_share_of_letters_is_wrong(share: float) -> None:
    from rapidfuzz.distance import OSA

    slips = OSA.distance(TEXT, noisy(TEXT, share, "a")) / sum(c.isalpha() for c in TEXT)
    assert share * 0.6 <= slips <= share * 1.3


def test_digits_and_signs_stay() -> None:
    kept = [c for c in noisy(TEXT, 1.0, "a") if not c.isalpha() and c != " "]
    assert kept == [c for c in TEXT if not c.isalpha() and c != " "]
