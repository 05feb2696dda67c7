"""The settings in code, in the docs and in the example file are the same settings."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from dotenv import dotenv_values

from bot.settings import (
    DEFAULTS,
    OPTIONAL_SECRETS,
    PLACEHOLDER,
    ROOT,
    SECRETS,
    Settings,
    load_settings,
)
from bot.stack import child_environment

NAMES = [field.name.upper() for field in fields(Settings)]
ROW = re.compile(r"^\| `([A-Z_]+)` \| ([^|]+?) \| ([^|]+?) \|$", re.MULTILINE)


def documented() -> dict[str, str]:
    """Setting to the default that `docs/settings.md` states."""
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return {name: default.strip("`") for name, default, _ in ROW.findall(table)}


def example() -> dict[str, str | None]:
    return dict(dotenv_values(ROOT / ".env.example"))


def test_code_documentation_and_example_name_the_same_settings() -> None:
    assert sorted(NAMES) == sorted(DEFAULTS)
    assert sorted(NAMES) == sorted(documented())
    assert sorted(NAMES) == sorted(example())


@pytest.mark.parametrize("name", [n for n in DEFAULTS if n not in SECRETS])
def test_the_documented_default_and_the_example_are_the_real_default(name: str) -> None:
    stated = "" if documented()[name] == "empty" else documented()[name]
    assert stated == DEFAULTS[name]
    assert example()[name] == DEFAULTS[name]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_has_no_default_and_only_a_placeholder_in_the_example(name: str) -> None:
    assert DEFAULTS[name] == ""
    assert documented()[name] == "none, must be set"
    assert example()[name] == PLACEHOLDER


def test_everything_that_looks_like_a_secret_is_treated_as_one() -> None:
    # An address can hold a password, or be one: who knows a webhook's may post to it.
    looks = {n for n in NAMES if re.search(r"SECRET|TOKEN|PASSWORD|_KEY|SMTP_URL|WEBHOOK_URL", n)}
    assert looks == {*SECRETS, *OPTIONAL_SECRETS}


def test_the_example_file_filled_in_is_accepted() -> None:
    filled = {name: value or "" for name, value in example().items()}
    filled |= dict.fromkeys(SECRETS, "s" * 40)
    assert load_settings(filled) == load_settings(dict.fromkeys(SECRETS, "s" * 40))


def test_every_part_of_the_product_runs_without_telemetry_and_on_loopback() -> None:
    environ = child_environment(load_settings(dict.fromkeys(SECRETS, "s" * 40)))
    assert environ["RASA_TELEMETRY_ENABLED"] == "false"
    assert environ["SANIC_HOST"] == "127.0.0.1"
