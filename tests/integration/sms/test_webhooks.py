"""The webhooks over a real socket: signatures, fields, limits, and an answer at once."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from bot.conversations.models import Conversation
from bot.sms import outbox
from bot.sms.models import SmsInbound, SmsNumber, SmsOutbound
from tests.integration.conftest import OpenSite
from tests.integration.sms.conftest import PHONE, TWILIO
from tests.twilio_fake import OLD_TOKEN, TOKEN, inbound_fields, signature
from tests.web_site import Site, assert_problem

PUBLIC = "https://sms.clinic.example"
INBOUND, STATUS = "/sms/twilio/inbound", "/sms/twilio/status"


@pytest.fixture
def line(open_site: OpenSite) -> Site:
    return open_site(public_url=PUBLIC, **TWILIO)


def post(site: Site, path: str, fields: Any, *, token: str = TOKEN, signed_url: str | None = None,
         signed: Any = None, **kwargs: Any) -> httpx.Response:  # fmt: skip
    """A webhook as Twilio makes it; ``signed`` are the fields the signature is made for."""
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature(signed_url or PUBLIC + path, signed or fields, token),
        **kwargs.pop("headers", {}),
    }
    return site.browser().post(path, content=urlencode(fields), headers=headers, **kwargs)


def stored(site: Site, table: type[Any] = SmsInbound) -> list[Any]:
    with site.state.database.reading() as session:
        return list(session.scalars(select(table)))


def test_a_signed_message_is_stored_and_acknowledged_with_empty_twiml(line: Site) -> None:
    response = post(line, INBOUND, inbound_fields(PHONE, "does it hurt?", NumMedia="1"))
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/xml")
    assert response.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    (row,) = stored(line)
    assert (row.text, row.media_count, row.urgent) == ("does it hurt?", 1, False)
    assert line.dialogue.sent == [], "the work comes after the answer"


@pytest.mark.parametrize("token", [TOKEN, OLD_TOKEN])
def test_both_tokens_are_accepted_while_one_is_being_rotated(line: Site, token: str) -> None:
    assert post(line, INBOUND, inbound_fields(PHONE, "hi"), token=token).status_code == 200


def test_after_the_rotation_the_former_token_is_refused(open_site: OpenSite) -> None:
    site = open_site(public_url=PUBLIC, **{**TWILIO, "twilio_auth_token_old": ""})
    fields = inbound_fields(PHONE, "hi")
    assert_problem(post(site, INBOUND, fields, token=OLD_TOKEN), 403)
    assert_problem(post(site, INBOUND, fields, token="other" * 6), 403)
    assert post(site, INBOUND, fields).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        inbound_fields(PHONE, ""),
        inbound_fields(PHONE, "hi", NewFieldOfNextYear="", AnotherOne="x y&z=1"),
        inbound_fields(PHONE, "¿Duele? ¡Sí! 😀 línea\nnueva + & = % ; ’"),
        inbound_fields(PHONE, " leading and trailing "),
        {**inbound_fields(PHONE, "hi"), "OptOutType": "HELP"},
    ],
)
def test_blank_unknown_and_odd_fields_are_covered_by_the_signature(
    line: Site, fields: dict[str, str]
) -> None:
    assert post(line, INBOUND, fields).status_code == 200
    assert stored(line)[0].text == fields["Body"].strip()


@pytest.mark.parametrize(
    "tampered",
    [
        {"Body": "i cant breathe"},
        {"From": "+15305550111"},
        {"Extra": "field"},
        {"NumMedia": "3"},
        {"ToState": "CA"},
    ],
)
def test_a_field_changed_or_added_after_signing_is_refused(
    line: Site, tampered: dict[str, str]
) -> None:
    fields = inbound_fields(PHONE, "hello")
    assert_problem(post(line, INBOUND, {**fields, **tampered}, signed=fields), 403)
    assert stored(line) == []


def test_a_blank_field_left_out_after_signing_is_refused(line: Site) -> None:
    fields = inbound_fields(PHONE, "hello", OptOutType="")
    sent = {k: v for k, v in fields.items() if k != "OptOutType"}
    # A blank value signs as its name alone, so leaving it out changes what is signed.
    assert_problem(post(line, INBOUND, sent, signed=fields), 403)


@pytest.mark.parametrize("header", ["", "x", "á", "A" * 28, "\u2603".encode().decode("latin-1")])
def test_an_unsigned_message_is_refused_and_not_recorded(line: Site, header: str) -> None:
    headers = {"X-Twilio-Signature": header.encode("latin-1")}
    response = line.browser().post(INBOUND, data=inbound_fields(PHONE, "hi"), headers=headers)
    assert_problem(response, 403)
    assert_problem(line.browser().post(INBOUND, data=inbound_fields(PHONE, "hi")), 403)
    for table in (SmsInbound, SmsNumber, Conversation):
        assert stored(line, table) == []


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (PUBLIC + INBOUND, 200),
        ("https://sms.clinic.example:443" + INBOUND, 200),
        ("http://sms.clinic.example" + INBOUND, 403),
        ("https://evil.example" + INBOUND, 403),
        (PUBLIC + STATUS, 403),
        (PUBLIC + INBOUND + "?x=1", 403),
    ],
)
def test_the_signature_is_checked_against_the_configured_public_address(
    line: Site, url: str, status: int
) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example",
               "X-Forwarded-Proto": "http"}  # fmt: skip
    fields = inbound_fields(PHONE, "hi")
    assert post(line, INBOUND, fields, signed_url=url, headers=headers).status_code == status


def test_a_query_is_part_of_what_is_signed(line: Site) -> None:
    assert post(line, f"{INBOUND}?a=1&b=%20x", inbound_fields(PHONE, "hi")).status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
def test_anything_but_a_form_is_refused(line: Site, kind: str) -> None:
    response = line.browser().post(
        INBOUND, content=b'{"Body": "hi"}',
        headers={"Content-Type": kind, "X-Twilio-Signature": signature(PUBLIC + INBOUND, {})},
    )  # fmt: skip
    assert_problem(response, 415)
    assert stored(line) == []


def test_a_json_body_cannot_hide_behind_a_signature_of_the_address_alone(line: Site) -> None:
    """The validator takes a dictionary unverified when the address carries a body hash."""
    url = f"{INBOUND}?bodySHA256={'0' * 64}"
    fields = inbound_fields(PHONE, "forged")
    headers = {"X-Twilio-Signature": signature(PUBLIC + url, {}),
               "Content-Type": "application/x-www-form-urlencoded"}  # fmt: skip
    assert_problem(line.browser().post(url, content=urlencode(fields), headers=headers), 403)


def test_an_oversized_body_is_refused(line: Site) -> None:
    assert_problem(post(line, INBOUND, inbound_fields(PHONE, "x" * 70_000)), 413)


def test_a_repeated_message_is_acknowledged_and_dropped(line: Site) -> None:
    fields = inbound_fields(PHONE, "does it hurt")
    for _ in range(3):
        assert post(line, INBOUND, fields).status_code == 200
    assert len(stored(line)) == 1


@pytest.mark.parametrize("sender", ["22395", "CLINIC", "whatsapp:+19165550123", ""])
def test_a_sender_that_is_no_telephone_is_acknowledged_and_not_recorded(
    line: Site, sender: str
) -> None:
    assert post(line, INBOUND, inbound_fields(sender, "hi")).status_code == 200
    assert stored(line, SmsNumber) == []


def test_a_message_of_the_greatest_length_is_stored_whole(line: Site) -> None:
    post(line, INBOUND, inbound_fields(PHONE, "ñ" * 1600))
    assert len(stored(line)[0].text) == 1600


def test_control_characters_are_dropped(line: Site) -> None:
    post(line, INBOUND, inbound_fields(PHONE, "a\x00b\x07c"))
    assert stored(line)[0].text == "abc"


def test_an_emergency_is_marked_so_that_it_need_not_wait(line: Site) -> None:
    post(line, INBOUND, inbound_fields(PHONE, "my throat is closing and i cant breathe"))
    assert stored(line)[0].urgent


def test_the_limit_per_number_lets_nothing_be_lost(open_site: OpenSite) -> None:
    site = open_site(public_url=PUBLIC, messages_per_minute=3, **TWILIO)
    for number in range(5):
        assert post(site, INBOUND, inbound_fields(PHONE, f"q {number}")).status_code == 200
    post(site, INBOUND, inbound_fields("+15305550111", "somebody else"))
    assert [row.over_limit for row in stored(site)] == [False] * 3 + [True] * 2 + [False]


def test_repeats_do_not_count_towards_the_limit(open_site: OpenSite) -> None:
    site = open_site(public_url=PUBLIC, messages_per_minute=2, **TWILIO)
    fields = inbound_fields(PHONE, "one")
    for _ in range(4):
        post(site, INBOUND, fields)
    post(site, INBOUND, inbound_fields(PHONE, "two"))
    assert [row.over_limit for row in stored(site)] == [False, False]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "codes"),
    [
        # Nobody's word is believed: inventing an address per request does not help.
        ("10.9.9.9", "203.0.113.{n}", [403, 403, 403, 429, 429]),
        # Behind our proxy the address that it saw counts, whatever the caller put before it.
        ("127.0.0.1", "198.51.100.{n}, 203.0.113.7", [403, 403, 403, 429, 429]),
        ("127.0.0.1", "203.0.113.{n}", [403] * 5),
    ],
)
def test_forgers_are_slowed_down_by_their_true_address(
    open_site: OpenSite, trusted: str, forwarded: str, codes: list[int]
) -> None:
    site = open_site(
        public_url=PUBLIC, trusted_proxies=trusted, messages_per_minute_per_address=3, **TWILIO
    )
    got = [
        post(site, INBOUND, inbound_fields(PHONE, "x"), token="forged",
             headers={"X-Forwarded-For": forwarded.format(n=n)}).status_code
        for n in range(5)
    ]  # fmt: skip
    assert got == codes
    fields = inbound_fields(PHONE, "genuine")
    assert post(site, INBOUND, fields).status_code == 200, "a signature is never refused for it"


def queued(site: Site) -> int:
    with site.state.database.transaction() as session:
        number = session.scalars(select(SmsNumber)).one()
        row = outbox.queue(session, number.conversation_id, None, "hello", site.clock(),
                           kind="staff")  # fmt: skip
        assert row is not None
        row.status = "sending"
        return row.id


@pytest.mark.parametrize(
    ("statuses", "end"),
    [
        (["queued", "sent", "delivered"], "delivered"),
        (["delivered", "sent", "queued", "delivered"], "delivered"),
        (["sent", "undelivered", "sent"], "undelivered"),
        (["read"], "delivered"),
    ],
)
def test_reports_move_a_message_forward_only(line: Site, statuses: list[str], end: str) -> None:
    post(line, INBOUND, inbound_fields(PHONE, "hi"))
    row = queued(line)
    sid = f"SM{secrets.token_hex(16)}"
    for status in statuses:
        fields = {"MessageSid": sid, "MessageStatus": status, "ErrorCode": "", "To": PHONE}
        assert post(line, f"{STATUS}?outbound={row}", fields).status_code == 204
    (found,) = stored(line, SmsOutbound)
    assert (found.status, found.provider_id) == (end, sid)


def test_a_forged_report_changes_nothing(line: Site) -> None:
    post(line, INBOUND, inbound_fields(PHONE, "hi"))
    row = queued(line)
    fields = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered"}
    assert_problem(post(line, f"{STATUS}?outbound={row}", fields, token="forged"), 403)
    signed_for_another = PUBLIC + f"{STATUS}?outbound={row + 1}"
    response = post(line, f"{STATUS}?outbound={row}", fields, signed_url=signed_for_another)
    assert_problem(response, 403)
    assert stored(line, SmsOutbound)[0].status == "sending"


def test_a_report_on_nothing_of_ours_is_taken_quietly_and_an_unknown_status_loudly(
    line: Site, caplog: pytest.LogCaptureFixture
) -> None:
    fields = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered"}
    assert post(line, STATUS, fields).status_code == 204
    assert_problem(post(line, STATUS, {**fields, "MessageStatus": "teleported"}), 422)
    assert "not understood" in caplog.text


@pytest.mark.parametrize("path", [INBOUND, STATUS, "/sms/phone/thread", "/sms/simulator/inbound"])
def test_with_the_line_off_there_is_nothing_here(open_site: OpenSite, path: str) -> None:
    site = open_site()
    assert_problem(site.browser().post(path, data={"a": "b"}), 404)


def test_no_number_reaches_a_log(line: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    post(line, INBOUND, inbound_fields(PHONE, "marker words"))
    post(line, INBOUND, inbound_fields(PHONE, "marker words"), token="forged")
    post(line, INBOUND, inbound_fields("marker", "marker words"))
    ours = "\n".join(
        r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))
    )
    assert "9165550123" not in ours
    assert "marker" not in ours
