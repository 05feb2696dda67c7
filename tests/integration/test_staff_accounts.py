"""Accounts, throttling, sessions and codes on real databases, with a clock the test moves."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import func, select

from bot.db import Database
from bot.members import accounts, codes, sessions, throttle
from bot.members.accounts import AccountError
from bot.members.models import SignInFailure, StaffLink, StaffSession
from bot.members.permissions import May, Role
from bot.private_data import PrivateData
from tests.builders import NOON
from tests.fakes import FakeClock

GOOD = "correct horse battery staple"
PRIVATE = PrivateData(("k" * 40,), "l" * 40)


def add(
    database: Database, role: Role = Role.ADMIN, email: str = "a@clinic.example", name: str = ""
) -> int:
    with database.transaction() as session:
        return accounts.add_member(session, name or email, email, role, NOON).id


def use(database: Database, key: str, now=NOON, **more: str) -> int:
    with database.transaction() as session:
        return accounts.use_link(session, key, GOOD, now, **more).id


def link(database: Database, member_id: int | None) -> str:
    with database.transaction() as session:
        return accounts.make_link(session, member_id, NOON)


@pytest.mark.parametrize("email", ["A@Clinic.Example", " a@clinic.example "])
def test_an_address_has_one_account_however_it_is_written(database: Database, email: str) -> None:
    add(database)
    with pytest.raises(AccountError, match="e-mail address"):
        add(database, email=email, name="Another")


def test_two_people_cannot_have_one_name(database: Database) -> None:
    add(database, name="Maya")
    with pytest.raises(AccountError, match="initial"):
        add(database, email="b@clinic.example", name="maya")


@pytest.mark.parametrize("email", ["", "a", "a@b", "a b@c.de", "<a@b.c>"])
def test_what_is_no_address_is_refused(database: Database, email: str) -> None:
    with pytest.raises(AccountError, match="does not look like"):
        add(database, email=email, name="Maya")


def test_a_link_sets_a_password_once(database: Database) -> None:
    key = link(database, add(database))
    use(database, key)
    with pytest.raises(AccountError, match="used"):
        use(database, key)


def test_a_link_ends_after_its_time(database: Database) -> None:
    key = link(database, add(database))
    with pytest.raises(AccountError):
        use(database, key, NOON + accounts.LINK_LIFETIME)


def test_a_newer_link_ends_the_older(database: Database) -> None:
    member = add(database)
    older, newer = link(database, member), link(database, member)
    with pytest.raises(AccountError):
        use(database, older)
    assert use(database, newer) == member


def test_the_first_admins_link_works_only_while_nobody_has_an_account(database: Database) -> None:
    key = link(database, None)
    member = use(database, key, name="Maya", email="maya@clinic.example")
    with database.reading() as session:
        assert accounts.get_member(session, member).role == "admin"
    with database.transaction() as session:
        assert accounts.find_link(session, accounts.make_link(session, None, NOON), NOON) is None


def test_a_refused_password_leaves_the_link_usable(database: Database) -> None:
    key = link(database, add(database))
    with pytest.raises(AccountError), database.transaction() as session:
        accounts.use_link(session, key, "short", NOON)
    use(database, key)


@pytest.mark.parametrize("what", ["demote", "disable"])
def test_the_last_admin_stays(database: Database, what: str) -> None:
    member_id = add(database)
    add(database, Role.AGENT, "b@clinic.example")
    with pytest.raises(AccountError, match="only admin"), database.transaction() as session:
        member = accounts.get_member(session, member_id)
        if what == "demote":
            accounts.change_role(session, member, Role.AGENT, NOON)
        else:
            accounts.disable(session, member, NOON)
    add(database, Role.ADMIN, "c@clinic.example")
    with database.transaction() as session:
        accounts.disable(session, accounts.get_member(session, member_id), NOON)


def begin(database: Database, member_id: int, stage: sessions.Stage = "full") -> str:
    with database.transaction() as session:
        return sessions.begin(session, member_id, stage, NOON, "10.0.0.1", "Firefox")


def who(database: Database, token: str, after: timedelta) -> sessions.SignedIn | None:
    with database.reading() as session:
        return sessions.find(session, token, NOON + after)


def test_a_session_ends_when_idle_and_in_any_case_after_ten_hours(database: Database) -> None:
    token = begin(database, add(database))
    assert who(database, token, sessions.IDLE - timedelta(seconds=1))
    assert who(database, token, sessions.IDLE) is None
    at = timedelta(0)
    while at + timedelta(minutes=10) < sessions.ABSOLUTE:
        at += timedelta(minutes=10)
        with database.transaction() as session:
            found = sessions.find(session, token, NOON + at)
            assert found
            sessions.seen(session, found.session_id, NOON + at)
    assert who(database, token, sessions.ABSOLUTE - timedelta(seconds=1))
    assert who(database, token, sessions.ABSOLUTE) is None


@pytest.mark.parametrize("stage", ["code", "enrol"])
def test_an_unfinished_sign_in_may_do_nothing_and_ends_soon(database: Database, stage) -> None:
    token = begin(database, add(database), stage)
    found = who(database, token, timedelta(0))
    assert found
    assert not any(found.may(permission) for permission in May)
    assert who(database, token, sessions.UNFINISHED) is None


def test_the_database_holds_no_token(database: Database) -> None:
    token = begin(database, add(database))
    with database.reading() as session:
        (row,) = sessions.open_sessions(session, 1, NOON)
        assert token not in (row.token_hash, row.browser)


def test_disabling_an_account_ends_its_sessions_at_once(database: Database) -> None:
    add(database)
    other = add(database, Role.AGENT, "b@clinic.example")
    token = begin(database, other)
    with database.transaction() as session:
        accounts.disable(session, accounts.get_member(session, other), NOON)
    assert who(database, token, timedelta(0)) is None


def test_nobody_can_end_a_session_of_somebody_else(database: Database) -> None:
    mine, other = add(database), add(database, Role.AGENT, "b@clinic.example")
    token = begin(database, mine)
    found = who(database, token, timedelta(0))
    assert found
    with database.transaction() as session:
        assert not sessions.end(session, found.session_id, other, NOON)
        assert sessions.end(session, found.session_id, mine, NOON)
    assert who(database, token, timedelta(0)) is None


def fail(database: Database, times: int, account: str, address: str, clock: FakeClock) -> bool:
    """Fail some times; whether the next try would be refused unseen."""
    for _ in range(times):
        with database.transaction() as session:
            throttle.count_failure(session, account, address, clock())
    with database.reading() as session:
        return throttle.refused(session, account, address, clock())


def test_tries_at_one_account_are_slowed_down_and_allowed_again_later(database: Database) -> None:
    clock = FakeClock(NOON)
    limit = throttle.PER_ACCOUNT_AND_ADDRESS
    assert not fail(database, limit - 1, "a@x.org", "1.1.1.1", clock)
    assert fail(database, 1, "A@X.org ", "1.1.1.1", clock)
    assert not fail(database, 0, "b@x.org", "1.1.1.1", clock)
    assert not fail(database, 0, "a@x.org", "2.2.2.2", clock)
    clock.advance(seconds=throttle.WINDOW.total_seconds() - 1)
    assert fail(database, 0, "a@x.org", "1.1.1.1", clock)
    clock.advance(seconds=1)
    assert not fail(database, 0, "a@x.org", "1.1.1.1", clock)


def test_tries_from_one_address_are_slowed_down_whatever_account_is_named(
    database: Database,
) -> None:
    clock = FakeClock(NOON)
    for number in range(throttle.PER_ADDRESS - 1):
        assert not fail(database, 1, f"a{number}@x.org", "1.1.1.1", clock)
    assert fail(database, 1, "last@x.org", "1.1.1.1", clock)
    assert fail(database, 0, "new@x.org", "1.1.1.1", clock)
    assert not fail(database, 0, "new@x.org", "2.2.2.2", clock)


def test_tries_at_one_account_from_many_addresses_are_slowed_down(database: Database) -> None:
    clock = FakeClock(NOON)
    for number in range(throttle.PER_ACCOUNT - 1):
        assert not fail(database, 1, "a@x.org", f"10.0.0.{number}", clock)
    assert fail(database, 1, "a@x.org", "10.0.1.1", clock)
    assert fail(database, 0, "a@x.org", "10.0.1.2", clock)


def test_a_success_clears_the_failures(database: Database) -> None:
    clock = FakeClock(NOON)
    assert fail(database, throttle.PER_ACCOUNT_AND_ADDRESS, "a@x.org", "1.1.1.1", clock)
    with database.transaction() as session:
        throttle.forget(session, "a@x.org", "1.1.1.1")
    assert not fail(database, 0, "a@x.org", "1.1.1.1", clock)


def test_a_code_opens_once(database: Database) -> None:
    member_id, secret = add(database), codes.new_secret()
    code = pyotp.TOTP(secret).at(NOON)
    with database.transaction() as session:
        member = accounts.get_member(session, member_id)
        accounts.set_codes(member, PRIVATE, secret, 0)
        assert secret not in (member.totp_secret or "")
    for expected in (True, False):
        with database.transaction() as session:
            member = accounts.get_member(session, member_id)
            assert codes.take_code(session, PRIVATE, member, code, NOON) is expected
    # An earlier step within the drift is refused too: a later one was used.
    earlier = pyotp.TOTP(secret).at(NOON - timedelta(seconds=codes.STEP_S))
    with database.transaction() as session:
        member = accounts.get_member(session, member_id)
        assert not codes.take_code(session, PRIVATE, member, earlier, NOON)


def test_a_recovery_code_opens_once_and_only_its_own_account(database: Database) -> None:
    mine, other = add(database), add(database, Role.AGENT, "b@clinic.example")
    with database.transaction() as session:
        fresh = codes.new_recovery_codes(session, PRIVATE, mine)
        assert len(set(fresh)) == codes.RECOVERY_CODES
        member, stranger = accounts.get_member(session, mine), accounts.get_member(session, other)
        typed = fresh[0].lower().replace("-", " ")
        assert not codes.take_recovery_code(session, PRIVATE, stranger, typed)
        assert codes.take_recovery_code(session, PRIVATE, member, typed)
        assert not codes.take_recovery_code(session, PRIVATE, member, typed)
        assert codes.recovery_codes_left(session, mine) == codes.RECOVERY_CODES - 1
        codes.new_recovery_codes(session, PRIVATE, mine)
        assert not codes.take_recovery_code(session, PRIVATE, member, fresh[1])


def test_ended_sign_ins_leave_nothing_behind(database: Database) -> None:
    member = add(database)
    link(database, member)
    with database.transaction() as session:
        sessions.begin(session, member, "full", NOON, "", "")
        throttle.count_failure(session, "a@clinic.example", "192.0.2.1", NOON)

    def left(after: timedelta) -> tuple[int, ...]:
        with database.transaction() as session:
            sessions.forget_old(session, NOON + after)
            models = (SignInFailure, StaffSession, StaffLink)
            return tuple(session.scalar(select(func.count()).select_from(m)) or 0 for m in models)

    assert left(timedelta(minutes=14)) == (1, 1, 1)
    assert left(throttle.WINDOW) == (0, 1, 1)
    assert left(sessions.KEPT) == (0, 1, 1)
    assert left(sessions.KEPT + sessions.ABSOLUTE + timedelta(seconds=1)) == (0, 0, 1)
    with database.reading() as session:
        expires = session.scalars(select(StaffLink.expires_at)).one()
    assert left(expires - NOON + sessions.KEPT) == (0, 0, 1)
    assert left(expires - NOON + sessions.KEPT + timedelta(seconds=1)) == (0, 0, 0)
