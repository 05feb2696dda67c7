"""What a notification says: tier, time and where to look. Never what a patient wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.messages import Tier
from bot.staff import Contact


@dataclass(frozen=True, slots=True)
class Notification:
    """One notice, ready to be sent.

    Attributes:
        key: The same for every try of the same notice, so that a receiver can tell a
            second copy from a second notice.
        step: The step of the ladder, from 0; a later one is a reminder.
        waiting_since: When the escalation began to wait, in the clinic's zone.
        link: Where staff read and work on it.
        missed: A review found that the assistant had missed it.
    """

    key: str
    contact: Contact
    escalation_id: int
    tier: Tier
    step: int
    waiting_since: datetime
    link: str
    missed: bool = False

    @property
    def subject(self) -> str:
        """One line: the most important first. A tier of NONE is a test."""
        if self.tier is Tier.NONE:
            return "TEST: this is how an escalation would reach you"
        if self.missed:
            return (
                "MISSED: a review found a red flag that the assistant did not hand over "
                f"(escalation {self.escalation_id})"
            )
        reminder = " – NOT ACKNOWLEDGED YET" if self.step else ""
        return f"{self.tier.name}: escalation {self.escalation_id} waits{reminder}"

    @property
    def text(self) -> str:
        """A few lines with the link."""
        if self.missed:
            listed = self.link.partition("/console/")[0] + "/console/review?which=missed"
            return (
                f"{self.subject}.\n"
                f"For: {self.contact.name}. Staff have it now as {self.tier.name.lower()}.\n"
                f"The message: {self.link}\n"
                f"All misses: {listed}\n"
            )
        since = self.waiting_since.strftime("%A, %B %-d, %H:%M")
        return (
            f"{self.subject}.\n"
            f"For: {self.contact.name}. Waiting since {since}.\n"
            f"Open it and acknowledge it: {self.link}\n"
        )


class Sender(Protocol):
    """One medium."""

    @property
    def medium(self) -> str:
        """``email`` or ``webhook``."""
        ...

    def send(self, notification: Notification) -> None:
        """Deliver it.

        Raises:
            NotifyError: It was not delivered, or nobody knows; says whether to try again.
        """
        ...


def notification(
    *,
    key: str,
    contact: Contact,
    escalation_id: int,
    tier: Tier,
    step: int,
    since: datetime,
    zone: ZoneInfo,
    public_url: str,
    missed: bool = False,
) -> Notification:
    """Put a notification together.

    Args:
        public_url: How staff's browsers reach the web app.
    """
    link = f"{public_url}/console/escalations/{escalation_id}"
    since = since.astimezone(zone)
    return Notification(key, contact, escalation_id, tier, step, since, link, missed)
