"""The action behind every question: look up the published answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from actions.resources import Resources, resources
from actions.turn import Turn, hand_over, read_turn, say
from bot.content.store import PublishedAnswer, published
from bot.db import utc_now
from bot.errors import AnswerExpired, AnswerNotFound
from bot.messages import Button, Outcome, Reply, Tier
from bot.nlu.choose import Choice, Kind, choose
from bot.nlu.course import with_course
from bot.nlu.questions import MAX_PARTS
from bot.replies.answers import answer_reply
from bot.replies.texts import SOMETHING_ELSE

SURE_SCOPE = 0.6
"""From this in-scope probability on an answer may overrule a doubtful intent of another kind."""
READABLE = 0.6
"""A Spanish message is mixed enough for an English answer if the content has so many words."""


class ActionAnswer(Action):
    """Answers from the content store, offers a choice, or says that it has no answer."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_answer"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa once a rule picked it."""
        shared = resources()
        respond(dispatcher, read_turn(tracker, shared.answers_by_entity), shared)
        return []


def respond(dispatcher: CollectingDispatcher, turn: Turn, shared: Resources) -> None:
    """Answer a question, whatever intent it was taken for."""
    if turn.chosen_answer:
        give_answers(dispatcher, turn, [turn.chosen_answer], shared)
        return
    if turn.other_language:
        admit_no_answer(dispatcher, turn, shared, "other_language")
        return
    choice = decide(turn, shared)
    if turn.language == "es" and not _readable(turn, choice, shared):
        respond_in_spanish(dispatcher, turn, shared)
    elif turn.unknown_name:
        pass_on(dispatcher, turn, shared, "unknown_name", "unknown_name")
    elif choice.kind is Kind.ANSWER:
        give_answers(dispatcher, turn, choice.answer_ids, shared)
    elif choice.kind is Kind.CHOICE:
        offer_choice(dispatcher, turn, choice.answer_ids, shared)
    else:
        beyond = choice.scope < SURE_SCOPE
        admit_no_answer(dispatcher, turn, shared, "out_of_scope" if beyond else "no_answer")


def decide(turn: Turn, shared: Resources) -> Choice:
    """Which answers fit, with the expected course of the day that the patient is on."""
    choice = choose(turn.understood, shared.topic_intents, shared.weights)
    if choice.kind is Kind.NOTHING:
        return choice
    readings = turn.understood.readings
    topic_of = {c.answer_id: c.topic for reading in readings for c in reading.candidates}
    topics = [topic_of.get(answer_id, "") for answer_id in choice.answer_ids]
    ids = with_course(choice.answer_ids, topics, turn.understood.intent, turn.days, shared.course)
    return (
        choice
        if ids == choice.answer_ids
        else Choice(Kind.ANSWER, ids[:MAX_PARTS], choice.chance, choice.scope)
    )


def answers_better(turn: Turn, shared: Resources) -> bool:
    """Whether a doubtful intent of another kind should give way to a clear answer."""
    if turn.other_language or turn.language == "es":
        return False
    choice = decide(turn, shared)
    # One word is no complaint and no symptom: ask what is meant by it.
    clear = choice.kind is Kind.ANSWER or (
        choice.kind is Kind.CHOICE and len(turn.text.split()) == 1
    )
    return clear and choice.scope >= SURE_SCOPE


def respond_in_spanish(dispatcher: CollectingDispatcher, turn: Turn, shared: Resources) -> None:
    """Answer from the clinic's particulars, hand a personal question over, or offer staff."""
    found = shared.spanish.find(turn.text)
    if turn.unknown_name or turn.understood.entity_answers:
        pass_on(dispatcher, turn, shared, "candidacy_es", "candidacy")
    elif found is not None:
        outcome = Outcome.SMALLTALK if found.small_talk else Outcome.ANSWERED
        say(dispatcher, turn, outcome, [Reply(found.text)])
    else:
        admit_no_answer(dispatcher, turn, shared)


