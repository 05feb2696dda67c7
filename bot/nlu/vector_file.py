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
from bot.settings import ROOT, Settings

logger = logging.getLogger(__name__)

BETWEEN = "\0"
"""Stands between two texts; the database stores none that has it."""


class VectorFile:
    """The vectors of the published texts, made by one encoder.

    Holds nothing but the clinic's own content: no word of a patient is kept here.
    """

    def __init__(self, folder: Path, encoder_path: Path, built: Path | None = None) -> None:
        """Nothing is read.

        Args:
            folder: Where to write; `vectors` is made in it.
            encoder_path: The ONNX file that makes the vectors.
            built: Another such folder, which is only read: what `bot build-vectors` made.
        """
        self._folder = folder
        self._encoder_path = encoder_path
        self._built = built

    @cached_property
    def _name(self) -> str:
        # Named after the encoder, so that another encoder's vectors are never read.
        checksum = hashlib.sha256(self._encoder_path.read_bytes()).hexdigest()[:16]
        return f"vectors/answer-vectors-{checksum}.npz"

    @property
    def _path(self) -> Path:
        return self._folder / self._name

    def read(self) -> dict[str, Vectors]:
        """Vector of each text; empty when there is no readable file."""
        built = {} if self._built is None else self._read(self._built / self._name)
        return {**built, **self._read(self._path)}

    def _read(self, path: Path) -> dict[str, Vectors]:
        try:
            # Opened here, because `np.load` leaves its file open when the archive is damaged.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                texts = stored["words"].tobytes().decode().split(BETWEEN)
                return dict(zip(texts, stored["vectors"], strict=True))
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
                words = np.frombuffer(BETWEEN.join(vectors).encode(), dtype=np.uint8)
                np.savez(file, words=words, vectors=np.stack([*vectors.values()]))
            part.replace(self._path)
        except OSError as error:
            logger.warning("vectors are not kept: %s", type(error).__name__)
            with suppress(OSError):
                part.unlink(missing_ok=True)


def kept_vectors(settings: Settings) -> VectorFile:
    """The vectors of this installation, those that came with its model included."""
    return VectorFile(settings.var_folder, settings.encoder_path, ROOT / "models")
