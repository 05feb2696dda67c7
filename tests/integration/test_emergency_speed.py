"""How soon a red flag is answered when many write at once, with the real nets."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from bot.triage.screen import Screen
from tests.integration.conftest import OpenSite
from tests.web_site import EMERGENCY, Patient

CLIENTS = 16
ROUNDS = 6
LIMIT_MS = 3_000.0
"""Ten times what is promised (300 ms, docs/safety.md): tests run beside other programs."""


def p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def test_sixteen_emergencies_at_once_are_answered_in_time_without_rasa(
    open_site: OpenSite, screen: Screen
) -> None:
    site = open_site(screen=screen)
    site.dialogue.down = True
    everybody = [[site.patient() for _ in range(ROUNDS)] for _ in range(CLIENTS)]

    def one_after_another(patients: list[Patient]) -> list[float]:
        taken = []
        for patient in patients:
            started = time.perf_counter()
            response = patient.say(EMERGENCY)
            taken.append((time.perf_counter() - started) * 1000)
            assert response.json()["outcome"] == "escalated_emergency"
        return taken

    with ThreadPoolExecutor(CLIENTS) as pool:
        taken = [ms for each in pool.map(one_after_another, everybody) for ms in each]
    print(f"p50 {sorted(taken)[len(taken) // 2]:.0f} ms, p95 {p95(taken):.0f} ms")
    assert len(taken) == CLIENTS * ROUNDS
    assert p95(taken) < LIMIT_MS
    assert site.dialogue.sent == []
