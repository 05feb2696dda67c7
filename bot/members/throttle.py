"""Slowing down guesses at sign-in, alike for accounts that exist and that do not."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.members.models import SignInFailure

WINDOW = timedelta(minutes=15)
PER_ACCOUNT_AND_ADDRESS = 5
PER_ACCOUNT = 50
"""Over all addresses. Well above the limit of one address, so that a stranger elsewhere
cannot lock staff out with five tries."""
PER_ADDRESS = 30
"""A clinic's people share one address."""


def refused(session: Session, account: str, address: str, now: datetime) -> bool:
    """Whether the next try is refused unseen, because too many failed within the window."""
    account_hash = hash_account(account)
    recent = select(func.count()).where(SignInFailure.at > now - WINDOW)
    of_account = recent.where(SignInFailure.account_hash == account_hash)
    of_address = recent.where(SignInFailure.address == address)
    of_both = of_account.where(SignInFailure.address == address)
    limits = ((of_both, PER_ACCOUNT_AND_ADDRESS), (of_account, PER_ACCOUNT))
    return any(
        (session.scalar(query) or 0) >= limit
        for query, limit in (*limits, (of_address, PER_ADDRESS))
    )


def count_failure(session: Session, account: str, address: str, now: datetime) -> None:
    """Count one failed try, and forget those past the window."""
    session.execute(delete(SignInFailure).where(SignInFailure.at <= now - WINDOW))
    session.add(SignInFailure(account_hash=hash_account(account), address=address, at=now))


def forget(session: Session, account: str, address: str) -> None:
    """A sign-in that succeeded clears the account's failures from that address."""
    session.execute(
        delete(SignInFailure).where(
            SignInFailure.account_hash == hash_account(account), SignInFailure.address == address
        )
    )


def hash_account(account: str) -> str:
    """What was typed may be a password in the wrong field, so only a hash is kept."""
    return hashlib.sha256(account.strip().lower().encode()).hexdigest()
