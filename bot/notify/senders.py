"""The senders that the settings ask for."""

from __future__ import annotations

from bot.notify.mail import MailSender
from bot.notify.notification import Sender
from bot.notify.webhook import WebhookSender
from bot.settings import Settings


def senders_of(settings: Settings) -> dict[str, Sender]:
    """By medium; empty when neither a mail server nor a webhook is set.

    Raises:
        SettingsError: `SMTP_URL` is malformed.
    """
    found: dict[str, Sender] = {}
    if settings.smtp_url:
        mail = MailSender(settings.smtp_url, settings.mail_from)
        found[mail.medium] = mail
    if settings.webhook_url:
        webhook = WebhookSender(settings.webhook_url, settings.webhook_secret)
        found[webhook.medium] = webhook
    return found
