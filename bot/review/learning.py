"""From reviews to examples: de-identified, without doubles, training and testing apart."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml
from rapidfuzz import fuzz, process
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.content.models import Answer
from bot.content.phrasings import normalise
from bot.conversations.models import Message
from bot.conversations.redaction import redact
from bot.messages import Tier
from bot.review.models import Review
from bot.review.store import RIGHT, settled

NEAR: Final = 93.0
"""Likeness (0 to 100, whatever the order of words) from which two messages are one."""
HELD_OUT: Final = 64
"""Of 256: a message whose hash begins below this tests, the others train; for ever."""
MAX_CHARS: Final = 200

_EXPECTED: Final = {
    "out_of_scope": "out_of_scope",
    "request_human": "staff",
    "complain": "staff",
    **dict.fromkeys(("greet", "goodbye", "thank", "chitchat", "affirm", "deny"), "none"),
    **dict.fromkeys(("bot_challenge", "give_feedback"), "none"),
}
"""What should become of a message of these intents; of the others, an answer."""
_SYMPTOMS: Final = frozenset({"report_emergency", "report_symptom"})
"""Symptoms are labelled by a clinician in the safety data, not here."""
_PERSONAL: Final = re.compile(
    r"(?i)\b(?:my name(?:'?s| is)?|the name(?:'?s| is)|me llamo|mi nombre(?: es)?)\s+\w"
    r"|\b(?:this is|i am|i'm|soy)\s+(?-i:[A-Z])"
    r"|\b(?:mr|mrs|ms|dr)\.?\s+[a-z]|\d{3,}|@|https?:"
)
_MARKUP: Final = re.compile(r"[\[\]{}()<>|`]")


@dataclass(frozen=True, slots=True)
class Example:
    """One reviewed message that may leave the database."""

    text: str
    intent: str
    topics: tuple[str, ...]
    reviewer: str
    on: date

    @property
    def key(self) -> str:
        return hashlib.sha256(normalise(self.text).encode()).hexdigest()

    @property
    def held_out(self) -> bool:
        """Whether it tests. By its words alone, so that no export can change its mind."""
        return int(self.key[:2], 16) < HELD_OUT


@dataclass(slots=True)
class Harvest:
    """What came of the reviews."""

    train: list[Example] = field(default_factory=list)
    test: list[Example] = field(default_factory=list)
    personal: int = 0
    known: int = 0


def harvest(
    session: Session, topic_intents: Mapping[str, Sequence[str]], known: Iterable[str]
) -> Harvest:
    """Gather examples on which the reviewers agree.

    Left out: what may name somebody, red flags and symptoms, and what is the same as or
    nearly the same as a known example, whichever of the sets that is in.

    Args:
        known: Every message of the training data and of the evaluation sets.
    """
    found = Harvest()
    seen = {folded for text in known if (folded := normalise(text))}
    topic_of = {row[0]: row[1] for row in session.execute(select(Answer.id, Answer.topic))}
    for message, reviews in _reviewed(session):
        example = _example(message, reviews, topic_of, topic_intents)
        if example is None:
            continue
        if _names_somebody(message.text):
            found.personal += 1
            continue
        folded = normalise(example.text)
        near = process.extractOne(folded, seen, scorer=fuzz.token_sort_ratio, score_cutoff=NEAR)
        if not folded or near is not None:
            found.known += 1
            continue
        seen.add(folded)
        (found.test if example.held_out else found.train).append(example)
    return found


def training_yaml(examples: Sequence[Example]) -> str:
    """Rasa training data, with who reviewed it and when."""
    lines = ['version: "3.1"', "", "nlu:"]
    for intent in sorted({example.intent for example in examples}):
        mine = [example for example in examples if example.intent == intent]
        by = sorted({f"{example.reviewer}, {example.on}" for example in mine})
        lines += [f"# Reviewed by {'; '.join(by)}", f"- intent: {intent}", "  examples: |"]
        lines += [f"    - {example.text}" for example in mine]
    return "\n".join(lines) + "\n"


def test_lines(examples: Sequence[Example]) -> str:
    """Lines of an evaluation set."""
    return "".join(
        json.dumps(
            {
                "id": f"rev-{example.key[:10]}",
                "text": example.text,
                "expected": _EXPECTED.get(example.intent, "answer"),
                "acceptable_expected": [] if example.intent in _EXPECTED else ["answer+staff"],
                "acceptable_topics": list(example.topics),
                "kind": "reviewed",
                "reviewed_by": example.reviewer,
                "reviewed_on": example.on.isoformat(),
            },
            ensure_ascii=False,
        )
        + "\n"
        for example in examples
    )


def known_texts(data: Path, sets: Path) -> Iterator[str]:
    """Every training example under ``data`` and every message of the ``sets``."""
    for path in sorted(data.rglob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            yield from (line.removeprefix("- ") for line in block["examples"].splitlines())
    for path in sorted(sets.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                record = json.loads(line)
                yield from (record["text"], *record.get("context", ()))


def conversation_test(session: Session, conversation_id: str, name: str) -> str:
    """A conversation as a file for `tests/conversations/`, as the assistant handled it.

    Words with particulars are redacted; somebody reads it before it is committed.
    """
    messages = session.scalars(
        select(Message).where(Message.conversation_id == conversation_id).order_by(Message.id)
    ).all()
    turns = []
    for message in messages:
        if message.sender != "patient" or message.outcome is None:
            continue
        replies = [m for m in messages if m.in_reply_to == message.id and m.answer_id]
        turn: dict[str, Any] = {"patient": " ".join(redact(message.text).split())}
        if message.button_id:
            turn = {"button": message.button_id}
        turn["outcome"] = message.outcome
        if replies:
            ids = [reply.answer_id for reply in replies]
            turn["answers"] = ids[0] if len(ids) == 1 else ids
        turns.append(turn)
    return yaml.safe_dump(
        [{"name": name, "turns": turns}], sort_keys=False, allow_unicode=True, width=100
    )


def _reviewed(session: Session) -> Iterator[tuple[Message, list[Review]]]:
    rows = session.execute(
        select(Message, Review)
        .join(Review, Review.message_id == Message.id)
        .where(
            Message.sender == "patient", Message.tier < Tier.URGENT, Message.language.is_not(None)
        )
        .order_by(Message.id, Review.at)
    )
    current: list[Review] = []
    last: Message | None = None
    for message, review in rows:
        if last is not None and message.id != last.id:
            yield last, current
            current = []
        last = message
        current.append(review)
    if last is not None:
        yield last, current


def _example(
    message: Message,
    reviews: Sequence[Review],
    topic_of: Mapping[str, str],
    topic_intents: Mapping[str, Sequence[str]],
) -> Example | None:
    verdict, newest = settled(reviews), reviews[-1]
    intents = {review.right_intent for review in reviews if review.right_intent}
    intent = message.intent if verdict == RIGHT else None
    if verdict == "wrong_intent" and len(intents) == 1:
        (intent,) = intents
    text = " ".join(message.text.split())
    unfit = not intent or intent in _SYMPTOMS or intent == "nlu_fallback" or message.button_id
    if not intent or unfit or len(text) > MAX_CHARS or _MARKUP.search(text):
        return None
    answers = {review.right_answer for review in reviews if review.right_answer}
    topics = {topic_of[name] for name in answers if name in topic_of} or {
        topic for topic, asked_by in topic_intents.items() if intent in asked_by
    }
    if intent in _EXPECTED:
        topics = set()
    return Example(text, intent, tuple(sorted(topics)), newest.reviewer, newest.at.date())


def _names_somebody(text: str) -> bool:
    return redact(text) != text or _PERSONAL.search(text) is not None
