"""Accuracy of the answers by topic, what is confused with what, calibration, thresholds.

    python -m benchmarks.answers [--results OUT.json] [--set FILE.jsonl]

Takes what `bot evaluate FILE.jsonl --json OUT.json` wrote, or runs the evaluation itself.
The default set is the development set, on which thresholds were tuned: it shows where the
answers are weak, not how good they are on messages never seen.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.chart import Line, line_chart
from benchmarks.machine import RESULTS, describe, table, write_results
from benchmarks.metrics import calibration_error, percentile
from bot.evaluation_report import CLASS_OF_OUTCOME, judge
from bot.settings import ROOT

ANSWERED = frozenset({"answered", "answered_with_referral"})
STEPS = tuple(step / 20 for step in range(20))
BINS = 10
PAIRS = 15


@dataclass(frozen=True, slots=True)
class Judged:
    """One line with its result.

    Attributes:
        right: An acceptable answer was given.
        score: What the product says of how sure it was, 0 to 1.
    """

    line: dict[str, Any]
    result: dict[str, Any]
    right: bool
    score: float

    @property
    def answerable(self) -> bool:
        """Whether an answer is what should come."""
        return self.line["expected"] in ("answer", "answer+staff")

    @property
    def answered(self) -> bool:
        """Whether an answer came."""
        return self.result["outcome"] in ANSWERED


def pair_up(lines: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]) -> list[Judged]:
    """Judge each line on its own, by the rules of `bot evaluate`."""
    judged = []
    for line, result in zip(lines, results, strict=True):
        if str(line["id"]) != str(result["id"]):
            raise ValueError(f"results of another file: {line['id']} is not {result['id']}")
        # Newer results name the score that decided; the intent's confidence stands in.
        score = result.get("score")
        score = (result.get("confidence") or 0.0) if score is None else score
        right = bool(judge([line], [result]).answers_right)
        judged.append(Judged(line, result, right, min(1.0, max(0.0, float(score)))))
    return judged


def confusions(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Wanted topic and what came instead, most frequent first."""
    pairs = Counter(
        ((j.line.get("acceptable_topics") or ["(any)"])[0], _given(j.result))
        for j in judged
        if j.answerable and not j.right
    )
    ranked = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return [{"wanted": w, "given": g, "lines": n} for (w, g), n in ranked[:PAIRS]]


def _given(result: dict[str, Any]) -> str:
    topics = ", ".join(result["topics"])
    if result["outcome"] in ANSWERED:
        return topics or "(no topic)"
    return f"({result['outcome']})"


def calibration(judged: Sequence[Judged]) -> dict[str, Any]:
    """How far the score can be trusted, over lines that got an answer.

    An answer to what is out of scope counts as wrong.
    """
    given = [j for j in judged if j.answered and j.line["expected"] in _JUDGED]
    bins = []
    for number in range(BINS):
        members = [j for j in given if min(BINS - 1, int(j.score * BINS)) == number]
        if members:
            bins.append(
                {
                    "from": number / BINS,
                    "lines": len(members),
                    "mean_score": round(sum(j.score for j in members) / len(members), 4),
                    "right": round(sum(j.right for j in members) / len(members), 4),
                }
            )
    error = calibration_error([j.score for j in given], [j.right for j in given], BINS)
    return {"lines": len(given), "expected_calibration_error": round(error, 4), "bins": bins}


_JUDGED = frozenset({"answer", "answer+staff", "out_of_scope"})


def threshold_curve(judged: Sequence[Judged]) -> list[dict[str, float]]:
    """What would happen if answers below a score were held back."""
    inside = [j for j in judged if j.answerable]
    outside = [j for j in judged if j.line["expected"] == "out_of_scope"]
    curve = []
    for step in STEPS:
        answered = [j for j in inside if j.answered and j.score >= step]
        held = [j for j in inside if _turned_away(j) or (j.answered and j.score < step)]
        passed = [j for j in outside if j.answered and j.score >= step]
        curve.append(
            {
                "threshold": step,
                "right_of_answerable": _share(sum(j.right for j in answered), len(inside)),
                "right_of_answered": _share(sum(j.right for j in answered), len(answered)),
                "answerable_held_back": _share(len(held), len(inside)),
                "out_of_scope_not_answered": _share(len(outside) - len(passed), len(outside)),
            }
        )
    return curve


