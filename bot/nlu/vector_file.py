"""Sentence vectors kept on disk, so that a start embeds only what is new.

A cache: whatever is wrong with the file, the vectors are computed again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np

from bot.nlu.encoder import Vectors

logger = logging.getLogger(__name__)


class VectorFile:
    """The vectors of the published texts, made by one encoder.

    Holds nothing but the clinic's own content: no word of a patient is kept here.
    """

    def __init__(self, var_folder: Path, encoder_path: Path) -> None:
        """Nothing is read.

        Args:
            var_folder: What the product may write to; has a folder for this.
            encoder_path: The ONNX file that makes the vectors.
        """
        self._folder = var_folder / "vectors"
        self._encoder_path = encoder_path

    @cached_property
    def _path(self) -> Path:
        # Named after the encoder, so that another encoder's vectors are never read.
        checksum = hashlib.sha256(self._encoder_path.read_bytes()).hexdigest()[:16]
        return self._folder / f"answer-vectors-{checksum}.npz"

    def read(self) -> dict[str, Vectors]:
        """Vector of each text; empty when there is no readable file."""
        try:
            # Opened here, because `np.load` leaves its file open when the archive is damaged.
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return dict(zip(stored["texts"].tolist(), stored["vectors"], strict=True))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            logger.warning("kept vectors are unreadable (%s), made again", type(error).__name__)
            return {}

    def write(self, vectors: Mapping[str, Vectors]) -> None:
        """Replace the file's content, at once and whole, as several processes may write.

        A full or read-only disk costs the next start some seconds and nothing else.
        """
        part = self._path.with_suffix(f".{os.getpid()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(file, texts=np.array(list(vectors)), vectors=np.stack([*vectors.values()]))
            part.replace(self._path)
        except OSError as error:
            logger.warning("vectors are not kept: %s", type(error).__name__)
            with suppress(OSError):
                part.unlink(missing_ok=True)
