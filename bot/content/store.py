"""The content store: what is published, seeding, publishing, export."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.content.files import AnswerDraft, Status
from bot.content.models import Answer, AnswerVersion, ContentRevision
from bot.errors import AnswerExpired, AnswerNotFound
from bot.switches.models import Switch

SEED = "seed"
"""Author of versions that came from `data/answers/`."""

_WORDING = (
    "title",
    "body",
    "sms",
    "phrasings",
    "related",
    "referral",
    "source",
    "owner",
    "approved_by",
    "approved_on",
    "review_due",
    "sample",
)


@dataclass(frozen=True, slots=True)
class PublishedAnswer:
    """What patients get for one answer now, before placeholders are filled."""

    id: str
    topic: str
    version: int
    title: str
    body: str
    sms: str
    phrasings: tuple[str, ...]
    related: tuple[str, ...]
    referral: Literal["none", "offer", "open"]
    approved_on: date | None
    review_due: date
    sample: bool


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What seeding did, by answer id."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    kept: tuple[str, ...]


def published(session: Session, answer_id: str, today: date) -> PublishedAnswer:
    """Return the live wording of one answer.

    Raises:
        AnswerNotFound: No such answer, none of its versions is published, or it is
            switched off.
        AnswerExpired: Its review is overdue at ``today``; it must not be sent.
    """
    row = session.execute(_sent().where(Answer.id == answer_id)).one_or_none()
    if row is None:
        raise AnswerNotFound(answer_id)
    answer = _to_published(row[0], row[1])
    if answer.review_due < today:
        raise AnswerExpired(answer_id, answer.review_due)
    return answer


def all_published(session: Session) -> list[PublishedAnswer]:
    """Every live answer in order of id, overdue ones included, switched off ones not."""
    return [_to_published(a, v) for a, v in session.execute(_sent().order_by(Answer.id))]


def shown_version(session: Session, answer_id: str, version: int) -> AnswerVersion:
    """The exact wording of a past version, for a transcript.

    Raises:
        AnswerNotFound: There never was such a version.
    """
    found = session.get(AnswerVersion, (answer_id, version))
    if found is None:
        raise AnswerNotFound(answer_id)
    return found


def revision(session: Session) -> int:
    """The content revision; 0 before anything was published."""
    return session.scalar(select(ContentRevision.revision)) or 0


def seed(session: Session, drafts: Iterable[AnswerDraft], now: datetime) -> SeedReport:
    """Bring the answers of `data/answers/` into the store.

    Repeating it changes nothing. A draft whose text changed in the files becomes a
    new version, unless staff have written a version of that answer: then the files
    lose and the answer is reported as kept.
    """
    added: list[str] = []
    updated: list[str] = []
    kept: list[str] = []
    for draft in drafts:
        latest = _latest(session, draft.id)
        if latest is None:
            session.add(Answer(id=draft.id, topic=draft.topic, published_version=None))
            session.flush()
            _add_version(session, draft, 1, SEED, now)
            added.append(draft.id)
        elif _staff_touched(session, draft.id):
            kept.append(draft.id)
        elif _differs(latest, draft) or _topic(session, draft.id) != draft.topic:
            _add_version(session, draft, latest.version + 1, SEED, now)
            updated.append(draft.id)
    if added or updated:
        raise_revision(session)
    return SeedReport(tuple(added), tuple(updated), tuple(kept))


def save_version(session: Session, draft: AnswerDraft, author: str, now: datetime) -> int:
    """Add a version of an existing or new answer; a published draft goes live at once.

    Returns:
        The number of the new version.
    """
    latest = _latest(session, draft.id)
    if latest is None:
        session.add(Answer(id=draft.id, topic=draft.topic, published_version=None))
        session.flush()
    version = 1 if latest is None else latest.version + 1
    _add_version(session, draft, version, author, now)
    raise_revision(session)
    return version


def retire(session: Session, answer_id: str) -> None:
    """Take an answer off; its versions stay for the transcripts that show them.

    Raises:
        AnswerNotFound: There is no such answer.
    """
    answer = session.get(Answer, answer_id)
    if answer is None:
        raise AnswerNotFound(answer_id)
    answer.published_version = None
    raise_revision(session)


def export(session: Session) -> list[AnswerDraft]:
    """Every live answer as a draft, in order of topic and id, for `data/answers/`."""
    rows = session.execute(_live().order_by(Answer.topic, Answer.id))
    return [_to_draft(answer, version) for answer, version in rows]


def raise_revision(session: Session) -> None:
    """Tell every reader that content changed."""
    row = session.get(ContentRevision, 1, with_for_update=True)
    if row is None:
        session.add(ContentRevision(id=1, revision=1))
    else:
        row.revision += 1


def _live() -> Any:
    return select(Answer, AnswerVersion).join(
        AnswerVersion,
        (AnswerVersion.answer_id == Answer.id)
        & (AnswerVersion.version == Answer.published_version),
    )


def _sent() -> Any:
    """What is live and not switched off."""
    return _live().where(("answer:" + Answer.id).not_in(select(Switch.name)))


def _latest(session: Session, answer_id: str) -> AnswerVersion | None:
    return session.scalar(
        select(AnswerVersion)
        .where(AnswerVersion.answer_id == answer_id)
        .order_by(AnswerVersion.version.desc())
        .limit(1)
    )


def _staff_touched(session: Session, answer_id: str) -> bool:
    others = select(func.count()).where(
        AnswerVersion.answer_id == answer_id, AnswerVersion.created_by != SEED
    )
    return bool(session.scalar(others))


def _topic(session: Session, answer_id: str) -> str | None:
    return session.scalar(select(Answer.topic).where(Answer.id == answer_id))


def _differs(version: AnswerVersion, draft: AnswerDraft) -> bool:
    return version.status != draft.status or any(
        getattr(version, name) != _plain(getattr(draft, name)) for name in _WORDING
    )


def _add_version(
    session: Session, draft: AnswerDraft, version: int, author: str, now: datetime
) -> None:
    wording = {name: _plain(getattr(draft, name)) for name in _WORDING}
    session.add(
        AnswerVersion(
            answer_id=draft.id,
            version=version,
            status=draft.status,
            created_by=author,
            created_at=now,
            **wording,
        )
    )
    answer = session.get_one(Answer, draft.id)
    answer.topic = draft.topic
    if draft.status == "published":
        answer.published_version = version
    elif draft.status == "retired":
        answer.published_version = None
    session.flush()


def _plain(value: object) -> object:
    """Tuples become lists, as JSON columns give them back."""
    return list(value) if isinstance(value, tuple) else value


def _to_published(answer: Answer, version: AnswerVersion) -> PublishedAnswer:
    return PublishedAnswer(
        id=answer.id,
        topic=answer.topic,
        version=version.version,
        title=version.title,
        body=version.body,
        sms=version.sms,
        phrasings=tuple(version.phrasings),
        related=tuple(version.related),
        referral=cast(Literal["none", "offer", "open"], version.referral),
        approved_on=version.approved_on,
        review_due=version.review_due,
        sample=version.sample,
    )


def _to_draft(answer: Answer, version: AnswerVersion) -> AnswerDraft:
    wording: dict[str, Any] = {name: getattr(version, name) for name in _WORDING}
    for name in ("phrasings", "related", "source"):
        wording[name] = tuple(wording[name])
    status = cast(Status, version.status)
    return AnswerDraft(id=answer.id, topic=answer.topic, status=status, **wording)
