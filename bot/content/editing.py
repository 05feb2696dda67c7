"""Writing answers: drafts, the second person's approval, publishing, taking back."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.clinic import Clinic
from bot.content import store
from bot.content.files import AnswerDraft, Referral, Status
from bot.content.lint import Problem, lint
from bot.content.models import Answer, AnswerVersion
from bot.errors import AnswerNotFound, ContentError

REVIEW_EVERY: Final = timedelta(days=365)
"""How long an approval holds unless the clinician names an earlier day."""

_SIGNING_RULES: Final = frozenset({"unsigned", "approved-later", "review-due"})
"""What publishing itself settles."""

_TOKEN = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of a comparison; ``kind`` is ``same``, ``added`` or ``removed``."""

    kind: str
    text: str


def versions(session: Session, answer_id: str) -> list[AnswerVersion]:
    """Every version, newest first."""
    return list(
        session.scalars(
            select(AnswerVersion)
            .where(AnswerVersion.answer_id == answer_id)
            .order_by(AnswerVersion.version.desc())
        )
    )


def to_draft(answer: Answer, version: AnswerVersion) -> AnswerDraft:
    """A stored version as a draft, for linting, previewing and editing on."""
    return AnswerDraft(
        id=answer.id,
        topic=answer.topic,
        title=version.title,
        body=version.body,
        sms=version.sms,
        phrasings=tuple(version.phrasings),
        related=tuple(version.related),
        referral=cast(Referral, version.referral),
        source=tuple(version.source),
        owner=version.owner,
        approved_by=version.approved_by,
        approved_on=version.approved_on,
        review_due=version.review_due,
        status=cast(Status, version.status),
        sample=version.sample,
    )


def save(session: Session, draft: AnswerDraft, author: str, based_on: int, now: datetime) -> int:
    """Keep an edited wording as a new draft version; what patients read does not change.

    Args:
        based_on: The newest version when the editor began, 0 for a new answer.

    Returns:
        The number of the new version.

    Raises:
        ContentError: Somebody saved a version meanwhile.
    """
    newest = session.scalar(
        select(func.max(AnswerVersion.version)).where(AnswerVersion.answer_id == draft.id)
    )
    if (newest or 0) != based_on:
        raise ContentError(
            "somebody saved a newer version meanwhile; nothing was overwritten", answer_id=draft.id
        )
    return store.save_version(session, draft, author, now)


def submit(session: Session, answer_id: str, version: int) -> None:
    """Ask for approval of a draft.

    Raises:
        ContentError: It is no draft.
    """
    found = _version(session, answer_id, version)
    if found.status != "draft":
        raise ContentError(f"it is {_said(found.status)}, not a draft", answer_id=answer_id)
    found.status = "in_review"


def send_back(session: Session, answer_id: str, version: int) -> None:
    """Return a submitted version to its author.

    Raises:
        ContentError: It is not in review.
    """
    _in_review(session, answer_id, version).status = "draft"


def publish(
    session: Session,
    answer_id: str,
    version: int,
    approver: str,
    review_due: date,
    topics: Mapping[str, Sequence[str]],
    clinic: Clinic,
    now: datetime,
) -> None:
    """Approve a submitted version and put it before patients.

    Raises:
        ContentError: It is not in review, its author approves it, its review would be due
            already or in more than a year, or the clinic's rules find something wrong.
    """
    found = _in_review(session, answer_id, version)
    if found.created_by.casefold() == approver.casefold():
        raise ContentError("who wrote a version cannot approve it", answer_id=answer_id)
    today = clinic.local_date(now)
    if not today < review_due <= today + REVIEW_EVERY:
        raise ContentError("the next review must be within a year", answer_id=answer_id)
    answer = session.get_one(Answer, answer_id)
    problems = check(session, to_draft(answer, found), topics, clinic, today)
    if problems:
        raise ContentError(f"{problems[0].rule}: {problems[0].detail}", answer_id=answer_id)
    _put_aside(session, answer)
    found.approved_by, found.approved_on, found.review_due = approver, today, review_due
    found.status, found.sample = "published", False
    answer.published_version = version
    store.raise_revision(session)


