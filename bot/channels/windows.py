"""Moving windows in memory: how often each key was hit in the last minute or hour."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from limits import RateLimitItem

SWEEP_EVERY_S = 60.0
"""How often keys that are no longer hit are forgotten."""


class MemoryWindows:
    """What `limits` itself keeps in memory, without its timer. Safe to use from several threads.

    That timer goes through every hit of every key, up to a hundred times a second: beside
    some thousand messages a minute it took as long as the messages themselves.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Nothing was hit yet.

        Args:
            clock: What the windows are measured by; it must never be set back, or those who
                wrote before that would be shut out until it has caught up.
            wall: What a window's end is told by.
        """
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._hits: dict[str, deque[float]] = {}
        self._ends: dict[str, float] = {}
        self._swept_at = clock()

    def hit(self, item: RateLimitItem, *identifiers: str) -> bool:
        """Count one, unless the window is full; what is refused is not counted."""
        now = self._clock()
        key, lasts_s = item.key_for(*identifiers), item.get_expiry()
        with self._lock:
            self._sweep(now)
            hits = self._hits.setdefault(key, deque())
            while hits and hits[0] < now - lasts_s:
                hits.popleft()
            if len(hits) >= item.amount:
                return False
            hits.append(now)
            self._ends[key] = now + lasts_s
            return True

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> tuple[float, int]:
        """When the window is quite empty again (wall clock), and how many more it takes now."""
        now = self._clock()
        key, lasts_s = item.key_for(*identifiers), item.get_expiry()
        with self._lock:
            inside = [at for at in self._hits.get(key, ()) if at >= now - lasts_s]
        left_s = (inside[-1] if inside else now) + lasts_s - now
        return self._wall() + left_s, item.amount - len(inside)

    def _sweep(self, now: float) -> None:
        if now - self._swept_at < SWEEP_EVERY_S:
            return
        self._swept_at = now
        for key in [key for key, end in self._ends.items() if end < now]:
            del self._hits[key], self._ends[key]
