"""From what was understood to which answers to give. Pure; thresholds in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from bot.nlu.choice_weights import ChoiceWeights
from bot.nlu.questions import MAX_PARTS
from bot.nlu.readings import CONTEXT, LINKED, PART, WHOLE, Reading
from bot.nlu.scope import in_scope, signs

CHOICES = 3
"""Answers offered at once, at most."""
CANDIDACY = "ask_candidacy"
OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Chosen by cross-validation on training material; see docs/decisions/0008.

    All are probabilities but the last three, which are log-odds.

    Attributes:
        scope: Least in-scope probability for an answer.
        clear: The same for one part of a message that as a whole is out of scope.
        sure: Least probability of the best answer for giving it alone.
        offered: Least probability of each further answer in a choice.
        least: Where not even the choice together reaches this, there is no answer.
        part: Least probability of each part for a message to count as several questions.
        linked: The same where only an "and" suggests that there are two.
        lean: Share of the reading with the turn before, where a message leans on it.
        same_topic: What an answer of the last answer's topic gains then.
        named: What a named medicine or condition adds to its answer.
        missing: What an answer loses against the last candidate of a list it is not on.
    """

    scope: float = 0.4
    clear: float = 0.8
    sure: float = 0.27
    offered: float = 0.08
    least: float = 0.2
    part: float = 0.3
    linked: float = 0.6
    lean: float = 0.5
    same_topic: float = 1.0
    named: float = 3.0
    missing: float = 0.5


