"""Rate limits, per session, per telephone number and per address."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from bot.channels.problems import Problem
from bot.channels.windows import MemoryWindows
from bot.settings import Settings

IN_MEMORY = "memory://"


class RateLimits:
    """Counts in memory, or in Redis when several web processes share the work."""

    def __init__(self, settings: Settings) -> None:
        """Read the limits from the settings."""
        self._limiter: MemoryWindows | MovingWindowRateLimiter
        if settings.rate_limit_storage == IN_MEMORY:
            self._limiter = MemoryWindows()
        else:
            # The limiter holds its storage only weakly, so it is kept here.
            self._storage = storage_from_string(settings.rate_limit_storage)
            self._limiter = MovingWindowRateLimiter(self._storage)
        self._per_session = RateLimitItemPerMinute(settings.messages_per_minute)
        self._per_address = RateLimitItemPerMinute(settings.messages_per_minute_per_address)
        self._sessions = RateLimitItemPerHour(settings.sessions_per_hour_per_address)

    def message(self, conversation_id: str, address: str) -> None:
        """Count one message.

        Raises:
            Problem: 429, when the session or the address has sent too many.
        """
        self._hit(self._per_session, "session", conversation_id)
        self._hit(self._per_address, "address", address)

    def session(self, address: str) -> None:
        """Count one new session.

        Raises:
            Problem: 429, when the address has opened too many.
        """
        self._hit(self._sessions, "sessions", address)

    def text_message(self, number_hash: str) -> bool:
        """Count one text message; False when its number has sent too many.

        It is stored all the same: a provider's webhook cannot be asked to wait.
        """
        return bool(self._limiter.hit(self._per_session, "number", number_hash))

    def forgery(self, address: str) -> None:
        """Count one webhook without the right signature.

        Signed webhooks are not counted by address: they all come from the provider's few.

        Raises:
            Problem: 429, when the address keeps trying.
        """
        self._hit(self._per_address, "forgery", address)

    def _hit(self, item: RateLimitItem, kind: str, key: str) -> None:
        if self._limiter.hit(item, kind, key):
            return
        reset_at, _ = self._limiter.get_window_stats(item, kind, key)
        wait_s = max(1, math.ceil(reset_at - time.time()))
        raise Problem(
            429,
            "Too many messages in a short time. Please wait a moment and try again. "
            "In an emergency call 911.",
            retry_after_s=wait_s,
        )
