"""Writing answers over HTTP: two people, nothing overwritten, live at once, taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from markupsafe import escape

from bot.content.models import Answer, AnswerVersion
from bot.content.store import all_published, published, revision
from bot.conversations.models import Conversation, Message
from bot.errors import AnswerNotFound
from bot.members.permissions import Role
from tests.staff_browser import StaffBrowser, sign_in
from tests.web_site import EMERGENCY, Site


@pytest.fixture
def rita(site: Site) -> StaffBrowser:
    return sign_in(site, Role.REVIEWER, "Rita", "rita@clinic.example")


@pytest.fixture
def noor(site: Site) -> StaffBrowser:
    return sign_in(site, Role.CLINICIAN, "Noor", "noor@clinic.example")


def any_answer(site: Site) -> str:
    with site.state.database.reading() as session:
        return session.query(Answer).order_by(Answer.id).first().id


def fields(site: Site, answer_id: str, **changes: str) -> dict[str, str]:
    with site.state.database.reading() as session:
        newest = (
            session.query(AnswerVersion)
            .filter_by(answer_id=answer_id)
            .order_by(AnswerVersion.version.desc())
            .first()
        )
        return {
            "title": newest.title,
            "body": newest.body,
            "sms": newest.sms,
            "phrasings": "\r\n".join(newest.phrasings),
            "related": "\n".join(newest.related),
            "source": "\n".join(newest.source),
            "referral": newest.referral,
            "owner": newest.owner,
            "based_on": str(newest.version),
            "act": "save",
            **changes,
        }


def versions(site: Site, answer_id: str) -> list[AnswerVersion]:
    with site.state.database.reading() as session:
        query = session.query(AnswerVersion).filter_by(answer_id=answer_id)
        return query.order_by(AnswerVersion.version).all()


def live_title(site: Site, answer_id: str) -> str:
    with site.state.database.reading() as session:
        today = site.state.clinic.local_date(site.clock())
        return published(session, answer_id, today).title


def edited(site: Site, browser: StaffBrowser, title: str = "New words") -> str:
    """An answer with a draft of another title, submitted; its path."""
    answer_id = any_answer(site)
    path = f"/console/answers/{answer_id}"
    sent = browser.post(f"{path}/edit", fields(site, answer_id, title=title))
    assert sent.status_code == 303, sent.text
    assert browser.post(f"{path}/2/submit").status_code == 303
    return path


def test_what_one_wrote_another_publishes_and_patients_get_it(
    site: Site, rita: StaffBrowser, noor: StaffBrowser
) -> None:
    answer_id = any_answer(site)
    before = live_title(site, answer_id)
    path = edited(site, rita)
    assert live_title(site, answer_id) == before
    with site.state.database.reading() as session:
        counted = revision(session)
    page = noor.get(path).text
    assert "<ins>New</ins>" in page
    assert noor.post(f"{path}/2/publish").status_code == 303
    assert live_title(site, answer_id) == "New words"
    first, second = versions(site, answer_id)
    assert (first.status, second.status, second.sample) == ("retired", "published", False)
    assert (second.approved_by, second.created_by) == ("Noor", "Rita")
    with site.state.database.reading() as session:
        assert revision(session) == counted + 1


def test_nobody_approves_their_own_words(site: Site, noor: StaffBrowser) -> None:
    path = edited(site, noor)
    refused = noor.post(f"{path}/2/publish")
    assert refused.status_code == 409
    assert "cannot approve" in refused.text
    other = sign_in(site, Role.CLINICIAN, "Omar", "omar@clinic.example")
    assert other.post(f"{path}/2/publish").status_code == 303


@pytest.mark.parametrize(
    ("due", "status"),
    [("2026-11-23", 409), ("2027-11-24", 409), ("2027-11-23", 303), ("soon", 422)],
)
def test_the_next_review_is_within_a_year(
    site: Site, rita: StaffBrowser, noor: StaffBrowser, due: str, status: int
) -> None:
    path = edited(site, rita)
    assert noor.post(f"{path}/2/publish", {"review_due": due}).status_code == status


def test_only_what_was_submitted_is_published(
    site: Site, rita: StaffBrowser, noor: StaffBrowser
) -> None:
    answer_id = any_answer(site)
    path = f"/console/answers/{answer_id}"
    rita.post(f"{path}/edit", fields(site, answer_id, title="Not yet"))
    assert noor.post(f"{path}/2/publish").status_code == 409
    rita.post(f"{path}/2/submit")
    assert noor.post(f"{path}/2/send-back").status_code == 303
    assert noor.post(f"{path}/2/publish").status_code == 409
    assert noor.post(f"{path}/9/publish").status_code == 404


def test_content_that_breaks_a_rule_is_not_published(
    site: Site, rita: StaffBrowser, noor: StaffBrowser
) -> None:
    answer_id = any_answer(site)
    path = f"/console/answers/{answer_id}"
    with site.state.database.reading() as session:
        other = session.query(AnswerVersion).filter(AnswerVersion.answer_id != answer_id).first()
    taken = "\n".join([*versions(site, answer_id)[0].phrasings, other.phrasings[0].upper()])
    sent = fields(site, answer_id, phrasings=taken, act="preview")
    page = rita.post(f"{path}/edit", sent)
    assert "phrasing-twice" in page.text
    assert len(versions(site, answer_id)) == 1
    rita.post(f"{path}/edit", {**sent, "act": "save"})
    rita.post(f"{path}/2/submit")
    refused = noor.post(f"{path}/2/publish")
    assert refused.status_code == 409
    assert "phrasing-twice" in refused.text


def test_the_second_of_two_editors_overwrites_nothing_and_keeps_what_they_wrote(
    site: Site, rita: StaffBrowser, noor: StaffBrowser
) -> None:
    answer_id = any_answer(site)
    path = f"/console/answers/{answer_id}/edit"
    mine, theirs = (fields(site, answer_id, title=title) for title in ("Mine", "Theirs"))
    assert rita.post(path, mine).status_code == 303
    refused = noor.post(path, theirs)
    assert refused.status_code == 409
    assert "Theirs" in refused.text
    assert [v.title for v in versions(site, answer_id)][1:] == ["Mine"]


def test_retired_is_gone_at_once_and_an_earlier_wording_can_be_put_back(
    site: Site, rita: StaffBrowser, noor: StaffBrowser
) -> None:
    answer_id = any_answer(site)
    old = live_title(site, answer_id)
    path = edited(site, rita)
    noor.post(f"{path}/2/publish")
    assert noor.post(f"{path}/1/roll-back").status_code == 303
    assert live_title(site, answer_id) == old
    assert noor.post(f"{path}/1/roll-back").status_code == 409
    assert noor.post(f"{path}/retire").status_code == 303
    with pytest.raises(AnswerNotFound):
        live_title(site, answer_id)
    assert noor.post(f"{path}/retire").status_code == 409
    assert noor.post(f"{path}/2/roll-back").status_code == 303
    assert live_title(site, answer_id) == "New words"


def test_an_admin_switches_an_answer_off_from_its_page(site: Site, rita: StaffBrowser) -> None:
    answer_id = any_answer(site)
    path = f"/console/answers/{answer_id}"
    assert "Switch off at once" not in rita.get(path).text
    ada = sign_in(site, Role.ADMIN, "Ada", "ada@clinic.example")
    assert "Switch off at once" in ada.get(path).text
    assert ada.post("/console/switches", {"name": f"answer:{answer_id}", "to": "off"}, page=path)
    page = ada.get(path).text
    assert "switched off since" in page
    assert "by Ada" in page
    with pytest.raises(AnswerNotFound):
        live_title(site, answer_id)


def test_a_wording_past_its_review_is_not_put_back(
    site: Site, rita: StaffBrowser, noor: StaffBrowser
) -> None:
    path = edited(site, rita)
    noor.post(f"{path}/2/publish")
    with site.state.database.transaction() as session:
        old = session.get_one(AnswerVersion, (any_answer(site), 1))
        old.review_due = site.state.clinic.local_date(site.clock()) - timedelta(days=1)
    assert noor.post(f"{path}/1/roll-back").status_code == 409


def test_a_new_answer_begins_as_a_draft(site: Site, rita: StaffBrowser) -> None:
    sent = rita.post("/console/answers/new", {"answer_id": "aftercare-sauna", "topic": "aftercare"})
    assert sent.headers["location"] == "/console/answers/aftercare-sauna/edit"
    assert rita.get("/console/answers/aftercare-sauna/edit").status_code == 200
    again = rita.post(
        "/console/answers/new", {"answer_id": "aftercare-sauna", "topic": "aftercare"}
    )
    assert again.status_code == 409
    with pytest.raises(AnswerNotFound):
        live_title(site, "aftercare-sauna")


def test_the_preview_fills_in_the_clinic_and_counts_segments(
    site: Site, rita: StaffBrowser
) -> None:
    answer_id = any_answer(site)
    sent = fields(site, answer_id, sms="Call {phone}. " + "x" * 170, act="preview")
    page = rita.post(f"/console/answers/{answer_id}/edit", sent).text
    assert f"Call {site.state.clinic.placeholders()['phone']}" in page
    assert "2 segments" in page


def settled(look: Callable[[], str]) -> str:
    """The page once the phrasings are compared; its script asks again like this."""
    deadline = time.monotonic() + 20
    while "data-wait" in (page := look()):
        assert time.monotonic() < deadline
    return page


def test_phrasings_near_to_another_answers_are_named_before_anybody_publishes(
    site: Site, rita: StaffBrowser, noor: StaffBrowser
) -> None:
    answer_id = any_answer(site)
    with site.state.database.reading() as session:
        other = next(a for a in all_published(session) if a.id != answer_id)
    # The same words in another order: no rule finds it, the vectors do.
    near = " ".join(reversed(other.phrasings[0].split()))
    path = f"/console/answers/{answer_id}"
    changed = fields(site, answer_id, phrasings=f"{near}\nzebra xylophone quartz", act="preview")
    page = settled(lambda: rita.post(f"{path}/edit", changed).text)
    assert f"“{escape(near)}” is 100% like" in page
    assert f'<a href="/console/answers/{other.id}">' in page
    assert "“zebra" not in page
    rita.post(f"{path}/edit", {**changed, "act": "save"})
    rita.post(f"{path}/2/submit")
    page = settled(lambda: noor.get(path).text)
    assert f"“{escape(near)}” is 100% like" in page
    live = rita.get(f"/console/answers/{other.id}").text
    assert 'id="collisions"' not in live, "nothing is to be decided there"


def test_trying_a_message_shows_rules_and_ranking_and_stores_nothing(
    site: Site, rita: StaffBrowser
) -> None:
    page = rita.post("/console/try", {"text": f"{EMERGENCY} <b>now</b>"}).text
    assert "EMERGENCY" in page
    assert "911" in page
    assert "ask_pain 0.90" in page
    assert "<b>" not in page
    assert site.dialogue.sent == []
    with site.state.database.reading() as session:
        assert session.query(Message).count() == session.query(Conversation).count() == 0


def test_with_the_dialogue_down_the_nets_are_tried_all_the_same(
    site: Site, rita: StaffBrowser
) -> None:
    site.dialogue.down = True
    page = rita.post("/console/try", {"text": EMERGENCY}).text
    assert "does not answer" in page
    assert "EMERGENCY" in page


def test_every_rule_is_shown(site: Site, rita: StaffBrowser) -> None:
    page = rita.get("/console/rules").text
    for rule in site.state.screen.rules.rules:
        assert rule.id in page
        assert f'"/console/rules/{rule.id}"' in page
    last = site.state.screen.rules.rules[-1]
    evidence = rita.get(f"/console/rules/{last.id}").text
    for phrase in last.matches["en"]:
        assert phrase.replace("'", "&#39;") in evidence
