"""Signing in and out: password, code, setting up an authenticator, one-time links."""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Form, Query, Response

from bot.audit.log import Action, Actor
from bot.console.access import Allowed, Refused, SignInNeeded, Visit, anyone, safe_next
from bot.errors import PrivateDataUnreadable
from bot.members import accounts, codes, sessions, throttle
from bot.members.accounts import AccountError
from bot.members.models import StaffMember
from bot.members.passwords import verify_password
from bot.members.permissions import May
from bot.members.sessions import Stage

router = APIRouter()

Anyone = Annotated[Visit, Depends(anyone)]
Person = Annotated[Visit, Depends(Allowed(May.USE_CONSOLE))]
Watcher = Annotated[Visit, Depends(Allowed(May.USE_CONSOLE, background=True))]

WRONG = (
    "The e-mail address or the password is wrong, or there were too many tries. "
    "After several failed tries, wait 15 minutes."
)
WRONG_CODE = "This code is wrong, was used before, or there were too many tries."
CODE_TRIES = "code "
"""Before the address where tries of codes are counted, apart from those of passwords."""


@router.get("/sign-in")
def show_sign_in(visit: Anyone, next: Annotated[str, Query()] = "") -> Response:
    """The form for e-mail address and password."""
    if visit.staff is not None and visit.staff.stage == "full":
        return visit.go(safe_next(next))
    return visit.page("sign_in.html", next=next, email="", problem="")


