from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.nlu.vector_file import VectorFile

VECTORS = {
    "does it hurt?": np.array([0.6, 0.8], dtype=np.float32),
    "¿duele? 😖": np.array([1.0, 0.0], dtype=np.float32),
}


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(b"one encoder")
    return path


def test_what_was_written_is_read_again(tmp_path: Path, encoder: Path) -> None:
    VectorFile(tmp_path / "new", encoder).write(VECTORS)
    read = VectorFile(tmp_path / "new", encoder).read()
    assert list(read) == list(VECTORS)
    for text, vector in VECTORS.items():
        np.testing.assert_array_equal(read[text], vector)
        assert read[text].dtype == np.float32


def test_what_was_built_is_read_too_and_left_alone(tmp_path: Path, encoder: Path) -> None:
    VectorFile(tmp_path / "built", encoder).write(VECTORS)
    kept = VectorFile(tmp_path / "own", encoder, built=tmp_path / "built")
    assert list(kept.read()) == list(VECTORS)
    new = {"new": np.array([0.0, 1.0], dtype=np.float32)}
    kept.write(new)
    assert set(kept.read()) == {*VECTORS, "new"}
    assert set(VectorFile(tmp_path / "built", encoder).read()) == set(VECTORS)


def test_another_encoder_does_not_read_them(tmp_path: Path, encoder: Path) -> None:
    VectorFile(tmp_path, encoder).write(VECTORS)
    encoder.write_bytes(b"another encoder")
    assert VectorFile(tmp_path, encoder).read() == {}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no archive at all"])
def test_a_damaged_file_is_as_good_as_none(
    tmp_path: Path, encoder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    kept = VectorFile(tmp_path, encoder)
    kept.write(VECTORS)
    (path,) = tmp_path.rglob("*.npz")
    path.write_bytes(content)
    assert kept.read() == {}
    assert "unreadable" in caplog.text


def test_a_cut_file_is_as_good_as_none(tmp_path: Path, encoder: Path) -> None:
    kept = VectorFile(tmp_path, encoder)
    kept.write(VECTORS)
    (path,) = tmp_path.rglob("*.npz")
    path.write_bytes(path.read_bytes()[:-40])
    assert kept.read() == {}


def test_a_folder_that_cannot_be_made_loses_nothing_but_time(
    tmp_path: Path, encoder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = VectorFile(encoder / "no folder", encoder)
    kept.write(VECTORS)
    assert "not kept" in caplog.text
    assert not list(tmp_path.rglob("*.part"))
