"""Fit the numbers behind the choice of an answer: `make choice-weights`, two minutes.

Run it whenever the encoder was trained again or the phrasings grew much. Only lines that
the encoder never saw (the tenth that finetune.py holds out) are asked, against an index
and an intent model without them; whatever the encoder has learned by heart would look far
too near. Nothing of tests/ is read.

Two small models: how much each view of an answer counts (a conditional logit over all
answers, from phrasings whose answer is known and questions whose intent is known), and
whether a message is about the clinic's subjects (a logistic regression).
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from bot.content.files import load_answers, load_topics
from bot.content.store import PublishedAnswer
from bot.nlu.answer_index import AnswerIndex, Candidate
from bot.nlu.choice_weights import CHOICE_FILE, SIGNS, VIEWS, ChoiceWeights
from bot.nlu.encoder import SentenceEncoder
from bot.nlu.intent_model import IntentModel, IntentModelConfig
from bot.nlu.scope import signs

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT = 10
SHRINK = 0.002
"""Regularisation of the views' weights; chosen among 0.0005, 0.002 and 0.01."""
FOLDS = 5
TURNED_AWAY = 0.02
"""Share of in-scope questions that the printed threshold would turn away."""

Array = npt.NDArray[np.float64]


def held_out(key: str) -> bool:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % HELD_OUT == 0


def read_intents() -> list[tuple[str, str]]:
    return [
        (line.strip().removeprefix("- ").strip(), entry["intent"])
        for path in sorted((ROOT / "data/nlu").rglob("*.yml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]
        for line in entry["examples"].strip().splitlines()
    ]


def read_answers() -> tuple[list[PublishedAnswer], list[tuple[str, int]]]:
    """The answers without their held-out phrasings, and those with the answer's number."""
    answers, asked = [], []
    for number, draft in enumerate(load_answers(ROOT / "data/answers")):
        kept = tuple(p for p in draft.phrasings if not held_out(p))
        asked += [(p, number) for p in draft.phrasings if held_out(p)]
        answers.append(
            PublishedAnswer(
                draft.id, draft.topic, 1, draft.title, draft.body, draft.sms, kept, (),
                draft.referral, None, draft.review_due, True,
            )
        )  # fmt: skip
    return answers, asked


def fit_views(features: list[Array], right: list[npt.NDArray[np.bool_]]) -> Array:
    """Conditional logit: weights, none negative, that make the right answers likely."""

    def loss(weights: Array) -> tuple[float, Array]:
        total, slope = 0.0, np.zeros_like(weights)
        for rows, mask in zip(features, right, strict=True):
            scores = rows @ weights
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
            hit = chances * mask
            sum_hit = hit.sum() + 1e-12
            total -= np.log(sum_hit)
            slope -= (hit / sum_hit) @ rows - chances @ rows
        count = len(features)
        return (
            float(total / count + SHRINK * weights @ weights),
            slope / count + 2 * SHRINK * weights,
        )

    width = features[0].shape[1]
    found = minimize(
        loss, np.full(width, 3.0), jac=True, method="L-BFGS-B", bounds=[(0, None)] * width
    )
    return np.asarray(found.x)


def main() -> None:
    encoder = SentenceEncoder(ROOT / "bot/models/encoder.onnx", threads=2)
    topic_intents = load_topics(ROOT / "data/topics.yml")
    answers, asked = read_answers()
    lines = read_intents()
    learned = [line for line in lines if not held_out(line[0])]
    model = IntentModel(IntentModelConfig())
    model.fit([t for t, _ in learned], encoder.encode([t for t, _ in learned]),
              [i for _, i in learned])  # fmt: skip
    index = AnswerIndex(answers, encoder, dict.fromkeys(VIEWS, 1.0))
    intents_of = [set(topic_intents[answer.topic]) for answer in answers]

    features: list[Array] = []
    right: list[npt.NDArray[np.bool_]] = []
    about: list[tuple[dict[str, float], float, float, bool, Array]] = []
    questions: list[tuple[str, int | str]] = [*asked]
    questions += [(text, intent) for text, intent in lines if held_out(text)]
    for text, label in questions:
        in_scope = isinstance(label, int) or label.startswith("ask_")
        if not in_scope and label != "out_of_scope":
            continue
        vector = encoder.encode([text])[0]
        chances = model.probabilities([text], vector[np.newaxis, :])[0]
        ranking = dict(zip(model.intents, map(float, chances), strict=True))
        views = index.views(text, vector)
        asks = [sum(ranking.get(i, 0.0) for i in names) for names in intents_of]
        rows = np.column_stack([*(views[name] for name in VIEWS), asks])
        if in_scope:
            features.append(rows)
            right.append(
                np.arange(len(answers)) == label
                if isinstance(label, int)
                else np.array([label in names for names in intents_of])
            )
        nearest = float(views["nearest"].max())
        about.append((ranking, nearest, index.vocabulary.coverage(text), in_scope, rows))

    order = np.random.default_rng(1).permutation(len(features))
    hits: list[tuple[bool, bool]] = []
    for fold in range(FOLDS):
        test = set(order[fold::FOLDS].tolist())
        train = [i for i in range(len(features)) if i not in test]
        weights = fit_views([features[i] for i in train], [right[i] for i in train])
        hits += [
            (bool(right[i][int((features[i] @ weights).argmax())]), right[i].sum() == 1)
            for i in sorted(test)
        ]
    weights = fit_views(features, right)

    rows_of_signs = []
    for ranking, nearest, coverage, _, rows in about:
        scores = np.sort(rows[:, : len(VIEWS)] @ weights[: len(VIEWS)])[::-1]
        best = [Candidate("", "", float(s)) for s in scores[:8]]
        found = signs(ranking, best, nearest, coverage)
        rows_of_signs.append([found[name] for name in SIGNS])
    matrix = np.array(rows_of_signs)
    truth = np.array([item[3] for item in about])
    scope = LogisticRegression(C=1.0, class_weight="balanced")
    scale = matrix.std(axis=0)
    chance = cross_val_predict(scope, matrix / scale, truth, cv=10, method="predict_proba")[:, 1]
    scope.fit(matrix / scale, truth)
    threshold = float(np.quantile(chance[truth], TURNED_AWAY))

    ChoiceWeights(
        views={n: round(float(w), 3) for n, w in zip(VIEWS, weights, strict=False)},
        intent=round(float(weights[-1]), 3),
        signs={n: round(float(w), 3) for n, w in zip(SIGNS, scope.coef_[0] / scale, strict=True)},
        bias=round(float(scope.intercept_[0]), 3),
    ).save(ROOT / "bot/models" / CHOICE_FILE)
    answered = [hit for hit, single in hits if single]
    topical = [hit for hit, single in hits if not single]
    print(
        f"held-out phrasings: right answer {np.mean(answered):.1%} of {len(answered)}\n"
        f"held-out questions: right intent's answer {np.mean(topical):.1%} of {len(topical)}\n"
        f"out of scope: {(~truth).sum()} lines; at threshold {threshold:.2f} "
        f"{TURNED_AWAY:.0%} of questions are turned away and "
        f"{(chance[~truth] < threshold).mean():.1%} of the others",
        file=sys.stdout,
    )


if __name__ == "__main__":
    main()
