"""Consent: the ledger, the numbers that opted out, and what a message asks in that matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.private_data import PrivateData
from bot.sms.models import SmsConsent, SmsNumber, SmsSuppression
from bot.sms.opt_out_words import (
    HELP_WORDS,
    REJOIN_WORD,
    START_WORDS,
    STOP_WORDS,
    is_opt_out_wish,
    keyword,
)

Kind = Literal["first_text", "opt_out", "opt_in", "help"]
Source = Literal["patient", "gateway", "keyword", "words", "staff", "provider"]


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What a message asks: to be left alone, to be texted again, or who we are."""

    kind: Literal["opt_out", "opt_in", "help"]
    source: Source


def asked(text: str, opt_out_type: str, suppressed: bool) -> ConsentRequest | None:
    """What a message asks in the matter of consent, or None.

    Args:
        opt_out_type: What the provider recognised, empty when it says nothing.
        suppressed: Whether the number has opted out; only then "yes" rejoins, as it does
            at the provider.
    """
    named = {"STOP": "opt_out", "START": "opt_in", "HELP": "help"}.get(opt_out_type)
    if named == "opt_out":
        return ConsentRequest("opt_out", "gateway")
    if named == "opt_in":
        return ConsentRequest("opt_in", "gateway")
    if named == "help":
        return ConsentRequest("help", "gateway")
    word = keyword(text)
    if word in STOP_WORDS:
        return ConsentRequest("opt_out", "keyword")
    if word in START_WORDS or (suppressed and word == REJOIN_WORD):
        return ConsentRequest("opt_in", "keyword")
    if word in HELP_WORDS:
        return ConsentRequest("help", "keyword")
    if is_opt_out_wish(text):
        return ConsentRequest("opt_out", "words")
    return None


def record(
    session: Session,
    private: PrivateData,
    number_hash: str,
    kind: Kind,
    source: Source,
    words: str,
    now: datetime,
    source_id: str | None = None,
) -> None:
    """Write the ledger, and suppress the number or lift that. Once per inbound message."""
    if source_id is not None and session.scalar(
        select(SmsConsent.id).where(SmsConsent.source_id == source_id)
    ):
        return
    session.add(
        SmsConsent(
            number_hash=number_hash,
            at=now,
            kind=kind,
            source=source,
            words=private.encrypt(words),
            source_id=source_id,
        )
    )
    if kind == "opt_out" and session.get(SmsSuppression, number_hash) is None:
        session.add(SmsSuppression(number_hash=number_hash, since=now, source=source))
    elif kind == "opt_in":
        session.execute(delete(SmsSuppression).where(SmsSuppression.number_hash == number_hash))
    session.flush()


def opted_out_by_another(session: Session, number_hash: str, source_id: str) -> bool:
    """Whether the number had opted out before this message, and so was told already."""
    own = session.scalar(select(SmsConsent.id).where(SmsConsent.source_id == source_id))
    return own is None and is_suppressed(session, number_hash)


def is_suppressed(session: Session, number_hash: str) -> bool:
    """Whether a number has opted out."""
    return session.get(SmsSuppression, number_hash) is not None


def opted_out(session: Session, conversation_id: str) -> bool:
    """Whether the patient of a conversation has opted out of text messages."""
    found = session.scalar(
        select(SmsSuppression.number_hash)
        .join(SmsNumber, SmsNumber.number_hash == SmsSuppression.number_hash)
        .where(SmsNumber.conversation_id == conversation_id)
    )
    return found is not None


def refused_by_provider(
    session: Session, private: PrivateData, conversation_id: str, now: datetime
) -> None:
    """The provider knows of an opt-out that did not reach us: take it over."""
    number = session.scalar(select(SmsNumber).where(SmsNumber.conversation_id == conversation_id))
    if number is not None and not is_suppressed(session, number.number_hash):
        record(session, private, number.number_hash, "opt_out", "provider", "", now)
