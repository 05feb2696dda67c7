from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.nlu.letters import LetterGroups, LetterRows

TEXTS = [
    "how long does the redness last",
    "how much does it cost",
    "a",
    "is it ok to wear make-up, i mean foundation?",
    "how how how long",
]
ASKED = ["how long is it red", "cost", "i", "zzz qqq", "", "how\tlong  does it last?"]


@pytest.mark.parametrize("lengths", [(2, 4), (3, 5)])
@pytest.mark.parametrize("min_df", [1, 2])
def test_texts_are_weighed_as_the_library_weighs_them(
    lengths: tuple[int, int], min_df: int
) -> None:
    library = TfidfVectorizer(
        analyzer="char_wb", ngram_range=lengths, min_df=min_df, sublinear_tf=True
    )
    library.fit(TEXTS)
    groups = LetterGroups.fit(TEXTS, lengths, min_df)
    assert groups.columns == library.vocabulary_
    for text in [*TEXTS, *ASKED]:
        columns, weights = groups.weigh(text)
        ours = np.zeros(len(library.vocabulary_))
        ours[columns] = weights
        np.testing.assert_allclose(ours, library.transform([text]).toarray()[0], atol=1e-6)
    np.testing.assert_allclose(
        groups.rows(TEXTS).toarray(), library.transform(TEXTS).toarray(), atol=1e-6
    )


def test_likeness_is_the_cosine_with_every_text() -> None:
    groups = LetterGroups.fit(TEXTS, (2, 4))
    kept, rows = LetterRows(groups, TEXTS), groups.rows(TEXTS)
    for text in ASKED:
        columns, weights = groups.weigh(text)
        question = np.zeros(len(groups.columns), dtype=np.float32)
        question[columns] = weights
        np.testing.assert_allclose(kept.likeness(columns, weights), rows @ question, atol=1e-6)
