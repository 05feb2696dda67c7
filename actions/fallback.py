"""The action for messages that Rasa understood as no question of ours."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import admit_no_answer, give_answers
from actions.resources import resources
from actions.turn import read_turn
from bot.nlu.choose import Kind, choose


class ActionFallback(Action):
    """Answers only where a published phrasing is very near; else says what it can do."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_fallback"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa for `out_of_scope`, `nlu_fallback`, and when no rule applies."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        choice = choose(turn.understood, shared.topic_intents)
        if choice.kind is Kind.ANSWER:
            give_answers(dispatcher, turn, choice.answer_ids, shared)
        else:
            certain = turn.understood.intent == "out_of_scope"
            admit_no_answer(dispatcher, turn, shared, "out_of_scope" if certain else "no_answer")
        return []
