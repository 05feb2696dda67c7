"""Sentence embeddings by ONNX Runtime, in this process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

DIMENSIONS = 384
MAX_TOKENS = 96
"""Longest text that is read; questions are far shorter, and cost grows with length."""
FEW = 8
"""The texts of one message, at most. They are run one by one: what shares a run with a text
moves its vector a little, as the run's numbers are rounded together, and it saves no time.
"""
REMEMBERED = 32
"""Vectors kept of texts run one by one: several parts look at the same message."""


class SentenceEncoder:
    """Turns short texts into unit vectors whose dot product is their likeness.

    The model file is self-contained: tokens in, mean-pooled and normalised vector out
    (see `bot/models/README.md` for its origin and checksum).
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the model, with its tokenizer beside it.

        Args:
            path: The ONNX file; `tokenizer.json` lies in the same folder.
            threads: Threads for one call. One is best when calls come in parallel.

        Raises:
            FileNotFoundError: A file is missing.
        """
        # Imported here: neither is needed by those who only import this module's types.
        import onnxruntime
        from tokenizers import Tokenizer

        tokenizer_path = path.parent / "tokenizer.json"
        for needed in (path, tokenizer_path):
            if not needed.is_file():
                raise FileNotFoundError(needed)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # The arena would keep, for good, what the largest batch at start needed.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(tokenizer_path))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()
        self._remembered: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], batch: int = 32) -> Vectors:
        """Embed texts.

        Returns:
            Array of shape (len(texts), 384), rows of length 1.
        """
        if 0 < len(texts) <= FEW:
            return np.concatenate([self._one(text) for text in texts])
        result = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        # Texts of like length share a batch, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            result[chosen] = self._run([texts[i] for i in chosen])
        return result

    def _one(self, text: str) -> Vectors:
        with self._lock:
            known = self._remembered.get(text)
        if known is not None:
            return known
        vector = self._run([text])
        with self._lock:
            self._remembered[text] = vector
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return vector

    def _run(self, texts: Sequence[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch([normalise(text) for text in texts])
        ids = np.array([e.ids for e in encodings], dtype=np.int64)
        mask = np.array([e.attention_mask for e in encodings], dtype=np.int64)
        vectors: Vectors = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return vectors


@lru_cache(maxsize=1)
def shared_encoder(path: Path) -> SentenceEncoder:
    """One model per process, however many components use it."""
    return SentenceEncoder(path)


def normalise(text: str) -> str:
    """Fold what patients type differently without meaning anything by it."""
    return " ".join(text.replace("’", "'").split()).strip()
