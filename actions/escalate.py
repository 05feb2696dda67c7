"""The third net: Rasa understood a message as a symptom that triage let pass."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.resources import resources
from actions.turn import hand_over, read_turn, say
from bot.db import utc_now
from bot.messages import Language, Outcome, Reply, Tier, Verdict


class ActionEscalate(Action):
    """Opens the escalation first, then says the approved wording."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_escalate"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa for `report_emergency` and `report_symptom`."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        tier = max(tier_of(turn.understood.intent, turn.alarm), turn.tier)
        now = utc_now()
        with shared.database.transaction() as session:
            hand_over(session, turn, tier, "symptom", now)
        if tier is Tier.ROUTINE:
            say(dispatcher, turn, Outcome.ESCALATED_ROUTINE, [Reply(shared.texts["concern"])], tier)
            return []
        language: Language = "es" if turn.language == "es" else "en"
        reply = shared.urgent.for_verdict(
            Verdict(tier=tier, nets=("rasa",), rule_ids=turn.rule_ids, language=language),
            shared.clinic.placeholders(),
            open_now=shared.clinic.is_open(now),
            repeat=False,
        )
        say(dispatcher, turn, Outcome(f"escalated_{tier.name.lower()}"), [reply], tier)
        return []


ALARM = 0.35
"""Least probability of an alarm, by the learned net, for Rasa's word to count in full."""


def tier_of(intent: str, alarm: float | None) -> Tier:
    """The tier that a symptom intent raises where the other nets stayed below urgent.

    Args:
        intent: ``report_emergency`` or ``report_symptom``.
        alarm: How likely the learned net holds an urgent or emergency message; None when
            it is not at work, and then the intent alone decides.

    Returns:
        The intent's own tier if the learned net half agrees, else ROUTINE: staff follow up
        on a symptom in any case (dark marks, milia, redness past a week).
    """
    if alarm is not None and alarm < ALARM:
        return Tier.ROUTINE
    return Tier.EMERGENCY if intent == "report_emergency" else Tier.URGENT
