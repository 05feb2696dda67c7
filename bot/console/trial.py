"""What would the assistant do with this message? And the red-flag rules behind it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Response
from pydantic import AfterValidator

from bot.channels.web import printable
from bot.console.access import Allowed, Refused, Visit
from bot.console.marks import pieces
from bot.content.store import all_published
from bot.errors import DialogueUnavailable
from bot.members.permissions import May
from bot.messages import Tier
from bot.replies.answers import answer_reply

router = APIRouter()

Reader = Annotated[Visit, Depends(Allowed(May.SEE_ANSWERS))]


@router.get("/try")
def ask(visit: Reader) -> Response:
    """The empty box."""
    return visit.page("try.html", text="", verdict=None, outlook=None, down=False)


@router.post("/try")
def try_it(
    visit: Reader,
    text: Annotated[str, AfterValidator(printable), Form(min_length=1, max_length=2000)],
) -> Response:
    """Screen and understand a message as the first of a conversation; nothing is stored."""
    state = visit.state
    verdict = state.screen.verdict(text)
    found = {finding.rule.id: finding.rule for finding in state.screen.rules.find(text)}
    outlook, replies, urgent, down = None, [], None, False
    if verdict.tier >= Tier.URGENT:
        urgent = state.urgent.for_verdict(
            verdict,
            state.clinic.placeholders(),
            open_now=state.clinic.is_open(visit.now),
        )
    try:
        outlook = state.dialogue.parse(text.lstrip("/ ") or "?")
    except DialogueUnavailable:
        down = True
    if outlook is not None:
        with state.database.reading() as session:
            known = {answer.id: answer for answer in all_published(session)}
        replies = [
            (known[name].title, answer_reply(known[name], state.clinic.placeholders()))
            for name in outlook["answer_ids"]
            if name in known
        ]
    return visit.page(
        "try.html",
        text=text,
        verdict=verdict,
        pieces=pieces(text, [(s.start, s.end, s.rule_id) for s in verdict.spans]),
        rules=[found[name] for name in verdict.rule_ids if name in found],
        urgent=urgent,
        outlook=outlook,
        replies=replies,
        down=down,
    )


@router.get("/rules")
def rules(visit: Reader) -> Response:
    """Every red-flag rule. They are changed in git, with their tests."""
    return visit.page("rules.html", rules=visit.state.screen.rules.rules, rule=None)


@router.get("/rules/{rule_id}")
def rule(visit: Reader, rule_id: Annotated[str, Path(max_length=80)]) -> Response:
    """One rule with its evidence: what must set it off, and what must not."""
    every = visit.state.screen.rules.rules
    found = next((rule for rule in every if rule.id == rule_id), None)
    if found is None:
        raise Refused(404, "There is no such rule.")
    return visit.page("rules.html", rules=[], rule=found)
