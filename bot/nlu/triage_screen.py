"""Rasa component: the triage screen inside the pipeline, so that every Rasa channel has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.messages import Tier
from bot.settings import ROOT, load_settings
from bot.triage.learned import EncoderTierModel, load_tier_model
from bot.triage.screen import Screen, load_screen

INTENT_OF_TIER = {Tier.EMERGENCY: "report_emergency", Tier.URGENT: "report_symptom"}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class TriageScreen(IntentClassifier, GraphComponent):
    """Lacking in Rasa: rules with negation and context that overrule a classifier.

    A red flag sets the intent with full confidence; nothing after this component lowers
    it. `triage` in the parse says which rules matched and the message's language.
    """

    def __init__(self, load: Callable[[], Screen], tier_model: EncoderTierModel | None) -> None:
        """Keep the learned net, to ask how likely an alarm is.

        Args:
            load: Gives the screen. Only called for a message that intake has not screened:
                the rules would double the time that this component takes to load.
        """
        self._screen = cache(load)
        self._tier_model = tier_model

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> TriageScreen:
        """Called by Rasa. An invalid rule file stops the start of the web app."""
        model = load_tier_model(load_settings().encoder_path)
        return cls(lambda: load_screen(ROOT / "data" / "triage", model), model)

    def process(self, messages: list[Message]) -> list[Message]:
        """Screen each message; a button's command is ours and needs none."""
        for message in messages:
            text = message.get(TEXT)
            if not text or text.startswith("/"):
                continue
            metadata = message.get("metadata") or {}
            recent = metadata.get("recent") or []
            # Intake screens every message before it comes here, with the same nets.
            record = dict(metadata.get("triage") or self._screened(text, recent))
            reported = (message.get(INTENT) or {}).get("name") in INTENT_OF_TIER.values()
            if reported and self._tier_model is not None:
                # For the third net (actions/escalate.py): two doubts may make a certainty.
                record["alarm"] = self._tier_model.alarm(text, recent)
            message.set("triage", record, add_to_output=True)
            tier = Tier[record["tier"].upper()]
            if tier in INTENT_OF_TIER:
                found = {"name": INTENT_OF_TIER[tier], "confidence": 1.0}
                ranking = [found, *(message.get("intent_ranking") or [])]
                message.set(INTENT, found, add_to_output=True)
                message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _screened(self, text: str, recent: Sequence[str]) -> dict[str, Any]:
        verdict = self._screen().verdict(text, recent)
        return {
            "tier": verdict.tier.name.lower(),
            "rule_ids": list(verdict.rule_ids),
            "language": verdict.language,
        }
