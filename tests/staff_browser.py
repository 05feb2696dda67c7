"""A member of staff at the console: signs in as a person does and keeps the form token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pyotp

from bot.console.access import FORM_TOKEN
from bot.members import accounts
from bot.members.permissions import Role
from tests.web_site import Site

PASSWORD = "correct horse battery staple"
_TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')
_SEALED = re.compile(r'name="sealed" value="([^"]+)"')
_KEY = re.compile(r'id="totp-key">([A-Z2-7 ]+)<')


@dataclass(slots=True)
class StaffBrowser:
    """One browser of one member."""

    site: Site
    http: httpx.Client
    member_id: int = 0
    secret: str = ""

    @property
    def origin(self) -> str:
        return self.site.url

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        headers = {"Accept": "text/html", **kwargs.pop("headers", {})}
        return self.http.get(path, headers=headers, **kwargs)

    def form_token(self, path: str = "/console/account") -> str:
        found = _TOKEN.search(self.get(path, follow_redirects=True).text)
        assert found, f"no form on {path}"
        return found.group(1)

    def post(
        self, path: str, data: dict[str, Any] | None = None, *, page: str = "/console/account"
    ) -> httpx.Response:
        """Send a form as a page of the console does."""
        fields = {FORM_TOKEN: self.form_token(page), **(data or {})}
        return self.http.post(path, data=fields, headers={"Origin": self.origin})

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(self.site.clock())

    def give_password(self, email: str, password: str = PASSWORD) -> httpx.Response:
        fields = {"email": email, "password": password}
        return self.post("/console/sign-in", fields, page="/console/sign-in")

    def give_code(self, code: str | None = None) -> httpx.Response:
        fields = {"code": self.code() if code is None else code}
        return self.post("/console/sign-in/code", fields, page="/console/sign-in/code")

    def set_up_code(self) -> httpx.Response:
        """Scan the key off the page and type its first code."""
        page = self.get("/console/sign-in/set-up-code").text
        key, sealed = _KEY.search(page), _SEALED.search(page)
        assert key
        assert sealed
        self.secret = key.group(1).replace(" ", "")
        fields = {"sealed": sealed.group(1), "code": self.code()}
        return self.post(
            "/console/sign-in/set-up-code", fields, page="/console/sign-in/set-up-code"
        )


def new_member(site: Site, role: Role, name: str = "", email: str = "") -> tuple[int, str]:
    """Add an account with a one-time link, as an admin does; its number and link."""
    email = email or f"{role.value}@clinic.example"
    name = name or email.partition("@")[0].capitalize()
    with site.state.database.transaction() as session:
        member = accounts.add_member(session, name, email, role, site.clock())
        return member.id, accounts.make_link(session, member.id, site.clock())


def at_door(site: Site) -> StaffBrowser:
    """A browser of somebody who has not signed in."""
    return StaffBrowser(site, site.browser())


def sign_in(site: Site, role: Role, name: str = "", email: str = "") -> StaffBrowser:
    """A new member of this role, signed in by link, password and authenticator."""
    browser = at_door(site)
    browser.member_id, key = new_member(site, role, name, email)
    path = f"/console/welcome/{key}"
    sent = browser.post(path, {"password": PASSWORD, "again": PASSWORD}, page=path)
    assert sent.status_code == 303, sent.text
    if sent.headers["location"].startswith("/console/sign-in/set-up-code"):
        assert browser.set_up_code().status_code == 200
    return browser
