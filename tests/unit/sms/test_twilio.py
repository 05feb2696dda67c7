"""Requests to Twilio and its answers, with the network in the test's hands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.datastructures import FormData, Headers

from bot.errors import BadSignature, InvalidInbound, SmsSendError
from bot.sms.twilio import PERMANENT, STATUSES, Twilio, e164, twilio_time
from tests.twilio_fake import ACCOUNT, OLD_TOKEN, OURS, TOKEN, inbound_fields, signature

TO = "+19165550123"
NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
PUBLIC = "https://sms.clinic.example"


def provider(handle: Callable[[httpx.Request], httpx.Response], sender: str = OURS) -> Twilio:
    return Twilio(
        ACCOUNT, (TOKEN, OLD_TOKEN), sender=sender, api_url="https://api.twilio.test",
        public_url=PUBLIC, answers_keywords=True, transport=httpx.MockTransport(handle),
    )  # fmt: skip


def answering(status: int, body: object = None, **headers: str) -> Twilio:
    return provider(lambda _: httpx.Response(status, json=body, headers=headers))


def failing(error: type[httpx.TransportError]) -> Twilio:
    def handle(request: httpx.Request) -> httpx.Response:
        raise error("as the test wants it", request=request)

    return provider(handle)


@pytest.mark.parametrize(
    ("sender", "field"), [(OURS, "From"), ("MG" + "0" * 32, "MessagingServiceSid")]
)
def test_a_message_is_posted_with_our_row_in_the_address_of_its_reports(
    sender: str, field: str
) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"sid": "SM1", "status": "queued"})

    taken = provider(handle, sender).send(42, TO, "¿Duele?\nNo & sí")
    assert (taken.provider_id, taken.status) == ("SM1", "sent")
    (request,) = seen
    assert request.url == f"https://api.twilio.test/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert request.headers["authorization"].startswith("Basic ")
    assert parse_qs(request.content.decode()) == {
        "To": [TO], "Body": ["¿Duele?\nNo & sí"], field: [sender],
        "StatusCallback": [f"{PUBLIC}/sms/twilio/status?outbound=42"],
    }  # fmt: skip


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_what_never_left_may_simply_be_sent_again(error: type[httpx.TransportError]) -> None:
    with pytest.raises(SmsSendError) as caught:
        failing(error).send(1, TO, "x")
    assert (caught.value.retryable, caught.value.unknown) == (True, False)


@pytest.mark.parametrize(
    "error",
    [httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.RemoteProtocolError],
)
def test_what_may_have_arrived_is_uncertain(error: type[httpx.TransportError]) -> None:
    with pytest.raises(SmsSendError) as caught:
        failing(error).send(1, TO, "x")
    assert (caught.value.retryable, caught.value.unknown) == (True, True)


@pytest.mark.parametrize(
    ("status", "code", "retryable", "unknown", "opted_out"),
    [
        (429, 20429, True, False, False),
        (400, 21611, True, False, False),
        (500, 20500, True, True, False),
        (503, None, True, True, False),
        (401, 20003, True, False, False),
        (400, 21606, True, False, False),
        (400, 21610, False, False, True),
        (400, 21211, False, False, False),
        (400, 29999, False, False, False),
        (404, None, False, False, False),
    ],
)
def test_refusals_are_sorted(
    status: int, code: int | None, retryable: bool, unknown: bool, opted_out: bool
) -> None:
    with pytest.raises(SmsSendError) as caught:
        answering(status, {"code": code, "message": f"about {TO}"}).send(1, TO, "x")
    error = caught.value
    assert (error.retryable, error.unknown, error.opted_out) == (retryable, unknown, opted_out)
    assert error.status_code == (code or status)
    assert TO not in str(error), "Twilio's own words may hold the number"


def test_an_unknown_code_says_so_and_a_known_one_does_not() -> None:
    for code in (29999, min(PERMANENT)):
        with pytest.raises(SmsSendError) as caught:
            answering(400, {"code": code}).send(1, TO, "x")
        assert ("unknown" in caught.value.detail) == (code == 29999)


def test_the_wait_that_twilio_asks_for_is_passed_on() -> None:
    with pytest.raises(SmsSendError) as caught:
        answering(429, {"code": 20429}, **{"retry-after": "17"}).send(1, TO, "x")
    assert caught.value.retry_after_s == 17


@pytest.mark.parametrize("body", [None, [], {}, {"sid": "SM1"}, "text"])
def test_an_answer_that_cannot_be_read_is_uncertain(body: object) -> None:
    with pytest.raises(SmsSendError) as caught:
        answering(201, body).send(1, TO, "x")
    assert caught.value.unknown


def record(sid: str, body: str = "hello", age_s: float = 0, **changes: str) -> dict[str, str]:
    return {
        "sid": sid, "status": "queued", "body": body, "direction": "outbound-api",
        "date_created": twilio_time(NOW - timedelta(seconds=age_s)), **changes,
    }  # fmt: skip


def test_a_message_is_found_again_by_number_body_and_time() -> None:
    listed = [
        record("SM1"),
        record("SM2", body="hello!"),
        record("SM3", direction="inbound"),
        record("SM4", age_s=100),
        record("SM5", age_s=10, status="delivered"),
    ]
    asked: list[httpx.URL] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"messages": listed})

    found = provider(handle).find(TO, "hello", NOW - timedelta(seconds=60))
    assert [(each.provider_id, each.status) for each in found] == [
        ("SM1", "sent"), ("SM5", "delivered"),
    ]  # fmt: skip
    assert asked[0].params["To"] == TO


@pytest.mark.parametrize("status", [500, 401, 429])
def test_a_list_that_cannot_be_read_is_an_error_and_never_an_empty_list(status: int) -> None:
    with pytest.raises(SmsSendError) as caught:
        answering(status, {}).find(TO, "hello", NOW)
    assert caught.value.retryable
    with pytest.raises(SmsSendError):
        answering(200, {"page": 0}).find(TO, "hello", NOW)


def test_genuine_webhooks_pass_and_forged_ones_do_not() -> None:
    fields = inbound_fields(TO, "hi")
    line, path = answering(200), "/sms/twilio/inbound"
    for token in (TOKEN, OLD_TOKEN):
        headers = Headers({"X-Twilio-Signature": signature(PUBLIC + path, fields, token)})
        line.verify(path, FormData(fields), headers)
    guessed = signature(PUBLIC + path, fields, "guess")
    for bad in ({}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": guessed}):
        with pytest.raises(BadSignature):
            line.verify(path, FormData(fields), Headers(bad))


def test_fields_sent_twice_are_all_signed() -> None:
    line, path = answering(200), "/sms/twilio/inbound"
    form = FormData([("A", "1"), ("A", "2")])
    headers = Headers({"X-Twilio-Signature": signature(PUBLIC + path, {"A": "2"})})
    with pytest.raises(BadSignature):
        line.verify(path, form, headers)


def test_an_account_without_a_former_token_accepts_no_empty_one() -> None:
    line = Twilio(ACCOUNT, (TOKEN, ""), sender=OURS, api_url="https://api.twilio.test",
                  public_url=PUBLIC, answers_keywords=True)  # fmt: skip
    fields, path = inbound_fields(TO, "hi"), "/sms/twilio/inbound"
    headers = Headers({"X-Twilio-Signature": signature(PUBLIC + path, fields, "")})
    with pytest.raises(BadSignature):
        line.verify(path, FormData(fields), headers)
    line.close()


@pytest.mark.parametrize("media", ["0", "", "3", "many", "²"])
def test_the_number_of_photos_is_read_carefully(media: str) -> None:
    read = answering(200).read_inbound(FormData(inbound_fields(TO, "hi", NumMedia=media)))
    assert read.media_count == {"0": 0, "": 0, "3": 3}.get(media, 1)


@pytest.mark.parametrize("sid", ["", "short", "SM" + "0" * 80, "SM' OR 1=1 --000000"])
def test_a_message_without_a_proper_id_is_not_read(sid: str) -> None:
    fields = {**inbound_fields(TO, "hi"), "MessageSid": sid, "SmsSid": sid}
    with pytest.raises(InvalidInbound):
        answering(200).read_inbound(FormData(fields))


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_every_status_of_twilio_is_known(status: str) -> None:
    form = FormData({"MessageSid": "SM" + "0" * 32, "MessageStatus": status, "ErrorCode": "30003"})
    read = answering(200).read_status(form, {"outbound": "7"})
    assert (read.outbound_id, read.error_code) == (7, 30003)


@pytest.mark.parametrize("row", ["", "x", "-1", "1.5", "²"])
def test_an_address_that_names_no_row_names_none(row: str) -> None:
    form = FormData({"MessageSid": "SM" + "0" * 32, "MessageStatus": "sent"})
    assert answering(200).read_status(form, {"outbound": row}).outbound_id is None


@pytest.mark.parametrize("written", ["+19165550123", "+1 (916) 555-0123", " +1-916-555-0123 "])
def test_a_number_has_one_international_form(written: str) -> None:
    assert e164(written) == "+19165550123"


@pytest.mark.parametrize("written", ["9165550123", "", "+1", "clinic", "+1916555012345678901"])
def test_what_is_no_international_number_is_refused(written: str) -> None:
    with pytest.raises(InvalidInbound):
        e164(written)
