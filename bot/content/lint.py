"""Everything about answers that a program can check before a patient reads them.

A program cannot sign content. It can keep out what a tired reviewer misses.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from bot.clinic import Clinic
from bot.content.files import AnswerDraft
from bot.content.forbidden import hits
from bot.content.phrasings import normalise
from bot.content.reading_level import grade
from bot.content.sources import load_sources
from bot.errors import ContentError
from bot.replies.placeholders import fill
from bot.replies.segments import is_gsm7, part_count, septet_count

MAX_GRADE: Final = 9.0
MAX_SMS_PARTS: Final = 2
MAX_TITLE: Final = 48
MIN_PHRASINGS: Final = 6
BODY_WORDS: Final = (30, 160)

_VERDICT_OPENING: Final = re.compile(
    r"(?:yes|yeah|yep|no|nope|sure|absolutely|definitely|certainly|of course|unfortunately)\b"
    r"(?!\s+(?:one|single|chat|simple|two|treatment|rule|list|clinic|medicine))"
    r"|you(?:'re| are| can| can't| cannot| may| should)\b",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(
    r"https?://|\bwww\.|\*\*|__|`|^#|\[[^\]]*\]\(|<[a-z/][^>]*>|&[a-z]+;", re.IGNORECASE | re.M
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why content may not be published.

    Attributes:
        answer_id: The answer, or None when the problem is of the whole content.
        rule: Short stable name of the rule.
        detail: What is wrong and where, for the person who edits.
    """

    answer_id: str | None
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.answer_id or 'content'}: {self.rule}: {self.detail}"


def lint(
    drafts: Sequence[AnswerDraft],
    topics: Mapping[str, Sequence[str]],
    clinic: Clinic,
    today: date,
    *,
    sources: Collection[str] | None = None,
    only: str | None = None,
) -> list[Problem]:
    """Check all answers, one by one and against each other.

    Retired answers are only known as ids; they are never sent, so never checked.

    Args:
        drafts: Every answer, of every topic.
        topics: The vocabulary, as ``load_topics`` reads it.
        today: In the clinic's zone.
        sources: Keys that answers may cite; those of ``data/sources.yml`` when None.
        only: Check this answer alone, beside the others.

    Returns:
        Problems in the order of the answers, then those of the whole content.
    """
    known_sources = load_sources() if sources is None else sources
    ids = {draft.id for draft in drafts}
    live = [draft for draft in drafts if draft.status != "retired"]
    homes = _phrasing_homes(live)
    problems: list[Problem] = []
    for draft in live if only is None else [draft for draft in live if draft.id == only]:
        found = [
            *_references(draft, topics, known_sources, ids),
            *_signature(draft, today),
            *_phrasings(draft, homes),
            *_texts(draft, clinic),
        ]
        problems += [Problem(draft.id, rule, detail) for rule, detail in found]
    published = {draft.topic for draft in live if draft.status == "published"}
    problems += [
        Problem(None, "topic-empty", f"the topic {topic!r} has no published answer")
        for topic in topics
        if topic not in published
    ]
    return problems


_Found = Iterator[tuple[str, str]]


def _references(
    draft: AnswerDraft,
    topics: Collection[str],
    sources: Collection[str],
    ids: Collection[str],
) -> _Found:
    if draft.topic not in topics:
        yield "topic-unknown", f"{draft.topic!r} is not in the topic list"
    if not draft.source:
        yield "source-missing", "name at least one source"
    for key in draft.source:
        if key not in sources:
            yield "source-unknown", f"{key!r} is not in the list of sources"
    for other in draft.related:
        if other == draft.id:
            yield "related-self", "an answer cannot be related to itself"
        elif other not in ids:
            yield "related-unknown", f"there is no answer {other!r}"
    for other, times in Counter(draft.related).items():
        if times > 1:
            yield "related-twice", f"{other!r} is named {times} times"


