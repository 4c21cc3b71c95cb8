"""Questionnaires, logs and their pages over the running service."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.integration.api.conftest import CRISIS, Client, sign_in
from tests.site import Site
from tools.wellness.instruments.definition import definitions


@pytest.fixture
def noor(site: Site) -> Client:
    return sign_in(site, "student", 2)


@pytest.fixture
def browser(site: Site) -> Iterator[httpx.Client]:
    """A signed-in browser without a script."""
    login = site.login("student", 2)
    with httpx.Client(
        base_url=site.address, headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}, timeout=30
    ) as http:
        http.post("/sign-in", data={"email": login.email, "password": login.password})
        yield http


def test_every_instrument_can_be_asked_for_and_shows_its_source(noor: Client) -> None:
    listed = noor.http.get("/wellness/instruments").json()
    assert {entry["id"] for entry in listed} == set(definitions())
    for entry in listed:
        shown = noor.http.get(f"/wellness/instruments/{entry['id']}").json()
        assert shown["source"] and shown["wording"] == "own" and shown["items"]
    assert noor.http.get("/wellness/instruments/iq").status_code == 404


def test_a_questionnaire_is_filled_in_explained_and_read_back(noor: Client) -> None:
    values = {"nervous": 1, "control": 2, "worry": 1, "relax": 1, "restless": 0, "irritable": 1}
    done = noor.http.post("/wellness/instruments/gad7/entries", json={"values": values})
    assert done.status_code == 201, done.text
    found = done.json()
    assert found["entry"]["score"] == {"value": 7, "missing": 1, "band": "mild"}
    assert any("not a diagnosis" in line for line in found["result"]) and found["asked_in"] is None
    page = noor.http.get("/wellness/instruments/gad7/entries").json()
    assert page["items"][0]["id"] == found["entry"]["id"] and page["as_of"]
    assert noor.http.get("/wellness/instruments/gad7/summary").json()["lines"][0]["latest"] == 7
    path = f"/wellness/entries/{found['entry']['id']}"
    assert noor.http.get(path).json()["answers"]["control"] == 2
    assert noor.http.delete(path).status_code == 204 and noor.http.get(path).status_code == 404


def test_somebody_elses_entry_is_nobodys(noor: Client, maya: Client, rosa: Client) -> None:
    entry = noor.http.post("/wellness/instruments/sleep/entries", json={"values": {"hours": 7}}).json()["entry"]["id"]
    assert maya.http.get(f"/wellness/entries/{entry}").status_code == 404
    assert maya.http.delete(f"/wellness/entries/{entry}").status_code == 404
    for method, path in (("GET", "/wellness/instruments"), ("GET", "/wellness/instruments/sleep/entries"),
                         ("GET", f"/wellness/entries/{entry}"), ("DELETE", f"/wellness/entries/{entry}"),
                         ("GET", "/wellness/instruments/sleep/summary")):  # fmt: skip
        assert rosa.http.request(method, path).status_code == 403, path


def test_item_nine_and_words_lead_to_the_chat(maya: Client) -> None:
    asked = maya.http.post("/wellness/instruments/phq9/entries", json={"values": {"self_harm": 2}}).json()
    assert asked["asked_in"] and maya.messages(asked["asked_in"])
    told = maya.http.post(
        "/wellness/instruments/baseline/entries", json={"values": {"energy": 1, "note": CRISIS}}
    ).json()
    assert told["crisis"]["path"] == "script" and told["entry"]["answers"]["energy"] == 1


@pytest.mark.parametrize("name", [*definitions(), "mood"])
def test_every_page_shows_its_form(browser: httpx.Client, name: str) -> None:
    page = browser.get(f"/logs/{name}")
    assert (page.status_code == 200 and "<form" in page.text and "diagnosis" in page.text) or name != "mood"


def test_a_form_is_filled_in_without_a_script(browser: httpx.Client) -> None:
    assert "Sleep" in browser.get("/logs").text
    refused = browser.post("/logs/sleep", data={"hours": "30", "quality": "2"})
    assert refused.status_code == 422 and "takes a number from 0 to 24" in refused.text
    assert 'value="2" checked' in refused.text
    saved = browser.post("/logs/sleep", data={"hours": "6.5", "quality": "4", "note": "a quiet one"})
    assert saved.status_code == 200 and "Saved." in saved.text and "a quiet one" in saved.text
    mood = browser.post("/logs/mood", data={"score": "6", "feelings": ["calm"], "note": "tea"})
    assert mood.status_code == 200 and "Saved." in mood.text and "tea" in mood.text
    assert browser.post("/logs/mood", data={"score": "0"}).status_code == 422


def test_a_crisis_in_a_form_leads_to_the_chat(site: Site) -> None:
    login = site.login("student", 1)
    with httpx.Client(base_url=site.address, headers={"Sec-Fetch-Site": "same-origin"}, timeout=30) as http:
        http.post("/sign-in", data={"email": login.email, "password": login.password})
        for path, data in (("/logs/mood", {"score": "2", "note": CRISIS}), ("/logs/phq9", {"self_harm": "1"})):
            answer = http.post(path, data=data)
            assert answer.status_code == 303 and answer.headers["location"].startswith("/chat/"), path


def test_reminders_and_choices_over_http(noor: Client, rosa: Client) -> None:
    kept = noor.http.put("/wellness/reminders/sleep", json={"hour": 10, "every_days": 2})
    assert kept.status_code == 200 and kept.json()["next_at"]
    assert [entry["instrument"] for entry in noor.http.get("/wellness/reminders").json()] == ["sleep"]
    assert noor.http.put("/wellness/reminders/sleep", json={"hour": 3}).status_code == 422  # In the quiet hours.
    assert noor.http.put("/wellness/reminders/iq", json={"hour": 10}).status_code == 404
    assert noor.http.delete("/wellness/reminders/sleep").status_code == 204
    assert noor.http.get("/wellness/reminders").json() == []
    chosen = noor.http.get("/companion/settings").json()
    assert set(chosen["offered"]) == {"approaches", "tones", "lengths"} and "CBT" in chosen["approaches"]
    body = {name: chosen[name] for name in ("tone", "length", "quiet_from", "quiet_to", "language")}
    changed = noor.http.put("/companion/settings", json={**body, "approaches": ["DBT"], "tone": "plain"})
    assert changed.json()["approaches"] == ["DBT"] and changed.json()["tone"] == "plain"
    assert noor.http.put("/companion/settings", json={**body, "approaches": ["x"]}).status_code == 422
    noor.http.put("/companion/settings", json={**body, "approaches": chosen["approaches"]})
    for path in ("/companion/settings", "/wellness/reminders"):
        assert rosa.http.get(path).status_code == 403


def test_the_pages_of_plan_choices_and_reminders(browser: httpx.Client) -> None:
    written = browser.post(
        "/plan/write", data={"own_coping": "walk to the river\n\ncall nobody yet"}, follow_redirects=True
    )
    assert written.status_code == 200 and "walk to the river" in written.text and "call nobody yet" in written.text
    assert browser.post("/plan/write", data={"own_coping": "x" * 301}).status_code == 422
    form = {
        "approaches": ["CBT", "ACT"],
        "tone": "plain",
        "length": "short",
        "quiet_from": "21:00",
        "quiet_to": "07:30",
    }
    saved = browser.post("/yours/companion", data=form)
    assert saved.status_code == 200 and 'value="21:00"' in saved.text
    assert browser.post("/yours/companion", data={**form, "quiet_to": "late"}).status_code == 422
    page = browser.post("/logs/mood/reminder", data={"hour": "12", "every_days": "7"}, follow_redirects=True)
    assert "every 7 days at 12:00" in page.text
    ended = browser.post("/logs/mood/reminder", data={"hour": ""}, follow_redirects=True)
    assert "none unless you ask" in ended.text
    assert browser.post("/logs/gad7/reminder", data={"hour": "23"}).status_code == 422
