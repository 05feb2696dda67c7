"""The address of a mail server, as the setting `SMTP_URL` gives it."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from bot.errors import SettingsError

PORTS: Final = {"smtp": 587, "smtps": 465}
"""Scheme to the port that is meant when none is given."""


def check_smtp_url(url: str) -> SplitResult:
    """Take the server's address apart.

    Raises:
        SettingsError: It is none. The message does not repeat it: it holds a password.
    """
    wanted = "must look like smtp://user:password@host:587 or smtps://user:password@host:465"
    try:
        parts = urlsplit(url)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError as error:
        raise SettingsError("SMTP_URL", wanted) from error
    if parts.scheme not in PORTS or not parts.hostname or not port_is_number:
        raise SettingsError("SMTP_URL", wanted)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingsError("SMTP_URL", f"{wanted}; signs such as / and # in it as %2F and %23")
    return parts
