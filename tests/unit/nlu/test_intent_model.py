from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bot.nlu.intent_model import IntentModel, IntentModelConfig
from tests.fakes import WordEncoder

CONFIG = IntentModelConfig()
TEXTS = ["what does it cost", "how much does it cost", "does it hurt", "will it hurt much"]
INTENTS = ["ask_cost", "ask_cost", "ask_pain", "ask_pain"]


@pytest.mark.parametrize("intents", [INTENTS, [*INTENTS[:3], "ask_other"]], ids=["two", "three"])
def test_it_judges_as_the_library_does(intents: list[str]) -> None:
    vectors = WordEncoder().encode(TEXTS)
    model = IntentModel(CONFIG)
    model.fit(TEXTS, vectors, intents)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
    rows = letters.fit_transform(TEXTS) * CONFIG.letters_weight
    features = np.hstack([vectors, rows.toarray()])
    library = LogisticRegression(C=CONFIG.c, class_weight="balanced", max_iter=300, tol=1e-3)
    library.fit(features, intents)
    expected = library.predict_proba(features)
    np.testing.assert_allclose(model.probabilities(TEXTS, vectors), expected, atol=2e-3)


def test_a_saved_model_judges_as_before(tmp_path: Path) -> None:
    vectors = WordEncoder().encode(TEXTS)
    model = IntentModel(IntentModelConfig())
    model.fit(TEXTS, vectors, INTENTS)
    model.save(tmp_path / "intent_model.npz")
    loaded = IntentModel.load(tmp_path / "intent_model.npz", IntentModelConfig())
    assert loaded.intents == model.intents == ["ask_cost", "ask_pain"]
    before, after = (m.probabilities(TEXTS, vectors) for m in (model, loaded))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_file_that_holds_objects_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "intent_model.npz"
    np.savez(path, letters=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        IntentModel.load(path, IntentModelConfig())
