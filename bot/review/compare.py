"""Whether a newly trained model may take the place of the old one. Pure."""

from __future__ import annotations

from typing import Final

from bot.evaluation_report import ALARMS, Report

MAX_MORE_FALSE_ALARMS: Final = 0.01
"""How much the share of false alarms may rise: people stop heeding what cries too often."""


def less_safe(old: Report, new: Report) -> list[str]:
    """Why the new model is less safe on one set; empty when it is not.

    A single further miss refuses it, also one that others newly caught make up for: who
    wrote that message is not helped by these.
    """
    reasons = []
    before = {line_id for line_id, _, _ in old.missed}
    for line_id, expected, _ in new.missed:
        if line_id not in before:
            reasons.append(f"{line_id} ({expected}) is missed and was not")
    for tier in ALARMS:
        if new.tiers[tier]["caught"] < old.tiers[tier]["caught"]:
            reasons.append(
                f"{tier}: {new.tiers[tier]['caught']} caught, {old.tiers[tier]['caught']} before"
            )
    rise = new.false_alarm_rate - old.false_alarm_rate
    if rise > MAX_MORE_FALSE_ALARMS:
        reasons.append(f"false alarms rise by {rise:.1%}")
    return reasons


def table(name: str, old: Report, new: Report) -> list[str]:
    """The figures of one set side by side; no message is shown."""
    lines = [f"{name}: {old.labelled} lines{'old':>28}{'new':>10}"]
    rows: list[tuple[str, str, str]] = []
    for tier in ALARMS:
        if old.tiers[tier]["all"]:
            counts = [f"{r.tiers[tier]['caught']}/{r.tiers[tier]['all']}" for r in (old, new)]
            rows.append((f"{tier} caught", counts[0], counts[1]))
    rows.append(("false alarms", f"{old.false_alarm_rate:.1%}", f"{new.false_alarm_rate:.1%}"))
    rows.append(("right answers", f"{old.answer_accuracy:.1%}", f"{new.answer_accuracy:.1%}"))
    lines += [f"  {words:<32}{before:>10}{after:>10}" for words, before, after in rows]
    return lines
