from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.nlu.intent_model import IntentModel, IntentModelConfig
from tests.fakes import WordEncoder

TEXTS = ["what does it cost", "how much does it cost", "does it hurt", "will it hurt much"]
INTENTS = ["ask_cost", "ask_cost", "ask_pain", "ask_pain"]


def test_a_saved_model_judges_as_before(tmp_path: Path) -> None:
    vectors = WordEncoder().encode(TEXTS)
    model = IntentModel(IntentModelConfig())
    model.fit(TEXTS, vectors, INTENTS)
    model.save(tmp_path / "intents.npz")
    loaded = IntentModel.load(tmp_path / "intents.npz", IntentModelConfig())
    assert loaded.intents == model.intents == ["ask_cost", "ask_pain"]
    before, after = (m.probabilities(TEXTS, vectors) for m in (model, loaded))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_file_that_holds_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "intents.npz"
    np.savez(path, letters=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        IntentModel.load(path, IntentModelConfig())