@router.post("/sign-in")
def sign_in(
    visit: Anyone,
    email: Annotated[str, Form(max_length=254)],
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Check the password. The same answer, in the same time, whatever is wrong."""
    database, now = visit.state.database, visit.now
    with database.reading() as session:
        throttled = throttle.refused(session, email, visit.address, now)
        member = accounts.find_by_email(session, email)
    usable = member is not None and member.disabled_at is None
    # Always computed, so that time tells nothing about whether the account exists.
    fits = verify_password(member.password_hash if member and usable else None, password)
    if throttled or not fits or member is None:
        _failed(visit, email, member, throttled)
        return visit.page("sign_in.html", 403, next=next, email=email, problem=WRONG)
    with database.transaction() as session:
        throttle.forget(session, email, visit.address)
    return _enter(visit, member, stage_after_password(visit, member), next)


@router.get("/sign-in/code")
def show_code(visit: Anyone, next: Annotated[str, Query()] = "") -> Response:
    """The form for the code of the authenticator."""
    _at_stage(visit, "code")
    return visit.page("code.html", next=next, problem="")


@router.post("/sign-in/code")
def enter_code(
    visit: Anyone,
    code: Annotated[str, Form(max_length=40)],
    next: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Check a code of the authenticator, or a recovery code."""
    member_id = _at_stage(visit, "code")
    state, now = visit.state, visit.now
    with state.database.transaction() as session:
        member = accounts.get_member(session, member_id)
        tries = CODE_TRIES + member.email
        throttled = throttle.refused(session, tries, visit.address, now)
        by_code = not throttled and codes.take_code(session, state.private, member, code, now)
        recovered = (
            not throttled
            and not by_code
            and codes.take_recovery_code(session, state.private, member, code)
        )
        if by_code or recovered:
            throttle.forget(session, tries, visit.address)
        if recovered:
            visit.record(session, Action.RECOVERY_CODE_USED, "staff", member_id)
    if not (by_code or recovered):
        _failed(visit, tries, member, throttled)
        return visit.page("code.html", 403, next=next, problem=WRONG_CODE)
    return _enter(visit, member, "full", next)


@router.get("/sign-in/set-up-code")
def show_enrol(visit: Anyone, next: Annotated[str, Query()] = "") -> Response:
    """A new secret as a QR code; kept only once a code proves that it was scanned."""
    member_id = _at_stage(visit, "enrol")
    return _enrol_page(visit, codes.new_secret(), member_id, next)


@router.post("/sign-in/set-up-code")
def enrol(
    visit: Anyone,
    sealed: Annotated[str, Form(max_length=500)],
    code: Annotated[str, Form(max_length=40)],
    next: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Keep the secret once its first code fits, and show the recovery codes once."""
    member_id = _at_stage(visit, "enrol")
    state, now = visit.state, visit.now
    try:
        whose, _, secret = state.private.decrypt(sealed).partition(" ")
    except PrivateDataUnreadable:
        whose = secret = ""
    if whose != f"enrol-{member_id}":
        raise Refused(403, "This page belongs to another account. Please sign in again.")
    step = codes.matching_step(secret, code, now)
    if step is None:
        return _enrol_page(visit, secret, member_id, next, WRONG_CODE, 403)
    with state.database.transaction() as session:
        member = accounts.get_member(session, member_id)
        if member.totp_secret is not None:
            raise Refused(409, "An authenticator was set up meanwhile. Please sign in again.")
        accounts.set_codes(member, state.private, secret, step)
        recovery = codes.new_recovery_codes(session, state.private, member_id)
        visit.record(session, Action.CODES_SET_UP, "staff", member_id)
    token = _begin(visit, member, "full")
    visit.token = token
    response = visit.page("recovery_codes.html", codes=recovery, next=safe_next(next))
    visit.set_cookie(response, token)
    return response


@router.get("/welcome/{key}")
def show_welcome(visit: Anyone, key: str) -> Response:
    """The form behind a one-time link."""
    with visit.state.database.reading() as session:
        link = accounts.find_link(session, key, visit.now)
        member = accounts.get_member(session, link.member_id) if link and link.member_id else None
    if link is None:
        raise Refused(410, "This link has been used or is too old. Please ask for a new one.")
    return visit.page(
        "welcome.html",
        key=key,
        first=member is None,
        name=member.name if member else "",
        email=member.email if member else "",
        problem="",
    )


@router.post("/welcome/{key}")
def welcome(
    visit: Anyone,
    key: str,
    password: Annotated[str, Form(max_length=1000)],
    again: Annotated[str, Form(max_length=1000)],
    name: Annotated[str, Form(max_length=200)] = "",
    email: Annotated[str, Form(max_length=254)] = "",
) -> Response:
    """Set the password and go on signing in."""
    try:
        if password != again:
            raise AccountError("The two passwords are not the same.")
        with visit.state.database.transaction() as session:
            first = accounts.none_yet(session)
            member = accounts.use_link(session, key, password, visit.now, name=name, email=email)
            actor = Actor(member.id, member.name, visit.address)
            log, now = visit.state.audit, visit.now
            if first:
                role = {"role": member.role}
                log.record(session, Action.STAFF_ADDED, actor, now, "staff", member.id, role)
            log.record(session, Action.PASSWORD_SET, actor, now, "staff", member.id)
    except AccountError as error:
        with visit.state.database.reading() as session:
            link = accounts.find_link(session, key, visit.now)
            if link is not None and link.member_id is not None:
                invited = accounts.get_member(session, link.member_id)
                name, email = invited.name, invited.email
        if link is None:
            raise
        context = {"key": key, "first": link.member_id is None, "name": name, "email": email}
        return visit.page("welcome.html", 422, problem=str(error), **context)
    return _enter(visit, member, stage_after_password(visit, member), "")


@router.post("/sign-out")
def sign_out(visit: Anyone) -> Response:
    """End this session."""
    if visit.staff is not None:
        with visit.state.database.transaction() as session:
            sessions.end(session, visit.staff.session_id, visit.staff.member_id, visit.now)
            visit.record(session, Action.SIGNED_OUT, "staff", visit.staff.member_id)
    return visit.go("/console/sign-in", said="signed-out")


@router.get("/session")
def session_left(visit: Watcher) -> dict[str, int]:
    """How long until this session ends, for the warning. Asking does not lengthen it."""
    return {"seconds_left": _seconds_left(visit)}


@router.post("/session")
def stay(visit: Person) -> dict[str, int]:
    """The person is still there."""
    with visit.state.database.transaction() as session:
        sessions.seen(session, visit.member.session_id, visit.now)
        renewed = sessions.find(session, visit.token, visit.now)
    visit.staff = renewed
    return {"seconds_left": _seconds_left(visit)}


def stage_after_password(visit: Visit, member: StaffMember) -> Stage:
    """What is still to do once the password was right."""
    if member.totp_secret is not None:
        return "code"
    return "enrol" if visit.state.settings.console_totp == "required" else "full"


def _enter(visit: Visit, member: StaffMember, stage: Stage, next: str) -> Response:
    """Begin a session at a stage and lead on to what is still to do."""
    paths = {"code": "/console/sign-in/code", "enrol": "/console/sign-in/set-up-code"}
    token = _begin(visit, member, stage)
    if stage == "full":
        response = visit.go(safe_next(next))
    else:
        response = visit.go(paths[stage], **({"next": next} if next else {}))
    visit.set_cookie(response, token)
    return response


def _begin(visit: Visit, member: StaffMember, stage: Stage) -> str:
    """A new session with a new token; the one before it in this browser ends."""
    browser = visit.request.headers.get("user-agent", "")
    actor = Actor(member.id, member.name, visit.address)
    with visit.state.database.transaction() as session:
        if visit.staff is not None:
            sessions.end(session, visit.staff.session_id, visit.staff.member_id, visit.now)
        token = sessions.begin(session, member.id, stage, visit.now, visit.address, browser)
        if stage == "full":
            log = visit.state.audit
            log.record(session, Action.SIGNED_IN, actor, visit.now, "staff", member.id)
        visit.staff = sessions.find(session, token, visit.now)
    return token


def _failed(visit: Visit, account: str, member: StaffMember | None, throttled: bool) -> None:
    """Count and record a failed try. What was typed is not kept: it may be a password."""
    action = Action.SIGN_IN_THROTTLED if throttled else Action.SIGN_IN_FAILED
    with visit.state.database.transaction() as session:
        if not throttled:
            throttle.count_failure(session, account, visit.address, visit.now)
        visit.record(session, action, "staff", member.id if member else "unknown")


def _at_stage(visit: Visit, stage: Stage) -> int:
    """Whose unfinished sign-in this is.

    Raises:
        SignInNeeded: There is none at this stage.
    """
    if visit.staff is None or visit.staff.stage != stage:
        raise SignInNeeded
    return visit.staff.member_id


def _enrol_page(
    visit: Visit, secret: str, member_id: int, next: str, problem: str = "", status: int = 200
) -> Response:
    qr = segno.make(codes.setup_uri(secret, visit.member.email), error="m")
    grouped = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
    return visit.page(
        "enrol.html",
        status,
        qr=qr.svg_data_uri(scale=5, border=3, dark="#000", light="#fff"),
        secret=grouped,
        sealed=visit.state.private.encrypt(f"enrol-{member_id} {secret}"),
        next=next,
        problem=problem,
    )


def _seconds_left(visit: Visit) -> int:
    return int((visit.member.ends_at() - visit.now).total_seconds())
