"""The table of what is switched off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, UtcDateTime


class Switch(Base):
    """One thing that is off: ``bot``, ``channel:web`` or ``answer:aftercare-makeup``.

    A row means off; switching on deletes it. The audit log keeps what was before.
    """

    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    off_since: Mapped[datetime] = mapped_column(UtcDateTime)
    off_by: Mapped[str] = mapped_column(Text)
