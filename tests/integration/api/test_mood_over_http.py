"""Moods and the way to help as an app sees them, over the running service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.ids import new_id
from tests.integration.api.conftest import CRISIS, Client, sign_in
from tests.site import Site


@pytest.fixture
def noor(site: Site) -> Client:
    """A student whose moods no other test reads."""
    return sign_in(site, "student", 2)


def log(client: Client, **body: object) -> dict[str, object]:
    response = client.http.post("/wellness/mood", json=body)
    assert response.status_code == 201, response.text
    found: dict[str, object] = response.json()
    return found


def test_a_mood_is_logged_read_back_today_and_paged(noor: Client) -> None:
    before = noor.http.get("/wellness/mood/today").json()
    logged = log(noor, score=6, emotions=["hopeful", "tired"], note="the lab went okay")
    assert logged["crisis"] is None
    today = noor.http.get("/wellness/mood/today").json()
    assert today["items"][0] == logged["mood"] and len(today["items"]) == len(before["items"]) + 1
    assert today["as_of"] and today["time_zone"]
    pages, cursor = [], None
    while True:
        page = noor.http.get("/wellness/mood/history", params={"limit": 7, **({"cursor": cursor} if cursor else {})})
        found = page.json()
        pages += [item["id"] for item in found["items"]]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    whole = [item["id"] for item in noor.http.get("/wellness/mood/history", params={"limit": 200}).json()["items"]]
    assert pages == whole and len(set(pages)) == len(pages) > 7
    assert noor.http.get("/wellness/mood/history", params={"cursor": "nonsense"}).status_code == 422


def test_the_same_key_stores_nothing_twice(noor: Client) -> None:
    key = {"Idempotency-Key": str(new_id())}
    first = noor.http.post("/wellness/mood", json={"score": 4, "note": "first"}, headers=key).json()
    again = noor.http.post("/wellness/mood", json={"score": 4, "note": "first"}, headers=key).json()
    assert again == first


def test_what_does_not_fit_is_refused_with_a_clear_word(noor: Client) -> None:
    late = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    for body in ({"score": 0}, {"score": 11}, {"score": 5, "emotions": ["meh"]}, {"score": 5, "note": "x" * 4001},
                 {"score": 5, "logged_at": late}, {"score": "fine"}):  # fmt: skip
        response = noor.http.post("/wellness/mood", json=body)
        assert response.status_code == 422, body
        assert response.headers["content-type"] == "application/problem+json"
    assert noor.http.post("/mood/shift", json={"to_score": 3, "from_score": 12}).status_code == 422


def test_a_late_entry_keeps_its_own_time(noor: Client) -> None:
    at = (datetime.now(UTC) - timedelta(days=2)).replace(microsecond=0)
    logged = log(noor, score=3, logged_at=at.isoformat())
    mood = logged["mood"]
    assert isinstance(mood, dict) and datetime.fromisoformat(mood["logged_at"]) == at


def test_a_shift_says_from_where_to_where(noor: Client) -> None:
    log(noor, score=8)
    shift = noor.http.post("/mood/shift", json={"to_score": 4, "note": "the grade came", "emotions": ["hurt"]})
    assert shift.status_code == 201
    found = shift.json()
    assert (found["from_score"], found["change"], found["mood"]["score"]) == (8, -4, 4)


def test_analytics_say_what_they_rest_on(noor: Client) -> None:
    found = noor.http.get("/wellness/mood/analytics", params={"days": 60}).json()
    assert found["n"] > 20 and found["as_of"]
    assert found["trend"]["standing"] in ("clear", "unclear") and found["trend"]["n"] >= 7
    assert found["trend"]["low"] <= found["trend"]["per_week"] <= found["trend"]["high"]
    assert noor.http.get("/wellness/mood/analytics", params={"days": 3}).status_code == 422


def test_at_least_fifteen_feelings_have_names(noor: Client) -> None:
    assert len({feeling["id"] for feeling in noor.http.get("/wellness/emotions").json()}) >= 15


@pytest.mark.parametrize("wrong", [{}, {"score": 99}, {"emotions": ["nothing like it"]}])
def test_a_crisis_in_a_note_is_answered_whatever_else_is_wrong(jonas: Client, wrong: dict[str, object]) -> None:
    response = jonas.http.post("/wellness/mood", json={"score": 2, "note": CRISIS, **wrong})
    assert response.status_code == (422 if wrong else 201)
    newest = jonas.http.get("/conversations").json()["items"][0]["id"]
    assert CRISIS in [message["text"] for message in jonas.messages(newest)]
    status = jonas.http.get(f"/conversations/{newest}/status").json()
    assert status["delivery"] is not None
    if not wrong:
        crisis = response.json()["crisis"]
        assert crisis["conversation_id"] == newest and crisis["crisis"]["resources"]


def test_the_way_to_help(jonas: Client, noor: Client) -> None:
    found = noor.http.get("/wellness/crisis/resources").json()
    assert found["region"] == "US" and any(line["call"] == "988" for line in found["items"])
    assert found["staffed_now"] is not None and found["has_plan"] is not None
    abroad = noor.http.get("/wellness/crisis/resources", params={"region": "GB"}).json()
    assert abroad["region"] == "GB" and not any(line["call"] == "988" for line in abroad["items"])
    alert = jonas.http.post("/wellness/crisis/alert", json={"text": "the group project fell apart"})
    assert alert.status_code == 201
    assert alert.json()["crisis"]["messages"]
    assert jonas.http.post("/wellness/crisis/alert", json={}).status_code == 201


@pytest.mark.parametrize("wrong", ["counselor", "supervisor", "admin"])
def test_staff_and_operators_have_no_moods(site: Site, wrong: str) -> None:
    client = sign_in(site, wrong)
    for path in ("/wellness/mood/today", "/wellness/mood/history", "/wellness/mood/analytics", "/wellness/emotions",
                 "/wellness/crisis/resources"):  # fmt: skip
        assert client.http.get(path).status_code == 403, path
    for path, body in (
        ("/wellness/mood", {"score": 5}),
        ("/mood/shift", {"to_score": 5}),
        ("/wellness/crisis/alert", {}),
    ):
        assert client.http.post(path, json=body).status_code == 403, path
