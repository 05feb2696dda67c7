"""Whatever patients, names and notes contain, the console shows it as text."""

from __future__ import annotations

import pytest

from bot.conversations import contacts
from bot.conversations.contacts import ContactDetails
from bot.members.permissions import Role
from tests.browser.chat_page import until
from tests.browser.console.console_page import ConsolePage
from tests.staff_browser import sign_in
from tests.web_site import Site

pytestmark = pytest.mark.browser

CORPUS = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=2>",
    "<svg onload=window.pwned=3>",
    "\"'><svg/onload=window.pwned=4>",
    '<a href="javascript:window.pwned=5">tap</a>',
    "</textarea><script>window.pwned=6</script>",
    "</title><script>window.pwned=7</script>",
    "{{ 7*'7' }} {% raw %} ${7*7} #{7*7}",
    "<iframe srcdoc='<script>parent.pwned=8</script>'>",
    "<details open ontoggle=window.pwned=9>x</details>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.pwned=10>",
    "--><script>window.pwned=11</script><!--",
    "' onmouseover='window.pwned=12' x='",
    "\u2028<script>window.pwned=13</script>",
    "<base href=//evil.example><link rel=stylesheet href=//evil.example/x.css>",
    "my throat is closing <b>and</b> i cant breathe <script>window.pwned=14</script>",
)


def test_nothing_that_was_written_executes(console: ConsolePage, console_site: Site) -> None:
    patient = console_site.patient()
    for words in CORPUS:
        patient.say(words)
    name = "<img src=x onerror=window.pwned=20>"
    other = sign_in(console_site, Role.ADMIN, name, "x@clinic.example")
    path = f"/console/conversations/{patient.conversation_id}"
    assert other.post(f"{path}/take-over").status_code == 303
    for words in CORPUS:
        assert other.post(f"{path}/reply", {"text": words}).status_code == 303
        assert other.post("/console/escalations/1/note", {"text": words}).status_code == 303
    other.post("/console/answers/new", {"answer_id": "odd", "topic": "other"})
    written = {
        **dict.fromkeys(("title", "owner", "sms"), CORPUS[0]),
        **{name: "\n".join(CORPUS) for name in ("body", "phrasings", "related", "source")},
        "based_on": "1",
        "act": "save",
    }
    assert other.post("/console/answers/odd/edit", written).status_code == 303
    with console_site.state.database.transaction() as session:
        left = ContactDetails(name=CORPUS[1], best_time=CORPUS[3], email="javascript:pwned=50")
        contacts.save(session, console_site.state.private, 1, left, console_site.clock())
    console.sign_in(Role.ADMIN)
    console.visit("/console/transcripts?words=pwned")
    console.write("#filter-name", "<svg onload=window.pwned=60>")
    console.press("Save filter")
    stored = console_site.stored(patient.conversation_id)
    spoken = [message for message in stored if message.sender == "patient"]
    addresses = (
        *(path, "/console/queue", "/console/staff", "/console/audit", "/console/account"),
        f"{path}?canned=%3Cscript%3E&said=%3Cscript%3E",
        "/console/audit?about=%22%3E%3Csvg/onload=window.pwned=30%3E",
        "/console/queue?view=%3Cscript%3E",
        "/console/transcripts",
        "/console/transcripts?words=%22%3E%3Cscript%3E&intent=%22%3E%3Csvg%20onload=x%3E",
        "/console/review?which=%3Cscript%3E",
        *("/console/answers", "/console/answers/odd", "/console/answers/odd/edit"),
        *(f"/console/review/{message.id}" for message in spoken),
    )
    for address in addresses:
        console.visit(address)
        until(lambda: console.find("main"), "the page")
        assert console.driver.execute_script("return window.pwned") is None, address
        assert console.all("main img, main iframe, main svg, main script, main base") == []
    console.visit("/console/answers/odd")
    answer = console.find("main").get_attribute("textContent") or ""
    assert all("".join(words.split()) in "".join(answer.split()) for words in CORPUS)
    console.visit(path)
    shown = console.find("#transcript").get_attribute("textContent") or ""
    notes = console.find(".log").get_attribute("textContent") or ""
    for words in CORPUS:
        squeezed = "".join(words.split())
        assert squeezed in "".join(shown.split())
        assert squeezed in "".join(notes.split())
    # The page's own refresh takes the words in once more.
    patient.say("<img src=x onerror=window.pwned=40> again")
    until(
        lambda: "again" in (console.find("#transcript").get_attribute("textContent") or ""),
        "the new words",
    )
    assert console.driver.execute_script("return window.pwned") is None
