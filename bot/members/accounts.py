"""Accounts of staff: adding, linking, setting passwords, changing roles."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import BotError
from bot.members import sessions
from bot.members.models import RecoveryCode, StaffLink, StaffMember
from bot.members.passwords import hash_password, objection
from bot.members.permissions import Role
from bot.private_data import PrivateData

LINK_LIFETIME = timedelta(hours=24)
MAX_NAME_CHARS = 60
"""As long as patients are shown. Names are unique: the queue says by name who has what."""

_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")


class AccountError(BotError):
    """What was asked of an account cannot be done. The text is fit for the person asking."""


def add_member(session: Session, name: str, email: str, role: Role, now: datetime) -> StaffMember:
    """Add an account without a password; `make_link` gives it a way in.

    Raises:
        AccountError: The name or address cannot be used, or the address is taken.
    """
    name, email = " ".join(name.split()), email.strip().lower()
    if not name or len(name) > MAX_NAME_CHARS:
        raise AccountError(f"Please give a name of at most {MAX_NAME_CHARS} characters.")
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise AccountError("This does not look like an e-mail address.")
    if find_by_email(session, email) is not None:
        raise AccountError("There is already an account with this e-mail address.")
    if name.lower() in {known.lower() for known in session.scalars(select(StaffMember.name))}:
        raise AccountError("There is already an account with this name. Please add an initial.")
    member = StaffMember(name=name, email=email, role=role.value, created_at=now)
    session.add(member)
    session.flush()
    return member


def get_member(session: Session, member_id: int) -> StaffMember:
    """One account.

    Raises:
        AccountError: There is none with this number.
    """
    member = session.get(StaffMember, member_id)
    if member is None:
        raise AccountError("There is no such account.")
    return member


def find_by_email(session: Session, email: str) -> StaffMember | None:
    """The account with this address, disabled or not."""
    return session.scalar(select(StaffMember).where(StaffMember.email == email.strip().lower()))


def all_members(session: Session) -> list[StaffMember]:
    """Every account, those in use first, by name."""
    query = select(StaffMember).order_by(
        StaffMember.disabled_at.is_not(None), func.lower(StaffMember.name), StaffMember.id
    )
    return list(session.scalars(query))


def none_yet(session: Session) -> bool:
    """Whether nobody ever had an account, so that the first admin's link is due.

    Accounts that are disabled and never had a password are those of made-up data.
    """
    real = or_(StaffMember.disabled_at.is_(None), StaffMember.password_hash.is_not(None))
    return session.scalar(select(StaffMember.id).where(real).limit(1)) is None


def make_link(session: Session, member_id: int | None, now: datetime) -> str:
    """A new one-time link's token; earlier unused links of the same account end.

    Args:
        member_id: Whose password it sets; None for the first admin's link.
    """
    same = StaffLink.member_id == member_id if member_id else StaffLink.member_id.is_(None)
    session.execute(
        update(StaffLink).where(same, StaffLink.used_at.is_(None)).values(expires_at=now)
    )
    token = secrets.token_urlsafe(32)
    session.add(
        StaffLink(
            token_hash=sessions.hash_token(token),
            member_id=member_id,
            expires_at=now + LINK_LIFETIME,
        )
    )
    session.flush()
    return token


def find_link(session: Session, token: str, now: datetime) -> StaffLink | None:
    """The link of a token if it can still be used."""
    link = session.get(StaffLink, sessions.hash_token(token))
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    if link.member_id is None:
        return link if none_yet(session) else None
    return link if get_member(session, link.member_id).disabled_at is None else None


def use_link(
    session: Session,
    token: str,
    password: str,
    now: datetime,
    *,
    name: str = "",
    email: str = "",
) -> StaffMember:
    """Set a password by a link, once. The first admin's link also makes the account.

    Raises:
        AccountError: The link is used up, or the password or particulars are refused.
    """
    link = find_link(session, token, now)
    if link is None:
        raise AccountError("This link has been used or is too old. Please ask for a new one.")
    if link.member_id is None:
        member = add_member(session, name, email, Role.ADMIN, now)
    else:
        member = get_member(session, link.member_id)
    set_password(session, member, password, now)
    taken = session.execute(
        update(StaffLink)
        .where(StaffLink.token_hash == link.token_hash, StaffLink.used_at.is_(None))
        .values(used_at=now)
        .returning(StaffLink.token_hash)
    )
    if taken.first() is None:  # the same link, used at the same moment
        raise AccountError("This link has been used or is too old. Please ask for a new one.")
    return member


def set_password(
    session: Session, member: StaffMember, password: str, now: datetime, keep: int | None = None
) -> None:
    """Set a password and end the member's other sessions.

    Args:
        keep: The session that goes on, where the person changes it themselves.

    Raises:
        AccountError: The password is refused; says why.
    """
    refusal = objection(password, name=member.name, email=member.email)
    if refusal is not None:
        raise AccountError(refusal)
    member.password_hash = hash_password(password)
    sessions.end_all(session, member.id, now, but=keep)


def change_role(session: Session, member: StaffMember, role: Role, now: datetime) -> None:
    """Change a role. Effective at once, as each request reads it.

    Raises:
        AccountError: It would leave nobody who can manage accounts.
    """
    if role is not Role.ADMIN:
        _keep_an_admin(session, member)
    member.role = role.value


def disable(session: Session, member: StaffMember, now: datetime) -> None:
    """End an account's use and its sessions.

    Raises:
        AccountError: It would leave nobody who can manage accounts.
    """
    _keep_an_admin(session, member)
    member.disabled_at = now
    sessions.end_all(session, member.id, now)


def enable(member: StaffMember) -> None:
    """Let an account be used again, with the password and codes it had."""
    member.disabled_at = None


def set_codes(member: StaffMember, private: PrivateData, secret: str, step: int) -> None:
    """Keep the authenticator's secret, encrypted, and the step of the code that proved it."""
    member.totp_secret = private.encrypt(secret)
    member.totp_step = step


def remove_codes(session: Session, member: StaffMember, now: datetime) -> None:
    """Forget the authenticator, as when a telephone was lost; a new one is set up next time."""
    member.totp_secret = None
    member.totp_step = None
    for code in session.scalars(select(RecoveryCode).where(RecoveryCode.member_id == member.id)):
        session.delete(code)
    sessions.end_all(session, member.id, now)


def _keep_an_admin(session: Session, leaving: StaffMember) -> None:
    # Locked in one order, so that two admins who demote each other at once cannot both succeed.
    admins = session.scalars(
        select(StaffMember.id)
        .where(
            StaffMember.role == Role.ADMIN.value,
            StaffMember.disabled_at.is_(None),
        )
        .order_by(StaffMember.id)
        .with_for_update()
    ).all()
    if list(admins) == [leaving.id]:
        raise AccountError("This is the only admin. Make somebody else an admin first.")
