"""Twilio: sending by its REST API, and reading its webhooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import phonenumbers
from starlette.datastructures import FormData, Headers
from twilio.request_validator import RequestValidator

from bot.errors import BadSignature, InvalidInbound, SmsSendError
from bot.sms.provider import Accepted, InboundText, StatusReport

TIMEOUT = httpx.Timeout(10.0, connect=3.0)
"""Longest wait for one call. Twilio answers in well under a second."""
LOOKED_THROUGH = 50
"""How many of the newest messages to one number are compared when an outcome is unknown."""

OPTED_OUT: Final = 21610
NOT_SENT_NOW: Final = frozenset({20429, 21611, 30001})
"""Too many requests, our queue at Twilio is full, queue overflow: nothing was taken, try later."""
SET_UP_WRONG: Final = frozenset({20003, 20005, 20008, 21603, 21606, 21659, 21703, 21704, 21705})
"""Wrong token, account or sender. No fault of the message: it waits until that is mended."""
PERMANENT: Final = frozenset(
    {
        *(21211, 21214, 21217, 21219, 21265, 21401, 21407, 21408, 21421, 21601, 21602, 21604),
        *(21605, 21608, 21612, 21614, 21617, 21619, 21620, 21635, 21654, 21655, 21656, 21660),
        *(30002, 30003, 30004, 30005, 30006, 30007, 30008, 30034, 63038),
    }
)
"""Errors that the same message would meet again. Source: Twilio's list of API errors."""

STATUSES: Final = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "receiving"), ""),
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "partially_delivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}
"""Twilio's word to ours; empty for stages before sending."""
_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SID: Final = re.compile(r"[A-Za-z0-9]{10,60}")


