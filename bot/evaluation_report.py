"""Judging evaluation results against their labels, and printing the judgement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

CLASS_OF_OUTCOME = {
    "answered": "answer",
    "answered_with_referral": "answer+staff",
    "clarifying": "answer",
    "smalltalk": "none",
    "no_answer": "out_of_scope",
    "refused": "out_of_scope",
    "staff_requested": "staff",
    "escalated_routine": "staff",
    "staff_owned": "staff",
    "escalated_urgent": "escalate_urgent",
    "escalated_emergency": "escalate_emergency",
}
ALARMS = ("escalate_urgent", "escalate_emergency")


@dataclass(slots=True)
class Report:
    """Counts of one evaluation; shares are of the labelled lines they concern."""

    answers: int = 0
    answers_right: int = 0
    answers_or_choice: int = 0
    by_topic: dict[str, list[int]] = field(default_factory=dict)
    tiers: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in ALARMS}
    )
    missed: list[tuple[str, str, str]] = field(default_factory=list)
    quiet: int = 0
    false_alarms: list[tuple[str, str, str]] = field(default_factory=list)
    out_of_scope: int = 0
    rejected: int = 0
    in_scope_turned_away: int = 0
    followups: int = 0
    """Answerable lines with earlier turns; right means an acceptable answer or choice."""
    followups_right: int = 0
    two_questions: int = 0
    """Lines that need an answer to each of several questions; right means all of them."""
    two_questions_right: int = 0
    expected_matches: int = 0
    labelled: int = 0
    wrong: list[tuple[str, str, str, str]] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def answer_accuracy(self) -> float:
        """Share of answerable lines that got an acceptable answer."""
        return self.answers_right / max(1, self.answers)

    @property
    def false_alarm_rate(self) -> float:
        """Share of lines without a red flag that were escalated as urgent or emergency."""
        return len(self.false_alarms) / max(1, self.quiet)

    def recall(self, name: str) -> float:
        """Share of a tier's lines that were escalated as urgent or emergency."""
        counts = self.tiers[name]
        return counts["caught"] / max(1, counts["all"])


def judge(lines: Iterable[dict[str, Any]], results: Iterable[dict[str, Any]]) -> Report:
    """Compare results with labels; lines without `expected` only count for latency."""
    report = Report()
    for line, result in zip(lines, results, strict=True):
        report.latencies_ms.append(result["latency_ms"])
        expected = line.get("expected")
        if expected is None:
            continue
        got = CLASS_OF_OUTCOME.get(result["outcome"], result["outcome"])
        accepted = {expected, *(line.get("acceptable_expected") or ())}
        report.labelled += 1
        report.expected_matches += got in accepted
        _judge_alarm(report, line, result, expected, accepted, got)
        if expected in ("answer", "answer+staff"):
            _judge_answer(report, line, result, accepted, got)
        elif expected == "out_of_scope":
            report.out_of_scope += 1
            report.rejected += got in accepted
            if got not in accepted:
                report.wrong.append((line["id"], expected, _shown(result), line["text"]))
        elif expected not in ALARMS and got not in accepted and got not in ALARMS:
            report.wrong.append((line["id"], expected, _shown(result), line["text"]))
    return report


def _judge_alarm(
    report: Report,
    line: dict[str, Any],
    result: dict[str, Any],
    expected: str,
    accepted: set[str],
    got: str,
) -> None:
    if expected in ALARMS:
        counts = report.tiers[expected]
        counts["all"] += 1
        caught = got in ALARMS or got in accepted
        counts["caught"] += caught
        counts["exact"] += got in accepted
        if not caught:
            report.missed.append((line["id"], expected, line["text"]))
    elif not accepted & set(ALARMS):
        report.quiet += 1
        if got in ALARMS:
            report.false_alarms.append((line["id"], got, line["text"]))


def _judge_answer(
    report: Report, line: dict[str, Any], result: dict[str, Any], accepted: set[str], got: str
) -> None:
    report.answers += 1
    topics = set(result["topics"])
    wanted: Sequence[Sequence[str]] = line.get("needs_topics") or [
        line.get("acceptable_topics") or []
    ]
    fits = all(not group or topics & set(group) for group in wanted)
    given = result["outcome"] in ("answered", "answered_with_referral")
    # An answer with a referral more than needed is still the answer; one less is not.
    right = given and fits and (got in accepted or got == "answer+staff")
    if not given and got in accepted:
        right = got not in ("answer", "answer+staff")
    choice = result["outcome"] == "clarifying" and fits
    report.answers_right += right
    report.answers_or_choice += right or choice
    if line.get("context"):
        report.followups += 1
        report.followups_right += right or choice
    if line.get("needs_topics"):
        report.two_questions += 1
        report.two_questions_right += right
    report.in_scope_turned_away += got == "out_of_scope" and got not in accepted
    for topic in (line.get("acceptable_topics") or ["(none)"])[:1]:
        counts = report.by_topic.setdefault(topic, [0, 0])
        counts[0] += right
        counts[1] += 1
    if not right and got not in ALARMS:
        report.wrong.append((line["id"], ",".join(wanted[0]), _shown(result), line["text"]))


def _shown(result: dict[str, Any]) -> str:
    return f"{result['outcome']} {','.join(result['answer_ids'])} [{result['intent']}]"


def render(report: Report, *, show_wrong: bool = False) -> str:
    """The report as text."""
    lines: list[str] = []
    if report.labelled:
        lines += [
            f"lines with a label      {report.labelled}",
            f"outcome as expected     {_share(report.expected_matches, report.labelled)}",
            f"right answer            {_share(report.answers_right, report.answers)}",
            f"right answer or choice  {_share(report.answers_or_choice, report.answers)}",
            f"follow-ups              {_share(report.followups_right, report.followups)}",
            f"two questions, both     {_share(report.two_questions_right, report.two_questions)}",
            f"in scope, turned away   {_share(report.in_scope_turned_away, report.answers)}",
            f"out of scope, rejected  {_share(report.rejected, report.out_of_scope)}",
        ]
        for name in reversed(ALARMS):
            counts = report.tiers[name]
            lines.append(
                f"{name:<22}  caught {_share(counts['caught'], counts['all'])}, "
                f"exact {_share(counts['exact'], counts['all'])}"
            )
        lines.append(f"false alarms            {_share(len(report.false_alarms), report.quiet)}")
        lines += [f"  MISSED {i} ({e}): {t}" for i, e, t in report.missed]
        lines += [f"  FALSE ALARM {i} ({g}): {t}" for i, g, t in report.false_alarms]
        if show_wrong:
            lines += [f"  WRONG {i} wanted {w} got {g}: {t}" for i, w, g, t in report.wrong]
            lines += ["by topic:"] + [
                f"  {topic:<34} {right}/{count}"
                for topic, (right, count) in sorted(report.by_topic.items())
            ]
    ordered = sorted(report.latencies_ms)
    if ordered:
        middle, high = _at(ordered, 0.5), _at(ordered, 0.95)
        lines.append(f"latency                 p50 {middle:.0f} ms, p95 {high:.0f} ms")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({100 * part / whole:.1f}%)" if whole else "none"


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
