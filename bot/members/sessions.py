"""Sessions of staff, in the database: begun, looked up, ended."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot.members import throttle
from bot.members.models import SignInFailure, StaffLink, StaffMember, StaffSession
from bot.members.permissions import May, Role, may

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=10)
UNFINISHED = timedelta(minutes=10)
"""How long a sign-in may take between password and code."""
SEEN_EVERY = timedelta(seconds=20)
"""Writing the time of each click would make every page wait for the database's writer."""
KEPT = timedelta(days=7)
"""How long ended sessions and links stay, for whoever looks into a sign-in."""

Stage = Literal["code", "enrol", "full"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is asking: the account and session behind a request."""

    session_id: int
    member_id: int
    name: str
    email: str
    role: Role
    stage: Stage
    created_at: datetime
    last_seen_at: datetime

    def may(self, permission: May | str) -> bool:
        """Whether the role's permissions cover this; templates pass the plain word."""
        return self.stage == "full" and may(self.role, May(permission))

    def ends_at(self) -> datetime:
        """When the session ends by itself, if the person does nothing more."""
        if self.stage != "full":
            return self.created_at + UNFINISHED
        return min(self.last_seen_at + IDLE, self.created_at + ABSOLUTE)


def begin(
    session: Session, member_id: int, stage: Stage, now: datetime, address: str, browser: str
) -> str:
    """Begin a session and return its token, 256 random bits. Each stage gets a new token."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            token_hash=hash_token(token),
            member_id=member_id,
            stage=stage,
            created_at=now,
            last_seen_at=now,
            address=address[:64],
            browser=browser[:200],
        )
    )
    session.flush()
    return token


def find(session: Session, token: str, now: datetime) -> SignedIn | None:
    """Whose session a cookie opens, or None when unknown, ended, idle or disabled."""
    row = session.execute(
        select(StaffSession, StaffMember)
        .join(StaffMember, StaffMember.id == StaffSession.member_id)
        .where(StaffSession.token_hash == hash_token(token))
    ).first()
    if row is None:
        return None
    held, member = row
    if held.ended_at is not None or member.disabled_at is not None:
        return None
    found = SignedIn(
        session_id=held.id,
        member_id=member.id,
        name=member.name,
        email=member.email,
        role=Role(member.role),
        stage=held.stage,
        created_at=held.created_at,
        last_seen_at=held.last_seen_at,
    )
    return found if now < found.ends_at() else None


def seen(session: Session, session_id: int, now: datetime) -> None:
    """The person did something: the idle clock starts again."""
    session.execute(
        update(StaffSession).where(StaffSession.id == session_id).values(last_seen_at=now)
    )


def open_sessions(session: Session, member_id: int, now: datetime) -> list[StaffSession]:
    """A member's sessions that still open the console, newest first."""
    return list(
        session.scalars(
            select(StaffSession)
            .where(
                StaffSession.member_id == member_id,
                StaffSession.ended_at.is_(None),
                StaffSession.stage == "full",
                StaffSession.last_seen_at > now - IDLE,
                StaffSession.created_at > now - ABSOLUTE,
            )
            .order_by(StaffSession.id.desc())
        )
    )


def end(session: Session, session_id: int, member_id: int, now: datetime) -> bool:
    """End one session of a member; False when there is no such open session."""
    ended = session.execute(
        update(StaffSession)
        .where(
            StaffSession.id == session_id,
            StaffSession.member_id == member_id,
            StaffSession.ended_at.is_(None),
        )
        .values(ended_at=now)
        .returning(StaffSession.id)
    )
    return ended.first() is not None


def end_all(session: Session, member_id: int, now: datetime, but: int | None = None) -> None:
    """End every session of a member, except perhaps the one asking."""
    query = update(StaffSession).where(
        StaffSession.member_id == member_id, StaffSession.ended_at.is_(None)
    )
    if but is not None:
        query = query.where(StaffSession.id != but)
    session.execute(query.values(ended_at=now))


def forget_old(session: Session, now: datetime) -> None:
    """Delete sessions and links that ended a while ago, and failures that no longer count."""
    # No session outlives ABSOLUTE, so that its beginning says enough.
    session.execute(delete(StaffSession).where(StaffSession.created_at < now - ABSOLUTE - KEPT))
    session.execute(delete(StaffLink).where(StaffLink.expires_at < now - KEPT))
    session.execute(delete(SignInFailure).where(SignInFailure.at <= now - throttle.WINDOW))


def hash_token(token: str) -> str:
    """What the database keeps of a token: it cannot be turned back into a cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(token: str) -> str:
    """The token that forms of a session carry against cross-site requests.

    Derived from the session's secret, which no other site can read, so a new session
    has a new one.
    """
    return hmac.new(token.encode(), b"console form", hashlib.sha256).hexdigest()