def retire(session: Session, answer_id: str) -> None:
    """Take an answer away from patients; its versions stay.

    Raises:
        AnswerNotFound: There is no such answer.
        ContentError: Nothing of it is published.
    """
    answer = _answer(session, answer_id)
    if answer.published_version is None:
        raise ContentError("nothing of it is published", answer_id=answer_id)
    _put_aside(session, answer)
    store.retire(session, answer_id)


def roll_back(session: Session, answer_id: str, version: int, today: date) -> None:
    """Put a wording back that was approved before and is still in time.

    Raises:
        ContentError: It was never published, is the live one, or its review is overdue.
    """
    answer = _answer(session, answer_id)
    found = _version(session, answer_id, version)
    if found.status != "retired" or found.approved_by is None:
        raise ContentError("only a wording that was published before", answer_id=answer_id)
    if found.review_due < today:
        raise ContentError(f"its review was due on {found.review_due}", answer_id=answer_id)
    _put_aside(session, answer)
    found.status = "published"
    answer.published_version = version
    store.raise_revision(session)


def check(
    session: Session,
    draft: AnswerDraft,
    topics: Mapping[str, Sequence[str]],
    clinic: Clinic,
    today: date,
) -> list[Problem]:
    """What the clinic's rules say of a draft beside everything that is published.

    Phrasings that another answer has already are among it.
    """
    others = [other for other in store.export(session) if other.id != draft.id]
    found = lint([*others, draft], topics, clinic, today, only=draft.id)
    return [p for p in found if p.answer_id == draft.id and p.rule not in _SIGNING_RULES]


def difference(before: str, after: str) -> list[Change]:
    """Word by word what became of a text."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    found: list[Change] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Change("same", "".join(old[a:b])))
            continue
        if b > a:
            found.append(Change("removed", "".join(old[a:b])))
        if d > c:
            found.append(Change("added", "".join(new[c:d])))
    return found


def _put_aside(session: Session, answer: Answer) -> None:
    if answer.published_version is not None:
        _version(session, answer.id, answer.published_version).status = "retired"


def _answer(session: Session, answer_id: str) -> Answer:
    found = session.get(Answer, answer_id, with_for_update=True)
    if found is None:
        raise AnswerNotFound(answer_id)
    return found


def _version(session: Session, answer_id: str, version: int) -> AnswerVersion:
    _answer(session, answer_id)
    return store.shown_version(session, answer_id, version)


def _in_review(session: Session, answer_id: str, version: int) -> AnswerVersion:
    found = _version(session, answer_id, version)
    if found.status != "in_review":
        raise ContentError(f"it is {_said(found.status)}, not in review", answer_id=answer_id)
    return found


def _said(status: str) -> str:
    return status.replace("_", " ")


def wording(fields: Mapping[str, Any], base: AnswerDraft) -> AnswerDraft:
    """A draft as a form gives it: lists have one item a line.

    Raises:
        ContentError: The referral is none of ours.
    """
    referral = str(fields.get("referral", base.referral))
    if referral not in ("none", "offer", "open"):
        raise ContentError("the referral is none, offer or open", answer_id=base.id)

    def text(name: str) -> str:
        return str(fields.get(name, "")).replace("\r\n", "\n").strip()

    def listed(name: str) -> tuple[str, ...]:
        return tuple(line.strip() for line in text(name).splitlines() if line.strip())

    return AnswerDraft(
        id=base.id,
        topic=base.topic,
        title=text("title"),
        body=text("body"),
        sms=text("sms"),
        phrasings=listed("phrasings"),
        related=listed("related"),
        referral=cast(Referral, referral),
        source=listed("source"),
        owner=text("owner"),
        approved_by=None,
        approved_on=None,
        review_due=base.review_due,
        status="draft",
        sample=False,
    )
