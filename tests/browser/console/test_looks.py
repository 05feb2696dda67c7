"""WCAG 2.2 AA and no sideways scrolling on every page and look. Draws `var/screenshots/`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.audit.log import COMMAND_LINE
from bot.conversations import contacts
from bot.conversations.contacts import ContactDetails
from bot.conversations.escalations import open_for_staff
from bot.members.permissions import Role
from bot.switches.store import BOT, turn
from tests.browser.console.console_page import ConsolePage
from tests.browser.test_accessibility import RULES, axe  # noqa: F401
from tests.staff_browser import at_door, new_member, sign_in
from tests.web_site import EMERGENCY, Site

pytestmark = pytest.mark.browser

LOOKS = ("desktop", "dark", "phone", "phone-dark")

LONG = "i am worried about this " * 20


def furnish(site: Site) -> str:
    """A clinic in the middle of a day; gives the conversation that shows most."""
    site.patient().say("is this redness normal, my number is 916-555-0142")
    patients = [site.patient() for _ in range(4)]
    patients[0].say("does it hurt")
    patients[0].say(EMERGENCY)
    site.clock.advance(minutes=7)
    patients[1].say("my face is hot and swollen and there is pus since yesterday " + LONG)
    patients[2].say("my vision is blurry since the treatment, i see double")
    other = sign_in(site, Role.CLINICIAN, "Noor", "noor@clinic.example")
    path = f"/console/conversations/{patients[2].conversation_id}"
    other.post(f"{path}/take-over")
    other.post(f"{path}/reply", {"text": "This is Noor. Please come in right away."})
    with site.state.database.transaction() as session:
        case = open_for_staff(session, patients[0].conversation_id, "Noor", site.clock())
        left = ContactDetails("Dana", "+19165550142", "dana@home.example", "after six")
        contacts.save(session, site.state.private, case.id, left, site.clock())
        turn(session, site.state.audit, "channel:sms", True, COMMAND_LINE, site.clock())
        turn(session, site.state.audit, BOT, False, COMMAND_LINE, site.clock())
    site.clock.advance(minutes=9)
    return patients[0].conversation_id


def pages(console: ConsolePage, site: Site) -> Iterator[str]:
    """Lead through every page, and name each."""
    console.visit("/console/sign-in")
    yield "01-sign-in"
    _, key = new_member(site, Role.ADMIN, "Ada", "ada@clinic.example")
    console.visit(f"/console/welcome/{key}")
    yield "02-welcome"
    console.write("#f-password", "short and bad")
    console.write("#f-again", "different words")
    console.expected_errors.append("422")
    console.press("Set password")
    yield "03-welcome-refused"
    conversation = furnish(site)
    console.sign_in(Role.ADMIN)
    yield "05-recovery-codes"
    console.visit("/console/queue")
    yield "06-queue"
    console.visit("/console/queue?view=mine")
    yield "07-queue-empty"
    console.visit(f"/console/conversations/{conversation}")
    yield "08-conversation"
    console.press("Take over")
    console.open("Change the tier")
    yield "09-conversation-mine"
    console.visit("/console/account")
    yield "10-account"
    console.visit("/console/staff")
    yield "11-staff"
    console.visit("/console/switches")
    yield "12-switches"
    console.visit("/console/audit")
    yield "13-audit"
    console.visit("/console/privacy")
    console.write("#phone", "916 555 0142")
    console.press("Find")
    yield "13-privacy"
    console.expected_errors.append("404")
    console.visit("/console/conversations/nowhere")
    yield "14-error"


def pages_of_work(console: ConsolePage, site: Site) -> Iterator[str]:
    """Lead through transcripts, review, answers and figures."""
    furnish(site)
    console.sign_in(Role.ADMIN, "Ada")
    for name in ("transcripts", "review", "answers", "try", "rules", "figures"):
        console.visit(f"/console/{name}")
        yield f"15-{name}"
    console.visit("/console/transcripts?outcome=answered")
    console.write("#filter-name", "Answered ones")
    console.press("Save filter")
    yield "15-transcripts-saved"
    console.visit("/console/review/1")
    yield "16-review-one"
    console.visit("/console/answers/aftercare-washing/edit")
    phrasings = console.find("#f-phrasings").get_attribute("value")
    console.write("#f-phrasings", f"{phrasings}\nagain makeup wear i can when")
    console.press("Preview and check")
    console.shows("% like")
    yield "18-answer-edit"
    console.press("Save as draft")
    console.shows("% like")
    yield "17-answer"
    console.visit("/console/try")
    console.write("#text", "my throat is closing and i cant breathe")
    console.press("Try it")
    yield "19-tried"


def test_every_page_is_accessible_in_every_look(
    console: ConsolePage,
    console_site: Site,
    axe: str,  # noqa: F811
) -> None:
    look_at(console, pages(console, console_site), axe)


def test_every_page_of_review_and_answers_is_accessible_in_every_look(
    console: ConsolePage,
    console_site: Site,
    axe: str,  # noqa: F811
) -> None:
    look_at(console, pages_of_work(console, console_site), axe)


def look_at(console: ConsolePage, names: Iterator[str], axe: str) -> None:  # noqa: F811
    """Draw each page in each look and check it.

    Raises:
        AssertionError: Listing every problem found.
    """
    problems = []
    # Long tables take axe a while.
    console.driver.set_script_timeout(90)
    for name in names:
        for look in LOOKS:
            if "phone" in look:
                console.looks_like_a_phone()
            console.prefers("dark" if "dark" in look else "light")
            console.picture(f"{name}-{look}")
            problems += [f"{name} {look}: {found}" for found in broken(console, axe)]
            wide = console.driver.execute_script(
                "return document.documentElement.scrollWidth - innerWidth"
            )
            if wide > 0:
                problems.append(f"{name} {look}: {wide} px too wide")
            console.looks_like_a_desktop()
    assert not problems, "\n".join(problems)


def test_the_authenticators_page_is_accessible(
    console: ConsolePage,
    console_site: Site,
    axe: str,  # noqa: F811
) -> None:
    door = at_door(console_site)
    assert door.get("/console/sign-in").status_code == 200
    _, key = new_member(console_site, Role.AGENT)
    console.visit(f"/console/welcome/{key}")
    console.write("#f-password", "correct horse battery staple")
    console.write("#f-again", "correct horse battery staple")
    console.press("Set password")
    console.picture("04-set-up-code-desktop")
    assert broken(console, axe) == []


def broken(console: ConsolePage, script: str) -> list[str]:
    """Rules of axe-core that the page breaks, each with where."""
    console.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    # Half-way through a fade any colour is too faint.
    console.driver.execute_script(
        "document.getAnimations()"
        ".filter((move) => isFinite(move.effect.getComputedTiming().endTime))"
        ".forEach((move) => move.finish())"
    )
    console.driver.execute_script(script)
    report = console.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {runOnly: {type: 'tag', values: arguments[0]}}).then(done);",
        RULES,
    )
    return [
        f"{found['id']}: {[node['target'] for node in found['nodes']][:3]}"
        for found in report["violations"]
    ]
