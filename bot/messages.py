"""The values that travel along the path of one message. Frozen, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import Literal


class Tier(IntEnum):
    """How soon a human must see a message. Higher outranks lower.

    Source: clinical fact sheet, section 9.
    """

    NONE = 0
    ROUTINE = 1
    URGENT = 2
    EMERGENCY = 3


class Outcome(str, Enum):
    """How one inbound message ended. Every message ends in exactly one."""

    ANSWERED = "answered"
    ANSWERED_WITH_REFERRAL = "answered_with_referral"
    CLARIFYING = "clarifying"
    SMALLTALK = "smalltalk"
    NO_ANSWER = "no_answer"
    STAFF_REQUESTED = "staff_requested"
    ESCALATED_ROUTINE = "escalated_routine"
    ESCALATED_URGENT = "escalated_urgent"
    ESCALATED_EMERGENCY = "escalated_emergency"
    STAFF_OWNED = "staff_owned"
    OPTED_OUT = "opted_out"
    REFUSED = "refused"
    QUEUED = "queued"


Language = Literal["en", "es"]
"""Languages in which red flags are recognised and answered."""

ChannelName = Literal["web", "sms", "console", "evaluation"]


@dataclass(frozen=True, slots=True)
class Span:
    """Where in the screened text a rule matched: ``text[start:end]``."""

    start: int
    end: int
    rule_id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What triage concluded about one message.

    Attributes:
        tier: The highest tier that any net found.
        nets: Names of the nets that fired (``rules``, ``tier_model``,
            ``rasa``), in alphabetical order.
        rule_ids: Red-flag rules that matched, most severe first.
        spans: Where they matched in the current message. A rule that matched
            across earlier turns has no span.
        language: Language of the message, for the wording of the reply.
        by_net: What each net at work concluded by itself, by name. A net that is off or
            failed is not among them.
    """

    tier: Tier = Tier.NONE
    nets: tuple[str, ...] = ()
    rule_ids: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    language: Language = "en"
    by_net: tuple[tuple[str, Tier], ...] = ()

    @property
    def nets_disagree(self) -> bool:
        """Whether the nets differ about a message that one of them holds urgent or worse."""
        tiers = {tier for _, tier in self.by_net}
        return len(tiers) > 1 and max(tiers) >= Tier.URGENT


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One patient turn, as a channel hands it to intake.

    Exactly one of ``text`` and ``button_id`` is set. ``received_at`` is aware,
    in UTC. ``client_message_id`` is unique within the conversation; a repeat
    is the same message sent again.

    Attributes:
        media_count: Photos and files that came along; they are never opened.
        over_limit: The sender writes too much: stored and screened, but not answered.
        earlier: The sender's turns before this one that are not in the transcript yet,
            oldest first, when a red flag overtakes them.
    """

    channel: ChannelName
    conversation_id: str
    client_message_id: str
    received_at: datetime
    text: str | None = None
    button_id: str | None = None
    media_count: int = 0
    over_limit: bool = False
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Button:
    """A choice offered under a reply. ``id`` is resolved by intake, never by Rasa."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class AnswerRef:
    """Which published answer version a reply shows."""

    id: str
    title: str
    version: int
    reviewed_on: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing said to the patient, before it is rendered for a channel.

    ``text`` is the web form; ``sms`` the short form, or None to use ``text``.
    ``wording`` names the approved wording of an emergency or urgent reply.
    """

    text: str
    sms: str | None = None
    buttons: Sequence[Button] = field(default_factory=tuple)
    answer: AnswerRef | None = None
    wording: str | None = None
