"""The environment, read once. `docs/settings.md` lists the same settings; a test compares them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from bot.errors import SettingsError
from bot.notify.smtp_url import check_smtp_url

ROOT = Path(__file__).resolve().parent.parent
"""The project folder; relative paths in settings start here."""

PLACEHOLDER = "change-me"
"""What `.env.example` puts where a secret belongs. Refused at start."""

MIN_SECRET_CHARS = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the product. Field names in capitals are the variables' names."""

    database_url: str
    rasa_database_url: str
    rasa_secret: str = field(repr=False)
    data_keys: tuple[str, ...] = field(repr=False)
    lookup_secret: str = field(repr=False)
    audit_secret: str = field(repr=False)
    web_host: str
    web_port: int
    rasa_port: int
    actions_port: int
    public_url: str
    allowed_origins: tuple[str, ...]
    trusted_proxies: str
    dialogue_timeout_s: float
    session_hours: int
    messages_per_minute: int
    messages_per_minute_per_address: int
    sessions_per_hour_per_address: int
    rate_limit_storage: str
    max_message_chars: int
    sms_provider: str
    sms_from: str
    sms_stop_help_replies: str
    sms_quiet_hours: str
    twilio_account_sid: str
    twilio_auth_token: str = field(repr=False)
    twilio_auth_token_old: str = field(repr=False)
    twilio_api_url: str
    retention_days: int
    smtp_url: str = field(repr=False)
    mail_from: str
    webhook_url: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    console_totp: str
    audit_head_file: str
    audit_head_mail: str
    encoder_path: Path
    var_folder: Path
    log_level: str

    @property
    def rasa_url(self) -> str:
        """Where the web app reaches Rasa. Loopback: Rasa is never public."""
        return f"http://127.0.0.1:{self.rasa_port}"

    @property
    def actions_url(self) -> str:
        """Where Rasa reaches the action server, also loopback."""
        return f"http://127.0.0.1:{self.actions_port}"

    @property
    def secure_cookies(self) -> bool:
        """True when patients reach us by HTTPS, so that cookies may carry `Secure`."""
        return self.public_url.startswith("https://")


DEFAULTS: Mapping[str, str] = {
    "DATABASE_URL": "sqlite:///var/clinic.db",
    "RASA_DATABASE_URL": "sqlite:///var/rasa.db",
    "RASA_SECRET": "",
    "DATA_KEYS": "",
    "LOOKUP_SECRET": "",
    "AUDIT_SECRET": "",
    "WEB_HOST": "127.0.0.1",
    "WEB_PORT": "8000",
    "RASA_PORT": "5005",
    "ACTIONS_PORT": "5055",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "ALLOWED_ORIGINS": "",
    "TRUSTED_PROXIES": "127.0.0.1",
    "DIALOGUE_TIMEOUT_S": "8",
    "SESSION_HOURS": "24",
    "MESSAGES_PER_MINUTE": "20",
    "MESSAGES_PER_MINUTE_PER_ADDRESS": "60",
    "SESSIONS_PER_HOUR_PER_ADDRESS": "60",
    "RATE_LIMIT_STORAGE": "memory://",
    "MAX_MESSAGE_CHARS": "2000",
    "SMS_PROVIDER": "off",
    "SMS_FROM": "",
    "SMS_STOP_HELP_REPLIES": "provider",
    "SMS_QUIET_HOURS": "21:00-08:00",
    "TWILIO_ACCOUNT_SID": "",
    "TWILIO_AUTH_TOKEN": "",
    "TWILIO_AUTH_TOKEN_OLD": "",
    "TWILIO_API_URL": "https://api.twilio.com",
    "RETENTION_DAYS": "90",
    "SMTP_URL": "",
    "MAIL_FROM": "assistant@clinic.example",
    "WEBHOOK_URL": "",
    "WEBHOOK_SECRET": "",
    "CONSOLE_TOTP": "required",
    "AUDIT_HEAD_FILE": "",
    "AUDIT_HEAD_MAIL": "",
    "ENCODER_PATH": "bot/models/encoder.onnx",
    "VAR_FOLDER": "var",
    "LOG_LEVEL": "INFO",
}
"""Variable name to default. An empty default of a secret means that it must be set."""

SECRETS = ("RASA_SECRET", "DATA_KEYS", "LOOKUP_SECRET", "AUDIT_SECRET")
"""Must be set. `make env` generates them."""