class Kind(Enum):
    """What to do."""

    ANSWER = "answer"
    CHOICE = "choice"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do, with the answers to give or to offer, best first.

    Attributes:
        chance: Probability of the best answer.
        scope: Probability that the message is about the clinic's subjects.
    """

    kind: Kind
    answer_ids: tuple[str, ...] = ()
    chance: float = 0.0
    scope: float = 0.0


@dataclass(frozen=True, slots=True)
class Understood:
    """The parse of one message, as actions see it.

    Attributes:
        readings: The ways to read it, the whole first.
        entity_answers: Answers that a named medicine or condition points to, in order.
        named_before: Whether it was named in the turn before, and not in this message.
        last_topic: Topic of the answer given before, where the message may lean on it.
    """

    intent: str
    confidence: float
    readings: Sequence[Reading]
    entity_answers: Sequence[str] = ()
    entities: Sequence[Mapping[str, Any]] = ()
    last_topic: str | None = None
    named_before: bool = False

    @classmethod
    def from_parse(
        cls, parse: Mapping[str, Any], answers_by_entity: Mapping[str, str]
    ) -> Understood:
        """Read what Rasa made of a message.

        Args:
            parse: As Rasa gives it; intake's word on the turn before is in its metadata.
            answers_by_entity: Which answer each medicine or condition points to.
        """
        intent = parse.get("intent") or {}
        entities = parse.get("entities") or []
        before = (parse.get("metadata") or {}).get("before") or {}
        readings = [Reading.from_record(record) for record in parse.get("readings") or []]
        leans = any(reading.kind == CONTEXT for reading in readings)
        named = [e["value"] for e in entities if e["entity"] != "answer_id"]
        answers = [answers_by_entity[n] for n in named if n in answers_by_entity]
        named_before = leans and not answers
        if named_before:
            # "Can I still have it?", after the medicine was named.
            mentioned = before.get("names", ())
            answers = [answers_by_entity[n] for n in mentioned if n in answers_by_entity]
        return cls(
            intent=intent.get("name") or "nlu_fallback",
            confidence=intent.get("confidence") or 0.0,
            readings=readings,
            entity_answers=tuple(dict.fromkeys(answers)),
            entities=[{k: e.get(k) for k in ("entity", "value", "start", "end")} for e in entities],
            last_topic=before.get("topic") if leans else None,
            named_before=named_before,
        )

    @property
    def whole(self) -> Reading:
        """The message as it stands."""
        return self.readings[0] if self.readings else Reading(WHOLE, "")

    def alone(self) -> Understood:
        """The message without the turn before."""
        return replace(
            self,
            readings=[reading for reading in self.readings if reading.kind != CONTEXT],
            entity_answers=() if self.named_before else self.entity_answers,
            last_topic=None,
        )

    def of_kind(self, kind: str) -> list[Reading]:
        """The readings of one kind, in order."""
        return [reading for reading in self.readings if reading.kind == kind]


Scored = list[tuple[str, float]]


def choose(
    understood: Understood,
    topic_intents: Mapping[str, Sequence[str]],
    weights: ChoiceWeights,
    thresholds: Thresholds | None = None,
) -> Choice:
    """Pick the answers for one message.

    Args:
        understood: The parse.
        topic_intents: Which intents ask for each topic (`data/topics.yml`).
        weights: As fitted (`bot/models/choice.json`).
        thresholds: For tuning; the defaults are in force.
    """
    limits = thresholds or Thresholds()
    if _strays(understood, weights, limits):
        understood = understood.alone()
    scope = max(
        _scope(reading, weights) for reading in [understood.whole, *understood.of_kind(CONTEXT)]
    )
    chances = _chances(understood, topic_intents, weights, limits)
    best = chances[0][1] if chances else 0.0
    if scope < limits.scope and not _named_question(understood):
        # "Nice weather. Anyway, what does it cost?" is a question of ours all the same.
        asked = _answers_of(PART, understood, topic_intents, weights, limits, limits.clear)
        kind = Kind.ANSWER if asked else Kind.NOTHING
        return Choice(kind, tuple(asked), best, scope)
    several = _several(understood, topic_intents, weights, limits)
    if several:
        return Choice(Kind.ANSWER, several, best, scope)
    offered = [chances[0], *(c for c in chances[1:CHOICES] if c[1] >= limits.offered)]
    if best >= limits.sure:
        return Choice(Kind.ANSWER, (chances[0][0],), best, scope)
    if sum(chance for _, chance in offered) < limits.least:
        return Choice(Kind.NOTHING, (), best, scope)
    if len(offered) == 1:
        return Choice(Kind.ANSWER, (chances[0][0],), best, scope)
    return Choice(Kind.CHOICE, tuple(answer_id for answer_id, _ in offered), best, scope)


def _scope(reading: Reading, weights: ChoiceWeights) -> float:
    found = signs(reading.ranking, reading.candidates, reading.nearest, reading.coverage)
    return in_scope(found, weights) if reading.candidates else 0.0


def _strays(understood: Understood, weights: ChoiceWeights, limits: Thresholds) -> bool:
    """Whether the message is plainly about something else, however short it is.

    An insult after a question about pain must not get the answer about pain once more.
    """
    whole = understood.whole
    return whole.ranking.get(OUT_OF_SCOPE, 0.0) >= 0.5 and _scope(whole, weights) < limits.scope


def _named_question(understood: Understood) -> bool:
    """A named medicine or condition in a question about who may be treated is in scope."""
    return bool(understood.entity_answers) and understood.whole.ranking.get(CANDIDACY, 0) > 0.3


def _chances(
    understood: Understood,
    topic_intents: Mapping[str, Sequence[str]],
    weights: ChoiceWeights,
    limits: Thresholds,
) -> Scored:
    """Probability of each answer, best first, over the message and what it leans on."""
    own = _scores(understood.whole, understood.entity_answers, topic_intents, weights, limits)
    context = understood.of_kind(CONTEXT)
    if not context:
        return _softmax(own)
    # A name from the turn before counts once, by what this message asks ("can I still?"): the
    # turn itself always asks who may be treated.
    named = () if understood.named_before else understood.entity_answers
    joined = [_scores(r, named, topic_intents, weights, limits) for r in context]
    topics = {c.answer_id: c.topic for r in understood.readings for c in r.candidates}
    total: dict[str, float] = {}
    for answer_id in {*own, *(a for scores in joined for a in scores)}:
        with_turn = sum(_at(scores, answer_id, limits) for scores in joined) / len(joined)
        total[answer_id] = (1 - limits.lean) * _at(own, answer_id, limits)
        total[answer_id] += limits.lean * with_turn
        if topics.get(answer_id) == understood.last_topic:
            total[answer_id] += limits.same_topic
    return _softmax(total)


def _scores(
    reading: Reading,
    entity_answers: Sequence[str],
    topic_intents: Mapping[str, Sequence[str]],
    weights: ChoiceWeights,
    limits: Thresholds,
) -> dict[str, float]:
    """Log-odds of each candidate of a reading.

    What counts: likeness, how probable its topic's intents are, and, the more the message
    asks who may be treated, whether a named medicine or condition points to it. An answer
    that only the name points to takes part as well.
    """
    candidacy = reading.ranking.get(CANDIDACY, 0.0)
    scores = {}
    for candidate in reading.candidates:
        intents = topic_intents.get(candidate.topic, ())
        chance = sum(reading.ranking.get(intent, 0.0) for intent in intents)
        scores[candidate.answer_id] = candidate.score + weights.intent * chance
    lowest = min(scores.values(), default=0.0)
    for answer_id in entity_answers:
        if answer_id not in scores and candidacy >= 0.5:
            scores[answer_id] = lowest
        if answer_id in scores:
            scores[answer_id] += limits.named * candidacy
    return scores


def _several(
    understood: Understood,
    topic_intents: Mapping[str, Sequence[str]],
    weights: ChoiceWeights,
    limits: Thresholds,
) -> tuple[str, ...]:
    """The answers of a message with several questions, in order, if each stands on its own."""
    for kind in (PART, LINKED):
        chosen = _answers_of(kind, understood, topic_intents, weights, limits, limits.scope)
        if len(chosen) > 1:
            return tuple(chosen)
    named = tuple(understood.entity_answers)
    if len(named) > 1 and understood.whole.ranking.get(CANDIDACY, 0.0) >= 0.5:
        return named[:MAX_PARTS]
    return ()


def _answers_of(
    kind: str,
    understood: Understood,
    topic_intents: Mapping[str, Sequence[str]],
    weights: ChoiceWeights,
    limits: Thresholds,
    scope: float,
) -> list[str]:
    """The answers of those parts that are clear by themselves, each once."""
    least = limits.part if kind == PART else limits.linked
    chosen: dict[str, None] = {}
    for part in understood.of_kind(kind):
        scores = _scores(part, understood.entity_answers, topic_intents, weights, limits)
        found = _softmax(scores)
        if found and found[0][1] >= least and _scope(part, weights) >= scope:
            chosen[found[0][0]] = None
    return list(chosen)[:MAX_PARTS]


def _at(scores: Mapping[str, float], answer_id: str, limits: Thresholds) -> float:
    if answer_id in scores:
        return scores[answer_id]
    return min(scores.values(), default=0.0) - limits.missing


def _softmax(scores: Mapping[str, float]) -> Scored:
    if not scores:
        return []
    top = max(scores.values())
    powers = {answer_id: math.exp(score - top) for answer_id, score in scores.items()}
    total = sum(powers.values())
    return sorted(
        ((answer_id, power / total) for answer_id, power in powers.items()),
        key=lambda pair: (-pair[1], pair[0]),
    )