class Twilio:
    """One account and its sender."""

    name = "twilio"
    acknowledgement = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    acknowledgement_type = "text/xml"

    def __init__(
        self,
        account_sid: str,
        tokens: tuple[str, ...],
        *,
        sender: str,
        api_url: str,
        public_url: str,
        answers_keywords: bool,
        timeout: httpx.Timeout = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare a pooled client.

        Args:
            tokens: The auth token, and the former one while it is being rotated. The first
                calls the API, both are accepted in signatures.
            sender: A number of ours (``+1916…``) or a messaging service (``MG…``).
            public_url: Under which Twilio reaches us; signatures cover it.
            transport: For tests, what stands in for the network.
        """
        self.answers_keywords = answers_keywords
        self._sender = sender
        self._public_url = public_url
        self._validators = [RequestValidator(token) for token in tokens if token]
        self._path = f"/2010-04-01/Accounts/{account_sid}/Messages.json"
        self._client = httpx.Client(
            base_url=api_url, auth=(account_sid, tokens[0]), timeout=timeout, transport=transport
        )

    def send(self, outbound_id: int, to: str, body: str) -> Accepted:
        """See `Provider.send`. Twilio tells us by our row's number what becomes of it."""
        sender = "MessagingServiceSid" if self._sender.startswith("MG") else "From"
        fields = {
            "To": to,
            "Body": body,
            sender: self._sender,
            "StatusCallback": f"{self._public_url}/sms/twilio/status?outbound={outbound_id}",
        }
        try:
            response = self._client.post(self._path, data=fields)
        except _NEVER_LEFT as error:
            raise self._error(type(error).__name__, retryable=True) from error
        except httpx.HTTPError as error:
            raise self._error(type(error).__name__, retryable=True, unknown=True) from error
        if response.status_code >= 400:
            raise self._refusal(response)
        try:
            return _accepted(response.json())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._error("malformed answer", retryable=True, unknown=True) from error

    def find(self, to: str, body: str, since: datetime) -> list[Accepted]:
        """See `Provider.find`.

        Asked by number alone: a message that Twilio has not sent on yet has no date of
        sending, so its filter by that date would miss the very one that is looked for.
        """
        try:
            response = self._client.get(self._path, params={"To": to, "PageSize": LOOKED_THROUGH})
            response.raise_for_status()
            return [
                _accepted(record)
                for record in response.json()["messages"]
                if str(record["direction"]).startswith("outbound")
                and record["body"] == body
                and parsedate_to_datetime(record["date_created"]) >= since.replace(microsecond=0)
            ]
        except httpx.HTTPError as error:
            raise self._error(f"list: {type(error).__name__}", retryable=True) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._error("list: malformed answer", retryable=True) from error

    def verify(self, path_and_query: str, form: FormData, headers: Headers) -> None:
        """See `Provider.verify`; by Twilio's own validator, over every field that came."""
        signature = headers.get("x-twilio-signature", "")
        url = self._public_url + path_and_query
        if not signature or not any(
            validator.validate(url, form, signature) for validator in self._validators
        ):
            raise BadSignature(self.name)

    def read_inbound(self, form: FormData) -> InboundText:
        """See `Provider.read_inbound`."""
        media = _text(form, "NumMedia") or "0"
        if not _E164.fullmatch(_text(form, "From")):
            raise InvalidInbound("The sender is not a telephone number.", field="From")
        return InboundText(
            provider_id=_sid(form),
            sender=_text(form, "From"),
            text=_text(form, "Body"),
            media_count=int(media) if media.isascii() and media.isdigit() else 1,
            opt_out_type=_text(form, "OptOutType").upper()[:16],
        )

    def read_status(self, form: FormData, query: Mapping[str, str]) -> StatusReport:
        """See `Provider.read_status`."""
        status = _text(form, "MessageStatus") or _text(form, "SmsStatus")
        if status not in STATUSES:
            raise InvalidInbound("This status is not known.", field="MessageStatus")
        code, row = _text(form, "ErrorCode"), query.get("outbound", "")
        return StatusReport(
            provider_id=_sid(form),
            outbound_id=int(row) if row.isascii() and row.isdigit() else None,
            status=STATUSES[status],
            error_code=int(code) if code.isascii() and code.isdigit() else None,
        )

    def close(self) -> None:
        """Close pooled connections."""
        self._client.close()

    def _refusal(self, response: httpx.Response) -> SmsSendError:
        """Sort an error answer: try later, never again, opted out, or not known at all."""
        status = response.status_code
        code = _error_code(response) or status
        if status == 429 or code in NOT_SENT_NOW:
            wait = response.headers.get("retry-after", "")
            return self._error(
                "too many", status_code=code, retryable=True,
                retry_after_s=int(wait) if wait.isascii() and wait.isdigit() else None,
            )  # fmt: skip
        if status >= 500:
            # It may have been taken before Twilio stumbled.
            return self._error("server error", status_code=code, retryable=True, unknown=True)
        if status in (401, 403) or code in SET_UP_WRONG:
            return self._error("the set-up is wrong", status_code=code, retryable=True)
        if code == OPTED_OUT:
            return self._error("opted out", status_code=code, retryable=False, opted_out=True)
        detail = "refused" if code in PERMANENT else "refused with an unknown code"
        return self._error(detail, status_code=code, retryable=False)

    def _error(self, detail: str, *, retryable: bool, **more: Any) -> SmsSendError:
        return SmsSendError(self.name, detail, retryable=retryable, **{"status_code": None, **more})


def e164(number: str) -> str:
    """A telephone number as people write it, in its one international form.

    Raises:
        InvalidInbound: It is none.
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException as error:
        raise InvalidInbound("This is not a telephone number.", field="number") from error
    if not phonenumbers.is_possible_number(parsed):
        raise InvalidInbound("This is not a telephone number.", field="number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _accepted(record: Mapping[str, Any]) -> Accepted:
    return Accepted(str(record["sid"]), STATUSES.get(str(record["status"]), "") or "sent")


def _error_code(response: httpx.Response) -> int | None:
    try:
        code = response.json()["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, int) else None


def _sid(form: FormData) -> str:
    sid = _text(form, "MessageSid") or _text(form, "SmsSid")
    if not _SID.fullmatch(sid):
        raise InvalidInbound("The message id is missing.", field="MessageSid")
    return sid


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def twilio_time(moment: datetime) -> str:
    """A time as Twilio's API writes it (RFC 2822)."""
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
