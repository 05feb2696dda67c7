from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from bot.members.codes import STEP_S, matching_step, new_secret, setup_uri
from tests.builders import NOON

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_a_secret_has_160_bits() -> None:
    assert len(new_secret()) * 5 >= 160
    assert new_secret() != new_secret()


@pytest.mark.parametrize("drift_s", [-STEP_S, 0, STEP_S])
def test_a_code_fits_within_half_a_minute(drift_s: int) -> None:
    code = pyotp.TOTP(SECRET).at(NOON + timedelta(seconds=drift_s))
    expected = int(NOON.timestamp() + drift_s) // STEP_S
    assert matching_step(SECRET, code, NOON) == expected


@pytest.mark.parametrize("drift_s", [-2 * STEP_S, 2 * STEP_S, 3600])
def test_an_old_or_future_code_does_not_fit(drift_s: int) -> None:
    code = pyotp.TOTP(SECRET).at(NOON + timedelta(seconds=drift_s))
    assert matching_step(SECRET, code, NOON) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34"])
def test_what_is_not_six_digits_does_not_fit(code: str) -> None:
    assert matching_step(SECRET, code, NOON) is None


def test_spaces_in_a_code_do_not_matter() -> None:
    code = pyotp.TOTP(SECRET).at(NOON)
    assert matching_step(SECRET, f" {code[:3]} {code[3:]} ", NOON) is not None


def test_the_qr_code_names_the_account() -> None:
    uri = setup_uri(SECRET, "maya@clinic.example")
    assert uri.startswith("otpauth://totp/")
    assert SECRET in uri
    assert "maya%40clinic.example" in uri
