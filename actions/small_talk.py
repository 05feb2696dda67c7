"""The action for greetings, thanks and the like."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import answers_better, respond, respond_in_spanish
from actions.resources import resources
from actions.turn import read_turn, say
from bot.messages import Outcome

SHOWS_QUICK_REPLIES = frozenset({"greet", "chitchat", "affirm"})
CERTAIN = 0.5
"""Below this probability a clear answer goes before small talk."""


class ActionSmallTalk(Action):
    """Says the text of `data/replies.yml` that carries the intent's name."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_small_talk"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa for small-talk intents."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        intent = turn.understood.intent
        if turn.language == "es":
            respond_in_spanish(dispatcher, turn, shared)
            return []
        doubtful = turn.understood.confidence < CERTAIN
        if turn.other_language or (doubtful and answers_better(turn, shared)):
            respond(dispatcher, turn, shared)
            return []
        buttons = shared.texts.quick_replies if intent in SHOWS_QUICK_REPLIES else ()
        if intent == "bot_challenge":
            buttons = (shared.texts.person_button(),)
        say(dispatcher, turn, Outcome.SMALLTALK, [shared.texts.reply(intent, buttons)])
        return []
