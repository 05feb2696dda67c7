"""Sentence embeddings by ONNX Runtime, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

DIMENSIONS = 384
MAX_TOKENS = 96
"""Longest text that is read; questions are far shorter, and cost grows with length."""


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
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(tokenizer_path))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def encode(self, texts: Sequence[str], batch: int = 32) -> Vectors:
        """Embed texts.

        Returns:
            Array of shape (len(texts), 384), rows of length 1.
        """
        result = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        # Texts of like length share a batch, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            encodings = self._tokenizer.encode_batch([normalise(texts[i]) for i in chosen])
            ids = np.array([e.ids for e in encodings], dtype=np.int64)
            mask = np.array([e.attention_mask for e in encodings], dtype=np.int64)
            feed = {"input_ids": ids, "attention_mask": mask}
            result[chosen] = self._session.run(None, feed)[0]
        return result


def normalise(text: str) -> str:
    """Fold what patients type differently without meaning anything by it."""
    return " ".join(text.replace("’", "'").split()).strip()
