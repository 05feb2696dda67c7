"""The action for messages that Rasa understood as no question of ours."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import respond
from actions.resources import resources
from actions.turn import read_turn


class ActionFallback(Action):
    """Answers where the message turns out to be a question of ours; else says the limit."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_fallback"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa for `out_of_scope`, `nlu_fallback`, and when no rule applies."""
        shared = resources()
        respond(dispatcher, read_turn(tracker, shared.answers_by_entity), shared)
        return []
