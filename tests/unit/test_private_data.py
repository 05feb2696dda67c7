from __future__ import annotations

import pytest

from bot.errors import PrivateDataUnreadable
from bot.private_data import PrivateData

OLD, NEW, LOOKUP = "old" * 12, "new" * 12, "look" * 9
NUMBER = "+19165550123"


def test_a_value_comes_back_and_its_token_hides_it() -> None:
    data = PrivateData((NEW,), LOOKUP)
    token = data.encrypt(NUMBER)
    assert NUMBER not in token
    assert data.decrypt(token) == NUMBER
    assert data.encrypt(NUMBER) != token


def test_a_rotated_token_no_longer_needs_the_former_key() -> None:
    token = PrivateData((OLD,), LOOKUP).encrypt(NUMBER)
    rotated = PrivateData((NEW, OLD), LOOKUP).rotate(token)
    assert PrivateData((NEW,), LOOKUP).decrypt(rotated) == NUMBER


@pytest.mark.parametrize("token", ["", "not a token"])
def test_a_token_that_no_key_fits_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(PrivateDataUnreadable, match="DATA_KEYS"):
        PrivateData((NEW,), LOOKUP).decrypt(token)


def test_without_its_key_a_token_cannot_be_read_or_rotated() -> None:
    token = PrivateData((OLD,), LOOKUP).encrypt(NUMBER)
    data = PrivateData((NEW,), LOOKUP)
    for refused in (data.decrypt, data.rotate):
        with pytest.raises(PrivateDataUnreadable):
            refused(token)


def test_a_lookup_is_the_same_for_the_same_value_and_secret_only() -> None:
    first, other = PrivateData((OLD,), LOOKUP), PrivateData((NEW,), "other" * 8)
    assert first.lookup(NUMBER) == PrivateData((NEW,), LOOKUP).lookup(NUMBER)
    assert first.lookup(NUMBER) != other.lookup(NUMBER)
    assert first.lookup(NUMBER) != first.lookup("+19165550124")
    assert len(first.lookup(NUMBER)) == 64
