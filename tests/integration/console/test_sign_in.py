"""Signing in and out over HTTP, as browsers do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from bot.audit.log import Action
from bot.audit.models import AuditEvent
from bot.members import accounts, codes, sessions, throttle
from bot.members.permissions import Role
from tests.integration.conftest import OpenSite
from tests.staff_browser import PASSWORD, StaffBrowser, at_door, new_member, sign_in
from tests.web_site import Site

WRONG = "The e-mail address or the password is wrong"


def audited(site: Site) -> list[str]:
    with site.state.database.reading() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.number)))


def another_browser(person: StaffBrowser) -> StaffBrowser:
    return StaffBrowser(person.site, person.site.browser(), person.member_id, person.secret)


@pytest.fixture
def admin(site: Site) -> Iterator[StaffBrowser]:
    yield sign_in(site, Role.ADMIN)


def test_a_new_member_comes_in_by_link_password_and_authenticator(site: Site) -> None:
    person = sign_in(site, Role.AGENT)
    assert person.get("/console/account").status_code == 200
    assert audited(site) == ["password_set", "codes_set_up", "signed_in"]


def test_later_a_password_and_a_code_are_needed(site: Site, admin: StaffBrowser) -> None:
    site.clock.advance(minutes=5)
    browser = another_browser(admin)
    sent = browser.give_password("admin@clinic.example")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/console/sign-in/code"
    assert browser.get("/console/account").status_code == 303, "the code is still missing"
    assert browser.give_code("000000").status_code == 403
    assert browser.give_code().status_code == 303
    assert browser.get("/console/account").status_code == 200


def test_a_code_that_was_seen_over_the_shoulder_opens_nothing(
    site: Site, admin: StaffBrowser
) -> None:
    site.clock.advance(minutes=5)
    first, second = another_browser(admin), another_browser(admin)
    code = admin.code()
    for browser, status in ((first, 303), (second, 403)):
        assert browser.give_password("admin@clinic.example").status_code == 303
        assert browser.give_code(code).status_code == status
    assert second.get("/console/account").status_code == 303


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("admin@clinic.example", "wrong password here"),
        ("nobody@clinic.example", PASSWORD),
        ("invited@clinic.example", PASSWORD),
        ("left@clinic.example", PASSWORD),
        ("' OR 1=1 --", "x"),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(
    site: Site, admin: StaffBrowser, email: str, password: str
) -> None:
    new_member(site, Role.AGENT, email="invited@clinic.example")
    sign_in(site, Role.AGENT, email="left@clinic.example")
    with site.state.database.transaction() as session:
        left = accounts.find_by_email(session, "left@clinic.example")
        assert left
        accounts.disable(session, left, site.clock())
    answer = at_door(site).give_password(email, password)
    assert answer.status_code == 403
    assert WRONG in answer.text
    assert audited(site)[-1] == "sign_in_failed"


def test_too_many_tries_are_refused_even_with_the_right_password_and_told_alike(
    site: Site, admin: StaffBrowser
) -> None:
    door = at_door(site)
    for _ in range(throttle.PER_ACCOUNT_AND_ADDRESS):
        assert door.give_password("admin@clinic.example", "wrong").status_code == 403
    refused = door.give_password("admin@clinic.example")
    assert refused.status_code == 403
    assert WRONG in refused.text
    assert audited(site)[-1] == "sign_in_throttled"
    site.clock.advance(seconds=throttle.WINDOW.total_seconds())
    assert door.give_password("admin@clinic.example").status_code == 303


def test_codes_cannot_be_guessed_without_end(site: Site, admin: StaffBrowser) -> None:
    site.clock.advance(minutes=5)
    browser = another_browser(admin)
    browser.give_password("admin@clinic.example")
    for _ in range(throttle.PER_ACCOUNT_AND_ADDRESS):
        assert browser.give_code("000000").status_code == 403
    assert browser.give_code().status_code == 403, "the right one comes too late"


def test_a_recovery_code_stands_in_for_the_phone_once(site: Site, admin: StaffBrowser) -> None:
    with site.state.database.transaction() as session:
        code = codes.new_recovery_codes(session, site.state.private, admin.member_id)[0]
    for status in (303, 403):
        browser = another_browser(admin)
        browser.give_password("admin@clinic.example")
        assert browser.give_code(code).status_code == status
    assert "recovery_code_used" in audited(site)


def test_every_stage_has_a_new_token_and_the_old_one_is_worthless(
    site: Site, admin: StaffBrowser
) -> None:
    site.clock.advance(minutes=5)
    browser = another_browser(admin)
    browser.get("/console/sign-in")
    seen = [browser.http.cookies["clinic_console"]]
    browser.give_password("admin@clinic.example")
    seen.append(browser.http.cookies["clinic_console"])
    browser.give_code()
    seen.append(browser.http.cookies["clinic_console"])
    assert len(set(seen)) == 3
    for old in seen[:2]:
        thief = at_door(site)
        thief.http.cookies.set("clinic_console", old)
        assert thief.get("/console/account").status_code == 303


def test_the_idle_clock_runs_while_only_the_page_asks(site: Site, admin: StaffBrowser) -> None:
    minutes = int(sessions.IDLE.total_seconds() // 60)
    for passed in range(1, minutes):
        site.clock.advance(minutes=1)
        left = admin.get("/console/session").json()["seconds_left"]
        assert left == (minutes - passed) * 60
    site.clock.advance(minutes=1)
    assert admin.get("/console/account").status_code == 303


def test_a_click_starts_the_idle_clock_again(site: Site, admin: StaffBrowser) -> None:
    token = admin.form_token()
    site.clock.advance(minutes=10)
    headers = {"Origin": admin.origin, "X-Form-Token": token}
    assert admin.http.post("/console/session", headers=headers).json() == {"seconds_left": 900}
    site.clock.advance(minutes=10)
    assert admin.get("/console/account").status_code == 200


def test_signing_out_ends_the_session(site: Site, admin: StaffBrowser) -> None:
    cookie = admin.http.cookies["clinic_console"]
    assert admin.post("/console/sign-out").headers["location"].startswith("/console/sign-in")
    thief = at_door(site)
    thief.http.cookies.set("clinic_console", cookie)
    assert thief.get("/console/account").status_code == 303
    assert audited(site)[-1] == "signed_out"


def test_the_cookie_is_bound_to_host_and_https_in_production(open_site: OpenSite) -> None:
    site = open_site(public_url="https://clinic.example")
    answer = at_door(site).get("/console/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-clinic_console=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
        assert part in cookie
    assert "Domain" not in cookie
    # Our own address by plain http is then a foreign origin.
    assert "clinic_console" in cookie


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/console/account", "/console/account"),
        ("https://evil.example/", "/console/"),
        ("//evil.example/console/", "/console/"),
        ("/console//evil.example", "/console/"),
        ("/console/\\evil", "/console/"),
        ("/other", "/console/"),
        ("javascript:alert(1)", "/console/"),
    ],
)
def test_after_sign_in_one_lands_inside_the_console(
    open_site: OpenSite, asked: str, expected: str
) -> None:
    site = open_site(console_totp="optional")
    sign_in(site, Role.ADMIN)
    door = at_door(site)
    fields = {"email": "admin@clinic.example", "password": PASSWORD, "next": asked}
    sent = door.post("/console/sign-in", fields, page="/console/sign-in")
    assert sent.status_code == 303
    assert sent.headers["location"] == expected


def test_without_required_codes_a_password_is_enough_and_codes_can_be_added(
    open_site: OpenSite,
) -> None:
    site = open_site(console_totp="optional")
    person = sign_in(site, Role.AGENT)
    assert person.secret == ""
    assert person.get("/console/account").status_code == 200
    sent = person.post("/console/account/authenticator", {"current": PASSWORD})
    assert sent.headers["location"].startswith("/console/sign-in/set-up-code")
    assert person.set_up_code().status_code == 200
    site.clock.advance(minutes=2)
    again = another_browser(person)
    answer = again.give_password("agent@clinic.example")
    assert answer.headers["location"] == "/console/sign-in/code"


def test_a_key_that_another_account_began_to_set_up_is_refused(site: Site) -> None:
    mine, other = at_door(site), at_door(site)
    sealed = []
    for number, door in enumerate((mine, other)):
        _, key = new_member(site, Role.AGENT, email=f"a{number}@clinic.example")
        path = f"/console/welcome/{key}"
        door.post(path, {"password": PASSWORD, "again": PASSWORD}, page=path)
        page = door.get("/console/sign-in/set-up-code").text
        sealed.append(page.split('name="sealed" value="')[1].split('"')[0])
    page = "/console/sign-in/set-up-code"
    for forged, status in ((sealed[1], 403), ("not a token", 403)):
        answer = mine.post(page, {"sealed": forged, "code": "123456"}, page=page)
        assert answer.status_code == status
        assert "Please sign in again" in answer.text


def test_changing_the_password_ends_other_sessions_and_needs_the_current_one(
    site: Site, admin: StaffBrowser
) -> None:
    site.clock.advance(minutes=1)
    other = another_browser(admin)
    other.give_password("admin@clinic.example")
    other.give_code()
    fresh = {"password": "tulip sidewalk ozone", "again": "tulip sidewalk ozone"}
    wrong = admin.post("/console/account/password", {"current": "no", **fresh})
    assert wrong.status_code == 403
    assert other.get("/console/account").status_code == 200
    done = admin.post("/console/account/password", {"current": PASSWORD, **fresh})
    assert done.status_code == 303
    assert admin.get("/console/account").status_code == 200
    assert other.get("/console/account").status_code == 303


def test_a_session_in_another_browser_can_be_ended_from_the_list(
    site: Site, admin: StaffBrowser
) -> None:
    site.clock.advance(minutes=1)
    other = another_browser(admin)
    other.give_password("admin@clinic.example")
    other.give_code()
    with site.state.database.reading() as session:
        newest = sessions.open_sessions(session, admin.member_id, site.clock())[0].id
    page = admin.get("/console/account").text
    assert f"/console/account/sessions/{newest}/end" in page
    assert admin.post(f"/console/account/sessions/{newest}/end").status_code == 303
    assert other.get("/console/account").status_code == 303
    assert admin.get("/console/account").status_code == 200


def test_a_lost_phone_is_replaced_by_an_admin(site: Site, admin: StaffBrowser) -> None:
    agent = sign_in(site, Role.AGENT)
    path = f"/console/staff/{agent.member_id}/remove-authenticator"
    assert admin.post(path).status_code == 303
    assert agent.get("/console/account").status_code == 303
    again = at_door(site)
    sent = again.give_password("agent@clinic.example")
    assert sent.headers["location"] == "/console/sign-in/set-up-code"
    assert again.set_up_code().status_code == 200


def test_an_admin_adds_somebody_whose_link_then_works(site: Site, admin: StaffBrowser) -> None:
    fields = {"name": "Noor", "email": "Noor@Clinic.example", "role": "clinician"}
    page = admin.post("/console/staff", fields).text
    key = page.split("/console/welcome/")[1].split("<")[0]
    door = at_door(site)
    path = f"/console/welcome/{key}"
    assert "Noor" in door.get(path).text
    bad = door.post(path, {"password": "password1234", "again": "password1234"}, page=path)
    assert bad.status_code == 422
    assert "easy to guess" in bad.text
    assert door.post(path, {"password": PASSWORD, "again": "other"}, page=path).status_code == 422
    assert door.post(path, {"password": PASSWORD, "again": PASSWORD}, page=path).status_code == 303
    assert door.get(path).status_code == 410


def test_a_changed_role_counts_from_the_next_click(site: Site, admin: StaffBrowser) -> None:
    agent = sign_in(site, Role.AGENT)
    assert agent.get("/console/staff").status_code == 403
    admin.post(f"/console/staff/{agent.member_id}/role", {"role": "admin"})
    assert agent.get("/console/staff").status_code == 200
    changed = [a for a in audited(site) if a == Action.STAFF_ROLE_CHANGED.value]
    assert len(changed) == 1


def test_an_unknown_address_gets_a_page_and_an_api_address_gets_json(site: Site) -> None:
    door = at_door(site)
    assert "text/html" in door.get("/console/nowhere").headers["content-type"]
    assert "problem+json" in door.get("/api/nowhere").headers["content-type"]


def test_what_was_typed_at_sign_in_is_stored_nowhere(site: Site) -> None:
    typed = "My-Real-Password-In-The-Wrong-Field"
    at_door(site).give_password(typed, "also secret")
    with site.state.database.reading() as session:
        for event in session.scalars(select(AuditEvent)):
            assert typed not in str((event.actor, event.object_id, event.details))