def _signature(draft: AnswerDraft, today: date) -> _Found:
    if draft.review_due < today:
        yield "review-due", f"review was due on {draft.review_due.isoformat()}"
    if draft.status == "published" and (draft.approved_by is None or draft.approved_on is None):
        yield "unsigned", "a published answer names who approved it, and when"
    if draft.approved_on is not None and draft.approved_on > today:
        yield "approved-later", f"approved on {draft.approved_on.isoformat()}, which is to come"


def _phrasing_homes(drafts: Sequence[AnswerDraft]) -> dict[str, list[str]]:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for draft in drafts:
        for phrasing in draft.phrasings:
            homes[normalise(phrasing)].append(draft.id)
    return homes


def _phrasings(draft: AnswerDraft, homes: Mapping[str, Sequence[str]]) -> _Found:
    if len(draft.phrasings) < MIN_PHRASINGS:
        yield "phrasings-few", f"{len(draft.phrasings)} phrasings; at least {MIN_PHRASINGS}"
    reported: set[str] = set()
    for phrasing in draft.phrasings:
        key = normalise(phrasing)
        if not key:
            yield "phrasing-blank", f"{phrasing!r} has no words"
        elif len(homes[key]) > 1 and key not in reported:
            reported.add(key)
            others = sorted(set(homes[key]) - {draft.id})
            where = f"also asks for {', '.join(others)}" if others else "stands twice"
            yield "phrasing-twice", f"{phrasing!r} {where}"


def _texts(draft: AnswerDraft, clinic: Clinic) -> _Found:
    if len(draft.title) > MAX_TITLE:
        yield "title-long", f"{len(draft.title)} characters; at most {MAX_TITLE}"
    for name in ("title", "body", "sms"):
        found = _MARKUP.search(getattr(draft, name))
        if found:
            yield "markup", f"{name} holds {found.group(0)!r}; plain text and placeholders only"
    filled, unfilled = _fill(draft, clinic)
    for name, reason in unfilled.items():
        yield "placeholder", f"{name}: {reason}"
    for name in ("title", "body", "sms"):
        for hit in hits(getattr(filled, name)):
            yield "wording", f"{name} says {hit.words!r} ({hit.wording.id}): {hit.wording.reason}"
        if draft.topic.startswith("candidacy_") and name != "title":
            opening = _VERDICT_OPENING.match(getattr(filled, name))
            if opening:
                yield "verdict-opening", f"{name} opens with {opening.group(0)!r}"
    yield from _body(filled.body)
    yield from _sms(filled.sms)


def _fill(draft: AnswerDraft, clinic: Clinic) -> tuple[AnswerDraft, dict[str, str]]:
    """Fill what can be filled; name each text that cannot, with the reason."""
    values = clinic.placeholders()
    texts: dict[str, str] = {}
    unfilled: dict[str, str] = {}
    for name in ("title", "body", "sms"):
        try:
            texts[name] = fill(getattr(draft, name), values)
        except ContentError as error:
            unfilled[name] = error.detail
    return (
        replace(
            draft,
            title=texts.get("title", draft.title),
            body=texts.get("body", draft.body),
            sms=texts.get("sms", draft.sms),
        ),
        unfilled,
    )


def _body(body: str) -> _Found:
    fewest, most = BODY_WORDS
    words = sum(any(c.isalnum() for c in word) for word in body.split())
    if not fewest <= words <= most:
        yield "body-length", f"{words} words; between {fewest} and {most}"
    level = grade(body)
    if level > MAX_GRADE:
        yield "reading-level", f"grade {level:.1f}; at most {MAX_GRADE:.0f}"


def _sms(sms: str) -> _Found:
    if not sms.strip():
        yield "sms-missing", "write what a text message says"
        return
    if not is_gsm7(sms):
        strange = "".join(sorted({c for c in sms if not is_gsm7(c)}))
        yield "sms-alphabet", f"not in the GSM 7-bit alphabet: {strange}"
        return
    parts = part_count(sms)
    if parts > MAX_SMS_PARTS:
        yield "sms-long", f"{parts} parts, {septet_count(sms)} septets; at most {MAX_SMS_PARTS}"