def pass_on(
    dispatcher: CollectingDispatcher, turn: Turn, shared: Resources, text: str, reason: str
) -> None:
    """Hand the message to staff as routine, and say so."""
    with shared.database.transaction() as session:
        hand_over(session, turn, Tier.ROUTINE, reason, utc_now())
    reply = shared.texts.reply(text)
    say(dispatcher, turn, Outcome.ESCALATED_ROUTINE, [reply], Tier.ROUTINE)


def _readable(turn: Turn, choice: Choice, shared: Resources) -> bool:
    """Whether a message with Spanish words is English enough to be answered so.

    Not where a turn before may have decided: "¿cuánto cuesta?" after a question about peeling.
    """
    if turn.understood.last_topic is not None and shared.spanish.find(turn.text) is not None:
        return False
    return choice.kind is Kind.ANSWER and turn.understood.whole.coverage >= READABLE


def give_answers(
    dispatcher: CollectingDispatcher, turn: Turn, answer_ids: Sequence[str], shared: Resources
) -> None:
    """Say the answers in order, with the referral that they come with."""
    now = utc_now()
    today = shared.clinic.local_date(now)
    found: list[PublishedAnswer] = []
    overdue = False
    with shared.database.reading() as session:
        for answer_id in answer_ids:
            try:
                found.append(published(session, answer_id, today))
            except AnswerExpired:
                overdue = True
            except AnswerNotFound:
                # Retired between ranking and now; the others still stand.
                continue
    replies = [answer_reply(a, shared.clinic.placeholders()) for a in found]
    referrals = {a.referral for a in found}
    if overdue:
        replies.append(shared.texts.reply("expired"))
    if not replies:
        admit_no_answer(dispatcher, turn, shared)
        return
    if "open" in referrals or overdue:
        if not overdue:
            replies.append(shared.texts.reply("opened_staff"))
        with shared.database.transaction() as session:
            hand_over(session, turn, Tier.ROUTINE, _reason(found, overdue), now)
    elif "offer" in referrals:
        follow_up = Button(shared.texts.person_button().id, shared.texts["follow_up"])
        replies.append(shared.texts.reply("offer_staff", (follow_up,)))
    if not found:
        outcome = Outcome.ESCALATED_ROUTINE
    elif referrals & {"open", "offer"} or overdue:
        outcome = Outcome.ANSWERED_WITH_REFERRAL
    else:
        outcome = Outcome.ANSWERED
    say(dispatcher, turn, outcome, replies)


def offer_choice(
    dispatcher: CollectingDispatcher, turn: Turn, answer_ids: Sequence[str], shared: Resources
) -> None:
    """Ask which of a few close answers was meant."""
    with shared.database.reading() as session:
        titles = _titles(session, answer_ids, shared)
    buttons = [shared.texts.choice(answer_id, title) for answer_id, title in titles]
    if not buttons:
        admit_no_answer(dispatcher, turn, shared)
        return
    buttons.append(Button(SOMETHING_ELSE, shared.texts["something_else"]))
    say(
        dispatcher,
        turn,
        Outcome.CLARIFYING,
        [shared.texts.reply("clarifying", buttons)],
    )


def admit_no_answer(
    dispatcher: CollectingDispatcher, turn: Turn, shared: Resources, text: str = "no_answer"
) -> None:
    """Say honestly that there is no answer, and how to reach a person."""
    button = shared.texts.person_button()
    if turn.language == "es" and text != "other_language":
        text = "out_of_scope_es"
        button = Button(button.id, shared.texts["follow_up_es"])
    reply = shared.texts.reply(text, (button,))
    say(dispatcher, turn, Outcome.NO_ANSWER, [reply])


def _titles(
    session: Session, answer_ids: Sequence[str], shared: Resources
) -> list[tuple[str, str]]:
    today = shared.clinic.local_date(utc_now())
    titles = []
    for answer_id in answer_ids:
        try:
            titles.append((answer_id, published(session, answer_id, today).title))
        except (AnswerNotFound, AnswerExpired):
            continue
    return titles


def _reason(found: Sequence[PublishedAnswer], overdue: bool) -> str:
    if overdue:
        return "answer_overdue"
    return "candidacy" if any(a.topic.startswith("candidacy") for a in found) else "referral"
