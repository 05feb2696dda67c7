"""`bot evaluate-safety`: each net by itself and all together, on labelled messages."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bot.app_state import open_app_state
from bot.dialogue.client import DialogueClient
from bot.evaluate import EvaluationFileError, Line, private_product, run_lines
from bot.messages import Tier
from bot.migrate import migrate
from bot.nlu.encoder import SentenceEncoder
from bot.nlu.intent_model import IntentModel, IntentModelConfig
from bot.nlu.triage_screen import INTENT_OF_TIER
from bot.safety_report import Case, NetResult
from bot.settings import ROOT, Settings
from bot.stack import free_port
from bot.triage.learned import load_tier_model
from bot.triage.screen import load_screen

TOGETHER = "all together"
WITHOUT_RASA = "Rasa stopped"
TIER_OF_INTENT = {intent: tier for tier, intent in INTENT_OF_TIER.items()}

TierOf = Callable[[str, Sequence[str]], Tier]
"""One net: a message and the turns before it in, a tier out."""


def read_cases(path: Path) -> list[tuple[Line, Case]]:
    """Read labelled messages: evaluation lines (``expected``) or training examples (``tier``).

    Raises:
        EvaluationFileError: Naming the line number.
    """
    cases = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not raw.strip():
            continue
        try:
            record = json.loads(raw)
            case = Case.of(record, f"{path.stem}:{number}")
            line = Line(case.id, record["text"], tuple(record.get("context") or ()), record)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvaluationFileError(f"{path.name} line {number}: {error!r}") from error
        cases.append((line, case))
    return cases


def run_nets(settings: Settings, lines: Sequence[Line]) -> dict[str, NetResult]:
    """What each net says by itself, then the product, then the product without Rasa.

    Returns:
        Tiers in the order of the lines, by the net's name. A net that cannot load is
        left out.
    """
    folder = ROOT / "data" / "triage"
    model = load_tier_model(settings.encoder_path)
    rules = load_screen(folder)
    results = {"rules alone": _alone(lambda text, recent: rules.verdict(text, recent).tier, lines)}
    if model is not None:
        results["tier model alone"] = _alone(
            lambda text, recent: model.tier(text, recent)[0], lines
        )
    results["Rasa's intents alone"] = _alone(_intents(settings), lines)
    with private_product(settings) as state:
        results[TOGETHER] = _tiers(run_lines(state, lines))
    results[WITHOUT_RASA] = _without_rasa(settings, lines)
    return results


def _alone(net: TierOf, lines: Sequence[Line]) -> NetResult:
    """As in the product, a red flag in an earlier turn holds the whole conversation."""
    found = []
    for line in lines:
        turns = (*line.context, line.text)
        found.append(max(net(turn, turns[:number]) for number, turn in enumerate(turns)))
    return tuple(found)


def _intents(settings: Settings) -> TierOf:
    """What Rasa's trained intent model takes a message to mean, without the pipeline's screen.

    Read from the trained archive: Rasa itself, loaded here, would print patient words.
    """
    encoder = SentenceEncoder(settings.encoder_path)
    with tempfile.TemporaryDirectory(prefix="clinic-evaluate-") as folder:
        path = Path(folder) / "intent_model.npz"
        with tarfile.open(ROOT / "models" / "clinic.tar.gz") as archive:
            member = next(m for m in archive.getmembers() if m.name.endswith(path.name))
            packed = archive.extractfile(member)
            assert packed is not None, "a file, not a folder"
            path.write_bytes(packed.read())
        model = IntentModel.load(path, IntentModelConfig())

    def tier(text: str, _recent: Sequence[str]) -> Tier:
        chances = model.probabilities([text], encoder.encode([text]))[0]
        return TIER_OF_INTENT.get(model.intents[int(chances.argmax())], Tier.NONE)

    return tier


def _without_rasa(settings: Settings, lines: Sequence[Line]) -> NetResult:
    with tempfile.TemporaryDirectory(prefix="clinic-evaluate-") as folder:
        own = replace(
            settings,
            database_url=f"sqlite:///{folder}/clinic.db",
            rasa_database_url=f"sqlite:///{folder}/rasa.db",
            var_folder=Path(folder),
        )
        migrate(own.database_url)
        nobody = DialogueClient(f"http://127.0.0.1:{free_port()}", "", 1.0)
        with closing(open_app_state(own, dialogue=nobody)) as state:
            return _tiers(run_lines(state, lines))


def _tiers(results: Sequence[dict[str, object]]) -> NetResult:
    return tuple(Tier[str(result["tier"]).upper()] for result in results)
