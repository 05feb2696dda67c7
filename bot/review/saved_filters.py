"""Filters of transcripts that a member of staff keeps under a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.errors import InvalidInbound
from bot.review.models import SavedFilter

MAX_NAME: Final = 40
MAX_KEPT: Final = 30
"""Of one member; more links than that help nobody."""


def of(session: Session, member_id: int) -> list[SavedFilter]:
    """The filters of one member, by name."""
    query = select(SavedFilter).where(SavedFilter.member_id == member_id)
    return list(session.scalars(query.order_by(func.lower(SavedFilter.name))))


def keep(
    session: Session, member_id: int, name: str, asked: Mapping[str, str], now: datetime
) -> SavedFilter:
    """Keep a filter; it replaces the member's filter of the same name.

    Raises:
        InvalidInbound: No name or too long a one, nothing asked for, or too many kept.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise InvalidInbound(f"Give the filter a name of at most {MAX_NAME} characters.")
    if not asked:
        raise InvalidInbound("Choose something to filter by first.")
    kept = of(session, member_id)
    found = next((row for row in kept if row.name == name), None)
    if found is None:
        if len(kept) >= MAX_KEPT:
            raise InvalidInbound(f"You keep {MAX_KEPT} filters already; remove one first.")
        found = SavedFilter(member_id=member_id, name=name)
        session.add(found)
    found.asked, found.created_at = dict(asked), now
    session.flush()
    return found


def remove(session: Session, member_id: int, number: int) -> bool:
    """Forget a filter of a member; False when they have none of this number."""
    found = session.get(SavedFilter, number)
    if found is None or found.member_id != member_id:
        return False
    session.delete(found)
    return True
