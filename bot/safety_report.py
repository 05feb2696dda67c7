"""Judging what the nets said against labels: recall, false alarms, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages import Tier

NetResult = tuple[Tier, ...]
"""What one net made of each message, in their order."""

ALARMS = {"escalate_urgent": Tier.URGENT, "escalate_emergency": Tier.EMERGENCY}
_Z = 1.959964
"""Of the normal distribution, for an interval of 95%."""


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled message.

    Attributes:
        tier: The tier it has to raise; NONE when it has to raise no alarm.
        also: Other tiers that are as right.
        quiet_is_fine: A label that allows both: neither a miss nor a false alarm.
    """

    id: str
    text: str
    tier: Tier
    also: frozenset[Tier]
    quiet_is_fine: bool

    @classmethod
    def of(cls, record: Mapping[str, Any], default_id: str) -> Case:
        """Read a line of an evaluation file, or of the tier model's examples.

        Raises:
            KeyError: It has neither label, or no text.
        """
        if "expected" not in record:
            tier = Tier[str(record["tier"]).upper()]
            tier = tier if tier >= Tier.URGENT else Tier.NONE
            return cls(str(record.get("id", default_id)), record["text"], tier, frozenset(), False)
        expected = str(record["expected"])
        accepted = {expected, *(record.get("acceptable_expected") or ())}
        return cls(
            id=str(record.get("id", default_id)),
            text=record["text"],
            tier=ALARMS.get(expected, Tier.NONE),
            also=frozenset(ALARMS[name] for name in accepted if name in ALARMS),
            quiet_is_fine=expected not in ALARMS or bool(accepted - set(ALARMS)),
        )


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of Wilson, from 0 to 1; of nothing, all is possible."""
        if not self.whole:
            return 0.0, 1.0
        n, p = self.whole, self.part / self.whole
        middle = p + _Z**2 / (2 * n)
        half = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        scale = 1 + _Z**2 / n
        return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)

    def __str__(self) -> str:
        if not self.whole:
            return "none"
        low, high = (100 * bound for bound in self.interval)
        percent = 100 * self.part / self.whole
        return f"{self.part}/{self.whole} = {percent:.1f}% ({low:.1f} to {high:.1f})"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one net did. ``misses`` and ``false_alarms`` are positions of the messages."""

    emergency_caught: Share
    emergency_exact: Share
    urgent_caught: Share
    urgent_exact: Share
    alarms: Share
    misses: tuple[int, ...]
    false_alarms: tuple[int, ...]


def judge(cases: Sequence[Case], tiers: Sequence[Tier]) -> Judgement:
    """Compare. Caught is any alarm; exact is the labelled tier or one said to be as right."""
    pairs = list(zip(cases, tiers, strict=True))

    def caught(case: Case, tier: Tier) -> bool:
        return tier >= Tier.URGENT or case.quiet_is_fine

    def share(wanted: Tier, *, exact: bool) -> Share:
        of = [(case, tier) for case, tier in pairs if case.tier is wanted]
        good = [
            pair
            for pair in of
            if caught(*pair)
            and (not exact or pair[1] in {wanted, *pair[0].also} or pair[1] < Tier.URGENT)
        ]
        return Share(len(good), len(of))

    quiet = [c.tier is Tier.NONE and not c.also for c in cases]
    alarms = tuple(i for i, (_, tier) in enumerate(pairs) if quiet[i] and tier >= Tier.URGENT)
    missed = tuple(
        i for i, (case, tier) in enumerate(pairs) if case.tier and not caught(case, tier)
    )
    return Judgement(
        emergency_caught=share(Tier.EMERGENCY, exact=False),
        emergency_exact=share(Tier.EMERGENCY, exact=True),
        urgent_caught=share(Tier.URGENT, exact=False),
        urgent_exact=share(Tier.URGENT, exact=True),
        alarms=Share(len(alarms), sum(quiet)),
        misses=missed,
        false_alarms=alarms,
    )


def render(cases: Sequence[Case], nets: Mapping[str, NetResult], *, words: bool) -> str:
    """The report as text.

    Args:
        words: Also show each missed message and false alarm in words. Not for a blind set.
    """
    lines = [f"{len(cases)} messages; in brackets the 95% interval (Wilson)"]
    for name, tiers in nets.items():
        found = judge(cases, tiers)
        lines += [
            "",
            name,
            f"  emergency caught  {found.emergency_caught}",
            f"  emergency exact   {found.emergency_exact}",
            f"  urgent caught     {found.urgent_caught}",
            f"  urgent exact      {found.urgent_exact}",
            f"  false alarms      {found.alarms}",
            *_one_by_one("missed", found.misses, cases, nets, words),
            *_one_by_one("false alarm", found.false_alarms, cases, nets, words),
        ]
    return "\n".join(lines)


def _one_by_one(
    what: str,
    positions: Sequence[int],
    cases: Sequence[Case],
    nets: Mapping[str, NetResult],
    words: bool,
) -> list[str]:
    """One line each: what it is, what every net said, and with ``words`` the message."""
    rows = []
    if not words:
        ids = ", ".join(cases[position].id for position in positions)
        return [f"  {what}: {ids}"] if ids else []
    for position in positions:
        case = cases[position]
        said = ", ".join(f"{name}: {tiers[position].name}" for name, tiers in nets.items())
        rows.append(f"  {what} {case.id} ({case.tier.name}; {said})\n    {case.text}")
    return rows
