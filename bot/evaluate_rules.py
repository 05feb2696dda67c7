"""How much the reviewed rules catch alone, on the labelled messages of ``data/triage/examples``.

Rules are written while looking at one half of the situations and judged on the other, so that
the report shows how far they reach beyond what their authors saw.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.messages import Tier
from bot.triage.rules import RuleSet

HALVES: Final = ("seen", "unseen")
_ALARM: Final = Tier.URGENT


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled message; ``row`` is a row of the clinical fact sheet, section 9."""

    text: str
    context: tuple[str, ...]
    tier: Tier
    row: str
    situation: str
    file: str

    @property
    def half(self) -> str:
        """``seen`` by the authors of rules, or ``unseen``. A situation is in one half only."""
        return HALVES[zlib.crc32(self.situation.encode()) % 2]


@dataclass(frozen=True, slots=True)
class Judged:
    """An example, and what the rules made of it."""

    example: Example
    tier: Tier
    rule_ids: tuple[str, ...]

    @property
    def red_flag(self) -> bool:
        """The label asks for staff today."""
        return self.example.tier >= _ALARM

    @property
    def caught(self) -> bool:
        """The rules send it to staff as urgent or emergency."""
        return self.tier >= _ALARM

    @property
    def exact(self) -> bool:
        """The rules give it the labelled tier."""
        return self.tier == self.example.tier


def read_examples(paths: Iterable[Path]) -> Iterator[Example]:
    """Yield the examples of files, or of the ``.jsonl`` files in folders."""
    for path in paths:
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else (path,):
            for raw in file.read_text(encoding="utf-8").splitlines():
                line = json.loads(raw)
                yield Example(
                    text=line["text"],
                    context=tuple(line["context"]),
                    tier=Tier[line["tier"].upper()],
                    row=line["row"],
                    situation=line["situation"],
                    file=file.stem,
                )


def judge(rules: RuleSet, examples: Iterable[Example]) -> list[Judged]:
    """Let the rules alone judge every example."""
    judged = []
    for example in examples:
        findings = rules.find(example.text, example.context)
        judged.append(
            Judged(
                example,
                max((finding.rule.tier for finding in findings), default=Tier.NONE),
                tuple(finding.rule.id for finding in findings),
            )
        )
    return judged


def render(judged: Sequence[Judged], *, misses: bool = False) -> str:
    """Word the report: recall by row, alarms by kind of message, and each false alarm."""
    lines = [f"{'':26}" + "".join(f"{half:>22}" for half in HALVES)]
    for tier in (Tier.EMERGENCY, Tier.URGENT):
        flagged = [j for j in judged if j.example.tier is tier]
        lines.append(f"{tier.name.lower() + ' caught / exact':26}" + _by_half(flagged, _recall))
        for row in sorted({j.example.row for j in flagged}, key=_row_order):
            of_row = [j for j in flagged if j.example.row == row]
            lines.append(f"  {row:24}" + _by_half(of_row, _recall))
    harmless = [j for j in judged if not j.red_flag]
    lines.append(f"{'false alarms / emergency':26}" + _by_half(harmless, _alarms))
    for kind in sorted({_kind(j) for j in harmless}):
        lines.append(f"  {kind:24}" + _by_half([j for j in harmless if _kind(j) == kind], _alarms))
    alarms = [j for j in harmless if j.caught]
    lines.append("")
    counts = Counter(rule_id for j in alarms for rule_id in j.rule_ids)
    lines += [f"  {count:4} by {rule_id}" for rule_id, count in counts.most_common()]
    lines += [f"  FALSE ALARM {_shown(j)}" for j in alarms]
    if misses:
        missed = [j for j in judged if j.red_flag and not j.caught]
        lines += [f"  MISSED {_shown(j)}" for j in missed]
    return "\n".join(lines)


def _by_half(judged: Sequence[Judged], measure: Callable[[Sequence[Judged]], str]) -> str:
    return "".join(f"{measure([j for j in judged if j.example.half == h]):>22}" for h in HALVES)


def _recall(judged: Sequence[Judged]) -> str:
    if not judged:
        return "-"
    caught = sum(j.caught for j in judged) / len(judged)
    exact = sum(j.exact for j in judged) / len(judged)
    return f"{caught:.0%} / {exact:.0%} of {len(judged)}"


def _alarms(judged: Sequence[Judged]) -> str:
    if not judged:
        return "-"
    alarms = sum(j.caught for j in judged) / len(judged)
    emergencies = sum(j.tier is Tier.EMERGENCY for j in judged) / len(judged)
    return f"{alarms:.1%} / {emergencies:.1%} of {len(judged)}"


def _kind(judged: Judged) -> str:
    return judged.example.file.partition("_")[0]


def _row_order(row: str) -> tuple[str, int]:
    return row[0], int(row[1:]) if row[1:].isdigit() else 0


def _shown(judged: Judged) -> str:
    example = judged.example
    earlier = "".join(f"[{turn}] " for turn in example.context)
    rules = ", ".join(judged.rule_ids)
    return f"({example.file} {example.row} {example.half}; {rules}): {earlier}{example.text}"
