from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.hint3 import OUTSIDE, Guesses, Labelled, find_bots, judge, read
from benchmarks.our_recipe import (
    FOLDS,
    SEEDS,
    config_of_product,
    held_out_folds,
    title,
    twins,
)

HEAD = "sentence,label\n"


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(HEAD + 'hello,GREET\n"a, b",LIST\n', encoding="utf-8")


def test_sentences_with_commas_are_read_whole(tmp_path: Path) -> None:
    write(tmp_path, "train.csv")
    assert read(tmp_path / "train.csv") == Labelled(["hello", "a, b"], ["GREET", "LIST"])


def test_a_file_with_other_columns_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,intent\nhello,GREET\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"train\.csv: needs the columns"):
        read(tmp_path / "train.csv")


@pytest.mark.parametrize(
    ("files", "bots"),
    [
        (["train.csv", "test.csv"], [""]),
        (["a_train.csv", "a_test.csv", "b_train.csv", "b_test.csv"], ["a_", "b_"]),
        (["a_train.csv", "a_test.csv", "lonely_train.csv"], ["a_"]),
    ],
)
def test_bots_are_found_by_their_file_names(
    tmp_path: Path, files: list[str], bots: list[str]
) -> None:
    write(tmp_path, *files)
    assert find_bots(tmp_path) == bots


def test_a_folder_without_bots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no NAME_train\.csv"):
        find_bots(tmp_path)


TEST = Labelled(["1", "2", "3", "4"], ["a", "b", OUTSIDE, OUTSIDE])
GUESSES = Guesses(["a", "a", "b", "b"], [0.9, 0.25, 0.8, 0.15])


def test_accuracy_without_threshold_asks_what_is_in_scope_only() -> None:
    assert judge(TEST, GUESSES, None)["accuracy_without_threshold"] == 0.5
    assert judge(TEST, GUESSES, 0.99)["accuracy_without_threshold"] == 0.5


def test_a_fixed_threshold_is_judged_on_both_sides() -> None:
    found = judge(TEST, GUESSES, 0.5)
    assert (found["in_scope_accuracy"], found["out_of_scope_recall"]) == (0.5, 0.5)
    assert found["threshold"] == 0.5


def test_the_flattering_figure_tries_each_published_step() -> None:
    found = judge(TEST, GUESSES, None)
    assert "mcc" not in found
    assert found["best_step_on_test"] == 0.9
    assert found["mcc_at_best_step_on_test"] >= judge(TEST, GUESSES, 0.9)["mcc"]


LABELS = [name for name in "abcdefg" for _ in range(10)]


@pytest.mark.parametrize("seed", SEEDS)
def test_folds_hold_out_each_intent_once_and_never_train_on_what_they_ask(seed: int) -> None:
    groups = np.arange(len(LABELS)) // 2
    foreign_seen: list[str] = []
    folds = list(held_out_folds(LABELS, groups, seed))
    assert len(folds) == FOLDS
    for kept, asked, foreign in folds:
        assert sorted([*kept, *asked, *foreign]) == list(range(len(LABELS)))
        assert {LABELS[i] for i in foreign}.isdisjoint(LABELS[i] for i in [*kept, *asked])
        assert {groups[i] for i in kept}.isdisjoint({groups[i] for i in asked})
        foreign_seen += sorted({LABELS[i] for i in foreign})
    assert sorted(foreign_seen) == list("abcdefg")


def test_an_intent_without_a_trained_message_is_not_asked_as_in_scope() -> None:
    one_group_per_intent = np.array([ord(label) for label in LABELS])
    for _, asked, _ in held_out_folds(LABELS, one_group_per_intent, seed=0):
        assert asked == []


def test_near_twins_share_a_group_and_others_do_not() -> None:
    vectors = np.array([[1, 0], [0.99, 0.14], [0, 1]], dtype=np.float32)
    first, twin, other = twins(vectors).tolist()
    assert first == twin != other


def test_an_intents_name_is_read_as_words() -> None:
    assert title("100_NIGHT_TRIAL_OFFER") == "100 night trial offer"


def test_our_recipe_takes_its_settings_from_the_products_pipeline() -> None:
    config = config_of_product()
    assert config.c > 0
    assert 0 < config.letters_weight <= 1