OPTIONAL_SECRETS: tuple[str, ...] = (
    *("SMTP_URL", "WEBHOOK_URL", "WEBHOOK_SECRET"),
    *("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_OLD"),
)
"""Somebody else issues these; while one is empty, what needs it is off."""


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment, then `.env`, then the defaults.

    Args:
        environ: What to read instead of `os.environ` and `.env`, for tests.

    Raises:
        SettingsError: A secret is missing or still the placeholder, or a value
            has the wrong form. The message names the variable and the remedy.
    """
    if environ is None:
        from_file = {k: v for k, v in dotenv_values(ROOT / ".env").items() if v is not None}
        environ = {**from_file, **os.environ}
    values = {name: environ.get(name) or default for name, default in DEFAULTS.items()}
    for name in SECRETS:
        for secret in _listed(values[name]) or ("",):
            _check_secret(name, secret)
    _check_sms(values)
    return Settings(**{f.name: _convert(f.name.upper(), values) for f in fields(Settings)})


def _listed(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def _check_secret(name: str, value: str) -> None:
    if PLACEHOLDER in value or len(value) < MIN_SECRET_CHARS:
        raise SettingsError(
            name,
            "It is missing, too short or still the placeholder. "
            "Run `make env` to create .env with generated secrets, or set it "
            f"to at least {MIN_SECRET_CHARS} random characters.",
        )


def _check_sms(values: Mapping[str, str]) -> None:
    """The SMS line is wholly set up or off; half a set-up would lose messages silently."""
    for name, known in {
        "SMS_PROVIDER": ("off", "simulator", "twilio"),
        "SMS_STOP_HELP_REPLIES": ("provider", "product"),
    }.items():
        if values[name] not in known:
            raise SettingsError(name, f"must be one of: {', '.join(known)}")
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    if not re.fullmatch(f"{clock}-{clock}", values["SMS_QUIET_HOURS"]):
        raise SettingsError("SMS_QUIET_HOURS", 'must look like "21:00-08:00"')
    if values["SMS_PROVIDER"] != "twilio":
        return
    for name in ("SMS_FROM", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        if not values[name]:
            raise SettingsError(name, "is needed with SMS_PROVIDER=twilio; see docs/sms.md")
    if not re.fullmatch(r"\+[1-9]\d{7,14}|MG[0-9a-fA-F]{32}", values["SMS_FROM"]):
        raise SettingsError("SMS_FROM", "must be a number such as +19165550100, or an MG… id")


def _convert(name: str, values: Mapping[str, str]) -> Any:
    raw = values[name]
    if name in ("WEB_PORT", "RASA_PORT", "ACTIONS_PORT"):
        return _whole_number(name, raw, 1, 65535)
    if name == "ALLOWED_ORIGINS":
        return tuple(_origin(name, part) for part in _listed(raw))
    if name == "DATA_KEYS":
        return _listed(raw)
    if name == "DIALOGUE_TIMEOUT_S":
        return float(_whole_number(name, raw, 1, 120))
    if name in ("SESSION_HOURS", "RETENTION_DAYS") or name.startswith(("MESSAGES_", "SESSIONS_")):
        return _whole_number(name, raw, 1, 1_000_000)
    if name == "MAX_MESSAGE_CHARS":
        return _whole_number(name, raw, 100, 10_000)
    if name in ("ENCODER_PATH", "VAR_FOLDER"):
        return ROOT / raw
    if name in ("DATABASE_URL", "RASA_DATABASE_URL"):
        return _database_url(name, raw)
    if name in ("PUBLIC_URL", "TWILIO_API_URL"):
        if not raw.startswith(("http://", "https://")):
            raise SettingsError(name, "must start with http:// or https://")
        return raw.rstrip("/")
    if name == "SMTP_URL" and raw:
        check_smtp_url(raw)
    if name == "WEBHOOK_URL" and raw and not raw.startswith(("http://", "https://")):
        raise SettingsError(name, "must start with http:// or https://")
    if name == "WEBHOOK_SECRET" and raw and len(raw) < MIN_SECRET_CHARS:
        raise SettingsError(name, f"must have at least {MIN_SECRET_CHARS} characters, or none")
    if name == "AUDIT_HEAD_MAIL" and raw:
        if not values["SMTP_URL"]:
            raise SettingsError(name, "needs SMTP_URL; see docs/settings.md")
        return _mail_address(name, raw)
    if name == "MAIL_FROM":
        return _mail_address(name, raw)
    if name == "CONSOLE_TOTP":
        if raw not in ("required", "optional"):
            raise SettingsError(name, "must be required or optional")
        return raw
    if name == "LOG_LEVEL":
        # Rasa writes message text at DEBUG; patient words never go into logs.
        if raw.upper() not in ("INFO", "WARNING", "ERROR"):
            raise SettingsError(name, "must be INFO, WARNING or ERROR")
        return raw.upper()
    return raw


def _origin(name: str, raw: str) -> str:
    """Scheme, host and port, as a browser states them."""
    origin = raw.rstrip("/").lower()
    if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", origin):
        raise SettingsError(name, "must list addresses such as https://www.clinic.example")
    return origin


def _mail_address(name: str, raw: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", raw):
        raise SettingsError(name, "must be an e-mail address")
    return raw


def _whole_number(name: str, raw: str, low: int, high: int) -> int:
    try:
        number = int(raw)
    except ValueError as error:
        raise SettingsError(name, f"must be a whole number, not {raw!r}") from error
    if not low <= number <= high:
        raise SettingsError(name, f"must lie between {low} and {high}")
    return number


def _database_url(name: str, raw: str) -> str:
    """Make a relative SQLite path absolute, so that each process finds the same file."""
    if raw.startswith("sqlite:///") and not raw.startswith("sqlite:////"):
        return f"sqlite:///{ROOT / raw.removeprefix('sqlite:///')}"
    if raw.startswith(("sqlite:////", "postgresql://", "postgresql+psycopg2://")):
        return raw
    raise SettingsError(name, "must be an sqlite:/// or postgresql:// address")
