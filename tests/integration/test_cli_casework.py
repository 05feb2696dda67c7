"""The commands by which staff work in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.cli import main
from bot.conversations import contacts, transcript
from bot.conversations.escalations import find, open_or_add
from bot.conversations.models import Escalation, Message
from bot.db import Database, utc_now
from bot.messages import Tier, Verdict
from bot.migrate import migrate
from bot.private_data import PrivateData
from bot.settings import load_settings
from tests.builders import SECRET_SETTINGS, inbound
from tests.notice_receivers import webhook_address

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database with one urgent escalation, which the commands find by the environment."""
    url = f"sqlite:///{tmp_path}/clinic.db"
    own = {"DATABASE_URL": url, "SMTP_URL": "", "WEBHOOK_URL": "", "WEBHOOK_SECRET": ""}
    for name, value in (SECRET_SETTINGS | own).items():
        monkeypatch.setenv(name, value)
    migrate(url)
    database = Database(url)
    with database.transaction() as session:
        transcript.start_conversation(session, "web", utc_now(), conversation_id="conversation-1")
        sent = inbound(conversation_id="conversation-1")
        message = transcript.store_inbound(session, sent, "my own words", Verdict(Tier.URGENT))
        assert message is not None
        open_or_add(
            session,
            conversation_id="conversation-1",
            message_id=message.id,
            tier=Tier.URGENT,
            reason="red_flag",
            rule_ids=("U2-pus",),
            now=utc_now(),
        )
    yield database
    database.close()


def bot(*arguments: str) -> int:
    return main(list(arguments))


def escalation(database: Database) -> Escalation:
    with database.reading() as session:
        return find(session, 1)


def test_an_escalation_can_be_worked_from_seeing_it_to_reopening(
    database: Database, capsys: Capture
) -> None:
    by = ("--by", "Maria")
    assert bot("acknowledge", "1", *by) == 0
    assert bot("assign", "1", *by, "--to", "Tom") == 0
    assert bot("tier", "1", *by, "emergency", "--reason", "eye pain") == 0
    assert bot("note", "1", *by, "left a message") == 0
    assert bot("resolve", "1", *by, "--outcome", "called_patient", "--note", "all well") == 0
    assert escalation(database).status == "resolved"
    assert bot("reopen", "1", *by, "--reason", "she called") == 0
    assert escalation(database).status == "open"
    capsys.readouterr()
    assert bot("escalations", "--log") == 0
    shown = capsys.readouterr().out
    for line in (
        "raised from urgent to emergency by Maria: eye pain",
        "resolved by Maria: called_patient: all well",
        "with Tom",
        "conversation conversation-1",
        "1 escalations.",
    ):
        assert line in shown
    assert "my own words" not in shown
    assert bot("escalations", "--words") == 0
    assert "my own words" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["1", "conversation-1"], ids=["by escalation", "by conversation"])
def test_a_person_can_talk_with_the_patient(database: Database, name: str) -> None:
    by = ("--by", "Maria")
    assert bot("take-over", name, *by) == 0
    assert bot("reply", name, *by, "Hello, Maria here.") == 0
    assert bot("give-back", name, *by) == 0
    with database.reading() as session:
        said = session.scalars(
            select(Message).where(Message.sender != "patient").order_by(Message.id)
        ).all()
    assert [m.sender for m in said] == ["system", "staff", "system"]
    assert said[1].text == "Hello, Maria here."


def test_a_refusal_is_one_plain_line(database: Database, capsys: Capture) -> None:
    assert bot("take-over", "1", "--by", "Maria") == 0
    capsys.readouterr()
    for arguments, words in (
        (("take-over", "1", "--by", "Tom"), "Maria has this conversation"),
        (("reply", "1", "--by", "Tom", "hi"), "Maria has this conversation"),
        (("resolve", "1", "--by", "Maria", "--outcome", "other"), "A few words are needed"),
        (("reopen", "1", "--by", "Maria", "--reason", "x"), "it is in progress"),
        (("acknowledge", "9", "--by", "Maria"), "there is no escalation 9"),
        (("give-back", "nowhere", "--by", "Maria"), "there is no conversation nowhere"),
    ):
        assert bot(*arguments) == 1
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert bot("take-over", "1", "--by", "Tom", "--from", "Maria") == 0
    assert escalation(database).assigned_to == "Tom"


def test_an_outcome_outside_the_vocabulary_is_refused_with_the_vocabulary(
    database: Database, capsys: Capture
) -> None:
    with pytest.raises(SystemExit):
        bot("resolve", "1", "--by", "Maria", "--outcome", "fine")
    assert "false_alarm" in capsys.readouterr().err


def test_a_test_notice_goes_to_every_contact_and_says_what_failed(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert bot("notify-test") == 1
    assert "nobody is told" in capsys.readouterr().out
    with webhook_address() as hook:
        monkeypatch.setenv("WEBHOOK_URL", hook.url)
        assert bot("notify-test") == 0
        assert len(hook.posts) == 4
        assert all(body["text"].startswith("TEST") for body in hook.bodies)
        hook.answers = [404]
        capsys.readouterr()
        assert bot("notify-test") == 1
        assert "Front desk by webhook: NOT sent: the address said 404" in capsys.readouterr().out


def test_contact_details_are_shown_with_the_words_and_not_without(
    database: Database, capsys: Capture
) -> None:
    settings = load_settings()
    private_data = PrivateData(settings.data_keys, settings.lookup_secret)
    details = contacts.ContactDetails("Maria", "+19165550123")
    with database.transaction() as session:
        contacts.save(session, private_data, 1, details, utc_now())
    assert bot("escalations", "--words") == 0
    assert "call back: Maria, +19165550123" in capsys.readouterr().out
    assert bot("escalations") == 0
    assert "Maria" not in capsys.readouterr().out
