"""Intent detection on public data (HINT3 v1) beside Rasa's own pipelines, in one run.

    python -m benchmarks.nlu_public [FOLDER] [--encoder ONNX] [--systems ours ...]

FOLDER holds NAME_train.csv and NAME_test.csv (or train.csv and test.csv) with the
columns sentence,label; the label NO_NODES_DETECTED means out of scope. The data is not
part of this project (Open Database License): github.com/hellohaptik/HINT3.

`ours` uses the public base encoder (`make bench-encoder`), because the committed one was
fine-tuned for one clinic. Its threshold is fixed on training data. Rasa's pipelines are
judged at the best of the thresholds 0.1 to 0.9 on the test set, as in the paper, which
flatters them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import rasa_default
from benchmarks.hint3 import Guesses, Labelled, find_bots, judge, read
from benchmarks.machine import describe, table, write_results
from benchmarks.our_recipe import Memory, config_of_product, fit, tune
from bot.settings import ROOT

System = Callable[[Labelled, Sequence[str], Labelled, Path], tuple[Guesses, float | None, float]]
"""Training messages, other bots' training messages, test messages and a work folder, to
guesses, threshold and training seconds."""


def ours(encoder_path: Path) -> System:
    """Our recipe on one encoder, which is loaded once."""
    encoder, config = Memory(encoder_path), config_of_product()

    def run(
        train: Labelled, others: Sequence[str], test: Labelled, _: Path
    ) -> tuple[Guesses, float, float]:
        tuned = tune(train, others, encoder, config)
        print(f"  chosen on training data: {tuned}", flush=True)
        started = time.perf_counter()
        recipe = fit(train, encoder, tuned.config)
        seconds = time.perf_counter() - started
        return recipe.guess(test.texts), tuned.threshold, seconds

    return run


def rasa(config: dict[str, Any], *, keep: bool) -> System:
    """One of Rasa's pipelines, trained and asked by Rasa itself.

    Args:
        keep: Use the model and the training time of an earlier run, where there is one.
    """

    def run(
        train: Labelled, _: Sequence[str], test: Labelled, folder: Path
    ) -> tuple[Guesses, None, float]:
        examples: dict[str, list[str]] = {}
        for text, label in zip(train.texts, train.labels, strict=True):
            examples.setdefault(label, []).append(text)
        note = folder / "seconds.json"
        if not (keep and note.is_file()):
            rasa_default.write_project(folder, config, examples)
            note.write_text(json.dumps(rasa_default.train(folder, nlu_only=True)))
        seconds = float(json.loads(note.read_text()))
        return asyncio.run(_ask(folder / "models/model.tar.gz", test)), None, seconds

    return run


async def _ask(model: Path, test: Labelled) -> Guesses:
    import logging

    from rasa.core.agent import Agent
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.ERROR)
    agent = Agent.load(str(model))
    labels, scores = [], []
    for text in test.texts:
        parse = await agent.parse_message(text)
        # The fallback classifier, where there is one, puts its own intent first.
        best = next(r for r in parse["intent_ranking"] if r["name"] != "nlu_fallback")
        labels.append(best["name"])
        scores.append(best["confidence"])
    return Guesses(labels, scores)


def main() -> None:
    """Run every system on every bot and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    default = ROOT.parent / "shared/benchmarks/hint3"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    base = ROOT / "var/benchmarks/base/encoder.onnx"
    parser.add_argument("--encoder", type=Path, default=base)
    names = ("ours", "rasa_diet", "rasa_logistic")
    parser.add_argument("--systems", nargs="+", choices=names, default=names)
    parser.add_argument("--work", type=Path, default=ROOT / "var/benchmarks/nlu_public")
    parser.add_argument("--keep-models", action="store_true", help="do not train Rasa's again")
    parser.add_argument("--dry", action="store_true", help="print only, write no results")
    options = parser.parse_args()
    makers: dict[str, Callable[[], System]] = {
        "ours": lambda: ours(options.encoder),
        "rasa_diet": lambda: rasa(rasa_default.default_config(), keep=options.keep_models),
        "rasa_logistic": lambda: rasa(rasa_default.logistic_config(), keep=options.keep_models),
    }
    trains = {bot: read(options.folder / f"{bot}train.csv") for bot in find_bots(options.folder)}
    results: dict[str, Any] = {"machine": describe(), "systems": {}}
    for name in options.systems:
        system, by_bot = makers[name](), {}
        for bot, train in trains.items():
            others = [text for other in trains if other != bot for text in trains[other].texts]
            test = read(options.folder / f"{bot}test.csv")
            folder = options.work / name / (bot.rstrip("_") or "bot")
            guesses, threshold, seconds = system(train, others, test, folder)
            figures = judge(test, guesses, threshold) | {"training_s": round(seconds, 1)}
            by_bot[bot.rstrip("_") or "bot"] = figures
            print(f"{name} {bot}: {figures}", flush=True)
        results["systems"][name] = by_bot
    results["mean"] = {name: means(bots) for name, bots in results["systems"].items()}
    if options.dry:
        print(tables(results))
    else:
        write_results("nlu_public", results, tables(results))


def means(bots: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The plain mean over bots of each figure that they share."""
    names = ("accuracy_without_threshold", "mcc", "mcc_at_best_step_on_test")
    shared = [name for name in names if all(name in figures for figures in bots.values())]
    return {
        name: round(sum(figures[name] for figures in bots.values()) / len(bots), 4)
        for name in shared
    }


def tables(results: dict[str, Any]) -> str:
    """The same figures for reading."""
    columns = {
        "accuracy_without_threshold": "accuracy",
        "mcc": "MCC",
        "in_scope_accuracy": "in scope right",
        "out_of_scope_recall": "out of scope rejected",
        "mcc_at_best_step_on_test": "MCC, step chosen on test",
        "training_s": "training s",
    }
    rows = [
        [f"{name}, {bot}", *(figures.get(key, "-") for key in columns)]
        for name, bots in results["systems"].items()
        for bot, figures in bots.items()
    ]
    rows += [
        [f"{name}, mean", *(figures.get(key, "-") for key in columns)]
        for name, figures in results["mean"].items()
    ]
    return table(["", *columns.values()], rows)


if __name__ == "__main__":
    main()
