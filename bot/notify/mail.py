"""Notices by e-mail, through the clinic's mail server."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote

from bot.errors import NotifyError
from bot.notify.notification import Notification
from bot.notify.smtp_url import PORTS, check_smtp_url

TIMEOUT_S: Final = 10.0
"""Longest wait for one answer of the mail server."""
MEDIUM: Final = "email"

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class MailSender:
    """Sends through one server.

    ``smtps://`` is encrypted from the first byte. ``smtp://`` begins in the clear and goes
    on by STARTTLS; without that only a server on this machine is spoken with.
    """

    def __init__(
        self,
        url: str,
        mail_from: str,
        *,
        timeout_s: float = TIMEOUT_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Read the address; nothing is opened.

        Args:
            url: ``smtp://user:password@host:587`` or ``smtps://…``; see `check_smtp_url`.
            context: For tests, one that trusts a certificate of their own.
        """
        self._parts = check_smtp_url(url)
        self._from = mail_from
        self._timeout_s = timeout_s
        self._context = context

    @property
    def medium(self) -> str:
        """As in the table of notices."""
        return MEDIUM

    def send(self, notification: Notification) -> None:
        """Send one notice.

        Raises:
            NotifyError: As `post`.
        """
        self.post(
            notification.contact.email,
            notification.subject,
            notification.text,
            key=notification.key,
            urgent=True,
        )

    def post(self, to: str, subject: str, text: str, *, key: str, urgent: bool = False) -> None:
        """Send one e-mail.

        Args:
            key: The same for every try of the same mail.

        Raises:
            NotifyError: Temporary (4xx, no connection, timeout) or for good (5xx, no
                encryption). A connection lost before the server said yes is temporary: the
                mail may arrive twice, but not never.
        """
        message = EmailMessage()
        message["From"] = self._from
        message["To"] = to
        message["Subject"] = subject
        message["Message-ID"] = f"<{key}@{self._from.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        if urgent:
            message["X-Priority"] = "1"
        message.set_content(text)
        try:
            with self._server() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _answered(code) from error
        except smtplib.SMTPResponseException as error:
            raise _answered(error.smtp_code) from error
        except ssl.SSLError as error:
            raise NotifyError(MEDIUM, "TLS failed", retryable=False) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotifyError(MEDIUM, "not supported by the server", retryable=False) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotifyError(MEDIUM, type(error).__name__, retryable=True) from error

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        parts = self._parts
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        context = self._context or ssl.create_default_context()
        server: smtplib.SMTP
        if parts.scheme == "smtps":
            server = smtplib.SMTP_SSL(host, port, timeout=self._timeout_s, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=self._timeout_s)
        try:
            server.ehlo_or_helo_if_needed()
            if parts.scheme == "smtp":
                if server.has_extn("starttls"):
                    server.starttls(context=context)
                elif host not in _LOOPBACK:
                    raise NotifyError(MEDIUM, "the server offers no encryption", retryable=False)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            yield server
        finally:
            # What was accepted stays accepted, however the goodbye goes.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()


def _answered(code: int) -> NotifyError:
    return NotifyError(MEDIUM, f"the server said {code}", retryable=400 <= code < 500)
