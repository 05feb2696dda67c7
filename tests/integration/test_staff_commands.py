"""The commands for whoever has the machine: accounts, audit, switches, holds, erasure."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from bot.audit.log import COMMAND_LINE, Action, AuditLog
from bot.audit.models import AuditEvent
from bot.cli import main
from bot.conversations import contacts, transcript
from bot.conversations.contacts import ContactDetails
from bot.conversations.escalations import open_for_staff
from bot.conversations.models import Conversation
from bot.db import Database, utc_now
from bot.members import accounts
from bot.members.commands import first_admin_link
from bot.members.permissions import Role
from bot.migrate import migrate
from bot.private_data import PrivateData
from bot.settings import load_settings
from bot.sms.models import SmsNumber
from tests import builders
from tests.builders import NOON


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A machine whose environment holds the settings of a fresh database."""
    for name, value in builders.SECRET_SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/clinic.db")
    monkeypatch.setenv("RASA_DATABASE_URL", f"sqlite:///{tmp_path}/rasa.db")
    migrate(load_settings().database_url)
    return Database(load_settings().database_url)


def actions(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.number))
        return [(row.action, row.actor) for row in rows]


def create(name: str = "Maya Reyes", email: str = "maya@clinic.example") -> int:
    return main(["create-user", name, "--email", email, "--role", "clinician"])


def test_a_new_account_gets_a_link_that_works_and_is_recorded(
    machine: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert create() == 0
    key = capsys.readouterr().out.split("/console/welcome/")[1].split()[0]
    with machine.transaction() as session:
        assert accounts.find_link(session, key, utc_now())
        member = accounts.find_by_email(session, "maya@clinic.example")
        assert member
        assert member.role == "clinician"
    assert actions(machine) == [("staff_added", "command line")]


def test_an_address_that_is_taken_is_refused_in_plain_words(
    machine: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    create()
    assert create("Somebody Else") == 1
    assert "already an account with this e-mail address" in capsys.readouterr().err


def test_a_lost_phone_is_forgotten_and_a_new_link_printed(
    machine: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    create()
    assert main(["reset-user", "Maya@clinic.example", "--authenticator"]) == 0
    assert "/console/welcome/" in capsys.readouterr().out
    assert [action for action, _ in actions(machine)][-2:] == ["link_made", "codes_removed"]
    assert main(["reset-user", "nobody@clinic.example"]) == 1


def test_the_first_admins_link_is_offered_until_there_is_an_account(machine: Database) -> None:
    settings = load_settings()
    first = first_admin_link(settings)
    assert first
    assert first.startswith(f"{settings.public_url}/console/welcome/")
    with machine.transaction() as session:
        made_up = accounts.add_member(session, "Demo", "demo@clinic.example", Role.REVIEWER, NOON)
        made_up.disabled_at = NOON
    assert first_admin_link(settings) is not None, "made-up data locks nobody out"
    create()
    assert first_admin_link(settings) is None


def test_the_audit_log_is_verified_also_against_a_head_kept_elsewhere(
    machine: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    create()
    capsys.readouterr()
    assert main(["audit", "head"]) == 0
    head = capsys.readouterr().out.strip()
    assert main(["audit", "verify"]) == 0
    assert "is whole: 1 rows" in capsys.readouterr().out
    assert main(["audit", "verify", "--head", head]) == 0
    assert main(["audit", "verify", "--head", f"9:{'0' * 64}"]) == 1
    assert "NOT whole" in capsys.readouterr().out
    kept = tmp_path / "heads.txt"
    kept.write_text(f"2026-11-22 {head}\n2026-11-23 {head}\n")
    assert main(["audit", "verify", "--heads", str(kept)]) == 0
    assert "all 2 are part of it" in capsys.readouterr().out
    kept.write_text("2026-11-22 1:abc\n")
    assert main(["audit", "verify", "--heads", str(kept)]) == 1
    assert main(["audit", "verify", "--heads", str(tmp_path / "absent")]) == 1
    with machine.transaction() as session:
        AuditLog("x" * 40).record(session, Action.SIGNED_IN, COMMAND_LINE, NOON)
    assert main(["audit", "verify"]) == 1


def test_a_switch_is_turned_and_listed(
    machine: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["switch", "bot", "off"]) == 0
    assert "bot is off since" in capsys.readouterr().out
    assert main(["switch"]) == 0
    assert "bot is off since" in capsys.readouterr().out
    assert main(["switch", "bot", "on"]) == 0
    assert "Everything is on." in capsys.readouterr().out
    assert main(["switch", "everything", "off"]) == 1
    assert main(["switch", "bot"]) == 1
    assert [action for action, _ in actions(machine)] == ["switched_off", "switched_on"]


def test_a_held_conversation_is_not_erased_until_it_is_released(
    machine: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with machine.transaction() as session:
        transcript.start_conversation(session, "web", NOON, conversation_id="c1")
    assert main(["hold", "c1"]) == 0
    assert main(["erase-person", "c1"]) == 1
    assert "on hold" in capsys.readouterr().out
    assert main(["hold", "c1", "--release"]) == 0
    assert main(["erase-person", "c1"]) == 0
    assert main(["erase-person", "nowhere"]) == 1
    assert [action for action, _ in actions(machine)] == [
        *("conversation_held", "person_erased", "conversation_released", "person_erased")
    ]


def test_all_that_is_kept_of_a_number_is_erased(
    machine: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings()
    private = PrivateData(settings.data_keys, settings.lookup_secret)
    with machine.transaction() as session:
        for name in ("texting", "left", "other"):
            transcript.start_conversation(session, "web", NOON, conversation_id=name)
            session.flush()
        number = private.encrypt("+19165550142")
        session.add(
            SmsNumber(
                number_hash=private.lookup("+19165550142"),
                number=number,
                conversation_id="texting",
                created_at=NOON,
            )
        )
        for name, phone in (("left", "+19165550142"), ("other", "+19165550143")):
            case = open_for_staff(session, name, "Maya", NOON)
            session.flush()
            contacts.save(session, private, case.id, ContactDetails(phone=phone), NOON)
    assert main(["erase-person", "--phone", "(916) 555-0142"]) == 0
    said = capsys.readouterr().out
    assert "texting: erased" in said
    assert "left: erased" in said
    with machine.reading() as session:
        erased = select(Conversation.id).where(Conversation.erased_at.is_not(None))
        assert set(session.scalars(erased)) == {"texting", "left"}
        assert session.query(SmsNumber).count() == 0
    assert main(["erase-person", "--phone", "+1 916 555 0142"]) == 0
    assert "Nothing is kept" in capsys.readouterr().out
    assert main(["erase-person", "--phone", "12"]) == 1
    assert main(["erase-person"]) == 1
