"""From what was understood to which answers to give. Pure; thresholds in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.nlu.answer_index import Candidate


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Chosen on `tests/nlu/development.jsonl` (`make evaluate`); see docs/decisions.

    Attributes:
        intent_weight: How much the intents' probabilities add to a candidate's score.
        answer: Least fused score at which an answer is given.
        answer_unsure: The same when the intent is out of scope or unknown.
        tie: Two answers nearer to each other than this, and below `doubt`, are a choice.
        doubt: From this score on the better answer is given, however near the next.
        part: Least score of each part for a message to count as several questions.
        entity_bonus: What a named medicine or condition adds to its answer.
        named: Likeness assumed for an answer that only a name points to.
    """

    intent_weight: float = 0.1
    answer: float = 0.3
    answer_unsure: float = 0.5
    tie: float = 0.015
    doubt: float = 0.38
    part: float = 0.35
    entity_bonus: float = 0.2
    named: float = 0.4


class Kind(Enum):
    """What to do."""

    ANSWER = "answer"
    CHOICE = "choice"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do, with the answers to give or to offer, best first."""

    kind: Kind
    answer_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Understood:
    """The parse of one message, as actions see it.

    Attributes:
        ranking: Intent to probability.
        parts: Candidates of each question, when there are several.
        in_context: Candidates of the message read together with the turn before.
        entity_answers: Answers that a named medicine or condition points to.
    """

    intent: str
    confidence: float
    ranking: Mapping[str, float]
    candidates: Sequence[Candidate]
    parts: Sequence[Sequence[Candidate]] = ()
    in_context: Sequence[Candidate] = ()
    entity_answers: frozenset[str] = frozenset()
    entities: Sequence[Mapping[str, Any]] = ()


UNSURE_INTENTS = frozenset({"out_of_scope", "nlu_fallback", "chitchat"})


def choose(
    understood: Understood,
    topic_intents: Mapping[str, Sequence[str]],
    thresholds: Thresholds | None = None,
) -> Choice:
    """Pick the answers for one message.

    Args:
        understood: The parse.
        topic_intents: Which intents ask for each topic (`data/topics.yml`).
        thresholds: For tuning; the defaults are in force.
    """
    limits = thresholds or Thresholds()
    several = _several(understood, topic_intents, limits)
    if several:
        return Choice(Kind.ANSWER, several)
    candidates = understood.candidates
    if understood.in_context and _leans_on_context(understood):
        candidates = understood.in_context
    fused = fuse(understood, candidates, topic_intents, limits)
    if not fused:
        return Choice(Kind.NOTHING)
    needed = limits.answer_unsure if understood.intent in UNSURE_INTENTS else limits.answer
    best_id, best = fused[0]
    if best < needed:
        return Choice(Kind.NOTHING)
    near = [answer_id for answer_id, score in fused[1:3] if best - score < limits.tie]
    if near and best < limits.doubt:
        return Choice(Kind.CHOICE, (best_id, *near))
    return Choice(Kind.ANSWER, (best_id,))


def fuse(
    understood: Understood,
    candidates: Sequence[Candidate],
    topic_intents: Mapping[str, Sequence[str]],
    limits: Thresholds,
) -> list[tuple[str, float]]:
    """Score candidates; best first.

    What counts: likeness, how probable their topic's intents are, and, the more the
    message asks who may be treated, whether a named medicine or condition points to
    them. An answer that only the name points to takes part as well.
    """
    candidacy = understood.ranking.get("ask_candidacy", 0.0)
    known = {candidate.answer_id for candidate in candidates}
    scored = [
        (answer_id, limits.named + candidacy * (limits.intent_weight + limits.entity_bonus))
        for answer_id in sorted(understood.entity_answers - known)
        if candidacy >= 0.5
    ]
    for candidate in candidates:
        chance = sum(understood.ranking.get(i, 0.0) for i in topic_intents.get(candidate.topic, ()))
        named = candidate.answer_id in understood.entity_answers
        bonus = limits.entity_bonus * candidacy if named else 0.0
        scored.append(
            (candidate.answer_id, candidate.score + limits.intent_weight * chance + bonus)
        )
    return sorted(scored, key=lambda pair: -pair[1])


def _several(
    understood: Understood, topic_intents: Mapping[str, Sequence[str]], limits: Thresholds
) -> tuple[str, ...]:
    """The answers of a message with several questions, if each part stands on its own."""
    if len(understood.parts) < 2:
        return ()
    chosen: list[str] = []
    for part in understood.parts:
        if part and part[0].score >= limits.part and part[0].answer_id not in chosen:
            chosen.append(part[0].answer_id)
    return tuple(chosen) if len(chosen) > 1 else ()


def _leans_on_context(understood: Understood) -> bool:
    """Whether the turn before explains the message better than its own words do."""
    own = understood.candidates[0].score if understood.candidates else 0.0
    return understood.in_context[0].score > own - 0.05
