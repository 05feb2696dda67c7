"""Rate limits by session and by address, and that a forged address does not get round them."""

from __future__ import annotations

import httpx
import pytest

from tests.integration.conftest import OpenSite
from tests.web_site import Site, assert_problem


def assert_told_to_wait(response: httpx.Response, longest_s: int) -> None:
    assert "911" in assert_problem(response, 429)
    assert 1 <= int(response.headers["retry-after"]) <= longest_s


def begin(site: Site, forwarded: str | None = None) -> httpx.Response:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return site.browser().post("/api/chat/session", headers=headers)


def test_one_chat_may_send_its_messages_per_minute_and_no_more(open_site: OpenSite) -> None:
    site = open_site(messages_per_minute=3)
    patient = site.patient()
    assert [patient.say(f"question {n}").status_code for n in range(3)] == [200] * 3
    assert_told_to_wait(patient.say("question 4"), 60)
    assert len(site.dialogue.sent) == 3
    assert len(patient.history()) == 6, "reading is still allowed"
    assert site.patient().say("hello").status_code == 200, "others are not held up"


def test_refused_messages_do_not_lengthen_the_wait(open_site: OpenSite) -> None:
    patient = open_site(messages_per_minute=1).patient()
    patient.say("one")
    waits = [int(patient.say("more").headers["retry-after"]) for _ in range(5)]
    assert waits == sorted(waits, reverse=True)


def test_one_address_may_send_its_messages_per_minute_over_all_its_chats(
    open_site: OpenSite,
) -> None:
    site = open_site(messages_per_minute_per_address=3)
    patients = [site.patient() for _ in range(4)]
    codes = [patient.say("hello").status_code for patient in patients]
    assert codes == [200, 200, 200, 429]
    assert_told_to_wait(patients[0].say("again"), 60)


def test_one_address_may_open_its_chats_per_hour_and_go_on_with_those(open_site: OpenSite) -> None:
    site = open_site(sessions_per_hour_per_address=2)
    patient = site.patient()
    assert begin(site).status_code == 201
    assert_told_to_wait(begin(site), 3600)
    assert patient.http.post("/api/chat/session").status_code == 201


def test_pressed_buttons_count_as_messages(open_site: OpenSite) -> None:
    patient = open_site(messages_per_minute=2).patient()
    codes = [patient.press("talk-to-a-person").status_code for _ in range(3)]
    assert codes == [200, 200, 429]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"])
def test_a_caller_that_is_no_known_proxy_cannot_give_itself_another_address(
    open_site: OpenSite, header: str
) -> None:
    site = open_site(trusted_proxies="10.9.9.9", messages_per_minute_per_address=3)
    patient = site.patient()
    codes = [
        patient.say(f"question {n}", headers={header: f"203.0.113.{n}"}).status_code
        for n in range(5)
    ]
    assert codes == [200, 200, 200, 429, 429]


def test_behind_a_known_proxy_only_the_address_that_the_proxy_saw_counts(
    open_site: OpenSite,
) -> None:
    site = open_site(trusted_proxies="127.0.0.1", sessions_per_hour_per_address=2)
    made_up = [begin(site, f"198.51.100.{n}, 203.0.113.7").status_code for n in range(4)]
    assert made_up == [201, 201, 429, 429]
    assert begin(site, "203.0.113.8").status_code == 201, "another patient, same proxy"


def test_the_limits_are_counted_in_the_named_storage(open_site: OpenSite) -> None:
    first, second = (open_site(messages_per_minute_per_address=1) for _ in range(2))
    assert first.patient().say("hello").status_code == 200
    assert second.patient().say("hello").status_code == 200, "memory is one process's own"
