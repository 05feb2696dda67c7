"""What an SMS provider has to do for us. A second provider is one file that does this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the outbox stands without the web
    from starlette.datastructures import FormData, Headers


@dataclass(frozen=True, slots=True)
class InboundText:
    """One text message that a patient sent.

    Attributes:
        provider_id: The provider's id; the same one again is a repeat.
        sender: E.164, ``+19165550123``.
        opt_out_type: ``STOP``, ``START`` or ``HELP`` when the provider says that it
            recognised the word and answered it itself, else empty.
    """

    provider_id: str
    sender: str
    text: str
    media_count: int = 0
    opt_out_type: str = ""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What became of a text message of ours.

    Attributes:
        outbound_id: Our row, where the provider gives it back, else None.
        status: One of `bot.sms.outbox.RANK`; empty for a stage that means nothing to us.
    """

    provider_id: str
    outbound_id: int | None
    status: str
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took a message. ``status`` as in `StatusReport`."""

    provider_id: str
    status: str = "sent"


class Provider(Protocol):
    """The seam. All calls are synchronous and may be made from several threads."""

    name: str
    """In the webhook's address, `/sms/NAME/inbound`, and in stored rows."""
    answers_keywords: bool
    """Whether it answers STOP, START and HELP itself, so that we do not."""
    acknowledgement: str
    """Body of the answer to a webhook."""
    acknowledgement_type: str

    def send(self, outbound_id: int, to: str, body: str) -> Accepted:
        """Send one text message.

        Raises:
            SmsSendError: It was not taken, or it is not known whether it was.
        """
        ...

    def find(self, to: str, body: str, since: datetime) -> list[Accepted]:
        """Messages with this body that the provider took since a time, newest first.

        Raises:
            SmsSendError: The provider could not be asked.
        """
        ...

    def verify(self, path_and_query: str, form: FormData, headers: Headers) -> None:
        """Check that a webhook is the provider's own.

        Raises:
            BadSignature: It is unsigned or forged.
        """
        ...

    def read_inbound(self, form: FormData) -> InboundText:
        """Read a patient's message out of a webhook.

        Raises:
            InvalidInbound: A field that must be there is missing or malformed.
        """
        ...

    def read_status(self, form: FormData, query: Mapping[str, str]) -> StatusReport:
        """Read a delivery report out of a webhook.

        Raises:
            InvalidInbound: A field is missing, or the status is not known.
        """
        ...

    def close(self) -> None:
        """Close connections."""
        ...
