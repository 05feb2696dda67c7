"""A provider for development: nothing leaves this machine, everything is delivered at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from starlette.datastructures import FormData, Headers

from bot.errors import BadSignature, InvalidInbound
from bot.sms.provider import Accepted, InboundText, StatusReport
from bot.sms.twilio import e164


class Simulator:
    """Behaves like a provider; the phone page and `bot sms send` stand for the patient."""

    name = "simulator"
    answers_keywords = False
    acknowledgement = ""
    acknowledgement_type = "text/plain"

    def __init__(self, public_url: str) -> None:
        """Accept webhooks from our own pages only."""
        self._public_url = public_url

    def send(self, outbound_id: int, to: str, body: str) -> Accepted:
        """Deliver at once: the outbox row itself is what the phone page shows."""
        return Accepted(f"SIM{secrets.token_hex(15)}", "delivered")

    def find(self, to: str, body: str, since: datetime) -> list[Accepted]:
        """Nothing is kept here, so an attempt that was cut off was never delivered."""
        return []

    def verify(self, path_and_query: str, form: FormData, headers: Headers) -> None:
        """Only pages of our own may play the patient."""
        origin = headers.get("origin")
        own = {self._public_url, f"http://{headers.get('host', '')}"}
        if origin is None or origin.rstrip("/") not in own:
            raise BadSignature(self.name, "this is not a page of ours")

    def read_inbound(self, form: FormData) -> InboundText:
        """The fields are named as Twilio's."""
        number, text = form.get("From", ""), form.get("Body", "")
        media = str(form.get("NumMedia", "0"))
        return InboundText(
            provider_id=new_message_id(),
            sender=e164(number if isinstance(number, str) else ""),
            text=text if isinstance(text, str) else "",
            media_count=int(media) if media.isascii() and media.isdigit() else 0,
        )

    def read_status(self, form: FormData, query: Mapping[str, str]) -> StatusReport:
        """There are no reports: messages are delivered when they are sent."""
        raise InvalidInbound("The simulator reports nothing.")

    def close(self) -> None:
        """Nothing is open."""


def new_message_id() -> str:
    """An id for a message that a simulated phone sends."""
    return f"SIM{secrets.token_hex(15)}"
