"""Text in, verdict out: the highest tier that any net finds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.messages import Tier, Verdict
from bot.triage.language import detect_language
from bot.triage.rules import Finding, RuleSet, load_rules
from bot.triage.tier_model import TierModel

RULES_NET: Final = "rules"
MODEL_NET: Final = "tier_model"

_log = logging.getLogger(__name__)


class Screen:
    """Screens every patient message, before and without the dialogue.

    Args:
        rules: The reviewed rules; always there.
        tier_model: The learned net, or None while it cannot be loaded.
    """

    def __init__(self, rules: RuleSet, tier_model: TierModel | None = None) -> None:
        self._rules = rules
        self._tier_model = tier_model

    @property
    def nets(self) -> tuple[str, ...]:
        """The nets at work, for readiness."""
        return (RULES_NET,) if self._tier_model is None else (RULES_NET, MODEL_NET)

    @property
    def rules(self) -> RuleSet:
        """The rules, for those who word replies by rule."""
        return self._rules

    def verdict(self, text: str, recent: Sequence[str] = ()) -> Verdict:
        """Return what the nets say about ``text``. A net can only raise the tier.

        Args:
            text: The patient's message, of any length.
            recent: Earlier turns of the patient, newest last; symptoms are
                often told in two or three messages.
        """
        findings = self._by_rules(text, recent)
        by_net: list[tuple[str, Tier]] = []
        if findings is not None:
            by_rules = max((finding.rule.tier for finding in findings), default=Tier.NONE)
            by_net.append((RULES_NET, by_rules))
        by_model = self._by_model(text, recent)
        if by_model is not None:
            by_net.append((MODEL_NET, by_model))
        findings = findings or []
        return Verdict(
            # With no net at all a person has to look: nobody knows what it says.
            tier=max((tier for _, tier in by_net), default=Tier.URGENT),
            nets=tuple(sorted(net for net, tier in by_net if tier)),
            rule_ids=tuple(finding.rule.id for finding in findings),
            spans=tuple(span for finding in findings for span in finding.spans),
            language=detect_language(text, recent),
            by_net=tuple(by_net),
        )

    def _by_rules(self, text: str, recent: Sequence[str]) -> Sequence[Finding] | None:
        """What the rules find; None when they failed, so that the other net still speaks."""
        try:
            return self._rules.find(text, recent)
        except Exception as error:
            _log.critical("the rules failed (%s): the tier model alone", type(error).__name__)
            return None

    def _by_model(self, text: str, recent: Sequence[str]) -> Tier | None:
        """The learned net's tier; None while it is off or when it failed."""
        if self._tier_model is None:
            return None
        try:
            tier, _ = self._tier_model.tier(text, recent)
        except Exception as error:
            # A broad handler, as for the rules: whatever ails one net, the message still
            # gets the verdict of the other. The error's text may quote the patient.
            _log.critical("the tier model failed (%s): rules alone", type(error).__name__)
            return None
        return tier


def load_screen(folder: Path, tier_model: TierModel | None = None) -> Screen:
    """Load the rules of ``folder`` (``data/triage``) into a screen.

    Raises:
        RuleFileError: A file is invalid; the application must not start.
    """
    return Screen(load_rules(folder), tier_model)
