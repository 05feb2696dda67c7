"""Fit the tier head on the encoder's vectors: a logistic regression, a minute's work.

Run by `make tier-head`, in the product's environment, whenever the labelled messages or
the phrasings grew; the encoder itself stays. Every ordinary phrasing of `data/nlu` teaches
that it is harmless, which the labelled messages alone teach too little. Whole situations
are held out for the figures in `tier_metrics.json`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import yaml
from sklearn.linear_model import LogisticRegression

from bot.nlu.encoder import SentenceEncoder
from bot.triage.learned import TIERS, joined

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT = 10
"""One situation (or line) in so many is held out, the same ones as in finetune.py."""
LEFT_OUT = {"report_symptom", "complain"}
"""Intents whose lines have no one tier."""
STRENGTH = 1.0
"""Inverse regularisation; chosen on held-out situations among 1, 5 and 30."""


def held_out(key: str) -> bool:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % HELD_OUT == 0


def read_lines() -> list[tuple[str, int, bool, bool]]:
    """(text with its context, tier, held out, labelled message rather than phrasing)."""
    rows = []
    for path in sorted((ROOT / "data/triage/examples").glob("*.jsonl")):
        for raw in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(raw)
            text = joined(line["text"], line.get("context") or [])
            key = f"{line['row']}:{line['situation']}"
            rows.append((text, TIERS.index(line["tier"]), held_out(key), True))
    for path in sorted((ROOT / "data/nlu").rglob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            if entry["intent"] in LEFT_OUT:
                continue
            tier = 3 if entry["intent"] == "report_emergency" else 0
            for raw in entry["examples"].strip().splitlines():
                text = raw.strip().removeprefix("- ").strip()
                rows.append((text, tier, held_out(text), False))
    return rows


def main() -> None:
    folder = ROOT / "bot/models"
    rows = read_lines()
    vectors = SentenceEncoder(folder / "encoder.onnx", threads=2).encode([r[0] for r in rows])
    tiers = np.array([r[1] for r in rows])
    held = np.array([r[2] for r in rows])
    labelled = np.array([r[3] for r in rows])
    model = LogisticRegression(C=STRENGTH, max_iter=500)
    model.fit(vectors[~held], tiers[~held])
    alarm = model.predict_proba(vectors)[:, 2:].sum(1) >= 0.5
    metrics = {
        "trained_on": int((~held).sum()),
        "held_out": int(held.sum()),
        "emergency_caught": round(float(alarm[held & labelled & (tiers == 3)].mean()), 4),
        "urgent_caught": round(float(alarm[held & labelled & (tiers == 2)].mean()), 4),
        "false_alarms_hard": round(float(alarm[held & labelled & (tiers < 2)].mean()), 4),
        "false_alarms_everyday": round(float(alarm[held & ~labelled & (tiers < 2)].mean()), 4),
    }
    head = {
        "weights": np.round(model.coef_, 5).tolist(),
        "bias": np.round(model.intercept_, 5).tolist(),
    }
    (folder / "tier_head.json").write_text(json.dumps(head) + "\n", encoding="utf-8")
    (folder / "tier_metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    json.dump(metrics, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
