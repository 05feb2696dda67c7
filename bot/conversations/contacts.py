"""How a patient wants to be called back: read from their words, kept encrypted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import phonenumbers
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import Contact, Escalation
from bot.errors import InvalidInbound
from bot.private_data import PrivateData

REGION = "US"
"""Where a number without country code is."""
MAX_NAME = 80
MAX_BEST_TIME = 120
MAX_EMAIL = 254
"""Longest values, in characters; the last by RFC 5321."""

_EMAIL = re.compile(r"[^\s@<>(),;:\"]+@(?:[a-z0-9-]+\.)+[a-z]{2,24}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """What a patient left. ``phone`` is E.164; None is what they did not say."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    best_time: str | None = None


def read_name(words: str) -> str:
    """A name.

    Raises:
        InvalidInbound: There are no letters in it, or it is too long to be one.
    """
    name = " ".join(words.split())
    if len(name) > MAX_NAME or not any(character.isalpha() for character in name):
        raise InvalidInbound("That does not look like a name.", field="name")
    return name


def read_phone(words: str) -> str:
    """A telephone number as people write it, as E.164.

    Raises:
        InvalidInbound: It is none.
    """
    try:
        number = phonenumbers.parse(words, REGION)
    except phonenumbers.NumberParseException as error:
        raise InvalidInbound("That is not a telephone number.", field="phone") from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidInbound("That is not a telephone number.", field="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def read_best_time(words: str) -> str:
    """When to call, in the patient's own words.

    Raises:
        InvalidInbound: It is empty or too long for staff to take in.
    """
    best_time = " ".join(words.split())
    if not best_time or len(best_time) > MAX_BEST_TIME:
        raise InvalidInbound("Please say in a few words when to call.", field="best_time")
    return best_time


def read_reach(words: str) -> ContactDetails:
    """The telephone number, e-mail address or both that a text holds.

    Raises:
        InvalidInbound: It holds neither.
    """
    found = _EMAIL.search(words)
    email = found.group().rstrip(".") if found and len(found.group()) <= MAX_EMAIL else None
    rest = words.replace(found.group(), " ") if found else words
    numbers = [
        phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        for match in phonenumbers.PhoneNumberMatcher(rest, REGION)
    ]
    if not numbers and email is None:
        raise InvalidInbound(
            "That does not look like a phone number or an e-mail address.", field="reach"
        )
    return ContactDetails(phone=numbers[0] if numbers else None, email=email)


def save(
    session: Session,
    private_data: PrivateData,
    escalation_id: int,
    details: ContactDetails,
    now: datetime,
) -> None:
    """Keep what was said; what was not said this time stays as it was."""
    row = session.get(Contact, escalation_id, with_for_update=True)
    if row is None:
        row = Contact(escalation_id=escalation_id)
        session.add(row)
    for name in ("name", "phone", "email", "best_time"):
        value = getattr(details, name)
        if value is not None:
            setattr(row, name, private_data.encrypt(value))
    row.updated_at = now
    session.flush()


def find(session: Session, private_data: PrivateData, escalation_id: int) -> ContactDetails | None:
    """What the patient of an escalation left, or None.

    Raises:
        PrivateDataUnreadable: No key in `DATA_KEYS` fits.
    """
    row = session.get(Contact, escalation_id)
    if row is None:
        return None

    def read(token: str | None) -> str | None:
        return None if token is None else private_data.decrypt(token)

    return ContactDetails(read(row.name), read(row.phone), read(row.email), read(row.best_time))


def conversations_with(session: Session, private_data: PrivateData, phone: str) -> list[str]:
    """Conversations whose patient left this number (E.164) for a call back.

    Numbers left are not hashed, so each is read; there are few, as they go with retention.

    Raises:
        PrivateDataUnreadable: No key in `DATA_KEYS` fits one of them.
    """
    rows = session.execute(
        select(Escalation.conversation_id, Contact.phone)
        .join(Contact, Contact.escalation_id == Escalation.id)
        .where(Contact.phone.is_not(None))
        .order_by(Escalation.id)
    )
    return [row[0] for row in rows if private_data.decrypt(row[1]) == phone]


def in_words(details: ContactDetails) -> str:
    """One line for staff."""
    said = (details.name, details.phone, details.email, details.best_time)
    return ", ".join(part for part in said if part)
