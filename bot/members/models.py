"""Tables of staff: accounts, links, recovery codes, sessions and failed sign-ins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class StaffMember(Base):
    """One account. Never deleted, as the audit log names it; ``disabled_at`` ends its use.

    ``email`` is what one signs in with, in lower case. ``password_hash`` is Argon2id,
    None until the first link was used. ``totp_secret`` is a token of `PrivateData`;
    ``totp_step`` is the last time step a code was taken for, so that none serves twice.
    """

    __tablename__ = "staff_members"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(Text)
    totp_secret: Mapped[str | None] = mapped_column(Text, info={"private": True})
    totp_step: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StaffLink(Base):
    """A one-time link to set a password; ``member_id`` None is the first admin's.

    Only a hash of its token is stored. A newer link of the same member ends the older.
    """

    __tablename__ = "staff_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("staff_members.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """A code for signing in without the authenticator, as a keyed hash; gone once used."""

    __tablename__ = "staff_recovery_codes"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("staff_members.id"), index=True)


class StaffSession(Base):
    """One browser of one member. Only a hash of its token is stored.

    ``stage`` is ``code`` (password given, code missing), ``enrol`` (authenticator to be
    set up) or ``full``. ``last_seen_at`` is the last thing the person did; what pages do
    by themselves does not count. Deleted by the worker some days after its end.
    """

    __tablename__ = "staff_sessions"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("staff_members.id"), index=True)
    stage: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInFailure(Base):
    """One failed try, counted against the account named and the address it came from.

    ``account_hash`` is of what was typed, whether such an account exists or not.
    """

    __tablename__ = "staff_sign_in_failures"
    __table_args__ = (
        Index("ix_sign_in_failures_account", "account_hash", "at"),
        Index("ix_sign_in_failures_address", "address", "at"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    account_hash: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
