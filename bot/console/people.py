"""Accounts of staff, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Response

from bot.audit.log import Action
from bot.console.access import Allowed, Visit
from bot.members import accounts, sessions
from bot.members.permissions import PERMISSIONS, May, Role

router = APIRouter(prefix="/staff")

Admin = Annotated[Visit, Depends(Allowed(May.MANAGE_STAFF))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("")
def show(visit: Admin) -> Response:
    """Every account, and the form to add one."""
    return _page(visit)


@router.post("")
def add(
    visit: Admin,
    name: Annotated[str, Form(max_length=200)],
    email: Annotated[str, Form(max_length=254)],
    role: Annotated[Role, Form()],
) -> Response:
    """Add an account; the page shows its one-time link once."""
    with visit.state.database.transaction() as session:
        member = accounts.add_member(session, name, email, role, visit.now)
        visit.record(session, Action.STAFF_ADDED, "staff", member.id, role=role.value)
        token = accounts.make_link(session, member.id, visit.now)
    return _page(visit, link=(member.name, _address(visit, token)))


@router.post("/{member_id}/link")
def make_link(visit: Admin, member_id: Number) -> Response:
    """A new one-time link, as when a password was forgotten."""
    with visit.state.database.transaction() as session:
        member = accounts.get_member(session, member_id)
        token = accounts.make_link(session, member_id, visit.now)
        visit.record(session, Action.LINK_MADE, "staff", member_id)
    return _page(visit, link=(member.name, _address(visit, token)))


@router.post("/{member_id}/role")
def change_role(visit: Admin, member_id: Number, role: Annotated[Role, Form()]) -> Response:
    """Change a role."""
    with visit.state.database.transaction() as session:
        member = accounts.get_member(session, member_id)
        before = member.role
        accounts.change_role(session, member, role, visit.now)
        visit.record(
            session, Action.STAFF_ROLE_CHANGED, "staff", member_id, before=before, after=role.value
        )
    return visit.go("/console/staff", said="role-changed")


@router.post("/{member_id}/disable")
def disable(visit: Admin, member_id: Number) -> Response:
    """End an account's use."""
    with visit.state.database.transaction() as session:
        accounts.disable(session, accounts.get_member(session, member_id), visit.now)
        visit.record(session, Action.STAFF_DISABLED, "staff", member_id)
    return visit.go("/console/staff", said="disabled")


@router.post("/{member_id}/enable")
def enable(visit: Admin, member_id: Number) -> Response:
    """Let an account be used again."""
    with visit.state.database.transaction() as session:
        accounts.enable(accounts.get_member(session, member_id))
        visit.record(session, Action.STAFF_ENABLED, "staff", member_id)
    return visit.go("/console/staff", said="enabled")


@router.post("/{member_id}/remove-authenticator")
def remove_authenticator(visit: Admin, member_id: Number) -> Response:
    """Let somebody who lost the telephone set up another at the next sign-in."""
    with visit.state.database.transaction() as session:
        accounts.remove_codes(session, accounts.get_member(session, member_id), visit.now)
        visit.record(session, Action.CODES_REMOVED, "staff", member_id)
    return visit.go("/console/staff", said="codes-removed")


@router.post("/{member_id}/end-sessions")
def end_sessions(visit: Admin, member_id: Number) -> Response:
    """Sign somebody out everywhere."""
    with visit.state.database.transaction() as session:
        accounts.get_member(session, member_id)
        sessions.end_all(session, member_id, visit.now)
        visit.record(session, Action.SESSION_ENDED, "staff", member_id, all=True)
    return visit.go("/console/staff", said="session-ended")


def _page(visit: Visit, link: tuple[str, str] | None = None) -> Response:
    with visit.state.database.reading() as session:
        members = accounts.all_members(session)
        opened = {m.id: sessions.open_sessions(session, m.id, visit.now) for m in members}
    return visit.page(
        "staff.html",
        members=members,
        sessions=opened,
        link=link,
        roles=list(Role),
        permissions=PERMISSIONS,
        hours=int(accounts.LINK_LIFETIME.total_seconds() // 3600),
    )


def _address(visit: Visit, token: str) -> str:
    return f"{visit.state.settings.public_url}/console/welcome/{token}"
