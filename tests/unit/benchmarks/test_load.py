from __future__ import annotations

import os
import threading
from itertools import islice

import pytest

from benchmarks import processes
from benchmarks.load import Measured, cycle, merge, run_clients
from benchmarks.machine import table


class FakeChat:
    """Notes what each patient says."""

    def __init__(self, said: list[list[str]], lock: threading.Lock, fail: str = "") -> None:
        self.said, self.lock, self.fail = said, lock, fail
        self.visit: list[str] = []

    def begin(self) -> None:
        self.visit = []
        with self.lock:
            self.said.append(self.visit)

    def say(self, text: str) -> str:
        if text == self.fail:
            raise RuntimeError("down")
        self.visit.append(text)
        return "answered"


VISITS = [["a", "b"], ["c", "d"], ["e", "f"]]


@pytest.mark.parametrize("clients", [1, 3])
def test_each_patient_says_one_visit_in_order(clients: int) -> None:
    said: list[list[str]] = []
    lock = threading.Lock()
    measured = run_clients([FakeChat(said, lock) for _ in range(clients)], VISITS, 12)
    assert sorted(said) == sorted(VISITS * 2)
    assert len(measured.latencies_ms) == 12
    assert measured.outcomes == {"answered": 12}


def test_a_message_without_an_answer_fails_the_measurement() -> None:
    with pytest.raises(RuntimeError, match="not answered"):
        run_clients([FakeChat([], threading.Lock(), fail="d")], VISITS, 12)


def test_rounds_are_merged_over_their_whole_time() -> None:
    found = merge([Measured(2.0, [10, 20], {"a": 2}), Measured(3.0, [30], {"a": 1})]).figures()
    assert found["messages"] == 3
    assert found["per_second"] == 0.6
    assert found["p50_ms"] == 20
    assert found["outcomes"] == {"a": 3}


def test_items_come_round_again() -> None:
    assert list(islice(cycle("ab"), 5)) == list("ababa")


def test_memory_and_time_of_this_process_are_seen() -> None:
    assert processes.resident_mb(os.getpid()) > 10
    assert processes.proportional_mb(os.getpid()) > 5
    assert processes.cpu_s([os.getpid()]) > 0
    assert os.getpid() in processes.family([os.getppid()])


def test_a_process_that_is_gone_counts_nothing() -> None:
    assert processes.resident_mb(2**22 + 1) == 0
    assert processes.cpu_s([2**22 + 1]) == 0


def test_tables_put_numbers_under_their_heads() -> None:
    assert table(["", "n"], [["first", 1.23456], ["b", 30]]) == (
        "           n\n-----  -----\nfirst  1.235\nb         30"
    )
