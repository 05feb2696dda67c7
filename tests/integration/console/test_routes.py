"""Every route of the console, found by walking them: nobody gets in who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from bot.audit.models import AuditEvent
from bot.console.access import CHANGES, FORM_TOKEN, Allowed, guard_changes
from bot.console.errors import PREFIX
from bot.members.permissions import PERMISSIONS, May, Role
from bot.web import create_app
from tests.staff_browser import StaffBrowser, at_door, sign_in
from tests.web_site import Site

BEFORE_SIGN_IN = {
    "/console",
    "/console/",
    "/console/static/{name}",
    "/console/sign-in",
    "/console/sign-in/code",
    "/console/sign-in/set-up-code",
    "/console/sign-out",
    "/console/welcome/{key}",
}
"""The only addresses that need no permission; each has tests of its own in test_sign_in."""

SAMPLE = {"key": "nothing", "name": "console.css", "conversation_id": "c1", "answer_id": "a"}
"""What stands for a parameter in an address; every other one is a number."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    permissions: tuple[May, ...]
    guarded: bool

    @property
    def address(self) -> str:
        return re.sub(r"{(\w+)(?::\w+)?}", lambda m: SAMPLE.get(m.group(1), "999999"), self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def calls(dependant: Dependant | None) -> Iterator[object]:
    for inner in dependant.dependencies if dependant else ():
        yield inner.call
        yield from calls(inner)


def routes() -> list[Route]:
    found = []
    for context in iter_route_contexts(create_app().routes):
        path = context.path or ""
        if path != PREFIX and not path.startswith(PREFIX + "/"):
            continue
        called = list(calls(getattr(context, "dependant", None)))
        permissions = tuple(call.permission for call in called if isinstance(call, Allowed))
        for method in sorted((context.methods or set()) - {"HEAD"}):
            found.append(Route(method, path, permissions, guard_changes in called))
    return found


ROUTES = routes()
PERMITTED = [route for route in ROUTES if route.permissions]
CHANGING = [route for route in ROUTES if route.method in CHANGES]


@pytest.fixture(scope="module")
def people(lasting_site: Site) -> dict[Role, StaffBrowser]:
    return {role: sign_in(lasting_site, role) for role in Role}


def send(
    browser: StaffBrowser, route: Route, *, token: str | None, origin: str | None
) -> httpx.Response:
    headers = {"Accept": "text/html", **({"Origin": origin} if origin else {})}
    data = {FORM_TOKEN: token} if token else {"nothing": "x"}
    if route.method not in CHANGES:
        # A stream would never end.
        with browser.http.stream(route.method, route.address, headers=headers) as response:
            if "event-stream" not in response.headers.get("content-type", ""):
                response.read()
            return response
    return browser.http.request(route.method, route.address, headers=headers, data=data)


def test_the_walk_finds_the_console() -> None:
    assert len(PERMITTED) > 10
    assert {May.MANAGE_STAFF, May.SEE_AUDIT} <= {p for r in ROUTES for p in r.permissions}


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_route_names_exactly_one_permission_unless_it_is_before_sign_in(route: Route) -> None:
    assert len(route.permissions) == (0 if route.path in BEFORE_SIGN_IN else 1)


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_route_stands_behind_the_check_of_changes(route: Route) -> None:
    assert route.guarded
    assert route.method in ("GET", *CHANGES)


@pytest.mark.parametrize("route", PERMITTED, ids=str)
def test_a_stranger_is_refused(lasting_site: Site, route: Route) -> None:
    door = at_door(lasting_site)
    token = door.form_token("/console/sign-in")
    answer = send(door, route, token=token, origin=door.origin)
    if route.method == "GET":
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in")
    else:
        assert answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
@pytest.mark.parametrize("route", PERMITTED, ids=str)
def test_a_role_is_let_in_or_refused_as_the_table_says(
    people: dict[Role, StaffBrowser], route: Route, role: Role
) -> None:
    """Those let in get as far as a form that lacks its fields, or a number nobody has."""
    person = people[role]
    answer = send(person, route, token=person.form_token(), origin=person.origin)
    if role in PERMISSIONS[route.permissions[0]].roles:
        assert answer.status_code in (200, 303, 404, 409, 422), answer.text
    else:
        assert answer.status_code == 403
        assert "Your role does not allow this" in answer.text


@pytest.mark.parametrize("route", CHANGING, ids=str)
@pytest.mark.parametrize("token", [None, "0" * 64, "ü"], ids=["none", "another", "odd"])
def test_a_change_without_the_sessions_form_token_is_refused(
    people: dict[Role, StaffBrowser], route: Route, token: str | None
) -> None:
    person = people[Role.ADMIN]
    answer = send(person, route, token=token, origin=person.origin)
    assert answer.status_code == 403
    assert "out of date" in answer.text


@pytest.mark.parametrize("route", CHANGING, ids=str)
def test_a_change_with_somebody_elses_form_token_is_refused(
    people: dict[Role, StaffBrowser], route: Route
) -> None:
    person, other = people[Role.ADMIN], people[Role.AGENT]
    answer = send(person, route, token=other.form_token(), origin=person.origin)
    assert answer.status_code == 403


@pytest.mark.parametrize("route", CHANGING, ids=str)
@pytest.mark.parametrize(
    "origin",
    [None, "null", "https://evil.example", "http://127.0.0.1.evil.example", "http://127.0.0.1:1"],
)
def test_a_change_from_a_foreign_page_is_refused(
    people: dict[Role, StaffBrowser], route: Route, origin: str | None
) -> None:
    person = people[Role.ADMIN]
    answer = send(person, route, token=person.form_token(), origin=origin)
    assert answer.status_code == 403
    assert "not sent by a page of the console" in answer.text


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_no_page_is_cached_framed_or_runs_foreign_scripts(
    people: dict[Role, StaffBrowser], route: Route
) -> None:
    person = people[Role.ADMIN]
    answer = send(person, route, token=None, origin=person.origin)
    headers = answer.headers
    static = route.path == "/console/static/{name}"
    assert headers["cache-control"] == ("no-cache" if static else "no-store")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    if headers.get("content-type", "").startswith("text/html"):
        assert "frame-ancestors 'none'" in policy


def test_the_audit_log_is_whole_after_all_this(
    lasting_site: Site, people: dict[Role, StaffBrowser]
) -> None:
    with lasting_site.state.database.reading() as session:
        found = lasting_site.state.audit.verify(session)
        assert found.problem is None
        assert found.head.number == session.query(AuditEvent).count() > 0
