from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.nlu.encoder import REMEMBERED, SentenceEncoder, shared_encoder
from bot.settings import ROOT

ENCODER = ROOT / "bot" / "models" / "encoder.onnx"


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(ENCODER)


def runs_of(encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Batch sizes of the runs from here on."""
    sizes: list[int] = []
    run = encoder._run
    monkeypatch.setattr(encoder, "_run", lambda texts: (sizes.append(len(texts)), run(texts))[1])
    return sizes


def test_a_text_looked_at_by_several_parts_is_encoded_once(
    encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = runs_of(encoder, monkeypatch)
    first = encoder.encode(["is one peel enough for me"])
    again = encoder.encode(["is one peel enough for me"])
    assert sizes == [1]
    assert np.array_equal(first, again)


def test_a_remembered_vector_cannot_be_spoilt_by_its_user(encoder: SentenceEncoder) -> None:
    first = encoder.encode(["a text of its own"])
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(encoder.encode(["a text of its own"]), kept)


def test_only_the_last_few_texts_are_remembered(
    encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder.encode(["the first of many"])
    for number in range(REMEMBERED):
        encoder.encode([f"another message {number}"])
    assert len(encoder._remembered) == REMEMBERED
    sizes = runs_of(encoder, monkeypatch)
    encoder.encode(["the first of many"])
    assert sizes == [1]


def test_vectors_have_length_one_alone_and_in_a_batch(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(["how long does it last", "hi", "does it hurt a lot on the neck"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    alone = encoder.encode(["does it hurt a lot on the neck"])[0]
    # int8 scales depend on what shares the batch; the meaning does not.
    assert float(alone @ vectors[2]) > 0.98


def test_one_model_serves_all_parts_of_a_process() -> None:
    assert shared_encoder(ENCODER) is shared_encoder(ENCODER)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        SentenceEncoder(tmp_path / "none.onnx")
