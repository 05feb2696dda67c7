from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import uvicorn

from bot.settings import DEFAULTS, SECRETS, Settings, load_settings
from bot.stack import StackError, child_environment, make_stack

SECRET = "s" * 40

OTHER = {
    "DATABASE_URL": "postgresql://clinic@127.0.0.1/clinic",
    "RASA_DATABASE_URL": "sqlite:////srv/clinic/rasa.db",
    **dict.fromkeys(SECRETS, "another-secret-" + SECRET),
    "WEB_HOST": "0.0.0.0",
    "WEB_PORT": "8100",
    "RASA_PORT": "5105",
    "ACTIONS_PORT": "5155",
    "PUBLIC_URL": "https://chat.clinic.example",
    "ALLOWED_ORIGINS": "https://clinic.example,https://www.clinic.example",
    "TRUSTED_PROXIES": "10.0.0.1,10.0.0.2",
    "DIALOGUE_TIMEOUT_S": "11",
    "SESSION_HOURS": "5",
    "MESSAGES_PER_MINUTE": "21",
    "MESSAGES_PER_MINUTE_PER_ADDRESS": "61",
    "SESSIONS_PER_HOUR_PER_ADDRESS": "62",
    "RATE_LIMIT_STORAGE": "redis://127.0.0.1:6379/0",
    "MAX_MESSAGE_CHARS": "1500",
    "RETENTION_DAYS": "30",
    "SMTP_URL": "smtps://user:p%2Fw@mail.clinic.example:465",
    "MAIL_FROM": "chat@other.example",
    "WEBHOOK_URL": "https://hooks.clinic.example/x",
    "WEBHOOK_SECRET": SECRET,
    "CONSOLE_TOTP": "optional",
    "AUDIT_HEAD_FILE": "/mnt/elsewhere/heads.txt",
    "AUDIT_HEAD_MAIL": "lead@clinic.example",
    "SMS_PROVIDER": "twilio",
    "SMS_FROM": "+19165550100",
    "SMS_STOP_HELP_REPLIES": "product",
    "SMS_QUIET_HOURS": "20:00-09:00",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "one token",
    "TWILIO_AUTH_TOKEN_OLD": "the one before",
    "TWILIO_API_URL": "https://api.elsewhere.example",
    "ENCODER_PATH": "elsewhere/encoder.onnx",
    "VAR_FOLDER": "/srv/clinic/var",
    "LOG_LEVEL": "WARNING",
}


@pytest.mark.parametrize(
    "environ", [dict.fromkeys(SECRETS, SECRET), OTHER], ids=["defaults", "other"]
)
def test_every_part_reads_the_settings_that_the_stack_was_given(environ: dict[str, str]) -> None:
    settings = load_settings(environ)
    assert load_settings(child_environment(settings)) == settings


def test_the_other_settings_of_this_test_differ_from_every_default() -> None:
    assert set(OTHER) == set(DEFAULTS)
    plain, other = load_settings(dict.fromkeys(SECRETS, SECRET)), load_settings(OTHER)
    same = [f.name for f in fields(Settings) if getattr(plain, f.name) == getattr(other, f.name)]
    assert same == []


def test_a_setting_given_to_the_stack_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAR_FOLDER", str(tmp_path))
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://elsewhere.example")
    settings = load_settings(dict.fromkeys(SECRETS, SECRET))
    assert load_settings(child_environment(settings)) == settings


def test_the_model_that_is_looked_for_is_the_one_that_was_named(tmp_path: Path) -> None:
    settings = load_settings(dict.fromkeys(SECRETS, SECRET))
    with pytest.raises(StackError, match="no trained model"):
        make_stack(settings, tmp_path, (), tmp_path / "absent.tar.gz").start()
    (tmp_path / "there.tar.gz").touch()
    make_stack(settings, tmp_path, (), tmp_path / "there.tar.gz").start()


PROXY_IDLE_S = 60  # nginx keeps an idle connection this long; a browser's client mostly less


def test_an_idle_connection_is_closed_by_the_other_side_first(tmp_path: Path) -> None:
    settings = load_settings(dict.fromkeys(SECRETS, SECRET))
    command = make_stack(settings, tmp_path, ("web",)).part("web").command
    kept = uvicorn.main.make_context("uvicorn", command[3:]).params["timeout_keep_alive"]
    assert kept > PROXY_IDLE_S