def _turned_away(judged: Judged) -> bool:
    return CLASS_OF_OUTCOME.get(judged.result["outcome"]) == "out_of_scope"


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0


def figures(lines: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Everything that is reported."""
    judged = pair_up(lines, results)
    report = judge(lines, results)
    kinds = sorted({str(j.line.get("kind")) for j in judged if j.answerable})
    by_kind = {
        kind: [j.right for j in judged if j.answerable and str(j.line.get("kind")) == kind]
        for kind in kinds
    }
    return {
        "lines": len(judged),
        "answerable": report.answers,
        "right": _share(report.answers_right, report.answers),
        "right_or_choice": _share(report.answers_or_choice, report.answers),
        "turned_away": _share(report.in_scope_turned_away, report.answers),
        "out_of_scope_rejected": _share(report.rejected, report.out_of_scope),
        "false_alarms": _share(len(report.false_alarms), report.quiet),
        "latency_p50_ms": round(percentile(report.latencies_ms, 0.5), 1),
        "latency_p95_ms": round(percentile(report.latencies_ms, 0.95), 1),
        "by_topic": {
            topic: {"right": right, "lines": count}
            for topic, (right, count) in sorted(report.by_topic.items())
        },
        "by_kind": {k: {"right": sum(r), "lines": len(r)} for k, r in by_kind.items()},
        "confusions": confusions(judged),
        "calibration": calibration(judged),
        "threshold_curve": threshold_curve(judged),
    }


def draw(curve: Sequence[dict[str, float]]) -> str:
    """The curve as SVG; lines differ by dashes, so that it prints in black and white."""
    named = {
        "right_of_answered": "right, of those answered",
        "right_of_answerable": "right, of those answerable",
        "out_of_scope_not_answered": "out of scope, not answered",
        "answerable_held_back": "answerable, held back",
    }
    lines = [
        Line(label, [(point["threshold"], point[key]) for point in curve])
        for key, label in named.items()
    ]
    return line_chart("If answers below a score were held back", "score", "share of lines", lines)


def main() -> None:
    """Judge, write figures and picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--set", type=Path, default=ROOT / "tests/nlu/development.jsonl")
    parser.add_argument("--results", type=Path, help="what `bot evaluate --json` wrote")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": describe(), "set": options.set.name}
    raw = options.set.read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in raw if line.strip()]
    if options.results:
        told = options.results.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in told]
    else:
        found = evaluate(options.set)
    results |= figures(lines, found)
    write_results("answers", results, tables(results))
    (RESULTS / "answers_threshold.svg").write_text(
        draw(results["threshold_curve"]), encoding="utf-8"
    )


def evaluate(path: Path) -> list[dict[str, Any]]:
    """Run the set through a private copy of the product."""
    from bot.evaluate import private_product, read_lines, run_lines
    from bot.settings import load_settings

    with private_product(load_settings()) as state:
        return run_lines(state, read_lines(path))


def tables(results: dict[str, Any]) -> str:
    """The same figures for reading."""
    totals = [
        ("lines", results["lines"]),
        ("right, of answerable", results["right"]),
        ("right or acceptable choice", results["right_or_choice"]),
        ("in scope, turned away", results["turned_away"]),
        ("out of scope, rejected", results["out_of_scope_rejected"]),
        ("false alarms", results["false_alarms"]),
        ("expected calibration error", results["calibration"]["expected_calibration_error"]),
    ]
    parts = [table(["total", ""], totals)]
    for key in ("by_topic", "by_kind"):
        rows = [
            (name, found["right"], found["lines"], found["right"] / found["lines"])
            for name, found in results[key].items()
        ]
        parts.append(table([key.replace("_", " "), "right", "lines", "share"], rows))
    pairs = [(f"{p['wanted']} -> {p['given']}", p["lines"]) for p in results["confusions"]]
    parts.append(table(["wanted -> given", "lines"], pairs))
    bins = [
        (f"{b['from']:.1f}", b["lines"], b["mean_score"], b["right"])
        for b in results["calibration"]["bins"]
    ]
    parts.append(table(["score from", "lines", "mean score", "right"], bins))
    curve = [
        (f"{point['threshold']:.2f}", *(v for k, v in point.items() if k != "threshold"))
        for point in results["threshold_curve"]
    ]
    head = [key.replace("_", " ") for key in results["threshold_curve"][0]]
    parts.append(table(head, curve))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main()
