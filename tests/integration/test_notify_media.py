"""E-mail and webhook against a real mail server and a real HTTP server on this machine."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.errors import NotifyError
from bot.messages import Tier
from bot.notify.mail import MailSender
from bot.notify.notification import Notification, notification
from bot.notify.webhook import WebhookSender
from bot.staff import Contact
from tests.builders import NOON, clinic
from tests.notice_receivers import (
    Hook,
    MailServer,
    closed_port,
    mail_server,
    webhook_address,
)

SECRET = "s" * 32


def a_notification() -> Notification:
    return notification(
        key="notice-7",
        contact=Contact("desk", "Front desk", "desk@clinic.example", webhook=True),
        escalation_id=12,
        tier=Tier.EMERGENCY,
        step=0,
        since=NOON,
        zone=clinic().time_zone,
        public_url="https://clinic.example",
    )


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook_address() as running:
        yield running


def mail(url: str, **options: object) -> MailSender:
    return MailSender(url, "assistant@clinic.example", timeout_s=0.5, **options)  # type: ignore[arg-type]


def refusal(sender: MailSender | WebhookSender) -> tuple[str, bool]:
    with pytest.raises(NotifyError) as refused:
        sender.send(a_notification())
    return refused.value.detail, refused.value.retryable


def test_an_email_arrives_with_what_staff_need(server: MailServer) -> None:
    mail(server.url).send(a_notification())
    (message,) = server.received
    assert message["To"] == "desk@clinic.example"
    assert message["From"] == "assistant@clinic.example"
    assert message["Subject"] == "EMERGENCY: escalation 12 waits"
    assert message["Message-ID"] == "<notice-7@clinic.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "https://clinic.example/console/escalations/12" in str(message.get_payload())


@pytest.mark.parametrize(
    ("answer", "detail", "again"),
    [
        ("451 4.7.1 greylisted", "the server said 451", True),
        ("452 4.2.2 full", "the server said 452", True),
        ("550 5.7.1 refused", "the server said 550", False),
        ("554 5.6.0 spam", "the server said 554", False),
        ("drop", "SMTPServerDisconnected", True),
        ("stall", "TimeoutError", True),
    ],
)
def test_what_the_mail_server_says_decides_whether_to_try_again(
    server: MailServer, answer: str, detail: str, again: bool
) -> None:
    server.answers, server.stall_s = [answer], 1.0
    found, retryable = refusal(mail(server.url))
    assert retryable is again
    # A line that goes silent ends as a timeout, or as a lost line.
    assert found == detail or answer == "stall"


@pytest.mark.parametrize(("code", "again"), [("450", True), ("550", False)])
def test_a_refused_recipient_counts_like_any_refusal(
    server: MailServer, code: str, again: bool
) -> None:
    server.recipients = f"{code} not now"
    assert refusal(mail(server.url)) == (f"the server said {code}", again)
    assert server.received == []


def test_a_mail_server_that_is_not_there_is_tried_again() -> None:
    assert refusal(mail(f"smtp://127.0.0.1:{closed_port()}")) == ("ConnectionRefusedError", True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("from_the_first_byte", [True, False], ids=["smtps", "starttls"])
def test_an_encrypted_server_gets_the_mail_and_the_password(
    server_tls: ssl.SSLContext, certificate: Path, from_the_first_byte: bool
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    with mail_server(
        server_tls, from_the_first_byte=from_the_first_byte, login=not from_the_first_byte
    ) as server:
        url = server.url
        if not from_the_first_byte:
            url = url.replace("smtp://", "smtp://us%40er:right@")
        mail(url, context=trusting).send(a_notification())
        assert len(server.received) == 1
        assert server.logins == ([] if from_the_first_byte else ["us@er:right"])


@pytest.mark.parametrize("from_the_first_byte", [True, False], ids=["smtps", "starttls"])
def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    server_tls: ssl.SSLContext, from_the_first_byte: bool
) -> None:
    with mail_server(server_tls, from_the_first_byte=from_the_first_byte) as server:
        assert refusal(mail(server.url)) == ("TLS failed", False)
        assert server.received == []


def test_a_wrong_password_is_not_tried_for_ever(
    server_tls: ssl.SSLContext, certificate: Path
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    with mail_server(server_tls, login=True) as server:
        url = server.url.replace("smtp://", "smtp://user:wrong@")
        assert refusal(mail(url, context=trusting)) == ("the server said 535", False)


def test_nothing_is_sent_in_the_clear_to_another_machine(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import smtplib
    import socket

    def here(address: tuple[str, int], *args: object, **kwargs: object) -> socket.socket:
        return real((("127.0.0.1"), address[1]), *args, **kwargs)  # type: ignore[arg-type]

    real = socket.create_connection
    monkeypatch.setattr(smtplib.socket, "create_connection", here)
    elsewhere = server.url.replace("127.0.0.1", "mail.clinic.example")
    assert refusal(mail(elsewhere)) == ("the server offers no encryption", False)
    assert server.received == []


def test_a_webhook_gets_one_line_and_fields_for_programs(hook: Hook) -> None:
    WebhookSender(hook.url, "").send(a_notification())
    assert hook.bodies == [
        {
            "text": "EMERGENCY: escalation 12 waits. For Front desk. "
            "https://clinic.example/console/escalations/12",
            "notice": "notice-7",
            "escalation": 12,
            "tier": "emergency",
            "missed": False,
            "reminder": False,
            "waiting_since": "2026-11-23T12:00:00-08:00",
            "link": "https://clinic.example/console/escalations/12",
        }
    ]
    assert "X-Clinic-Signature" not in hook.posts[0][0]


def test_a_signed_webhook_can_be_checked_by_who_knows_the_secret(hook: Hook) -> None:
    WebhookSender(hook.url, SECRET, clock=lambda: 1795464000.7).send(a_notification())
    headers, body = hook.posts[0]
    assert headers["X-Clinic-Timestamp"] == "1795464000"
    expected = hmac.new(SECRET.encode(), b"1795464000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Clinic-Signature"] == expected


@pytest.mark.parametrize(
    ("answer", "detail", "again"),
    [
        (500, "the address said 500", True),
        (503, "the address said 503", True),
        (429, "the address said 429", True),
        (408, "the address said 408", True),
        (400, "the address said 400", False),
        (404, "the address said 404", False),
        (410, "the address said 410", False),
        (302, "the address said 302", False),
        ("drop", "RemoteProtocolError", True),
        ("stall", "ReadTimeout", True),
    ],
)
def test_what_the_address_says_decides_whether_to_try_again(
    hook: Hook, answer: int | str, detail: str, again: bool
) -> None:
    hook.answers, hook.stall_s = [answer], 0.6
    assert refusal(WebhookSender(hook.url, "", timeout_s=0.3)) == (detail, again)


def test_an_address_that_is_not_there_is_tried_again() -> None:
    gone = WebhookSender(f"http://127.0.0.1:{closed_port()}/hook", "")
    assert refusal(gone) == ("ConnectError", True)
