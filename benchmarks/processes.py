"""Memory and processor time of processes and their children, from /proc (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def family(roots: Iterable[int]) -> list[int]:
    """The given processes and all that descend from them."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                parents[int(entry.name)] = int(fields[1])
    found = set(roots)
    grown = True
    while grown:
        grown = False
        for pid, parent in parents.items():
            if parent in found and pid not in found:
                found.add(pid)
                grown = True
    return sorted(found & set(parents))


def resident_mb(pid: int) -> float:
    """Resident memory in MiB; 0 when the process is gone."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") / 1024


def proportional_mb(pid: int) -> float:
    """The same with shared pages split among those who share them."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1024


def cpu_s(pids: Iterable[int]) -> float:
    """Processor seconds used so far, ended children that were waited for included."""
    total = 0
    for pid in pids:
        fields = _stat(pid)
        total += sum(int(value) for value in fields[11:15]) if fields else 0
    return total / TICKS


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name: state, parent, … (proc(5) counts from 3)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def _kilobytes(path: Path, label: str) -> int:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(label)), 0)
