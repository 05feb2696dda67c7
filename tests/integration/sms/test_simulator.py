"""The phone page, `bot sms`, and `bot rotate-keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.cli import main
from bot.db import Database
from bot.errors import PrivateDataUnreadable
from bot.key_rotation import private_columns, rotate_keys
from bot.private_data import PrivateData
from bot.settings import ROOT, Settings
from bot.sms import commands
from bot.sms.models import SmsConsent, SmsNumber, SmsSuppression
from tests import builders
from tests.integration.conftest import OpenSite
from tests.integration.sms.conftest import PHONE, TWILIO, Clinic
from tests.web_site import Site, assert_problem

THREAD = "/sms/phone/thread"


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    return open_site(sms_provider="simulator")


def send(site: Site, text: str, **headers: str) -> Any:
    return site.browser().post(
        "/sms/simulator/inbound", data={"From": PHONE, "Body": text},
        headers={"Origin": site.url, **headers},
    )  # fmt: skip


def settle(site: Site) -> None:
    assert site.state.sms is not None
    while site.state.sms.work_once():
        site.clock.advance(seconds=1)


def test_the_phone_shows_both_sides_in_order(site: Site) -> None:
    assert send(site, "does it hurt").status_code == 200
    shown = site.browser().post(THREAD, json={"number": PHONE}).json()["messages"]
    assert [(m["from"], m["text"]) for m in shown] == [("patient", "does it hurt")]
    settle(site)
    shown = site.browser().post(THREAD, json={"number": "+1 (916) 555-0123"}).json()["messages"]
    assert [m["from"] for m in shown] == ["patient", "clinic"]
    assert shown[1]["text"].endswith("It can sting a little.")
    assert shown[1]["parts"] == 1


def test_another_number_sees_nothing_of_it(site: Site) -> None:
    send(site, "does it hurt")
    settle(site)
    other = site.browser().post(THREAD, json={"number": "+15305550111"})
    assert other.json() == {"messages": []}


def test_the_page_obeys_the_strict_policy(site: Site) -> None:
    page = site.browser().get("/sms/phone")
    assert page.status_code == 200
    assert "require-trusted-types-for 'script'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert " style=" not in page.text
    script = (ROOT / "bot/sms/phone/phone.js").read_text(encoding="utf-8")
    for way_in in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way_in not in script
    for name in ("phone.js", "phone.css"):
        assert f'"/sms/phone/{name}"' in page.text
        assert site.browser().get(f"/sms/phone/{name}").status_code == 200
    assert_problem(site.browser().get("/sms/phone/secrets.txt"), 404)


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_other_page_can_play_the_patient(site: Site, origin: str) -> None:
    assert_problem(send(site, "x", Origin=origin), 403)
    assert_problem(
        site.browser().post(THREAD, json={"number": PHONE}, headers={"Origin": origin}), 403
    )


@pytest.mark.parametrize("changes", [{}, TWILIO])
def test_without_the_simulator_there_is_no_phone(
    open_site: OpenSite, changes: dict[str, str]
) -> None:
    browser = open_site(**changes).browser()
    assert_problem(browser.get("/sms/phone"), 404)
    assert_problem(browser.post(THREAD, json={"number": PHONE}), 404)
    assert_problem(browser.post("/sms/simulator/inbound", data={"From": PHONE}), 404)


@pytest.fixture
def simulated(open_site: OpenSite, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = open_site(sms_provider="simulator").state.settings
    monkeypatch.setattr("bot.cli.load_settings", lambda: settings)
    return settings


def test_the_command_plays_a_phone_and_works_without_the_running_product(
    simulated: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["sms", "send", PHONE, "my", "throat", "is", "closing,", "i", "cant", "breathe"]) == 0
    )
    said = capsys.readouterr().out
    assert said.startswith("CALL 911 NOW.")
    assert "SMS]" in said


def test_the_command_says_so_when_nothing_comes_back(
    simulated: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sms", "opt-out", PHONE])
    assert main(["sms", "send", PHONE, "hello"]) == 0
    assert "opted out" in capsys.readouterr().out.splitlines()[-1]
    database = Database(simulated.database_url)
    with database.reading() as session:
        assert session.scalars(select(SmsSuppression.source)).all() == ["staff"]
    database.close()


@pytest.mark.parametrize("number", ["916", "abc", ""])
def test_a_malformed_number_is_explained(
    simulated: Settings, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    assert main(["sms", "send", number, "hello"]) == 1
    assert "+19165550123" in capsys.readouterr().err


def test_the_command_never_plays_a_patient_on_a_real_line(tmp_path: Path) -> None:
    with pytest.raises(commands.SmsCommandError, match="simulator"):
        commands.send(builders.settings(tmp_path, **TWILIO), PHONE, "hello")


def test_rotating_keys_makes_every_value_readable_with_the_new_key_alone(clinic: Clinic) -> None:
    clinic.ask("hello")
    clinic.ask("please stop texting me")
    old, new = clinic.state.settings.data_keys[0], "n" * 40
    lookup = clinic.state.settings.lookup_secret
    assert rotate_keys(clinic.state.database, PrivateData((new, old), lookup)) == 3
    alone = PrivateData((new,), lookup)
    assert alone.decrypt(clinic.rows(SmsNumber)[0].number) == PHONE
    assert [alone.decrypt(row.words) for row in clinic.rows(SmsConsent)] == [
        "", "please stop texting me",
    ]  # fmt: skip
    assert clinic.rows(SmsNumber)[0].number_hash == alone.lookup(PHONE)
    with pytest.raises(PrivateDataUnreadable):
        rotate_keys(clinic.state.database, PrivateData(("other" * 10,), lookup))


def test_the_command_rotates(simulated: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    main(["sms", "opt-out", PHONE])
    assert main(["rotate-keys"]) == 0
    assert "1 values" in capsys.readouterr().out


def test_every_column_of_the_line_that_holds_a_number_or_words_of_consent_is_marked() -> None:
    marked = {(table.name, column.name) for table, column in private_columns()}
    assert {("sms_numbers", "number"), ("sms_consent", "words")} <= marked
    assert ("staff_members", "totp_secret") in marked
