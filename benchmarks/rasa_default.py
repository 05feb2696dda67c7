"""Rasa as it comes: the projects that our figures are compared with.

The default pipeline and policies are read from the installed Rasa, so that no choice of
ours can weaken it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONWARNINGS": "ignore",
    "PYTHONUNBUFFERED": "1",
    "SANIC_HOST": "127.0.0.1",
}
"""Neither side of a comparison reports home or spends time on warnings."""

Examples = Mapping[str, Sequence[str]]
"""Intent to its phrasings."""


def default_config(epochs: int | None = None) -> dict[str, Any]:
    """Pipeline (DIET) and policies that Rasa uses when a project names none.

    Args:
        epochs: Instead of Rasa's 100, where only its speed in answering matters, which
            does not depend on them; its training time then means nothing.
    """
    import rasa

    path = Path(rasa.__file__).parent / "engine/recipes/config_files/default_config.yml"
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for part in (*config["pipeline"], *config["policies"]):
        if epochs is not None and "epochs" in part:
            part["epochs"] = epochs
    return {**config, "assistant_id": "rasa-default"}


def logistic_config() -> dict[str, Any]:
    """Rasa's default features under its LogisticRegressionClassifier with stock values."""
    config = default_config()
    kept = [part for part in config["pipeline"] if "Featurizer" in part["name"]]
    classifier = {"name": "LogisticRegressionClassifier"}
    pipeline = [{"name": "WhitespaceTokenizer"}, *kept, classifier]
    return {**config, "assistant_id": "rasa-logistic", "pipeline": pipeline}


def read_examples(folder: Path) -> dict[str, list[str]]:
    """Intent to its phrasings, from Rasa's training files."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            lines = (line.strip() for line in entry["examples"].strip().splitlines())
            texts = [line.removeprefix("-").strip() for line in lines]
            found.setdefault(entry["intent"], []).extend(text for text in texts if text)
    return found


def write_project(folder: Path, config: Mapping[str, Any], examples: Examples) -> None:
    """A whole project: its phrasings, one response per intent, and a story that says it."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    names = list(examples)
    nlu = [
        # A phrasing of several lines or with Rasa's own brackets would be read as markup.
        {"intent": n, "examples": "".join(f"- {plain(text)}\n" for text in examples[n])}
        for n in names
    ]
    stories = [
        {"story": f"story {n}", "steps": [{"intent": n}, {"action": f"utter_{n}"}]} for n in names
    ]
    responses = {f"utter_{n}": [{"text": f"This is the answer for {n}."}] for n in names}
    # What Rasa says where it is not sure; without it, it says nothing at all.
    responses["utter_default"] = [{"text": "I did not understand that."}]
    domain = {
        "intents": names,
        "responses": responses,
        "session_config": {
            "session_expiration_time": 60,
            "carry_over_slots_to_new_session": True,
        },
    }
    files = {
        "config.yml": config,
        "domain.yml": {"version": "3.1", **domain},
        "data/nlu.yml": {"version": "3.1", "nlu": nlu},
        "data/stories.yml": {"version": "3.1", "stories": stories},
        "credentials.yml": {"rest": None},
        "endpoints.yml": {},
    }
    for name, content in files.items():
        text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=10_000)
        (folder / name).write_text(text, encoding="utf-8")


def plain(text: str) -> str:
    """One line without Rasa's entity markup signs."""
    return " ".join(text.split()).translate(str.maketrans("[]{}", "()()"))


def train(folder: Path, *, nlu_only: bool = False) -> float:
    """Train a project as a user does; seconds of wall clock.

    Raises:
        RuntimeError: With the end of Rasa's output.
    """
    command = [sys.executable, "-m", "rasa", "train", *(["nlu"] if nlu_only else [])]
    command += ["--config", "config.yml", "--domain", "domain.yml", "--fixed-model-name", "model"]
    command += ["--nlu", "data/nlu.yml"] if nlu_only else ["--data", "data"]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--out", "models"],
        cwd=folder,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"rasa train failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return time.perf_counter() - started
