"""Typing slips at a known rate, for measuring what they cost (`bot evaluate --noise 0.2`)."""

from __future__ import annotations

import random
import string

KINDS = ("another letter", "left out", "one too many", "swapped")


def noisy(text: str, share: float, key: str) -> str:
    """The text with slips in about a share of its letters; digits and signs stay.

    Args:
        text: What was meant.
        share: Chance of each letter to go wrong, 0 to 1.
        key: The same key and text give the same slips, on any machine.
    """
    chance = random.Random(f"{key}:{text}")  # noqa: S311 - repeatable, not secret
    typed: list[str] = []
    position = 0
    while position < len(text):
        letter = text[position]
        following = text[position + 1 : position + 2]
        position += 1
        if not letter.isalpha() or chance.random() >= share:
            typed.append(letter)
            continue
        kind = chance.choice(KINDS)
        other = chance.choice(string.ascii_lowercase)
        if kind == "another letter":
            typed.append(other)
        elif kind == "one too many":
            typed += [letter, other]
        elif kind == "swapped" and following.isalpha():
            typed += [following, letter]
            position += 1
    return "".join(typed)
