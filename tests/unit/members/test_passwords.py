from __future__ import annotations

import time

import pytest

from bot.members.passwords import hash_password, objection, verify_password


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "password1234",
        "P@ssw0rd2026!",
        "aaaaaaaaaaaaaaaa",
        "qwertyqwerty12",
        "123456789012345",
        "microneedling1",
        "elkgroveclinic",
        "jordanjordan12",
        "jordan.lee1234",
        "x" * 201,
    ],
)
def test_a_short_or_common_password_is_refused_with_a_reason(password: str) -> None:
    refusal = objection(password, name="Jordan Lee", email="jordan.lee@clinic.example")
    assert refusal
    assert refusal.endswith(".")
    assert password not in refusal


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "tulip-sidewalk-ozone", "ñandú vuela muy alto"]
)
def test_unrelated_words_are_taken(password: str) -> None:
    assert objection(password, name="Jordan Lee", email="jordan.lee@clinic.example") is None


def test_only_the_right_password_fits_and_nothing_fits_no_password() -> None:
    stored = hash_password("tulip-sidewalk-ozone")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify_password(stored, "tulip-sidewalk-ozone")
    assert not verify_password(stored, "tulip-sidewalk-ozonE")
    assert not verify_password(None, "tulip-sidewalk-ozone")
    assert not verify_password("not a hash", "tulip-sidewalk-ozone")


def test_an_account_that_does_not_exist_costs_as_much_time_as_a_wrong_password() -> None:
    stored = hash_password("tulip-sidewalk-ozone")

    def cost(kept: str | None) -> float:
        started = time.process_time()
        for _ in range(4):
            verify_password(kept, "wrong")
        return time.process_time() - started

    cost(stored)
    assert 0.4 < cost(None) / cost(stored) < 2.5
