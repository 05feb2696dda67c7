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
from bot.nlu.choose import Kind, choose
from bot.replies.answers import answer_reply
from bot.replies.texts import SOMETHING_ELSE


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
        turn = read_turn(tracker, shared.answers_by_entity)
        if turn.chosen_answer:
            give_answers(dispatcher, turn, [turn.chosen_answer], shared)
            return []
        choice = choose(turn.understood, shared.topic_intents)
        if choice.kind is Kind.ANSWER:
            give_answers(dispatcher, turn, choice.answer_ids, shared)
        elif choice.kind is Kind.CHOICE:
            offer_choice(dispatcher, turn, choice.answer_ids, shared)
        else:
            admit_no_answer(dispatcher, turn, shared)
        return []


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
        replies.append(Reply(shared.texts["expired"]))
    if not replies:
        admit_no_answer(dispatcher, turn, shared)
        return
    if "open" in referrals or overdue:
        if not overdue:
            replies.append(Reply(shared.texts["opened_staff"]))
        with shared.database.transaction() as session:
            hand_over(session, turn, Tier.ROUTINE, _reason(found, overdue), now)
    elif "offer" in referrals:
        follow_up = Button(shared.texts.person_button().id, shared.texts["follow_up"])
        replies.append(Reply(shared.texts["offer_staff"], buttons=(follow_up,)))
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
        [Reply(shared.texts["clarifying"], buttons=tuple(buttons))],
    )


def admit_no_answer(
    dispatcher: CollectingDispatcher, turn: Turn, shared: Resources, text: str = "no_answer"
) -> None:
    """Say honestly that there is no answer, and how to reach a person."""
    if turn.language == "es":
        text = "out_of_scope_es"
    reply = Reply(shared.texts[text], buttons=(shared.texts.person_button(turn.language),))
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
