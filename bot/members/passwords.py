"""Passwords: what is accepted, and how they are kept."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARS = 12
ADVISED_CHARS = 15
MAX_CHARS = 200

# OWASP's smallest recommended Argon2id setting: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Each hash takes 19 MiB; a flood of sign-ins must queue, not exhaust the memory.
_AT_ONCE = threading.Semaphore(4)

_COMMON_ROOTS = (
    *("password", "passwort", "letmein", "welcome", "qwerty", "asdfgh", "zxcvbn", "abcdef"),
    *("iloveyou", "monkey", "dragon", "sunshine", "princess", "football", "baseball", "admin"),
    *("changeme", "trustno", "microneedling", "elkgrove", "clinic", "contrasena", "123", "987"),
)
"""What breached passwords are made of; a password that is little else is refused."""

_LEET = str.maketrans("@0134!5$7", "aoieaisst")


def objection(password: str, *, name: str = "", email: str = "") -> str | None:
    """Why a new password is refused, in words for the person, or None when it is taken.

    Length is what counts: no rule about kinds of characters (NIST SP 800-63B, ASVS 5.0).
    """
    if len(password) < MIN_CHARS:
        return (
            f"Please use at least {MIN_CHARS} characters. {ADVISED_CHARS} or more is better; "
            "several words are easy to remember."
        )
    if len(password) > MAX_CHARS:
        return f"Please use at most {MAX_CHARS} characters."
    rest = password.casefold()
    own = [part for part in (*name.casefold().split(), email.casefold().split("@")[0]) if part]
    for variant in (rest, rest.translate(_LEET)):
        if _left_of(variant, (*own, *_COMMON_ROOTS)) < MIN_CHARS // 2:
            return "This password is easy to guess. Please use several unrelated words."
    return None


def _left_of(text: str, roots: tuple[str, ...]) -> int:
    """How many different characters remain once what everybody tries is taken away."""
    for root in sorted(roots, key=len, reverse=True):
        if len(root) > 2:
            text = text.replace(root, "")
    # Of a run such as 4567 or fed only the first character counts.
    kept = {
        character
        for before, character in zip(" " + text, text, strict=False)
        if abs(ord(character) - ord(before)) > 1
    }
    return len(kept)


def hash_password(password: str) -> str:
    """What the database keeps: Argon2id with its parameters and salt."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password fits; an account without one costs the same time."""
    with _AT_ONCE:
        try:
            fits = _HASHER.verify(stored or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return fits and stored is not None


_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA"
    "$7vJ0gqPXzMt2S1fRZQJm2JUkn8rXq0kU1pYDRpCkT5Y"
)
"""A hash that nothing fits, with the parameters above, so that a wrong name takes as long."""
