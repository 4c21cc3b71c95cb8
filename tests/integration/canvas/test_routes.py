"""The routes over HTTP: an app, a browser, and everybody who is not the student."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.app import create_app
from api.deps import ACCESS_COOKIE
from api.limits import Limiter
from core.settings import Settings
from db.access import Acting, Database
from simulators.canvas.browser import consent
from tests.integration.canvas.conftest import MAYA, Bench
from tools.people.consent import ConsentKind, consent_texts

BASE = "/api/v1/academic/canvas"
ROUTES = [
    ("GET", "auth-url"), ("POST", "callback"), ("GET", "status"), ("POST", "sync"), ("POST", "disconnect"),
    ("GET", "consent"), ("POST", "consent"),
]  # fmt: skip


@pytest.fixture
async def http(bench: Bench, settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The real application over the parts that these routes use."""
    accounts = bench.people.accounts
    accounts.access._clock = bench.clock
    parts = SimpleNamespace(
        settings=settings, clock=bench.clock, db=database, jobs=bench.jobs, accounts=accounts, limiter=Limiter(""),
        canvas=replace(bench.desk, db=database),
    )  # fmt: skip
    app = create_app(settings, parts)  # type: ignore[arg-type]
    app.state.parts = parts
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://companion.test") as client:
        yield client


def as_(bench: Bench, who: Acting) -> dict[str, str]:
    return {"Authorization": f"Bearer {bench.people.accounts.access.issue(who)[0]}"}


def answer_in(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def agrees(http: httpx.AsyncClient, who: dict[str, str]) -> None:
    """Read what is asked, and say yes to it."""
    early = await http.get(f"{BASE}/auth-url", headers=who)
    assert (early.status_code, early.json()["code"]) == (409, "consent_needed")
    asked = (await http.get(f"{BASE}/consent", headers=who)).json()
    assert (asked["given_at"], asked["may_give"]) == (None, True)
    assert any("It only reads." in words for words in asked["text"])
    old = await http.post(f"{BASE}/consent", headers=who, json={"version": "2020-01-1"})
    assert old.status_code == 409
    yes = await http.post(f"{BASE}/consent", headers=who, json={"version": asked["version"]})
    assert yes.json()["given_at"].endswith("-06:00")


async def test_an_app_connects_syncs_and_disconnects(bench: Bench, http: httpx.AsyncClient) -> None:
    maya = as_(bench, bench.people.maya)
    assert (await http.get(f"{BASE}/status", headers=maya)).json()["state"] == "not_connected"
    await agrees(http, maya)
    url = (await http.get(f"{BASE}/auth-url", headers=maya)).json()["url"]
    query = answer_in(url)
    assert query["code_challenge_method"] == "S256"
    assert len(query["state"]) > 30
    body = answer_in(consent(url, MAYA))
    done = await http.post(f"{BASE}/callback", headers=maya, json=body)
    assert (done.status_code, done.json()["state"]) == (200, "waiting")
    again = await http.post(f"{BASE}/callback", headers=maya, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "canvas_sign_in")
    assert await bench.sync(bench.people.maya) == "current"
    status = (await http.get(f"{BASE}/status", headers=maya)).json()
    assert (status["courses"], status["missing"]) == (4, 2)
    assert status["synced_at"].endswith("-06:00")
    assert (await http.post(f"{BASE}/sync", headers=maya)).status_code == 202
    assert "taken back" in (await http.post(f"{BASE}/disconnect", headers=maya)).json()["text"]
    assert (await http.get(f"{BASE}/status", headers=maya)).json()["state"] == "not_connected"
    assert (await http.get(f"{BASE}/consent", headers=maya)).json()["given_at"] is None


async def test_a_browser_agrees_connects_and_reads_how_it_stands(bench: Bench, http: httpx.AsyncClient) -> None:
    token = as_(bench, bench.people.maya)["Authorization"].removeprefix("Bearer ")
    page = {"Cookie": f"{ACCESS_COOKIE}={token}", "Origin": "http://companion.test", "Accept": "text/html"}
    early = await http.get("/canvas/connect", headers=page)
    assert early.status_code == 409
    assert "Read what it is about and agree first" in early.text
    asked = await http.get("/canvas", headers=page)
    assert "You have not agreed" in asked.text
    version = consent_texts()[ConsentKind.CANVAS].version
    yes = await http.post("/canvas/consent", data={"answer": "yes", "version": version}, headers=page)
    assert (yes.status_code, yes.headers["location"]) == (303, "/canvas")

    async def back(*, deny: bool = False) -> httpx.Response:
        url = (await http.get("/canvas/connect", headers=page)).headers["location"]
        return await http.get(f"{BASE}/callback", params=answer_in(consent(url, MAYA, deny=deny)), headers=page)

    no = await back(deny=True)
    assert no.status_code == 409
    assert "You said no in Canvas" in no.text
    assert (await back()).headers["location"] == "/canvas"
    assert "The first look at your courses is on its way." in (await http.get("/canvas", headers=page)).text
    assert await bench.sync(bench.people.maya) == "current"
    stands = await http.get("/canvas", headers=page)
    assert "4 courses, 7 due within a week, 2 missing." in stands.text
    assert "UTC" not in stands.text
    assert "Asked." in (await http.post("/canvas/sync", headers=page)).text
    gone = await http.post("/canvas/disconnect", headers=page)
    assert "the permission in Canvas is taken back" in gone.text
    assert "You have not agreed" in gone.text


async def test_a_stranger_at_the_callback_signs_in_first(http: httpx.AsyncClient) -> None:
    stranger = await http.get(f"{BASE}/callback", params={"state": "x", "code": "y"})
    assert stranger.status_code == 303
    assert stranger.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_these_are_a_students_own_routes(bench: Bench, http: httpx.AsyncClient, method: str, path: str) -> None:
    body = {"callback": {"state": "x", "code": "y"}, "consent": {"version": "x"}}.get(path)
    assert (await http.request(method, f"{BASE}/{path}", json=body)).status_code == 401
    for wrong in (bench.people.rosa, bench.people.operator, bench.people.foreign_counselor):
        assert (await http.request(method, f"{BASE}/{path}", json=body, headers=as_(bench, wrong))).status_code == 403


async def test_an_app_without_an_address_of_its_own_is_told_so(bench: Bench, http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{BASE}/auth-url?client=app", headers=as_(bench, bench.people.maya))
    assert (answer.status_code, answer.json()["code"]) == (404, "canvas_not_offered")
