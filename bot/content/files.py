"""Answers as files: reading and writing ``data/answers/<topic>.yml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal, cast, get_args

from bot.content.strict_yaml import check_keys, read_mapping, text, text_keys, texts
from bot.content.yaml_layout import render
from bot.errors import ContentError

Referral = Literal["none", "offer", "open"]
Status = Literal["draft", "in_review", "published", "retired"]

_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHARED: Final = ("owner", "approved_by", "approved_on", "review_due", "status", "sample")
_OWN: Final = ("id", "title", "referral", "source", "related", "body", "sms", "phrasings")


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """One answer as its file states it.

    Attributes:
        id: Kebab-case, unique over all files, never reused.
        title: Patient words; also the label of a choice button.
        body: Web text, paragraphs apart by a blank line, ``{placeholders}`` unfilled.
        sms: The same for a text message.
        phrasings: How patients ask exactly this.
        related: Ids of answers to offer next.
        referral: ``none``; ``offer`` when the reply offers staff follow-up;
            ``open`` when a routine follow-up is opened with the answer.
        source: Keys of ``data/sources.yml``.
        owner: Who keeps it right, ``Medical lead`` or ``Clinic manager``.
        approved_by: Who signed it; None until somebody does.
        approved_on: Local date of the signature.
        review_due: Last day on which it may be sent.
        sample: True for content shipped with the project and not yet signed
            by a clinician of this clinic.
    """

    id: str
    topic: str
    title: str
    body: str
    sms: str
    phrasings: tuple[str, ...]
    related: tuple[str, ...]
    referral: Referral
    source: tuple[str, ...]
    owner: str
    approved_by: str | None
    approved_on: date | None
    review_due: date
    status: Status
    sample: bool


def load_answers(folder: Path) -> list[AnswerDraft]:
    """Read every ``*.yml`` file of ``folder``, in the order of their names.

    Raises:
        ContentError: A file cannot be read, a key is unknown or missing, a
            value has the wrong form, or two answers share an id. Carries the
            path, and the answer id where one is known.
    """
    if not folder.is_dir():
        raise ContentError("is not a folder", path=folder)
    drafts: list[AnswerDraft] = []
    homes: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yml")):
        for draft in read_answer_file(path):
            if draft.id in homes:
                raise ContentError(
                    f"this id is already used in {homes[draft.id].name}",
                    path=path,
                    answer_id=draft.id,
                )
            homes[draft.id] = path
            drafts.append(draft)
    return drafts


def dump_answers(drafts: Iterable[AnswerDraft], folder: Path) -> None:
    """Write one file per topic, so that ``load_answers`` reads the same back.

    The order of answers inside a topic is kept. A file of a topic that has no
    draft is left alone: answers are retired, not deleted.
    """
    topics: dict[str, list[AnswerDraft]] = {}
    for draft in drafts:
        topics.setdefault(draft.topic, []).append(draft)
    folder.mkdir(parents=True, exist_ok=True)
    for topic, members in topics.items():
        (folder / f"{topic}.yml").write_text(_dump_topic(topic, members), encoding="utf-8")


def load_topics(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the fixed vocabulary of topics, each with the intents that ask for it."""
    topics: dict[str, tuple[str, ...]] = {}
    for topic, intents in read_mapping(path).items():
        named = [intents] if isinstance(intents, str) else intents
        topics[topic] = texts(named, f"the intents of {topic}", path=path)
        if not topics[topic]:
            raise ContentError(f"the topic {topic!r} names no intent", path=path)
    return topics


def read_answer_file(path: Path) -> list[AnswerDraft]:
    """Read the answers of one topic.

    Raises:
        ContentError: A key is unknown or missing, or a value has the wrong form.
    """
    raw = read_mapping(path)
    check_keys(raw, required=("topic", "answers"), optional=("defaults",), path=path)
    topic = text(raw["topic"], "topic", path=path)
    if topic != path.stem:
        raise ContentError(f"holds the topic {topic!r}; a file is named for its topic", path=path)
    defaults = text_keys(raw.get("defaults") or {}, "defaults", path=path)
    check_keys(defaults, required=(), optional=_SHARED, path=path)
    answers = raw["answers"]
    if not isinstance(answers, list):
        raise ContentError("answers must be a list", path=path)
    return [_answer(topic, defaults, item, path) for item in answers]


def _answer(topic: str, defaults: Mapping[str, object], item: object, path: Path) -> AnswerDraft:
    own = text_keys(item, "an answer", path=path)
    answer_id = text(own.get("id"), "the id of an answer", path=path)
    if not _ID.fullmatch(answer_id):
        raise ContentError("an id is lower-case words joined by -", path=path, answer_id=answer_id)
    check_keys(own, required=_OWN, optional=_SHARED, path=path, answer_id=answer_id)
    raw: dict[str, object] = {**defaults, **own}
    check_keys(raw, required=(*_OWN, *_SHARED), path=path, answer_id=answer_id)

    def words(key: str) -> str:
        return text(raw[key], key, path=path, answer_id=answer_id)

    def many(key: str) -> tuple[str, ...]:
        return texts(raw[key], key, path=path, answer_id=answer_id)

    def one_of(key: str, allowed: tuple[str, ...]) -> str:
        value = words(key)
        if value not in allowed:
            raise ContentError(
                f"{key} is {value!r}, not one of {', '.join(allowed)}",
                path=path,
                answer_id=answer_id,
            )
        return value

    def day(key: str) -> date:
        value = raw[key]
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ContentError(
                f"{key} must be a date like 2027-11-01", path=path, answer_id=answer_id
            )
        return value

    if not isinstance(raw["sample"], bool):
        raise ContentError("sample must be true or false", path=path, answer_id=answer_id)
    return AnswerDraft(
        id=answer_id,
        topic=topic,
        title=words("title"),
        body=words("body"),
        sms=words("sms"),
        phrasings=many("phrasings"),
        related=many("related"),
        referral=cast(Referral, one_of("referral", get_args(Referral))),
        source=many("source"),
        owner=words("owner"),
        approved_by=None if raw["approved_by"] is None else words("approved_by"),
        approved_on=None if raw["approved_on"] is None else day("approved_on"),
        review_due=day("review_due"),
        status=cast(Status, one_of("status", get_args(Status))),
        sample=raw["sample"],
    )


def _dump_topic(topic: str, drafts: list[AnswerDraft]) -> str:
    defaults = {key: _commonest([getattr(draft, key) for draft in drafts]) for key in _SHARED}
    answers: list[dict[str, object]] = []
    for draft in drafts:
        answer: dict[str, object] = {}
        for key in _OWN:
            value = getattr(draft, key)
            answer[key] = list(value) if isinstance(value, tuple) else value
        # What differs from the file's defaults stands before the long texts.
        differing = {
            key: getattr(draft, key) for key in _SHARED if getattr(draft, key) != defaults[key]
        }
        head = {key: answer.pop(key) for key in ("id", "title", "referral", "source", "related")}
        answers.append({**head, **differing, **answer})
    return render({"topic": topic, "defaults": defaults, "answers": answers})


def _commonest(values: list[object]) -> object:
    """Return the most frequent value, the first of equals, so that output is stable."""
    return max(values, key=values.count)
