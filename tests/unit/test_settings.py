from __future__ import annotations

import pytest

from bot.errors import SettingsError
from bot.settings import DEFAULTS, PLACEHOLDER, SECRETS, load_settings

SECRETS_SET = dict.fromkeys(SECRETS, "s" * 40)


def test_defaults_are_valid_once_the_secret_is_set() -> None:
    settings = load_settings(SECRETS_SET)
    assert settings.web_port == 8000
    assert settings.database_url.startswith("sqlite:////")


@pytest.mark.parametrize("secret", ["", "short", PLACEHOLDER, f"{PLACEHOLDER}-{'x' * 40}"])
def test_missing_short_or_placeholder_secrets_are_refused_with_the_remedy(secret: str) -> None:
    with pytest.raises(SettingsError, match="make env") as caught:
        load_settings({**SECRETS_SET, "RASA_SECRET": secret})
    assert caught.value.setting == "RASA_SECRET"
    assert len(secret) < 6 or secret not in str(caught.value).replace("too short", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_PORT", "eighty"),
        ("WEB_PORT", "70000"),
        ("DATABASE_URL", "mysql://x"),
        ("PUBLIC_URL", "clinic.example"),
        ("LOG_LEVEL", "DEBUG"),
        ("MAX_MESSAGE_CHARS", "5"),
        ("SESSION_HOURS", "0"),
        ("DIALOGUE_TIMEOUT_S", "soon"),
    ],
)
def test_a_value_of_the_wrong_form_names_its_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({**SECRETS_SET, name: value})
    assert caught.value.setting == name


def test_an_empty_value_means_the_default() -> None:
    settings = load_settings({**SECRETS_SET, "WEB_PORT": ""})
    assert settings.web_port == int(DEFAULTS["WEB_PORT"])


def test_https_makes_cookies_secure() -> None:
    settings = load_settings({**SECRETS_SET, "PUBLIC_URL": "https://chat.clinic.example/"})
    assert settings.secure_cookies
    assert settings.public_url == "https://chat.clinic.example"


def test_origins_are_a_list_without_trailing_slashes() -> None:
    settings = load_settings(
        {**SECRETS_SET, "ALLOWED_ORIGINS": "https://a.example/, https://b.example"}
    )
    assert settings.allowed_origins == ("https://a.example", "https://b.example")


def test_the_data_keys_are_read_newest_first_and_each_is_checked() -> None:
    keys = ("n" * 40, "o" * 40)
    assert load_settings({**SECRETS_SET, "DATA_KEYS": ", ".join(keys)}).data_keys == keys
    with pytest.raises(SettingsError, match="DATA_KEYS"):
        load_settings({**SECRETS_SET, "DATA_KEYS": f"{keys[0]},short"})


def test_no_secret_shows_when_settings_are_printed() -> None:
    assert "s" * 40 not in repr(load_settings(SECRETS_SET))
