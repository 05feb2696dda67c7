"""Notices by webhook: JSON that Slack and its like understand, signed for those who check."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Final

import httpx

from bot.errors import NotifyError
from bot.notify.notification import Notification

TIMEOUT_S: Final = 10.0
MEDIUM: Final = "webhook"

_TRY_AGAIN: Final = frozenset({408, 425, 429})


class WebhookSender:
    """Posts to one address."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is opened.

        Args:
            secret: Signs each post; empty: posts are not signed.
            clock: Seconds since 1970, for the signature.
        """
        self._url = url
        self._secret = secret.encode()
        self._timeout = httpx.Timeout(timeout_s)
        self._clock = clock

    @property
    def medium(self) -> str:
        """As in the table of notices."""
        return MEDIUM

    def send(self, notification: Notification) -> None:
        """Post one notice.

        Raises:
            NotifyError: Temporary (no connection, timeout, 408, 425, 429, 5xx) or for good.
        """
        body = json.dumps(
            {
                "text": f"{notification.subject}. For {notification.contact.name}. "
                f"{notification.link}",
                "notice": notification.key,
                "escalation": notification.escalation_id,
                "tier": notification.tier.name.lower(),
                "missed": notification.missed,
                "reminder": notification.step > 0,
                "waiting_since": notification.waiting_since.isoformat(),
                "link": notification.link,
            }
        ).encode()
        headers = {"Content-Type": "application/json"}
        if self._secret:
            timestamp = str(int(self._clock()))
            headers["X-Clinic-Timestamp"] = timestamp
            headers["X-Clinic-Signature"] = signature(self._secret, timestamp, body)
        try:
            response = httpx.post(self._url, content=body, headers=headers, timeout=self._timeout)
        except httpx.HTTPError as error:
            raise NotifyError(MEDIUM, type(error).__name__, retryable=True) from error
        code = response.status_code
        if not response.is_success:
            again = code in _TRY_AGAIN or code >= 500
            raise NotifyError(MEDIUM, f"the address said {code}", retryable=again)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 in hexadecimal over the timestamp, a full stop and the body."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
