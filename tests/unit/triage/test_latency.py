"""Intake screens every message, so the rules may not be felt."""

from __future__ import annotations

import time

from bot.triage.screen import Screen

# The goal is a p99 below 5 ms for 500 characters on a quiet machine; the guard
# is wide, because test machines are shared.
_GUARD_S = 0.04

_MESSAGE = (
    "Hi there, I had my second session on Tuesday with the nurse and everything was great at "
    "first, my face was a bit pink and tight the first evening like you said it would be. "
    "Yesterday it was flaking around my nose and chin and I used the cream you gave me twice. "
    "Today my left cheek looks more swollen than the right one and there is a small yellow "
    "crust near my mouth, no fever though. Can I still go to the gym on Saturday and when can "
    "I start my retinol and vitamin C again, and do you sell that sunscreen? Thanks so much!"
)


def _cpu_seconds(screen: Screen, text: str, rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        screen.verdict(text)
        times.append(time.process_time() - start)
    return sorted(times)


def test_a_message_of_500_characters_is_screened_in_milliseconds(screen: Screen) -> None:
    assert len(_MESSAGE) >= 500
    times = _cpu_seconds(screen, _MESSAGE, 60)
    assert times[len(times) * 9 // 10] < _GUARD_S


def test_a_message_that_repeats_itself_does_not_hold_up_intake(screen: Screen) -> None:
    for text in ("no " * 2_000, "red worse my lips " * 500, "breathe " * 900 + "cannot " * 900):
        assert _cpu_seconds(screen, text, 1)[0] < 3
