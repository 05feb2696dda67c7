"""Committed results are whole, and the documentation shows those very figures."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from benchmarks.machine import DOCS, PACKAGES, RESULTS, with_tables

NAMES = sorted(path.stem for path in RESULTS.glob("*.json"))
MACHINE = {
    *("processor", "cores", "memory_gb", "system", "python", "packages"),
    *("commit", "measured_at", "load_before"),
}
FIELDS = {
    "nlu_public": {"systems", "mean"},
    "latency": {"systems", "verdict", "rounds", "messages_per_round", "visits"},
    "emergency": {"clients", "runs", "stages"},
    "console": {"limit_ms", "rounds", "databases"},
    "answers": {
        *("right", "right_or_choice", "turned_away", "out_of_scope_rejected", "by_topic"),
        *("confusions", "calibration", "threshold_curve", "set", "lines"),
    },
}


def results(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def test_results_are_of_benchmarks_that_exist() -> None:
    assert NAMES
    assert set(NAMES) <= set(FIELDS)


@pytest.mark.parametrize("name", NAMES)
def test_results_hold_every_field_and_say_what_they_ran_on(name: str) -> None:
    found = results(name)
    assert set(found) >= FIELDS[name]
    assert set(found["machine"]) >= MACHINE
    assert set(found["machine"]["packages"]) == set(PACKAGES)


@pytest.mark.parametrize("name", NAMES)
def test_tables_and_documentation_show_the_figures_of_the_results(name: str) -> None:
    shown = importlib.import_module(f"benchmarks.{name}").tables(results(name))
    assert (RESULTS / f"{name}.txt").read_text(encoding="utf-8") == shown + "\n"
    page = DOCS.read_text(encoding="utf-8")
    assert with_tables(page, name, shown) == page


def check_nlu_public(found: dict[str, Any]) -> None:
    assert "ours" in found["systems"]
    for bots in found["systems"].values():
        assert set(bots) == {"curekart", "powerplay11", "sofmattress"}
        for figures in bots.values():
            assert {"accuracy_without_threshold", "mcc_at_best_step_on_test"} <= set(figures)
    assert all("mcc" in figures for figures in found["systems"]["ours"].values())


def check_latency(found: dict[str, Any]) -> None:
    from benchmarks.latency import CLIENTS, SHORT_CUTS, TURNS

    assert set(found["systems"]) == {"ours", "rasa_default"}
    for figures in found["systems"].values():
        assert set(figures["clients"]) == {str(number) for number in CLIENTS}
        assert set(figures["turn_ms"]) == {str(turn) for turn in TURNS}
        assert {"start_s", "start_cpu_s", "memory", "training"} <= set(figures)
    for figures in found["systems"]["ours"]["clients"].values():
        assert SHORT_CUTS.isdisjoint(figures["outcomes"])


def check_answers(found: dict[str, Any]) -> None:
    from benchmarks.answers import draw

    drawn = draw(found["threshold_curve"])
    assert (RESULTS / "answers_threshold.svg").read_text(encoding="utf-8") == drawn


def check_emergency(found: dict[str, Any]) -> None:
    assert set(found["runs"]) == {"with Rasa", "Rasa stopped"}
    for figures in found["runs"].values():
        assert set(figures) == {"page", "alone", "amid"}
        for name in ("alone", "amid"):
            assert set(figures[name]["outcomes"]) == {"escalated_emergency"}


def check_console(found: dict[str, Any]) -> None:
    from benchmarks.console import pages

    assert set(found["databases"]) == {"sqlite", "postgresql"}
    for figures in found["databases"].values():
        assert figures["conversations"] >= 100_000
        assert set(figures["pages"]) == set(pages())


@pytest.mark.parametrize("name", NAMES)
def test_results_are_what_their_benchmark_promises(name: str) -> None:
    checks = {
        "nlu_public": check_nlu_public,
        "latency": check_latency,
        "emergency": check_emergency,
        "console": check_console,
        "answers": check_answers,
    }
    checks[name](results(name))


def test_no_public_data_is_part_of_the_project() -> None:
    root = RESULTS.parents[1]
    assert [p.name for p in (root / "benchmarks").rglob("*.csv")] == []


def test_a_page_without_a_place_for_a_benchmark_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for latency"):
        with_tables("nothing here", "latency", "")


def test_new_tables_take_the_place_of_old_ones() -> None:
    page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n"
    once = with_tables(page, "x", "1  2")
    assert once == "a\n<!-- x -->\n\n```\n1  2\n```\n\n<!-- /x -->\nb\n"
    assert with_tables(once, "x", "1  2") == once
