"""One's own account: password, authenticator, recovery codes, sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Response

from bot.audit.log import Action
from bot.console.access import Allowed, Refused, Visit
from bot.members import accounts, codes, sessions, throttle
from bot.members.models import StaffMember
from bot.members.passwords import verify_password
from bot.members.permissions import May

router = APIRouter(prefix="/account")

Person = Annotated[Visit, Depends(Allowed(May.USE_CONSOLE))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("")
def show(visit: Person) -> Response:
    """What belongs to one's account, and where it is signed in."""
    with visit.state.database.reading() as session:
        member = accounts.get_member(session, visit.member.member_id)
        opened = sessions.open_sessions(session, member.id, visit.now)
        left = codes.recovery_codes_left(session, member.id)
    return visit.page("account.html", member=member, sessions=opened, codes_left=left)


@router.post("/password")
def change_password(
    visit: Person,
    current: Annotated[str, Form(max_length=1000)],
    password: Annotated[str, Form(max_length=1000)],
    again: Annotated[str, Form(max_length=1000)],
) -> Response:
    """Change the password; other sessions end."""
    if password != again:
        raise Refused(422, "The two new passwords are not the same. Nothing was changed.")
    member = _proved(visit, current)
    with visit.state.database.transaction() as session:
        row = accounts.get_member(session, member.id)
        keep = visit.member.session_id
        accounts.set_password(session, row, password, visit.now, keep=keep)
        visit.record(session, Action.PASSWORD_SET, "staff", member.id)
    return visit.go("/console/account", said="password-changed")


@router.post("/recovery-codes")
def renew_recovery_codes(visit: Person, current: Annotated[str, Form(max_length=1000)]) -> Response:
    """Replace the recovery codes and show the new ones once."""
    member = _proved(visit, current)
    if member.totp_secret is None:
        raise Refused(409, "Set up an authenticator first; recovery codes stand in for it.")
    with visit.state.database.transaction() as session:
        fresh = codes.new_recovery_codes(session, visit.state.private, member.id)
        visit.record(session, Action.RECOVERY_CODES_RENEWED, "staff", member.id)
    return visit.page("recovery_codes.html", codes=fresh, next="/console/account")


@router.post("/authenticator")
def replace_authenticator(
    visit: Person, current: Annotated[str, Form(max_length=1000)]
) -> Response:
    """Forget the authenticator and set up another; every session ends."""
    member = _proved(visit, current)
    with visit.state.database.transaction() as session:
        row = accounts.get_member(session, member.id)
        accounts.remove_codes(session, row, visit.now)
        visit.record(session, Action.CODES_REMOVED, "staff", member.id)
        browser = visit.request.headers.get("user-agent", "")
        token = sessions.begin(session, member.id, "enrol", visit.now, visit.address, browser)
    response = visit.go("/console/sign-in/set-up-code", next="/console/account")
    visit.set_cookie(response, token)
    return response


@router.post("/sessions/{session_id}/end")
def end_session(visit: Person, session_id: Number) -> Response:
    """End one of one's own sessions."""
    with visit.state.database.transaction() as session:
        if not sessions.end(session, session_id, visit.member.member_id, visit.now):
            raise Refused(404, "This session has already ended.")
        visit.record(session, Action.SESSION_ENDED, "staff", visit.member.member_id)
    return visit.go("/console/account", said="session-ended")


def _proved(visit: Visit, password: str) -> StaffMember:
    """The member, who has just typed the current password.

    Raises:
        Refused: 403, when it is wrong or was tried too often.
    """
    database, account = visit.state.database, visit.member.email
    with database.reading() as session:
        member = accounts.get_member(session, visit.member.member_id)
        throttled = throttle.refused(session, account, visit.address, visit.now)
    if not throttled and verify_password(member.password_hash, password):
        return member
    with database.transaction() as session:
        if not throttled:
            throttle.count_failure(session, account, visit.address, visit.now)
        action = Action.SIGN_IN_THROTTLED if throttled else Action.SIGN_IN_FAILED
        visit.record(session, action, "staff", member.id)
    raise Refused(
        403,
        "Your current password is wrong, or there were too many tries. Nothing was changed. "
        "After several failed tries, wait 15 minutes.",
    )
