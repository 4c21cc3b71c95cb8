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

BASE = "/api/v1/academic/canvas"
ROUTES = [("GET", "auth-url"), ("POST", "callback"), ("GET", "status"), ("POST", "sync"), ("POST", "disconnect")]


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


async def test_an_app_connects_syncs_and_disconnects(bench: Bench, http: httpx.AsyncClient) -> None:
    maya = as_(bench, bench.people.maya)
    assert (await http.get(f"{BASE}/status", headers=maya)).json()["state"] == "not_connected"
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


async def test_a_browser_comes_back_to_a_page(bench: Bench, http: httpx.AsyncClient) -> None:
    maya = as_(bench, bench.people.maya)
    cookie = {"Cookie": f"{ACCESS_COOKIE}={maya['Authorization'].removeprefix('Bearer ')}"}
    url = (await http.get(f"{BASE}/auth-url", headers=maya)).json()["url"]
    no = await http.get(f"{BASE}/callback", params=answer_in(consent(url, MAYA, deny=True)), headers=cookie)
    assert no.status_code == 409
    assert "You said no in Canvas" in no.text
    url = (await http.get(f"{BASE}/auth-url", headers=maya)).json()["url"]
    yes = await http.get(f"{BASE}/callback", params=answer_in(consent(url, MAYA)), headers=cookie)
    assert yes.status_code == 200
    assert "Canvas is connected" in yes.text
    stranger = await http.get(f"{BASE}/callback", params={"state": "x", "code": "y"})
    assert stranger.status_code == 303
    assert stranger.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_these_are_a_students_own_routes(bench: Bench, http: httpx.AsyncClient, method: str, path: str) -> None:
    body = {"state": "x", "code": "y"} if path == "callback" else None
    assert (await http.request(method, f"{BASE}/{path}", json=body)).status_code == 401
    for wrong in (bench.people.rosa, bench.people.operator, bench.people.foreign_counselor):
        assert (await http.request(method, f"{BASE}/{path}", json=body, headers=as_(bench, wrong))).status_code == 403


async def test_an_app_without_an_address_of_its_own_is_told_so(bench: Bench, http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{BASE}/auth-url?client=app", headers=as_(bench, bench.people.maya))
    assert (answer.status_code, answer.json()["code"]) == (404, "canvas_not_offered")
