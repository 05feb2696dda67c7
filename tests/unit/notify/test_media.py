from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import SettingsError
from bot.messages import Tier
from bot.notify.ladder import media_for
from bot.notify.mail import MailSender
from bot.notify.notification import Notification, notification
from bot.notify.senders import senders_of
from bot.notify.smtp_url import check_smtp_url
from bot.settings import load_settings
from bot.staff import Contact
from tests.builders import NOON, SECRET_SETTINGS, clinic

DESK = Contact("desk", "Front desk", "desk@clinic.example", webhook=True)


def a_notification(step: int = 0, tier: Tier = Tier.EMERGENCY) -> Notification:
    return notification(
        key="notice-7",
        contact=DESK,
        escalation_id=12,
        tier=tier,
        step=step,
        since=NOON,
        zone=clinic().time_zone,
        public_url="https://clinic.example",
    )


def test_a_notice_says_tier_time_and_where_to_look() -> None:
    found = a_notification()
    assert found.subject == "EMERGENCY: escalation 12 waits"
    assert found.text.splitlines() == [
        "EMERGENCY: escalation 12 waits.",
        "For: Front desk. Waiting since Monday, November 23, 12:00.",
        "Open it and acknowledge it: https://clinic.example/console/escalations/12",
    ]


def test_a_reminder_can_be_told_from_a_first_notice() -> None:
    assert "NOT ACKNOWLEDGED" in a_notification(step=1).subject
    assert a_notification(tier=Tier.NONE).subject.startswith("TEST")


@pytest.mark.parametrize(
    ("webhook", "media", "chosen"),
    [
        (True, ["email", "webhook"], ["email", "webhook"]),
        (False, ["email", "webhook"], ["email"]),
        (False, ["webhook"], ["webhook"]),
        (True, ["email"], ["email"]),
        (True, [], []),
    ],
)
def test_a_contact_is_never_without_a_medium_while_there_is_one(
    webhook: bool, media: list[str], chosen: list[str]
) -> None:
    assert media_for(replace(DESK, webhook=webhook), media) == chosen


@pytest.mark.parametrize(
    "url",
    [
        "smtp://user:p%2Fw@mail.example:587",
        "smtps://mail.example",
        "smtp://127.0.0.1:2525",
        "smtp://[::1]:2525/",
    ],
)
def test_a_mail_server_is_named_by_an_address(url: str) -> None:
    assert check_smtp_url(url).hostname
    assert MailSender(url, "a@clinic.example").medium == "email"


@pytest.mark.parametrize(
    "url",
    [
        *(
            "mail.example",
            "http://mail.example",
            "smtp:///587",
            "smtp://host:many",
            "smtp://host:0",
        ),
        *("smtp://user:secret/word@host", "smtp://user:sec#ret@host", "smtp://host?tls=1"),
    ],
)
def test_what_is_no_address_of_a_mail_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({**SECRET_SETTINGS, "SMTP_URL": url})
    assert refused.value.setting == "SMTP_URL"
    assert url not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_URL", "hooks.example/x"),
        ("WEBHOOK_SECRET", "short"),
        ("MAIL_FROM", "the clinic"),
        ("MAIL_FROM", "a@b.c\r\nBcc: x@y.z"),
    ],
)
def test_other_settings_of_the_wrong_form_are_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({**SECRET_SETTINGS, name: value})
    assert refused.value.setting == name


def test_there_is_a_sender_for_each_medium_that_is_set() -> None:
    assert senders_of(load_settings(SECRET_SETTINGS)) == {}
    both = {"SMTP_URL": "smtp://mail.example", "WEBHOOK_URL": "https://hooks.example/x"}
    assert set(senders_of(load_settings({**SECRET_SETTINGS, **both}))) == {"email", "webhook"}


def test_addresses_with_passwords_do_not_show_in_the_settings() -> None:
    secret = {"SMTP_URL": "smtp://u:hunter2@mail.example", "WEBHOOK_URL": "https://x/hunter2"}
    assert "hunter2" not in repr(load_settings({**SECRET_SETTINGS, **secret}))
