"""The second factor: codes of an authenticator (TOTP), and recovery codes."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime

import pyotp
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from bot.members.models import RecoveryCode, StaffMember
from bot.private_data import PrivateData

ISSUER = "Clinic assistant"
STEP_S = 30
DRIFT_STEPS = 1
"""A telephone's clock may be half a minute off, either way."""
RECOVERY_CODES = 10
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""No character that is read as another one."""


def new_secret() -> str:
    """A secret for an authenticator, 160 random bits in Base32."""
    return pyotp.random_base32()


def setup_uri(secret: str, email: str) -> str:
    """What the QR code holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step that a code belongs to, within the drift, or None."""
    digits = "".join(character for character in code if character.isascii() and character.isdigit())
    if len(digits) != 6:
        return None
    present = int(now.timestamp()) // STEP_S
    totp = pyotp.TOTP(secret)
    found = None
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.at(step * STEP_S), digits):
            found = step
    return found


def take_code(
    session: Session, private: PrivateData, member: StaffMember, code: str, now: datetime
) -> bool:
    """Accept a code of the member's authenticator, each at most once."""
    if member.totp_secret is None:
        return False
    step = matching_step(private.decrypt(member.totp_secret), code, now)
    return step is not None and take_step(session, member.id, step)


def take_step(session: Session, member_id: int, step: int) -> bool:
    """Use up a time step; False when it or a later one was used before.

    One statement, so that of two requests with the same code only one gets in.
    """
    taken = session.execute(
        update(StaffMember)
        .where(
            StaffMember.id == member_id,
            or_(StaffMember.totp_step.is_(None), StaffMember.totp_step < step),
        )
        .values(totp_step=step)
        .returning(StaffMember.id)
    )
    return taken.first() is not None


def new_recovery_codes(session: Session, private: PrivateData, member_id: int) -> list[str]:
    """Replace the member's recovery codes; they are shown once and stored hashed."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.member_id == member_id))
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    for code in codes:
        session.add(RecoveryCode(code_hash=_hashed(private, member_id, code), member_id=member_id))
    session.flush()
    return codes


def take_recovery_code(
    session: Session, private: PrivateData, member: StaffMember, code: str
) -> bool:
    """Accept a recovery code, each once."""
    gone = session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.code_hash == _hashed(private, member.id, code))
        .returning(RecoveryCode.member_id)
    )
    return gone.first() is not None


def recovery_codes_left(session: Session, member_id: int) -> int:
    """How many recovery codes a member has not used."""
    query = select(func.count()).where(RecoveryCode.member_id == member_id)
    return session.scalar(query) or 0


def _recovery_code() -> str:
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return "-".join(drawn[i : i + 4] for i in range(0, 12, 4))


def _hashed(private: PrivateData, member_id: int, code: str) -> str:
    bare = "".join(c for c in code.upper() if c.isalnum())
    return private.lookup(f"recovery code {member_id} {bare}")
