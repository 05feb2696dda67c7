"""Fit the tier head on the encoder's vectors, words and letter groups: some minutes' work.

Run by `make tier-head`, in the product's environment, whenever the labelled messages or
the phrasings grew; the encoder itself stays. Every ordinary phrasing of `data/nlu` teaches
that it is harmless, which the labelled messages alone teach too little, and the phrases
that the rules must match teach what is said in three words. A quarter of the labelled messages are
learnt with chatter around them (`data/triage/chatter.yml`). Probabilities and
the figures in `tier_metrics.json` come from whole situations that neither the encoder nor
the head had seen; the head that is kept has then seen all of them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from bot.nlu.encoder import SentenceEncoder
from bot.triage.learned import HEAD_FILE, TIERS, TierHead, grams_of, joined
from bot.triage.rules import load_rules

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "bot/models"
HELD_OUT = 10
"""One situation (or line) in so many was held out in finetune.py."""
FOLDS = 3
WRAPPED = 4
"""One labelled message in so many is learnt with chatter around it."""
LEFT_OUT = {"report_symptom", "complain"}
"""Intents whose lines have no one tier."""

# Chosen on unseen situations (docs/evaluation.md).
PENALTY = 3.0
WIDTH = 1.5
WORDS_SHARE = 0.5
"""Weight of words and letter groups beside the likeness of vectors."""


@dataclass(frozen=True, slots=True)
class Line:
    """``unseen``: the encoder did not learn from it. ``labelled``: no phrasing of an intent."""

    text: str
    tier: int
    key: str
    unseen: bool
    labelled: bool


def bucket(key: str, buckets: int) -> int:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % buckets


def wrapped(text: str, chatter: dict[str, list[str]]) -> str:
    """A message with chatter before it, after it, or both; the same each time."""
    before = chatter["before"][bucket(f"before {text}", len(chatter["before"]))]
    after = chatter["after"][bucket(f"after {text}", len(chatter["after"]))]
    end = "" if text[-1:] in ".!?" else "."
    where = bucket(f"where {text}", 5)
    if where == 0:
        return f"{before} {text}"
    return f"{text}{end} {after}" if where < 4 else f"{before} {text}{end} {after}"


def read_lines() -> list[Line]:
    taught = set(json.loads((FOLDER / "metrics.json").read_text())["tier_files"])
    chatter = yaml.safe_load((ROOT / "data/triage/chatter.yml").read_text(encoding="utf-8"))
    lines = []
    for path in sorted((ROOT / "data/triage/examples").glob("*.jsonl")):
        for raw in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(raw)
            text = joined(line["text"], line.get("context") or [])
            key = f"{line['row']}:{line['situation']}"
            unseen = path.name not in taught or bucket(key, HELD_OUT) == 0
            if not unseen and bucket(f"chatter {text}", WRAPPED) == 0:
                text = joined(wrapped(line["text"], chatter), line.get("context") or [])
            lines.append(Line(text, TIERS.index(line["tier"]), key, unseen, True))
    for rule in load_rules(ROOT / "data/triage").rules:
        for text in (text for texts in rule.matches.values() for text in texts):
            lines.append(Line(text, int(rule.tier), text, False, True))
    for path in sorted((ROOT / "data/nlu").rglob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            if entry["intent"] in LEFT_OUT:
                continue
            tier = 3 if entry["intent"] == "report_emergency" else 0
            for raw in entry["examples"].strip().splitlines():
                text = raw.strip().removeprefix("- ").strip()
                lines.append(Line(text, tier, text, bucket(text, HELD_OUT) == 0, False))
    return lines


def fitted(kernel: np.ndarray, wanted: np.ndarray) -> SVC:
    return SVC(C=PENALTY, kernel="precomputed", cache_size=1000).fit(kernel, wanted)


def rates(chances: np.ndarray, tiers: np.ndarray, labelled: np.ndarray, limit: float):
    """Share of emergencies, urgent, hard harmless and everyday lines at or above a limit."""
    high = chances >= limit
    chosen = (tiers == 3, tiers == 2, labelled & (tiers < 2), ~labelled & (tiers < 2))
    return [round(float(high[each].mean()), 4) for each in chosen]


def main() -> None:
    lines = read_lines()
    texts = [line.text for line in lines]
    tiers = np.array([line.tier for line in lines])
    labelled = np.array([line.labelled for line in lines])
    unseen = np.flatnonzero([line.unseen for line in lines])
    fold = np.array([bucket(f"fold {line.key}", FOLDS) for line in lines])
    vectors = SentenceEncoder(FOLDER / "encoder.onnx", threads=2).encode(texts)
    letters = TfidfVectorizer(analyzer=grams_of, min_df=3, sublinear_tf=True, dtype=np.float32)
    words: csr_matrix = letters.fit_transform(texts)
    kernel = np.exp(-2 * WIDTH * (1 - vectors @ vectors.T))
    kernel += WORDS_SHARE * (words @ words.T).toarray()

    everything = np.arange(len(lines))
    chances = np.zeros((3, len(unseen)))
    pull = np.zeros((3, len(lines)))
    bias, slope, offset = np.zeros(3), np.zeros(3), np.zeros(3)
    for level in range(3):
        wanted = tiers > level
        values = np.zeros(len(lines))
        for number in range(FOLDS):
            of = unseen[fold[unseen] == number]
            seen = np.setdiff1d(everything, of)
            machine = fitted(kernel[np.ix_(seen, seen)], wanted[seen])
            values[of] = machine.decision_function(kernel[np.ix_(of, seen)])
        scale = LogisticRegression().fit(values[unseen, None], wanted[unseen])
        slope[level], offset[level] = scale.coef_[0, 0], scale.intercept_[0]
        chances[level] = scale.predict_proba(values[unseen, None])[:, 1]
        machine = fitted(kernel, wanted)
        pull[level, machine.support_], bias[level] = machine.dual_coef_[0], machine.intercept_[0]
    kept = np.flatnonzero(np.abs(pull).max(axis=0) > 0)
    head = TierHead(
        supports=vectors[kept].astype(np.float16),
        pull=pull[:, kept].astype(np.float32),
        width=WIDTH,
        grams={gram: i for i, gram in enumerate(letters.get_feature_names_out())},
        idf=letters.idf_.astype(np.float16),
        weights=(WORDS_SHARE * (pull @ words)).astype(np.float16),
        bias=bias,
        slope=slope,
        offset=offset,
    )
    head.save(FOLDER / HEAD_FILE)

    head_of = (tiers[unseen], labelled[unseen])
    caught = {
        str(limit): dict(
            zip(
                ("emergency", "urgent", "harmless_hard", "harmless_everyday"),
                rates(chances[1], *head_of, limit),
                strict=True,
            )
        )
        for limit in (0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8)
    }
    metrics = {
        "lines": len(lines),
        "unseen": len(unseen),
        "supports": len(kept),
        "urgent_or_above_at": caught,
        "emergency_at_0.6": rates(chances[2], *head_of, 0.6)[0],
        "urgent_taken_for_emergency_at_0.6": rates(chances[2], *head_of, 0.6)[1],
    }
    (FOLDER / "tier_metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    json.dump(metrics, sys.stdout, indent=2)


if __name__ == "__main__":
    main()
